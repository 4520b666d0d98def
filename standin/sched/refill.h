/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replenishments of a scheduling context: a ring of amounts with the times from which they may be
 * used, ascending. Pure arithmetic on ticks; times are given.
 *
 * The amounts always add up to the budget. What is used of the head comes back one period later. A
 * round-robin context (period 0) has one replenishment that is always ready and is filled up again
 * when it is used up.
 */
#pragma once

#include "standin/object/objects.h"

/** Configures from scratch: the whole budget is ready at `now`. period == budget: round robin. */
void refill_init(struct sched_context *sc, u64 budget, u64 period, u64 max, u64 now);

/** Changes the parameters of a context that runs: what is outstanding is kept as far as it fits. */
void refill_change(struct sched_context *sc, u64 budget, u64 period, u64 max, u64 now);

/** Takes `used` ticks from the context. */
void refill_charge(struct sched_context *sc, u64 used, u64 least);

/** A context that was not in use starts again: its head cannot begin in the past. */
void refill_unblock(struct sched_context *sc, u64 now);

static inline struct refill *refill_head(struct sched_context *sc)
{
	return &sc->refills[sc->head];
}

static inline bool refill_round_robin(const struct sched_context *sc)
{
	return sc->period == 0;
}

static inline bool refill_ready(struct sched_context *sc, u64 now)
{
	return refill_head(sc)->time <= now;
}
