/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel lock and the mailboxes: see lock.h. */
#include "standin/sched/lock.h"

static void serve(struct core *c)
{
	u32 request = __atomic_load_n(&c->request, __ATOMIC_ACQUIRE);
	struct tcb *t = c->current;

	if (LIKELY(request == REQUEST_NONE))
		return;
	c->changed = true;
	if (request == REQUEST_CALL) {
		c->call(c, c->call_arg, c->call_value);
	} else if (t != NULL) {
		if (c->in_syscall)
			arch_rewind_syscall(t);
		c->in_syscall = false;
		sched_charge(c);
		arch_thread_leave(c, t);
		c->current = NULL;
	}
	__atomic_store_n(&c->request, REQUEST_NONE, __ATOMIC_RELEASE);
}

static OUT_OF_LINE void take(struct core *c)
{
	while (__atomic_exchange_n(&kernel.lock, 1, __ATOMIC_ACQUIRE) != 0) {
		while (__atomic_load_n(&kernel.lock, __ATOMIC_RELAXED) != 0) {
			serve(c);
			arch_relax();
		}
	}
}

void lock_take(struct core *c)
{
	if (kernel.core_count > 1)
		take(c);
}

void lock_release(void)
{
	if (kernel.core_count > 1)
		__atomic_store_n(&kernel.lock, 0, __ATOMIC_RELEASE);
}

static void post(struct core *c, u32 request)
{
	__atomic_store_n(&c->request, request, __ATOMIC_RELEASE);
	arch_kick((unsigned)c->id);
	while (__atomic_load_n(&c->request, __ATOMIC_ACQUIRE) != REQUEST_NONE)
		arch_relax();
}

void core_call(unsigned id, void (*fn)(struct core *c, void *arg, u64 value), void *arg, u64 value)
{
	struct core *c = &kernel.cores[id];

	if (c == arch_this_core()) {
		fn(c, arg, value);
		return;
	}
	c->call = fn;
	c->call_arg = arg;
	c->call_value = value;
	post(c, REQUEST_CALL);
}

void core_stall(struct tcb *t)
{
	struct core *c;

	if (kernel.core_count == 1 || t->sc == NULL)
		return;
	c = &kernel.cores[t->sc->core];
	if (c != arch_this_core() && c->current == t)
		post(c, REQUEST_STALL);
}
