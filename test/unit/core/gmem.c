/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory: what is inside is reached, what is not is refused whatever wraps around. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/core/gmem.h"

static _Alignas(8) uint8_t low[4096], high[8192];

static struct gmem two_ranges(void)
{
	struct gmem gm = { 0 };

	assert_int_equal(gmem_add(&gm, 0x40000000, (uintptr_t)low, sizeof(low)), VMM_OK);
	assert_int_equal(gmem_add(&gm, 0x80000000, (uintptr_t)high, sizeof(high)), VMM_OK);
	return gm;
}

static void add_refuses_what_is_no_range(void **state)
{
	struct gmem gm = two_ranges();

	(void)state;
	assert_int_equal(gmem_add(&gm, 0x1000, 0x1000, 0), VMM_ERR_RANGE);
	assert_int_equal(gmem_add(&gm, 0x1000, 0, 0x1000), VMM_ERR_RANGE);
	assert_int_equal(gmem_add(&gm, UINT64_MAX - 10, 0x1000, 0x1000), VMM_ERR_RANGE);
	assert_int_equal(gmem_add(&gm, 0x1000, UINT64_MAX - 10, 0x1000), VMM_ERR_RANGE);
	assert_int_equal(gmem_add(&gm, 0x40000fff, 0x1000, 0x10), VMM_ERR_EXISTS);
	assert_int_equal(gmem_add(&gm, 0x3ffffff1, 0x1000, 0x10), VMM_ERR_EXISTS);
	assert_int_equal(gmem_add(&gm, 0x3ffffff0, 0x1000, 0x10), VMM_OK);
	assert_int_equal(gmem_add(&gm, 0x40001000, 0x1000, 0x10), VMM_OK);
	assert_int_equal(gmem_add(&gm, 0x1000, 0x1000, 0x10), VMM_ERR_NOMEM);
}

static void host_is_only_for_wholly_inside(void **state)
{
	struct gmem gm = two_ranges();

	(void)state;
	assert_ptr_equal(gmem_host(&gm, 0x40000010, 16), low + 0x10);
	assert_ptr_equal(gmem_host(&gm, 0x80000000, sizeof(high)), high);
	assert_ptr_equal(gmem_host(&gm, 0x40001000, 0), low + sizeof(low));
	assert_null(gmem_host(&gm, 0x40000ff8, 9));
	assert_null(gmem_host(&gm, 0x3fffffff, 2));
	assert_null(gmem_host(&gm, 0x40000000, UINT64_MAX));
	assert_null(gmem_host(&gm, UINT64_MAX, 2));
}

static void copies_go_both_ways_or_not_at_all(void **state)
{
	struct gmem gm = two_ranges();
	uint32_t word = 0x12345678, back = 0;

	(void)state;
	assert_int_equal(gmem_write(&gm, 0x80000003, &word, 4), VMM_OK);
	assert_int_equal(gmem_read(&gm, 0x80000003, &back, 4), VMM_OK);
	assert_int_equal(back, word);
	assert_int_equal(gmem_write(&gm, 0x80001ffe, &word, 4), VMM_ERR_RANGE);
	assert_int_equal(high[0x1ffe], 0);
	back = 7;
	assert_int_equal(gmem_read(&gm, 0x70000000, &back, 4), VMM_ERR_RANGE);
	assert_int_equal(back, 7);
}

static void load64_wants_alignment(void **state)
{
	struct gmem gm = two_ranges();
	uint64_t value = UINT64_C(0x1122334455667788), back = 0;

	(void)state;
	assert_int_equal(gmem_write(&gm, 0x40000008, &value, 8), VMM_OK);
	assert_int_equal(gmem_load64(&gm, 0x40000008, &back), VMM_OK);
	assert_true(back == value);
	assert_int_equal(gmem_load64(&gm, 0x40000004, &back), VMM_ERR_RANGE);
	assert_int_equal(gmem_load64(&gm, 0x40001000, &back), VMM_ERR_RANGE);
	/* Both of the address's forms count: RAM need not be aligned alike on both sides. */
	gm = (struct gmem){ 0 };
	assert_int_equal(gmem_add(&gm, 0x40000000, (uintptr_t)low + 4, 64), VMM_OK);
	assert_int_equal(gmem_load64(&gm, 0x40000004, &back), VMM_ERR_RANGE);
	assert_int_equal(gmem_load64(&gm, 0x40000008, &back), VMM_ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_refuses_what_is_no_range),
		cmocka_unit_test(host_is_only_for_wholly_inside),
		cmocka_unit_test(copies_go_both_ways_or_not_at_all),
		cmocka_unit_test(load64_wants_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
