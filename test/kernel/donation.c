/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive servers: scheduling contexts that travel with a call and come back with the reply. */
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr endpoint, second, reply, second_reply, ready;
	volatile seL4_Word done, value;
} s;

static void start(void)
{
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.second = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.second_reply = kt_new(seL4_ReplyObject, 0);
	s.ready = kt_new(seL4_NotificationObject, 0);
	s.done = 0;
}

/* Says that it is ready and starts to wait in one system call, so that its scheduling context can be
 * taken away without a race. Then doubles what it is given. */
static void passive_server(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, seL4_Null, s.reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) * 2);
		seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), seL4_Null, s.reply);
	}
}

static struct kt_thread make_passive(kt_entry entry, seL4_Word priority)
{
	struct kt_thread t = kt_thread_new(entry, 0, priority);

	kt_start(&t);
	seL4_Wait(s.ready, seL4_Null);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	return t;
}

static seL4_Word call(seL4_CPtr endpoint, seL4_Word value)
{
	seL4_SetMR(0, value);
	seL4_Call(endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
	return seL4_GetMR(0);
}

static void donation_call_runs_passive_server(void)
{
	start();
	make_passive(passive_server, KT_PRIO + 1);
	for (seL4_Word i = 0; i < 50; i++)
		CHECK_EQ(call(s.endpoint, i), 2 * i);
}

static void donation_to_lower_priority(void)
{
	start();
	make_passive(passive_server, KT_PRIO - 10);
	CHECK_EQ(call(s.endpoint, 8), 16);
}

/* A plain send has no scheduling context to give: the message arrives, but the server cannot run. */
static void donation_not_by_send(void)
{
	start();
	make_passive(passive_server, KT_PRIO + 1);
	seL4_Send(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
	kt_sleep(5);
	seL4_NBSend(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0)); /* it no longer waits */
}

static void burning_server(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, seL4_Null, s.reply);
	for (;;) {
		for (volatile unsigned i = 0; i < 2000000; i++)
			;
		seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0), seL4_Null, s.reply);
	}
}

static void donation_charges_the_client(void)
{
	seL4_SchedContext_Consumed_t before, after;
	seL4_CPtr own = kt_own_sc();

	start();
	make_passive(burning_server, KT_PRIO + 1);
	before = seL4_SchedContext_Consumed(own);
	CHECK_OK(before.error);
	call(s.endpoint, 0);
	after = seL4_SchedContext_Consumed(own);
	CHECK_OK(after.error);
	CHECK(after.consumed > 500);
}

static void middle_server(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.second, seL4_Null,
			s.second_reply);
	for (;;) {
		seL4_Word doubled = call(s.endpoint, seL4_GetMR(0));

		seL4_SetMR(0, doubled + 1);
		seL4_ReplyRecv(s.second, seL4_MessageInfo_new(0, 0, 0, 1), seL4_Null,
			       s.second_reply);
	}
}

static void donation_through_two_servers(void)
{
	start();
	make_passive(passive_server, KT_PRIO + 2);
	make_passive(middle_server, KT_PRIO + 1);
	for (seL4_Word i = 0; i < 10; i++)
		CHECK_EQ(call(s.second, i), 2 * i + 1);
}

static void client(seL4_Word value)
{
	s.value = call(s.endpoint, value);
	s.done++;
}

static void holding_server(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, seL4_Null, s.reply);
	/* Runs on the client's time now; waits elsewhere while holding it. */
	seL4_Wait(s.second, seL4_Null);
	seL4_SetMR(0, 99);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 1));
	s.value = 1; /* it has no time any more: never reached */
}

/* Reply by Send: the server is passive again at once and stops. */
static void donation_send_reply_returns_it(void)
{
	start();
	s.second = kt_new(seL4_NotificationObject, 0);
	make_passive(holding_server, KT_PRIO + 2);
	kt_spawn(client, 5, KT_PRIO + 1);
	CHECK_EQ(s.done, 0);
	seL4_Signal(s.second);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.value, 99);
}

/* The caller of a server that dies with its scheduling context gets it back but is not answered. */
static void donation_server_dies(void)
{
	struct kt_thread server;

	start();
	s.second = kt_new(seL4_NotificationObject, 0);
	server = make_passive(holding_server, KT_PRIO + 2);
	kt_spawn(client, 5, KT_PRIO + 1);
	kt_delete(server.tcb);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
}

/* A fault is a call: its handler runs on the faulting thread's time, if it has none of its own. */
static void faulting(seL4_Word unused)
{
	(void)unused;
	__asm__ volatile("udf #0");
	s.done = 1;
}

static void passive_handler(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, seL4_Null, s.reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 4);
		s.value++;
		seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), seL4_Null, s.reply);
	}
}

static void donation_by_fault(void)
{
	struct kt_thread t;

	start();
	s.value = 0;
	make_passive(passive_handler, KT_PRIO + 2);
	t = kt_thread_new(faulting, 0, KT_PRIO + 1);
	kt_fault_to(&t, s.endpoint);
	kt_start(&t);
	CHECK_EQ(s.value, 1);
	CHECK_EQ(s.done, 1);
}

/* Exit-path rule 2: without a scheduling context on its notification a passive thread does not run
 * when signalled; with one it does, and gives it back when it waits again. */
static void signalled_server(seL4_Word unused)
{
	seL4_Word badge;

	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, &badge, s.reply);
	for (;;) {
		s.done++;
		s.value = badge;
		seL4_Recv(s.endpoint, &badge, s.reply);
	}
}

static void donation_by_notification(void)
{
	seL4_CPtr ntfn, badged;
	struct kt_thread t;

	start();
	ntfn = kt_new(seL4_NotificationObject, 0);
	badged = kt_mint(ntfn, seL4_AllRights, 0x40);
	t = kt_thread_new(signalled_server, 0, KT_PRIO + 1);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, ntfn));
	kt_start(&t);
	seL4_Wait(s.ready, seL4_Null);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	CHECK_OK(seL4_SchedContext_Bind(t.sc, ntfn));
	for (seL4_Word i = 1; i <= 3; i++) {
		seL4_Signal(badged);
		CHECK_EQ(s.done, i);
		CHECK_EQ(s.value, 0x40);
	}
	/* And by calls in between. */
	kt_spawn(client, 5, KT_PRIO + 1);
	CHECK_EQ(s.done, 4);
	CHECK_EQ(s.value, 0);
}

/* A thread that starts bound to the context of its notification is passive from its first wait on. */
static void donation_start_on_notification(void)
{
	seL4_CPtr ntfn;
	struct kt_thread t;

	start();
	ntfn = kt_new(seL4_NotificationObject, 0);
	t = kt_thread_new(signalled_server, 0, KT_PRIO + 1);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, ntfn));
	CHECK_OK(seL4_SchedContext_Bind(t.sc, ntfn));
	CHECK_EQ(seL4_SchedContext_Bind(t.sc, ntfn), seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_Bind(t.sc, t.tcb), seL4_IllegalOperation);
	kt_start(&t);
	seL4_Wait(s.ready, seL4_Null);
	CHECK_EQ(seL4_SchedContext_UnbindObject(t.sc, t.tcb), seL4_IllegalOperation);
	for (seL4_Word i = 1; i <= 3; i++) {
		seL4_Signal(ntfn);
		CHECK_EQ(s.done, i);
	}
	CHECK_EQ(seL4_SchedContext_UnbindObject(t.sc, t.tcb), seL4_IllegalOperation);
	/* Taken away, no signal makes it run. */
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	seL4_Signal(ntfn);
	kt_sleep(5);
	CHECK_EQ(s.done, 3);
}

static void donation_signal_without_time(void)
{
	seL4_CPtr ntfn;
	struct kt_thread t;

	start();
	ntfn = kt_new(seL4_NotificationObject, 0);
	t = kt_thread_new(signalled_server, 0, KT_PRIO + 1);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, ntfn));
	kt_start(&t);
	seL4_Wait(s.ready, seL4_Null);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	seL4_Signal(ntfn);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
	CHECK_OK(seL4_SchedContext_Bind(t.sc, t.tcb));
	CHECK_EQ(s.done, 1);
}

static const struct kt_test tests[] = {
	KT(donation_call_runs_passive_server),
	KT(donation_to_lower_priority),
	KT(donation_not_by_send),
	KT(donation_charges_the_client),
	KT(donation_through_two_servers),
	KT(donation_send_reply_returns_it),
	KT(donation_server_dies),
	KT(donation_by_fault),
	KT(donation_by_notification),
	KT(donation_start_on_notification),
	KT(donation_signal_without_time),
};

KT_GROUP(donation);
