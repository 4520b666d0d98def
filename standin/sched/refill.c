/* SPDX-License-Identifier: BSD-2-Clause */
/* Replenishment arithmetic (sporadic servers, Stanovic et al. 2010): see refill.h. */
#include "standin/sched/refill.h"

static struct refill *ring_at(struct sched_context *sc, unsigned i)
{
	unsigned at = sc->head + i;

	return &sc->refills[at < sc->max ? at : at - sc->max];
}

static void pop_head(struct sched_context *sc)
{
	sc->head = (u16)(sc->head + 1u == sc->max ? 0 : sc->head + 1u);
	sc->count--;
}

/* Adds at the end; joins what touches, and what there is no room for. */
static void push_tail(struct sched_context *sc, struct refill r)
{
	struct refill *tail = ring_at(sc, sc->count - 1u);

	if (sc->count > 0 && tail->time + tail->amount >= r.time) {
		tail->amount += r.amount;
	} else if (sc->count < sc->max) {
		sc->count++;
		*ring_at(sc, sc->count - 1u) = r;
	} else {
		/* Delaying is safe, giving early is not. */
		tail->time = r.time - tail->amount;
		tail->amount += r.amount;
	}
}

void refill_init(struct sched_context *sc, u64 budget, u64 period, u64 max, u64 now)
{
	sc->budget = budget;
	sc->period = period == budget ? 0 : period;
	sc->head = 0;
	sc->count = 1;
	sc->max = (u16)min_u64(max, UINT16_MAX); /* more would hardly be told apart */
	sc->refills[0] = (struct refill){ .time = now, .amount = budget };
}

void refill_change(struct sched_context *sc, u64 budget, u64 period, u64 max, u64 now)
{
	struct refill head = *refill_head(sc);

	if (head.time < now)
		head.time = now;
	refill_init(sc, budget, period, max, head.time);
	if (sc->period != 0 && head.amount < budget) {
		/* What was used already stays used until the next period. */
		sc->refills[0].amount = head.amount;
		sc->refills[1] = (struct refill){ .time = head.time + period,
						  .amount = budget - head.amount };
		sc->count = 2;
	}
}

static void charge_round_robin(struct sched_context *sc, u64 used, u64 least)
{
	struct refill *head = refill_head(sc);

	head->amount -= min_u64(used, head->amount);
	if (head->amount < least)
		head->amount = 0; /* the scheduler sees it, rotates, and fills it up */
}

void refill_charge(struct sched_context *sc, u64 used, u64 least)
{
	if (refill_round_robin(sc)) {
		charge_round_robin(sc, used, least);
		return;
	}
	while (used > 0 && used >= refill_head(sc)->amount) {
		struct refill r = *refill_head(sc);

		used -= r.amount;
		r.time += sc->period;
		if (sc->count == 1) {
			*refill_head(sc) = r;
			if (r.amount == 0)
				return;
		} else {
			pop_head(sc);
			push_tail(sc, r);
		}
	}
	if (used > 0) {
		struct refill *head = refill_head(sc);
		struct refill r = { .time = head->time + sc->period, .amount = used };

		head->amount -= used;
		head->time += used;
		push_tail(sc, r);
	}
	/* A head too small to run on is given together with the next. */
	while (sc->count > 1 && refill_head(sc)->amount < least) {
		u64 small = refill_head(sc)->amount;

		pop_head(sc);
		refill_head(sc)->time -= small;
		refill_head(sc)->amount += small;
	}
}

void refill_unblock(struct sched_context *sc, u64 now)
{
	if (refill_round_robin(sc) || !refill_ready(sc, now))
		return;
	refill_head(sc)->time = now;
	while (sc->count > 1) {
		struct refill head = *refill_head(sc);
		struct refill *next = ring_at(sc, 1);

		if (next->time > head.time + head.amount)
			break;
		next->time = head.time;
		next->amount += head.amount;
		pop_head(sc);
	}
}
