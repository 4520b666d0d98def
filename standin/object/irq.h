/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts that user programs handle. Numbers of a core's own interrupts: see irq_own(). */
#pragma once

#include "standin/sched/sched.h"

static inline u64 irq_own(u64 core, u64 irq)
{
	return IRQ_SHARED_MAX + core * IRQ_PER_CORE + irq;
}

/* The interrupt that a user calls `irq`, on that core if it is one of the core's own. */
static inline u64 irq_of_user(u64 core, u64 irq)
{
	return irq < IRQ_PER_CORE ? irq_own(core, irq) : irq;
}

static inline bool irq_is_issued(u64 irq)
{
	return kernel.irq_issued[irq / 64] >> (irq % 64) & 1;
}

static inline void irq_issue(u64 irq)
{
	kernel.irq_issued[irq / 64] |= BIT(irq % 64);
}

/** The last handler capability went. */
void irq_release(u64 irq);

/** It fired: masked until acknowledged, and its notification signalled. */
void irq_deliver(u64 irq);

struct invocation;
/** IRQControl_Get [irq, index, depth], caps{root} */
u64 irq_get(struct invocation *inv);
/** Makes a handler capability: IRQControl_Get and its machine-dependent variants. */
u64 irq_make_handler(struct invocation *inv, u64 irq, u64 index, u64 depth);
