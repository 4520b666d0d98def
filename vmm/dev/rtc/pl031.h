/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL031 real-time clock (Arm DDI 0224C): a 32-bit counter of seconds with one alarm.
 *
 * Time comes from a callback, so it is the caller's choice what happens to it while a VM is
 * paused. The clock runs from reset on, as firmware would have left it (CR = 1), and shows the
 * callback's seconds until the guest sets it. The alarm is noticed when the guest looks or
 * pl031_poll() is called; pl031_alarm() says when that is due.
 *
 * Locking: the bus holds the device's lock around pl031_access; who calls the others takes it too.
 */
#pragma once

#include "vmm/core/mmio.h"

#include <stdbool.h>
#include <stdint.h>

struct pl031 {
	uint64_t (*now)(void *ctx);         /* seconds, since 1970 if known; never goes back */
	void (*irq)(void *ctx, bool level); /* RTCINTR changed; may be NULL */
	void *ctx;
	uint64_t alarm;  /* now() at which DR next equals MR */
	uint32_t offset; /* DR = now() + offset, modulo 2^32 */
	uint32_t mr, lr;
	bool ris, imsc, level;
};

/** `irq` is called from pl031_access, pl031_poll and pl031_reset only, on changes. */
void pl031_init(struct pl031 *rtc, uint64_t (*now)(void *ctx), void (*irq)(void *ctx, bool level),
		void *ctx);

/**
 * Registers as after a reset; the guest's own setting of the clock is kept, as a battery would.
 */
void pl031_reset(struct pl031 *rtc);

/** mmio_handler; `device` is the struct pl031; 4 KiB. */
void pl031_access(void *device, struct mmio_access *access);

/** Raises the alarm if it is due. */
void pl031_poll(struct pl031 *rtc);

/** True, and `*when` in now()'s seconds, if an alarm would interrupt the guest. */
bool pl031_alarm(const struct pl031 *rtc, uint64_t *when);
