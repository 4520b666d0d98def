/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: what the first core finds out and sets up before the root task runs.
 *
 * The arrangement of memory: RAM below the kernel's own address is left to guests and handed out as
 * device memory (never zeroed); above it, what is neither kernel, device tree, user image nor the
 * root task's own objects becomes ordinary untyped memory; all other addresses but the kernel's
 * devices are device untyped memory.
 */
#pragma once

#include "standin/lib/types.h"
#include "standin/object/objects.h"

enum { REGIONS_MAX = 32 };

struct region {
	u64 start, end; /* physical; end exclusive */
};

struct regions {
	struct region r[REGIONS_MAX];
	unsigned count;
};

/** Adds to an ascending list, joining what touches. Too many: false. */
bool regions_add(struct regions *l, u64 start, u64 end);
/** Takes a range out. */
bool regions_remove(struct regions *l, u64 start, u64 end);
bool regions_contain(const struct regions *l, u64 at);

/** What the loader passes (see arch/aarch64/head.S), and what the machine found out. */
struct boot_info {
	u64 image_start, image_end; /* the user image, physical */
	u64 image_offset;           /* its physical minus virtual address */
	u64 entry;
	u64 dtb, dtb_size;
	u64 kernel_start, kernel_end;
	struct regions ram;
	struct regions devices; /* the kernel's own, not for users */
};

/** Makes the root task; the calling core is to run it. */
void boot_root_task(struct boot_info *boot);
