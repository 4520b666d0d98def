/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling contexts and their control capabilities (one a core); domains. Times in microseconds. */
#pragma once

#include <sel4/stubs/common.h>

typedef struct seL4_SchedContext_Consumed {
	int error;
	seL4_Time consumed;
} seL4_SchedContext_Consumed_t;

typedef struct seL4_SchedContext_YieldTo {
	int error;
	seL4_Time consumed;
} seL4_SchedContext_YieldTo_t;

SEL4_INLINE seL4_Error seL4_SchedControl_ConfigureFlags(seL4_SchedControl service,
							seL4_SchedContext schedcontext,
							seL4_Time budget, seL4_Time period,
							seL4_Word extra_refills, seL4_Word badge,
							seL4_Word flags)
{
	seL4_SetCap(0, schedcontext);
	seL4_SetMR(4, flags);
	return sel4_invoke(service, SchedControlConfigureFlags, 1, 5, budget, period, extra_refills,
			   badge);
}

SEL4_INLINE seL4_Error seL4_SchedControl_Configure(seL4_SchedControl service,
						   seL4_SchedContext schedcontext, seL4_Time budget,
						   seL4_Time period, seL4_Word extra_refills,
						   seL4_Word badge)
{
	return seL4_SchedControl_ConfigureFlags(service, schedcontext, budget, period,
						extra_refills, badge, seL4_SchedContext_NoFlag);
}

/** `cap`: a TCB or a notification. */
SEL4_INLINE seL4_Error seL4_SchedContext_Bind(seL4_SchedContext service, seL4_CPtr cap)
{
	seL4_SetCap(0, cap);
	return sel4_invoke(service, SchedContextBind, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_SchedContext_Unbind(seL4_SchedContext service)
{
	return sel4_invoke(service, SchedContextUnbind, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_SchedContext_UnbindObject(seL4_SchedContext service, seL4_CPtr cap)
{
	seL4_SetCap(0, cap);
	return sel4_invoke(service, SchedContextUnbindObject, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_SchedContext_Consumed_t seL4_SchedContext_Consumed(seL4_SchedContext service)
{
	seL4_SchedContext_Consumed_t result = { 0, 0 };

	result.error =
		(int)sel4_invoke_word(service, SchedContextConsumed, 0, 0, 0, &result.consumed);
	return result;
}

SEL4_INLINE seL4_SchedContext_YieldTo_t seL4_SchedContext_YieldTo(seL4_SchedContext service)
{
	seL4_SchedContext_YieldTo_t result = { 0, 0 };

	result.error =
		(int)sel4_invoke_word(service, SchedContextYieldTo, 0, 0, 0, &result.consumed);
	return result;
}

SEL4_INLINE seL4_Error seL4_DomainSet_Set(seL4_DomainSet service, seL4_Uint8 domain,
					  seL4_TCB thread)
{
	seL4_SetCap(0, thread);
	return sel4_invoke(service, DomainSetSet, 1, 1, domain, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_DomainSet_ScheduleConfigure(seL4_DomainSet service, seL4_Word index,
							seL4_Uint8 domain, seL4_Time duration)
{
	return sel4_invoke(service, DomainScheduleConfigure, 0, 3, index, domain, duration, 0);
}

SEL4_INLINE seL4_Error seL4_DomainSet_ScheduleSetStart(seL4_DomainSet service, seL4_Word index)
{
	return sel4_invoke(service, DomainScheduleSetStart, 0, 1, index, 0, 0, 0);
}
