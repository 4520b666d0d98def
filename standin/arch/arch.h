/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel needs from the machine. One implementation per ISA, in a folder of its own beside
 * this header; nothing outside those folders knows a register's name. Everything here is called with
 * the kernel lock held unless said otherwise.
 */
#pragma once

#include "standin/object/objects.h"

struct core;

/* ---- time: ticks of a counter that all cores share ---- */
u64 arch_now(void);
u64 arch_ticks_per_second(void);
/** Arms this core's one-shot timer; ~0 disarms it. */
void arch_timer_set(u64 when);

/* ---- cores ---- */
struct core *arch_this_core(void);
/** Makes another core enter the kernel soon. */
void arch_kick(unsigned core);
/** Another core has more to do: where cores take turns (emulators), it is that one's now. */
void arch_relax(void);
/** Whether an interrupt waits: long operations look, so that they can be broken off. */
bool arch_irq_pending(void);
_Noreturn void arch_halt(void);

/* ---- threads ---- */
/** Saves what the trap entry did not; the core will run something else. */
void arch_thread_leave(struct core *c, struct tcb *t);
/** The reverse, for the thread that the core runs next. */
void arch_thread_load(struct core *c, struct tcb *t);
/** Makes address space, FPU and VCPU those of the thread that runs next. */
void arch_thread_enter(struct core *c, struct tcb *t);
/** The core becomes idle. */
void arch_thread_none(struct core *c);
void arch_thread_destroy(struct tcb *t);
/** Flags (FPU) or registers kept outside the context were changed. */
void arch_thread_flags_changed(struct tcb *t);
void arch_set_tls_base(struct tcb *t, u64 base);

void arch_context_init(struct context *ctx);
/** The n-th word of seL4_UserContext, of a thread that runs on no other core. */
u64 arch_context_read(struct tcb *t, unsigned n);
void arch_context_write(struct tcb *t, unsigned n, u64 value);
u64 arch_restart_pc(struct tcb *t);
/** The system call that is being made is to be issued again. */
void arch_rewind_syscall(struct tcb *t);

/* ---- faults ---- */
/*
 * Messages as they travel: the first seL4_FastMessageRegisters words at `mr`, all others (and room
 * for the first) at `buf`, which is NULL if the other side has no IPC buffer.
 */
/** Writes t's fault message; returns its length. */
u64 arch_fault_message(struct tcb *t, u64 *mr, u64 *buf);
/** Applies a reply's words to the faulter; true: restart it. */
bool arch_fault_reply(struct tcb *t, u64 label, const u64 *mr, const u64 *buf, u64 length);

/* ---- objects ---- */
unsigned arch_cap_derive(struct cap cap, struct cap *out);
/** The capability in `s` goes away; `final`: it is the object's last. */
void arch_cap_finalise(struct cap cap, bool final);
/** What Retype makes of a machine-dependent type; NULL: there is no such type. */
const struct object_type *arch_object_type(u64 type);
/** Zeroes memory, and cleans it so that it reads zero with caches off. */
void arch_clear(void *at, u64 size);
/** A capability fit to be a thread's address space? */
bool arch_is_vspace_root(struct cap cap);
/** 0, or an error of the API. */
u64 arch_check_ipc_buffer(struct cap cap, u64 address);
/** The buffer of a thread, if it has one that it may write (or read). */
u64 *arch_ipc_buffer(struct tcb *t, bool write);

/* ---- interrupts ---- */
u64 arch_irq_count(void);
/** 0, or an error of the API, for a user who asks for this interrupt. */
u64 arch_irq_check(u64 irq);
void arch_irq_mask(u64 irq, bool mask);
void arch_irq_configure(u64 irq, bool edge, unsigned core);

/* ---- debugging ---- */
void arch_putchar(char ch);

/** Message registers 0 to 3, and the registers beside them. */
static inline u64 *arch_mr(struct tcb *t)
{
	return context_mr(&t->ctx);
}

static inline u64 *arch_cap_register(struct tcb *t)
{
	return context_cap_register(&t->ctx);
}

static inline u64 *arch_info_register(struct tcb *t)
{
	return context_info_register(&t->ctx);
}
