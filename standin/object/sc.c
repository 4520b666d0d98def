/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling contexts: binding, lending, and their invocations. */
#include "standin/object/sc.h"

#include "standin/api/invocation.h"
#include "standin/ipc/ipc.h"
#include "standin/object/cap.h"
#include "standin/object/tcb.h"
#include "standin/sched/lock.h"
#include "standin/sched/refill.h"

#include <sel4/invocation.h>

bool sc_exhausted(struct sched_context *sc)
{
	return !refill_ready(sc, arch_now()) || refill_head(sc)->amount < kernel.least_budget;
}

void sc_donate(struct sched_context *sc, struct tcb *to)
{
	struct tcb *from = sc->tcb;

	if (from != NULL) {
		sched_remove(from);
		from->sc = NULL;
	}
	sc->tcb = to;
	to->sc = sc;
}

void sc_bind_tcb(struct sched_context *sc, struct tcb *t)
{
	sc->tcb = t;
	t->sc = sc;
	sched_wake(t);
}

void sc_unbind_tcb(struct sched_context *sc)
{
	struct tcb *t = sc->tcb;

	if (t == NULL)
		return;
	sched_remove(t);
	t->sc = NULL;
	sc->tcb = NULL;
}

void sc_bind_notification(struct sched_context *sc, struct notification *n)
{
	sc->ntfn = n;
	n->sc = sc;
}

void sc_unbind_notification(struct sched_context *sc)
{
	if (sc->ntfn == NULL)
		return;
	sc->ntfn->sc = NULL;
	sc->ntfn = NULL;
}

static u64 take_consumed(struct sched_context *sc)
{
	struct core *c = &kernel.cores[sc->core];
	u64 us;

	if (c == arch_this_core() && c->sc == sc)
		sched_charge(c);
	us = us_from_ticks(sc->consumed);
	sc->consumed = 0;
	return us;
}

void yield_complete(struct tcb *t)
{
	struct sched_context *sc = t->yield_to;

	arch_mr(t)[0] = take_consumed(sc);
	*arch_info_register(t) = 1;
	sc->yield_from = NULL;
	t->yield_to = NULL;
}

void sc_cancel_yield(struct sched_context *sc)
{
	if (sc->yield_from != NULL)
		yield_complete(sc->yield_from);
}

static void unbind_all(struct sched_context *sc)
{
	sc_unbind_tcb(sc);
	sc_unbind_notification(sc);
	if (sc->reply != NULL)
		sc->reply->newer = 0;
	sc->reply = NULL;
}

void sc_destroy(struct sched_context *sc)
{
	sc_cancel_yield(sc);
	unbind_all(sc);
	sc->budget = 0;
	for (unsigned i = 0; i < kernel.core_count; i++)
		if (kernel.cores[i].sc == sc)
			kernel.cores[i].sc = NULL;
}

/* ---- invocations ---- */

static u64 sc_bind(struct invocation *inv)
{
	struct sched_context *sc = cap_object(inv->cap);
	struct cap what = inv->extra[0]->cap;

	/* One thread and one notification, at the same time too. */
	if (cap_type(what) == CAP_TCB) {
		struct tcb *t = cap_object(what);

		if (sc->tcb != NULL || t->sc != NULL ||
		    (tcb_blocked(t) && sc->budget != 0 && sc_exhausted(sc)))
			return seL4_IllegalOperation;
		sc_bind_tcb(sc, t);
		return seL4_NoError;
	}
	if (cap_type(what) == CAP_NOTIFICATION) {
		struct notification *n = cap_object(what);

		if (sc->ntfn != NULL || n->sc != NULL)
			return seL4_IllegalOperation;
		sc_bind_notification(sc, n);
		return seL4_NoError;
	}
	return fail_capability(inv, 1);
}

static u64 sc_unbind_object(struct invocation *inv)
{
	struct sched_context *sc = cap_object(inv->cap);
	struct cap what = inv->extra[0]->cap;

	if (cap_type(what) == CAP_TCB) {
		if (sc->tcb != cap_object(what) || sc->tcb == inv->caller)
			return seL4_IllegalOperation;
		sc_unbind_tcb(sc);
		return seL4_NoError;
	}
	if (cap_type(what) == CAP_NOTIFICATION) {
		if (sc->ntfn != cap_object(what))
			return seL4_IllegalOperation;
		sc_unbind_notification(sc);
		return seL4_NoError;
	}
	return fail_capability(inv, 1);
}

static u64 sc_yield_to(struct invocation *inv)
{
	struct sched_context *sc = cap_object(inv->cap);
	struct tcb *t = sc->tcb;

	if (t == NULL || t == inv->caller || t->prio > inv->caller->mcp)
		return seL4_IllegalOperation;
	sc_cancel_yield(sc);
	if (sc->core != inv->core->id) {
		if (tcb_runnable(t))
			arch_kick(sc->core);
	} else if (tcb_runnable(t) && sc->budget != 0 && t->queue == QUEUE_READY) {
		inv->caller->yield_to = sc;
		sc->yield_from = inv->caller;
		sched_run_first(inv->core, t);
		return seL4_NoError; /* the answer is given when the caller runs again */
	}
	result(inv, 0, take_consumed(sc));
	return seL4_NoError;
}

static u64 sc_unbind(struct invocation *inv)
{
	struct sched_context *sc = cap_object(inv->cap);

	if (sc->tcb == inv->caller)
		return seL4_IllegalOperation;
	unbind_all(sc);
	return seL4_NoError;
}

static u64 sc_consumed(struct invocation *inv)
{
	result(inv, 0, take_consumed(cap_object(inv->cap)));
	return seL4_NoError;
}

enum { FIRST = SchedContextBind };

static const struct method sc_rows[] = {
	[SchedContextBind - FIRST] = { .act = sc_bind, .caps = 1 },
	[SchedContextUnbind - FIRST] = { .act = sc_unbind },
	[SchedContextUnbindObject - FIRST] = { .act = sc_unbind_object, .caps = 1 },
	[SchedContextConsumed - FIRST] = { .act = sc_consumed },
	[SchedContextYieldTo - FIRST] = { .act = sc_yield_to },
};
const struct methods sc_methods = METHODS(FIRST, sc_rows);

static void configure(struct sched_context *sc, u64 core, u64 budget, u64 period, u64 max)
{
	struct tcb *t = sc->tcb;
	struct core *running = &kernel.cores[sc->core];

	if (t != NULL)
		sched_remove(t);
	if (running == arch_this_core() && running->sc == sc)
		sched_charge(running);
	if (sc->budget == 0 || t == NULL || !tcb_runnable(t))
		refill_init(sc, budget, period, max, arch_now());
	else
		refill_change(sc, budget, period, max, arch_now());
	if (sc->core != core && running->sc == sc)
		running->sc = NULL;
	sc->core = (u8)core;
	if (t != NULL)
		sched_wake(t);
}

/* [budget, period, extra refills, badge, flags], caps{sc} */
static u64 configure_flags(struct invocation *inv)
{
	u64 budget = arg(inv, 0), period = arg(inv, 1), extra = arg(inv, 2);
	u64 most, least = us_from_ticks(kernel.least_budget);
	struct cap cap = inv->extra[0]->cap;
	struct sched_context *sc = cap_object(cap);

	if (cap_type(cap) != CAP_SC)
		return fail_capability(inv, 1);
	if (budget > us_max() || budget < least)
		return fail_range(inv, least, us_max());
	if (period > us_max() || period < least)
		return fail_range(inv, least, us_max());
	if (budget > period)
		return fail_range(inv, least, period);
	most = seL4_MaxExtraRefills(cap_size(cap));
	if (extra > most)
		return fail_range(inv, 0, most);
	sc->badge = arg(inv, 3);
	sc->sporadic = arg(inv, 4) & seL4_SchedContext_Sporadic;
	configure(sc, inv->cap.data, ticks_from_us(budget), ticks_from_us(period), extra + 2);
	return seL4_NoError;
}

static const struct method control_rows[] = { { .act = configure_flags, .words = 5, .caps = 1 } };
const struct methods sched_control_methods = METHODS(SchedControlConfigureFlags, control_rows);
