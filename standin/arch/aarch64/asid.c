/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address space identifiers. An ASID (16 bits, what capabilities hold) stands for a top table; a
 * VMID (8 bits, what the machine knows) is given to an ASID when it is first used and taken from it
 * when they run out. ASID 0 means "none", VMID 0 is that of an address space where nothing is mapped.
 */
#include "standin/api/lookup.h"
#include "standin/object/cap.h"
#include "standin/sched/lock.h"

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

#include <sel4/errors.h>
#include <sel4/invocation.h>

enum {
	POOL_ENTRIES = 1 << seL4_ASIDPoolIndexBits,
	POOLS = 1 << seL4_NumASIDPoolsBits,
	VMIDS = 256,
	VMID_SHIFT = 48, /* in VTTBR_EL2, and in a pool's entries */
};

/* A pool's entry: physical address of the top table, and its VMID, 0 for none. */
static struct {
	u64 *pools[POOLS];
	u16 vmid_owner[VMIDS]; /* ASID, or 0 */
	unsigned next_vmid;
} asids;

static u64 nothing_mapped[1 << (seL4_VSpaceBits - 3)]
	__attribute__((aligned(1 << seL4_VSpaceBits)));

static u64 *entry_of(u64 asid)
{
	u64 *pool = asids.pools[asid / POOL_ENTRIES % POOLS];

	return asid == 0 || pool == NULL ? NULL : &pool[asid % POOL_ENTRIES];
}

u64 asid_lookup(u64 asid)
{
	u64 *entry = entry_of(asid);

	return entry == NULL ? 0 : *entry & MASK(VMID_SHIFT);
}

static u64 nothing(void)
{
	return va_to_pa(nothing_mapped);
}

void vttbr_set(struct core *c, u64 vttbr)
{
	c->arch.vttbr = vttbr;
	WRITE_REG(vttbr_el2, vttbr);
	isb();
}

/* TLB maintenance works on the current VMID. */
static void flush(u64 vttbr, u64 ipa)
{
	u64 old = READ_REG(vttbr_el2);

	dsb_ish();
	WRITE_REG(vttbr_el2, vttbr);
	isb();
	if (ipa == ~0ull) {
		__asm__ volatile("tlbi vmalls12e1is" : : : "memory");
	} else {
		__asm__ volatile("tlbi ipas2e1is, %0" : : "r"(ipa >> 12) : "memory");
		dsb_ish();
		__asm__ volatile("tlbi vmalle1is" : : : "memory");
	}
	dsb_ish();
	WRITE_REG(vttbr_el2, old);
	isb();
}

static bool vmid_in_use(u64 vmid)
{
	for (unsigned i = 0; i < kernel.core_count; i++)
		if (kernel.cores[i].arch.vttbr >> VMID_SHIFT == vmid)
			return true;
	return false;
}

static u64 take_vmid(u64 asid)
{
	u64 vmid, old;

	do {
		asids.next_vmid = asids.next_vmid % (VMIDS - 1) + 1;
		vmid = asids.next_vmid;
	} while (vmid_in_use(vmid));
	old = asids.vmid_owner[vmid];
	if (old != 0) {
		u64 *entry = entry_of(old);

		flush(vmid << VMID_SHIFT | nothing(), ~0ull);
		if (entry != NULL)
			*entry &= MASK(VMID_SHIFT);
	}
	asids.vmid_owner[vmid] = (u16)asid;
	return vmid;
}

u64 asid_vttbr(struct cap vspace)
{
	u64 asid = cap_asid(vspace);
	u64 *entry;

	if (UNLIKELY(cap_type(vspace) != CAP_VSPACE))
		return nothing();
	entry = entry_of(asid);
	if (UNLIKELY(entry == NULL || (*entry & MASK(VMID_SHIFT)) != cap_pa(vspace)))
		return nothing();
	if (UNLIKELY(*entry >> VMID_SHIFT == 0))
		*entry |= take_vmid(asid) << VMID_SHIFT;
	return *entry;
}

void asid_flush(u64 asid, u64 ipa)
{
	u64 *entry = entry_of(asid);

	if (entry != NULL && *entry >> VMID_SHIFT != 0)
		flush(*entry, ipa);
}

static void leave_vspace(struct core *c, void *arg, u64 pa)
{
	(void)arg;
	if ((c->arch.vttbr & MASK(VMID_SHIFT)) == pa)
		vttbr_set(c, nothing());
}

/* The entry's address space is usable no more, on any core. */
static void forget(u64 *entry)
{
	u64 pa = *entry & MASK(VMID_SHIFT), vmid = *entry >> VMID_SHIFT;

	for (unsigned i = 0; i < kernel.core_count; i++)
		if ((kernel.cores[i].arch.vttbr & MASK(VMID_SHIFT)) == pa)
			core_call(i, leave_vspace, NULL, pa);
	if (vmid != 0) {
		flush(vmid << VMID_SHIFT | nothing(), ~0ull);
		asids.vmid_owner[vmid] = 0;
	}
	*entry = 0;
}

void asid_remove_vspace(u64 asid, u64 pa)
{
	u64 *entry = entry_of(asid);

	if (entry != NULL && (*entry & MASK(VMID_SHIFT)) == pa)
		forget(entry);
}

void asid_remove_pool(struct cap cap)
{
	u64 *pool = cap_object(cap);

	if (asids.pools[cap.data / POOL_ENTRIES] != pool)
		return;
	for (unsigned i = 0; i < POOL_ENTRIES; i++)
		if (pool[i] != 0)
			forget(&pool[i]);
	asids.pools[cap.data / POOL_ENTRIES] = NULL;
}

void asid_boot(u64 pool_pa, u64 asid, u64 vspace_pa)
{
	asids.pools[0] = pa_to_va(pool_pa);
	asids.pools[0][asid] = vspace_pa;
}

/* [index, depth], caps{untyped, root} */
static u64 make_pool(struct invocation *inv)
{
	struct slot *untyped = inv->extra[0], *dst;
	u64 i, err;

	for (i = 0; i < POOLS && asids.pools[i] != NULL; i++)
		;
	if (i == POOLS)
		return seL4_DeleteFirst;
	if (cap_type(untyped->cap) != CAP_UNTYPED || cap_size(untyped->cap) != seL4_ASIDPoolBits ||
	    cap_device(untyped->cap))
		return fail_capability(inv, 1);
	if (slot_has_children(untyped))
		return seL4_RevokeFirst;
	err = lookup_for_op(inv, inv->extra[1]->cap, arg(inv, 0), arg(inv, 1), false, &dst);
	if (err != seL4_NoError)
		return err;
	if (!slot_empty(dst))
		return seL4_DeleteFirst;
	untyped->cap.data = untyped_data(BIT(seL4_ASIDPoolBits), 0);
	arch_clear(cap_object(untyped->cap), BIT(seL4_ASIDPoolBits));
	asids.pools[i] = cap_object(untyped->cap);
	slot_insert_object(untyped, dst,
			   cap_new(CAP_ASID_POOL, 0, seL4_ASIDPoolBits, cap_pa(untyped->cap),
				   i * POOL_ENTRIES));
	return seL4_NoError;
}

/* caps{vspace} */
static u64 assign(struct invocation *inv)
{
	u64 first = inv->cap.data, *pool = cap_object(inv->cap);
	struct slot *s = inv->extra[0];

	if (cap_type(s->cap) != CAP_VSPACE || cap_asid(s->cap) != 0)
		return fail_capability(inv, 1);
	if (asids.pools[first / POOL_ENTRIES] != pool)
		return fail_root(inv);
	for (u64 i = 0; i < POOL_ENTRIES; i++) {
		if (first + i == 0 || pool[i] != 0)
			continue;
		pool[i] = cap_pa(s->cap);
		s->cap.data = mapping_data(first + i, 0);
		return seL4_NoError;
	}
	return seL4_DeleteFirst;
}

static const struct method control_rows[] = { { .act = make_pool, .words = 2, .caps = 2 } };
static const struct method pool_rows[] = { { .act = assign, .caps = 1 } };
const struct methods asid_control_methods = METHODS(ARMASIDControlMakePool, control_rows);
const struct methods asid_pool_methods = METHODS(ARMASIDPoolAssign, pool_rows);
