/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps: from the registers of an exception to a system call, a fault or an interrupt, and from the
 * scheduler's choice back. The offsets that trap.S uses are checked here and in thread.c.
 */
#include "standin/api/syscall.h"
#include "standin/ipc/ipc.h"
#include "standin/lib/print.h"
#include "standin/object/tcb.h"
#include "standin/sched/lock.h"

#include <sel4/faults.h>
#include <sel4/syscall.h>

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

_Static_assert(offsetof(struct tcb, ctx) == 0, "trap.S");
_Static_assert(offsetof(struct core, stack_top) == 0, "trap.S");
_Static_assert(offsetof(struct fpu_state, fpsr) == 512, "fpu.S");

enum { ESR_EC_SHIFT = 26, ESR_UNDEFINED = 0x2000000, DFSC_PERMISSION = 0x0c };

#define ESR_S1PTW BIT(7)
#define PAR_F     BIT(0)
#define PAR_PA    0xfffffffff000ull

static struct tcb *leave(struct core *c)
{
	struct tcb *next = sched_choose(c);

	lock_release();
	return LIKELY(next != NULL) ? next : trap_idle(c);
}

struct tcb *trap_idle(struct core *c)
{
	struct tcb *next;

	do {
		__asm__ volatile("dsb sy; wfi" : : : "memory"); /* interrupts are masked */
		lock_take(c);
		irq_handle(c);
		next = sched_choose(c);
		lock_release();
	} while (next == NULL);
	return next;
}

void arch_relax(void)
{
	__asm__ volatile("yield");
}

/* The IPA of a guest's fault. HPFAR_EL2 is not valid for permission faults of the access itself. */
static u64 fault_ipa(u64 esr, u64 far)
{
	u64 par, saved;

	if ((esr & 0x3c) != DFSC_PERMISSION || esr & ESR_S1PTW)
		return (READ_REG(hpfar_el2) >> 4 & MASK(36)) << 12 | (far & 0xfff);
	saved = READ_REG(par_el1);
	__asm__ volatile("at s1e1r, %0; isb" : : "r"(far) : "memory");
	par = READ_REG(par_el1);
	WRITE_REG(par_el1, saved);
	return par & PAR_F ? far : (par & PAR_PA) | (far & 0xfff);
}

static void set_abort(struct tcb *t, u64 esr, bool prefetch)
{
	u64 address = READ_REG(far_el2);

	if (t->arch.vcpu != NULL)
		address = fault_ipa(esr, address);
	t->fault.label = seL4_Fault_VMFault;
	t->fault.w[0] = address;
	t->fault.w[1] = prefetch;
	t->fault.w[2] = esr;
}

static void set_fault(struct tcb *t, u64 esr)
{
	u64 ec = esr >> ESR_EC_SHIFT;

	if (ec == EC_DABT_LOWER || ec == EC_IABT_LOWER) {
		set_abort(t, esr, ec == EC_IABT_LOWER);
	} else if (esr == ESR_UNDEFINED) {
		t->fault.label = seL4_Fault_UserException;
		t->fault.w[0] = esr;
		t->fault.w[1] = 0;
	} else {
		t->fault.label = seL4_Fault_VCPUFault;
		t->fault.w[0] = esr;
	}
}

static void do_syscall(struct core *c, struct tcb *t)
{
	struct syscall sys = {
		.number = t->ctx.x[7],
		.cptr = t->ctx.x[0],
		.reply = t->ctx.x[6],
		.dest = t->ctx.x[8],
	};

	/* NBSendWait offers no reply object, and names its destination where that would be. */
	if (UNLIKELY((int64_t)sys.number == seL4_SysNBSendWait))
		sys.dest = sys.reply;
	if (LIKELY(syscall_perform(c, t, &sys)))
		return;
	arch_rewind_syscall(t);
	t->fault.label = seL4_Fault_UnknownSyscall;
	t->fault.w[0] = sys.number;
	fault_send(t);
}

struct tcb *trap_sync(struct tcb *t, struct core *c, u64 esr)
{
	u64 ec = esr >> ESR_EC_SHIFT;

	if (ec == EC_SVC64 || ec == EC_HVC64) {
		c->in_syscall = true;
		lock_take(c);
		if (LIKELY(c->current == t))
			do_syscall(c, t);
		c->in_syscall = false;
		return leave(c);
	}
	lock_take(c);
	if (LIKELY(c->current == t)) {
		set_fault(t, esr);
		fault_send(t);
	}
	return leave(c);
}

struct tcb *trap_irq(struct tcb *t, struct core *c)
{
	(void)t;
	arch_relax(); /* or a program that spins may spin for ever: see tools/turns.py */
	lock_take(c);
	irq_handle(c);
	return leave(c);
}

struct tcb *trap_serror(struct tcb *t, struct core *c)
{
	lock_take(c);
	if (c->current == t) {
		t->fault.label = seL4_Fault_UserException;
		t->fault.w[0] = READ_REG(esr_el2);
		t->fault.w[1] = 0;
		fault_send(t);
	}
	return leave(c);
}

void trap_from_kernel(u64 vector)
{
	print("\nstandin: exception in the kernel, core %u: vector %u esr %x elr %x far %x\n",
	      arch_this_core()->id, vector, READ_REG(esr_el2), READ_REG(elr_el2),
	      READ_REG(far_el2));
	arch_halt();
}

/* ---- fault messages ---- */

enum { FAULT_WORDS = seL4_UnknownSyscall_Length };

/* All words of the message, as the API orders them; returns how many. */
static u64 fault_words(const struct tcb *t, u64 out[FAULT_WORDS])
{
	static const u8 cap_fault_lengths[] = { 4, 4, 5, 6, 7 };
	const struct context *ctx = &t->ctx;
	const struct fault *f = &t->fault;

	out[0] = ctx->elr;
	switch (f->label) {
	case seL4_Fault_VMFault:
		out[seL4_VMFault_Addr] = f->w[0];
		out[seL4_VMFault_PrefetchFault] = f->w[1];
		out[seL4_VMFault_FSR] = f->w[2];
		return seL4_VMFault_Length;
	case seL4_Fault_UnknownSyscall:
		for (unsigned i = 0; i <= seL4_UnknownSyscall_X7; i++)
			out[i] = ctx->x[i];
		out[seL4_UnknownSyscall_FaultIP] = ctx->elr;
		out[seL4_UnknownSyscall_SP] = ctx->sp;
		out[seL4_UnknownSyscall_LR] = ctx->elr + 4;
		out[seL4_UnknownSyscall_SPSR] = ctx->spsr;
		out[seL4_UnknownSyscall_Syscall] = f->w[0];
		return seL4_UnknownSyscall_Length;
	case seL4_Fault_CapFault:
		for (unsigned i = seL4_CapFault_Addr; i < ARRAY_SIZE(f->w); i++)
			out[i] = f->w[i];
		return cap_fault_lengths[f->w[seL4_CapFault_LookupFailureType] %
					 ARRAY_SIZE(cap_fault_lengths)];
	case seL4_Fault_UserException:
		out[seL4_UserException_SP] = ctx->sp;
		out[seL4_UserException_SPSR] = ctx->spsr;
		out[seL4_UserException_Number] = f->w[0];
		out[seL4_UserException_Code] = f->w[1];
		return seL4_UserException_Length;
	case seL4_Fault_Timeout:
		out[seL4_Timeout_Data] = f->w[0];
		out[seL4_Timeout_Consumed] = f->w[1];
		return seL4_Timeout_Length;
	default: /* one word of the machine's */
		out[0] = f->w[0];
		return 1;
	}
}

u64 arch_fault_message(struct tcb *t, u64 *mr, u64 *buf)
{
	u64 words[FAULT_WORDS], length = fault_words(t, words);

	for (u64 i = 0; i < length && i < seL4_FastMessageRegisters; i++)
		mr[i] = words[i];
	if (LIKELY(length <= seL4_FastMessageRegisters))
		return length;
	if (buf == NULL)
		return seL4_FastMessageRegisters;
	for (u64 i = seL4_FastMessageRegisters; i < length; i++)
		buf[i] = words[i];
	return length;
}

static u64 word(const u64 *mr, const u64 *buf, u64 i)
{
	return i < seL4_FastMessageRegisters ? mr[i] : buf[i];
}

/* Words: x0..x7, pc, sp, LR (which is where the call would return to: ignored), spsr. */
static void syscall_reply(struct tcb *t, const u64 *mr, const u64 *buf, u64 length)
{
	for (u64 i = 0; i < length && i <= seL4_UnknownSyscall_X7; i++)
		t->ctx.x[i] = word(mr, buf, i);
	if (length > seL4_UnknownSyscall_FaultIP)
		t->ctx.elr = buf[seL4_UnknownSyscall_FaultIP];
	if (length > seL4_UnknownSyscall_SP)
		t->ctx.sp = buf[seL4_UnknownSyscall_SP];
	if (length > seL4_UnknownSyscall_SPSR)
		thread_set_spsr(t, buf[seL4_UnknownSyscall_SPSR]);
}

bool arch_fault_reply(struct tcb *t, u64 label, const u64 *mr, const u64 *buf, u64 length)
{
	u64 most = 0;

	switch (t->fault.label) {
	case seL4_Fault_UnknownSyscall:
		syscall_reply(t, mr, buf, length);
		return label == 0;
	case seL4_Fault_UserException:
		most = seL4_UserException_SPSR + 1;
		break;
	case seL4_Fault_Timeout:
		most = seL4_TimeoutReply_Length;
		break;
	default:
		return true;
	}
	for (unsigned i = 0; i < length && i < most; i++)
		arch_context_write(t, i, word(mr, buf, i));
	return label == 0;
}
