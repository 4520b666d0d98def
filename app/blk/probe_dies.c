// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dies with requests in flight, now before the client hears of its answers, now while more are on their
 * way. How long it lives differs from life to life: by the generation, which survives it.
 */
#include "app/blk/probe.h"

enum { LIFE = 300, SPREAD = 31 };

void probe(const struct blkdrv *driver, bool answered, unsigned rounds)
{
	unsigned generation = driver->medium.generation;
	unsigned life = LIFE + generation % 7 * SPREAD;

	if (rounds >= life && (generation % 2 == 0 ? answered : driver->in_flight > 0))
		__builtin_trap();
}
