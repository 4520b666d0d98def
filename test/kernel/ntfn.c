/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications: badges, waiting, binding to threads and scheduling contexts. */
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr ntfn, endpoint, reply;
	volatile seL4_Word done, badge, order[4];
} s;

static void start(void)
{
	s.ntfn = kt_new(seL4_NotificationObject, 0);
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.done = 0;
	s.badge = 0;
}

static void ntfn_badges_accumulate(void)
{
	seL4_Word badge;

	start();
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 1));
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 0x80));
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 1ul << 63));
	seL4_Wait(s.ntfn, &badge);
	CHECK_EQ(badge, 1ul << 63 | 0x81);
	seL4_NBWait(s.ntfn, &badge);
	CHECK_EQ(badge, 0);
}

static void ntfn_poll_of_nothing(void)
{
	seL4_Word badge = 77;

	start();
	seL4_NBWait(s.ntfn, &badge);
	CHECK_EQ(badge, 0);
}

static void waiter(seL4_Word id)
{
	seL4_Word badge;

	seL4_Wait(s.ntfn, &badge);
	s.badge = badge;
	s.order[s.done++] = id;
}

static void ntfn_wait_blocks(void)
{
	start();
	kt_spawn(waiter, 0, KT_PRIO + 1);
	CHECK_EQ(s.done, 0);
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 9));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.badge, 9);
}

/* One signal wakes one waiter: the highest priority first. */
static void ntfn_waiters_by_priority(void)
{
	start();
	kt_spawn(waiter, 1, KT_PRIO + 1);
	kt_spawn(waiter, 3, KT_PRIO + 3);
	kt_spawn(waiter, 2, KT_PRIO + 2);
	for (seL4_Word i = 0; i < 3; i++) {
		seL4_Signal(s.ntfn);
		CHECK_EQ(s.done, i + 1);
		CHECK_EQ(s.order[i], 3 - i);
	}
}

static void bound(seL4_Word unused)
{
	seL4_Word badge;

	(void)unused;
	for (;;) {
		seL4_Recv(s.endpoint, &badge, s.reply);
		s.badge = badge;
		s.done++;
	}
}

static void ntfn_bound_wakes_receiver(void)
{
	struct kt_thread t;

	start();
	t = kt_thread_new(bound, 0, KT_PRIO + 1);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, s.ntfn));
	kt_start(&t);
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 0x100));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.badge, 0x100);
	seL4_Send(kt_mint(s.endpoint, seL4_AllRights, 3), seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK_EQ(s.done, 2);
	CHECK_EQ(s.badge, 3);
}

/* Signalled before it waits: the next receive returns at once. */
static void ntfn_bound_pending(void)
{
	seL4_Word badge;

	start();
	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn));
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 0x21));
	seL4_Recv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0x21);
	/* Also a non-blocking receive. */
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 0x22));
	seL4_NBRecv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0x22);
}

static void ntfn_bind_errors(void)
{
	struct kt_thread t;
	seL4_CPtr other;

	start();
	other = kt_new(seL4_NotificationObject, 0);
	t = kt_thread_new(bound, 0, KT_PRIO - 1);
	CHECK_EQ(seL4_TCB_UnbindNotification(t.tcb), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_BindNotification(t.tcb, s.endpoint), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_BindNotification(t.tcb, kt_mint(s.ntfn, seL4_CanWrite, 0)),
		 seL4_IllegalOperation);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, s.ntfn));
	CHECK_EQ(seL4_TCB_BindNotification(t.tcb, other), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn), seL4_IllegalOperation);
	CHECK_OK(seL4_TCB_UnbindNotification(t.tcb));
	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn));
	CHECK_OK(seL4_TCB_UnbindNotification(kt_own_tcb()));
}

static void ntfn_with_waiter_cannot_be_bound(void)
{
	start();
	kt_spawn(waiter, 0, KT_PRIO + 1);
	CHECK_EQ(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn), seL4_IllegalOperation);
}

/* A bound notification belongs to its thread: another that waits for it faults. */
static void ntfn_bound_to_another(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0);
	struct kt_thread t;

	start();
	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn));
	t = kt_thread_new(waiter, 0, KT_PRIO + 1);
	kt_fault_to(&t, faults);
	kt_start(&t);
	CHECK_OK(seL4_TCB_UnbindNotification(kt_own_tcb()));
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
		 seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
}

static void ntfn_wait_without_right(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0), cap;
	struct kt_thread t;

	start();
	cap = kt_mint(s.ntfn, seL4_CanWrite, 0);
	s.ntfn = cap;
	t = kt_thread_new(waiter, 0, KT_PRIO + 1);
	kt_fault_to(&t, faults);
	kt_start(&t);
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
		 seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), cap);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
}

static void ntfn_signal_without_right(void)
{
	seL4_Word badge = 5;

	start();
	seL4_Signal(kt_mint(s.ntfn, seL4_CanRead, 1));
	seL4_NBWait(s.ntfn, &badge);
	CHECK_EQ(badge, 0);
}

static void ntfn_deleted_under_waiter(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0);
	struct kt_thread t;

	start();
	t = kt_thread_new(waiter, 0, KT_PRIO + 1);
	kt_fault_to(&t, faults);
	kt_start(&t);
	kt_delete(s.ntfn);
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
		 seL4_Fault_CapFault);
	CHECK_EQ(s.done, 0);
}

static void ntfn_unbound_when_thread_dies(void)
{
	struct kt_thread t;

	start();
	t = kt_thread_new(bound, 0, KT_PRIO - 1);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, s.ntfn));
	kt_delete(t.tcb);
	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), s.ntfn));
}

static void ntfn_sched_context_bind_errors(void)
{
	seL4_CPtr sc, other;

	start();
	sc = kt_new(seL4_SchedContextObject, 8);
	other = kt_new(seL4_NotificationObject, 0);
	CHECK_OK(seL4_SchedContext_Bind(sc, s.ntfn));
	CHECK_EQ(seL4_SchedContext_Bind(sc, other), seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_Bind(kt_own_sc(), s.ntfn), seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_UnbindObject(sc, other), seL4_IllegalOperation);
	CHECK_OK(seL4_SchedContext_UnbindObject(sc, s.ntfn));
	CHECK_EQ(seL4_SchedContext_UnbindObject(sc, s.ntfn), seL4_IllegalOperation);
	CHECK_OK(seL4_SchedContext_Bind(sc, other));
	CHECK_OK(seL4_SchedContext_Unbind(sc));
	CHECK_OK(seL4_SchedContext_Bind(sc, s.ntfn));
}

/* Suspended while it waits: the signal stays for whoever comes. */
static void ntfn_suspended_waiter(void)
{
	struct kt_thread t;
	seL4_Word badge = 0;

	start();
	t = kt_spawn(waiter, 0, KT_PRIO + 1);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	seL4_Signal(kt_mint(s.ntfn, seL4_AllRights, 2));
	CHECK_EQ(s.done, 0);
	seL4_NBWait(s.ntfn, &badge);
	CHECK_EQ(badge, 2);
}

static const struct kt_test tests[] = {
	KT(ntfn_badges_accumulate),
	KT(ntfn_poll_of_nothing),
	KT(ntfn_wait_blocks),
	KT(ntfn_waiters_by_priority),
	KT(ntfn_bound_wakes_receiver),
	KT(ntfn_bound_pending),
	KT(ntfn_bind_errors),
	KT(ntfn_with_waiter_cannot_be_bound),
	KT(ntfn_bound_to_another),
	KT(ntfn_wait_without_right),
	KT(ntfn_signal_without_right),
	KT(ntfn_deleted_under_waiter),
	KT(ntfn_unbound_when_thread_dies),
	KT(ntfn_sched_context_bind_errors),
	KT(ntfn_suspended_waiter),
};

KT_GROUP(ntfn);
