/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: per core, ready queues by priority, a release queue by time, one current thread.
 *
 * The current thread is on no queue. A thread that becomes runnable is offered to its core with
 * sched_wake(); which thread runs is decided once, at the end of the kernel entry, by
 * sched_choose(). Time is charged when the scheduling context changes, not at every entry.
 */
#pragma once

#include "standin/object/objects.h"

#include "standin/arch/arch.h"

enum {
	CORES_MAX = 8,
	PRIORITIES = 256,
	IRQ_SHARED_MAX = 1024, /* shared interrupts by number, then each core's own */
	IRQ_PER_CORE = 32,
	IRQ_SLOTS = IRQ_SHARED_MAX + CORES_MAX * IRQ_PER_CORE,
};

/* What the holder of the kernel lock asks of another core, which does it while waiting for the lock. */
enum core_request { REQUEST_NONE, REQUEST_STALL, REQUEST_CALL };

struct core {
	u64 stack_top; /* first: the trap entry loads it */
	u64 id;
	struct tcb *current;      /* NULL: idle */
	struct sched_context *sc; /* whose time runs since `since` */
	u64 since;
	u64 deadline;          /* as the timer is armed */
	struct tcb *candidate; /* woken on this core during this entry; on no queue */
	bool changed;     /* more may have changed than what the current thread does: decide anew */
	bool yielded;     /* the current thread has used up its time */
	bool yield_first; /* the head of its queue goes before the current thread */
	bool in_syscall;  /* the current thread entered by a system call, not yet performed */
	u64 ready_words;  /* which words of ready_mask are not zero */
	u64 ready_mask[PRIORITIES / 64];
	struct tcb_list ready[PRIORITIES];
	struct tcb_list release; /* ascending by the head refill's time */
	struct arch_core arch;

	/* Mailbox: see lock.h. */
	u32 request;
	void (*call)(struct core *c, void *arg, u64 value);
	void *call_arg;
	u64 call_value;
};

/* The only mutable globals of the kernel, with boot's and the interrupt table's: all in here. */
struct kernel {
	struct core cores[CORES_MAX];
	unsigned core_count;
	u64 least_budget; /* ticks */
	u64 ticks_per_second;
	u32 lock;
	struct slot irqs[IRQ_SLOTS]; /* each holds the notification to signal, or nothing */
	u64 irq_issued[IRQ_SLOTS / 64];
};

extern struct kernel kernel;

void sched_init_core(struct core *c, unsigned id);

static inline bool tcb_runnable(const struct tcb *t)
{
	return t->state == THREAD_RUNNING;
}

/** A thread became runnable, or got a scheduling context: it may run from now on. */
void sched_wake(struct tcb *t);

/** Takes a thread off the ready or release queue, and off its core if it runs elsewhere. */
void sched_remove(struct tcb *t);

/** The current thread gives up the rest of its head replenishment. */
void sched_yield(struct core *c);

/** The timer fired: releases threads, ends a used-up time slice. */
void sched_timer(struct core *c);

/** Brings the running scheduling context's account up to date. */
void sched_charge(struct core *c);

/** Decides who runs and loads it; returns the thread, or NULL for idle. */
struct tcb *sched_choose(struct core *c);

/** Puts a waiting thread at the head of its queue, before the current one if of equal priority. */
void sched_run_first(struct core *c, struct tcb *t);

/* Lists of TCBs. */
/** `after` NULL: at the end. */
void list_insert_before(struct tcb_list *l, struct tcb *t, struct tcb *after);
/** Before the first of lower priority: highest first, and in order among equals. */
void list_insert_by_priority(struct tcb_list *l, struct tcb *t);
void list_remove(struct tcb_list *l, struct tcb *t);

u64 ticks_from_us(u64 us);
u64 us_from_ticks(u64 ticks);
u64 us_max(void);
