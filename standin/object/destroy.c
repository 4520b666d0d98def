/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deleting capabilities, and with the last one the object.
 *
 * Containers (CNodes, and TCBs with their few slots) must be emptied first, and may contain last
 * capabilities to further containers, to any depth and in circles. There is no recursion: the
 * capability to a container that is being emptied becomes a *zombie*, which says how many slots are
 * still to be looked at and which other zombie's emptying met it. So the way down is a chain of
 * zombies through the slots themselves, it can be left at any time for an interrupt, and whoever
 * repeats the operation comes to the same place again. Links hold within one entry only: each is
 * set when the zombie is met, or made the first.
 *
 * A container in a circle holds a slot with a zombie of its own chain. The two zombies change
 * places then: each ends up within the container it stands for, and goes with it. Until its zombie
 * is gone a container counts as a child of the untyped memory that it was made of, so nobody can
 * reuse the memory.
 *
 * zombie: physical address of the slots; data: 34:0 the linked zombie's slot / 32, 63:35 slots left
 */
#include "standin/object/destroy.h"

#include "standin/ipc/ipc.h"
#include "standin/object/irq.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"

enum { LINK_BITS = 35, WORK_PER_LOOK = 64 };

static u64 zombie_left(struct cap z)
{
	return z.data >> LINK_BITS;
}

static struct slot *zombie_link(struct cap z)
{
	u64 pa = (z.data & MASK(LINK_BITS)) << seL4_SlotBits;

	return pa == 0 ? NULL : pa_to_va(pa);
}

static u64 zombie_data(u64 left, const struct slot *link)
{
	return left << LINK_BITS | (link == NULL ? 0 : va_to_pa(link) >> seL4_SlotBits);
}

static void zombie_set_link(struct slot *z, const struct slot *link)
{
	z->cap.data = zombie_data(zombie_left(z->cap), link);
}

/*
 * What goes with the capability, and, if it is the last, with the object. Returns how many slots of
 * a container remain to be emptied (then *slots is set), or 0.
 */
static u64 finalise(struct slot *s, bool final, struct slot **slots)
{
	struct cap cap = s->cap;

	switch (cap_type(cap)) {
	case CAP_ENDPOINT:
		if (final)
			endpoint_cancel_all(cap_object(cap));
		return 0;
	case CAP_NOTIFICATION:
		if (final)
			notification_destroy(cap_object(cap));
		return 0;
	case CAP_REPLY:
		if (final)
			reply_destroy(cap_object(cap));
		return 0;
	case CAP_SC:
		if (final)
			sc_destroy(cap_object(cap));
		return 0;
	case CAP_IRQ_HANDLER:
		if (final)
			irq_release(cap.data);
		return 0;
	case CAP_CNODE:
		*slots = cnode_slots(cap);
		return final ? BIT(cap_size(cap)) : 0;
	case CAP_TCB: {
		struct tcb *t = cap_object(cap);

		if (!final)
			return 0;
		tcb_destroy(t);
		*slots = t->slots;
		return TCB_SLOTS;
	}
	default:
		if (cap_type(cap) >= CAP_ARCH_FIRST)
			arch_cap_finalise(cap, final);
		return 0;
	}
}

/* Deletes the capability in `s`, unless that is a container's last: true, and it is a zombie then. */
static bool delete_or_begin(struct slot *s, const struct slot *link)
{
	struct slot *slots = NULL;
	u64 left;

	if (cap_type(s->cap) == CAP_ZOMBIE)
		return true;
	left = finalise(s, slot_is_final(s), &slots);
	if (left == 0) {
		slot_clear(s);
		return false;
	}
	s->cap = cap_new(CAP_ZOMBIE, 0, seL4_SlotBits, va_to_pa(slots), zombie_data(left, link));
	return true;
}

/*
 * `met` is a zombie in the container whose zombie is `top`. If it is on top's own chain, they change
 * places; returns the slot where top's zombie is now, or NULL if `met` is not on the chain.
 */
static struct slot *break_circle(struct slot *top, struct slot *met)
{
	struct slot *above = top, *at;

	for (at = zombie_link(top->cap); at != NULL && at != met; at = zombie_link(at->cap))
		above = at;
	if (at == NULL)
		return NULL;
	slot_swap(top, met->cap, met, top->cap);
	/* met's zombie is in `top` now, top's zombie in `met`. */
	if (above == top)
		zombie_set_link(met, top);
	else
		zombie_set_link(above, top);
	return met;
}

/* Empties the container of the zombie in `root`, and all it leads to. */
static bool empty_container(struct slot *root, unsigned *work)
{
	struct slot *top = root;

	while (top != NULL) {
		u64 left = zombie_left(top->cap);
		struct slot *link = zombie_link(top->cap), *s;

		if (++*work % WORK_PER_LOOK == 0 && arch_irq_pending())
			return false;
		if (left == 0) {
			slot_clear(top);
			top = link;
			continue;
		}
		s = (struct slot *)cap_object(top->cap) + left - 1;
		if (slot_empty(s) || s == top) {
			top->cap.data = zombie_data(left - 1, link);
			continue;
		}
		if (cap_type(s->cap) == CAP_ZOMBIE) {
			struct slot *moved = break_circle(top, s);

			if (moved != NULL) {
				top = moved;
				continue;
			}
			zombie_set_link(s, top);
			top = s;
		} else if (delete_or_begin(s, top)) {
			top = s;
		}
	}
	return true;
}

static bool delete_counted(struct slot *s, unsigned *work)
{
	if (slot_empty(s))
		return true;
	if (!delete_or_begin(s, NULL))
		return true;
	/* If it was one before: what had met it may have gone elsewhere since. */
	zombie_set_link(s, NULL);
	return empty_container(s, work);
}

bool cap_delete(struct slot *s)
{
	unsigned work = 0;

	return delete_counted(s, &work);
}

bool cap_revoke(struct slot *s)
{
	unsigned work = 0;

	while (!slot_empty(s) && slot_has_children(s)) {
		if (!delete_counted(slot_next(s), &work))
			return false;
		if (++work % WORK_PER_LOOK == 0 && arch_irq_pending())
			return false;
	}
	return true;
}
