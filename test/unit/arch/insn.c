/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch64 loads and stores by their encodings, which are an assembler's output: every form we
 * emulate, and those we must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/arch/aarch64/a64.h"
#include "vmm/base/util.h"

static const struct {
	uint32_t insn;
	struct arch_access access;
	int64_t offset, step;
} good[] = {
	{ .insn = 0x29400861, /* ldp w1, w2, [x3] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 4,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 0,
	  .step = 0 },
	{ .insn = 0xa9410861, /* ldp x1, x2, [x3, #16] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 16,
	  .step = 0 },
	{ .insn = 0xa9ff0861, /* ldp x1, x2, [x3, #-16]! */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = true,
		      .base = 3 },
	  .offset = -16,
	  .step = -16 },
	{ .insn = 0xa8fe0861, /* ldp x1, x2, [x3], #-32 */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = true,
		      .base = 3 },
	  .offset = 0,
	  .step = -32 },
	{ .insn = 0x68c10861, /* ldpsw x1, x2, [x3], #8 */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 4,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = true,
		      .base = 3 },
	  .offset = 0,
	  .step = 8 },
	{ .insn = 0x69ff17e4, /* ldpsw x4, x5, [sp, #-8]! */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 4,
		      .count = 2,
		      .reg = { 4, 5 },
		      .writeback = true,
		      .base = 31 },
	  .offset = -8,
	  .step = -8 },
	{ .insn = 0x2900fc61, /* stp w1, wzr, [x3, #4] */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 4,
		      .count = 2,
		      .reg = { 1, 31 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 4,
	  .step = 0 },
	{ .insn = 0xa8817bff, /* stp xzr, x30, [sp], #16 */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 31, 30 },
		      .writeback = true,
		      .base = 31 },
	  .offset = 0,
	  .step = 16 },
	{ .insn = 0xa99f8861, /* stp x1, x2, [x3, #504]! */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = true,
		      .base = 3 },
	  .offset = 504,
	  .step = 504 },
	{ .insn = 0xa8410861, /* ldnp x1, x2, [x3, #16] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 16,
	  .step = 0 },
	{ .insn = 0x283f0861, /* stnp w1, w2, [x3, #-8] */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 4,
		      .count = 2,
		      .reg = { 1, 2 },
		      .writeback = false,
		      .base = 3 },
	  .offset = -8,
	  .step = 0 },
	{ .insn = 0xf8408441, /* ldr x1, [x2], #8 */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 8 },
	{ .insn = 0xb85fcc41, /* ldr w1, [x2, #-4]! */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = -4,
	  .step = -4 },
	{ .insn = 0x38401441, /* ldrb w1, [x2], #1 */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 1,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 1 },
	{ .insn = 0x78402c41, /* ldrh w1, [x2, #2]! */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 2,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 2,
	  .step = 2 },
	{ .insn = 0x389ff441, /* ldrsb x1, [x2], #-1 */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 1,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = -1 },
	{ .insn = 0x38dff441, /* ldrsb w1, [x2], #-1 */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = true,
		      .width = 1,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = -1 },
	{ .insn = 0x788ffc41, /* ldrsh x1, [x2, #255]! */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 2,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 255,
	  .step = 255 },
	{ .insn = 0x78d00441, /* ldrsh w1, [x2], #-256 */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = true,
		      .width = 2,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = -256 },
	{ .insn = 0xb8804441, /* ldrsw x1, [x2], #4 */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 4 },
	{ .insn = 0xf8008441, /* str x1, [x2], #8 */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 8 },
	{ .insn = 0xb81f0fe1, /* str w1, [sp, #-16]! */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 31 },
	  .offset = -16,
	  .step = -16 },
	{ .insn = 0x38001441, /* strb w1, [x2], #1 */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 1,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 1 },
	{ .insn = 0x7800245f, /* strh wzr, [x2], #2 */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 2,
		      .count = 1,
		      .reg = { 31, 0 },
		      .writeback = true,
		      .base = 2 },
	  .offset = 0,
	  .step = 2 },
	{ .insn = 0xf85f9041, /* ldur x1, [x2, #-7] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = -7,
	  .step = 0 },
	{ .insn = 0xb8003041, /* stur w1, [x2, #3] */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 3,
	  .step = 0 },
	{ .insn = 0xf8408841, /* ldtr x1, [x2, #8] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 8,
	  .step = 0 },
	{ .insn = 0xb8000841, /* sttr w1, [x2] */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 0,
	  .step = 0 },
	{ .insn = 0xf97ffc41, /* ldr x1, [x2, #32760] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 32760,
	  .step = 0 },
	{ .insn = 0xb9800441, /* ldrsw x1, [x2, #4] */
	  .access = { .write = false,
		      .sign_extend = true,
		      .narrow = false,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 4,
	  .step = 0 },
	{ .insn = 0x393ffc41, /* strb w1, [x2, #4095] */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 1,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 4095,
	  .step = 0 },
	{ .insn = 0xa9400463, /* ldp x3, x1, [x3]: without writeback the base may be loaded */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 3, 1 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 0,
	  .step = 0 },
	{ .insn = 0xa9000461, /* stp x1, x1, [x3]: one register may be stored twice */
	  .access = { .write = true,
		      .sign_extend = false,
		      .narrow = false,
		      .width = 8,
		      .count = 2,
		      .reg = { 1, 1 },
		      .writeback = false,
		      .base = 3 },
	  .offset = 0,
	  .step = 0 },
	{ .insn = 0xb9400441, /* ldr w1, [x2, #4] */
	  .access = { .write = false,
		      .sign_extend = false,
		      .narrow = true,
		      .width = 4,
		      .count = 1,
		      .reg = { 1, 0 },
		      .writeback = false,
		      .base = 2 },
	  .offset = 4,
	  .step = 0 },
};

static const uint32_t bad[] = {
	0xa9400461, /* ldp x1, x1, [x3] */
	0xa8c10463, /* ldp x3, x1, [x3], #16 */
	0xa9810463, /* stp x3, x1, [x3, #16]! */
	0xf8408442, /* ldr x2, [x2], #8 */
	0xb8004442, /* str w2, [x2], #4 */
	0x3dc00040, /* ldr q0, [x2] */
	0x6d400440, /* ldp d0, d1, [x2] */
	0xbc004440, /* str s0, [x2], #4 */
	0xc85f7c41, /* ldxr x1, [x2] */
	0xc8017c43, /* stxr w1, x3, [x2] */
	0xc87f0861, /* ldxp x1, x2, [x3] */
	0xc8dffc41, /* ldar x1, [x2] */
	0xf8210041, /* ldadd x1, x1, [x2] */
	0xf8636841, /* ldr x1, [x2, x3] */
	0xf9800040, /* prfm pldl1keep, [x2] */
	0x58000001, /* ldr x1, literal */
	0xd503201f, /* nop */
	0xd50b7421, /* dc zva, x1 */
	0x4c407020, /* ld1 {v0.16b}, [x1] */
	0x68400041, /* pair, opc 1, non-temporal: unallocated */
	0x68000041, /* the same, store */
	0x69000041, /* stgp */
	0xe9400041, /* pair, opc 3: unallocated */
	0xb8c00441, /* size 2, opc 3: unallocated */
	0x2a000041, /* orr: bit 25 of a register instruction */
	0xfa400000, /* ccmp x0, x0, #0, eq: the same, else like a load */
	0x00000000, 0xffffffff,
};

static void emulated_forms(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		const struct arch_access *want = &good[i].access;
		struct a64_ldst got;

		assert_true(a64_ldst_decode(good[i].insn, &got));
		assert_int_equal(got.access.write, want->write);
		assert_int_equal(got.access.sign_extend, want->sign_extend);
		assert_int_equal(got.access.narrow && !got.access.write,
				 want->narrow && !want->write);
		assert_int_equal(got.access.width, want->width);
		assert_int_equal(got.access.count, want->count);
		assert_int_equal(got.access.reg[0], want->reg[0]);
		assert_int_equal(got.access.reg[1], want->reg[1]);
		assert_int_equal(got.access.writeback, want->writeback);
		assert_int_equal(got.access.base, want->base);
		assert_true(got.offset == good[i].offset);
		assert_true(got.step == good[i].step);
	}
}

static void refused_forms(void **state)
{
	struct a64_ldst got;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(a64_ldst_decode(bad[i], &got));
}

/* Whatever the encoding: what is accepted is within what the run loop can carry out. */
static void accepted_is_always_sane(void **state)
{
	uint32_t insn = 1;

	(void)state;
	for (unsigned i = 0; i < 3000000; i++) {
		struct a64_ldst got;

		insn = insn * 1664525 + 1013904223;
		if (!a64_ldst_decode(insn ^ insn >> 16, &got))
			continue;
		assert_true(got.access.width == 1 || got.access.width == 2 ||
			    got.access.width == 4 || got.access.width == 8);
		assert_true(got.access.count == 1 || got.access.count == 2);
		assert_true(got.access.reg[0] < 32 && got.access.reg[1] < 32);
		assert_true(got.access.base < 32);
		assert_true(got.offset > -1025 && got.offset < 32768);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emulated_forms),
		cmocka_unit_test(refused_forms),
		cmocka_unit_test(accepted_is_always_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
