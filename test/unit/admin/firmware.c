// SPDX-License-Identifier: BSD-2-Clause
/* Extra boot information as a kernel lays it out, and as it must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "vmm/admin/firmware.h"

enum {
	ROOM = 2048,
	HEADER = 16,
	ID_PADDING = 0,
	ID_TREE = 6,
	SEED = 40, /* bytes of the firmware's seed: more than are taken */
};

static const uint8_t untouched[SEED_BYTES] = "untouched";

struct fixture {
	_Alignas(8) uint8_t extra[ROOM];
	size_t size;
	struct seed seed;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memcpy(f->seed.key, untouched, SEED_BYTES);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void add_chunk(struct fixture *f, uint64_t id, uint64_t bytes)
{
	uint64_t header[2] = { id, HEADER + bytes };

	memcpy(f->extra + f->size, header, sizeof(header));
	f->size += HEADER + bytes;
}

/* A tree whose seed is 1, 2, 3 ... of `length` bytes; none if that is 0. */
static void add_tree(struct fixture *f, size_t length)
{
	uint8_t *tree = f->extra + f->size + HEADER;
	uint8_t bytes[SEED];

	for (size_t i = 0; i < SEED; i++)
		bytes[i] = (uint8_t)(i + 1);
	assert_int_equal(fdt_create(tree, ROOM / 2), 0);
	fdt_finish_reservemap(tree);
	fdt_begin_node(tree, "");
	fdt_begin_node(tree, "chosen");
	fdt_property_string(tree, "stdout-path", "/pl011@9000000");
	if (length > 0)
		fdt_property(tree, "rng-seed", bytes, (int)length);
	fdt_end_node(tree);
	fdt_end_node(tree);
	assert_int_equal(fdt_finish(tree), 0);
	add_chunk(f, ID_TREE, fdt_totalsize(tree));
}

/* In a block of exactly that size, so that ASan sees a look behind it. */
static bool look(struct fixture *f)
{
	void *exact = malloc(f->size);
	bool found;

	memcpy(exact, f->extra, f->size);
	found = firmware_take_seed(exact, f->size, &f->seed);
	/* It is taken: no second look finds it again. */
	for (size_t i = 0; found && i + 4 <= f->size; i++)
		assert_memory_not_equal((uint8_t *)exact + i, f->seed.key, 4);
	free(exact);
	if (!found)
		assert_memory_equal(f->seed.key, untouched, SEED_BYTES);
	return found;
}

static void is_the_firmwares(void **state)
{
	struct fixture *f = *state;

	add_chunk(f, ID_PADDING, 24);
	add_tree(f, SEED);
	assert_true(look(f));
	for (unsigned i = 0; i < SEED_BYTES; i++)
		assert_int_equal(f->seed.key[i], i + 1);
}

static void may_be_missing(void **state)
{
	struct fixture *f = *state;

	assert_false(look(f)); /* no extra information at all */
	add_chunk(f, ID_PADDING, 8);
	assert_false(look(f));
	add_tree(f, 0);
	assert_false(look(f));
}

static void is_not_stretched(void **state)
{
	struct fixture *f = *state;

	add_tree(f, SEED_BYTES - 1);
	assert_false(look(f));
	f->size = 0;
	add_tree(f, SEED_BYTES);
	assert_true(look(f));
}

/* Wherever the information ends, or whatever a header says, nothing behind it is looked at. */
static void broken_information_has_none(void **state)
{
	struct fixture *f = *state;
	static const uint64_t sizes[] = { 0, 1, HEADER - 1, ROOM, UINT64_MAX };
	size_t whole;

	add_tree(f, SEED);
	whole = f->size;
	for (f->size = 0; f->size < whole; f->size++)
		assert_false(look(f));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memcpy(f->extra + 8, &sizes[i], 8);
		assert_false(look(f));
	}
	f->size = 0;
	add_chunk(f, ID_PADDING, 4);
	add_tree(f, SEED); /* at an address that is not a tree's */
	assert_false(look(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_the_firmwares, setup, teardown),
		cmocka_unit_test_setup_teardown(may_be_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(is_not_stretched, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_information_has_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
