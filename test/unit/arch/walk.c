/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of the guest's stage 1 tables: every granule and level, both halves, and tables that are
 * wrong in each way a table can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/arch/aarch64/a64.h"

enum {
	RAM_SIZE = 0x100000,
};

#define RAM UINT64_C(0x40000000)

static _Alignas(65536) uint8_t ram[RAM_SIZE];
static struct gmem gm;

static int set_up(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	gm = (struct gmem){ 0 };
	return gmem_add(&gm, RAM, (uintptr_t)ram, sizeof(ram)) == VMM_OK ? 0 : -1;
}

static void put(uint64_t table, uint64_t index, uint64_t desc)
{
	memcpy(&ram[table - RAM + index * 8], &desc, sizeof(desc));
}

static uint64_t tcr(unsigned t0sz, unsigned tg0, unsigned t1sz, unsigned tg1)
{
	return t0sz | (uint64_t)tg0 << 14 | (uint64_t)t1sz << 16 | (uint64_t)tg1 << 30;
}

static void mmu_off_is_identity(void **state)
{
	struct a64_mmu mmu = { 0 };
	uint64_t ipa = 0;

	(void)state;
	assert_true(a64_walk(&mmu, &gm, 0x12345678, &ipa));
	assert_true(ipa == 0x12345678);
	assert_false(a64_walk(&mmu, &gm, UINT64_C(1) << 48, &ipa));
}

static void pages_of_4k_over_four_levels(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(16, 0, 16, 2), .ttbr0 = RAM, .ttbr1 = RAM };
	uint64_t va = UINT64_C(0x0000123456789abc), ipa = 0;

	(void)state;
	put(RAM, va >> 39 & 511, (RAM + 0x1000) | 3);
	put(RAM + 0x1000, va >> 30 & 511, (RAM + 0x2000) | 3);
	put(RAM + 0x2000, va >> 21 & 511, (RAM + 0x3000) | 3);
	put(RAM + 0x3000, va >> 12 & 511, UINT64_C(0x0060000087654703));
	assert_true(a64_walk(&mmu, &gm, va, &ipa));
	assert_true(ipa == 0x87654abc);
	/* The same table for the upper half, whose addresses have all ones above. */
	assert_true(a64_walk(&mmu, &gm, va | UINT64_C(0xffff) << 48, &ipa));
	assert_true(ipa == 0x87654abc);
	/* Neither half. */
	assert_false(a64_walk(&mmu, &gm, va | UINT64_C(1) << 48, &ipa));
	assert_false(a64_walk(&mmu, &gm, va | UINT64_C(0xfffe) << 48, &ipa));
	/* A tag in the top byte, ignored only if TBI says so. */
	assert_false(a64_walk(&mmu, &gm, va | UINT64_C(0x5a) << 56, &ipa));
	mmu.tcr |= UINT64_C(1) << 37;
	assert_true(a64_walk(&mmu, &gm, va | UINT64_C(0x5a) << 56, &ipa));
	mmu.tcr |= UINT64_C(1) << 7; /* EPD0 */
	assert_false(a64_walk(&mmu, &gm, va, &ipa));
	assert_true(a64_walk(&mmu, &gm, va | UINT64_C(0xffff) << 48, &ipa));
	mmu.tcr |= UINT64_C(1) << 23; /* EPD1 */
	assert_false(a64_walk(&mmu, &gm, va | UINT64_C(0xffff) << 48, &ipa));
	/* Another page of the same table is not mapped. */
	mmu.tcr = tcr(16, 0, 16, 2);
	assert_false(a64_walk(&mmu, &gm, va + 0x1000, &ipa));
}

static void blocks_of_4k(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(25, 0, 25, 2), .ttbr0 = RAM };
	uint64_t ipa = 0;

	(void)state;
	/* 39 bits: the walk begins at level 1. */
	put(RAM, 1, 0x80000000 | 1);
	assert_true(a64_walk(&mmu, &gm, 0x7fedcba9, &ipa));
	assert_true(ipa == 0xbfedcba9);
	put(RAM, 2, (RAM + 0x1000) | 3);
	put(RAM + 0x1000, 5, 0xc0200000 | 1);
	assert_true(a64_walk(&mmu, &gm, 0x80a12345, &ipa));
	assert_true(ipa == 0xc0212345);
	/* Not valid, whatever else it says. */
	put(RAM, 2, (RAM + 0x1000) | 2);
	assert_false(a64_walk(&mmu, &gm, 0x80a12345, &ipa));
	put(RAM, 2, (RAM + 0x1000) | 3);
	/* A level 3 entry of the block form is reserved; a level 0 block too. */
	put(RAM + 0x1000, 6, (RAM + 0x2000) | 3);
	put(RAM + 0x2000, 0, 0xc0200000 | 1);
	assert_false(a64_walk(&mmu, &gm, 0x80c00000, &ipa));
	mmu.tcr = tcr(16, 0, 16, 2);
	put(RAM, 0, 0x80000000 | 1);
	assert_false(a64_walk(&mmu, &gm, 0x1000, &ipa));
}

static void a_small_first_table(void **state)
{
	/* 32 bits, 4 KiB: level 1 with four entries, which need only be aligned to themselves. */
	struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(32, 0, 16, 2), .ttbr0 = RAM + 0x40 };
	uint64_t ipa = 0;

	(void)state;
	put(RAM + 0x40, 3, 0x40000000 | 1);
	assert_true(a64_walk(&mmu, &gm, 0xc0001234, &ipa));
	assert_true(ipa == 0x40001234);
	assert_false(a64_walk(&mmu, &gm, UINT64_C(0x100000000), &ipa));
}

static void granule_of_64k(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(16, 1, 16, 3), .ttbr0 = RAM, .ttbr1 = RAM };
	uint64_t va = UINT64_C(0x0000023456789abc), ipa = 0;

	(void)state;
	put(RAM, va >> 42 & 63, (RAM + 0x10000) | 3);
	put(RAM + 0x10000, va >> 29 & 8191, (RAM + 0x20000) | 3);
	put(RAM + 0x20000, va >> 16 & 8191, UINT64_C(0x87650000) | 3);
	assert_true(a64_walk(&mmu, &gm, va, &ipa));
	assert_true(ipa == 0x87659abc);
	put(RAM + 0x10000, va >> 29 & 8191, UINT64_C(0xa0000000) | 1);
	assert_true(a64_walk(&mmu, &gm, va | UINT64_C(0xffff) << 48, &ipa));
	assert_true(ipa == (UINT64_C(0xa0000000) | (va & 0x1fffffff)));
	/* A level 1 block needs 52-bit addresses. */
	put(RAM, va >> 42 & 63, UINT64_C(0xa0000000) | 1);
	assert_false(a64_walk(&mmu, &gm, va, &ipa));
}

static void granule_of_16k(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(17, 2, 17, 1), .ttbr0 = RAM, .ttbr1 = RAM };
	uint64_t va = UINT64_C(0x0000023456789abc), ipa = 0;

	(void)state;
	put(RAM, va >> 36 & 2047, (RAM + 0x4000) | 3);
	put(RAM + 0x4000, va >> 25 & 2047, (RAM + 0x8000) | 3);
	put(RAM + 0x8000, va >> 14 & 2047, UINT64_C(0x87654000) | 3);
	assert_true(a64_walk(&mmu, &gm, va, &ipa));
	assert_true(ipa == (UINT64_C(0x87654000) | (va & 0x3fff)));
	assert_true(a64_walk(&mmu, &gm, va | UINT64_C(0x1ffff) << 47, &ipa));
	/* A level 1 block does not exist with this granule. */
	put(RAM, va >> 36 & 2047, UINT64_C(0xa0000000) | 1);
	assert_false(a64_walk(&mmu, &gm, va, &ipa));
}

static void big_endian_tables(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1 | 1U << 25, .tcr = tcr(25, 0, 25, 2), .ttbr0 = RAM };
	uint64_t ipa = 0;

	(void)state;
	put(RAM, 1, __builtin_bswap64(0x80000000 | 1));
	assert_true(a64_walk(&mmu, &gm, 0x40001234, &ipa));
	assert_true(ipa == 0x80001234);
}

static void hostile_registers_and_tables(void **state)
{
	struct a64_mmu mmu = { .sctlr = 1, .ttbr0 = RAM, .ttbr1 = RAM };
	uint64_t ipa = 0;

	(void)state;
	/* Every size and granule, with tables that point at themselves: ends, inside RAM or not. */
	for (unsigned i = 0; i < RAM_SIZE / 8; i++)
		put(RAM, i, RAM | 3);
	for (unsigned tsz = 0; tsz < 64; tsz++) {
		for (unsigned tg = 0; tg < 4; tg++) {
			mmu.tcr = tcr(tsz, tg, tsz, tg);
			(void)a64_walk(&mmu, &gm, 0x1234567, &ipa);
			(void)a64_walk(&mmu, &gm, UINT64_MAX - 0x1234567, &ipa);
			if (tsz < 16 || tsz > 48)
				assert_false(a64_walk(&mmu, &gm, 0, &ipa));
		}
	}
	/* Reserved granules; tables outside RAM. */
	mmu.tcr = tcr(25, 3, 25, 0);
	assert_false(a64_walk(&mmu, &gm, 0, &ipa));
	assert_false(a64_walk(&mmu, &gm, UINT64_MAX, &ipa));
	assert_false(
		a64_walk(&mmu, &gm, RAM, &ipa)); /* as an address of a table: no shift goes wild */
	mmu.tcr = tcr(25, 0, 25, 2);
	mmu.ttbr0 = UINT64_C(0xfffffffff000);
	assert_false(a64_walk(&mmu, &gm, 0, &ipa));
	mmu.ttbr0 = RAM;
	put(RAM, 0, UINT64_C(0x0000fffffffff003));
	assert_false(a64_walk(&mmu, &gm, 0, &ipa));
}

/* 64 KiB pages and TSZ 48: the half is one page, which leaves no level; refused, not undefined. */
static void smallest_halves(void **state)
{
	uint64_t ipa = 0;

	(void)state;
	for (unsigned tg0 = 0; tg0 < 3; tg0++) {
		struct a64_mmu mmu = { .sctlr = 1, .tcr = tcr(48, tg0, 25, 2), .ttbr0 = RAM };

		put(RAM, 0, RAM | 3);
		assert_int_equal(a64_walk(&mmu, &gm, 0, &ipa), tg0 != 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mmu_off_is_identity, set_up),
		cmocka_unit_test_setup(pages_of_4k_over_four_levels, set_up),
		cmocka_unit_test_setup(blocks_of_4k, set_up),
		cmocka_unit_test_setup(a_small_first_table, set_up),
		cmocka_unit_test_setup(granule_of_64k, set_up),
		cmocka_unit_test_setup(granule_of_16k, set_up),
		cmocka_unit_test_setup(big_endian_tables, set_up),
		cmocka_unit_test_setup(smallest_halves, set_up),
		cmocka_unit_test_setup(hostile_registers_and_tables, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
