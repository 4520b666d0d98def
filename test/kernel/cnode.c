/* SPDX-License-Identifier: BSD-2-Clause */
/* CNodes: slots, resolution and derivation. */
#include "test/kernel/kt.h"

static seL4_Error copy_to(seL4_CPtr to, seL4_CPtr from)
{
	return seL4_CNode_Copy(KT_ROOT, to, KT_DEPTH, KT_ROOT, from, KT_DEPTH, seL4_AllRights);
}

static void cnode_copy(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_slots(1);

	CHECK_OK(copy_to(b, a));
	CHECK(!kt_empty(a) && !kt_empty(b));
	CHECK_EQ(copy_to(b, a), seL4_DeleteFirst);
	kt_delete(a);
	CHECK(!kt_empty(b));
}

static void cnode_copy_of_nothing(void)
{
	seL4_CPtr a = kt_slots(1), b = kt_slots(1);

	CHECK_EQ(copy_to(b, a), seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_GetMR(1), seL4_MissingCapability);
}

static void cnode_move(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_slots(1), c = kt_copy(a);

	CHECK_EQ(seL4_CNode_Move(KT_ROOT, c, KT_DEPTH, KT_ROOT, a, KT_DEPTH), seL4_DeleteFirst);
	CHECK_OK(seL4_CNode_Move(KT_ROOT, b, KT_DEPTH, KT_ROOT, a, KT_DEPTH));
	CHECK(kt_empty(a));
	/* It kept its children: the copy made before. */
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, b, KT_DEPTH));
	CHECK(kt_empty(c));
	CHECK_EQ(seL4_CNode_Move(KT_ROOT, c, KT_DEPTH, KT_ROOT, a, KT_DEPTH), seL4_FailedLookup);
}

static void cnode_mint_badge_once(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_mint(a, seL4_AllRights, 7),
		  c = kt_slots(1);

	CHECK_EQ(seL4_CNode_Mint(KT_ROOT, c, KT_DEPTH, KT_ROOT, b, KT_DEPTH, seL4_AllRights, 8),
		 seL4_IllegalOperation);
	CHECK(kt_empty(c));
	CHECK_OK(copy_to(c, b));
}

static void cnode_mint_narrows_rights(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_mint(a, seL4_CanRead, 0), c, d;

	/* Rights never come back. */
	c = kt_mint(b, seL4_AllRights, 0);
	seL4_NBSend(c, seL4_MessageInfo_new(0, 0, 0, 0)); /* ignored */
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Call(c, seL4_MessageInfo_new(5, 0, 0, 0))),
		 seL4_InvalidCapability);
	d = kt_mint(a, seL4_CanWrite, 0);
	seL4_NBSend(d, seL4_MessageInfo_new(0, 0, 0, 0));
}

static void cnode_mutate(void)
{
	seL4_CPtr a = kt_new(seL4_CapTableObject, 2), b = kt_slots(1);

	CHECK_OK(seL4_CNode_Mutate(KT_ROOT, b, KT_DEPTH, KT_ROOT, a, KT_DEPTH,
				   seL4_CNode_CapData_new(0, 62).words[0]));
	CHECK(kt_empty(a));
	CHECK_EQ(seL4_CNode_Mutate(KT_ROOT, b, KT_DEPTH, KT_ROOT, b, KT_DEPTH, 0),
		 seL4_DeleteFirst);
	CHECK_EQ(seL4_CNode_Mutate(KT_ROOT, kt_slots(1), KT_DEPTH, KT_ROOT, a, KT_DEPTH, 0),
		 seL4_FailedLookup);
	/* A guard and an index that together are longer than a word. */
	CHECK_EQ(seL4_CNode_Mutate(KT_ROOT, a, KT_DEPTH, KT_ROOT, b, KT_DEPTH,
				   seL4_CNode_CapData_new(0, 63).words[0]),
		 seL4_IllegalOperation);
}

/* Not for endpoints: the badge a rotation gives would be a second one. */
static void cnode_rotate(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), frame = kt_new(seL4_ARM_SmallPageObject, 0);
	seL4_CPtr ep = kt_new(seL4_EndpointObject, 0), empty = kt_slots(1);

	/* dest <- pivot <- src */
	CHECK_OK(seL4_CNode_Rotate(KT_ROOT, empty, KT_DEPTH, 0, KT_ROOT, tcb, KT_DEPTH, 0, KT_ROOT,
				   frame, KT_DEPTH));
	CHECK(kt_empty(frame));
	CHECK_OK(seL4_ARM_Page_GetAddress(tcb).error);
	CHECK_OK(seL4_TCB_Suspend(empty));
	/* Swap: source and destination are the same slot. */
	CHECK_OK(seL4_CNode_Rotate(KT_ROOT, empty, KT_DEPTH, 0, KT_ROOT, tcb, KT_DEPTH, 0, KT_ROOT,
				   empty, KT_DEPTH));
	CHECK_OK(seL4_ARM_Page_GetAddress(empty).error);
	CHECK_OK(seL4_TCB_Suspend(tcb));
	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, frame, KT_DEPTH, 0, KT_ROOT, tcb, KT_DEPTH, 0, KT_ROOT,
				   ep, KT_DEPTH),
		 seL4_IllegalOperation);
}

static void cnode_rotate_errors(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_copy(a), c = kt_copy(a),
		  e = kt_slots(1);

	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, b,
				   KT_DEPTH),
		 seL4_IllegalOperation);
	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, b, KT_DEPTH, 0, KT_ROOT, b,
				   KT_DEPTH),
		 seL4_IllegalOperation);
	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, b, KT_DEPTH, 0, KT_ROOT, c,
				   KT_DEPTH),
		 seL4_DeleteFirst);
	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, e, KT_DEPTH, 0, KT_ROOT, b,
				   KT_DEPTH),
		 seL4_DeleteFirst);
	CHECK_EQ(
		seL4_CNode_Rotate(KT_ROOT, e, 65, 0, KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, b, KT_DEPTH),
		seL4_RangeError);
	CHECK_EQ(
		seL4_CNode_Rotate(KT_ROOT, e, KT_DEPTH, 0, KT_ROOT, a, 65, 0, KT_ROOT, b, KT_DEPTH),
		seL4_RangeError);
	CHECK_EQ(
		seL4_CNode_Rotate(KT_ROOT, e, KT_DEPTH, 0, KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, b, 65),
		seL4_RangeError);
	for (seL4_Word missing = 0; missing < 2; missing++) { /* a word, or a capability */
		seL4_SetCap(0, KT_ROOT);
		seL4_SetCap(1, KT_ROOT);
		seL4_SetMR(0, e);
		seL4_SetMR(1, KT_DEPTH);
		CHECK_EQ(seL4_MessageInfo_get_label(seL4_Call(
				 KT_ROOT,
				 seL4_MessageInfo_new(CNodeRotate, 0, 1 + missing, 8 - missing))),
			 seL4_TruncatedMessage);
	}
	kt_delete(a);
	CHECK_EQ(seL4_CNode_Rotate(KT_ROOT, a, KT_DEPTH, 0, KT_ROOT, e, KT_DEPTH, 0, KT_ROOT, b,
				   KT_DEPTH),
		 seL4_FailedLookup);
}

static void cnode_delete(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0);

	kt_delete(a);
	CHECK(kt_empty(a));
	kt_delete(a); /* an empty slot: nothing to do, no error */
	CHECK_EQ(seL4_CNode_Delete(KT_ROOT, a, 65), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_GetMR(1), 64);
}

static void cnode_revoke_takes_children_only(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), b = kt_mint(a, seL4_AllRights, 1),
		  c = kt_mint(a, seL4_AllRights, 2), b2 = kt_copy(b);

	/* A copy of a badged endpoint is a child of the one that was minted; not the reverse. */
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, b2, KT_DEPTH));
	CHECK(!kt_empty(b));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, b, KT_DEPTH));
	CHECK(!kt_empty(a) && !kt_empty(b) && !kt_empty(c));
	CHECK(kt_empty(b2));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, a, KT_DEPTH));
	CHECK(!kt_empty(a));
	CHECK(kt_empty(b) && kt_empty(c));
}

static void cnode_revoke_of_nothing(void)
{
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, kt_slots(1), KT_DEPTH));
	CHECK_EQ(seL4_CNode_Revoke(KT_ROOT, kt_slots(1), 0), seL4_RangeError);
}

/* Thousands of capabilities: the kernel must stay preemptible, and finish. */
static void cnode_revoke_thousands(void)
{
	seL4_CPtr a = kt_new(seL4_EndpointObject, 0), cnode = kt_new(seL4_CapTableObject, 12);

	for (seL4_Word i = 0; i < 4096; i++)
		CHECK_OK(
			seL4_CNode_Mint(cnode, i, 12, KT_ROOT, a, KT_DEPTH, seL4_AllRights, i + 1));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, a, KT_DEPTH));
	CHECK_EQ(seL4_CNode_Move(cnode, 1, 12, cnode, 4095, 12), seL4_FailedLookup);
}

static volatile seL4_Word ticks;

static void ticker(seL4_Word unused)
{
	(void)unused;
	for (;;)
		ticks++;
}

/* Revocation of objects in use by a running thread. */
static void cnode_revoke_under_load(void)
{
	seL4_CPtr untyped = kt_new(seL4_UntypedObject, 16), tcb = kt_slots(1), before = 0;
	struct kt_thread t = kt_thread_new(ticker, 0, KT_PRIO);

	(void)untyped;
	ticks = 0;
	CHECK_OK(seL4_CNode_Move(KT_ROOT, tcb, KT_DEPTH, KT_ROOT, t.tcb, KT_DEPTH));
	CHECK_OK(seL4_TCB_Resume(tcb));
	kt_until(&ticks, 1);
	kt_delete(tcb);
	before = ticks;
	kt_sleep(20);
	CHECK_EQ(ticks, before);
}

static void cnode_guard_and_depth(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 4), guarded = kt_slots(1),
		  ep = kt_new(seL4_EndpointObject, 0);

	CHECK_OK(seL4_CNode_Mint(KT_ROOT, guarded, KT_DEPTH, KT_ROOT, cnode, KT_DEPTH,
				 seL4_AllRights, seL4_CNode_CapData_new(0xa5, 8).words[0]));
	CHECK_OK(seL4_CNode_Copy(guarded, 0xa53, 12, KT_ROOT, ep, KT_DEPTH, seL4_AllRights));
	CHECK_EQ(seL4_CNode_Copy(guarded, 0xa54, 11, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_FailedLookup);
	CHECK_EQ(seL4_CNode_Copy(cnode, 3, 4, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_DeleteFirst);
}

static void cnode_guard_mismatch(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 4), guarded = kt_slots(1),
		  ep = kt_new(seL4_EndpointObject, 0);

	CHECK_OK(seL4_CNode_Mint(KT_ROOT, guarded, KT_DEPTH, KT_ROOT, cnode, KT_DEPTH,
				 seL4_AllRights, seL4_CNode_CapData_new(0xa5, 8).words[0]));
	CHECK_EQ(seL4_CNode_Copy(guarded, 0xa63, 12, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), seL4_GuardMismatch);
	CHECK_EQ(seL4_GetMR(2), 12);
	CHECK_EQ(seL4_GetMR(3), 0xa5);
}

static void cnode_depth_mismatch(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 4), ep = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(seL4_CNode_Copy(cnode, 0x13, 3, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_FailedLookup);
	CHECK_EQ(seL4_GetMR(1), seL4_DepthMismatch);
	CHECK_EQ(seL4_GetMR(2), 3);
	CHECK_EQ(seL4_GetMR(3), 4);
}

static void cnode_two_levels(void)
{
	seL4_CPtr upper = kt_new(seL4_CapTableObject, 2), lower = kt_new(seL4_CapTableObject, 3),
		  ep = kt_new(seL4_EndpointObject, 0);

	CHECK_OK(seL4_CNode_Copy(upper, 2, 2, KT_ROOT, lower, KT_DEPTH, seL4_AllRights));
	CHECK_OK(seL4_CNode_Copy(upper, 2 << 3 | 5, 5, KT_ROOT, ep, KT_DEPTH, seL4_AllRights));
	CHECK_EQ(seL4_CNode_Copy(lower, 5, 3, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_DeleteFirst);
	/* At its own depth, the upper level's slot is meant. */
	CHECK_EQ(seL4_CNode_Copy(upper, 2, 2, KT_ROOT, ep, KT_DEPTH, seL4_AllRights),
		 seL4_DeleteFirst);
	CHECK_OK(seL4_CNode_Delete(upper, 2, 2));
	CHECK_EQ(seL4_CNode_Delete(upper, 2 << 3 | 5, 5), seL4_FailedLookup);
}

/* Deleting the last capability to a CNode empties it. */
static void cnode_delete_empties(void)
{
	seL4_CPtr outer = kt_new(seL4_CapTableObject, 2), ep = kt_new(seL4_EndpointObject, 0),
		  badged;

	CHECK_OK(seL4_CNode_Mint(outer, 1, 2, KT_ROOT, ep, KT_DEPTH, seL4_AllRights, 5));
	badged = kt_slots(1);
	CHECK_OK(seL4_CNode_Copy(KT_ROOT, badged, KT_DEPTH, outer, 1, 2, seL4_AllRights));
	kt_delete(outer);
	CHECK(!kt_empty(badged));
}

/* A CNode that holds itself, and two that hold each other. */
static void cnode_cycles(void)
{
	seL4_CPtr a = kt_new(seL4_CapTableObject, 1), b = kt_new(seL4_CapTableObject, 1),
		  c = kt_new(seL4_CapTableObject, 1);

	CHECK_OK(seL4_CNode_Copy(a, 0, 1, KT_ROOT, a, KT_DEPTH, seL4_AllRights));
	CHECK_OK(seL4_CNode_Copy(b, 0, 1, KT_ROOT, c, KT_DEPTH, seL4_AllRights));
	CHECK_OK(seL4_CNode_Copy(c, 0, 1, KT_ROOT, b, KT_DEPTH, seL4_AllRights));
	kt_delete(a);
	kt_delete(b);
	kt_delete(c);
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, kt_new(seL4_UntypedObject, 12), KT_DEPTH));
}

static void cnode_cancel_badged_sends_wants_an_endpoint(void)
{
	seL4_CPtr ep = kt_new(seL4_EndpointObject, 0), ntfn = kt_new(seL4_NotificationObject, 0);

	CHECK_OK(seL4_CNode_CancelBadgedSends(KT_ROOT, ep, KT_DEPTH));
	CHECK_OK(seL4_CNode_CancelBadgedSends(KT_ROOT, kt_mint(ep, seL4_AllRights, 3), KT_DEPTH));
	CHECK_EQ(seL4_CNode_CancelBadgedSends(KT_ROOT, ntfn, KT_DEPTH), seL4_IllegalOperation);
	CHECK_EQ(seL4_CNode_CancelBadgedSends(KT_ROOT, kt_mint(ep, seL4_CanWrite, 3), KT_DEPTH),
		 seL4_IllegalOperation);
}

static void cnode_malformed_calls(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 2);

	CHECK_EQ(kt_invoke_raw(cnode, CNodeDelete, 0, 1), seL4_TruncatedMessage);
	seL4_SetMR(0, 0);
	seL4_SetMR(1, 2);
	CHECK_EQ(kt_invoke_raw(cnode, CNodeCopy, 0, 5), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(cnode, UntypedRetype, 0, 6), seL4_IllegalOperation);
	CHECK_EQ(kt_invoke_raw(cnode, nArchInvocationLabels + 10, 0, 6), seL4_IllegalOperation);
	/* The null capability cannot be invoked. */
	CHECK_EQ(kt_invoke_raw(kt_slots(1), CNodeDelete, 0, 2), seL4_InvalidCapability);
}

static void cnode_source_root_is_no_cnode(void)
{
	seL4_CPtr ep = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(seL4_CNode_Copy(KT_ROOT, kt_slots(1), KT_DEPTH, ep, 0, KT_DEPTH, seL4_AllRights),
		 seL4_FailedLookup);
}

static const struct kt_test tests[] = {
	KT(cnode_copy),
	KT(cnode_copy_of_nothing),
	KT(cnode_move),
	KT(cnode_mint_badge_once),
	KT(cnode_mint_narrows_rights),
	KT(cnode_mutate),
	KT(cnode_rotate),
	KT(cnode_rotate_errors),
	KT(cnode_delete),
	KT(cnode_revoke_takes_children_only),
	KT(cnode_revoke_of_nothing),
	KT(cnode_revoke_thousands),
	KT(cnode_revoke_under_load),
	KT(cnode_guard_and_depth),
	KT(cnode_guard_mismatch),
	KT(cnode_depth_mismatch),
	KT(cnode_two_levels),
	KT(cnode_delete_empties),
	KT(cnode_cycles),
	KT(cnode_cancel_badged_sends_wants_an_endpoint),
	KT(cnode_malformed_calls),
	KT(cnode_source_root_is_no_cnode),
};

KT_GROUP(cnode);
