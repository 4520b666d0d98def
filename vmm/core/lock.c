/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow half of a lock: somebody else has it.
 */
#include "vmm/core/lock.h"

enum {
	SPINS = 2000, /* far more than a register access takes */
};

void lock_wait(struct lock *lock)
{
	for (unsigned spins = 1; __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0;
	     spins++) {
		if (spins % SPINS == 0)
			port_yield();
		else
			port_pause();
	}
}
