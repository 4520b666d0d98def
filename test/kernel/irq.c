/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts. The PL011's transmit interrupt (SPI 1) serves as a source that comes when asked. */
#include "test/kernel/guests.h"
#include "test/kernel/kt.h"

enum {
	UART_INTID = 33,
	UART_IMSC = 0x38 / 4,
	UART_RIS = 0x3c / 4,
	UART_ICR = 0x44 / 4,
	UART_TX = 1 << 5,
	FREE_INTID = 60, /* no device of the machine uses it */
	BADGE = 0x1000,
};

/* The harness has the UART mapped already. */
#define UART ((volatile uint32_t *)0x0f000000)

static const seL4_CPtr control = seL4_CapIRQControl;

static seL4_Error get(seL4_Word irq, seL4_CPtr slot)
{
	return seL4_IRQControl_Get(control, irq, KT_ROOT, slot, KT_DEPTH);
}

static void irq_handler_is_unique(void)
{
	seL4_CPtr slot = kt_slots(2);

	CHECK_OK(get(FREE_INTID, slot));
	CHECK_EQ(get(FREE_INTID, slot + 1), seL4_RevokeFirst);
	kt_delete(slot);
	CHECK_OK(get(FREE_INTID, slot + 1));
}

/* Handlers come from the control capability, and a revocation takes them back. */
static void irq_control_revokes_handlers(void)
{
	seL4_CPtr slot = kt_slots(2);

	CHECK_OK(get(FREE_INTID, slot));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, control, KT_DEPTH));
	CHECK(kt_empty(slot));
	CHECK_OK(get(FREE_INTID, slot + 1));
}

static void irq_get_errors(void)
{
	seL4_CPtr ep = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(get(100000, kt_slots(1)), seL4_RangeError);
	CHECK_EQ(get(FREE_INTID, ep), seL4_DeleteFirst);
	CHECK_EQ(seL4_IRQControl_Get(control, FREE_INTID, ep, 0, KT_DEPTH), seL4_FailedLookup);
	CHECK_EQ(kt_invoke_raw(control, IRQIssueIRQHandler, 0, 3), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(control, ARMIRQIssueIRQHandlerTrigger, 0, 4), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(control, TCBSuspend, 0, 4), seL4_IllegalOperation);
}

/* The kernel keeps what it needs itself: maintenance, its own timer, the virtual timer. */
static void irq_reserved_ones_are_refused(void)
{
	CHECK(get(25, kt_slots(1)) != seL4_NoError);
	CHECK(get(26, kt_slots(1)) != seL4_NoError);
	CHECK(get(27, kt_slots(1)) != seL4_NoError);
}

static void irq_get_trigger(void)
{
	seL4_CPtr slot = kt_slots(2);

	for (seL4_Word trigger = 0; trigger < 2; trigger++) {
		CHECK_OK(seL4_IRQControl_GetTrigger(control, FREE_INTID, trigger, KT_ROOT, slot,
						    KT_DEPTH));
		CHECK_EQ(seL4_IRQControl_GetTrigger(control, FREE_INTID, trigger, KT_ROOT, slot + 1,
						    KT_DEPTH),
			 seL4_RevokeFirst);
		kt_delete(slot);
	}
	CHECK_EQ(seL4_IRQControl_GetTrigger(control, 100000, 0, KT_ROOT, slot, KT_DEPTH),
		 seL4_RangeError);
}

static void irq_get_trigger_core(void)
{
	seL4_CPtr slot = kt_slots(1);

	CHECK_OK(
		seL4_IRQControl_GetTriggerCore(control, FREE_INTID, 1, KT_ROOT, slot, KT_DEPTH, 1));
	kt_delete(slot);
	CHECK_EQ(
		seL4_IRQControl_GetTriggerCore(control, FREE_INTID, 1, KT_ROOT, slot, KT_DEPTH, 99),
		seL4_InvalidArgument);
	CHECK_OK(
		seL4_IRQControl_GetTriggerCore(control, FREE_INTID, 0, KT_ROOT, slot, KT_DEPTH, 0));
}

static void irq_handler_errors(void)
{
	seL4_CPtr handler = kt_slots(1), ntfn = kt_new(seL4_NotificationObject, 0);

	CHECK_OK(get(FREE_INTID, handler));
	CHECK_EQ(seL4_IRQHandler_SetNotification(handler, kt_new(seL4_EndpointObject, 0)),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_IRQHandler_SetNotification(handler, kt_mint(ntfn, seL4_CanRead, 0)),
		 seL4_InvalidCapability);
	CHECK_EQ(kt_invoke_raw(handler, IRQSetIRQHandler, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(handler, TCBSuspend, 0, 0), seL4_IllegalOperation);
	CHECK_OK(seL4_IRQHandler_SetNotification(handler, ntfn));
	CHECK_OK(seL4_IRQHandler_Ack(handler));
	CHECK_OK(seL4_IRQHandler_Clear(handler));
	CHECK_OK(seL4_IRQHandler_Clear(handler));
}

/* Leaves the device quiet for whoever comes next. */
static void quiet(void)
{
	UART[UART_IMSC] = 0;
	UART[UART_ICR] = 0x7ff;
}

static void raise(void)
{
	UART[UART_IMSC] = UART_TX;
	UART[0] = '\n';
}

static seL4_CPtr uart_handler(seL4_CPtr ntfn)
{
	seL4_CPtr handler = kt_slots(1);

	quiet();
	CHECK_OK(get(UART_INTID, handler));
	CHECK_OK(seL4_IRQHandler_SetNotification(handler, kt_mint(ntfn, seL4_AllRights, BADGE)));
	CHECK_OK(seL4_IRQHandler_Ack(handler));
	return handler;
}

static void irq_is_delivered_and_acknowledged(void)
{
	seL4_CPtr ntfn = kt_new(seL4_NotificationObject, 0), handler = uart_handler(ntfn);
	seL4_Word badge;

	for (int i = 0; i < 3; i++) {
		raise();
		seL4_Wait(ntfn, &badge);
		CHECK_EQ(badge, BADGE);
		quiet();
		CHECK_OK(seL4_IRQHandler_Ack(handler));
		seL4_NBWait(ntfn, &badge);
		CHECK_EQ(badge, 0);
	}
}

/* Masked from delivery to acknowledgement: a level that stays comes once. */
static void irq_is_masked_until_acknowledged(void)
{
	seL4_CPtr ntfn = kt_new(seL4_NotificationObject, 0), handler = uart_handler(ntfn);
	seL4_Word badge;

	raise();
	seL4_Wait(ntfn, &badge);
	kt_sleep(3);
	seL4_NBWait(ntfn, &badge);
	CHECK_EQ(badge, 0);
	CHECK_OK(seL4_IRQHandler_Ack(handler)); /* still high: comes again */
	seL4_Wait(ntfn, &badge);
	CHECK_EQ(badge, BADGE);
	quiet();
	CHECK_OK(seL4_IRQHandler_Ack(handler));
}

static void irq_cleared_handler_is_silent(void)
{
	seL4_CPtr ntfn = kt_new(seL4_NotificationObject, 0), handler = uart_handler(ntfn);
	seL4_Word badge = 1;

	CHECK_OK(seL4_IRQHandler_Clear(handler));
	raise();
	kt_sleep(3);
	quiet();
	seL4_NBWait(ntfn, &badge);
	CHECK_EQ(badge, 0);
}

static void irq_deleted_handler_is_silent(void)
{
	seL4_CPtr ntfn = kt_new(seL4_NotificationObject, 0), handler = uart_handler(ntfn);
	seL4_Word badge = 1;

	kt_delete(handler);
	raise();
	kt_sleep(3);
	quiet();
	seL4_NBWait(ntfn, &badge);
	CHECK_EQ(badge, 0);
}

/* A core's own interrupts. A guest makes its core's PMU raise one: overflow, enabled. */
static void irq_private_one_is_delivered(void)
{
	enum { PMU_INTID = 23 };
	seL4_CPtr handler = kt_slots(1), ntfn = kt_new(seL4_NotificationObject, 0);
	struct kt_vm vm = NEW_VM(pmu);
	seL4_Word badge = 0;

	CHECK_OK(get(PMU_INTID, handler));
	CHECK_EQ(get(PMU_INTID, kt_slots(1)), seL4_RevokeFirst);
	CHECK_OK(seL4_IRQHandler_SetNotification(handler, kt_mint(ntfn, seL4_AllRights, BADGE)));
	CHECK_OK(seL4_IRQHandler_Ack(handler));
	kt_vm_start(&vm, 0, 0);
	kt_vm_result(&vm);
	seL4_Wait(ntfn, &badge);
	CHECK_EQ(badge, BADGE);
	kt_vm_next(&vm);
	kt_vm_result(&vm); /* it has taken it back */
	CHECK_OK(seL4_IRQHandler_Ack(handler));
	seL4_NBWait(ntfn, &badge);
	CHECK_EQ(badge, 0);
}

/* With several cores it must be said whose a private interrupt is; two SGIs are the kernel's. */
static void irq_private_ones_of_cores(void)
{
	enum { PPI = 22 };
	seL4_CPtr slot = kt_slots(3);

	CHECK_EQ(seL4_IRQControl_GetTrigger(control, PPI, 0, KT_ROOT, slot, KT_DEPTH),
		 seL4_IllegalOperation);
	for (seL4_Word core = 0; core < 2; core++) {
		CHECK_OK(seL4_IRQControl_GetTriggerCore(control, PPI, 0, KT_ROOT, slot + core,
							KT_DEPTH, core));
		for (seL4_Word sgi = 0; sgi < 2; sgi++)
			CHECK_EQ(seL4_IRQControl_GetTriggerCore(control, sgi, 1, KT_ROOT, slot + 2,
								KT_DEPTH, core),
				 seL4_RevokeFirst);
	}
	CHECK_EQ(get(PPI, slot + 2), seL4_RevokeFirst); /* core 0's */
	kt_delete(slot);
	CHECK_OK(get(PPI, slot + 2));
}

static void irq_domains(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);

	CHECK_OK(seL4_DomainSet_Set(seL4_CapDomain, 0, tcb));
	CHECK_EQ(seL4_DomainSet_Set(seL4_CapDomain, 1, tcb), seL4_InvalidArgument);
	CHECK_EQ(seL4_DomainSet_Set(seL4_CapDomain, 0, kt_new(seL4_EndpointObject, 0)),
		 seL4_InvalidArgument);
	CHECK_EQ(kt_invoke_raw(seL4_CapDomain, TCBSuspend, 0, 1), seL4_IllegalOperation);
}

static const struct kt_test tests[] = {
	KT(irq_handler_is_unique),
	KT(irq_control_revokes_handlers),
	KT(irq_get_errors),
	KT(irq_reserved_ones_are_refused),
	KT(irq_get_trigger),
	KT_ON(irq_get_trigger_core, KT_SMP),
	KT(irq_handler_errors),
	KT(irq_is_delivered_and_acknowledged),
	KT(irq_is_masked_until_acknowledged),
	KT(irq_cleared_handler_is_silent),
	KT(irq_deleted_handler_is_silent),
	KT(irq_private_one_is_delivered),
	KT_ON(irq_private_ones_of_cores, KT_SMP),
	KT(irq_domains),
};

KT_GROUP(irq);
