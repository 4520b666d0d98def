/* SPDX-License-Identifier: BSD-2-Clause */
/* The generated tree of the virtual machine's own hardware. Internal to vmm/boot. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vmm/config.h>

/** Writes `base`@hex into `name`, which has room for it. */
void dt_unit_name(char *name, size_t size, const char *base, uint64_t address);

/**
 * Generates cpus, psci, interrupt controller, timer, devices, aliases and chosen/stdout-path into
 * `buffer`, left open for additions. Returns 0 or a negative libfdt status.
 */
int dt_virt_generate(const struct vmm_config *config, void *buffer, int space);
