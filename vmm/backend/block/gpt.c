// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/block/gpt.h"

#include <string.h>

#include "vmm/base/util.h"

/* Header (UEFI 2.10, table 5.5). */
enum {
	AT_SIGNATURE = 0,
	AT_HEADER_SIZE = 12,
	AT_HEADER_CRC = 16,
	AT_MY_LBA = 24,
	AT_FIRST_USABLE = 40,
	AT_LAST_USABLE = 48,
	AT_ENTRIES_LBA = 72,
	AT_ENTRY_COUNT = 80,
	AT_ENTRY_SIZE = 84,
	AT_ENTRIES_CRC = 88,
	HEADER_MIN = 92,
	/* Entry (table 5.6). */
	ENTRY_TYPE_BYTES = 16,
	ENTRY_FIRST = 32,
	ENTRY_LAST = 40,
};

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* CRC-32 of ISO 3309, as UEFI wants it; bit by bit: it runs once, over 16 KiB. */
static uint32_t crc_add(uint32_t crc, const uint8_t *bytes, size_t size)
{
	enum { POLYNOMIAL_BITS = 8 };

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < POLYNOMIAL_BITS; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
	}
	return crc;
}

static uint32_t header_crc(const uint8_t *sector, uint32_t size)
{
	static const uint8_t zero[4];
	uint32_t crc = UINT32_MAX;

	crc = crc_add(crc, sector, AT_HEADER_CRC);
	crc = crc_add(crc, zero, sizeof(zero));
	crc = crc_add(crc, sector + AT_HEADER_CRC + sizeof(zero),
		      size - AT_HEADER_CRC - sizeof(zero));
	return ~crc;
}

/*
 * From the disk's begin (5.3.1): a boot record, the header, entries; usable sectors; entries, the other header.
 * No usable sector may be one of the others: who was given it could change the table.
 */
static bool places_ok(const struct gpt *gpt, uint64_t sectors)
{
	enum { BEFORE = 2, BEHIND = 1 };
	uint64_t n = gpt_entries_sectors(gpt);

	return sectors > BEFORE + n + n + BEHIND && gpt->first >= BEFORE + n &&
	       gpt->first <= gpt->last && gpt->last < sectors - BEHIND - n &&
	       range_inside(gpt->entries, n, BEFORE, sectors - BEFORE - BEHIND) &&
	       (gpt->entries + n <= gpt->first || gpt->entries > gpt->last);
}

bool gpt_header(struct gpt *gpt, const uint8_t sector[GPT_SECTOR], uint64_t at, uint64_t sectors)
{
	static const uint8_t signature[8] = { 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T' };
	uint32_t size = get32(sector + AT_HEADER_SIZE);
	struct gpt found = {
		.first = get64(sector + AT_FIRST_USABLE),
		.last = get64(sector + AT_LAST_USABLE),
		.entries = get64(sector + AT_ENTRIES_LBA),
		.entry_count = get32(sector + AT_ENTRY_COUNT),
		.entries_crc = get32(sector + AT_ENTRIES_CRC),
	};

	if (memcmp(sector + AT_SIGNATURE, signature, sizeof(signature)) != 0 || size < HEADER_MIN ||
	    size > GPT_SECTOR || header_crc(sector, size) != get32(sector + AT_HEADER_CRC) ||
	    get64(sector + AT_MY_LBA) != at)
		return false;
	if (get32(sector + AT_ENTRY_SIZE) != GPT_ENTRY || found.entry_count == 0 ||
	    found.entry_count > GPT_ENTRIES || !places_ok(&found, sectors))
		return false;
	*gpt = found;
	return true;
}

uint32_t gpt_entries_sectors(const struct gpt *gpt)
{
	return (gpt->entry_count * GPT_ENTRY + GPT_SECTOR - 1) / GPT_SECTOR;
}

bool gpt_entries_ok(const struct gpt *gpt, const uint8_t *entries)
{
	return ~crc_add(UINT32_MAX, entries, (size_t)gpt->entry_count * GPT_ENTRY) ==
	       gpt->entries_crc;
}

bool gpt_partition(const struct gpt *gpt, const uint8_t *entries, uint32_t number, uint64_t *first,
		   uint64_t *sectors)
{
	static const uint8_t unused[ENTRY_TYPE_BYTES];
	const uint8_t *entry;
	uint64_t from, to;

	if (number == 0 || number > gpt->entry_count)
		return false;
	entry = entries + (size_t)(number - 1) * GPT_ENTRY;
	from = get64(entry + ENTRY_FIRST);
	to = get64(entry + ENTRY_LAST);
	if (memcmp(entry, unused, sizeof(unused)) == 0 || from < gpt->first || to > gpt->last ||
	    from > to)
		return false;
	*first = from;
	*sectors = to - from + 1;
	return true;
}
