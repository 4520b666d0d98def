/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/base/util.h: the checked arithmetic at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/base/util.h"

static void add_refuses_overflow(void **state)
{
	uint64_t sum = 7;

	(void)state;
	assert_false(add_u64(UINT64_MAX, 1, &sum));
	assert_int_equal(sum, 7);
	assert_true(add_u64(UINT64_MAX, 0, &sum));
	assert_true(sum == UINT64_MAX);
}

static void range_edges(void **state)
{
	static const struct {
		uint64_t at, len, base, size;
		bool inside;
	} cases[] = {
		{ .at = 0, .len = 0, .base = 0, .size = 0, .inside = true },
		{ .at = 10, .len = 5, .base = 10, .size = 5, .inside = true },
		{ .at = 10, .len = 6, .base = 10, .size = 5, .inside = false },
		{ .at = 9, .len = 1, .base = 10, .size = 5, .inside = false },
		{ .at = 15, .len = 0, .base = 10, .size = 5, .inside = true },
		{ .at = 16, .len = 0, .base = 10, .size = 5, .inside = false },
		{ .at = 12, .len = UINT64_MAX, .base = 10, .size = 5, .inside = false },
		{ .at = UINT64_MAX, .len = 1, .base = UINT64_MAX, .size = 1, .inside = true },
		{ .at = UINT64_MAX, .len = 2, .base = 0, .size = UINT64_MAX, .inside = false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			range_inside(cases[i].at, cases[i].len, cases[i].base, cases[i].size),
			cases[i].inside);
}

static void alignment(void **state)
{
	(void)state;
	assert_int_equal(align_up(0, 4096), 0);
	assert_int_equal(align_up(1, 4096), 4096);
	assert_int_equal(align_up(4096, 4096), 4096);
	assert_int_equal(align_down(4095, 4096), 0);
	assert_int_equal(align_down(4096, 4096), 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_refuses_overflow),
		cmocka_unit_test(range_edges),
		cmocka_unit_test(alignment),
	};

	return cmocka_run_group_tests_name("base/util", tests, NULL, NULL);
}
