/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory regions and the device tree reader of the stand-in's boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libfdt.h>

#include "standin/boot/boot.h"
#include "standin/lib/fdt.h"

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

static void build(void *blob, int size)
{
	assert_int_equal(fdt_create(blob, size), 0);
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	fdt_property_u32(blob, "#address-cells", 2);
	fdt_property_u32(blob, "#size-cells", 2);
	fdt_begin_node(blob, "intc@8000000");
	fdt_property(blob, "compatible", "arm,other\0arm,gic-v3", 21);
	fdt_property_u64(blob, "reg", 0x8000000);
	fdt_end_node(blob);
	fdt_begin_node(blob, "bus");
	fdt_property_u32(blob, "#address-cells", 1);
	fdt_property_u32(blob, "#size-cells", 1);
	fdt_begin_node(blob, "uart@900");
	fdt_property_string(blob, "compatible", "arm,pl011");
	fdt_property_u64(blob, "reg", 0x90000001000);
	fdt_end_node(blob);
	fdt_end_node(blob);
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

struct seen {
	unsigned nodes, gics, uarts;
	u64 address, size;
};

static void look(const struct fdt_node *n, void *arg)
{
	struct seen *seen = arg;

	seen->nodes++;
	seen->gics += fdt_compatible(n, "arm,gic-v3");
	if (fdt_compatible(n, "arm,pl011")) {
		seen->uarts++;
		assert_true(fdt_reg(n, 0, &seen->address, &seen->size));
		assert_false(fdt_reg(n, 1, &seen->address, &seen->size));
	}
}

static void tree_is_walked(void **state)
{
	char blob[1024];
	struct seen seen = { 0 };
	struct fdt f;

	(void)state;
	build(blob, sizeof(blob));
	assert_true(fdt_open(&f, blob, sizeof(blob)));
	fdt_walk(&f, look, &seen);
	assert_int_equal(seen.nodes, 4);
	assert_int_equal(seen.gics, 1);
	assert_int_equal(seen.uarts, 1);
	assert_int_equal(seen.address, 0x900);
	assert_int_equal(seen.size, 0x1000);
}

static void look_everywhere(const struct fdt_node *n, void *arg)
{
	u64 address, size;

	(void)arg;
	fdt_compatible(n, "x");
	fdt_reg(n, 0, &address, &size);
}

/* Cut off or spoilt anywhere: no read outside of it (the sanitizer watches). */
static void spoilt_trees_are_harmless(void **state)
{
	char good[1024];
	struct fdt f;
	u32 size;

	(void)state;
	srand(5);
	build(good, sizeof(good));
	size = fdt_totalsize(good);
	for (unsigned i = 0; i < 20000; i++) {
		u32 length = i % 2 ? size : (u32)rand() % size;
		char *blob = malloc(length);

		for (u32 k = 0; k < length; k++)
			blob[k] = good[k];
		for (unsigned k = 0; k < 3 && length > 0; k++)
			blob[(u32)rand() % length] = (char)rand();
		if (fdt_open(&f, blob, length))
			fdt_walk(&f, look_everywhere, NULL);
		free(blob);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_join_and_split),
		cmocka_unit_test(regions_agree_with_a_map),
		cmocka_unit_test(tree_is_walked),
		cmocka_unit_test(spoilt_trees_are_harmless),
	};

	return cmocka_run_group_tests_name("standin/boot", tests, NULL, NULL);
}
