/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: stage-2 translation tables (DDI 0487, D5.3), 40-bit input. The top table is two
 * concatenated level-1 tables of 1 GiB entries; below are levels of 2 MiB and 4 KiB. Every user
 * thread runs behind such a table, guests and programs alike.
 */
#include "standin/api/lookup.h"
#include "standin/object/cap.h"

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

#include <sel4/errors.h>
#include <sel4/invocation.h>
#include <sel4/objecttype.h>

enum { TOP_BITS = seL4_HugePageBits, LEVEL_BITS = 9, PTE_VALID = 1, PTE_TABLE = 3 };

#define PTE_PA     0xfffffff000ull
#define PTE_AF     BIT(10)
#define PTE_ISH    (3ull << 8)
#define PTE_READ   BIT(6)
#define PTE_WRITE  BIT(7)
#define PTE_NORMAL (0xfull << 2)
#define PTE_XN     BIT(54)

u64 vspace_leaf(u64 pa, u64 bits, u64 rights, u64 attr)
{
	u64 pte = pa | PTE_AF | (bits == seL4_PageBits ? 3 : 1);

	if (attr & ATTR_CACHEABLE)
		pte |= PTE_NORMAL | PTE_ISH;
	if (rights & RIGHT_READ)
		pte |= rights & RIGHT_WRITE ? PTE_READ | PTE_WRITE : PTE_READ;
	if (attr & ATTR_NO_EXECUTE)
		pte |= PTE_XN;
	return pte;
}

u64 vspace_table(u64 pa)
{
	return pa | PTE_TABLE;
}

u64 *vspace_entry(u64 root_pa, u64 va, u64 bits, u64 *missing)
{
	u64 *table = pa_to_va(root_pa), at = TOP_BITS;
	u64 *entry = &table[va >> TOP_BITS & MASK(seL4_VSpaceIndexBits)];

	while (at > bits) {
		if ((*entry & PTE_TABLE) != PTE_TABLE) {
			*missing = at;
			return NULL;
		}
		table = pa_to_va(*entry & PTE_PA);
		at -= LEVEL_BITS;
		entry = &table[va >> at & MASK(LEVEL_BITS)];
	}
	*missing = bits;
	return entry;
}

static void write_entry(u64 *entry, u64 value)
{
	*(volatile u64 *)entry = value;
	dsb_ish();
}

void vspace_unmap_frame(struct cap cap)
{
	u64 root = asid_lookup(cap_asid(cap)), missing, *entry;

	if (cap_asid(cap) == 0 || root == 0)
		return;
	entry = vspace_entry(root, cap_vaddr(cap), cap_size(cap), &missing);
	if (entry == NULL || !(*entry & PTE_VALID) || (*entry & PTE_PA) != cap_pa(cap) ||
	    (cap_size(cap) != seL4_PageBits && (*entry & PTE_TABLE) == PTE_TABLE))
		return;
	write_entry(entry, 0);
	asid_flush(cap_asid(cap), cap_vaddr(cap));
}

/* The entry that points at the table; NULL if it is mapped no more. */
static u64 *entry_of_table(struct cap cap)
{
	u64 root = asid_lookup(cap_asid(cap)), missing, *entry;

	if (cap_asid(cap) == 0 || root == 0)
		return NULL;
	for (u64 bits = TOP_BITS; bits > seL4_PageBits; bits -= LEVEL_BITS) {
		entry = vspace_entry(root, cap_vaddr(cap), bits, &missing);
		if (entry == NULL)
			return NULL;
		if ((*entry & PTE_TABLE) == PTE_TABLE && (*entry & PTE_PA) == cap_pa(cap))
			return entry;
	}
	return NULL;
}

void vspace_unmap_table(struct cap cap)
{
	u64 *entry = entry_of_table(cap);

	if (entry == NULL)
		return;
	write_entry(entry, 0);
	asid_flush(cap_asid(cap), ~0ull);
}

bool arch_is_vspace_root(struct cap cap)
{
	return cap_type(cap) == CAP_VSPACE && cap_asid(cap) != 0;
}

/* The address space a mapping is asked for: an error, or its top table. */
static u64 target_vspace(struct invocation *inv, u64 *asid, u64 *root)
{
	struct cap cap = inv->extra[0]->cap;

	if (!arch_is_vspace_root(cap))
		return fail_capability(inv, 1);
	*asid = cap_asid(cap);
	*root = asid_lookup(*asid);
	if (*root == 0)
		return fail_root(inv);
	return *root == cap_pa(cap) ? seL4_NoError : fail_capability(inv, 1);
}

/* ---- page tables: [vaddr, attr], caps{vspace} ---- */

static u64 table_map(struct invocation *inv)
{
	u64 va = arg(inv, 0), asid, root, err, missing = 0, bits, *entry = NULL;

	if (cap_asid(inv->cap) != 0)
		return fail_capability(inv, 0);
	if (va > seL4_UserTop)
		return fail_argument(inv, 0);
	err = target_vspace(inv, &asid, &root);
	if (err != seL4_NoError)
		return err;
	/* The highest level where there is no table yet, nor a page. */
	for (bits = TOP_BITS; bits > seL4_PageBits; bits -= LEVEL_BITS) {
		entry = vspace_entry(root, va, bits, &missing);
		if (entry == NULL || !(*entry & PTE_VALID))
			break;
	}
	if (bits <= seL4_PageBits || entry == NULL)
		return seL4_DeleteFirst;
	inv->slot->cap.data = mapping_data(asid, va & ~MASK(bits));
	write_entry(entry, vspace_table(cap_pa(inv->cap)));
	return seL4_NoError;
}

static u64 table_unmap(struct invocation *inv)
{
	if (!slot_is_final(inv->slot))
		return seL4_RevokeFirst;
	vspace_unmap_table(inv->cap);
	arch_clear(cap_object(inv->cap), BIT(seL4_PageTableBits));
	inv->slot->cap.data = 0;
	return seL4_NoError;
}

/* ---- frames: [vaddr, rights, attr], caps{vspace} ---- */

static u64 page_map(struct invocation *inv)
{
	u64 va = arg(inv, 0), rights = arg(inv, 1) & cap_rights(inv->cap), attr = arg(inv, 2);
	u64 asid, root, missing, *entry, old, size = cap_size(inv->cap);
	u64 err = target_vspace(inv, &asid, &root);

	if (err != seL4_NoError)
		return err;
	if (cap_asid(inv->cap) != 0) {
		if (cap_asid(inv->cap) != asid)
			return fail_capability(inv, 1);
		if (cap_vaddr(inv->cap) != va)
			return fail_argument(inv, 0);
	}
	if (va > seL4_UserTop || BIT(size) - 1 > seL4_UserTop - va)
		return fail_argument(inv, 0);
	if ((va & MASK(size)) != 0)
		return seL4_AlignmentError;
	entry = vspace_entry(root, va, size, &missing);
	if (entry == NULL)
		return fail_missing(inv, false, missing);
	old = *entry;
	/* A page may be replaced, a table may not. */
	if (size != seL4_PageBits && (old & PTE_TABLE) == PTE_TABLE)
		return seL4_DeleteFirst;
	inv->slot->cap.data = mapping_data(asid, va);
	write_entry(entry, vspace_leaf(cap_pa(inv->cap), size, rights, attr));
	if (old & PTE_VALID)
		asid_flush(asid, va);
	return seL4_NoError;
}

/* Cleans also where it is to invalidate only: lines at the ends may hold what belongs to others. */
static void cache_operation(u64 label, u64 va, u64 size)
{
	if (label == ARMPageClean_Data || label == ARMVSpaceClean_Data)
		cache_clean(va, size);
	else if (label == ARMPageUnify_Instruction || label == ARMVSpaceUnify_Instruction)
		cache_unify(va, size);
	else
		cache_clean_invalidate(va, size);
}

/* Whether the kernel's window has the memory mapped as memory. */
static bool in_window(u64 pa)
{
	return pa >> seL4_HugePageBits < 512 && arch_is_memory(pa);
}

/* [start, end): offsets into the page */
static u64 page_cache(struct invocation *inv)
{
	u64 start = arg(inv, 0), end = arg(inv, 1), root;

	if (cap_asid(inv->cap) == 0)
		return seL4_IllegalOperation;
	root = asid_lookup(cap_asid(inv->cap));
	if (root == 0)
		return fail_root(inv);
	if (end <= start)
		return fail_argument(inv, 1);
	if (start >= BIT(cap_size(inv->cap)) || end > BIT(cap_size(inv->cap)))
		return fail_argument(inv, 0);
	if (in_window(cap_pa(inv->cap)))
		cache_operation(inv->label, (uintptr_t)cap_object(inv->cap) + start, end - start);
	return seL4_NoError;
}

static u64 page_unmap(struct invocation *inv)
{
	vspace_unmap_frame(inv->cap);
	inv->slot->cap.data = 0;
	return seL4_NoError;
}

static u64 page_address(struct invocation *inv)
{
	result(inv, 0, cap_pa(inv->cap));
	return seL4_NoError;
}

/* The page that maps `va`: its size in bits and its entry, or NULL. */
static u64 *find_page(u64 root, u64 va, u64 *bits)
{
	u64 missing;

	for (*bits = TOP_BITS; *bits >= seL4_PageBits; *bits -= LEVEL_BITS) {
		u64 *entry = vspace_entry(root, va, *bits, &missing);

		if (entry == NULL || !(*entry & PTE_VALID))
			return NULL;
		if (*bits == seL4_PageBits || (*entry & PTE_TABLE) != PTE_TABLE)
			return entry;
	}
	return NULL;
}

/* [start, end): addresses within one page */
static u64 vspace_cache(struct invocation *inv)
{
	u64 start = arg(inv, 0), end = arg(inv, 1), root, bits, *entry;

	if (end <= start)
		return fail_argument(inv, 1);
	if (end > seL4_UserTop)
		return seL4_IllegalOperation;
	if (cap_asid(inv->cap) == 0)
		return fail_capability(inv, 0);
	root = asid_lookup(cap_asid(inv->cap));
	if (root == 0)
		return fail_root(inv);
	if (root != cap_pa(inv->cap))
		return fail_capability(inv, 0);
	entry = find_page(root, start, &bits);
	if (entry == NULL)
		return seL4_NoError; /* nothing mapped, nothing cached */
	if (align_down(start, BIT(bits)) != align_down(end - 1, BIT(bits)))
		return fail_range(inv, start, align_down(start, BIT(bits)) + MASK(bits));
	if (in_window(*entry & PTE_PA))
		cache_operation(inv->label,
				(uintptr_t)pa_to_va((*entry & PTE_PA) + (start & MASK(bits))),
				end - start);
	return seL4_NoError;
}

enum {
	FIRST_OF_VSPACE = ARMVSpaceClean_Data,
	FIRST_OF_TABLE = ARMPageTableMap,
	FIRST_OF_PAGE = ARMPageMap,
};

static const struct method vspace_rows[] = {
	[ARMVSpaceClean_Data - FIRST_OF_VSPACE] = { .act = vspace_cache, .words = 2 },
	[ARMVSpaceInvalidate_Data - FIRST_OF_VSPACE] = { .act = vspace_cache, .words = 2 },
	[ARMVSpaceCleanInvalidate_Data - FIRST_OF_VSPACE] = { .act = vspace_cache, .words = 2 },
	[ARMVSpaceUnify_Instruction - FIRST_OF_VSPACE] = { .act = vspace_cache, .words = 2 },
};
static const struct method table_rows[] = {
	[ARMPageTableMap - FIRST_OF_TABLE] = { .act = table_map, .words = 2, .caps = 1 },
	[ARMPageTableUnmap - FIRST_OF_TABLE] = { .act = table_unmap },
};
static const struct method page_rows[] = {
	[ARMPageMap - FIRST_OF_PAGE] = { .act = page_map, .words = 3, .caps = 1 },
	[ARMPageUnmap - FIRST_OF_PAGE] = { .act = page_unmap },
	[ARMPageClean_Data - FIRST_OF_PAGE] = { .act = page_cache, .words = 2 },
	[ARMPageInvalidate_Data - FIRST_OF_PAGE] = { .act = page_cache, .words = 2 },
	[ARMPageCleanInvalidate_Data - FIRST_OF_PAGE] = { .act = page_cache, .words = 2 },
	[ARMPageUnify_Instruction - FIRST_OF_PAGE] = { .act = page_cache, .words = 2 },
	[ARMPageGetAddress - FIRST_OF_PAGE] = { .act = page_address },
};
const struct methods vspace_methods = METHODS(FIRST_OF_VSPACE, vspace_rows);
const struct methods page_table_methods = METHODS(FIRST_OF_TABLE, table_rows);
const struct methods frame_methods = METHODS(FIRST_OF_PAGE, page_rows);
