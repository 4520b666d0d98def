/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler: see sched.h. */
#include "standin/sched/sched.h"

#include "standin/ipc/ipc.h"
#include "standin/sched/lock.h"
#include "standin/sched/refill.h"

enum { US_PER_SECOND = 1000000 };

u64 us_max(void)
{
	return ~0ull / 8 / kernel.ticks_per_second * US_PER_SECOND;
}

u64 ticks_from_us(u64 us)
{
	u64 seconds = us / US_PER_SECOND, rest = us % US_PER_SECOND;

	return seconds * kernel.ticks_per_second + rest * kernel.ticks_per_second / US_PER_SECOND;
}

u64 us_from_ticks(u64 ticks)
{
	u64 seconds = ticks / kernel.ticks_per_second, rest = ticks % kernel.ticks_per_second;

	return seconds * US_PER_SECOND + rest * US_PER_SECOND / kernel.ticks_per_second;
}

void sched_init_core(struct core *c, unsigned id)
{
	c->id = id;
	c->deadline = ~0ull;
	c->since = arch_now();
	arch_timer_set(~0ull);
}

/* ---- ready queues ---- */

static int top_priority(const struct core *c)
{
	int i;

	if (c->ready_words == 0)
		return -1;
	i = 63 - __builtin_clzll(c->ready_words);
	return i * 64 + 63 - __builtin_clzll(c->ready_mask[i]);
}

static void ready_add(struct core *c, struct tcb *t, bool first)
{
	struct tcb_list *l = &c->ready[t->prio];

	list_insert_before(l, t, first ? l->head : NULL);
	t->queue = QUEUE_READY;
	c->ready_mask[t->prio / 64] |= BIT(t->prio % 64);
	c->ready_words |= BIT(t->prio / 64);
}

static void ready_remove(struct core *c, struct tcb *t)
{
	list_remove(&c->ready[t->prio], t);
	t->queue = QUEUE_NONE;
	if (c->ready[t->prio].head != NULL)
		return;
	c->ready_mask[t->prio / 64] &= ~BIT(t->prio % 64);
	if (c->ready_mask[t->prio / 64] == 0)
		c->ready_words &= ~BIT(t->prio / 64);
}

static void release_add(struct core *c, struct tcb *t)
{
	u64 when = refill_head(t->sc)->time;
	struct tcb *after = c->release.head;

	while (after != NULL && refill_head(after->sc)->time <= when)
		after = after->next;
	list_insert_before(&c->release, t, after);
	t->queue = QUEUE_RELEASE;
}

/* Whether the context can be used now; a used-up round-robin one gets its next slice. */
static bool has_budget(struct sched_context *sc, u64 now)
{
	if (refill_round_robin(sc)) {
		if (refill_head(sc)->amount == 0)
			refill_head(sc)->amount = sc->budget;
		return true;
	}
	return refill_ready(sc, now) && refill_head(sc)->amount >= kernel.least_budget;
}

static struct tcb *pick(struct core *c)
{
	int prio;

	while ((prio = top_priority(c)) >= 0) {
		struct tcb *t = c->ready[prio].head;

		ready_remove(c, t);
		if (has_budget(t->sc, arch_now()))
			return t;
		release_add(c, t);
	}
	return NULL;
}

/* ---- threads coming and going ---- */

static void offer(struct core *c, struct tcb *t)
{
	c->changed = true;
	if (c != arch_this_core()) {
		ready_add(c, t, false);
		if (c->current == NULL || c->current->prio < t->prio)
			arch_kick((unsigned)c->id);
	} else if (c->candidate == NULL) {
		c->candidate = t;
	} else {
		ready_add(c, c->candidate, true);
		c->candidate = NULL;
		ready_add(c, t, true);
	}
}

void sched_wake(struct tcb *t)
{
	struct sched_context *sc = t->sc;
	struct core *c;
	u64 now;

	if (!tcb_runnable(t) || sc == NULL || sc->budget == 0 || t->queue != QUEUE_NONE)
		return;
	c = &kernel.cores[sc->core];
	if (c->current == t || c->candidate == t)
		return;
	/* A context that runs on just now (lent, given back) needs no check. */
	if (sc != c->sc) {
		now = arch_now();
		if (sc->sporadic)
			refill_unblock(sc, now);
		if (!has_budget(sc, now)) {
			release_add(c, t);
			c->changed = true;
			if (c != arch_this_core())
				arch_kick((unsigned)c->id);
			return;
		}
	}
	offer(c, t);
}

void sched_remove(struct tcb *t)
{
	struct core *c;

	core_stall(t);
	if (t->sc == NULL)
		return;
	c = &kernel.cores[t->sc->core];
	if (t->queue == QUEUE_READY) {
		ready_remove(c, t);
	} else if (t->queue == QUEUE_RELEASE) {
		list_remove(&c->release, t);
		t->queue = QUEUE_NONE;
	}
	if (c->candidate == t)
		c->candidate = NULL;
}

void sched_run_first(struct core *c, struct tcb *t)
{
	sched_remove(t);
	ready_add(c, t, true);
	c->yield_first = c->current != NULL && c->current->prio == t->prio;
}

/* ---- time ---- */

void sched_charge(struct core *c)
{
	u64 now = arch_now(), used = now - c->since;

	c->since = now;
	if (c->sc == NULL)
		return;
	c->sc->consumed += used;
	refill_charge(c->sc, used, kernel.least_budget);
}

void sched_yield(struct core *c)
{
	sched_charge(c);
	refill_charge(c->sc, refill_head(c->sc)->amount, kernel.least_budget);
	c->yielded = true;
	c->changed = true;
}

void sched_timer(struct core *c)
{
	u64 now = arch_now();
	struct tcb *t = c->current;

	arch_timer_set(~0ull);
	c->deadline = ~0ull;
	c->changed = true;
	while (c->release.head != NULL && refill_head(c->release.head->sc)->time <= now) {
		struct tcb *due = c->release.head;

		list_remove(&c->release, due);
		due->queue = QUEUE_NONE;
		offer(c, due);
	}
	if (t == NULL || t->sc != c->sc)
		return;
	sched_charge(c);
	if (refill_round_robin(c->sc)) {
		c->yielded = refill_head(c->sc)->amount == 0;
	} else if (!has_budget(c->sc, now)) {
		c->yielded = true;
		if (tcb_runnable(t))
			fault_timeout(t);
	}
}

static void arm_timer(struct core *c)
{
	u64 when = ~0ull;

	if (c->sc != NULL)
		when = c->since + refill_head(c->sc)->amount;
	if (c->release.head != NULL)
		when = min_u64(when, refill_head(c->release.head->sc)->time);
	if (when != c->deadline) {
		c->deadline = when;
		arch_timer_set(when);
	}
}

/* ---- the decision ---- */

/* The current thread goes to the queue where it waits to be chosen again. */
static void requeue_current(struct core *c, struct tcb *t)
{
	u64 now = arch_now();

	if (t->queue != QUEUE_NONE)
		return;
	if (!c->yielded)
		ready_add(c, t, true);
	else if (has_budget(t->sc, now))
		ready_add(c, t, false);
	else
		release_add(c, t);
}

static struct tcb *decide(struct core *c, struct tcb *cur, bool stay)
{
	struct tcb *cand = c->candidate;
	int top = top_priority(c);

	c->candidate = NULL;
	if (cand != NULL && cand->prio >= top && (!stay || cand->prio > cur->prio)) {
		if (stay)
			requeue_current(c, cur);
		return cand;
	}
	if (cand != NULL) {
		ready_add(c, cand, !(stay && cand->prio == cur->prio));
		top = top_priority(c);
	}
	if (stay) {
		if (!c->yielded && !c->yield_first && top <= cur->prio)
			return cur;
		if (c->yield_first && !c->yielded && cur->prio == top) {
			struct tcb *first = pick(c);

			ready_add(c, cur, true);
			if (first != NULL)
				return first;
		} else {
			requeue_current(c, cur);
		}
	}
	return pick(c);
}

static void switch_context(struct core *c, struct sched_context *sc)
{
	sched_charge(c);
	c->sc = sc;
	if (sc != NULL && !sc->sporadic)
		refill_unblock(sc, c->since);
}

static void load(struct core *c, struct tcb *cur, struct tcb *next)
{
	if (cur != next) {
		if (cur != NULL)
			arch_thread_leave(c, cur);
		c->current = next;
		if (next != NULL)
			arch_thread_load(c, next);
	}
	if (next == NULL) {
		if (c->sc != NULL)
			switch_context(c, NULL);
		arch_thread_none(c);
		return;
	}
	if (next->sc != c->sc)
		switch_context(c, next->sc);
	if (UNLIKELY(next->yield_to != NULL))
		yield_complete(next);
	arch_thread_enter(c, next);
}

static OUT_OF_LINE struct tcb *choose(struct core *c, struct tcb *cur)
{
	bool stay = cur != NULL && tcb_runnable(cur) && cur->sc != NULL && cur->sc->budget != 0 &&
		    cur->sc->core == c->id && cur->queue == QUEUE_NONE;
	struct tcb *next;

	/* A context that came back used up cannot carry the current thread on. */
	if (stay && cur->sc != c->sc && !has_budget(cur->sc, arch_now()))
		c->yielded = true;
	next = decide(c, cur, stay);
	c->changed = false;
	c->yielded = false;
	c->yield_first = false;
	load(c, cur, next);
	arm_timer(c);
	return next;
}

struct tcb *sched_choose(struct core *c)
{
	struct tcb *cur = c->current;

	/* Most system calls of a VMM change nothing that matters here. */
	if (!c->changed && cur != NULL && tcb_runnable(cur) && cur->sc == c->sc && c->sc != NULL)
		return cur;
	return choose(c, cur);
}
