/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces: page tables, frames and what a mapping allows. */
#include "test/kernel/kt.h"

#define OWN  seL4_CapInitThreadVSpace
#define ATTR seL4_ARM_Default_VMAttributes
#define AT   KT_WINDOW

static volatile uint64_t *words(seL4_Word address)
{
	return (volatile uint64_t *)address;
}

static seL4_Error map(seL4_CPtr frame, seL4_CPtr vspace, seL4_Word vaddr)
{
	return seL4_ARM_Page_Map(frame, vspace, vaddr, seL4_AllRights, ATTR);
}

static seL4_CPtr small(void)
{
	return kt_new(seL4_ARM_SmallPageObject, 0);
}

static void vspace_map_small_page(void)
{
	kt_map(AT);
	for (unsigned i = 0; i < 512; i++)
		words(AT)[i] = i;
	for (unsigned i = 0; i < 512; i++)
		CHECK_EQ(words(AT)[i], i);
}

static void vspace_map_large_page(void)
{
	seL4_CPtr frame = kt_new(seL4_ARM_LargePageObject, 0);

	kt_map_in(OWN, frame, AT, seL4_AllRights, ATTR);
	for (unsigned i = 0; i < 0x200000 / 8; i += 511)
		words(AT)[i] = i;
	for (unsigned i = 0; i < 0x200000 / 8; i += 511)
		CHECK_EQ(words(AT)[i], i);
}

/* Only where the machine has that much: an untyped of 1 GiB is not promised. */
static void vspace_map_huge_page(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	seL4_CPtr frame = kt_slots(1), untyped = 0;

	for (seL4_Word i = 0; i < bi->untyped.end - bi->untyped.start; i++) {
		if (bi->untypedList[i].isDevice && bi->untypedList[i].sizeBits >= 30)
			untyped = bi->untyped.start + i;
	}
	if (untyped == 0)
		return;
	CHECK_OK(seL4_Untyped_Retype(untyped, seL4_ARM_HugePageObject, 0, KT_ROOT, 0, 0, frame, 1));
	CHECK_EQ(map(frame, OWN, 0x8000200000), seL4_AlignmentError);
	CHECK_OK(map(frame, OWN, 0x8000000000));
	CHECK_OK(seL4_ARM_Page_Unmap(frame));
}

static void vspace_missing_table(void)
{
	seL4_CPtr vspace = kt_new_vspace(), frame = small();

	CHECK_EQ(map(frame, vspace, AT), seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), seL4_MissingCapability);
	CHECK_EQ(seL4_GetMR(2), 30); /* the level that has no table, as bits of address */
	CHECK_OK(seL4_ARM_PageTable_Map(kt_new(seL4_ARM_PageTableObject, 0), vspace, AT, ATTR));
	CHECK_EQ(map(frame, vspace, AT), seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(2), 21);
	CHECK_OK(seL4_ARM_PageTable_Map(kt_new(seL4_ARM_PageTableObject, 0), vspace, AT, ATTR));
	CHECK_OK(map(frame, vspace, AT));
}

static void vspace_frame_address_errors(void)
{
	seL4_CPtr vspace = kt_new_vspace(), frame = small();

	CHECK_EQ(map(frame, vspace, AT + 8), seL4_AlignmentError);
	CHECK_EQ(map(frame, vspace, seL4_UserTop + 1), seL4_InvalidArgument);
	CHECK_EQ(map(frame, vspace, ~0xffful), seL4_InvalidArgument);
	CHECK_EQ(map(kt_new(seL4_ARM_LargePageObject, 0), vspace, AT + 0x1000),
		 seL4_AlignmentError);
}

static void vspace_map_wants_an_assigned_vspace(void)
{
	seL4_CPtr unassigned = kt_new(seL4_ARM_VSpaceObject, 0), frame = small();

	CHECK_EQ(map(frame, unassigned, AT), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(map(frame, KT_ROOT, AT), seL4_InvalidCapability);
	CHECK_EQ(seL4_ARM_PageTable_Map(kt_new(seL4_ARM_PageTableObject, 0), unassigned, AT, ATTR),
		 seL4_InvalidCapability);
}

static void vspace_frame_maps_once(void)
{
	seL4_CPtr vspace = kt_new_vspace(), frame = kt_map(AT);

	CHECK_EQ(map(frame, OWN, AT + 0x1000), seL4_InvalidArgument);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(map(frame, vspace, AT), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	/* The same place again is how rights change. */
	CHECK_OK(seL4_ARM_Page_Map(frame, OWN, AT, seL4_CanRead, ATTR));
	CHECK_OK(map(frame, OWN, AT));
	CHECK_OK(seL4_ARM_Page_Unmap(frame));
	CHECK_OK(map(frame, OWN, AT + 0x1000));
	CHECK_OK(seL4_ARM_Page_Unmap(frame));
	CHECK_OK(seL4_ARM_Page_Unmap(frame)); /* nothing to do */
}

/* A second frame at an address takes it over. */
static void vspace_frame_replaces_frame(void)
{
	seL4_CPtr a = kt_map(AT), b = small();

	words(AT)[0] = 1;
	CHECK_OK(map(b, OWN, AT));
	CHECK_EQ(words(AT)[0], 0);
	/* Unmapping the first must not take the second away. */
	CHECK_OK(seL4_ARM_Page_Unmap(a));
	words(AT)[0] = 2;
	CHECK_EQ(words(AT)[0], 2);
}

static void vspace_copies_share_memory(void)
{
	seL4_CPtr a = kt_map(AT), b = kt_copy(a);

	CHECK_OK(map(b, OWN, AT + 0x3000));
	words(AT)[9] = 0x77;
	CHECK_EQ(words(AT + 0x3000)[9], 0x77);
}

static void vspace_page_table_errors(void)
{
	seL4_CPtr vspace = kt_new_vspace();
	seL4_CPtr a = kt_new(seL4_ARM_PageTableObject, 0), b = kt_new(seL4_ARM_PageTableObject, 0),
		  c = kt_new(seL4_ARM_PageTableObject, 0);

	CHECK_EQ(seL4_ARM_PageTable_Map(a, vspace, seL4_UserTop + 1, ATTR), seL4_InvalidArgument);
	CHECK_EQ(seL4_ARM_PageTable_Map(a, KT_ROOT, AT, ATTR), seL4_InvalidCapability);
	CHECK_OK(seL4_ARM_PageTable_Map(a, vspace, AT, ATTR));
	CHECK_EQ(seL4_ARM_PageTable_Map(a, vspace, AT, ATTR), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_OK(seL4_ARM_PageTable_Map(b, vspace, AT, ATTR));
	CHECK_EQ(seL4_ARM_PageTable_Map(c, vspace, AT, ATTR), seL4_DeleteFirst);
	CHECK_EQ(kt_invoke_raw(c, ARMPageTableMap, 0, 2), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(c, ARMPageMap, 0, 2), seL4_IllegalOperation);
}

static void vspace_page_table_under_large_page(void)
{
	seL4_CPtr vspace = kt_new_vspace(), frame = kt_new(seL4_ARM_LargePageObject, 0);

	kt_map_in(vspace, frame, AT, seL4_AllRights, ATTR);
	CHECK_EQ(seL4_ARM_PageTable_Map(kt_new(seL4_ARM_PageTableObject, 0), vspace, AT, ATTR),
		 seL4_DeleteFirst);
	CHECK_EQ(map(small(), vspace, AT), seL4_FailedLookup);
	CHECK_OK(seL4_ARM_Page_Unmap(frame));
	kt_map_in(vspace, small(), AT, seL4_AllRights, ATTR);
}

static void vspace_page_table_unmap(void)
{
	seL4_CPtr vspace = kt_new_vspace(), frame = small();
	seL4_CPtr a = kt_new(seL4_ARM_PageTableObject, 0), b = kt_new(seL4_ARM_PageTableObject, 0);

	CHECK_OK(seL4_ARM_PageTable_Map(a, vspace, AT, ATTR));
	CHECK_OK(seL4_ARM_PageTable_Map(b, vspace, AT, ATTR));
	CHECK_OK(map(frame, vspace, AT));
	CHECK_OK(seL4_ARM_PageTable_Unmap(b));
	CHECK_EQ(map(kt_copy(small()), vspace, AT), seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(2), 21);
	CHECK_OK(seL4_ARM_PageTable_Unmap(b));
	CHECK_OK(seL4_ARM_PageTable_Map(b, vspace, AT + 0x40000000, ATTR));
}

/* A mapped table cannot be copied, nor can one whose mapping others share be unmapped. */
static void vspace_page_table_copies(void)
{
	seL4_CPtr vspace = kt_new_vspace(), table = kt_new(seL4_ARM_PageTableObject, 0), copy;

	CHECK_EQ(seL4_CNode_Copy(KT_ROOT, kt_slots(1), KT_DEPTH, KT_ROOT, table, KT_DEPTH,
				 seL4_AllRights),
		 seL4_IllegalOperation);
	CHECK_OK(seL4_ARM_PageTable_Map(table, vspace, AT, ATTR));
	copy = kt_copy(table);
	CHECK_EQ(seL4_ARM_PageTable_Unmap(table), seL4_RevokeFirst);
	kt_delete(copy);
	CHECK_OK(seL4_ARM_PageTable_Unmap(table));
}

static void vspace_copies(void)
{
	seL4_CPtr unassigned = kt_new(seL4_ARM_VSpaceObject, 0);

	CHECK_EQ(seL4_CNode_Copy(KT_ROOT, kt_slots(1), KT_DEPTH, KT_ROOT, unassigned, KT_DEPTH,
				 seL4_AllRights),
		 seL4_IllegalOperation);
	kt_copy(kt_new_vspace());
}

/* Threads that report how far they come into a page. */
static struct {
	seL4_CPtr endpoint, reply;
	volatile seL4_Word done;
} s;

static void toucher(seL4_Word address)
{
	for (;;) {
		*words(address) += 1;
		s.done++;
	}
}

static void expect_fault(seL4_Word address)
{
	seL4_MessageInfo_t info = seL4_Recv(s.endpoint, seL4_Null, s.reply);

	CHECK_EQ(seL4_MessageInfo_get_label(info), seL4_Fault_VMFault);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), address);
	CHECK(s.done > 0);
}

static struct kt_thread touch(seL4_Word address)
{
	struct kt_thread t = kt_thread_new(toucher, address, KT_PRIO - 1);

	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.done = 0;
	kt_fault_to(&t, s.endpoint);
	kt_start(&t);
	kt_until(&s.done, 1);
	return t;
}

static void vspace_unmap_takes_effect(void)
{
	seL4_CPtr frame = kt_map(AT);

	touch(AT + 16);
	CHECK_OK(seL4_ARM_Page_Unmap(frame));
	expect_fault(AT + 16);
}

static void vspace_deleting_a_frame_unmaps_it(void)
{
	seL4_CPtr frame = kt_map(AT);

	touch(AT + 16);
	kt_delete(frame);
	expect_fault(AT + 16);
}

static void vspace_revoking_untyped_unmaps_frames(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 14), frame = kt_slots(1);

	CHECK_OK(
		seL4_Untyped_Retype(untyped, seL4_ARM_SmallPageObject, 0, KT_ROOT, 0, 0, frame, 1));
	kt_map_in(OWN, frame, AT, seL4_AllRights, ATTR);
	touch(AT + 16);
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, untyped, KT_DEPTH));
	expect_fault(AT + 16);
}

static void vspace_narrowing_rights_takes_effect(void)
{
	seL4_CPtr frame = kt_map(AT);

	touch(AT + 16);
	CHECK_OK(seL4_ARM_Page_Map(frame, OWN, AT, seL4_CanRead, ATTR));
	expect_fault(AT + 16);
	CHECK(words(AT)[2] > 0);
}

static void vspace_cap_rights_limit_mapping(void)
{
	seL4_CPtr frame = small(), read_only = kt_mint(frame, seL4_CanRead, 0);
	struct kt_thread t = kt_thread_new(toucher, AT, KT_PRIO - 1);

	kt_map_in(OWN, read_only, AT, seL4_AllRights, ATTR);
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	kt_fault_to(&t, s.endpoint);
	kt_start(&t);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), AT);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 6 & 1, 1);
}

/* A thread in an address space of its own: the test's code and data are mapped there as well. */
extern char __image_start[], __image_end[];

static void elsewhere(seL4_Word unused)
{
	(void)unused;
	s.done = *words(AT);
}

static void vspace_thread_in_another(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	seL4_CPtr vspace = kt_new_vspace(), here = kt_map(AT), there = small(), view;
	struct kt_thread t = kt_thread_new(elsewhere, 0, KT_PRIO + 1);

	for (seL4_Word a = (seL4_Word)__image_start; a < (seL4_Word)__image_end; a += 4096)
		kt_map_in(
			vspace,
			kt_copy(bi->userImageFrames.start + (a - (seL4_Word)__image_start) / 4096),
			a, seL4_AllRights, ATTR);
	kt_map_in(vspace, there, AT, seL4_AllRights, ATTR);
	view = kt_copy(there);
	CHECK_OK(map(view, OWN, AT + 0x1000));
	words(AT)[0] = 1;
	words(AT + 0x1000)[0] = 2;
	(void)here;
	CHECK_OK(seL4_TCB_SetSpace(t.tcb, 0, KT_ROOT, 0, vspace, 0));
	s.done = 0;
	kt_start(&t);
	CHECK_EQ(s.done, 2);
}

static void vspace_deleted_under_thread(void)
{
	seL4_CPtr vspace = kt_new_vspace();
	struct kt_thread t = kt_thread_new(elsewhere, 0, KT_PRIO - 1);

	CHECK_OK(seL4_TCB_SetSpace(t.tcb, 0, KT_ROOT, 0, vspace, 0));
	kt_start(&t);
	kt_delete(vspace);
	kt_sleep(3); /* it cannot even fetch an instruction; nobody else notices */
}

static const struct kt_test tests[] = {
	KT(vspace_map_small_page),
	KT(vspace_map_large_page),
	KT(vspace_map_huge_page),
	KT(vspace_missing_table),
	KT(vspace_frame_address_errors),
	KT(vspace_map_wants_an_assigned_vspace),
	KT(vspace_frame_maps_once),
	KT(vspace_frame_replaces_frame),
	KT(vspace_copies_share_memory),
	KT(vspace_page_table_errors),
	KT(vspace_page_table_under_large_page),
	KT(vspace_page_table_unmap),
	KT(vspace_page_table_copies),
	KT(vspace_copies),
	KT(vspace_unmap_takes_effect),
	KT(vspace_deleting_a_frame_unmaps_it),
	KT(vspace_revoking_untyped_unmaps_frames),
	KT(vspace_narrowing_rights_takes_effect),
	KT(vspace_cap_rights_limit_mapping),
	KT(vspace_thread_in_another),
	KT(vspace_deleted_under_thread),
};

KT_GROUP(vspace);
