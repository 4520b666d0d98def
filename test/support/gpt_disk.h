/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk in memory with a GUID partition table at both its ends (UEFI 2.10, 5.3), for tests.
 */
#pragma once

#include <stdint.h>

enum {
	GPT_DISK_ENTRIES_AT = 2, /* sector; of the table at the disk's begin */
	GPT_DISK_FIRST_USABLE = 34,
	GPT_DISK_LAST = 34, /* sectors from the last usable one to the disk's end */
};

struct gpt_disk_partition {
	uint64_t first, last; /* sectors */
};

/** Writes both tables with the partitions 1 to `count` to a disk of `sectors` sectors of 512 bytes. */
void gpt_disk_make(uint8_t *disk, uint64_t sectors, const struct gpt_disk_partition *partitions,
		   unsigned count);
/** Puts the checksum of a header that was changed right. */
void gpt_disk_seal(uint8_t *header);
