/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: states, and what other objects do to them. The invocations are in tcb_invoke.c. */
#pragma once

#include "standin/object/objects.h"

#include "standin/arch/arch.h"

void tcb_init(void *tcb);

/** The thread stops running; whether by its own system call decides where it would start again. */
static inline void tcb_block(struct tcb *t, enum thread_state state)
{
	t->state = (u8)state;
	t->rewind = t->fault.label == 0;
}

static inline bool tcb_blocked(const struct tcb *t)
{
	return t->state >= THREAD_ON_RECEIVE;
}

/** A system call that was not completed is to be issued again. */
static inline void tcb_rewind(struct tcb *t)
{
	if (t->rewind)
		arch_rewind_syscall(t);
	t->rewind = false;
}

/** Neither runs nor waits any more. A fault is forgotten: the thread would take it again. */
static inline void tcb_stop(struct tcb *t)
{
	t->state = THREAD_INACTIVE;
	tcb_rewind(t);
	t->fault.label = 0;
}

void tcb_suspend(struct tcb *t);
/** Cancels what a stopped or blocked thread waits for, and lets it run. */
void tcb_restart(struct tcb *t);
/** The last capability went: nothing refers to the thread afterwards. Its slots are left. */
void tcb_destroy(struct tcb *t);
void tcb_set_priority(struct tcb *t, u8 prio);
