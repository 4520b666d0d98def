// SPDX-License-Identifier: BSD-2-Clause
/*
 * Objects and slots. A chunk is a CNode of 2^CHUNK_BITS slots below the CSpace root: chunk 0 is the
 * kernel's, the others are made as they are needed. The capability pointer of slot s of chunk c is
 * c << CHUNK_BITS | s, at depth 64.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/util.h"

enum { EXTRA_REFILLS = 8, SC_BITS_LIMITED = 8 };

#define CHUNK_SLOTS (UINT64_C(1) << CHUNK_BITS)

/* For messages. */
static const char *const type_names[seL4_ObjectTypeCount] = {
	[seL4_UntypedObject] = "untyped memory",
	[seL4_TCBObject] = "a thread",
	[seL4_EndpointObject] = "an endpoint",
	[seL4_NotificationObject] = "a notification",
	[seL4_CapTableObject] = "a CNode",
	[seL4_SchedContextObject] = "a scheduling context",
	[seL4_ReplyObject] = "a reply object",
	[seL4_ARM_HugePageObject] = "a huge frame",
	[seL4_ARM_VSpaceObject] = "an address space",
	[seL4_ARM_SmallPageObject] = "a frame",
	[seL4_ARM_LargePageObject] = "a large frame",
	[seL4_ARM_PageTableObject] = "a page table",
	[seL4_ARM_VCPUObject] = "a VCPU",
};

/* Retypes into `count` slots from cptr `first` on, which lie in one chunk. */
static void retype(struct admin *a, seL4_CPtr untyped, seL4_Word type, uint8_t size_bits,
		   seL4_CPtr first, uint32_t count)
{
	must(a,
	     seL4_Untyped_Retype(untyped, type, size_bits, a->root, first >> CHUNK_BITS, ROOT_DEPTH,
				 first & (CHUNK_SLOTS - 1), count),
	     "Untyped_Retype", type_names[type]);
}

static uint32_t take(struct admin *a, uint8_t bits, uint32_t wanted, seL4_CPtr *untyped)
{
	uint64_t cap = 0;
	uint32_t got = untyped_take(&a->pool, bits, wanted, &cap);

	if (got == 0)
		admin_die(
			a,
			"%s %s: out of memory: no 0x%llx bytes in one piece, %llu KiB left in all",
			a->building.kind, a->building.name, 1ull << bits,
			(unsigned long long)(untyped_free(&a->pool) >> 10));
	*untyped = cap;
	*a->account += (uint64_t)got << bits;
	return got;
}

/* The root exists already; the next chunk goes into its next slot. */
static void add_chunk(struct admin *a)
{
	uint64_t *account = a->account;
	seL4_CPtr untyped;

	if (a->chunk_count == 1u << ROOT_BITS)
		admin_die(a, "more capabilities than %u CNodes hold", 1u << ROOT_BITS);
	a->account = &a->own_bytes;
	take(a, CHUNK_BITS + seL4_SlotBits, 1, &untyped);
	a->account = account;
	/* Depth 0 names the CNode `root` itself. */
	must(a,
	     seL4_Untyped_Retype(untyped, seL4_CapTableObject, CHUNK_BITS, a->root, 0, 0,
				 a->chunk_count, 1),
	     "Untyped_Retype", "a CNode");
	/* Slot 0 is for the chunk's capability to itself (seal.c). */
	a->next_vault = ((uint64_t)a->chunk_count << CHUNK_BITS) + 1;
	a->chunk_count++;
}

static void make_root(struct admin *a)
{
	seL4_CPtr untyped, plain = a->next_kept++;
	seL4_Word guard = seL4_CNode_CapData_new(0, 64 - CHUNK_BITS - ROOT_BITS).words[0];

	a->root = a->next_kept++;
	take(a, ROOT_BITS + seL4_SlotBits, 1, &untyped);
	must(a,
	     seL4_Untyped_Retype(untyped, seL4_CapTableObject, ROOT_BITS, seL4_CapInitThreadCNode,
				 0, 0, plain, 1),
	     "Untyped_Retype", "the CSpace root");
	must(a,
	     seL4_CNode_Mint(plain, 0, ROOT_BITS, seL4_CapInitThreadCNode, seL4_CapInitThreadCNode,
			     64, seL4_AllRights, 0),
	     "CNode_Mint", "the CSpace root");
	must(a,
	     seL4_CNode_Mint(seL4_CapInitThreadCNode, a->root, 64, seL4_CapInitThreadCNode, plain,
			     64, seL4_AllRights, guard),
	     "CNode_Mint", "the CSpace root");
	must(a,
	     seL4_TCB_SetSpace(seL4_CapInitThreadTCB, seL4_CapNull, a->root, 0,
			       seL4_CapInitThreadVSpace, 0),
	     "TCB_SetSpace", "admin");
	a->chunk_count = 1;
}

void object_init(struct admin *a)
{
	const seL4_BootInfo *bi = a->bi;

	admin_builds(a, "admin's", "own objects");
	a->account = &a->own_bytes;
	a->next_kept = bi->empty.start;
	for (seL4_Word i = 0; i < bi->untyped.end - bi->untyped.start; i++) {
		const seL4_UntypedDesc *d = &bi->untypedList[i];

		if (untyped_add(&a->pool, bi->untyped.start + i, d->paddr, d->sizeBits,
				d->isDevice != 0) != VMM_OK)
			admin_die(a, "untyped %llu of bootinfo is not usable",
				  (unsigned long long)i);
	}
	make_root(a);
	add_chunk(a);
}

seL4_CPtr object_slots(struct admin *a, uint32_t count)
{
	seL4_CPtr first;

	if (a->next_vault + count > (uint64_t)a->chunk_count << CHUNK_BITS)
		add_chunk(a);
	first = a->next_vault;
	a->next_vault += count;
	return first;
}

seL4_CPtr object_slot(struct admin *a)
{
	return object_slots(a, 1);
}

uint32_t object_new_run(struct admin *a, seL4_Word type, uint8_t bits, uint32_t wanted,
			seL4_CPtr *first)
{
	seL4_CPtr untyped;
	uint32_t limit = seL4_UntypedRetypeMaxObjects;
	uint32_t got = take(a, bits, wanted < limit ? wanted : limit, &untyped);

	*first = object_slots(a, got);
	retype(a, untyped, type, bits, *first, got);
	return got;
}

seL4_CPtr object_new(struct admin *a, seL4_Word type, uint8_t bits)
{
	seL4_CPtr cap;

	object_new_run(a, type, bits, 1, &cap);
	return cap;
}

void object_into(struct admin *a, seL4_Word type, uint8_t bits, seL4_CPtr slot)
{
	seL4_CPtr untyped;

	take(a, bits, 1, &untyped);
	retype(a, untyped, type, bits, slot, 1);
}

seL4_CPtr object_split(struct admin *a, seL4_CPtr untyped, uint32_t frames)
{
	seL4_CPtr first = object_slots(a, frames);
	uint32_t limit = seL4_UntypedRetypeMaxObjects;

	for (uint32_t done = 0; done < frames; done += limit)
		retype(a, untyped, seL4_ARM_SmallPageObject, seL4_PageBits, first + done,
		       frames - done < limit ? frames - done : limit);
	return first;
}

seL4_CPtr object_new_cnode(struct admin *a, uint8_t bits)
{
	seL4_CPtr untyped, cap;

	take(a, (uint8_t)(bits + seL4_SlotBits), 1, &untyped);
	cap = object_slots(a, 1);
	retype(a, untyped, seL4_CapTableObject, bits, cap, 1);
	return cap;
}

/* Makes two halves of a device untyped. */
static void split(struct admin *a, struct untyped *u)
{
	uint8_t half = (uint8_t)(u->bits - 1);
	uint64_t paddr = u->paddr;
	seL4_CPtr first = object_slots(a, 2);

	retype(a, u->cap, seL4_UntypedObject, half, first, 2);
	untyped_take_whole(u);
	if (untyped_add(&a->pool, first, paddr, half, true) != VMM_OK ||
	    untyped_add(&a->pool, first + 1, paddr + (UINT64_C(1) << half), half, true) != VMM_OK)
		admin_die(a, "device memory at 0x%llx is in too many pieces",
			  (unsigned long long)paddr);
}

seL4_CPtr object_device_frame(struct admin *a, uint64_t paddr, uint8_t bits)
{
	struct untyped *u;
	seL4_CPtr cap;

	while ((u = untyped_device(&a->pool, paddr, bits)) != NULL && u->bits > bits)
		split(a, u);
	if (u == NULL)
		admin_die(a, "no device memory at 0x%llx: is this the board's kernel?",
			  (unsigned long long)paddr);
	untyped_take_whole(u);
	cap = object_slots(a, 1);
	retype(a, u->cap,
	       bits == seL4_PageBits ? (seL4_Word)seL4_ARM_SmallPageObject
				     : (seL4_Word)seL4_ARM_LargePageObject,
	       bits, cap, 1);
	return cap;
}

/*
 * The kernel hands this memory out as device memory and never clears it, so that it is done here,
 * and ten times faster. Guests read it past the caches at first: it is cleaned as well.
 */
seL4_CPtr object_window_frame(struct admin *a)
{
	const uint64_t size = UINT64_C(1) << seL4_LargePageBits;
	uint64_t paddr = a->window_next;
	seL4_CPtr frame;

	if (a->window_end - paddr < size ||
	    untyped_device(&a->pool, paddr, seL4_LargePageBits) == NULL)
		return seL4_CapNull;
	frame = object_device_frame(a, paddr, seL4_LargePageBits);
	a->window_next += size;
	space_map(a, &a->self, frame, ADMIN_CLEAR, seL4_ReadWrite,
		  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
	machine_clear(ADMIN_CLEAR, size);
	must(a, seL4_ARM_Page_Clean_Data(frame, 0, size), "Page_Clean_Data", "guest RAM");
	must(a, seL4_ARM_Page_Unmap(frame), "Page_Unmap", "guest RAM");
	return frame;
}

seL4_CPtr object_mint(struct admin *a, seL4_CPtr cap, seL4_CapRights_t rights, uint64_t badge)
{
	seL4_CPtr slot = object_slots(a, 1);

	must(a, seL4_CNode_Mint(a->root, slot, 64, a->root, cap, 64, rights, badge), "CNode_Mint",
	     "a capability");
	return slot;
}

seL4_CPtr object_copy(struct admin *a, seL4_CPtr cap)
{
	seL4_CPtr slot = object_slots(a, 1);

	must(a, seL4_CNode_Copy(a->root, slot, 64, a->root, cap, 64, seL4_AllRights), "CNode_Copy",
	     "a capability");
	return slot;
}

seL4_CPtr object_keep(struct admin *a, seL4_CPtr cap, seL4_CapRights_t rights, uint64_t badge)
{
	seL4_CPtr slot = a->next_kept++;

	if (slot >= a->bi->empty.end || a->kept_count == ARRAY_SIZE(a->kept))
		admin_die(a, "no slot left in admin's own CNode");
	/* A badged capability can be copied, but not minted again. */
	must(a,
	     badge == 0 ? seL4_CNode_Copy(a->root, slot, 64, a->root, cap, 64, rights)
			: seL4_CNode_Mint(a->root, slot, 64, a->root, cap, 64, rights, badge),
	     "CNode_Copy", "a capability to keep");
	a->kept[a->kept_count++] = slot;
	return slot;
}

seL4_CPtr object_new_sc(struct admin *a, const struct system_sched *sched, uint64_t badge)
{
	bool limited = system_sched_limited(sched);
	uint8_t bits = limited ? SC_BITS_LIMITED : seL4_MinSchedContextBits;
	seL4_CPtr sc = object_new(a, seL4_SchedContextObject, bits);

	must(a,
	     seL4_SchedControl_ConfigureFlags(a->bi->schedcontrol.start + sched->core, sc,
					      sched->budget_us, sched->period_us,
					      limited ? EXTRA_REFILLS : 0, badge,
					      seL4_SchedContext_NoFlag),
	     "SchedControl_ConfigureFlags", "a scheduling context");
	return sc;
}
