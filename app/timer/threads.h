/* SPDX-License-Identifier: BSD-2-Clause */
/* The two kinds of threads without C below them, and the counter. See threads.S. */
#pragma once

#include <stdint.h>

struct timer_time {
	uint64_t now; /* ticks */
	uint64_t hz;
};

/** Entry points; the registers they want are set with TCB_WriteRegisters. Never called. */
void timer_clock(void);
void timer_sleeper(void);

/** Waits until the counter is at least `until`, then reads it. For kernels that let EL0 read it. */
struct timer_time timer_counter(uint64_t until);
