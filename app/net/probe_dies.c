// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dies with frames in flight, now before the client hears of what has arrived, now while the card is
 * still sending. How long it lives differs from life to life by where the client's indices stand.
 */
#include "app/net/probe.h"

#define LIFE   200U
#define SPREAD 128U

void probe(const struct netdrv *driver, bool moved, unsigned rounds)
{
	unsigned sending = NETDRV_SLOTS - driver->tx.free_count;

	if (rounds < LIFE + driver->rx.out.tail % SPREAD)
		return;
	if (driver->tx.out.tail % 2 == 0 ? moved : sending > 0)
		__builtin_trap();
}
