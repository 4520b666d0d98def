/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/dev/pci/msix: the table as the guest sees it, and what becomes of a vector's event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/pci/msix.h"

enum { VECTORS = 5, CONTROL = 12 };

static struct msix m;

static int setup(void **state)
{
	(void)state;
	msix_reset(&m, VECTORS);
	return 0;
}

static uint64_t get(uint64_t offset, unsigned width)
{
	struct mmio_access access = { .value = UINT64_MAX, .width = (uint8_t)width };

	msix_table_access(&m, offset, &access);
	return access.value;
}

static void set(uint64_t offset, unsigned width, uint64_t value)
{
	struct mmio_access access = { .value = value, .width = (uint8_t)width, .write = true };

	msix_table_access(&m, offset, &access);
}

static uint64_t pba(uint64_t offset, unsigned width)
{
	struct mmio_access access = { .value = UINT64_MAX, .width = (uint8_t)width };

	msix_pba_access(&m, offset, &access);
	return access.value;
}

static void unmask(unsigned vector)
{
	set(vector * MSIX_ENTRY_BYTES + CONTROL, 4, 0);
}

static void after_reset_all_is_masked(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VECTORS; v++) {
		for (unsigned word = 0; word < 3; word++)
			assert_int_equal(get(v * MSIX_ENTRY_BYTES + 4 * word, 4), 0);
		assert_int_equal(get(v * MSIX_ENTRY_BYTES + CONTROL, 4), 1);
	}
	assert_int_equal(pba(0, 8), 0);
	msix_reset(&m, 1000);
	assert_int_equal(m.count, MSIX_VECTORS);
}

static void entries_hold_what_may_be_written(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VECTORS; v++) {
		unsigned at = v * MSIX_ENTRY_BYTES;

		for (unsigned word = 0; word < 4; word++)
			set(at + 4 * word, 4, UINT32_MAX - v * 16);
		assert_int_equal(get(at, 4), (UINT32_MAX - v * 16) & ~UINT32_C(3));
		assert_int_equal(get(at + 4, 4), UINT32_MAX - v * 16);
		assert_int_equal(get(at + 8, 4), UINT32_MAX - v * 16);
		assert_int_equal(get(at + CONTROL, 4), 1);
	}
	set(0, 8, UINT64_C(0x1122334455667788));
	assert_int_equal(get(0, 8), UINT64_C(0x1122334455667788));
	assert_int_equal(get(4, 4), 0x11223344);
	set(8, 8, UINT64_C(0xfffffffe00000042));
	assert_int_equal(get(8, 8), 0x42);
	assert_int_equal(get(MSIX_ENTRY_BYTES, 4), (UINT32_MAX - 16) & ~UINT32_C(3));
}

static void other_accesses_do_nothing(void **state)
{
	(void)state;
	set(8, 4, 0x12345678);
	for (unsigned width = 1; width <= 2; width++) {
		set(8, width, 0);
		assert_int_equal(get(8, width), 0);
	}
	set(6, 4, 0);
	set(4, 8, 0);
	assert_int_equal(get(6, 4), 0);
	assert_int_equal(get(4, 8), 0);
	assert_int_equal(get(8, 4), 0x12345678);
	/* Entries that are not there: the rest of the table's place. */
	for (unsigned at = VECTORS * MSIX_ENTRY_BYTES; at < MSIX_TABLE_BYTES; at += 4) {
		set(at, 4, UINT32_MAX);
		assert_int_equal(get(at, 4), 0);
	}
	assert_int_equal(pba(0, 2), 0);
	assert_int_equal(pba(4, 4), 0);
}

static void an_open_vector_is_sent_at_once(void **state)
{
	struct msix_message message = { 0 };

	(void)state;
	set(3 * MSIX_ENTRY_BYTES, 8, UINT64_C(0x9900000040));
	set(3 * MSIX_ENTRY_BYTES + 8, 8, 77); /* data, and unmasked */
	assert_true(msix_raise(&m, 3, true, &message));
	assert_int_equal(message.address, UINT64_C(0x9900000040));
	assert_int_equal(message.data, 77);
	assert_int_equal(pba(0, 8), 0);
	assert_false(msix_flush(&m, &message));
	assert_false(msix_raise(&m, VECTORS, true, &message)); /* does not exist */
	assert_false(msix_raise(&m, 0xffff, false, &message));
	assert_int_equal(pba(0, 8), 0);
}

static void a_masked_vector_waits_and_is_sent_once(void **state)
{
	struct msix_message message = { 0 };

	(void)state;
	set(MSIX_ENTRY_BYTES + 8, 4, 11);
	set(4 * MSIX_ENTRY_BYTES + 8, 4, 44);
	unmask(4);
	assert_false(msix_raise(&m, 1, true, &message)); /* its own mask */
	assert_false(msix_raise(&m, 1, true, &message));
	assert_false(msix_raise(&m, 4, false, &message)); /* the function's */
	assert_int_equal(pba(0, 4), 1 << 1 | 1 << 4);
	assert_int_equal(pba(0, 8), 1 << 1 | 1 << 4);

	assert_true(msix_flush(&m, &message)); /* the function was opened: 4 is free to go */
	assert_int_equal(message.data, 44);
	assert_false(msix_flush(&m, &message));
	unmask(1);
	assert_true(msix_flush(&m, &message));
	assert_int_equal(message.data, 11);
	assert_false(msix_flush(&m, &message));
	assert_int_equal(pba(0, 8), 0);
}

static void pending_bits_are_read_only(void **state)
{
	struct mmio_access access = { .value = UINT64_MAX, .width = 8, .write = true };

	(void)state;
	msix_pba_access(&m, 0, &access);
	assert_int_equal(pba(0, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(after_reset_all_is_masked, setup),
		cmocka_unit_test_setup(entries_hold_what_may_be_written, setup),
		cmocka_unit_test_setup(other_accesses_do_nothing, setup),
		cmocka_unit_test_setup(an_open_vector_is_sent_at_once, setup),
		cmocka_unit_test_setup(a_masked_vector_waits_and_is_sent_once, setup),
		cmocka_unit_test_setup(pending_bits_are_read_only, setup),
	};

	return cmocka_run_group_tests_name("dev/pci/msix", tests, NULL, NULL);
}
