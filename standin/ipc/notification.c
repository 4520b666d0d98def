/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: a word of signals, threads that wait for it, and what may be bound to it.
 *
 * IDLE: no signal, nobody waits. WAITING: threads in THREAD_ON_NOTIFICATION. ACTIVE: signals in
 * `badge`. A bound thread gets the signal also while it receives on an endpoint; a bound scheduling
 * context is lent to a passive thread with the signal, and returned when that thread blocks again.
 */
#include "standin/ipc/ipc.h"

#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/sched.h"

static void lend_sc(struct notification *n, struct tcb *t)
{
	if (t->sc == NULL && n->sc != NULL && n->sc->tcb == NULL)
		sc_donate(n->sc, t);
}

void notification_return_sc(struct notification *n, struct tcb *t)
{
	if (t->sc != NULL && t->sc == n->sc) {
		t->sc->tcb = NULL;
		t->sc = NULL;
	}
}

static void deliver(struct notification *n, struct tcb *t, u64 badge)
{
	*arch_cap_register(t) = badge;
	t->state = THREAD_RUNNING;
	lend_sc(n, t);
	sched_wake(t);
}

void notification_signal(struct notification *n, u64 badge)
{
	struct tcb *t = n->bound_tcb;

	switch (n->state) {
	case NTFN_WAITING:
		t = n->waiting.head;
		notification_leave(t);
		deliver(n, t, badge);
		return;
	case NTFN_IDLE:
		if (t != NULL && t->state == THREAD_ON_RECEIVE) {
			t->rewind = false; /* the receive is complete */
			ipc_cancel(t);
			deliver(n, t, badge);
			return;
		}
		n->state = NTFN_ACTIVE;
		n->badge = badge;
		return;
	default:
		n->badge |= badge;
		return;
	}
}

static void take(struct notification *n, struct tcb *t)
{
	*arch_cap_register(t) = n->badge;
	n->state = NTFN_IDLE;
	lend_sc(n, t);
}

bool notification_take_bound(struct tcb *t)
{
	if (t->bound->state != NTFN_ACTIVE)
		return false;
	take(t->bound, t);
	return true;
}

void notification_wait(struct tcb *t, struct notification *n, bool block)
{
	if (n->state == NTFN_ACTIVE) {
		take(n, t);
		return;
	}
	if (!block) {
		*arch_cap_register(t) = 0;
		return;
	}
	tcb_block(t, THREAD_ON_NOTIFICATION);
	t->waits_on = n;
	notification_return_sc(n, t);
	list_insert_by_priority(&n->waiting, t);
	t->queue = QUEUE_NOTIFICATION;
	n->state = NTFN_WAITING;
}

void notification_leave(struct tcb *t)
{
	struct notification *n = t->waits_on;

	list_remove(&n->waiting, t);
	t->queue = QUEUE_NONE;
	if (n->waiting.head == NULL)
		n->state = NTFN_IDLE;
}

void notification_requeue(struct tcb *t)
{
	list_remove(&t->waits_on->waiting, t);
	list_insert_by_priority(&t->waits_on->waiting, t);
}

void notification_bind(struct notification *n, struct tcb *t)
{
	n->bound_tcb = t;
	t->bound = n;
}

void notification_unbind(struct tcb *t)
{
	if (t->bound == NULL)
		return;
	t->bound->bound_tcb = NULL;
	t->bound = NULL;
}

void notification_destroy(struct notification *n)
{
	if (n->sc != NULL)
		sc_unbind_notification(n->sc);
	if (n->bound_tcb != NULL)
		notification_unbind(n->bound_tcb);
	while (n->waiting.head != NULL) {
		struct tcb *t = n->waiting.head;

		ipc_cancel(t);
		t->state = THREAD_RUNNING;
		sched_wake(t);
	}
	n->state = NTFN_IDLE;
}
