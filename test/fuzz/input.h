/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzzer's bytes, taken piece by piece; zeros once they are used up. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct input {
	const uint8_t *bytes;
	size_t left;
};

static inline uint8_t input_u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->bytes++;
}

static inline uint64_t input_bytes(struct input *in, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)input_u8(in) << 8 * i;
	return value;
}
