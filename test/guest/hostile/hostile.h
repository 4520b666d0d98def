/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does what no guest should. Only its neighbours matter: they must not notice.
 *
 *   do=NAME   one cruelty. Those that end print `HOSTILE NAME survived` and power off; the others
 *             (spin-forever, wfi-forever, fault-loop, stack-gone, walk-gone, cpu-off, random) never
 *             come back, and what is tested is the rest of the system.
 *   (none)    all that end, one after the other, with a PSCI reset in between, then a storm of 20
 *             resets, then `HOSTILE done` and power off. A word in the middle of RAM, which a reset
 *             keeps, counts.
 *   rounds=N  all that N times, each time with other noise; `HOSTILE round n done` between them.
 */
#pragma once

#include "test/guest/lib/guest.h"

struct cruelty {
	const char *name;
	void (*run)(void);
};

/* Switches the other vCPUs on, which then do what is under way. */
void start_others(void);

void cruel_instructions(void); /* every system instruction and register, and classes of others */
void cruel_random(void);       /* whatever a random word means; does not come back */
void cruel_pages(void);        /* every byte of every emulated page at every width */
void cruel_pages_beside(void); /* the part of the other vCPUs in it */
void cruel_scan(void);         /* loads and stores all over the address space */
void cruel_calls(void);        /* hypercalls with any register content, x7 included */
void cruel_psci(void);         /* wild PSCI calls */
