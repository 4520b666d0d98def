/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GIC model and its reference, and everything that can happen to both: register accesses,
 * lines, SGIs, claims, EOIs (of stale and empty list registers too), refusals, power, resets.
 * What happens next is drawn from a seeded generator (test/model) or from a fuzzer's bytes
 * (test/fuzz).
 *
 * After every step: who has work, and that no wake-up was missed. After every claim: that it was
 * allowed, most urgent, and not a second copy. A difference prints what, and aborts.
 */
#pragma once

#include <stddef.h>

#include "test/model/gic_ref.h"
#include "vmm/irqchip/gic/gic.h"

struct gic_world {
	struct gic gic;
	struct ref ref;
	bool worked[GIC_VCPUS]; /* had work after the last step */
	unsigned hot[8];        /* the INTIDs most steps are about */
	uint64_t seed;          /* of the generator, if there are no bytes */
	uint64_t random;
	const uint8_t *bytes; /* of a fuzzer */
	size_t left;
	unsigned long step, claims;
};

/* Version, vCPUs, SPIs and list registers are drawn as well; everything on, hot INTIDs chosen. */
void gic_world_seed(struct gic_world *w, uint64_t seed);
void gic_world_bytes(struct gic_world *w, const uint8_t *bytes, size_t size);

/* One thing happens. */
void gic_world_step(struct gic_world *w);

/* Reads every register of both. */
void gic_world_compare(struct gic_world *w);
