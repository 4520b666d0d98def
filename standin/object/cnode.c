/* SPDX-License-Identifier: BSD-2-Clause */
/* CNode invocations: copying, moving, deleting and revoking capabilities in slots. */
#include "standin/api/lookup.h"
#include "standin/ipc/ipc.h"
#include "standin/object/destroy.h"

#include <sel4/invocation.h>

/* The slot that every invocation names first: [index, depth]. */
static u64 find_slot(struct invocation *inv, struct slot **s)
{
	return lookup_for_op(inv, inv->cap, arg(inv, 0), arg(inv, 1), false, s);
}

static u64 fail_derive(enum derive why)
{
	return why == DERIVE_REVOKE_FIRST ? seL4_RevokeFirst : seL4_IllegalOperation;
}

/* Copy [dst, ddepth, src, sdepth, rights], Mint [.., badge]; Move [dst, ddepth, src, sdepth],
 * Mutate [.., badge]. */
static u64 transfer(struct invocation *inv)
{
	bool mint = inv->label == CNodeMint, copy = inv->label == CNodeCopy || mint;
	u64 needed = mint ? 6 : inv->label == CNodeMove ? 4 : 5, err;
	struct slot *src, *dst;
	struct cap cap;

	err = find_slot(inv, &dst);
	if (err != seL4_NoError)
		return err;
	if (inv->length < needed || inv->extra_count < 1)
		return seL4_TruncatedMessage;
	if (!slot_empty(dst))
		return seL4_DeleteFirst;
	err = lookup_for_op(inv, inv->extra[0]->cap, arg(inv, 2), arg(inv, 3), true, &src);
	if (err != seL4_NoError)
		return err;
	if (slot_empty(src))
		return fail_missing(inv, true, arg(inv, 3));
	cap = src->cap;
	if (copy) {
		enum derive got;

		cap = cap_mask(cap, arg(inv, 4) & RIGHT_ALL);
		if (mint)
			cap = cap_set_data(cap, arg(inv, 5), false);
		got = cap_derive(src, cap, &cap);
		if (got == DERIVE_REVOKE_FIRST || got == DERIVE_ILLEGAL)
			return fail_derive(got);
		if (got == DERIVE_NULL || cap_type(cap) == CAP_NULL)
			return seL4_IllegalOperation;
		slot_insert(src, dst, cap);
		return seL4_NoError;
	}
	if (inv->label == CNodeMutate)
		cap = cap_set_data(cap, arg(inv, 4), true);
	if (cap_type(cap) == CAP_NULL)
		return seL4_IllegalOperation;
	slot_move(src, dst, cap);
	return seL4_NoError;
}

/* [dst, ddepth, dbadge, pivot, pdepth, pbadge, src, sdepth]: pivot goes to dst, src to pivot. */
static u64 rotate(struct invocation *inv)
{
	struct slot *pivot, *src, *dst;
	struct cap src_cap, pivot_cap;
	u64 err;

	err = find_slot(inv, &dst);
	if (err != seL4_NoError)
		return err;
	if (inv->length < 8 || inv->extra_count < 2)
		return seL4_TruncatedMessage;
	err = lookup_for_op(inv, inv->extra[1]->cap, arg(inv, 6), arg(inv, 7), true, &src);
	if (err != seL4_NoError)
		return err;
	err = lookup_for_op(inv, inv->extra[0]->cap, arg(inv, 3), arg(inv, 4), true, &pivot);
	if (err != seL4_NoError)
		return err;
	if (pivot == src || pivot == dst)
		return seL4_IllegalOperation;
	if (src != dst && !slot_empty(dst))
		return seL4_DeleteFirst;
	if (slot_empty(src))
		return fail_missing(inv, true, arg(inv, 7));
	if (slot_empty(pivot))
		return fail_missing(inv, true, arg(inv, 4));
	src_cap = cap_set_data(src->cap, arg(inv, 5), true);
	pivot_cap = cap_set_data(pivot->cap, arg(inv, 2), true);
	if (cap_type(src_cap) == CAP_NULL || cap_type(pivot_cap) == CAP_NULL)
		return seL4_IllegalOperation;
	if (src == dst) {
		slot_swap(src, pivot_cap, pivot, src_cap);
	} else {
		slot_move(pivot, dst, pivot_cap);
		slot_move(src, pivot, src_cap);
	}
	return seL4_NoError;
}

static u64 cancel_badged_sends(struct invocation *inv)
{
	struct slot *s;
	u64 err = find_slot(inv, &s);

	if (err != seL4_NoError)
		return err;
	if (cap_type(s->cap) != CAP_ENDPOINT || cap_rights(s->cap) != RIGHT_ALL)
		return seL4_IllegalOperation;
	if (s->cap.data != 0)
		endpoint_cancel_badge(cap_object(s->cap), s->cap.data);
	return seL4_NoError;
}

static u64 revoke_or_delete(struct invocation *inv)
{
	struct slot *s;
	u64 err = find_slot(inv, &s);

	if (err != seL4_NoError)
		return err;
	return (inv->label == CNodeRevoke ? cap_revoke(s) : cap_delete(s)) ? seL4_NoError
									   : RESULT_PREEMPTED;
}

enum { FIRST = CNodeRevoke };

static const struct method rows[] = {
	[CNodeRevoke - FIRST] = { .act = revoke_or_delete, .words = 2 },
	[CNodeDelete - FIRST] = { .act = revoke_or_delete, .words = 2 },
	[CNodeCancelBadgedSends - FIRST] = { .act = cancel_badged_sends, .words = 2 },
	[CNodeCopy - FIRST] = { .act = transfer, .words = 2 },
	[CNodeMint - FIRST] = { .act = transfer, .words = 2 },
	[CNodeMove - FIRST] = { .act = transfer, .words = 2 },
	[CNodeMutate - FIRST] = { .act = transfer, .words = 2 },
	[CNodeRotate - FIRST] = { .act = rotate, .words = 2 },
};
const struct methods cnode_methods = METHODS(FIRST, rows);
