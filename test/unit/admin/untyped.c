// SPDX-License-Identifier: BSD-2-Clause
/*
 * The choice of untypeds against a reference that keeps every byte: what the pool hands out must be
 * what a kernel with the watermark rule would make, without overlap, to the last byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/admin/untyped.h"
#include "vmm/base/util.h"

static struct untyped_pool *fresh_pool(void)
{
	struct untyped_pool *pool = test_calloc(1, sizeof(*pool));

	return pool;
}

static void bad_sizes_are_refused(void **state)
{
	struct untyped_pool *pool = fresh_pool();

	(void)state;
	assert_int_equal(untyped_add(pool, 1, 0, 3, false), VMM_ERR_INVALID);
	assert_int_equal(untyped_add(pool, 1, 0, 48, false), VMM_ERR_INVALID);
	assert_int_equal(pool->count, 0);
	for (uint32_t i = 0; i < UNTYPED_MAX; i++)
		assert_int_equal(untyped_add(pool, i, 0, 4, false), VMM_OK);
	assert_int_equal(untyped_add(pool, 1, 0, 4, false), VMM_ERR_NOMEM);
	test_free(pool);
}

static void smallest_that_fits_is_taken(void **state)
{
	struct untyped_pool *pool = fresh_pool();
	uint64_t cap = 0;

	(void)state;
	assert_int_equal(untyped_add(pool, 10, 0x1000000, 24, false), VMM_OK);
	assert_int_equal(untyped_add(pool, 11, 0x10000, 13, false), VMM_OK);
	assert_int_equal(untyped_add(pool, 12, 0x4000, 14, true), VMM_OK);
	assert_int_equal(untyped_take(pool, 12, 1, &cap), 1);
	assert_int_equal(cap, 11);
	assert_int_equal(untyped_take(pool, 12, 5, &cap), 1); /* no more in this one */
	assert_int_equal(cap, 11);
	assert_int_equal(untyped_take(pool, 12, 5, &cap), 5);
	assert_int_equal(cap, 10);
	assert_int_equal(untyped_take(pool, 21, 100, &cap), 7); /* aligned: 1 of 8 is spoilt */
	assert_int_equal(untyped_take(pool, 21, 1, &cap), 0);
	assert_int_equal(untyped_take(pool, 12, 0, &cap), 0);
	test_free(pool);
}

/* The kernel's side: objects are placed at the next multiple of their size. */
static void random_requests_follow_the_kernels_rule(void **state)
{
	struct untyped_pool *pool = fresh_pool();
	uint64_t marks[4] = { 0 };
	uint64_t total = 0, asked = 0;
	unsigned seed = 7;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(untyped_add(pool, i, 0, (uint8_t)(16 + 2 * i), false), VMM_OK);
		total += UINT64_C(1) << (16 + 2 * i);
	}
	assert_int_equal(untyped_free(pool), total);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t bits = (uint8_t)(4 + (seed = seed * 1103515245 + 12345, seed >> 16) % 14);
		uint32_t wanted = 1 + (seed >> 24) % 5;
		uint64_t cap = 99;
		uint32_t got = untyped_take(pool, bits, wanted, &cap);
		uint64_t size = UINT64_C(1) << bits;

		assert_true(got <= wanted);
		if (got == 0)
			continue;
		assert_true(cap < 4);
		marks[cap] = align_up(marks[cap], size) + got * size;
		assert_true(marks[cap] <= UINT64_C(1) << (16 + 2 * cap));
		asked += got * size;
	}
	assert_true(asked <= total);
	assert_true(asked > total - total / 8);
	for (uint64_t cap = 0; cap < 4; cap++)
		assert_int_equal(pool->all[cap].used, marks[cap]);
	test_free(pool);
}

/* Cuts a device untyped as admin does, and checks that each frame is exactly what was asked for. */
static void device_memory_is_cut_to_the_address(void **state)
{
	static const uint64_t wanted[] = { 0x40200000, 0x40201000, 0x5ffff000, 0x40000000 };
	struct untyped_pool *pool = fresh_pool();
	struct untyped *u = NULL;

	(void)state;
	assert_int_equal(untyped_add(pool, 1, 0x40000000, 29, true), VMM_OK);
	assert_int_equal(untyped_add(pool, 2, 0x60000000, 29, false), VMM_OK);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		while ((u = untyped_device(pool, wanted[i], 12)) != NULL && u->bits > 12) {
			uint8_t half = (uint8_t)(u->bits - 1);
			uint64_t paddr = u->paddr;

			untyped_take_whole(u);
			assert_int_equal(untyped_add(pool, 3, paddr, half, true), VMM_OK);
			assert_int_equal(
				untyped_add(pool, 3, paddr + (UINT64_C(1) << half), half, true),
				VMM_OK);
		}
		assert_non_null(u);
		assert_int_equal(u->paddr, wanted[i]);
		untyped_take_whole(u);
		assert_null(untyped_device(pool, wanted[i], 12)); /* not a second time */
	}
	assert_non_null(untyped_device(pool, 0x40400000, 21));
	assert_null(untyped_device(pool, 0x40200000, 21)); /* a piece of it is gone */
	assert_null(untyped_device(pool, 0x60000000, 12)); /* not device memory */
	assert_null(untyped_device(pool, 0x3ffff000, 13));
	assert_null(untyped_device(pool, UINT64_MAX - 0xfff, 12));
	assert_int_equal(untyped_free(pool), 1 << 29);
	test_free(pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(smallest_that_fits_is_taken),
		cmocka_unit_test(random_requests_follow_the_kernels_rule),
		cmocka_unit_test(device_memory_is_cut_to_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
