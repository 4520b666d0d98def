/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding slots by capability pointer. */
#include "standin/api/lookup.h"

#include <sel4/errors.h>

static struct slot *fail(struct lookup_error *why, u64 type, u64 a, u64 b, u64 c)
{
	*why = (struct lookup_error){ .type = type, .w = { a, b, c } };
	return NULL;
}

/* Walks CNodes from `cap`; *left is how many bits were not used at the slot that is returned. */
static struct slot *resolve(struct cap cap, u64 cptr, u64 bits, u64 *left, struct lookup_error *why)
{
	if (cap_type(cap) != CAP_CNODE)
		return fail(why, seL4_InvalidRoot, 0, 0, 0);
	for (;;) {
		u64 radix = cap_size(cap), guard_bits = cap_extra(cap), guard, index;
		struct slot *s;

		guard = guard_bits == 0 || bits < guard_bits
				? 0
				: cptr >> (bits - guard_bits) & MASK(guard_bits & 63);
		if (guard_bits == 64)
			guard = cptr;
		if (guard_bits > bits || guard != cap.data)
			return fail(why, seL4_GuardMismatch, bits, cap.data, guard_bits);
		if (guard_bits + radix > bits)
			return fail(why, seL4_DepthMismatch, bits, guard_bits + radix, 0);
		bits -= guard_bits + radix;
		index = cptr >> (bits & 63) & MASK(radix);
		s = cnode_slots(cap) + index;
		*left = bits;
		if (bits == 0 || cap_type(s->cap) != CAP_CNODE)
			return s;
		cap = s->cap;
	}
}

struct slot *lookup_slot(struct tcb *t, u64 cptr, struct lookup_error *why)
{
	struct cap root = t->slots[TCB_CSPACE].cap;
	u64 left;

	/* The usual CSpace: one CNode that takes all bits, with a guard of zeroes. */
	if (LIKELY(cap_type(root) == CAP_CNODE && root.data == 0 &&
		   cap_extra(root) + cap_size(root) == seL4_WordBits &&
		   cptr >> cap_size(root) == 0))
		return cnode_slots(root) + cptr;
	return resolve(t->slots[TCB_CSPACE].cap, cptr, seL4_WordBits, &left, why);
}

struct slot *lookup_in(struct cap root, u64 index, u64 depth, struct lookup_error *why)
{
	struct slot *s;
	u64 left = 0;

	if (cap_type(root) != CAP_CNODE)
		return fail(why, seL4_InvalidRoot, 0, 0, 0);
	if (depth < 1 || depth > seL4_WordBits)
		return fail(why, seL4_NoFailure, 0, 0, 0);
	s = resolve(root, index, depth, &left, why);
	if (s != NULL && left != 0)
		return fail(why, seL4_DepthMismatch, left, 0, 0);
	return s;
}

u64 fail_lookup(struct invocation *inv, bool source, const struct lookup_error *why)
{
	static const u8 words[] = { 0, 0, 1, 2, 3 };

	result(inv, 0, source);
	result(inv, 1, why->type);
	for (unsigned i = 0; i < words[why->type]; i++)
		result(inv, 2 + i, why->w[i]);
	return seL4_FailedLookup;
}

u64 fail_missing(struct invocation *inv, bool source, u64 depth)
{
	return fail_lookup(
		inv, source,
		&(struct lookup_error){ .type = seL4_MissingCapability, .w = { depth } });
}

u64 fail_root(struct invocation *inv)
{
	return fail_lookup(inv, false, &(struct lookup_error){ .type = seL4_InvalidRoot });
}

u64 lookup_for_op(struct invocation *inv, struct cap root, u64 index, u64 depth, bool source,
		  struct slot **out)
{
	struct lookup_error why = { .type = seL4_NoFailure };

	*out = lookup_in(root, index, depth, &why);
	if (*out != NULL)
		return seL4_NoError;
	if (why.type == seL4_NoFailure)
		return fail_range(inv, 1, seL4_WordBits);
	return fail_lookup(inv, source, &why);
}
