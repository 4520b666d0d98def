/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer; see console.h.
 *
 * After each batch the thread yields: with a period of 2 ms, say, a guest that prints single characters
 * causes 500 switches a second and not one a character.
 */
#include <sel4/sel4.h>
#include <vmm/console.h>
#include <vmm/start.h>

#include "app/console/console.h"
#include "app/lib/alive.h"
#include "app/lib/probe.h"
#include "vmm/port/sel4/runtime.h"

static struct console console;

void runtime_main(void *page, uint64_t thread)
{
	struct alive alive;

	/* The system is not as admin promised: stop here; admin names the faulting thread. */
	if (thread != 0 || console_attach(&console, page) != VMM_OK)
		__builtin_trap();
	alive_init(&alive, page);
	for (unsigned rounds = 0;; rounds++) {
		seL4_Word badge = 0;

		console_pump(&console);
		probe(0, true, rounds);
		seL4_Yield();
		alive_round(&alive);
		(void)seL4_Wait(console.wake, &badge);
		if ((badge & VMM_CONSOLE_BADGE_TIMER) != 0)
			console_tick(&console);
	}
}
