/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the native programs' main files share: reading what admin gave (include/vmm/channel.h), a log
 * line, the time. One thread.
 */
#pragma once

#include <sel4/sel4.h>
#include <stdbool.h>
#include <vmm/channel.h>
#include <vmm/start.h>
#include <vmm/timer.h>

#include "app/lib/alive.h"
#include "vmm/backend/console/sddf.h"
#include "vmm/base/err.h"

struct native {
	const struct vmm_start *start;
	const struct vmm_native_config *config;
	seL4_CPtr wake, irq, timer; /* 0 where the kind has none */
	seL4_CPtr log_notify;
	struct console_log log;
	struct alive alive;
	uint64_t hz; /* counter ticks a second, with `timer` */
};

/** Stops here if the system is not as admin promised; admin names the faulting thread. */
static inline void native_expect(bool ok)
{
	if (!ok)
		__builtin_trap();
}

/** Once, at the start. */
void native_init(struct native *n, const void *page, uint64_t thread);

/** One line in the system's log, without a newline. */
void native_say(struct native *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The other end of the channel was given up by admin: it will never answer. */
bool native_is_over(const struct vmm_channel *channel);

/** The region called `name`; it must be there. */
const struct vmm_start_region *native_region(const struct native *n, const char *name);

/** The next channel from `*at` on with this kind and role, or NULL; `*at` is moved behind it. */
const struct vmm_channel *native_channel(const struct native *n, uint32_t kind, uint32_t role,
					 uint32_t *at);

/** Waits for a signal; its badge. */
seL4_Word native_wait(struct native *n);

/**
 * The same, after a signal to `notification`, or an acknowledgement of the interrupt: in one kernel call.
 */
seL4_Word native_signal_and_wait(struct native *n, seL4_CPtr notification);
seL4_Word native_ack_and_wait(struct native *n);

/** Says "WHAT: err", and that was all: the program stays where it is, so that admin does not start it again. */
_Noreturn void native_stay_idle(struct native *n, const char *what, enum vmm_err err);

/** Counter ticks. Needs `timer`. */
uint64_t native_now(struct native *n);

/** Asks for VMM_NATIVE_BADGE_TIMER at `deadline` (ticks). True: it has passed, no signal will come. */
bool native_alarm(struct native *n, uint64_t deadline);
