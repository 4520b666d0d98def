/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splitmix64, a byte at a time: what matters is that the stream does not depend on how it is cut.
 */
#include "vmm/backend/entropy/entropy.h"

#include "vmm/base/util.h"

static uint8_t next_byte(struct entropy_fixed *fixed)
{
	uint64_t z = fixed->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint8_t)(z >> 56);
}

static size_t fill(struct entropy_backend *backend, uint8_t *bytes, size_t len)
{
	struct entropy_fixed *fixed = container_of(backend, struct entropy_fixed, backend);
	size_t count = len < fixed->left ? len : (size_t)fixed->left;

	for (size_t i = 0; i < count; i++)
		bytes[i] = next_byte(fixed);
	if (fixed->left != UINT64_MAX)
		fixed->left -= count;
	return count;
}

static const struct entropy_ops fixed_ops = { .fill = fill };

void entropy_fixed_init(struct entropy_fixed *fixed, uint64_t seed, uint64_t left)
{
	*fixed = (struct entropy_fixed){
		.backend = { .ops = &fixed_ops },
		.state = seed,
		.left = left,
	};
}
