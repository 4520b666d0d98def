/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spin lock between the handler threads of one VM.
 *
 * Lock order, outermost first, never more than one of a kind:
 *   device lock (bus_region.lock)  ->  PCI line lock (dev/pci)  ->  interrupt controller lock (irqchip)
 * and nothing is called with the last held that takes a lock or a system call: kicks are collected
 * under it and sent after it is released. Hold times are a register access long, so a spinning thread
 * gives its core away only after long enough to mean that the holder is not running: it shares our
 * core, at our priority (admin's scheme).
 */
#pragma once

#include <stdint.h>

#include "vmm/port/port.h"

struct lock {
	uint32_t held;
};

/** Spins until it has the lock. */
void lock_wait(struct lock *lock);

static inline void lock_take(struct lock *lock)
{
	if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
		lock_wait(lock);
}

static inline void lock_give(struct lock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
