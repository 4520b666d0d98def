// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/base/seed.h"

#include <string.h>

enum {
	WORDS = 16,
	KEY_AT = 4, /* words of the constant before the key */
	DOUBLE_ROUNDS = 10,
};

static uint32_t rotate(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

/* RFC 8439, 2.1. */
static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static void rounds(uint32_t x[WORDS])
{
	for (unsigned i = 0; i < DOUBLE_ROUNDS; i++) {
		for (unsigned column = 0; column < 4; column++)
			quarter_round(x, column, column + 4, column + 8, column + 12);
		for (unsigned diagonal = 0; diagonal < 4; diagonal++)
			quarter_round(x, diagonal, (diagonal + 1) % 4 + 4, (diagonal + 2) % 4 + 8,
				      (diagonal + 3) % 4 + 12);
	}
}

void seed_next(struct seed *seed, uint8_t out[SEED_BYTES])
{
	/* "expand 32-byte k"; counter and nonce stay zero: no key is used twice. */
	uint32_t start[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[WORDS];
	uint8_t block[WORDS * 4];

	for (unsigned i = 0; i < SEED_BYTES; i++)
		start[KEY_AT + i / 4] |= (uint32_t)seed->key[i] << 8 * (i % 4);
	memcpy(x, start, sizeof(x));
	rounds(x);
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)((x[i / 4] + start[i / 4]) >> 8 * (i % 4));
	memcpy(seed->key, block, SEED_BYTES);
	memcpy(out, block + SEED_BYTES, SEED_BYTES);
	seed_wipe(start, sizeof(start));
	seed_wipe(x, sizeof(x));
	seed_wipe(block, sizeof(block));
}

void seed_wipe(void *at, size_t size)
{
	memset(at, 0, size);
	__asm__ volatile("" : : "r"(at) : "memory"); /* as if it were read: the stores stay */
}
