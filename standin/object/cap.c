/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation list, and how capabilities are copied. See cap.h for the invariants.
 *
 * Depth in the tree comes from: untyped memory containing what was made of it; the original
 * capability to an object and its copies; for endpoints and notifications also the capability that
 * first got a badge and copies with the same badge.
 */
#include "standin/object/cap.h"

static bool has_badge(struct cap c)
{
	u64 type = cap_type(c);

	return type == CAP_ENDPOINT || type == CAP_NOTIFICATION || type == CAP_SMC;
}

/* Types without an object of their own in memory. */
static bool untouchable(u64 type)
{
	return type == CAP_NULL || type == CAP_SCHED_CONTROL || type == CAP_DOMAIN ||
	       type == CAP_IRQ_CONTROL || type == CAP_IRQ_HANDLER || type == CAP_ASID_CONTROL ||
	       type == CAP_SMC;
}

static u64 object_size(struct cap c)
{
	return BIT(cap_size(c) + (cap_type(c) == CAP_CNODE ? seL4_SlotBits : 0));
}

bool cap_same_object(struct cap a, struct cap b)
{
	u64 type = cap_type(a);

	if (type != cap_type(b) || type == CAP_NULL)
		return false;
	if (type == CAP_IRQ_HANDLER || type == CAP_SCHED_CONTROL)
		return a.data == b.data;
	if (untouchable(type))
		return true;
	if (type == CAP_UNTYPED && cap_size(a) != cap_size(b))
		return false;
	return cap_pa(a) == cap_pa(b);
}

/* Whether what b designates lies within what a designates. */
static bool region_contains(struct cap a, struct cap b)
{
	if (cap_type(a) == CAP_UNTYPED) {
		u64 start = cap_pa(a), size = BIT(cap_size(a));

		return !untouchable(cap_type(b)) && cap_pa(b) >= start &&
		       cap_pa(b) - start < size && object_size(b) <= size - (cap_pa(b) - start);
	}
	if (cap_type(a) == CAP_IRQ_CONTROL && cap_type(b) == CAP_IRQ_HANDLER)
		return true;
	return cap_same_object(a, b);
}

bool cap_is_parent(const struct slot *parent, const struct slot *child)
{
	if (!(parent->next & SLOT_ORIGINAL) || !region_contains(parent->cap, child->cap))
		return false;
	if (!has_badge(parent->cap) || parent->cap.data == 0)
		return true;
	return child->cap.data == parent->cap.data && !(child->next & SLOT_FIRST_BADGED);
}

static void link_after(struct slot *at, struct slot *s, u64 flags)
{
	struct slot *follower = slot_next(at);

	s->prev = (uintptr_t)at;
	s->next = (uintptr_t)follower | flags;
	at->next = (uintptr_t)s | (at->next & SLOT_FLAGS);
	if (follower != NULL)
		follower->prev = (uintptr_t)s;
}

void slot_insert(struct slot *src, struct slot *dst, struct cap cap)
{
	bool fresh;

	switch (cap_type(cap)) {
	case CAP_UNTYPED:
		fresh = true;
		/* The copy's whole range must count as used in the source, or both could be used. */
		src->cap.data = untyped_data(BIT(cap_size(src->cap)), 0);
		break;
	case CAP_IRQ_HANDLER:
		fresh = cap_type(src->cap) == CAP_IRQ_CONTROL;
		break;
	default:
		fresh = has_badge(cap) && cap.data != src->cap.data;
		break;
	}
	dst->cap = cap;
	link_after(src, dst, fresh ? SLOT_ORIGINAL | SLOT_FIRST_BADGED : 0);
}

void slot_insert_object(struct slot *parent, struct slot *dst, struct cap cap)
{
	dst->cap = cap;
	link_after(parent, dst, SLOT_ORIGINAL | SLOT_FIRST_BADGED);
}

void slot_insert_root(struct slot *dst, struct cap cap)
{
	dst->cap = cap;
	dst->prev = 0;
	dst->next = SLOT_ORIGINAL | SLOT_FIRST_BADGED;
}

/* Makes the neighbours of `s` point at it. */
static void relink(struct slot *s)
{
	if (s->prev != 0)
		slot_prev(s)->next = (uintptr_t)s | (slot_prev(s)->next & SLOT_FLAGS);
	if (slot_next(s) != NULL)
		slot_next(s)->prev = (uintptr_t)s;
}

void slot_move(struct slot *src, struct slot *dst, struct cap cap)
{
	dst->cap = cap;
	dst->prev = src->prev;
	dst->next = src->next;
	*src = (struct slot){ 0 };
	relink(dst);
}

void slot_swap(struct slot *a, struct cap a_cap, struct slot *b, struct cap b_cap)
{
	struct slot old_a = *a, old_b = *b;

	*a = (struct slot){ .cap = a_cap, .prev = old_b.prev, .next = old_b.next };
	*b = (struct slot){ .cap = b_cap, .prev = old_a.prev, .next = old_a.next };
	/* Neighbours of each other: the copied links point at themselves. */
	if (slot_next(&old_a) == b) {
		a->prev = (uintptr_t)b;
		b->next = (uintptr_t)a | (old_a.next & SLOT_FLAGS);
	} else if (slot_next(&old_b) == a) {
		b->prev = (uintptr_t)a;
		a->next = (uintptr_t)b | (old_b.next & SLOT_FLAGS);
	}
	if (!slot_empty(a))
		relink(a);
	if (!slot_empty(b))
		relink(b);
}

void slot_clear(struct slot *s)
{
	if (s->prev != 0)
		slot_prev(s)->next =
			(s->next & ~(u64)SLOT_FLAGS) | (slot_prev(s)->next & SLOT_FLAGS);
	if (slot_next(s) != NULL)
		slot_next(s)->prev = s->prev;
	*s = (struct slot){ 0 };
}

bool slot_is_final(const struct slot *s)
{
	if (s->prev != 0 && cap_same_object(slot_prev(s)->cap, s->cap))
		return false;
	return slot_next(s) == NULL || !cap_same_object(s->cap, slot_next(s)->cap);
}

bool slot_has_children(const struct slot *s)
{
	return slot_next(s) != NULL && cap_is_parent(s, slot_next(s));
}

enum derive cap_derive(const struct slot *s, struct cap cap, struct cap *out)
{
	*out = cap;
	switch (cap_type(cap)) {
	case CAP_NULL:
	case CAP_ZOMBIE:
	case CAP_IRQ_CONTROL:
		return DERIVE_NULL;
	case CAP_UNTYPED:
		return slot_has_children(s) ? DERIVE_REVOKE_FIRST : DERIVE_OK;
	default:
		return cap_type(cap) < CAP_ARCH_FIRST ? DERIVE_OK
						      : (enum derive)arch_cap_derive(cap, out);
	}
}

struct cap cap_mask(struct cap cap, u64 rights)
{
	switch (cap_type(cap)) {
	case CAP_ENDPOINT:
	case CAP_NOTIFICATION:
	case CAP_FRAME:
		return cap_with_rights(cap, cap_rights(cap) & rights);
	case CAP_REPLY:
		return cap_with_rights(cap, cap_rights(cap) & (rights | (u64)~RIGHT_GRANT));
	default:
		return cap;
	}
}

struct cap cap_set_data(struct cap cap, u64 data, bool preserve)
{
	switch (cap_type(cap)) {
	case CAP_ENDPOINT:
	case CAP_NOTIFICATION:
	case CAP_SMC:
		if (preserve || cap.data != 0)
			return cap_null();
		cap.data = data;
		return cap;
	case CAP_CNODE: {
		u64 guard_size = data & MASK(seL4_GuardSizeBits);

		if (guard_size + cap_size(cap) > seL4_WordBits)
			return cap_null();
		cap.data =
			data >> seL4_GuardSizeBits & (guard_size == 64 ? ~0ull : MASK(guard_size));
		return cap_set_extra(cap, guard_size);
	}
	default:
		return cap;
	}
}
