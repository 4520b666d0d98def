/* SPDX-License-Identifier: BSD-2-Clause */
/* Untyped memory: retype in all its ways. */
#include "test/kernel/kt.h"

#define WINDOW KT_WINDOW

static seL4_Error retype(seL4_CPtr untyped, seL4_Word type, seL4_Word bits, seL4_CPtr slot,
			 seL4_Word count)
{
	return seL4_Untyped_Retype(untyped, type, bits, KT_ROOT, 0, 0, slot, count);
}

static void untyped_retypes_every_object(void)
{
	static const struct {
		seL4_Word type, bits;
	} objects[] = {
		{ seL4_UntypedObject, 4 },       { seL4_TCBObject, 0 },
		{ seL4_EndpointObject, 0 },      { seL4_NotificationObject, 0 },
		{ seL4_CapTableObject, 1 },      { seL4_SchedContextObject, 7 },
		{ seL4_ReplyObject, 0 },         { seL4_ARM_VSpaceObject, 0 },
		{ seL4_ARM_SmallPageObject, 0 }, { seL4_ARM_LargePageObject, 0 },
		{ seL4_ARM_PageTableObject, 0 }, { seL4_ARM_VCPUObject, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		seL4_CPtr slot = kt_slots(1);

		CHECK_OK(retype(kt_memory(), objects[i].type, objects[i].bits, slot, 1));
		CHECK(!kt_empty(slot));
	}
}

static void untyped_bad_type(void)
{
	CHECK_EQ(retype(kt_memory(), seL4_ObjectTypeCount, 12, kt_slots(1), 1),
		 seL4_InvalidArgument);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(retype(kt_memory(), ~0ul, 12, kt_slots(1), 1), seL4_InvalidArgument);
}

static void untyped_bad_sizes(void)
{
	seL4_CPtr slot = kt_slots(1);

	CHECK_EQ(retype(kt_memory(), seL4_CapTableObject, 0, slot, 1), seL4_InvalidArgument);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(retype(kt_memory(), seL4_UntypedObject, 3, slot, 1), seL4_InvalidArgument);
	CHECK_EQ(retype(kt_memory(), seL4_SchedContextObject, 6, slot, 1), seL4_InvalidArgument);
	CHECK_EQ(retype(kt_memory(), seL4_UntypedObject, 48, slot, 1), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), seL4_MaxUntypedBits);
	CHECK_EQ(retype(kt_memory(), seL4_CapTableObject, 63, slot, 1), seL4_RangeError);
}

static void untyped_bad_counts(void)
{
	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, kt_slots(1), 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_GetMR(1), CONFIG_RETYPE_FAN_OUT_LIMIT);
	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, kt_slots(1), 257), seL4_RangeError);
}

static void untyped_many_at_once(void)
{
	seL4_CPtr first = kt_slots(256);

	CHECK_OK(retype(kt_memory(), seL4_EndpointObject, 0, first, 256));
	for (unsigned i = 0; i < 256; i += 51)
		CHECK(!kt_empty(first + i));
}

static void untyped_window_outside_cnode(void)
{
	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, 4096, 1), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), 4095);
	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, 4095, 2), seL4_RangeError);
}

static void untyped_slot_in_use(void)
{
	seL4_CPtr used = kt_new(seL4_EndpointObject, 0), next = kt_slots(1);

	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, used, 1), seL4_DeleteFirst);
	CHECK_EQ(retype(kt_memory(), seL4_EndpointObject, 0, used, 2), seL4_DeleteFirst);
	CHECK(kt_empty(next));
}

static void untyped_root_is_no_cnode(void)
{
	seL4_CPtr endpoint = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, endpoint, 0, 0,
				     kt_slots(1), 1),
		 seL4_FailedLookup);
}

static void untyped_node_by_depth(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 4);

	/* The root CNode's guard takes 52 bits, its index 12: at depth 64, a slot of it. */
	CHECK_OK(
		seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, KT_ROOT, cnode, 64, 3, 1));
	CHECK_EQ(seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, KT_ROOT, cnode, 64, 3, 1),
		 seL4_DeleteFirst);
	CHECK_EQ(
		seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, KT_ROOT, cnode, 64, 16, 1),
		seL4_RangeError);
	CHECK_EQ(seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, KT_ROOT, kt_slots(1), 64,
				     0, 1),
		 seL4_FailedLookup);
	CHECK_EQ(seL4_Untyped_Retype(kt_memory(), seL4_EndpointObject, 0, KT_ROOT, cnode, 65, 0, 1),
		 seL4_RangeError);
}

static void untyped_too_small(void)
{
	seL4_CPtr small = kt_new(seL4_UntypedObject, 10);

	CHECK_EQ(retype(small, seL4_ARM_SmallPageObject, 0, kt_slots(1), 1), seL4_NotEnoughMemory);
	CHECK_EQ(seL4_GetMR(0), 1024);
	CHECK_OK(retype(small, seL4_UntypedObject, 9, kt_slots(1), 1));
	CHECK_EQ(retype(small, seL4_UntypedObject, 9, kt_slots(2), 2), seL4_NotEnoughMemory);
	CHECK_EQ(seL4_GetMR(0), 512);
	CHECK_OK(retype(small, seL4_UntypedObject, 9, kt_slots(1), 1));
	CHECK_EQ(retype(small, seL4_EndpointObject, 0, kt_slots(1), 1), seL4_NotEnoughMemory);
	CHECK_EQ(seL4_GetMR(0), 0);
}

/* Filled to the last object, revoked, filled again: nothing leaks. */
static void untyped_exhausted_and_reused(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 12), first = kt_slots(256);

	for (int round = 0; round < 3; round++) {
		CHECK_OK(retype(untyped, seL4_EndpointObject, 0, first, 256));
		CHECK_EQ(retype(untyped, seL4_EndpointObject, 0, kt_slots(1), 1),
			 seL4_NotEnoughMemory);
		CHECK_OK(seL4_CNode_Revoke(KT_ROOT, untyped, KT_DEPTH));
		CHECK(kt_empty(first));
		CHECK(kt_empty(first + 255));
	}
}

/* Deleting the last child gives the memory back as well. */
static void untyped_reused_after_last_delete(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 12), slot = kt_slots(2);

	CHECK_OK(retype(untyped, seL4_UntypedObject, 11, slot, 2));
	kt_delete(slot);
	CHECK_EQ(retype(untyped, seL4_UntypedObject, 11, slot, 1), seL4_NotEnoughMemory);
	kt_delete(slot + 1);
	CHECK_OK(retype(untyped, seL4_UntypedObject, 12, slot, 1));
}

static void untyped_objects_are_aligned(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 14), slot = kt_slots(2);
	seL4_ARM_Page_GetAddress_t a;

	CHECK_OK(retype(untyped, seL4_EndpointObject, 0, slot, 1));
	CHECK_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, slot + 1, 1));
	a = seL4_ARM_Page_GetAddress(slot + 1);
	CHECK_OK(a.error);
	CHECK_EQ(a.paddr & 0x3fff, 0x1000);
}

static void untyped_ram_is_zeroed(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 13), frame = kt_slots(1);
	volatile uint64_t *page = (volatile uint64_t *)WINDOW;

	for (int round = 0; round < 2; round++) {
		CHECK_OK(retype(untyped, seL4_ARM_SmallPageObject, 0, frame, 1));
		kt_map_in(seL4_CapInitThreadVSpace, frame, WINDOW, seL4_AllRights,
			  seL4_ARM_Default_VMAttributes);
		for (unsigned i = 0; i < 512; i++) {
			CHECK_EQ(page[i], 0);
			page[i] = ~0ul;
		}
		CHECK_OK(seL4_CNode_Revoke(KT_ROOT, untyped, KT_DEPTH));
	}
}

/* What the system image's archive relies on: never cleared, and cacheable when mapped so. */
static void untyped_device_memory_is_not_zeroed(void)
{
	enum { ADDRESS = 0x5ff00000 };
	volatile uint64_t *page = (volatile uint64_t *)WINDOW;
	seL4_CPtr frame = kt_device_frame(ADDRESS, seL4_ARM_SmallPageObject, 12);

	kt_map_in(seL4_CapInitThreadVSpace, frame, WINDOW, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	page[7] = 0x1234567890abcdef;
	CHECK_OK(seL4_ARM_Page_CleanInvalidate_Data(frame, 0, 4096));
	kt_delete(frame);

	/* The rest of that untyped is still there: the next frame is the one behind. */
	frame = kt_slots(1);
	for (seL4_CPtr u = kt_bootinfo()->untyped.start; u < kt_bootinfo()->untyped.end; u++) {
		const seL4_UntypedDesc *d =
			&kt_bootinfo()->untypedList[u - kt_bootinfo()->untyped.start];

		if (d->isDevice && range_inside(ADDRESS, 4096, d->paddr, 1ul << d->sizeBits))
			CHECK_OK(seL4_CNode_Revoke(KT_ROOT, u, KT_DEPTH));
	}
	frame = kt_device_frame(ADDRESS, seL4_ARM_SmallPageObject, 12);
	CHECK_EQ(seL4_ARM_Page_GetAddress(frame).paddr, ADDRESS);
	kt_map_in(seL4_CapInitThreadVSpace, frame, WINDOW, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	CHECK_EQ(page[7], 0x1234567890abcdef);
}

static void untyped_device_makes_frames_only(void)
{
	static const seL4_Word types[] = {
		seL4_TCBObject,        seL4_EndpointObject,      seL4_NotificationObject,
		seL4_CapTableObject,   seL4_SchedContextObject,  seL4_ReplyObject,
		seL4_ARM_VSpaceObject, seL4_ARM_PageTableObject, seL4_ARM_VCPUObject,
	};
	seL4_CPtr device = kt_device_frame(0x5fe00000, seL4_UntypedObject, 16);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		CHECK_EQ(retype(device, types[i], 8, kt_slots(1), 1), seL4_InvalidArgument);
	CHECK_OK(retype(device, seL4_ARM_SmallPageObject, 0, kt_slots(1), 1));
	CHECK_OK(retype(device, seL4_UntypedObject, 12, kt_slots(1), 1));
}

static void untyped_device_large_frame(void)
{
	seL4_CPtr frame = kt_device_frame(0x5fc00000, seL4_ARM_LargePageObject, 21);

	CHECK_EQ(seL4_ARM_Page_GetAddress(frame).paddr, 0x5fc00000);
}

static void untyped_with_children_cannot_be_copied(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 12), child = kt_slots(1), copy = kt_slots(1);

	CHECK_OK(retype(untyped, seL4_EndpointObject, 0, child, 1));
	CHECK_EQ(seL4_CNode_Copy(KT_ROOT, copy, KT_DEPTH, KT_ROOT, untyped, KT_DEPTH,
				 seL4_AllRights),
		 seL4_RevokeFirst);
	kt_delete(child);
	CHECK_OK(seL4_CNode_Copy(KT_ROOT, copy, KT_DEPTH, KT_ROOT, untyped, KT_DEPTH,
				 seL4_AllRights));
}

static void untyped_nested_revoke(void)
{
	seL4_CPtr a = kt_new(seL4_UntypedObject, 16), b = kt_slots(1), c = kt_slots(1),
		  d = kt_slots(1);

	CHECK_OK(retype(a, seL4_UntypedObject, 14, b, 1));
	CHECK_OK(retype(b, seL4_UntypedObject, 12, c, 1));
	CHECK_OK(retype(c, seL4_EndpointObject, 0, d, 1));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, b, KT_DEPTH));
	CHECK(!kt_empty(b));
	CHECK(kt_empty(c));
	CHECK(kt_empty(d));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, a, KT_DEPTH));
	CHECK(kt_empty(b));
}

static void untyped_malformed_call(void)
{
	CHECK_EQ(kt_invoke_raw(kt_memory(), UntypedRetype, 0, 5), seL4_TruncatedMessage);
	seL4_SetMR(0, seL4_EndpointObject);
	CHECK_EQ(kt_invoke_raw(kt_memory(), UntypedRetype, 0, 6), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(kt_memory(), TCBSuspend, 0, 6), seL4_IllegalOperation);
	CHECK_EQ(kt_invoke_raw(kt_memory(), 0, 0, 0), seL4_IllegalOperation);
}

static const struct kt_test tests[] = {
	KT(untyped_retypes_every_object),
	KT(untyped_bad_type),
	KT(untyped_bad_sizes),
	KT(untyped_bad_counts),
	KT(untyped_many_at_once),
	KT(untyped_window_outside_cnode),
	KT(untyped_slot_in_use),
	KT(untyped_root_is_no_cnode),
	KT(untyped_node_by_depth),
	KT(untyped_too_small),
	KT(untyped_exhausted_and_reused),
	KT(untyped_reused_after_last_delete),
	KT(untyped_objects_are_aligned),
	KT(untyped_ram_is_zeroed),
	KT(untyped_device_memory_is_not_zeroed),
	KT(untyped_device_makes_frames_only),
	KT(untyped_device_large_frame),
	KT(untyped_with_children_cannot_be_copied),
	KT(untyped_nested_revoke),
	KT(untyped_malformed_call),
};

KT_GROUP(untyped);
