/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untyped memory and the making of objects.
 *
 * Memory is handed out front to back; when the last child is gone, from the front again. Ordinary
 * memory is zeroed just before it becomes an object (untyped children are not touched), in steps
 * that an interrupt may separate: the capability remembers how much is done. Device memory, which
 * can only become frames and untyped memory, is never touched.
 */
#include "standin/api/lookup.h"
#include "standin/object/cap.h"
#include "standin/object/tcb.h"

#include <sel4/invocation.h>
#include <sel4/objecttype.h>

enum { CNODE_RADIX_MAX = 28 }; /* what a zombie can count (destroy.c) */

static const struct object_type types[] = {
	[seL4_UntypedObject] = { .cap = CAP_UNTYPED,
				 .least = seL4_MinUntypedBits,
				 .most = seL4_MaxUntypedBits,
				 .of_device = true },
	[seL4_TCBObject] = { .cap = CAP_TCB, .bits = seL4_TCBBits, .init = tcb_init },
	[seL4_EndpointObject] = { .cap = CAP_ENDPOINT,
				  .bits = seL4_EndpointBits,
				  .rights = RIGHT_ALL },
	[seL4_NotificationObject] = { .cap = CAP_NOTIFICATION,
				      .bits = seL4_NotificationBits,
				      .rights = RIGHT_READ | RIGHT_WRITE },
	[seL4_CapTableObject] = { .cap = CAP_CNODE,
				  .bits = seL4_SlotBits,
				  .least = 1,
				  .most = CNODE_RADIX_MAX },
	[seL4_SchedContextObject] = { .cap = CAP_SC,
				      .least = seL4_MinSchedContextBits,
				      .most = seL4_MaxUntypedBits },
	[seL4_ReplyObject] = { .cap = CAP_REPLY, .bits = seL4_ReplyBits, .rights = RIGHT_GRANT },
};

/* Finds the type and log2 of the object's size. */
static u64 find_type(struct invocation *inv, const struct object_type **type, u64 *object_bits)
{
	u64 number = arg(inv, 0), bits = arg(inv, 1);
	const struct object_type *t =
		number < ARRAY_SIZE(types) ? &types[number] : arch_object_type(number);

	if (t == NULL)
		return fail_argument(inv, 0);
	if (bits > seL4_MaxUntypedBits)
		return fail_range(inv, 0, seL4_MaxUntypedBits);
	*type = t;
	*object_bits = t->bits;
	if (t->most == 0)
		return seL4_NoError;
	if (bits < t->least)
		return fail_argument(inv, 1);
	if (bits > t->most)
		return fail_range(inv, 0, t->most);
	*object_bits += bits;
	return seL4_NoError;
}

/* The empty slots that are to receive the capabilities. */
static u64 destination(struct invocation *inv, u64 *count, struct slot **out)
{
	u64 index = arg(inv, 2), depth = arg(inv, 3), offset = arg(inv, 4), size;
	struct cap node = inv->extra[0]->cap;

	*count = arg(inv, 5);
	if (depth != 0) {
		struct slot *s;
		u64 err = lookup_for_op(inv, node, index, depth, false, &s);

		if (err != seL4_NoError)
			return err;
		node = s->cap;
	}
	if (cap_type(node) != CAP_CNODE)
		return fail_missing(inv, false, depth);
	size = BIT(cap_size(node));
	if (offset > size - 1)
		return fail_range(inv, 0, size - 1);
	if (*count < 1 || *count > CONFIG_RETYPE_FAN_OUT_LIMIT)
		return fail_range(inv, 1, CONFIG_RETYPE_FAN_OUT_LIMIT);
	if (*count > size - offset)
		return fail_range(inv, 1, size - offset);
	*out = cnode_slots(node) + offset;
	for (u64 i = 0; i < *count; i++)
		if (!slot_empty(*out + i))
			return seL4_DeleteFirst;
	return seL4_NoError;
}

/* Zeroes [at, at + size) of the untyped memory; false: broken off for an interrupt. */
static bool clear_range(struct slot *s, u64 at, u64 size)
{
	u64 base = cap_pa(s->cap), end = at + size;

	for (;;) {
		u64 free = untyped_free(s->cap), cleared = free + untyped_cleared(s->cap);
		u64 from = at > cleared ? at : cleared;
		u64 to =
			align_down(from - free, BIT(CLEAR_STEP_BITS)) + free + BIT(CLEAR_STEP_BITS);

		if (from >= end)
			return true;
		if (to >= end) {
			arch_clear(pa_to_va(base + from), end - from);
			return true;
		}
		arch_clear(pa_to_va(base + from), to - from);
		s->cap.data = untyped_data(free, to - free);
		if (arch_irq_pending())
			return false;
	}
}

static struct cap create(const struct object_type *type, u64 pa, u64 bits, bool device)
{
	struct cap cap = cap_new(type->cap, type->rights, bits, pa, 0);

	if (type->init != NULL)
		type->init(pa_to_va(pa));
	return device ? cap_set_device(cap) : cap;
}

/* [type, size_bits, node_index, node_depth, node_offset, num], caps{cnode root} */
static u64 retype(struct invocation *inv)
{
	u64 object_bits, count, free, start, space, bits = arg(inv, 1);
	const struct object_type *type;
	struct slot *dst = NULL;
	bool device = cap_device(inv->cap);
	u64 err = find_type(inv, &type, &object_bits);

	if (err != seL4_NoError)
		return err;
	err = destination(inv, &count, &dst);
	if (err != seL4_NoError)
		return err;
	if (!slot_has_children(inv->slot) && untyped_free(inv->slot->cap) != 0)
		inv->slot->cap.data = untyped_data(0, 0);
	free = untyped_free(inv->slot->cap);
	space = BIT(cap_size(inv->cap)) - free;
	if (space >> object_bits < count) {
		result(inv, 0, space);
		return seL4_NotEnoughMemory;
	}
	if (device && !type->of_device)
		return fail_argument(inv, 1);
	start = align_up(free, BIT(object_bits));
	if (start + (count << object_bits) > BIT(cap_size(inv->cap))) {
		result(inv, 0, space);
		return seL4_NotEnoughMemory;
	}
	if (!device && type->cap != CAP_UNTYPED &&
	    !clear_range(inv->slot, start, count << object_bits))
		return RESULT_PREEMPTED;
	inv->slot->cap.data = untyped_data(start + (count << object_bits), 0);
	for (u64 i = 0; i < count; i++) {
		u64 pa = cap_pa(inv->cap) + start + (i << object_bits);

		slot_insert_object(
			inv->slot, dst + i,
			create(type, pa, type->cap == CAP_CNODE ? bits : object_bits, device));
	}
	return seL4_NoError;
}

static const struct method rows[] = { { .act = retype, .words = 6, .caps = 1 } };
const struct methods untyped_methods = METHODS(UntypedRetype, rows);
