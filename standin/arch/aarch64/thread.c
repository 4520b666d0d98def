/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a thread is in the machine: address space, thread registers, FPU, VCPU. The trap code saves
 * the rest. FPU and VCPU registers stay where they are until another thread needs the place, or
 * their thread runs on another core.
 */
#include "standin/object/cap.h"
#include "standin/object/tcb.h"
#include "standin/sched/lock.h"

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

void thread_init_core(struct core *c)
{
	c->arch.fpu_trapped = 1;
	WRITE_REG(cptr_el2, CPTR_RES1 | CPTR_TFP);
	isb();
}

struct core *arch_this_core(void)
{
	return (struct core *)(uintptr_t)READ_REG(tpidr_el2);
}

void arch_context_init(struct context *ctx)
{
	ctx->spsr = MODE_EL0T | SPSR_DAIF;
}

/* ---- FPU ---- */

static void fpu_trap(struct core *c, bool trap)
{
	if (c->arch.fpu_trapped == trap)
		return;
	c->arch.fpu_trapped = trap;
	WRITE_REG(cptr_el2, trap ? CPTR_RES1 | CPTR_TFP : CPTR_RES1);
	isb();
}

static void fpu_unload_here(struct core *c, void *arg, u64 value)
{
	struct tcb *t = arg;

	(void)value;
	if (c->arch.fpu_owner != t)
		return;
	fpu_trap(c, false);
	fpu_save(&t->arch.fpu);
	t->arch.fpu_core = 0;
	c->arch.fpu_owner = NULL;
}

static void fpu_unload(struct tcb *t)
{
	if (t->arch.fpu_core != 0)
		core_call((unsigned)t->arch.fpu_core - 1, fpu_unload_here, t, 0);
}

static void fpu_enter(struct core *c, struct tcb *t)
{
	fpu_trap(c, false);
	if (c->arch.fpu_owner != NULL)
		fpu_unload_here(c, c->arch.fpu_owner, 0);
	fpu_unload(t);
	fpu_load(&t->arch.fpu);
	t->arch.fpu_core = c->id + 1;
	c->arch.fpu_owner = t;
}

/* ---- coming and going ---- */

void arch_thread_leave(struct core *c, struct tcb *t)
{
	(void)c;
	t->ctx.tpidr_el0 = READ_REG(tpidr_el0);
	t->ctx.tpidrro_el0 = READ_REG(tpidrro_el0);
}

void arch_thread_load(struct core *c, struct tcb *t)
{
	(void)c;
	WRITE_REG(tpidr_el0, t->ctx.tpidr_el0);
	WRITE_REG(tpidrro_el0, t->ctx.tpidrro_el0);
}

void arch_thread_enter(struct core *c, struct tcb *t)
{
	u64 vttbr = asid_vttbr(t->slots[TCB_VSPACE].cap);

	if (vttbr != c->arch.vttbr)
		vttbr_set(c, vttbr);
	if (t->flags & seL4_TCBFlag_fpuDisabled) {
		fpu_trap(c, true);
	} else {
		if (UNLIKELY(c->arch.fpu_owner != t))
			fpu_enter(c, t);
		fpu_trap(c, false);
	}
	if (t->arch.vcpu != NULL)
		vcpu_enter(c, t->arch.vcpu);
	else
		vcpu_leave(c);
}

void arch_thread_none(struct core *c)
{
	vcpu_leave(c);
}

void arch_thread_destroy(struct tcb *t)
{
	for (unsigned i = 0; i < kernel.core_count; i++)
		if (kernel.cores[i].arch.fpu_owner == t)
			kernel.cores[i].arch.fpu_owner = NULL;
	t->arch.fpu_core = 0;
	if (t->arch.vcpu != NULL)
		vcpu_dissociate(t->arch.vcpu);
}

void arch_set_tls_base(struct tcb *t, u64 base)
{
	t->ctx.tpidr_el0 = base;
	if (arch_this_core()->current == t)
		WRITE_REG(tpidr_el0, base);
}

/* ---- registers by number ---- */

/* seL4_UserContext's order, as numbers of words of struct context: pc, sp, spsr, then registers. */
static const u8 context_at[] = { 32, 31, 33, 0,  1,  2,  3,  4,  5,  6,  7,  8,
				 16, 17, 18, 29, 30, 9,  10, 11, 12, 13, 14, 15,
				 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 34, 35 };

_Static_assert(offsetof(struct context, sp) == 31 * 8 && offsetof(struct context, elr) == 32 * 8 &&
		       offsetof(struct context, spsr) == 33 * 8 &&
		       offsetof(struct context, tpidr_el0) == 34 * 8 &&
		       offsetof(struct context, tpidrro_el0) == 35 * 8,
	       "context_at, trap.S");

enum { WORD_PC = 0, WORD_SPSR = 2 };

static u64 *context_word(struct tcb *t, unsigned n)
{
	return (u64 *)(void *)&t->ctx + context_at[n];
}

u64 arch_restart_pc(struct tcb *t)
{
	return tcb_blocked(t) && t->rewind ? t->ctx.elr - 4 : t->ctx.elr;
}

void arch_rewind_syscall(struct tcb *t)
{
	t->ctx.elr -= 4;
}

u64 arch_context_read(struct tcb *t, unsigned n)
{
	return n == WORD_PC ? arch_restart_pc(t) : *context_word(t, n);
}

/* A guest's as given, if the mode is one of a guest; otherwise EL0 with these condition flags. */
static u64 sane_spsr(struct tcb *t, u64 spsr)
{
	u64 mode = spsr & SPSR_MODE;

	if (t->arch.vcpu != NULL && (mode == MODE_EL0T || mode == MODE_EL1T || mode == MODE_EL1H))
		return spsr;
	return (spsr & SPSR_FLAGS) | SPSR_DAIF | MODE_EL0T;
}

void arch_context_write(struct tcb *t, unsigned n, u64 value)
{
	if (n == WORD_SPSR)
		value = sane_spsr(t, value);
	if (n == WORD_PC)
		t->rewind = false;
	*context_word(t, n) = value;
}

void thread_set_spsr(struct tcb *t, u64 spsr)
{
	t->ctx.spsr = sane_spsr(t, spsr);
}

void arch_thread_flags_changed(struct tcb *t)
{
	if (t->flags & seL4_TCBFlag_fpuDisabled)
		fpu_unload(t);
}

/* ---- time: the system counter, and the EL2 physical timer as the kernel's one-shot timer ---- */

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
