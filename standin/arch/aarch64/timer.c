/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the system counter, and the EL2 physical timer as the kernel's one-shot timer. */
#include "standin/arch/arch.h"

#include "standin/arch/aarch64/regs.h"

u64 arch_now(void)
{
	return READ_REG(cntpct_el0);
}

u64 arch_ticks_per_second(void)
{
	return READ_REG(cntfrq_el0);
}

void arch_timer_set(u64 when)
{
	WRITE_REG(cnthp_cval_el2, when);
}
