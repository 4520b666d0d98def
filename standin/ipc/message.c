/* SPDX-License-Identifier: BSD-2-Clause */
/* What travels: message words, capabilities, fault messages. */
#include "standin/ipc/ipc.h"

#include "standin/api/lookup.h"
#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/sched.h"

/* Words of the IPC buffer. */
enum { BUF_MSG = 1, BUF_CAPS = 122, BUF_RECEIVE_CNODE = 125 };

static u64 message_info(u64 label, u64 unwrapped, u64 caps, u64 length)
{
	return label << 12 | unwrapped << 9 | caps << 7 | length;
}

/* The empty slot in which the receiver wants a capability, or NULL. */
static struct slot *receive_slot(struct tcb *t, const u64 *buf)
{
	const u64 *r = &buf[BUF_RECEIVE_CNODE];
	struct lookup_error why;
	struct slot *root = lookup_slot(t, r[0], &why), *dst;

	if (root == NULL)
		return NULL;
	dst = lookup_in(root->cap, r[1], r[2], &why);
	return dst != NULL && slot_empty(dst) ? dst : NULL;
}

/* Returns the extraCaps and capsUnwrapped fields of the receiver's message info. */
static u64 transfer_caps(struct tcb *sender, const struct endpoint *ep, u64 count,
			 struct tcb *receiver)
{
	const u64 *from = arch_ipc_buffer(sender, false);
	u64 *to = arch_ipc_buffer(receiver, true);
	u64 unwrapped = 0, done = 0;
	struct slot *dst;

	if (from == NULL || to == NULL)
		return 0;
	dst = receive_slot(receiver, to);
	for (; done < count; done++) {
		struct lookup_error why;
		struct slot *src = lookup_slot(sender, from[BUF_CAPS + done], &why);
		struct cap cap;

		if (src == NULL)
			break;
		if (ep != NULL && cap_type(src->cap) == CAP_ENDPOINT &&
		    cap_object(src->cap) == ep) {
			to[BUF_CAPS + done] = src->cap.data;
			unwrapped |= BIT(done);
			continue;
		}
		if (dst == NULL || cap_derive(src, src->cap, &cap) != DERIVE_OK ||
		    cap_type(cap) == CAP_NULL)
			break;
		slot_insert(src, dst, cap);
		dst = NULL;
	}
	return message_info(0, unwrapped, done, 0);
}

static u64 copy_words(struct tcb *sender, struct tcb *receiver, u64 length)
{
	u64 *from, *to;

	arch_mr(receiver)[0] = arch_mr(sender)[0];
	arch_mr(receiver)[1] = arch_mr(sender)[1];
	arch_mr(receiver)[2] = arch_mr(sender)[2];
	arch_mr(receiver)[3] = arch_mr(sender)[3];
	if (LIKELY(length <= seL4_FastMessageRegisters))
		return length;
	from = arch_ipc_buffer(sender, false);
	to = arch_ipc_buffer(receiver, true);
	if (from == NULL || to == NULL)
		return seL4_FastMessageRegisters;
	if (length > seL4_MsgMaxLength)
		length = seL4_MsgMaxLength;
	for (u64 i = seL4_FastMessageRegisters; i < length; i++)
		to[BUF_MSG + i] = from[BUF_MSG + i];
	return length;
}

static void transfer_fault(struct tcb *sender, struct tcb *receiver)
{
	u64 *buf = arch_ipc_buffer(receiver, true), label = sender->fault.label, length;

	length = arch_fault_message(sender, arch_mr(receiver), buf == NULL ? NULL : buf + BUF_MSG);
	*arch_info_register(receiver) = message_info(label, 0, 0, length);
}

void message_transfer(struct tcb *sender, const struct endpoint *ep, u64 badge, bool grant,
		      struct tcb *receiver)
{
	seL4_MessageInfo_t info = { { *arch_info_register(sender) } };
	u64 caps = seL4_MessageInfo_get_extraCaps(info), done = 0, length;

	*arch_cap_register(receiver) = badge;
	if (sender->fault.label != 0) {
		transfer_fault(sender, receiver);
		return;
	}
	length = copy_words(sender, receiver, seL4_MessageInfo_get_length(info));
	if (UNLIKELY(caps != 0) && grant)
		done = transfer_caps(sender, ep, caps, receiver);
	*arch_info_register(receiver) = (info.words[0] & ~(u64)0xfff) | done | length;
}

bool fault_handler_valid(struct cap cap)
{
	u64 rights = cap_rights(cap);

	return cap_type(cap) == CAP_ENDPOINT && (rights & RIGHT_WRITE) != 0 &&
	       (rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) != 0;
}

static bool send_to(struct tcb *t, struct cap handler, bool donate)
{
	struct send how = { .cap = handler, .block = true, .call = true, .donate = donate };

	if (!fault_handler_valid(handler))
		return false;
	endpoint_send(t, &how);
	return true;
}

void fault_send(struct tcb *t)
{
	if (send_to(t, t->slots[TCB_FAULT].cap, t->sc != NULL))
		return;
	t->state = THREAD_INACTIVE;
	t->fault.label = 0;
}

void fault_timeout(struct tcb *t)
{
	if (!fault_handler_valid(t->slots[TCB_TIMEOUT].cap))
		return;
	t->fault.label = seL4_Fault_Timeout;
	t->fault.w[seL4_Timeout_Data] = t->sc->badge;
	t->fault.w[seL4_Timeout_Consumed] = us_from_ticks(t->sc->consumed);
	t->sc->consumed = 0;
	send_to(t, t->slots[TCB_TIMEOUT].cap, false);
}

void fault_cap(struct tcb *t, u64 cptr, bool receiving, const struct lookup_error *why)
{
	t->fault.label = seL4_Fault_CapFault;
	t->fault.w[seL4_CapFault_Addr] = cptr;
	t->fault.w[seL4_CapFault_InRecvPhase] = receiving;
	t->fault.w[seL4_CapFault_LookupFailureType] = why->type;
	t->fault.w[4] = why->w[0];
	t->fault.w[5] = why->w[1];
	t->fault.w[6] = why->w[2];
	arch_rewind_syscall(t);
	fault_send(t);
}
