// SPDX-License-Identifier: BSD-2-Clause
/*
 * An entry is four words: address low and high, data, control (bit 0: masked). What software may not
 * set is dropped where it is stored: the low two bits of the address (messages are aligned words) and
 * all of control but the mask.
 */
#include "vmm/dev/pci/msix.h"

enum {
	ADDRESS_LOW,
	ADDRESS_HIGH,
	DATA,
	CONTROL,
	WORDS,
	MASKED = 1,
};

_Static_assert(WORDS * 4 == MSIX_ENTRY_BYTES, "the entry of 6.8.2.6 to 6.8.2.9");

void msix_reset(struct msix *msix, unsigned count)
{
	*msix = (struct msix){ .count = count < MSIX_VECTORS ? count : MSIX_VECTORS };
	for (unsigned i = 0; i < msix->count; i++)
		msix->entry[i][CONTROL] = MASKED;
}

static void write_word(struct msix *msix, uint64_t word, uint32_t value)
{
	static const uint32_t writable[WORDS] = {
		[ADDRESS_LOW] = ~UINT32_C(3),
		[ADDRESS_HIGH] = UINT32_MAX,
		[DATA] = UINT32_MAX,
		[CONTROL] = MASKED,
	};

	if (word / WORDS < msix->count)
		msix->entry[word / WORDS][word % WORDS] = value & writable[word % WORDS];
}

static uint32_t read_word(const struct msix *msix, uint64_t word)
{
	return word / WORDS < msix->count ? msix->entry[word / WORDS][word % WORDS] : 0;
}

/* "Software must use aligned full DWORD or aligned full QWORD transactions" (6.8.2). */
static bool whole_words(uint64_t offset, const struct mmio_access *access)
{
	return access->width >= 4 && offset % access->width == 0;
}

void msix_table_access(struct msix *msix, uint64_t offset, struct mmio_access *access)
{
	uint64_t word = offset / 4;

	if (!access->write)
		access->value = 0;
	if (!whole_words(offset, access))
		return;
	if (access->write) {
		write_word(msix, word, (uint32_t)access->value);
		if (access->width == 8)
			write_word(msix, word + 1, (uint32_t)(access->value >> 32));
		return;
	}
	access->value = read_word(msix, word);
	if (access->width == 8)
		access->value |= (uint64_t)read_word(msix, word + 1) << 32;
}

void msix_pba_access(const struct msix *msix, uint64_t offset, struct mmio_access *access)
{
	if (!access->write)
		access->value = offset == 0 && whole_words(offset, access) ? msix->pending : 0;
}

static struct msix_message message_of(const struct msix *msix, unsigned vector)
{
	const uint32_t *entry = msix->entry[vector];

	return (struct msix_message){
		.address = (uint64_t)entry[ADDRESS_HIGH] << 32 | entry[ADDRESS_LOW],
		.data = entry[DATA],
	};
}

bool msix_raise(struct msix *msix, unsigned vector, bool open, struct msix_message *message)
{
	if (vector >= msix->count)
		return false;
	if (!open || (msix->entry[vector][CONTROL] & MASKED) != 0) {
		msix->pending |= UINT32_C(1) << vector;
		return false;
	}
	*message = message_of(msix, vector);
	return true;
}

bool msix_flush(struct msix *msix, struct msix_message *message)
{
	for (uint32_t left = msix->pending; left != 0; left &= left - 1) {
		unsigned vector = (unsigned)__builtin_ctz(left);

		if ((msix->entry[vector][CONTROL] & MASKED) != 0)
			continue;
		msix->pending &= ~(UINT32_C(1) << vector);
		*message = message_of(msix, vector);
		return true;
	}
	return false;
}
