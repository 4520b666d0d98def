/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints: a queue of senders or of receivers, highest priority first.
 *
 * IDLE: queue empty. SEND: threads in THREAD_ON_SEND (a faulting thread is one that calls). RECV:
 * threads in THREAD_ON_RECEIVE, each with the reply object it offers, if any.
 */
#include "standin/ipc/ipc.h"

#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/sched.h"

static u64 ep_state(const struct endpoint *ep)
{
	return ep->tail_state & EP_STATE;
}

static struct tcb_list ep_list(const struct endpoint *ep)
{
	return (struct tcb_list){ ep->head,
				  (struct tcb *)(uintptr_t)(ep->tail_state & ~(u64)EP_STATE) };
}

static void ep_set(struct endpoint *ep, struct tcb_list l, u64 state)
{
	ep->head = l.head;
	ep->tail_state = (uintptr_t)l.tail | (l.head == NULL ? (u64)EP_IDLE : state);
}

static void ep_insert(struct endpoint *ep, struct tcb *t, u64 state)
{
	struct tcb_list l = ep_list(ep);

	list_insert_by_priority(&l, t);
	t->queue = QUEUE_ENDPOINT;
	t->ep = ep;
	ep_set(ep, l, state);
}

static void ep_remove(struct endpoint *ep, struct tcb *t)
{
	struct tcb_list l = ep_list(ep);

	list_remove(&l, t);
	t->queue = QUEUE_NONE;
	ep_set(ep, l, ep_state(ep));
}

/* After a rendezvous of a call: the caller waits for the answer, or, if that may not be, stops. */
static void begin_call(struct tcb *caller, struct tcb *callee, struct reply *reply, bool may_reply,
		       bool donate)
{
	if (reply != NULL && may_reply) {
		reply_push(caller, callee, reply, donate);
		return;
	}
	tcb_block(caller, THREAD_INACTIVE);
	tcb_stop(caller);
}

void endpoint_send(struct tcb *t, const struct send *how)
{
	struct endpoint *ep = cap_object(how->cap);
	u64 badge = how->cap.data, rights = cap_rights(how->cap);
	bool grant = (rights & RIGHT_GRANT) != 0;
	struct tcb *dest;
	struct reply *reply;

	if (ep_state(ep) != EP_RECV) {
		if (!how->block)
			return;
		tcb_block(t, THREAD_ON_SEND);
		t->badge = badge;
		t->is_call = how->call;
		t->can_grant = grant;
		t->may_reply = (rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) != 0;
		ep_insert(ep, t, EP_SEND);
		return;
	}
	dest = ep->head;
	ep_remove(ep, dest);
	message_transfer(t, ep, badge, grant, dest);
	reply = dest->reply;
	dest->reply = NULL;
	if (reply != NULL)
		reply->tcb = NULL;
	if (how->call)
		begin_call(t, dest, reply, (rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) != 0,
			   how->donate);
	else if (how->donate && dest->sc == NULL && t->sc != NULL)
		sc_donate(t->sc, dest);
	dest->state = THREAD_RUNNING;
	sched_wake(dest);
}

static void receive_from(struct tcb *t, struct endpoint *ep, struct reply *reply)
{
	struct tcb *sender = ep->head;

	ep_remove(ep, sender);
	message_transfer(sender, ep, sender->badge, sender->can_grant, t);
	if (sender->is_call || sender->fault.label != 0) {
		bool donate = sender->sc != NULL && sender->fault.label != seL4_Fault_Timeout;

		begin_call(sender, t, reply, sender->may_reply, donate);
	} else {
		sender->state = THREAD_RUNNING;
		sched_wake(sender);
	}
}

void endpoint_receive(struct tcb *t, struct cap cap, bool block, struct reply *reply)
{
	struct endpoint *ep = cap_object(cap);

	/* An object offered again: whoever still waits for an answer through it waits no more. */
	if (reply != NULL && reply->tcb != NULL && reply->tcb != t)
		ipc_cancel(reply->tcb);
	if (t->bound != NULL && notification_take_bound(t))
		return;
	if (block && t->bound != NULL)
		notification_return_sc(t->bound, t);
	if (ep_state(ep) == EP_SEND) {
		receive_from(t, ep, reply);
		return;
	}
	if (!block) {
		*arch_cap_register(t) = 0;
		return;
	}
	tcb_block(t, THREAD_ON_RECEIVE);
	t->reply = reply;
	if (reply != NULL)
		reply->tcb = t;
	ep_insert(ep, t, EP_RECV);
}

void endpoint_requeue(struct tcb *t)
{
	u64 state = ep_state(t->ep);

	ep_remove(t->ep, t);
	ep_insert(t->ep, t, state);
}

static void restart(struct tcb *t)
{
	if (t->reply != NULL) {
		t->reply->tcb = NULL;
		t->reply = NULL;
	}
	if (t->fault.label != 0) {
		t->fault.label = 0;
		t->state = THREAD_INACTIVE;
		return;
	}
	tcb_rewind(t);
	t->state = THREAD_RUNNING;
	sched_wake(t);
}

void endpoint_cancel_all(struct endpoint *ep)
{
	while (ep_state(ep) != EP_IDLE) {
		struct tcb *t = ep->head;

		ep_remove(ep, t);
		restart(t);
	}
}

void endpoint_cancel_badge(struct endpoint *ep, u64 badge)
{
	struct tcb *t, *next;

	if (ep_state(ep) != EP_SEND)
		return;
	for (t = ep->head; t != NULL; t = next) {
		next = t->next;
		if (t->badge != badge)
			continue;
		ep_remove(ep, t);
		restart(t);
	}
}

void ipc_cancel(struct tcb *t)
{
	switch (t->state) {
	case THREAD_ON_SEND:
	case THREAD_ON_RECEIVE:
		ep_remove(t->ep, t);
		if (t->reply != NULL)
			t->reply->tcb = NULL;
		t->reply = NULL;
		break;
	case THREAD_ON_NOTIFICATION:
		notification_leave(t);
		break;
	case THREAD_ON_REPLY:
		reply_unlink_caller(t);
		break;
	default:
		return;
	}
	tcb_stop(t);
}
