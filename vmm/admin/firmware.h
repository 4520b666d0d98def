/* SPDX-License-Identifier: BSD-2-Clause */
/* What the root task learns from the machine's firmware, by way of the kernel. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/seed.h"

/**
 * Takes the firmware's seed, and leaves zeros in its place, out of the `size` bytes of the kernel's extra boot information at `extra`
 * (8-byte aligned): chunks, each with an seL4_BootInfoHeader, one of them the machine's device tree,
 * with /chosen/rng-seed. False, and `*seed` untouched, if there is none of at least SEED_BYTES.
 */
bool firmware_take_seed(void *extra, size_t size, struct seed *seed);
