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

/* log2 of an object's size; 0 with *err set if there can be no such object. */
static u64 size_of(struct invocation *inv, u64 type, u64 bits, u64 *err)
{
	static const u8 fixed[] = {
		[seL4_TCBObject] = seL4_TCBBits,
		[seL4_EndpointObject] = seL4_EndpointBits,
		[seL4_NotificationObject] = seL4_NotificationBits,
		[seL4_ReplyObject] = seL4_ReplyBits,
	};

	if (type >= seL4_ObjectTypeCount) {
		*err = fail_argument(inv, 0);
		return 0;
	}
	if (bits > seL4_MaxUntypedBits) {
		*err = fail_range(inv, 0, seL4_MaxUntypedBits);
		return 0;
	}
	switch (type) {
	case seL4_UntypedObject:
	case seL4_SchedContextObject:
		if (bits <
		    (type == seL4_UntypedObject ? seL4_MinUntypedBits : seL4_MinSchedContextBits)) {
			*err = fail_argument(inv, 1);
			return 0;
		}
		return bits;
	case seL4_CapTableObject:
		if (bits == 0) {
			*err = fail_argument(inv, 1);
			return 0;
		}
		if (bits > CNODE_RADIX_MAX) {
			*err = fail_range(inv, 0, CNODE_RADIX_MAX);
			return 0;
		}
		return bits + seL4_SlotBits;
	default:
		return type < seL4_NonArchObjectTypeCount ? fixed[type] : arch_type_size(type);
	}
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
	if (cap_type(node) != CAP_CNODE) {
		struct lookup_error why = { .type = seL4_MissingCapability, .w = { depth } };

		return fail_lookup(inv, false, &why);
	}
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

static struct cap create(u64 type, u64 pa, u64 bits, bool device)
{
	struct cap cap;

	switch (type) {
	case seL4_UntypedObject:
		cap = cap_new(CAP_UNTYPED, 0, bits, pa, 0);
		return device ? cap_set_device(cap) : cap;
	case seL4_TCBObject:
		tcb_init(pa_to_va(pa));
		return cap_new(CAP_TCB, 0, 0, pa, 0);
	case seL4_EndpointObject:
		return cap_new(CAP_ENDPOINT, RIGHT_ALL, 0, pa, 0);
	case seL4_NotificationObject:
		return cap_new(CAP_NOTIFICATION, RIGHT_READ | RIGHT_WRITE, 0, pa, 0);
	case seL4_CapTableObject:
		return cap_new(CAP_CNODE, 0, bits, pa, 0);
	case seL4_SchedContextObject:
		return cap_new(CAP_SC, 0, bits, pa, 0);
	case seL4_ReplyObject:
		return cap_new(CAP_REPLY, RIGHT_GRANT, 0, pa, 0);
	default:
		return arch_create(type, pa, device);
	}
}

/* [type, size_bits, node_index, node_depth, node_offset, num], caps{cnode root} */
u64 untyped_invoke(struct invocation *inv)
{
	u64 type, bits, object_bits, count, err = seL4_NoError, free, start, space;
	struct slot *dst = NULL;
	bool device = cap_device(inv->cap);

	if (inv->label != UntypedRetype)
		return seL4_IllegalOperation;
	if (inv->length < 6 || inv->extra_count < 1)
		return seL4_TruncatedMessage;
	type = arg(inv, 0);
	bits = arg(inv, 1);
	object_bits = size_of(inv, type, bits, &err);
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
	if (device && type != seL4_UntypedObject && !arch_type_is_frame(type))
		return fail_argument(inv, 1);
	start = align_up(free, BIT(object_bits));
	if (start + (count << object_bits) > BIT(cap_size(inv->cap))) {
		result(inv, 0, space);
		return seL4_NotEnoughMemory;
	}
	if (!device && type != seL4_UntypedObject &&
	    !clear_range(inv->slot, start, count << object_bits))
		return RESULT_PREEMPTED;
	inv->slot->cap.data = untyped_data(start + (count << object_bits), 0);
	for (u64 i = 0; i < count; i++) {
		u64 pa = cap_pa(inv->cap) + start + (i << object_bits);

		slot_insert_object(inv->slot, dst + i, create(type, pa, bits, device));
	}
	return seL4_NoError;
}
