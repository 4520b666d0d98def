/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GUID partition tables (UEFI 2.10, 5.3), of disks with sectors of 512 bytes: what a checked header says,
 * and where a partition lies. Pure; the caller reads the sectors. The disk's content is hostile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GPT_SECTOR = 512,
	GPT_ENTRY = 128,
	GPT_ENTRIES = 128, /* most that are looked at; tables of this size are what tools make */
	GPT_ENTRIES_BYTES = GPT_ENTRY * GPT_ENTRIES,
};

struct gpt {
	uint64_t first, last; /* usable sectors, inclusive */
	uint64_t entries;     /* first sector of the entries */
	uint32_t entry_count; /* 1 to GPT_ENTRIES */
	uint32_t entries_crc;
};

/**
 * Checks the header that stands in sector `at` (1, or the last one) of a disk of `sectors`. False if it is
 * not one, has larger tables than we read, or lets partitions lie where tables are.
 */
bool gpt_header(struct gpt *gpt, const uint8_t sector[GPT_SECTOR], uint64_t at, uint64_t sectors);

/** Sectors of the entries. */
uint32_t gpt_entries_sectors(const struct gpt *gpt);

/** Checks the entries' sum. `entries` has gpt_entries_sectors() sectors. */
bool gpt_entries_ok(const struct gpt *gpt, const uint8_t *entries);

/** Where partition `number` (from 1 on) lies; false if it is unused or out of bounds. */
bool gpt_partition(const struct gpt *gpt, const uint8_t *entries, uint32_t number, uint64_t *first,
		   uint64_t *sectors);
