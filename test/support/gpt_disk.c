// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/gpt_disk.h"

#include <stddef.h>
#include <string.h>

enum { SECTOR = 512, HEADER = 92, ENTRIES = 128, ENTRY = 128, TABLE = 32 /* sectors */ };

/* Bit by bit: not the way of the code under test. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size * 8; i++) {
		uint32_t bit = ((uint32_t)bytes[i / 8] >> i % 8 ^ crc) & 1u;

		crc = crc >> 1 ^ (bit != 0 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

void gpt_disk_seal(uint8_t *header)
{
	put32(header + 16, 0);
	put32(header + 16, crc32_of(header, HEADER));
}

static void make_header(uint8_t *disk, uint64_t sectors, uint64_t at, uint64_t entries)
{
	uint8_t *header = disk + at * SECTOR;

	memset(header, 0, SECTOR);
	memcpy(header, "EFI PART", 8);
	put32(header + 8, 0x10000);
	put32(header + 12, HEADER);
	put64(header + 24, at);
	put64(header + 40, GPT_DISK_FIRST_USABLE);
	put64(header + 48, sectors - GPT_DISK_LAST);
	put64(header + 72, entries);
	put32(header + 80, ENTRIES);
	put32(header + 84, ENTRY);
	put32(header + 88, crc32_of(disk + entries * SECTOR, ENTRIES * ENTRY));
	gpt_disk_seal(header);
}

void gpt_disk_make(uint8_t *disk, uint64_t sectors, const struct gpt_disk_partition *partitions,
		   unsigned count)
{
	const uint64_t at[] = { 1, sectors - 1 };
	const uint64_t entries[] = { GPT_DISK_ENTRIES_AT, sectors - 1 - TABLE };

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned n = 0; n < count; n++) {
			uint8_t *entry = disk + entries[i] * SECTOR + (size_t)n * ENTRY;

			memset(entry, 0x22, 16);
			put64(entry + 32, partitions[n].first);
			put64(entry + 40, partitions[n].last);
		}
		make_header(disk, sectors, at[i], entries[i]);
	}
}
