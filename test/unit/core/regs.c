/* SPDX-License-Identifier: BSD-2-Clause */
/* Register tables: one dispatcher decides about gaps, widths and alignment for every device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/core/mmio.h"

static uint64_t read_offset(void *device, const struct mmio_access *access)
{
	(void)device;
	return access->offset + 1;
}

static void write_value(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	*(uint64_t *)device = value;
}

static const struct reg_range table[] = {
	{ .first = 0x00, .last = 0x03, .widths = 4, .read = read_offset },
	{ .first = 0x08, .last = 0x0f, .widths = 4 | 8, .read = read_offset, .write = write_value },
	{ .first = 0x20, .last = 0x3f, .widths = 1 | 4, .write = write_value },
};

static bool try_access(uint64_t offset, uint8_t width, bool write, uint64_t *value,
		       uint64_t *device)
{
	struct mmio_access access = {
		.offset = offset, .width = width, .write = write, .value = *value
	};
	bool hit = regs_dispatch(table, ARRAY_SIZE(table), device, &access);

	*value = access.value;
	return hit;
}

static void every_offset_and_width(void **state)
{
	(void)state;
	for (uint64_t offset = 0; offset < 0x48; offset++) {
		for (unsigned log = 0; log < 4; log++) {
			uint8_t width = (uint8_t)(1 << log);
			uint64_t value = 99, device = 0;
			bool aligned = offset % width == 0;
			bool readable = (offset < 4 && width == 4) ||
					(offset >= 8 && offset < 16 && width >= 4);
			bool writable =
				(offset >= 8 && offset < 16 && width >= 4) ||
				(offset >= 0x20 && offset < 0x40 && (width == 1 || width == 4));

			assert_int_equal(try_access(offset, width, false, &value, &device),
					 readable && aligned);
			assert_int_equal(value, readable && aligned ? offset + 1 : 0);
			value = 55;
			assert_int_equal(try_access(offset, width, true, &value, &device),
					 writable && aligned);
			assert_int_equal(device, writable && aligned ? 55 : 0);
		}
	}
}

static void an_access_may_not_cross_a_range(void **state)
{
	static const struct reg_range odd[] = {
		{ .first = 0, .last = 5, .widths = 4, .read = read_offset },
	};
	struct mmio_access access = { .offset = 4, .width = 4 };

	(void)state;
	assert_false(regs_dispatch(odd, 1, NULL, &access));
	access.offset = 0;
	assert_true(regs_dispatch(odd, 1, NULL, &access));
}

/* The search meets every row of a table of any length, and nothing beside them. */
static void every_row_of_every_table(void **state)
{
	struct reg_range rows[REGS_MAX];

	(void)state;
	for (uint32_t count = 1; count <= REGS_MAX; count++) {
		for (uint32_t i = 0; i < count; i++)
			rows[i] = (struct reg_range){ .first = 8 * i + 4,
						      .last = 8 * i + 7,
						      .widths = 4,
						      .read = read_offset };
		assert_true(regs_table_ok(rows, count));
		for (uint64_t offset = 0; offset < 8 * REGS_MAX + 8; offset += 4) {
			struct mmio_access access = { .offset = offset, .width = 4, .value = 99 };
			bool there = offset % 8 == 4 && offset / 8 < count;

			assert_int_equal(regs_dispatch(rows, count, NULL, &access), there);
			assert_int_equal(access.value, there ? offset + 1 : 0);
		}
	}
}

static void bad_tables_are_seen(void **state)
{
	struct reg_range bad[2] = {
		{ .first = 0, .last = 3, .widths = 4 },
		{ .first = 4, .last = 7, .widths = 4 },
	};

	(void)state;
	assert_true(regs_table_ok(bad, 2));
	assert_false(regs_table_ok(bad, 0));
	bad[1].first = 3;
	assert_false(regs_table_ok(bad, 2));
	bad[1].first = 8;
	assert_false(regs_table_ok(bad, 2));
	bad[1].first = 4;
	bad[0].widths = 0;
	assert_false(regs_table_ok(bad, 2));
	bad[0].widths = 16;
	assert_false(regs_table_ok(bad, 2));
	bad[0].widths = 4;
	assert_true(regs_table_ok(bad, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_offset_and_width),
		cmocka_unit_test(an_access_may_not_cross_a_range),
		cmocka_unit_test(every_row_of_every_table),
		cmocka_unit_test(bad_tables_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
