/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints and reply objects: messages of every kind, badges, rights, capability transfer, order. */
#include "test/kernel/kt.h"

/* What the helper threads of one test share. */
static struct {
	seL4_CPtr endpoint, other, reply, cap;
	volatile seL4_Word done;
	volatile seL4_Word badge, info, words[seL4_MsgMaxLength];
	volatile seL4_Word order[8], count;
} s;

static void start(void)
{
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.done = 0;
	s.count = 0;
	s.badge = ~0ul;
}

static void receive_once(seL4_Word unused)
{
	seL4_MessageInfo_t info;
	seL4_Word badge;

	(void)unused;
	info = seL4_Recv(s.endpoint, &badge, s.reply);
	s.badge = badge;
	s.info = info.words[0];
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		s.words[i] = seL4_GetMR(i);
	s.done++;
}

static void ipc_short_message(void)
{
	start();
	kt_spawn(receive_once, 0, KT_PRIO + 1);
	for (int i = 0; i < 4; i++)
		seL4_SetMR(i, 0x1111ul * (seL4_Word)(i + 1));
	seL4_Send(s.endpoint, seL4_MessageInfo_new(0xabcdef123456, 0, 0, 4));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.info >> 12, 0xabcdef123456);
	CHECK_EQ(s.info & 0x7f, 4);
	CHECK_EQ(s.badge, 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(s.words[i], 0x1111ul * (seL4_Word)(i + 1));
}

static void ipc_long_message(void)
{
	start();
	kt_spawn(receive_once, 0, KT_PRIO + 1);
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		seL4_SetMR(i, 0xf00d0000ul + (seL4_Word)i);
	seL4_Send(s.endpoint, seL4_MessageInfo_new(1, 0, 0, seL4_MsgMaxLength));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.info & 0x7f, seL4_MsgMaxLength);
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		CHECK_EQ(s.words[i], 0xf00d0000ul + (seL4_Word)i);
}

static void ipc_length_is_clipped(void)
{
	start();
	kt_spawn(receive_once, 0, KT_PRIO + 1);
	seL4_Send(s.endpoint, seL4_MessageInfo_new(1, 0, 0, 127));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.info & 0x7f, seL4_MsgMaxLength);
}

static void ipc_badge(void)
{
	start();
	kt_spawn(receive_once, 0, KT_PRIO + 1);
	seL4_Send(kt_mint(s.endpoint, seL4_AllRights, 0xfedcba9876543210),
		  seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK_EQ(s.badge, 0xfedcba9876543210);
}

static void server(seL4_Word unused)
{
	seL4_MessageInfo_t info;

	(void)unused;
	info = seL4_Recv(s.endpoint, seL4_Null, s.reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) * 2);
		info = seL4_ReplyRecv(
			s.endpoint,
			seL4_MessageInfo_new(seL4_MessageInfo_get_label(info) + 1, 0, 0, 1),
			seL4_Null, s.reply);
	}
}

static void ipc_call_and_reply(void)
{
	seL4_MessageInfo_t info;

	start();
	kt_spawn(server, 0, KT_PRIO + 1);
	for (seL4_Word i = 0; i < 200; i++) {
		seL4_SetMR(0, i);
		info = seL4_Call(s.endpoint, seL4_MessageInfo_new(i, 0, 0, 1));
		CHECK_EQ(seL4_GetMR(0), 2 * i);
		CHECK_EQ(seL4_MessageInfo_get_label(info), i + 1);
		CHECK_EQ(seL4_MessageInfo_get_length(info), 1);
	}
}

static void ipc_call_of_lower_priority_server(void)
{
	start();
	kt_spawn(server, 0, KT_PRIO - 5);
	seL4_SetMR(0, 21);
	seL4_Call(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
	CHECK_EQ(seL4_GetMR(0), 42);
}

static void caller(seL4_Word cap)
{
	seL4_SetMR(0, 77);
	seL4_Call(cap, seL4_MessageInfo_new(3, 0, 0, 1));
	s.badge = seL4_GetMR(0);
	s.done++;
}

static void ipc_reply_by_send(void)
{
	seL4_Word badge;

	start();
	kt_spawn(caller, s.endpoint, KT_PRIO - 1);
	seL4_Recv(s.endpoint, &badge, s.reply);
	CHECK_EQ(seL4_GetMR(0), 77);
	seL4_SetMR(0, 78);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.badge, 78);
	/* A reply object that answers nobody is harmless. */
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
}

static void ipc_nbsend_needs_a_receiver(void)
{
	seL4_Word badge = 1;

	start();
	seL4_NBSend(s.endpoint, seL4_MessageInfo_new(9, 0, 0, 0));
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0);
	kt_spawn(receive_once, 0, KT_PRIO + 1);
	seL4_NBSend(kt_mint(s.endpoint, seL4_AllRights, 4), seL4_MessageInfo_new(9, 0, 0, 0));
	CHECK_EQ(s.badge, 4);
}

static void sender(seL4_Word cap)
{
	seL4_SetMR(0, cap);
	seL4_Send(cap, seL4_MessageInfo_new(1, 0, 0, 1));
	s.order[s.count++] = cap;
}

static void ipc_nbrecv_takes_a_waiting_sender(void)
{
	seL4_Word badge = 0;

	start();
	kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, 12), KT_PRIO + 1);
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 12);
}

/* Without grant and grant-reply there is nobody to answer: the caller stops for good. */
static void ipc_call_without_reply_right(void)
{
	seL4_MessageInfo_t info;

	start();
	kt_spawn(caller, kt_mint(s.endpoint, seL4_CanWrite, 5), KT_PRIO + 1);
	info = seL4_Recv(s.endpoint, seL4_Null, s.reply);
	CHECK_EQ(seL4_MessageInfo_get_label(info), 3);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 0));
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
}

static void cap_sender(seL4_Word cap)
{
	seL4_SetCap(0, s.cap);
	seL4_SetCap(1, s.other);
	seL4_Send(cap, seL4_MessageInfo_new(0, 0, s.other == 0 ? 1 : 2, 0));
	s.done++;
}

static seL4_MessageInfo_t receive_cap(seL4_CPtr slot, seL4_CapRights_t rights)
{
	kt_spawn(cap_sender, kt_mint(s.endpoint, rights, 1), KT_PRIO + 1);
	seL4_SetCapReceivePath(KT_ROOT, slot, KT_DEPTH);
	return seL4_Recv(s.endpoint, seL4_Null, s.reply);
}

static void ipc_cap_transfer(void)
{
	seL4_CPtr slot = kt_slots(1);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_new(seL4_NotificationObject, 0);
	s.other = 0;
	info = receive_cap(slot, seL4_AllRights);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 1);
	CHECK_EQ(seL4_MessageInfo_get_capsUnwrapped(info), 0);
	seL4_Signal(slot);
	seL4_Wait(s.cap, seL4_Null);
	CHECK_EQ(s.done, 1);
}

static void ipc_cap_transfer_needs_grant(void)
{
	seL4_CPtr slot = kt_slots(1);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_new(seL4_NotificationObject, 0);
	s.other = 0;
	info = receive_cap(slot, seL4_ReadWrite);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 0);
	CHECK(kt_empty(slot));
}

static void ipc_cap_transfer_into_used_slot(void)
{
	seL4_CPtr slot = kt_new(seL4_EndpointObject, 0);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_new(seL4_NotificationObject, 0);
	s.other = 0;
	info = receive_cap(slot, seL4_AllRights);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 0);
	CHECK_EQ(s.done, 1);
}

static void ipc_cap_transfer_moves_one(void)
{
	seL4_CPtr slot = kt_slots(2);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_new(seL4_NotificationObject, 0);
	s.other = kt_new(seL4_NotificationObject, 0);
	info = receive_cap(slot, seL4_AllRights);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 1);
	CHECK(!kt_empty(slot));
	CHECK(kt_empty(slot + 1));
}

/* A capability to the endpoint itself arrives as its badge. */
static void ipc_cap_is_unwrapped(void)
{
	seL4_CPtr slot = kt_slots(1);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_mint(s.endpoint, seL4_AllRights, 0x77);
	s.other = 0;
	info = receive_cap(slot, seL4_AllRights);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 1);
	CHECK_EQ(seL4_MessageInfo_get_capsUnwrapped(info), 1);
	CHECK_EQ(seL4_GetBadge(0), 0x77);
	CHECK(kt_empty(slot));
}

/* The unwrapped one does not use up the receive slot. */
static void ipc_cap_unwrapped_and_transferred(void)
{
	seL4_CPtr slot = kt_slots(1);
	seL4_MessageInfo_t info;

	start();
	s.cap = kt_mint(s.endpoint, seL4_AllRights, 0x78);
	s.other = kt_new(seL4_NotificationObject, 0);
	info = receive_cap(slot, seL4_AllRights);
	CHECK_EQ(seL4_MessageInfo_get_extraCaps(info), 2);
	CHECK_EQ(seL4_MessageInfo_get_capsUnwrapped(info), 1);
	CHECK_EQ(seL4_GetBadge(0), 0x78);
	CHECK(!kt_empty(slot));
}

static void cap_caller(seL4_Word slot)
{
	seL4_SetCapReceivePath(KT_ROOT, slot, KT_DEPTH);
	s.info = seL4_Call(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0)).words[0];
	s.done++;
}

static void ipc_cap_in_reply(void)
{
	seL4_CPtr slot = kt_slots(1);

	start();
	kt_spawn(cap_caller, slot, KT_PRIO + 1);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	seL4_SetCap(0, kt_new(seL4_NotificationObject, 0));
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 1, 0));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.info >> 7 & 3, 1);
	CHECK(!kt_empty(slot));
}

static void ipc_senders_queue_by_priority(void)
{
	seL4_CPtr low, high, mid;
	seL4_Word badge;

	start();
	low = kt_mint(s.endpoint, seL4_AllRights, 1);
	high = kt_mint(s.endpoint, seL4_AllRights, 3);
	mid = kt_mint(s.endpoint, seL4_AllRights, 2);
	kt_spawn(sender, low, KT_PRIO + 1);
	kt_spawn(sender, high, KT_PRIO + 3);
	kt_spawn(sender, mid, KT_PRIO + 2);
	for (seL4_Word want = 3; want > 0; want--) {
		seL4_Recv(s.endpoint, &badge, s.reply);
		CHECK_EQ(badge, want);
	}
}

static void ipc_senders_of_one_priority_queue_in_order(void)
{
	seL4_Word badge;

	start();
	for (seL4_Word i = 1; i <= 3; i++)
		kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, i), KT_PRIO + 1);
	for (seL4_Word want = 1; want <= 3; want++) {
		seL4_Recv(s.endpoint, &badge, s.reply);
		CHECK_EQ(badge, want);
	}
}

static void ordered_receiver(seL4_Word id)
{
	seL4_Recv(s.endpoint, seL4_Null, s.words[id]);
	s.order[s.count++] = id;
}

static void ipc_receivers_queue_by_priority(void)
{
	start();
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned char prio[3] = { 1, 3, 2 };

		s.words[prio[i]] = kt_new(seL4_ReplyObject, 0);
		kt_spawn(ordered_receiver, prio[i], KT_PRIO + prio[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		seL4_Send(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK_EQ(s.count, 3);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(s.order[i], 3 - i);
}

/* Priority changes re-order a queue. */
static void ipc_priority_change_in_queue(void)
{
	struct kt_thread first, second;
	seL4_Word badge;

	start();
	first = kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, 1), KT_PRIO + 1);
	second = kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, 2), KT_PRIO + 2);
	(void)second;
	CHECK_OK(seL4_TCB_SetPriority(first.tcb, seL4_CapInitThreadTCB, KT_PRIO + 3));
	seL4_Recv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 1);
}

static void ipc_nbsendrecv(void)
{
	seL4_CPtr to = kt_new(seL4_EndpointObject, 0);
	seL4_Word badge;

	start();
	s.other = to;
	/* Nobody receives on `to`: dropped, and the receive happens. */
	kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, 31), KT_PRIO + 1);
	seL4_NBSendRecv(to, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 31);
}

static void nbsendrecv_helper(seL4_Word to)
{
	seL4_Word badge;

	seL4_SetMR(0, 0xbeef);
	seL4_NBSendRecv(to, seL4_MessageInfo_new(6, 0, 0, 1), s.other, &badge, s.cap);
	s.badge = badge;
	s.done = 1;
}

static void ipc_nbsendrecv_delivers(void)
{
	struct kt_thread t;
	seL4_MessageInfo_t info;

	start();
	s.other = kt_new(seL4_EndpointObject, 0);
	s.cap = kt_new(seL4_ReplyObject, 0);
	t = kt_thread_new(nbsendrecv_helper, s.endpoint, KT_PRIO - 1);
	kt_start(&t);
	info = seL4_Recv(s.endpoint, seL4_Null, s.reply);
	CHECK_EQ(seL4_MessageInfo_get_label(info), 6);
	CHECK_EQ(seL4_GetMR(0), 0xbeef);
	seL4_Send(kt_mint(s.other, seL4_AllRights, 8), seL4_MessageInfo_new(0, 0, 0, 0));
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.badge, 8);
}

static void ipc_nbsendwait(void)
{
	seL4_CPtr a = kt_new(seL4_NotificationObject, 0), b = kt_new(seL4_NotificationObject, 0);
	seL4_Word badge = 0;

	seL4_Signal(kt_mint(b, seL4_AllRights, 2));
	seL4_NBSendWait(kt_mint(a, seL4_AllRights, 4), seL4_MessageInfo_new(0, 0, 0, 0), b, &badge);
	CHECK_EQ(badge, 2);
	seL4_NBWait(a, &badge);
	CHECK_EQ(badge, 4);
}

/* Exit-path rule: receiving with a reply object in use gives its caller up. */
static void ipc_reply_object_reused(void)
{
	start();
	kt_spawn(caller, s.endpoint, KT_PRIO + 1);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	kt_spawn(caller, kt_mint(s.endpoint, seL4_AllRights, 2), KT_PRIO + 1);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	seL4_SetMR(0, 5);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
	CHECK_EQ(s.done, 1);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1);
}

/* Two reply objects hold two callers, answered in any order. */
static void ipc_two_reply_objects(void)
{
	seL4_CPtr second;

	start();
	second = kt_new(seL4_ReplyObject, 0);
	kt_spawn(caller, s.endpoint, KT_PRIO + 1);
	kt_spawn(caller, s.endpoint, KT_PRIO + 1);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	seL4_Recv(s.endpoint, seL4_Null, second);
	seL4_SetMR(0, 1);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
	CHECK_EQ(s.done, 1);
	seL4_Send(second, seL4_MessageInfo_new(0, 0, 0, 1));
	CHECK_EQ(s.done, 2);
}

static void ipc_reply_object_deleted(void)
{
	start();
	kt_spawn(caller, s.endpoint, KT_PRIO + 1);
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	kt_delete(s.reply);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
}

/* Receiving without a reply object: the message comes, the caller cannot be answered. */
static void ipc_call_to_wait(void)
{
	seL4_Word badge;

	start();
	kt_spawn(caller, kt_mint(s.endpoint, seL4_AllRights, 6), KT_PRIO + 1);
	seL4_Wait(s.endpoint, &badge);
	CHECK_EQ(badge, 6);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
}

/* A send to nothing is no fault: blocked senders of a deleted endpoint go on. */
static void ipc_endpoint_deleted_under_sender(void)
{
	start();
	kt_spawn(sender, s.endpoint, KT_PRIO + 1);
	CHECK_EQ(s.count, 0);
	kt_delete(s.endpoint);
	CHECK_EQ(s.count, 1);
}

/* A receive from nothing is one. */
static void ipc_endpoint_deleted_under_receiver(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0);
	struct kt_thread t;

	start();
	t = kt_thread_new(receive_once, 0, KT_PRIO + 1);
	kt_fault_to(&t, faults);
	kt_start(&t);
	kt_delete(s.endpoint);
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
		 seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), s.endpoint);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
}

static void receive_without_reply(seL4_Word unused)
{
	(void)unused;
	seL4_Recv(s.endpoint, seL4_Null, 0);
}

/* Recv wants a reply object, even if nobody calls; Wait is the form without. */
static void ipc_receive_without_reply_object(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0);
	struct kt_thread t;

	start();
	t = kt_thread_new(receive_without_reply, 0, KT_PRIO + 1);
	kt_fault_to(&t, faults);
	kt_start(&t);
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
		 seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), 0);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
}

/* Senders with the badge start again; one whose capability is gone meanwhile goes on. */
static void ipc_cancel_badged_sends(void)
{
	seL4_CPtr five, five_again, six;
	seL4_Word badge;

	start();
	five_again = kt_mint(s.endpoint, seL4_AllRights, 5);
	five = kt_copy(five_again);
	six = kt_mint(s.endpoint, seL4_AllRights, 6);
	kt_spawn(sender, five, KT_PRIO + 2);
	kt_spawn(sender, six, KT_PRIO + 1);
	kt_delete(five);
	CHECK_EQ(s.count, 0);
	CHECK_OK(seL4_CNode_CancelBadgedSends(KT_ROOT, five_again, KT_DEPTH));
	CHECK_EQ(s.count, 1);
	CHECK_EQ(s.order[0], five);
	seL4_Recv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 6);
}

static void ipc_suspended_sender_leaves_the_queue(void)
{
	struct kt_thread t;
	seL4_Word badge = 1;

	start();
	t = kt_spawn(sender, kt_mint(s.endpoint, seL4_AllRights, 5), KT_PRIO + 1);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0);
	/* Resumed, it sends again. */
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 5);
}

static void ipc_send_without_right_is_ignored(void)
{
	seL4_Word badge = 1;

	start();
	seL4_Send(kt_mint(s.endpoint, seL4_CanRead, 1), seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0);
}

static const struct kt_test tests[] = {
	KT(ipc_short_message),
	KT(ipc_long_message),
	KT(ipc_length_is_clipped),
	KT(ipc_badge),
	KT(ipc_call_and_reply),
	KT(ipc_call_of_lower_priority_server),
	KT(ipc_reply_by_send),
	KT(ipc_nbsend_needs_a_receiver),
	KT(ipc_nbrecv_takes_a_waiting_sender),
	KT(ipc_call_without_reply_right),
	KT(ipc_cap_transfer),
	KT(ipc_cap_transfer_needs_grant),
	KT(ipc_cap_transfer_into_used_slot),
	KT(ipc_cap_transfer_moves_one),
	KT(ipc_cap_is_unwrapped),
	KT(ipc_cap_unwrapped_and_transferred),
	KT(ipc_cap_in_reply),
	KT(ipc_senders_queue_by_priority),
	KT(ipc_senders_of_one_priority_queue_in_order),
	KT(ipc_receivers_queue_by_priority),
	KT(ipc_priority_change_in_queue),
	KT(ipc_nbsendrecv),
	KT(ipc_nbsendrecv_delivers),
	KT(ipc_nbsendwait),
	KT(ipc_reply_object_reused),
	KT(ipc_two_reply_objects),
	KT(ipc_reply_object_deleted),
	KT(ipc_call_to_wait),
	KT(ipc_endpoint_deleted_under_sender),
	KT(ipc_endpoint_deleted_under_receiver),
	KT(ipc_receive_without_reply_object),
	KT(ipc_cancel_badged_sends),
	KT(ipc_suspended_sender_leaves_the_queue),
	KT(ipc_send_without_right_is_ignored),
};

KT_GROUP(ipc);
