/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spin lock between the handler threads of one VM.
 *
 * Lock order, outermost first, never more than one of a kind:
 *   device lock (bus_region.lock)  ->  interrupt controller lock (irqchip)
 * and nothing is called with the latter held that takes a lock or a system call: kicks are collected
 * under it and sent after it is released. Hold times are a register access long, so a spinning thread
 * gives its core away only after long enough to mean that the holder is not running: it shares our
 * core, at our priority (admin's scheme).
 */
#pragma once

#include <stdint.h>

#include "vmm/port/port.h"

enum {
	LOCK_SPINS = 2000,
};

struct lock {
	uint32_t held;
};

static inline void lock_take(struct lock *lock)
{
	for (unsigned spins = 1; __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0;
	     spins++) {
		if (spins % LOCK_SPINS == 0)
			port_yield();
		else
			port_pause();
	}
}

static inline void lock_give(struct lock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
