/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between threads: endpoints, reply objects, notifications, faults.
 *
 * Each function leaves the scheduler informed; none decides who runs next.
 */
#pragma once

#include "standin/object/objects.h"

#include <sel4/faults.h>

struct lookup_error {
	u64 type; /* seL4_LookupFailureType; 0: found */
	u64 w[3]; /* as in the message that reports it */
};

/* How a message goes to an endpoint. */
struct send {
	struct cap cap;
	bool block, call, donate;
};

/* ---- endpoints ---- */
void endpoint_send(struct tcb *t, const struct send *how);
/** `reply` is NULL where the receiver offers no reply object. */
void endpoint_receive(struct tcb *t, struct cap ep, bool block, struct reply *reply);
void endpoint_cancel_all(struct endpoint *ep);
void endpoint_cancel_badge(struct endpoint *ep, u64 badge);
/** The thread's priority changed: its place in the queue does. */
void endpoint_requeue(struct tcb *t);

/** Ends whatever the thread waits for; it is inactive then and would issue its system call again. */
void ipc_cancel(struct tcb *t);

/* ---- reply objects ---- */
/** `caller` waits for an answer through `reply`; its scheduling context may go to `callee`. */
void reply_push(struct tcb *caller, struct tcb *callee, struct reply *reply, bool donate);
/** The answer: message, scheduling context, and the caller goes on. Nothing if nobody waits. */
void reply_send(struct tcb *sender, struct reply *reply, bool grant);
/** Detaches the waiting thread; a scheduling context lent through this object returns. */
void reply_remove(struct reply *reply, struct tcb *t);
/** As reply_remove, for a caller that goes away: the scheduling context stays where it is. */
void reply_unlink_caller(struct tcb *t);
void reply_destroy(struct reply *reply);

/* ---- notifications ---- */
void notification_signal(struct notification *n, u64 badge);
void notification_wait(struct tcb *t, struct notification *n, bool block);
void notification_destroy(struct notification *n);
void notification_bind(struct notification *n, struct tcb *t);
void notification_unbind(struct tcb *t);
/** A signal waits for a thread whose bound notification this is: it is taken as the message. */
bool notification_take_bound(struct tcb *t);
/** A thread that blocks gives a scheduling context it had from the notification back. */
void notification_return_sc(struct notification *n, struct tcb *t);
void notification_requeue(struct tcb *t);
/** The thread waits for it no more. */
void notification_leave(struct tcb *t);

/* ---- messages and faults ---- */
/** Copies sender's message (or fault) to the receiver's registers and buffer. */
void message_transfer(struct tcb *sender, const struct endpoint *ep, u64 badge, bool grant,
		      struct tcb *receiver);
/** Sends t->fault to the thread's handler; without one the thread stops. */
void fault_send(struct tcb *t);
void fault_timeout(struct tcb *t);
void fault_cap(struct tcb *t, u64 cptr, bool receiving, const struct lookup_error *why);
bool fault_handler_valid(struct cap cap);

/** YieldTo's answer, when the thread that called it runs again. */
void yield_complete(struct tcb *t);
