/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: starting, stopping, going away. */
#include "standin/object/tcb.h"

#include "standin/ipc/ipc.h"
#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/sched/lock.h"

void tcb_init(void *tcb)
{
	arch_context_init(&((struct tcb *)tcb)->ctx);
}

static void leave_yield(struct tcb *t)
{
	if (t->yield_to == NULL)
		return;
	t->yield_to->yield_from = NULL;
	t->yield_to = NULL;
}

void tcb_suspend(struct tcb *t)
{
	struct core *c = arch_this_core();

	sched_remove(t);
	ipc_cancel(t);
	leave_yield(t);
	if (t == c->current && t->state == THREAD_RUNNING && c->in_syscall) {
		arch_rewind_syscall(t);
		c->in_syscall = false;
	}
	t->state = THREAD_INACTIVE;
}

void tcb_restart(struct tcb *t)
{
	if (tcb_runnable(t))
		return;
	ipc_cancel(t);
	t->state = THREAD_RUNNING;
	sched_wake(t);
}

void tcb_destroy(struct tcb *t)
{
	tcb_suspend(t);
	notification_unbind(t);
	if (t->sc != NULL) {
		sc_cancel_yield(t->sc);
		sc_unbind_tcb(t->sc);
	}
	arch_thread_destroy(t);
}

void tcb_set_priority(struct tcb *t, u8 prio)
{
	switch (t->queue) {
	case QUEUE_READY:
	case QUEUE_RELEASE:
		sched_remove(t);
		t->prio = prio;
		sched_wake(t);
		return;
	case QUEUE_ENDPOINT:
		t->prio = prio;
		endpoint_requeue(t);
		return;
	case QUEUE_NOTIFICATION:
		t->prio = prio;
		notification_requeue(t);
		return;
	default:
		t->prio = prio;
		if (t->sc != NULL && kernel.cores[t->sc->core].current == t &&
		    t->sc->core != arch_this_core()->id)
			arch_kick(t->sc->core);
		return;
	}
}
