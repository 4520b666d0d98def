/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel lock, taken at every entry when there is more than one core. Not a ticket lock: in a
 * virtual machine with more cores than its host, the core whose turn it is may not be running, and
 * all others would wait out its host's time slice, at every entry. Here whoever runs takes it.
 *
 * The holder can have another core do something with that core's own registers (save a VCPU, let go
 * of its thread): it leaves a request in the core's mailbox, interrupts it and waits. The other core
 * enters the kernel, finds the lock taken, and serves its mailbox while it waits. So a request runs
 * under the requester's lock, no second lock exists, and nobody ever waits for two things.
 */
#pragma once

#include "standin/sched/sched.h"

void lock_take(struct core *c);
void lock_release(void);

/** Runs fn(core, arg, value) on core `id`: here, or there as described above. */
void core_call(unsigned id, void (*fn)(struct core *c, void *arg, u64 value), void *arg, u64 value);

/** The thread, if it is another core's current, stops running there; its state is in memory. */
void core_stall(struct tcb *t);
