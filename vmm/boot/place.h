/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things go in guest RAM: a small plan that refuses overlaps and everything outside RAM, so
 * that nothing is written before all of it is known to fit. Internal to vmm/boot.
 */
#pragma once

#include <stdint.h>

#include "vmm/boot/boot.h"

enum { PLACE_MAX = BOOT_WRITTEN };

struct place {
	const char *what; /* for error texts; borrowed */
	uint64_t gpa;
	uint64_t size;
	unsigned char *host;
};

struct place_plan {
	const struct vmm_config *config; /* borrowed */
	struct boot_error *error;        /* borrowed */
	uint32_t count;
	struct place places[PLACE_MAX];
};

/** Sets the error's text and returns `err`, so that a refusal is one statement. */
__attribute__((format(printf, 3, 4))) enum vmm_err boot_fail(struct boot_error *error,
							     enum vmm_err err, const char *format,
							     ...);

/** Checks the RAM ranges themselves: mapped, not empty, no wrap-around, no overlap. */
VMM_MUST_CHECK enum vmm_err place_init(struct place_plan *plan, const struct vmm_config *config,
				       struct boot_error *error);

/** Takes [gpa, gpa + size), which must lie in one RAM range and be free. `*out` is in the plan. */
VMM_MUST_CHECK enum vmm_err place_fixed(struct place_plan *plan, const char *what, uint64_t gpa,
					uint64_t size, struct place **out);

/**
 * Takes the highest free piece, of the first RAM range that has one. `align` is a power of two.
 */
VMM_MUST_CHECK enum vmm_err place_high(struct place_plan *plan, const char *what, uint64_t size,
				       uint64_t align, struct place **out);
