/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads and stores whose syndrome is not valid (DDI 0487J.a, C4.1.94): pairs, and single registers
 * with writeback. What is CONSTRAINED UNPREDICTABLE, exclusive, atomic or SIMD&FP is not emulated: the
 * caller gives the guest an abort.
 */
#include "vmm/arch/aarch64/a64.h"

enum {
	REG_31 = 31,
};

static unsigned bits(uint32_t v, unsigned high, unsigned low)
{
	return (v >> low) & ((1U << (high - low + 1)) - 1);
}

static int64_t sign_extend(uint32_t v, unsigned width)
{
	uint32_t sign = UINT32_C(1) << (width - 1);

	return (int64_t)(v ^ sign) - (int64_t)sign;
}

enum index_form {
	INDEX_OFFSET,
	INDEX_POST,
	INDEX_PRE,
};

static void set_index(struct a64_ldst *out, enum index_form form, int64_t imm)
{
	out->offset = form == INDEX_POST ? 0 : imm;
	out->step = form == INDEX_OFFSET ? 0 : imm;
	out->access.writeback = form != INDEX_OFFSET;
}

/* Writeback to a register that is also transferred is CONSTRAINED UNPREDICTABLE; 31 as a base is SP. */
static bool base_conflicts(const struct arch_access *a)
{
	if (!a->writeback || a->base == REG_31)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		if (a->reg[i] == a->base)
			return true;
	}
	return false;
}

/* Load/store pair: C4.1.94.20 to 23. Bits: opc 101 V type L imm7 Rt2 Rn Rt. */
static bool decode_pair(uint32_t insn, struct a64_ldst *out)
{
	static const enum index_form forms[] = { INDEX_OFFSET, INDEX_POST, INDEX_OFFSET,
						 INDEX_PRE };
	struct arch_access *a = &out->access;
	unsigned opc = bits(insn, 31, 30), type = bits(insn, 25, 23);
	bool load = bits(insn, 22, 22) != 0;

	/* opc 01: LDPSW, which is a load and has no non-temporal form (type 0). */
	if (opc == 3 || type > 3 || (opc == 1 && (!load || type == 0)))
		return false;
	a->write = !load;
	a->width = opc == 2 ? 8 : 4;
	a->sign_extend = opc == 1;
	a->narrow = opc == 0;
	a->count = 2;
	a->reg[0] = (uint8_t)bits(insn, 4, 0);
	a->reg[1] = (uint8_t)bits(insn, 14, 10);
	a->base = (uint8_t)bits(insn, 9, 5);
	set_index(out, forms[type], sign_extend(bits(insn, 21, 15), 7) * a->width);
	if (load && a->reg[0] == a->reg[1])
		return false;
	return !base_conflicts(a);
}

/* One register: C4.1.94.24 to 32. Bits: size 111 V 0x opc ... Rn Rt. */
static bool decode_single(uint32_t insn, struct a64_ldst *out)
{
	static const enum index_form forms[] = { INDEX_OFFSET, INDEX_POST, INDEX_OFFSET,
						 INDEX_PRE };
	struct arch_access *a = &out->access;
	unsigned size = bits(insn, 31, 30), opc = bits(insn, 23, 22);

	/* opc 2: a signed load to 64 bits, or a prefetch; 3: a signed load to 32 bits. */
	if ((opc == 2 && size == 3) || (opc == 3 && size >= 2))
		return false;
	a->write = opc == 0;
	a->width = (uint8_t)(1U << size);
	a->sign_extend = opc >= 2;
	a->narrow = opc == 3 || (opc == 1 && size < 3);
	a->count = 1;
	a->reg[0] = (uint8_t)bits(insn, 4, 0);
	a->base = (uint8_t)bits(insn, 9, 5);
	if (bits(insn, 24, 24) != 0) { /* unsigned offset, scaled */
		set_index(out, INDEX_OFFSET, (int64_t)bits(insn, 21, 10) << size);
		return true;
	}
	if (bits(insn, 21, 21) !=
	    0) /* register offset, atomics: the syndrome is valid, or not ours */
		return false;
	set_index(out, forms[bits(insn, 11, 10)], sign_extend(bits(insn, 20, 12), 9));
	return !base_conflicts(a);
}

bool a64_ldst_decode(uint32_t insn, struct a64_ldst *out)
{
	*out = (struct a64_ldst){ 0 };
	if (bits(insn, 26, 26) != 0) /* V: SIMD&FP */
		return false;
	switch (bits(insn, 29, 27)) {
	case 5:
		return decode_pair(insn, out);
	case 7:
		return bits(insn, 25, 25) == 0 && decode_single(insn, out);
	default:
		return false;
	}
}
