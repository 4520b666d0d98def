/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts. Trigger: 0 level, 1 edge. Numbers are GIC INTIDs. */
#pragma once

#include <sel4/stubs/common.h>

SEL4_INLINE seL4_Error seL4_IRQControl_Get(seL4_IRQControl service, seL4_Word irq, seL4_CNode root,
					   seL4_Word index, seL4_Uint8 depth)
{
	seL4_SetCap(0, root);
	return sel4_invoke(service, IRQIssueIRQHandler, 1, 3, irq, index, depth, 0);
}

SEL4_INLINE seL4_Error seL4_IRQControl_GetTrigger(seL4_IRQControl service, seL4_Word irq,
						  seL4_Word trigger, seL4_CNode root,
						  seL4_Word index, seL4_Uint8 depth)
{
	seL4_SetCap(0, root);
	return sel4_invoke(service, ARMIRQIssueIRQHandlerTrigger, 1, 4, irq, trigger, index, depth);
}

/** Only an SMP kernel knows it; on a single-core kernel this number is IssueSGISignal. */
SEL4_INLINE seL4_Error seL4_IRQControl_GetTriggerCore(seL4_IRQControl service, seL4_Word irq,
						      seL4_Word trigger, seL4_CNode root,
						      seL4_Word index, seL4_Uint8 depth,
						      seL4_Word target)
{
	seL4_SetCap(0, root);
	seL4_SetMR(4, target);
	return sel4_invoke(service, ARMIRQIssueIRQHandlerTriggerCore, 1, 5, irq, trigger, index,
			   depth);
}

SEL4_INLINE seL4_Error seL4_IRQHandler_Ack(seL4_IRQHandler service)
{
	return sel4_invoke(service, IRQAckIRQ, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_IRQHandler_SetNotification(seL4_IRQHandler service,
						       seL4_CPtr notification)
{
	seL4_SetCap(0, notification);
	return sel4_invoke(service, IRQSetIRQHandler, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_IRQHandler_Clear(seL4_IRQHandler service)
{
	return sel4_invoke(service, IRQClearIRQHandler, 0, 0, 0, 0, 0, 0);
}
