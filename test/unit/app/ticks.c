/* SPDX-License-Identifier: BSD-2-Clause */
/* Ticks and microseconds: exact, rounded down, and never overflowing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "app/timer/ticks.h"

static void whole_and_fractional_ticks_per_us(void **state)
{
	(void)state;
	assert_int_equal(ticks_to_us(0, 62500000), 0);
	assert_int_equal(ticks_to_us(62, 62500000), 0); /* 0.992 us */
	assert_int_equal(ticks_to_us(63, 62500000), 1);
	assert_int_equal(ticks_to_us(62500000, 62500000), 1000000);
	assert_int_equal(ticks_to_us(19199999, 19200000), 999999);
	assert_int_equal(ticks_to_us(1, 1), 1000000);
	assert_int_equal(ticks_to_us(999, 1000000000), 0);
	assert_int_equal(ticks_to_us(UINT32_MAX, UINT32_MAX), 1000000);
}

/* Against a 128-bit reference, over spread inputs. */
static void agrees_with_wide_arithmetic(void **state)
{
	static const uint64_t hz[] = {
		1, 1000, 19200000, 24000000, 62500000, 1000000000, UINT32_MAX
	};
	uint64_t ticks = 1;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		ticks = ticks * UINT64_C(6364136223846793005) + 1442695040888963407;
		for (size_t h = 0; h < sizeof(hz) / sizeof(hz[0]); h++) {
			uint64_t t = ticks >> (i % 64);
			__extension__ typedef unsigned __int128 wide;
			wide want = (wide)t * TICKS_US_PER_S / hz[h];

			if (want < UINT64_MAX - TICKS_US_PER_S)
				assert_int_equal(ticks_to_us(t, hz[h]), (uint64_t)want);
			else
				assert_true(ticks_to_us(t, hz[h]) >=
					    UINT64_MAX - 2 * TICKS_US_PER_S);
		}
	}
}

static void sums_saturate(void **state)
{
	(void)state;
	assert_int_equal(ticks_add(1, 2), 3);
	assert_int_equal(ticks_add(UINT64_MAX, 0), UINT64_MAX);
	assert_int_equal(ticks_add(UINT64_MAX - 1, 2), UINT64_MAX);
	assert_int_equal(ticks_add(5, UINT64_MAX), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_fractional_ticks_per_us),
		cmocka_unit_test(agrees_with_wide_arithmetic),
		cmocka_unit_test(sums_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
