/* SPDX-License-Identifier: BSD-2-Clause */
/* Counter ticks against the kernel's microseconds. Pure; no overflow for any 64-bit input. */
#pragma once

#include <stdint.h>

#define TICKS_US_PER_S UINT64_C(1000000)

/** Whole microseconds in `ticks` of a counter of `hz`, rounded down; hz is 1 or more, 32 bits. */
uint64_t ticks_to_us(uint64_t ticks, uint64_t hz);

/** a + b, or the largest time there is. */
uint64_t ticks_add(uint64_t a, uint64_t b);
