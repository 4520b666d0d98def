/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: sending (which is also invoking the kernel's objects), receiving, yielding.
 *
 * What fails on the way to an endpoint raises a fault or returns an error as seL4 has it: a
 * capability pointer that leads nowhere is a fault for blocking calls and nothing for others;
 * everything after that is an error in the reply of a Call, and silence otherwise.
 */
#include "standin/api/syscall.h"

#include "standin/api/invocation.h"
#include "standin/api/lookup.h"
#include "standin/ipc/ipc.h"
#include "standin/object/tcb.h"

#include <sel4/syscall.h>

enum how { BLOCK = 1, CALL = 2, DONATE = 4, FIRST_PHASE = 8 };

/* Objects whose invocations may not be the first half of NBSendRecv or NBSendWait. */
static bool refused_in_first_phase(u64 type)
{
	return type == CAP_TCB || type == CAP_CNODE || type == CAP_UNTYPED || type == CAP_SC ||
	       type == CAP_SCHED_CONTROL || type == CAP_DOMAIN;
}

/* The capabilities that come with a message; false: one was not found, and a fault was raised. */
static bool find_extra(struct tcb *t, u64 count, struct slot **extra, bool block)
{
	const u64 *buf = arch_ipc_buffer(t, false);
	struct lookup_error why;

	for (u64 i = 0; i < count; i++) {
		u64 cptr = buf[122 + i];

		extra[i] = lookup_slot(t, cptr, &why);
		if (extra[i] == NULL) {
			if (block)
				fault_cap(t, cptr, false, &why);
			return false;
		}
	}
	return true;
}

/* A call's answer, if there is still somebody to take it. */
static void answer(struct tcb *t, u64 err, u64 words)
{
	if (t->state != THREAD_RUNNING)
		return;
	*arch_cap_register(t) = 0;
	*arch_info_register(t) = err << 12 | words;
}

static void invoke_kernel(struct core *c, struct tcb *t, struct slot *s, unsigned how)
{
	seL4_MessageInfo_t info = { { *arch_info_register(t) } };
	u64 extra = seL4_MessageInfo_get_extraCaps(info), err;
	struct invocation inv = {
		.core = c,
		.caller = t,
		.slot = s,
		.cap = s->cap,
		.label = seL4_MessageInfo_get_label(info),
		.length = min_u64(seL4_MessageInfo_get_length(info), seL4_MsgMaxLength),
		.buf = arch_ipc_buffer(t, true),
	};

	if (inv.buf == NULL) {
		extra = 0;
		inv.length = min_u64(inv.length, seL4_FastMessageRegisters);
	}
	if (UNLIKELY(extra != 0) && !find_extra(t, extra, inv.extra, (how & BLOCK) != 0))
		return;
	inv.extra_count = (unsigned)extra;
	if (how & FIRST_PHASE && refused_in_first_phase(cap_type(inv.cap)))
		err = fail_capability(&inv, 0);
	else
		err = invoke(&inv);
	if (err == RESULT_PREEMPTED)
		arch_rewind_syscall(t);
	else if (how & CALL)
		answer(t, err, inv.result_count);
}

/* An endpoint, notification or reply object without the right to send: as a kernel object would. */
static void refuse(struct tcb *t, unsigned how)
{
	if (!(how & CALL))
		return;
	arch_mr(t)[0] = 0;
	answer(t, seL4_InvalidCapability, 1);
}

static void send_message(struct tcb *t, struct cap cap, unsigned how)
{
	struct slot *extra[seL4_MsgMaxExtraCaps];
	seL4_MessageInfo_t info = { { *arch_info_register(t) } };
	u64 count = seL4_MessageInfo_get_extraCaps(info);
	struct send send = {
		.cap = cap,
		.block = (how & BLOCK) != 0,
		.call = (how & CALL) != 0,
		.donate = (how & DONATE) != 0,
	};

	if (UNLIKELY(count != 0) && arch_ipc_buffer(t, false) != NULL &&
	    !find_extra(t, count, extra, send.block))
		return;
	endpoint_send(t, &send);
}

static void send(struct core *c, struct tcb *t, u64 cptr, unsigned how)
{
	struct lookup_error why;
	struct slot *s = lookup_slot(t, cptr, &why);

	if (UNLIKELY(s == NULL)) {
		if (how & BLOCK)
			fault_cap(t, cptr, false, &why);
		return;
	}
	switch (cap_type(s->cap)) {
	case CAP_ENDPOINT:
		if (cap_rights(s->cap) & RIGHT_WRITE)
			send_message(t, s->cap, how);
		else
			refuse(t, how);
		return;
	case CAP_NOTIFICATION:
		if (!(cap_rights(s->cap) & RIGHT_WRITE)) {
			refuse(t, how);
			return;
		}
		notification_signal(cap_object(s->cap), s->cap.data);
		break;
	case CAP_REPLY:
		reply_send(t, cap_object(s->cap), (cap_rights(s->cap) & RIGHT_GRANT) != 0);
		break;
	default:
		invoke_kernel(c, t, s, how);
		return;
	}
	if (how & CALL)
		answer(t, seL4_NoError, 0);
}

static void receive_fault(struct tcb *t, u64 cptr)
{
	struct lookup_error why = { .type = seL4_MissingCapability };

	fault_cap(t, cptr, true, &why);
}

/* The reply object that `cptr` names; NULL: a fault was raised. */
static struct reply *find_reply(struct tcb *t, u64 cptr, bool *grant)
{
	struct lookup_error why;
	struct slot *s = lookup_slot(t, cptr, &why);

	if (s == NULL) {
		fault_cap(t, cptr, true, &why);
		return NULL;
	}
	if (cap_type(s->cap) != CAP_REPLY) {
		receive_fault(t, cptr);
		return NULL;
	}
	*grant = (cap_rights(s->cap) & RIGHT_GRANT) != 0;
	return cap_object(s->cap);
}

/* `reply` NULL with `with_reply`: it is still to be found. */
static void receive(struct tcb *t, const struct syscall *sys, bool block, bool with_reply,
		    struct reply *reply)
{
	struct lookup_error why;
	struct slot *s = lookup_slot(t, sys->cptr, &why);
	struct notification *n;

	if (UNLIKELY(s == NULL)) {
		fault_cap(t, sys->cptr, true, &why);
		return;
	}
	if (!(cap_rights(s->cap) & RIGHT_READ)) {
		receive_fault(t, sys->cptr);
		return;
	}
	switch (cap_type(s->cap)) {
	case CAP_ENDPOINT:
		if (with_reply && reply == NULL) {
			bool grant;

			reply = find_reply(t, sys->reply, &grant);
			if (reply == NULL)
				return;
		}
		endpoint_receive(t, s->cap, block, reply);
		return;
	case CAP_NOTIFICATION:
		n = cap_object(s->cap);
		if (n->bound_tcb != NULL && n->bound_tcb != t)
			receive_fault(t, sys->cptr);
		else
			notification_wait(t, n, block);
		return;
	default:
		receive_fault(t, sys->cptr);
	}
}

bool syscall_perform(struct core *c, struct tcb *t, const struct syscall *sys)
{
	switch ((int64_t)sys->number) {
	case seL4_SysCall:
		send(c, t, sys->cptr, BLOCK | CALL | DONATE);
		return true;
	case seL4_SysReplyRecv: {
		bool grant;
		struct reply *reply = find_reply(t, sys->reply, &grant);

		if (reply != NULL) {
			reply_send(t, reply, grant);
			if (t->state == THREAD_RUNNING)
				receive(t, sys, true, true, reply);
		}
		return true;
	}
	case seL4_SysNBSendRecv:
	case seL4_SysNBSendWait:
		send(c, t, sys->dest, DONATE | FIRST_PHASE);
		if (t->state == THREAD_RUNNING)
			receive(t, sys, true, (int64_t)sys->number == seL4_SysNBSendRecv, NULL);
		return true;
	case seL4_SysSend:
		send(c, t, sys->cptr, BLOCK);
		return true;
	case seL4_SysNBSend:
		send(c, t, sys->cptr, 0);
		return true;
	case seL4_SysRecv:
	case seL4_SysNBRecv:
		receive(t, sys, (int64_t)sys->number == seL4_SysRecv, true, NULL);
		return true;
	case seL4_SysWait:
	case seL4_SysNBWait:
		receive(t, sys, (int64_t)sys->number == seL4_SysWait, false, NULL);
		return true;
	case seL4_SysYield:
		sched_yield(c);
		return true;
	default:
		return syscall_debug(c, t, sys);
	}
}
