/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling contexts. Times are compared loosely and on one core only: under emulation, virtual and
 * real time are related, but not tightly.
 */
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr endpoint, reply;
	volatile seL4_Word done, count[4];
	seL4_CPtr own;
} s;

static void spin(seL4_Word id)
{
	for (;;)
		s.count[id]++;
}

static void clear(void)
{
	s.done = 0;
	for (int i = 0; i < 4; i++)
		s.count[i] = 0;
}

static seL4_CPtr control(void)
{
	return kt_bootinfo()->schedcontrol.start;
}

static seL4_Word consumed(seL4_CPtr sc)
{
	seL4_SchedContext_Consumed_t c = seL4_SchedContext_Consumed(sc);

	CHECK_OK(c.error);
	return c.consumed;
}

static void sched_configure_ranges(void)
{
	seL4_CPtr sc = kt_new(seL4_SchedContextObject, 8);

	CHECK_OK(seL4_SchedControl_Configure(control(), sc, 1000, 1000, 0, 0));
	CHECK_OK(seL4_SchedControl_Configure(control(), sc, 1000, 5000, 0, 0));
	CHECK_EQ(seL4_SchedControl_Configure(control(), sc, 5000, 1000, 0, 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(1), 1000);
	CHECK_EQ(seL4_SchedControl_Configure(control(), sc, 0, 1000, 0, 0), seL4_RangeError);
	CHECK(seL4_GetMR(0) > 0 && seL4_GetMR(0) <= 20);
	CHECK_EQ(seL4_SchedControl_Configure(control(), sc, 1, 1000, 0, 0), seL4_RangeError);
	CHECK_EQ(seL4_SchedControl_Configure(control(), sc, ~0ul, ~0ul, 0, 0), seL4_RangeError);
	CHECK_EQ(seL4_SchedControl_Configure(control(), sc, 1000, ~0ul, 0, 0), seL4_RangeError);
	/* Exit-path rule 10 asks for at least 25 us. */
	CHECK_OK(seL4_SchedControl_Configure(control(), sc, 25, 1000, 0, 0));
}

static void sched_configure_refills(void)
{
	seL4_CPtr small = kt_new(seL4_SchedContextObject, seL4_MinSchedContextBits);
	seL4_CPtr large = kt_new(seL4_SchedContextObject, 9);

	CHECK_EQ(seL4_MaxExtraRefills(seL4_MinSchedContextBits), 0);
	CHECK_OK(seL4_SchedControl_Configure(control(), small, 100, 1000, 0, 0));
	CHECK_EQ(seL4_SchedControl_Configure(control(), small, 100, 1000, 1, 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(1), 0);
	CHECK_OK(seL4_SchedControl_Configure(control(), large, 100, 1000, seL4_MaxExtraRefills(9),
					     0));
	CHECK_EQ(seL4_SchedControl_Configure(control(), large, 100, 1000,
					     seL4_MaxExtraRefills(9) + 1, 0),
		 seL4_RangeError);
	CHECK_EQ(seL4_GetMR(1), seL4_MaxExtraRefills(9));
}

static void sched_configure_wants_a_sched_context(void)
{
	CHECK_EQ(seL4_SchedControl_Configure(control(), kt_own_tcb(), 100, 1000, 0, 0),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(kt_invoke_raw(control(), SchedControlConfigureFlags, 0, 5), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(control(), SchedContextBind, 0, 5), seL4_IllegalOperation);
}

static void sched_configure_sporadic(void)
{
	seL4_CPtr sc = kt_new(seL4_SchedContextObject, 9);

	CHECK_OK(seL4_SchedControl_ConfigureFlags(control(), sc, 100, 1000, 4, 0,
						  seL4_SchedContext_Sporadic));
	CHECK_OK(seL4_SchedControl_ConfigureFlags(control(), sc, 1000, 1000, 4, 0,
						  seL4_SchedContext_Sporadic));
}

static void sched_bind_errors(void)
{
	seL4_CPtr sc = kt_new(seL4_SchedContextObject, 8), tcb = kt_new(seL4_TCBObject, 0);
	seL4_CPtr other = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(seL4_SchedContext_Bind(sc, ep), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_OK(seL4_SchedContext_Bind(sc, tcb));
	CHECK_EQ(seL4_SchedContext_Bind(sc, other), seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_Bind(kt_new(seL4_SchedContextObject, 8), tcb),
		 seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_UnbindObject(sc, other), seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_UnbindObject(sc, ep), seL4_InvalidCapability);
	CHECK_OK(seL4_SchedContext_UnbindObject(sc, tcb));
	CHECK_OK(seL4_SchedContext_Bind(sc, other));
	CHECK_OK(seL4_SchedContext_Unbind(sc));
	CHECK_OK(seL4_SchedContext_Unbind(sc));
	CHECK_EQ(seL4_SchedContext_Unbind(kt_own_sc()), seL4_IllegalOperation);
	CHECK_EQ(kt_invoke_raw(sc, SchedContextBind, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(sc, TCBSuspend, 0, 0), seL4_IllegalOperation);
}

static void sched_no_context_no_run(void)
{
	struct kt_thread t;

	clear();
	t = kt_thread_new(spin, 0, KT_PRIO - 1);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	kt_start(&t);
	kt_sleep(3);
	CHECK_EQ(s.count[0], 0);
	CHECK_OK(seL4_SchedContext_Bind(t.sc, t.tcb));
	kt_until(&s.count[0], 1);
}

static void sched_unconfigured_context_does_not_run(void)
{
	struct kt_thread t;
	seL4_CPtr fresh = kt_new(seL4_SchedContextObject, 8);

	clear();
	t = kt_thread_new(spin, 0, KT_PRIO - 1);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	CHECK_OK(seL4_SchedContext_Bind(fresh, t.tcb));
	kt_start(&t);
	kt_sleep(3);
	CHECK_EQ(s.count[0], 0);
	kt_set_sc(fresh, 0, 1000, 1000);
	kt_until(&s.count[0], 1);
}

static void sched_consumed(void)
{
	struct kt_thread t;

	clear();
	t = kt_spawn(spin, 0, KT_PRIO - 1);
	kt_sleep(20);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	CHECK(consumed(t.sc) > 1000);
	/* Reading resets it, and a stopped thread consumes nothing. */
	kt_sleep(3);
	CHECK_EQ(consumed(t.sc), 0);
}

enum {
	ATTEMPTS = 20
}; /* at what a busy host can spoil: time in which it does not run us counts, too */

/* A tenth of the time for one, the rest for the one below it. */
static void sched_budget_limits(void)
{
	struct kt_thread upper, lower;
	seL4_Word a = 0, b = 0;

	clear();
	upper = kt_thread_new(spin, 0, KT_PRIO - 1);
	lower = kt_thread_new(spin, 1, KT_PRIO - 2);
	kt_set_sc(upper.sc, 0, 2000, 20000);
	kt_set_sc(lower.sc, 0, 50000, 50000);
	for (unsigned n = 0; n < ATTEMPTS && !(a > 2000 && b > a); n++) {
		kt_start(&upper);
		kt_start(&lower);
		kt_sleep(200);
		CHECK_OK(seL4_TCB_Suspend(upper.tcb));
		CHECK_OK(seL4_TCB_Suspend(lower.tcb));
		a = consumed(upper.sc);
		b = consumed(lower.sc);
	}
	CHECK(a > 2000);
	CHECK(b > a);
}

static void sched_round_robin(void)
{
	struct kt_thread a, b;
	seL4_Word x = 0, y = 0;

	clear();
	a = kt_thread_new(spin, 0, KT_PRIO - 1);
	b = kt_thread_new(spin, 1, KT_PRIO - 1);
	kt_set_sc(a.sc, 0, 1000, 1000);
	kt_set_sc(b.sc, 0, 1000, 1000);
	for (unsigned n = 0; n < ATTEMPTS && !(x > y / 10 && y > x / 10); n++) {
		kt_start(&a);
		kt_start(&b);
		kt_sleep(100);
		CHECK_OK(seL4_TCB_Suspend(a.tcb));
		CHECK_OK(seL4_TCB_Suspend(b.tcb));
		x = consumed(a.sc);
		y = consumed(b.sc);
	}
	CHECK(x > y / 10 && y > x / 10);
}

static void yielder(seL4_Word id)
{
	for (;;) {
		s.count[id]++;
		seL4_Yield();
	}
}

/* Equal priorities, full budgets: each yield lets the other one run. */
static void sched_yield_alternates(void)
{
	struct kt_thread a, b;

	clear();
	a = kt_thread_new(yielder, 0, KT_PRIO - 1);
	b = kt_thread_new(yielder, 1, KT_PRIO - 1);
	kt_start(&a);
	kt_start(&b);
	kt_until(&s.count[0], 2);
	kt_until(&s.count[1], 2);
	CHECK(s.count[0] <= s.count[1] + 2 && s.count[1] <= s.count[0] + 2);
}

/* Exit-path rule 9: with a budget smaller than its period, a yield is a sleep until the next one. */
static void sched_yield_sleeps_for_a_period(void)
{
	struct kt_thread t;

	clear();
	t = kt_thread_new(yielder, 0, KT_PRIO + 1);
	kt_set_sc(t.sc, 0, 500, 10000);
	kt_start(&t);
	/* It is above us: that we go on at all means that it sleeps. */
	kt_until(&s.count[0], 5);
}

static void sched_small_budget_sleeper(void)
{
	struct kt_thread t;

	clear();
	t = kt_thread_new(yielder, 0, KT_PRIO + 1);
	kt_set_sc(t.sc, 0, 100, 5000);
	kt_start(&t);
	kt_until(&s.count[0], 3);
}

static struct kt_thread with_timeout(seL4_Time budget, seL4_Time period, seL4_Word badge)
{
	struct kt_thread t = kt_thread_new(spin, 0, KT_PRIO - 1);

	clear();
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	CHECK_OK(seL4_SchedControl_Configure(control(), t.sc, budget, period, 0, badge));
	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(t.tcb, kt_mint(s.endpoint, seL4_AllRights, 0x7e)));
	kt_start(&t);
	return t;
}

static void sched_timeout_fault(void)
{
	seL4_MessageInfo_t info;
	seL4_Word badge;

	with_timeout(3000, 100000, 0xb0b);
	info = seL4_Recv(s.endpoint, &badge, s.reply);
	CHECK_EQ(badge, 0x7e);
	CHECK_EQ(seL4_MessageInfo_get_label(info), seL4_Fault_Timeout);
	CHECK_EQ(seL4_MessageInfo_get_length(info), seL4_Timeout_Length);
	CHECK_EQ(seL4_GetMR(seL4_Timeout_Data), 0xb0b);
	CHECK(seL4_GetMR(seL4_Timeout_Consumed) >= 2900);
}

/* The handler gives it a new budget; answered, it goes on where it was. */
static void sched_timeout_reply_resumes(void)
{
	struct kt_thread t = with_timeout(1000, 100000, 1);
	seL4_Word before;

	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	before = s.count[0];
	kt_set_sc(t.sc, 0, 100000, 100000);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 0));
	kt_until(&s.count[0], before + 1);
}

extern char sched_landing[];
__asm__(".text\n.global sched_landing\nsched_landing: b sched_landing\n");

/* The reply may carry a whole register set. */
static void sched_timeout_reply_writes_registers(void)
{
	struct kt_thread t = with_timeout(1000, 100000, 1);
	seL4_UserContext regs = { .pc = 0 };

	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	for (int i = 0; i < seL4_TimeoutReply_Length; i++)
		seL4_SetMR(i, 0x100 + (seL4_Word)i);
	seL4_SetMR(seL4_TimeoutReply_FaultIP, (seL4_Word)sched_landing);
	seL4_SetMR(seL4_TimeoutReply_SPSR_EL1, 0);
	kt_set_sc(t.sc, 0, 100000, 100000);
	seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, seL4_TimeoutReply_Length));
	kt_sleep(5);
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, true, 0, 36, &regs));
	CHECK_EQ(regs.pc, sched_landing);
	CHECK_EQ(regs.x0, 0x103);
	CHECK_EQ(regs.x28, 0x121);
}

/* Without a handler the thread waits for its next period. */
static void sched_no_timeout_handler(void)
{
	struct kt_thread t;

	clear();
	t = kt_thread_new(spin, 0, KT_PRIO + 1);
	kt_set_sc(t.sc, 0, 1000, 20000);
	kt_start(&t); /* it uses its budget up and leaves the core to us */
	kt_until(&s.count[0], 1);
	kt_sleep(100);
	CHECK(consumed(t.sc) > 2000);
}

static void yield_target(seL4_Word id)
{
	s.done = id;
	for (;;)
		s.count[id]++;
}

static void sched_yield_to(void)
{
	seL4_SchedContext_YieldTo_t r;
	struct kt_thread t;

	clear();
	t = kt_thread_new(yield_target, 1, KT_PRIO);
	kt_set_sc(t.sc, 0, 1000, 1000);
	kt_start(&t);
	/* More than once where a busy host lets a slice pass before the first instruction. */
	do {
		r = seL4_SchedContext_YieldTo(t.sc);
		CHECK_OK(r.error);
		CHECK(r.consumed >= 900);
	} while (s.done == 0);
}

static void sched_yield_to_errors(void)
{
	seL4_CPtr unbound = kt_new(seL4_SchedContextObject, 8);
	struct kt_thread higher;
	seL4_CPtr low = kt_new(seL4_TCBObject, 0);

	(void)low;
	CHECK_EQ(seL4_SchedContext_YieldTo(unbound).error, seL4_IllegalOperation);
	CHECK_EQ(seL4_SchedContext_YieldTo(kt_own_sc()).error, seL4_IllegalOperation);
	higher = kt_thread_new(spin, 0, KT_PRIO + 20);
	CHECK_OK(seL4_TCB_SetMCPriority(kt_own_tcb(), seL4_CapInitThreadTCB, KT_PRIO));
	CHECK_EQ(seL4_SchedContext_YieldTo(higher.sc).error, seL4_IllegalOperation);
}

/* A context can be deleted under its running thread, which then stops. */
static void sched_context_deleted(void)
{
	struct kt_thread t;
	seL4_Word before;

	clear();
	t = kt_spawn(spin, 0, KT_PRIO - 1);
	kt_until(&s.count[0], 1);
	kt_delete(t.sc);
	before = s.count[0];
	CHECK(before > 0);
	kt_sleep(3);
	CHECK_EQ(s.count[0], before);
}

static void sched_reconfigure_while_running(void)
{
	struct kt_thread t;
	seL4_Word before;

	clear();
	t = kt_spawn(spin, 0, KT_PRIO - 1);
	for (seL4_Word i = 1; i <= 5; i++) {
		before = s.count[0];
		kt_set_sc(t.sc, 0, 1000 * i, 2000 * i);
		kt_until(&s.count[0], before + 1);
	}
	/* Our own, too. */
	kt_set_sc(kt_own_sc(), 0, 4000, 4000);
}

static const struct kt_test tests[] = {
	KT(sched_configure_ranges),
	KT(sched_configure_refills),
	KT(sched_configure_wants_a_sched_context),
	KT(sched_configure_sporadic),
	KT(sched_bind_errors),
	KT(sched_no_context_no_run),
	KT(sched_unconfigured_context_does_not_run),
	KT(sched_consumed),
	KT(sched_budget_limits),
	KT(sched_round_robin),
	KT(sched_yield_alternates),
	KT(sched_yield_sleeps_for_a_period),
	KT(sched_small_budget_sleeper),
	KT(sched_timeout_fault),
	KT(sched_timeout_reply_resumes),
	KT(sched_timeout_reply_writes_registers),
	KT(sched_no_timeout_handler),
	KT(sched_yield_to),
	KT(sched_yield_to_errors),
	KT(sched_context_deleted),
	KT(sched_reconfigure_while_running),
};

KT_GROUP(sched);
