/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: its objects, its first capabilities, its bootinfo, and the untyped memory.
 *
 * Its objects are taken from the top of the highest RAM region, in one piece of exactly the size
 * that is needed, before the rest becomes untyped memory.
 */
#include "standin/boot/boot.h"

#include <string.h>

#include "standin/lib/print.h"
#include "standin/object/cap.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/refill.h"
#include "standin/sched/sched.h"

#include "standin/arch/boot.h"
#include <sel4/bootinfo.h>

enum {
	ROOT_RADIX = CONFIG_ROOT_CNODE_SIZE_BITS,
	PAGE = 1 << seL4_PageBits,
	ROOT_SC_BITS = seL4_MinSchedContextBits + 1,
	DEVICE_SPACE_BITS = 40,
};

struct root {
	struct boot_info *boot;
	struct slot *cnode;
	u64 next_slot;
	u64 next_page; /* of the piece for root task objects: physical */
	u64 pages_end;
	u64 vspace; /* physical */
	seL4_BootInfo *info;
	unsigned untyped_count;
};

static u64 take(struct root *r, u64 size)
{
	u64 at = align_up(r->next_page, size > PAGE ? size : PAGE);

	r->next_page = align_up(at + size, PAGE);
	if (r->next_page > r->pages_end)
		kernel_panic("root task objects do not fit", size, r->pages_end);
	memset(pa_to_va(at), 0, size);
	return at;
}

static void give(struct root *r, u64 slot, struct cap cap)
{
	slot_insert_root(&r->cnode[slot], cap);
}

static u64 give_next(struct root *r, struct cap cap)
{
	if (r->next_slot == BIT(ROOT_RADIX))
		kernel_panic("root CNode is full", r->next_slot, 0);
	give(r, r->next_slot, cap);
	return r->next_slot++;
}

/* Page tables for all the root task's pages, then the pages of its image. */
static void map_image(struct root *r, u64 va_end)
{
	struct boot_info *b = r->boot;
	u64 va = b->image_start - b->image_offset, at, pa;

	r->info->userImagePaging.start = r->next_slot;
	for (at = va; at < va_end;) {
		u64 span = boot_table_missing(r->vspace, at);

		if (span == 0) {
			at = align_down(at, BIT(seL4_LargePageBits)) + BIT(seL4_LargePageBits);
			continue;
		}
		pa = take(r, BIT(seL4_PageTableBits));
		give_next(r, boot_map_table(r->vspace, pa, at));
	}
	r->info->userImagePaging.end = r->next_slot;
	r->info->userImageFrames.start = r->next_slot;
	for (pa = b->image_start; pa < b->image_end; pa += PAGE, va += PAGE)
		give_next(r, boot_map_page(r->vspace, pa, va));
	r->info->userImageFrames.end = r->next_slot;
}

static void add_untyped(struct root *r, u64 pa, u64 bits, bool device)
{
	struct cap cap = cap_new(CAP_UNTYPED, 0, bits, pa, 0);

	if (r->untyped_count == CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS)
		return;
	give_next(r, device ? cap_set_device(cap) : cap);
	r->info->untypedList[r->untyped_count++] =
		(seL4_UntypedDesc){ .paddr = pa, .sizeBits = (u8)bits, .isDevice = device };
}

/* Cuts a range into the largest aligned powers of two. */
static void add_untypeds(struct root *r, const struct regions *l, bool device)
{
	for (unsigned i = 0; i < l->count; i++) {
		u64 at = l->r[i].start, end = l->r[i].end;

		while (at < end) {
			u64 bits = 63 - (u64)__builtin_clzll(end - at);

			if (at != 0 && (u64)__builtin_ctzll(at) < bits)
				bits = (u64)__builtin_ctzll(at);
			if (bits > seL4_MaxUntypedBits)
				bits = seL4_MaxUntypedBits;
			if (bits >= seL4_MinUntypedBits)
				add_untyped(r, at, bits, device);
			at += BIT(bits);
		}
	}
}

static void must(bool ok)
{
	if (!ok)
		kernel_panic("too many memory regions", 0, 0);
}

static void give_untypeds(struct root *r, u64 pages_start)
{
	struct boot_info *b = r->boot;
	struct regions ram = b->ram, devices = { .count = 0 };

	/* RAM below the kernel is for guests. */
	must(regions_remove(&ram, 0, b->kernel_start));
	must(regions_add(&devices, 0, BIT(DEVICE_SPACE_BITS)));
	for (unsigned i = 0; i < ram.count; i++)
		must(regions_remove(&devices, ram.r[i].start, ram.r[i].end));
	for (unsigned i = 0; i < b->devices.count; i++)
		must(regions_remove(&devices, b->devices.r[i].start, b->devices.r[i].end));
	must(regions_remove(&ram, b->kernel_start, b->kernel_end));
	must(regions_remove(&ram, b->dtb & ~(u64)(PAGE - 1), align_up(b->dtb + b->dtb_size, PAGE)));
	must(regions_remove(&ram, b->image_start, align_up(b->image_end, PAGE)));
	must(regions_remove(&ram, pages_start, r->pages_end));
	r->info->untyped.start = r->next_slot;
	add_untypeds(r, &devices, true);
	add_untypeds(r, &ram, false);
	r->info->untyped.end = r->next_slot;
}

/* The device tree, as a chunk behind the bootinfo page. */
static void give_device_tree(struct root *r, u64 va)
{
	struct boot_info *b = r->boot;
	u64 length = sizeof(seL4_BootInfoHeader) + b->dtb_size, pages = align_up(length, PAGE);
	seL4_BootInfoHeader *header;
	u64 pa = align_up(r->next_page, PAGE);

	header = pa_to_va(pa);
	for (u64 i = 0; i < pages; i += PAGE)
		take(r, PAGE);
	header->id = SEL4_BOOTINFO_HEADER_FDT;
	header->len = length;
	memcpy(header + 1, pa_to_va(b->dtb), b->dtb_size);
	r->info->extraLen = length;
	r->info->extraBIPages.start = r->next_slot;
	for (u64 i = 0; i < pages; i += PAGE)
		give_next(r, boot_map_page(r->vspace, pa + i, va + i));
	r->info->extraBIPages.end = r->next_slot;
}

static struct sched_context *make_sc(struct root *r, u64 *pa)
{
	struct sched_context *sc;
	u64 slice = ticks_from_us(CONFIG_BOOT_THREAD_TIME_SLICE * 1000);

	*pa = take(r, BIT(ROOT_SC_BITS));
	sc = pa_to_va(*pa);
	refill_init(sc, slice, slice, 2, arch_now());
	return sc;
}

static void give_rest(struct root *r)
{
	give(r, seL4_CapIRQControl, cap_new(CAP_IRQ_CONTROL, 0, 0, 0, 0));
	give(r, seL4_CapASIDControl, cap_new(CAP_ASID_CONTROL, 0, 0, 0, 0));
	give(r, seL4_CapDomain, cap_new(CAP_DOMAIN, 0, 0, 0, 0));
	give(r, seL4_CapSMC, cap_new(CAP_SMC, 0, 0, 0, 0));
	r->info->schedcontrol.start = r->next_slot;
	for (u64 i = 0; i < kernel.core_count; i++)
		give_next(r, cap_new(CAP_SCHED_CONTROL, 0, 0, 0, i));
	r->info->schedcontrol.end = r->next_slot;
	r->info->numNodes = kernel.core_count;
	r->info->initThreadCNodeSizeBits = ROOT_RADIX;
}

/* Room for everything: CNode, tables (one a 2 MiB), the fixed objects, the device tree. */
static u64 reserve(struct boot_info *b, u64 *start)
{
	u64 size = BIT(ROOT_RADIX + seL4_SlotBits) * 2 + 32 * PAGE + align_up(b->dtb_size, PAGE) +
		   ((b->image_end - b->image_start) / BIT(seL4_LargePageBits) + 4) * PAGE;
	struct region *last = &b->ram.r[b->ram.count - 1];

	size = align_up(size, BIT(ROOT_RADIX + seL4_SlotBits));
	*start = align_down(last->end - size, BIT(ROOT_RADIX + seL4_SlotBits));
	if (*start < last->start || *start < b->image_end)
		kernel_panic("too little RAM for the root task", size, last->end);
	return last->end;
}

static struct tcb *make_thread(struct root *r, u64 buffer_va, u64 info_va)
{
	u64 tcb_pa = take(r, BIT(seL4_TCBBits)), sc_pa;
	struct tcb *t = pa_to_va(tcb_pa);
	struct sched_context *sc = make_sc(r, &sc_pa);

	tcb_init(t);
	give(r, seL4_CapInitThreadTCB, cap_new(CAP_TCB, 0, seL4_TCBBits, tcb_pa, 0));
	give(r, seL4_CapInitThreadSC, cap_new(CAP_SC, 0, ROOT_SC_BITS, sc_pa, 0));
	slot_insert(&r->cnode[seL4_CapInitThreadCNode], &t->slots[TCB_CSPACE],
		    r->cnode[seL4_CapInitThreadCNode].cap);
	slot_insert(&r->cnode[seL4_CapInitThreadVSpace], &t->slots[TCB_VSPACE],
		    r->cnode[seL4_CapInitThreadVSpace].cap);
	slot_insert(&r->cnode[seL4_CapInitThreadIPCBuffer], &t->slots[TCB_BUFFER],
		    r->cnode[seL4_CapInitThreadIPCBuffer].cap);
	t->buffer_address = buffer_va;
	t->prio = seL4_MaxPrio;
	t->mcp = seL4_MaxPrio;
	boot_set_start(t, r->boot->entry, info_va);
	t->state = THREAD_RUNNING;
	sc_bind_tcb(sc, t);
	return t;
}

void boot_root_task(struct boot_info *b)
{
	struct root r = { .boot = b, .next_slot = seL4_NumInitialCaps };
	u64 pages_start, cnode_pa, buffer_pa, info_pa, pool_pa;
	struct cap pool, vspace;
	u64 buffer_va = align_up(b->image_end - b->image_offset, PAGE);
	u64 info_va = buffer_va + PAGE, extra_va = info_va + PAGE;

	r.pages_end = reserve(b, &pages_start);
	r.next_page = pages_start;
	cnode_pa = take(&r, BIT(ROOT_RADIX + seL4_SlotBits));
	r.cnode = pa_to_va(cnode_pa);
	r.vspace = take(&r, BIT(seL4_VSpaceBits));
	pool_pa = take(&r, BIT(seL4_ASIDPoolBits));
	buffer_pa = take(&r, PAGE);
	info_pa = take(&r, PAGE);
	r.info = pa_to_va(info_pa);
	boot_space(pool_pa, r.vspace, &pool, &vspace);
	give(&r, seL4_CapInitThreadCNode,
	     cap_set_extra(cap_new(CAP_CNODE, 0, ROOT_RADIX, cnode_pa, 0),
			   seL4_WordBits - ROOT_RADIX));
	give(&r, seL4_CapInitThreadVSpace, vspace);
	give(&r, seL4_CapInitThreadASIDPool, pool);
	map_image(&r, extra_va + align_up(sizeof(seL4_BootInfoHeader) + b->dtb_size, PAGE));
	give(&r, seL4_CapInitThreadIPCBuffer, boot_map_page(r.vspace, buffer_pa, buffer_va));
	give(&r, seL4_CapBootInfoFrame, boot_map_page(r.vspace, info_pa, info_va));
	r.info->ipcBuffer = (seL4_IPCBuffer *)(uintptr_t)buffer_va;
	give_device_tree(&r, extra_va);
	give_rest(&r);
	make_thread(&r, buffer_va, info_va);
	give_untypeds(&r, pages_start);
	r.info->empty = (seL4_SlotRegion){ r.next_slot, BIT(ROOT_RADIX) };
}
