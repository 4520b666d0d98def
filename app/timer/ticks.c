/* SPDX-License-Identifier: BSD-2-Clause */
/* Seconds and the rest apart, so that no product overflows. */
#include "app/timer/ticks.h"

uint64_t ticks_to_us(uint64_t ticks, uint64_t hz)
{
	uint64_t seconds = ticks / hz;
	uint64_t rest = ticks % hz;

	if (seconds > UINT64_MAX / TICKS_US_PER_S - 1)
		return UINT64_MAX;
	/* hz is 32 bits wide in every implementation (CNTFRQ_EL0), so rest * 10^6 fits. */
	return seconds * TICKS_US_PER_S + rest * TICKS_US_PER_S / hz;
}

uint64_t ticks_add(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}
