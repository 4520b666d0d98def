// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/block/block.h"

#include <string.h>

uint64_t block_segments_bytes(const struct block_segment *segments, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += segments[i].length;
	return sum;
}

void block_segments_copy(const struct block_segment *segments, unsigned count, uint64_t at,
			 void *flat, size_t length, bool to_segments)
{
	uint8_t *bytes = flat;

	for (unsigned i = 0; i < count && length > 0; i++) {
		const struct block_segment *s = &segments[i];
		size_t n;

		if (at >= s->length) {
			at -= s->length;
			continue;
		}
		n = s->length - (size_t)at < length ? s->length - (size_t)at : length;
		if (to_segments)
			memcpy((uint8_t *)s->host + at, bytes, n);
		else
			memcpy(bytes, (const uint8_t *)s->host + at, n);
		bytes += n;
		length -= n;
		at = 0;
	}
}
