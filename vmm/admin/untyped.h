/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which untyped capability the next object comes from.
 *
 * A pure model of the kernel's rule: an untyped is consumed from its start, each object at the next
 * multiple of its size (seL4 reference manual, "Untyped Retype"). Memory is chosen best fit, so that
 * large untypeds stay whole for guest RAM. Device memory is asked for by physical address: it is cut
 * in halves until a piece is the wanted one. The caller does the kernel calls.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { UNTYPED_MAX = 2048, UNTYPED_BITS_MIN = 4, UNTYPED_BITS_MAX = 47 };

struct untyped {
	uint64_t cap;
	uint64_t paddr;
	uint64_t used; /* bytes from its start */
	uint8_t bits;  /* size, log2 */
	bool device;
};

struct untyped_pool {
	uint32_t count;
	struct untyped all[UNTYPED_MAX];
};

/** Adds an untyped nothing was made of yet. VMM_ERR_NOMEM: the table is full. */
VMM_MUST_CHECK enum vmm_err untyped_add(struct untyped_pool *pool, uint64_t cap, uint64_t paddr,
					uint8_t bits, bool device);

/**
 * Takes up to `wanted` objects of 2^bits bytes that lie one after the other in one untyped of
 * ordinary memory: `*cap` is the untyped, the result how many. 0: no memory left for even one.
 */
uint32_t untyped_take(struct untyped_pool *pool, uint8_t bits, uint32_t wanted, uint64_t *cap);

/**
 * The free device untyped that holds [paddr, paddr + 2^bits), which is aligned; NULL if there is
 * none. If it is larger than that, the caller splits it: untyped_take_whole(), a kernel call that
 * makes two untypeds of half the size, untyped_add() for both, and asks again.
 */
struct untyped *untyped_device(struct untyped_pool *pool, uint64_t paddr, uint8_t bits);

/** Marks an untyped as used up: its whole memory went into one retype. */
void untyped_take_whole(struct untyped *untyped);

/** Bytes of ordinary memory left. */
uint64_t untyped_free(const struct untyped_pool *pool);
