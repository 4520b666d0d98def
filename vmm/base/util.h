/* SPDX-License-Identifier: BSD-2-Clause */
/* Checked arithmetic and the few macros everyone needs. Includes nothing of ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* For what every exit runs through, and for what it seldom needs: kept out of the former. */
#define VMM_INLINE static inline __attribute__((always_inline))
#define VMM_SELDOM __attribute__((noinline))
#define KIB(n)     ((uint64_t)(n) << 10)
#define MIB(n)     ((uint64_t)(n) << 20)

/** False, and `*sum` untouched, if a + b does not fit in 64 bits. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
	if (b > UINT64_MAX - a)
		return false;
	*sum = a + b;
	return true;
}

/** True if [at, at + len) lies inside [base, base + size); false on any overflow. */
static inline bool range_inside(uint64_t at, uint64_t len, uint64_t base, uint64_t size)
{
	return at >= base && at - base <= size && len <= size - (at - base);
}

/** `align` is a power of two. The caller knows that the result fits. */
static inline uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}
