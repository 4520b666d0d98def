// SPDX-License-Identifier: BSD-2-Clause
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/seed.h"

/* RFC 8439, A.1, test vector 1: the block of an all-zero key, counter and nonce. */
static const uint8_t zero_block[2 * SEED_BYTES] = {
	0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53,
	0x86, 0xbd, 0x28, 0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36,
	0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7, 0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48,
	0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8, 0xf4,
	0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86,
};

static void block_is_the_standards(void **state)
{
	struct seed seed = { .key = { 0 } };
	uint8_t out[SEED_BYTES];

	(void)state;
	seed_next(&seed, out);
	assert_memory_equal(seed.key, zero_block, SEED_BYTES);
	assert_memory_equal(out, zero_block + SEED_BYTES, SEED_BYTES);
}

static void every_step_is_another(void **state)
{
	struct seed seed = { .key = { 0 } };
	uint8_t out[64][SEED_BYTES];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		seed_next(&seed, out[i]);
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(out[i], out[j], SEED_BYTES);
		assert_memory_not_equal(out[i], seed.key, SEED_BYTES);
	}
}

/* Each byte of the key matters. */
static void every_byte_counts(void **state)
{
	uint8_t plain[SEED_BYTES], other[SEED_BYTES];
	struct seed seed = { .key = { 0 } };

	(void)state;
	seed_next(&seed, plain);
	for (unsigned i = 0; i < SEED_BYTES; i++) {
		struct seed changed = { .key = { 0 } };

		changed.key[i] = 1;
		seed_next(&changed, other);
		assert_memory_not_equal(plain, other, SEED_BYTES);
	}
}

enum { STACK = 256 << 10 };

struct step {
	struct seed seed;
	uint8_t out[SEED_BYTES];
};

static void *take_one(void *ctx)
{
	struct step *step = ctx;
	volatile uint8_t deep[STACK / 4]; /* the end of a thread writes over what lies above */

	deep[0] = step->out[0];
	step->out[0] = deep[0];
	seed_next(&step->seed, step->out);
	return NULL;
}

/* Whoever reads the stack later finds neither the new key nor what was taken. */
static void stack_keeps_nothing(void **state)
{
	struct step *step = calloc(1, sizeof(*step));
	uint8_t *stack = aligned_alloc(4096, STACK);
	pthread_attr_t attributes;
	pthread_t thread;

	(void)state;
	memset(stack, 0, STACK);
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attributes, take_one, step), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (size_t at = 0; at + 8 <= STACK; at++) {
		assert_memory_not_equal(stack + at, step->seed.key, 8);
		assert_memory_not_equal(stack + at, step->out, 8);
	}
	free(stack);
	free(step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_is_the_standards),
		cmocka_unit_test(every_step_is_another),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(stack_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
