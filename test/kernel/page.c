/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: physical addresses, cache maintenance, malformed calls; ASIDs. */
#include "test/kernel/kt.h"

#define OWN seL4_CapInitThreadVSpace
#define AT  KT_WINDOW

static void page_get_address(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 13), a = kt_slots(2);

	CHECK_OK(seL4_Untyped_Retype(untyped, seL4_ARM_SmallPageObject, 0, KT_ROOT, 0, 0, a, 2));
	CHECK_OK(seL4_ARM_Page_GetAddress(a).error);
	CHECK_EQ(seL4_ARM_Page_GetAddress(a + 1).paddr, seL4_ARM_Page_GetAddress(a).paddr + 4096);
	CHECK(seL4_ARM_Page_GetAddress(a).paddr >= 0x60000000);
}

typedef seL4_Error (*page_op)(seL4_ARM_Page page, seL4_Word start, seL4_Word end);

static seL4_Error clean(seL4_ARM_Page p, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_Page_Clean_Data(p, a, b);
}

static seL4_Error invalidate(seL4_ARM_Page p, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_Page_Invalidate_Data(p, a, b);
}

static seL4_Error clean_invalidate(seL4_ARM_Page p, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_Page_CleanInvalidate_Data(p, a, b);
}

static seL4_Error unify(seL4_ARM_Page p, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_Page_Unify_Instruction(p, a, b);
}

static const page_op page_ops[] = { clean, invalidate, clean_invalidate, unify };

static void page_cache_operations(void)
{
	seL4_CPtr frame = kt_map(AT), unmapped = kt_new(seL4_ARM_SmallPageObject, 0);

	for (size_t i = 0; i < ARRAY_SIZE(page_ops); i++) {
		*(volatile uint64_t *)AT = i;
		CHECK_OK(seL4_ARM_Page_Clean_Data(frame, 0, 4096));
		CHECK_OK(page_ops[i](frame, 0, 4096));
		CHECK_OK(page_ops[i](frame, 17, 18));
		CHECK_EQ(*(volatile uint64_t *)AT, i);
		CHECK_EQ(page_ops[i](frame, 4096, 4097), seL4_InvalidArgument);
		CHECK_EQ(page_ops[i](frame, 0, 4097), seL4_InvalidArgument);
		CHECK_EQ(page_ops[i](frame, 8, 8), seL4_InvalidArgument);
		CHECK_EQ(page_ops[i](unmapped, 0, 8), seL4_IllegalOperation);
	}
}

typedef seL4_Error (*space_op)(seL4_ARM_VSpace vspace, seL4_Word start, seL4_Word end);

static seL4_Error space_clean(seL4_ARM_VSpace v, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_VSpace_Clean_Data(v, a, b);
}

static seL4_Error space_invalidate(seL4_ARM_VSpace v, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_VSpace_Invalidate_Data(v, a, b);
}

static seL4_Error space_clean_invalidate(seL4_ARM_VSpace v, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_VSpace_CleanInvalidate_Data(v, a, b);
}

static seL4_Error space_unify(seL4_ARM_VSpace v, seL4_Word a, seL4_Word b)
{
	return seL4_ARM_VSpace_Unify_Instruction(v, a, b);
}

static const space_op space_ops[] = { space_clean, space_invalidate, space_clean_invalidate,
				      space_unify };

static void page_cache_operations_by_address(void)
{
	kt_map(AT);
	for (size_t i = 0; i < ARRAY_SIZE(space_ops); i++) {
		CHECK_OK(seL4_ARM_VSpace_Clean_Data(OWN, AT, AT + 4096));
		CHECK_OK(space_ops[i](OWN, AT, AT + 4096));
		CHECK_EQ(space_ops[i](OWN, AT, AT), seL4_InvalidArgument);
		CHECK_EQ(space_ops[i](OWN, AT, AT + 4097), seL4_RangeError);
		CHECK_EQ(space_ops[i](OWN, AT, seL4_UserTop + 2), seL4_IllegalOperation);
		CHECK_OK(space_ops[i](OWN, AT + 0x100000,
				      AT + 0x100008)); /* not mapped: nothing to do */
		CHECK_EQ(space_ops[i](kt_new(seL4_ARM_VSpaceObject, 0), AT, AT + 8),
			 seL4_InvalidCapability);
	}
}

/* The archive of a system image lies there: what is read from it may have to be cleaned. */
static void page_cache_operations_on_low_ram(void)
{
	seL4_CPtr frame = kt_device_frame(0x5ff00000, seL4_ARM_SmallPageObject, 12);

	kt_map_in(OWN, frame, AT, seL4_AllRights, seL4_ARM_Default_VMAttributes);
	for (size_t i = 0; i < ARRAY_SIZE(page_ops); i++)
		CHECK_OK(page_ops[i](frame, 0, 4096));
}

static void page_malformed_calls(void)
{
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);

	CHECK_EQ(kt_invoke_raw(frame, ARMPageMap, 0, 3), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(frame, ARMPageClean_Data, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(frame, ARMPageTableMap, 0, 3), seL4_IllegalOperation);
	CHECK_EQ(kt_invoke_raw(OWN, ARMVSpaceClean_Data, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(OWN, ARMPageMap, 0, 1), seL4_IllegalOperation);
}

/* A new instruction, made visible the way the VMM loads images. */
static void page_new_code(void)
{
	seL4_CPtr frame = kt_map(AT);
	volatile uint32_t *code = (volatile uint32_t *)AT;

	for (uint32_t value = 1; value < 5; value++) {
		code[0] = 0x52800000 | value << 5; /* mov w0, #value */
		code[1] = 0xd65f03c0;              /* ret */
		CHECK_OK(seL4_ARM_Page_Unify_Instruction(frame, 0, 8));
		__asm__ volatile("isb");
		CHECK_EQ(((uint32_t(*)(void))AT)(), value);
	}
}

static void asid_pool_is_made_and_used(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, seL4_ASIDPoolBits), pool = kt_slots(1);
	seL4_CPtr vspace = kt_new(seL4_ARM_VSpaceObject, 0);

	CHECK_OK(seL4_ARM_ASIDControl_MakePool(seL4_CapASIDControl, untyped, KT_ROOT, pool,
					       KT_DEPTH));
	CHECK_OK(seL4_ARM_ASIDPool_Assign(pool, vspace));
	kt_map_in(vspace, kt_new(seL4_ARM_SmallPageObject, 0), AT, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	kt_delete(pool);
}

static void asid_pool_errors(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, seL4_ASIDPoolBits), pool = kt_slots(1);
	seL4_CPtr child = kt_slots(1), used = kt_new(seL4_UntypedObject, seL4_ASIDPoolBits);
	const seL4_CPtr control = seL4_CapASIDControl;

	CHECK_OK(seL4_Untyped_Retype(used, seL4_EndpointObject, 0, KT_ROOT, 0, 0, child, 1));
	CHECK_EQ(seL4_ARM_ASIDControl_MakePool(control, used, KT_ROOT, pool, KT_DEPTH),
		 seL4_RevokeFirst);
	CHECK_EQ(seL4_ARM_ASIDControl_MakePool(control, kt_new(seL4_UntypedObject, 13), KT_ROOT,
					       pool, KT_DEPTH),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_ARM_ASIDControl_MakePool(control, child, KT_ROOT, pool, KT_DEPTH),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_ARM_ASIDControl_MakePool(control, untyped, KT_ROOT, child, KT_DEPTH),
		 seL4_DeleteFirst);
	CHECK_EQ(seL4_ARM_ASIDControl_MakePool(control, untyped, child, pool, KT_DEPTH),
		 seL4_FailedLookup);
	CHECK_EQ(kt_invoke_raw(control, ARMASIDControlMakePool, 0, 2), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(control, ARMASIDPoolAssign, 0, 2), seL4_IllegalOperation);
}

static void asid_assign_errors(void)
{
	const seL4_CPtr pool = seL4_CapInitThreadASIDPool;

	CHECK_EQ(seL4_ARM_ASIDPool_Assign(pool, kt_new_vspace()), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_ARM_ASIDPool_Assign(pool, KT_ROOT), seL4_InvalidCapability);
	CHECK_EQ(kt_invoke_raw(pool, ARMASIDPoolAssign, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(pool, ARMASIDControlMakePool, 0, 0), seL4_IllegalOperation);
}

/* More address spaces than hardware has VMIDs (256), then one more than the pool holds. */
static void asid_pool_exhausted(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, seL4_ASIDPoolBits), pool = kt_slots(1),
		  extra = 0;

	CHECK_OK(seL4_ARM_ASIDControl_MakePool(seL4_CapASIDControl, untyped, KT_ROOT, pool,
					       KT_DEPTH));
	for (unsigned i = 0; i < 512; i++) {
		seL4_CPtr vspace = kt_new(seL4_ARM_VSpaceObject, 0);

		CHECK_OK(seL4_ARM_ASIDPool_Assign(pool, vspace));
		if (i == 300)
			extra = vspace;
	}
	CHECK_EQ(seL4_ARM_ASIDPool_Assign(pool, kt_new(seL4_ARM_VSpaceObject, 0)),
		 seL4_DeleteFirst);
	kt_delete(extra);
	CHECK_OK(seL4_ARM_ASIDPool_Assign(pool, kt_new(seL4_ARM_VSpaceObject, 0)));
}

/* Deleting the pool takes the address spaces in it out of use. */
static void asid_pool_deleted(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, seL4_ASIDPoolBits), pool = kt_slots(1);
	seL4_CPtr vspace = kt_new(seL4_ARM_VSpaceObject, 0);
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);

	CHECK_OK(seL4_ARM_ASIDControl_MakePool(seL4_CapASIDControl, untyped, KT_ROOT, pool,
					       KT_DEPTH));
	CHECK_OK(seL4_ARM_ASIDPool_Assign(pool, vspace));
	kt_delete(pool);
	CHECK_EQ(
		seL4_ARM_Page_Map(frame, vspace, AT, seL4_AllRights, seL4_ARM_Default_VMAttributes),
		seL4_FailedLookup);
}

static const struct kt_test tests[] = {
	KT(page_get_address),
	KT(page_cache_operations),
	KT(page_cache_operations_by_address),
	KT(page_cache_operations_on_low_ram),
	KT(page_malformed_calls),
	KT(page_new_code),
	KT(asid_pool_is_made_and_used),
	KT(asid_pool_errors),
	KT(asid_assign_errors),
	KT(asid_pool_exhausted),
	KT(asid_pool_deleted),
};

KT_GROUP(page);
