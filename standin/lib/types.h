/* SPDX-License-Identifier: BSD-2-Clause */
/* Scalar types, bit helpers and the kernel's own assertion. Includes nothing of ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1ull << (n))
#define MASK(n)       (BIT(n) - 1)
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define OUT_OF_LINE   __attribute__((noinline)) /* its caller is short without it */

static inline u64 align_up(u64 v, u64 align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline u64 align_down(u64 v, u64 align)
{
	return v & ~(align - 1);
}

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

/**
 * Prints and stops every core. Only for states that no user program can bring about; what a user
 * asks for is checked and answered, never asserted.
 */
_Noreturn void kernel_panic(const char *what, u64 a, u64 b);

#define KERNEL_CHECK(cond)                                     \
	do {                                                   \
		if (UNLIKELY(!(cond)))                         \
			kernel_panic(#cond, (u64)__LINE__, 0); \
	} while (0)
