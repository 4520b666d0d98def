/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt handlers. */
#include "standin/object/irq.h"

#include "standin/api/invocation.h"
#include "standin/api/lookup.h"
#include "standin/ipc/ipc.h"
#include "standin/object/destroy.h"

#include <sel4/invocation.h>

void irq_release(u64 irq)
{
	arch_irq_mask(irq, true);
	kernel.irq_issued[irq / 64] &= ~BIT(irq % 64);
	cap_delete(&kernel.irqs[irq]);
}

void irq_deliver(u64 irq)
{
	struct cap cap = kernel.irqs[irq].cap;

	arch_irq_mask(irq, true);
	if (cap_type(cap) == CAP_NOTIFICATION && cap_rights(cap) & RIGHT_WRITE)
		notification_signal(cap_object(cap), cap.data);
}

u64 irq_make_handler(struct invocation *inv, u64 irq, u64 index, u64 depth)
{
	struct slot *dst;
	u64 err;

	if (irq_is_issued(irq))
		return seL4_RevokeFirst;
	err = lookup_for_op(inv, inv->extra[0]->cap, index, depth, false, &dst);
	if (err != seL4_NoError)
		return err;
	if (!slot_empty(dst))
		return seL4_DeleteFirst;
	irq_issue(irq);
	slot_insert(inv->slot, dst, cap_new(CAP_IRQ_HANDLER, 0, 0, 0, irq));
	return seL4_NoError;
}

u64 irq_get(struct invocation *inv)
{
	u64 err = arch_irq_check(arg(inv, 0));

	if (err != seL4_NoError)
		return err == seL4_RangeError ? fail_range(inv, 0, arch_irq_count() - 1) : err;
	return irq_make_handler(inv, irq_of_user(0, arg(inv, 0)), arg(inv, 1), arg(inv, 2));
}

static u64 acknowledge(struct invocation *inv)
{
	arch_irq_mask(inv->cap.data, false);
	return seL4_NoError;
}

static u64 set_notification(struct invocation *inv)
{
	struct slot *n = inv->extra[0], *s = &kernel.irqs[inv->cap.data];

	if (cap_type(n->cap) != CAP_NOTIFICATION || !(cap_rights(n->cap) & RIGHT_WRITE))
		return fail_capability(inv, 0);
	cap_delete(s);
	slot_insert(n, s, n->cap);
	return seL4_NoError;
}

static u64 clear_notification(struct invocation *inv)
{
	cap_delete(&kernel.irqs[inv->cap.data]);
	return seL4_NoError;
}

enum { FIRST = IRQAckIRQ };

static const struct method rows[] = {
	[IRQAckIRQ - FIRST] = { .act = acknowledge, .quiet = true },
	[IRQSetIRQHandler - FIRST] = { .act = set_notification, .caps = 1 },
	[IRQClearIRQHandler - FIRST] = { .act = clear_notification },
};
const struct methods irq_handler_methods = METHODS(FIRST, rows);
