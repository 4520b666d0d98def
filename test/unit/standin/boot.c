/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory regions of the stand-in's boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "standin/boot/boot.h"

char *test_arena;

static void regions_join_and_split(void **state)
{
	struct regions l = { .count = 0 };

	(void)state;
	assert_true(regions_add(&l, 0x3000, 0x4000));
	assert_true(regions_add(&l, 0x1000, 0x2000));
	assert_int_equal(l.count, 2);
	assert_true(regions_add(&l, 0x2000, 0x3000));
	assert_int_equal(l.count, 1);
	assert_int_equal(l.r[0].end, 0x4000);
	assert_true(regions_remove(&l, 0x1800, 0x2800));
	assert_int_equal(l.count, 2);
	assert_int_equal(l.r[0].end, 0x1800);
	assert_int_equal(l.r[1].start, 0x2800);
	assert_true(regions_contain(&l, 0x17ff));
	assert_false(regions_contain(&l, 0x1800));
	assert_true(regions_remove(&l, 0, 0x10000));
	assert_int_equal(l.count, 0);
}

/* Against one bit a page. */
static void regions_agree_with_a_map(void **state)
{
	enum { PAGES = 48, STEPS = 20000 };
	bool map[PAGES] = { false };
	struct regions l = { .count = 0 };

	(void)state;
	srand(3);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned a = (unsigned)rand() % PAGES, b = a + (unsigned)rand() % (PAGES - a);
		bool add = rand() % 2;

		assert_true(add ? regions_add(&l, a, b) : regions_remove(&l, a, b));
		for (unsigned i = a; i < b; i++)
			map[i] = add;
		for (unsigned i = 0; i < PAGES; i++)
			assert_int_equal(regions_contain(&l, i), map[i]);
		for (unsigned i = 1; i < l.count; i++)
			assert_true(l.r[i - 1].end < l.r[i].start);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_join_and_split),
		cmocka_unit_test(regions_agree_with_a_map),
	};

	return cmocka_run_group_tests_name("standin/boot", tests, NULL, NULL);
}
