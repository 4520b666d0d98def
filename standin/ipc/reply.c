/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply objects, and the stack of those through which one scheduling context was lent.
 *
 * sc->reply is the newest. Each one's `older` leads to the one before; `newer` leads back, the
 * newest's to the scheduling context. Removing the newest returns the scheduling context to the
 * thread that waits there; taking one out of the middle cuts the stack in two.
 */
#include "standin/ipc/ipc.h"

#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/refill.h"
#include "standin/sched/sched.h"

static struct sched_context *newer_sc(const struct reply *r)
{
	return r->newer & REPLY_NEWER_SC
		       ? (struct sched_context *)(uintptr_t)(r->newer & ~(u64)REPLY_NEWER_SC)
		       : NULL;
}

void reply_push(struct tcb *caller, struct tcb *callee, struct reply *reply, bool donate)
{
	struct sched_context *sc = caller->sc;

	reply->tcb = caller;
	caller->reply = reply;
	tcb_block(caller, THREAD_ON_REPLY);
	if (!donate || sc == NULL || callee->sc != NULL)
		return;
	reply->older = sc->reply;
	if (sc->reply != NULL)
		sc->reply->newer = (uintptr_t)reply;
	reply->newer = (uintptr_t)sc | REPLY_NEWER_SC;
	sc->reply = reply;
	sc_donate(sc, callee);
}

static void cut(struct reply *reply)
{
	struct sched_context *sc = newer_sc(reply);

	if (sc != NULL)
		sc->reply = NULL;
	else if (reply->newer != 0)
		((struct reply *)(uintptr_t)reply->newer)->older = NULL;
	if (reply->older != NULL)
		reply->older->newer = 0;
	reply->newer = 0;
	reply->older = NULL;
}

void reply_remove(struct reply *reply, struct tcb *t)
{
	struct sched_context *sc = newer_sc(reply);

	if (sc != NULL) {
		sc->reply = reply->older;
		if (reply->older != NULL)
			reply->older->newer = reply->newer;
		reply->newer = 0;
		reply->older = NULL;
		if (t->sc == NULL)
			sc_donate(sc, t);
	} else if (reply->newer != 0 || reply->older != NULL) {
		cut(reply);
	}
	reply->tcb = NULL;
	t->reply = NULL;
}

void reply_unlink_caller(struct tcb *t)
{
	struct reply *reply = t->reply;

	cut(reply);
	reply->tcb = NULL;
	t->reply = NULL;
}

void reply_destroy(struct reply *reply)
{
	struct tcb *t = reply->tcb;

	if (t == NULL)
		return;
	if (t->state != THREAD_ON_REPLY) {
		ipc_cancel(t);
		return;
	}
	reply_remove(reply, t);
	tcb_stop(t);
}

/* The reply to a fault: registers as the handler wants them. */
static bool answer_fault(struct tcb *sender, struct tcb *t)
{
	seL4_MessageInfo_t info = { { *arch_info_register(sender) } };
	u64 length = min_u64(seL4_MessageInfo_get_length(info), seL4_MsgMaxLength);
	const u64 *buf = NULL;

	if (length > seL4_FastMessageRegisters) {
		buf = arch_ipc_buffer(sender, false);
		if (buf == NULL)
			length = seL4_FastMessageRegisters;
	}
	return arch_fault_reply(t, seL4_MessageInfo_get_label(info), arch_mr(sender),
				buf == NULL ? NULL : buf + 1, length);
}

void reply_send(struct tcb *sender, struct reply *reply, bool grant)
{
	struct tcb *t = reply->tcb;
	u64 fault = 0;

	if (t == NULL || t->state != THREAD_ON_REPLY)
		return;
	reply_remove(reply, t);
	t->state = THREAD_RUNNING;
	if (LIKELY(t->fault.label == 0)) {
		message_transfer(sender, NULL, 0, grant, t);
	} else {
		fault = t->fault.label;
		if (!answer_fault(sender, t))
			t->state = THREAD_INACTIVE;
		t->fault.label = 0;
	}
	if (t->sc != NULL && t->state == THREAD_RUNNING && fault != seL4_Fault_Timeout &&
	    UNLIKELY(cap_type(t->slots[TCB_TIMEOUT].cap) == CAP_ENDPOINT) &&
	    !refill_round_robin(t->sc) && sc_exhausted(t->sc)) {
		fault_timeout(t);
		return;
	}
	sched_wake(t);
}
