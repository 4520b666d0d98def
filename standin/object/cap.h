/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: packing, comparing, and the derivation list.
 *
 * All capabilities are in one doubly linked list, in preorder of the derivation tree: what was
 * derived from a capability follows it directly. Which of its followers are its descendants is
 * computed from the capabilities themselves (cap_is_parent), so nothing needs updating when a
 * capability in the middle goes away, and whatever depth untyped memory is nested to costs no space.
 */
#pragma once

#include "standin/object/objects.h"

#include "standin/arch/arch.h"

static inline u64 cap_type(struct cap c)
{
	return c.word & 31;
}

static inline u64 cap_rights(struct cap c)
{
	return c.word >> 5 & 15;
}

static inline u64 cap_size(struct cap c)
{
	return c.word >> 9 & 63;
}

static inline bool cap_device(struct cap c)
{
	return c.word >> 15 & 1;
}

static inline u64 cap_pa(struct cap c)
{
	return c.word >> 16 & MASK(40);
}

static inline u64 cap_extra(struct cap c)
{
	return c.word >> 56;
}

static inline void *cap_object(struct cap c)
{
	return pa_to_va(cap_pa(c));
}

static inline struct cap cap_new(u64 type, u64 rights, u64 size, u64 pa, u64 data)
{
	return (struct cap){ .word = type | rights << 5 | size << 9 | pa << 16, .data = data };
}

static inline struct cap cap_null(void)
{
	return (struct cap){ 0, 0 };
}

static inline struct cap cap_with_rights(struct cap c, u64 rights)
{
	c.word = (c.word & ~(15ull << 5)) | rights << 5;
	return c;
}

static inline struct cap cap_set_extra(struct cap c, u64 extra)
{
	c.word = (c.word & MASK(56)) | extra << 56;
	return c;
}

static inline struct cap cap_set_device(struct cap c)
{
	c.word |= BIT(15);
	return c;
}

static inline struct slot *slot_next(const struct slot *s)
{
	return (struct slot *)(uintptr_t)(s->next & ~(u64)SLOT_FLAGS);
}

static inline struct slot *slot_prev(const struct slot *s)
{
	return (struct slot *)(uintptr_t)s->prev;
}

static inline bool slot_empty(const struct slot *s)
{
	return s->cap.word == 0;
}

/* Untyped: data is the first free byte's offset in units of 16 bytes, and how much after it is
 * already zero, in units of CLEAR_STEP. */
enum { FREE_INDEX_BITS = 43, CLEAR_STEP_BITS = 21 };

static inline u64 untyped_free(struct cap c)
{
	return (c.data & MASK(FREE_INDEX_BITS)) << 4;
}

static inline u64 untyped_cleared(struct cap c)
{
	return (c.data >> FREE_INDEX_BITS) << CLEAR_STEP_BITS;
}

static inline u64 untyped_data(u64 free, u64 cleared)
{
	return free >> 4 | (cleared >> CLEAR_STEP_BITS) << FREE_INDEX_BITS;
}

/** The CNode's slots. */
static inline struct slot *cnode_slots(struct cap c)
{
	return cap_object(c);
}

/** Whether both designate the same object (for untyped memory: exactly the same). */
bool cap_same_object(struct cap a, struct cap b);

/** Whether `child`, which follows `parent` in the list, descends from it. */
bool cap_is_parent(const struct slot *parent, const struct slot *child);

/** Puts a capability made from that in `src` into the empty slot `dst`, as child or sibling. */
void slot_insert(struct slot *src, struct slot *dst, struct cap cap);

/** Puts the first capability to a new object into the empty `dst`, as a child of `parent`. */
void slot_insert_object(struct slot *parent, struct slot *dst, struct cap cap);

/** Puts a capability that descends from nothing (at boot). */
void slot_insert_root(struct slot *dst, struct cap cap);

/** Moves a capability, with its place in the list, to the empty slot `dst`; it becomes `cap`. */
void slot_move(struct slot *src, struct slot *dst, struct cap cap);

/** Exchanges two slots, which become `cap_a` (what was in b's) and so on; either may be empty. */
void slot_swap(struct slot *a, struct cap a_cap, struct slot *b, struct cap b_cap);

/** Takes a capability out of the list and empties the slot; the object is not looked at. */
void slot_clear(struct slot *s);

/** Whether no other capability to the same object exists. */
bool slot_is_final(const struct slot *s);

bool slot_has_children(const struct slot *s);

/** Untyped memory from which something was made cannot be copied: false, as with other refusals. */
enum derive { DERIVE_OK, DERIVE_NULL, DERIVE_REVOKE_FIRST, DERIVE_ILLEGAL };

/** What a copy of the capability in `s` is. */
enum derive cap_derive(const struct slot *s, struct cap cap, struct cap *out);

struct cap cap_mask(struct cap cap, u64 rights);

/** Badge or guard data applied (Mint, Mutate); null where that is refused. */
struct cap cap_set_data(struct cap cap, u64 data, bool preserve);
