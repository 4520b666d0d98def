// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/admin/untyped.h"

#include <stddef.h>

#include "vmm/base/util.h"

static uint64_t size_of(const struct untyped *u)
{
	return UINT64_C(1) << u->bits;
}

enum vmm_err untyped_add(struct untyped_pool *pool, uint64_t cap, uint64_t paddr, uint8_t bits,
			 bool device)
{
	if (bits < UNTYPED_BITS_MIN || bits > UNTYPED_BITS_MAX)
		return VMM_ERR_INVALID;
	if (pool->count == UNTYPED_MAX)
		return VMM_ERR_NOMEM;
	pool->all[pool->count++] =
		(struct untyped){ .cap = cap, .paddr = paddr, .bits = bits, .device = device };
	return VMM_OK;
}

/* How many objects of 2^bits bytes `u` still holds. */
static uint64_t room(const struct untyped *u, uint8_t bits)
{
	uint64_t start = align_up(u->used, UINT64_C(1) << bits);

	return start >= size_of(u) ? 0 : (size_of(u) - start) >> bits;
}

/* Bytes that an object of 2^bits bytes in `u` would leave unused before it. */
static uint64_t gap(const struct untyped *u, uint8_t bits)
{
	return align_up(u->used, UINT64_C(1) << bits) - u->used;
}

/*
 * The least loss to alignment, then the smallest remainder; among equals the first, so that the
 * result is repeatable.
 */
static struct untyped *best_fit(struct untyped_pool *pool, uint8_t bits)
{
	struct untyped *best = NULL;

	for (uint32_t i = 0; i < pool->count; i++) {
		struct untyped *u = &pool->all[i];

		if (u->device || room(u, bits) == 0)
			continue;
		if (best == NULL || gap(u, bits) < gap(best, bits) ||
		    (gap(u, bits) == gap(best, bits) &&
		     size_of(u) - u->used < size_of(best) - best->used))
			best = u;
	}
	return best;
}

uint32_t untyped_take(struct untyped_pool *pool, uint8_t bits, uint32_t wanted, uint64_t *cap)
{
	struct untyped *u = best_fit(pool, bits);
	uint64_t count;

	if (u == NULL || wanted == 0)
		return 0;
	count = room(u, bits);
	if (count > wanted)
		count = wanted;
	u->used = align_up(u->used, UINT64_C(1) << bits) + (count << bits);
	*cap = u->cap;
	return (uint32_t)count;
}

struct untyped *untyped_device(struct untyped_pool *pool, uint64_t paddr, uint8_t bits)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		struct untyped *u = &pool->all[i];

		if (u->device && u->used == 0 &&
		    range_inside(paddr, UINT64_C(1) << bits, u->paddr, size_of(u)))
			return u;
	}
	return NULL;
}

void untyped_take_whole(struct untyped *untyped)
{
	untyped->used = size_of(untyped);
}

uint64_t untyped_free(const struct untyped_pool *pool)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < pool->count; i++) {
		if (!pool->all[i].device)
			sum += size_of(&pool->all[i]) - pool->all[i].used;
	}
	return sum;
}
