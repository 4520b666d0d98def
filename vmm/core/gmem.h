/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: the only door to it.
 *
 * A guest (and its other vCPUs) may change any byte at any time, so callers copy once, check the
 * copy and use the copy. Nothing is returned that points into guest RAM, except gmem_host() for bulk
 * data whose meaning is not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	GMEM_RANGES = 4,
};

struct gmem_range {
	uint64_t gpa;
	uint64_t host;
	uint64_t size;
};

struct gmem {
	struct gmem_range range[GMEM_RANGES];
	unsigned count;
};

/** Adds RAM. VMM_ERR_RANGE: empty or wraps around; VMM_ERR_EXISTS: overlaps; VMM_ERR_NOMEM: full. */
VMM_MUST_CHECK enum vmm_err gmem_add(struct gmem *gm, uint64_t gpa, uint64_t host, uint64_t size);

/** The host address of [gpa, gpa + len), or NULL if it is not wholly inside one range. */
void *gmem_host(const struct gmem *gm, uint64_t gpa, uint64_t len);

/** The host address of `gpa`, with `*len` cut to what lies in the same range; NULL if it is not RAM. */
void *gmem_piece(const struct gmem *gm, uint64_t gpa, uint64_t *len);

/** Copies out of or into guest RAM; VMM_ERR_RANGE, and nothing copied, if any of it is not RAM. */
VMM_MUST_CHECK enum vmm_err gmem_read(const struct gmem *gm, uint64_t gpa, void *to, size_t len);
VMM_MUST_CHECK enum vmm_err gmem_write(const struct gmem *gm, uint64_t gpa, const void *from,
				       size_t len);

/** One load of an aligned 64-bit word: never torn. VMM_ERR_RANGE: not RAM or not aligned. */
VMM_MUST_CHECK enum vmm_err gmem_load64(const struct gmem *gm, uint64_t gpa, uint64_t *value);
