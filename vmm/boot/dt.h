/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's device tree, built in place. Internal to vmm/boot.
 *
 * A tree is generated from the configuration, or a user's own is taken; both then get the same
 * memory, initrd and bootargs, and last the user's overlay, which so has the last word.
 */
#pragma once

#include "vmm/boot/place.h"

enum {
	DT_GENERATED = 24 << 10, /* ample for 8 vCPUs and every device a configuration can hold */
	DT_MARGIN = 4 << 10,     /* what fixing up a user's tree may add, bootargs included */
	DT_MAX = 2 << 20,        /* booting.rst, section 2 */
};

/* What the tree must say that the configuration does not. */
struct dt_input {
	const struct vmm_config *config;
	uint64_t initrd_gpa, initrd_size; /* size 0: none */
	struct seed *seed;                /* borrowed; NULL: none */
};

/** Bytes of guest RAM to keep for the tree of `config` (overlay merged in). */
uint64_t dt_space(const struct vmm_config *config);

/**
 * Builds the tree in `buffer` of `space` bytes. `scratch` has room for config->overlay and is free
 * again afterwards; NULL where there is no overlay.
 */
VMM_MUST_CHECK enum vmm_err dt_build(const struct dt_input *input, void *buffer, uint64_t space,
				     void *scratch, struct boot_error *error);
