/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/backend/console: the memory backend counts and orders bytes; the null one swallows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/backend/console/console.h"

static void null_swallows(void **state)
{
	struct console_backend null;
	uint8_t bytes[4] = "abc";

	(void)state;
	console_null_init(&null);
	assert_int_equal(null.ops->write(&null, bytes, 4), 4);
	assert_int_equal(null.ops->read(&null, bytes, 4), 0);
	assert_memory_equal(bytes, "abc", 4);
}

static void memory_keeps_order_over_the_end(void **state)
{
	struct console_memory memory;
	uint8_t out[3], in[5], got[8];
	uint8_t next_in = 0, next_out = 0, want_in = 0, want_out = 0;

	(void)state;
	console_memory_init(&memory, out, sizeof(out), in, sizeof(in));
	for (unsigned round = 0; round < 100; round++) {
		const struct console_ops *ops = memory.backend.ops;
		uint8_t bytes[2] = { next_in, (uint8_t)(next_in + 1) };
		size_t count;

		next_in = (uint8_t)(next_in + console_memory_feed(&memory, bytes, 2));
		bytes[0] = next_out;
		bytes[1] = (uint8_t)(next_out + 1);
		next_out = (uint8_t)(next_out + ops->write(&memory.backend, bytes, 2));
		count = ops->read(&memory.backend, got, round % 4);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(got[i], want_in++);
		count = console_memory_drain(&memory, got, round % 3);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(got[i], want_out++);
	}
	assert_true(want_in > 100 && want_out > 50);
}

static void memory_fills_up_and_says_so(void **state)
{
	struct console_memory memory;
	uint8_t out[3], got[8];

	(void)state;
	console_memory_init(&memory, out, sizeof(out), NULL, 0);
	assert_int_equal(memory.backend.ops->write(&memory.backend, (const uint8_t *)"abcd", 4), 3);
	assert_int_equal(memory.backend.ops->write(&memory.backend, (const uint8_t *)"d", 1), 0);
	assert_int_equal(console_memory_feed(&memory, (const uint8_t *)"x", 1), 0);
	assert_int_equal(memory.backend.ops->read(&memory.backend, got, 8), 0);
	assert_int_equal(console_memory_drain(&memory, got, 8), 3);
	assert_memory_equal(got, "abc", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_swallows),
		cmocka_unit_test(memory_keeps_order_over_the_end),
		cmocka_unit_test(memory_fills_up_and_says_so),
	};

	return cmocka_run_group_tests_name("backend/console", tests, NULL, NULL);
}
