/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How admin knows a program that dies again and again from one that dies now and then: whoever has been
 * round its loop a number of times says so, once (app/admin/restart.c).
 */
#pragma once

#include <sel4/sel4.h>
#include <stdint.h>
#include <vmm/start.h>

enum { ALIVE_ROUNDS = 32 };

struct alive {
	seL4_CPtr notify;
	uint32_t rounds;
};

static inline void alive_init(struct alive *alive, const struct vmm_start *start)
{
	*alive = (struct alive){ .notify = vmm_start_cap(start, "alive") };
}

static inline void alive_round(struct alive *alive)
{
	if (alive->rounds == ALIVE_ROUNDS)
		return;
	if (++alive->rounds == ALIVE_ROUNDS)
		seL4_Signal(alive->notify);
}
