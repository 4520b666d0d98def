// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/util.h"

#define DATA_ATTRIBUTES (seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever)

void space_init(struct admin *a, struct space *space)
{
	space->vspace = object_new(a, seL4_ARM_VSpaceObject, seL4_VSpaceBits);
	must(a, seL4_ARM_ASIDPool_Assign(seL4_CapInitThreadASIDPool, space->vspace),
	     "ASIDPool_Assign", "an address space");
}

void space_map(struct admin *a, const struct space *space, seL4_CPtr frame, uint64_t vaddr,
	       seL4_CapRights_t rights, unsigned attributes)
{
	seL4_ARM_VMAttributes attr = (seL4_ARM_VMAttributes)attributes;
	seL4_Error error;

	/* The kernel says which table is missing by refusing: the level below the last one there. */
	while ((error = seL4_ARM_Page_Map(frame, space->vspace, vaddr, rights, attr)) ==
	       seL4_FailedLookup)
		must(a,
		     seL4_ARM_PageTable_Map(
			     object_new(a, seL4_ARM_PageTableObject, seL4_PageTableBits),
			     space->vspace, vaddr, seL4_ARM_Default_VMAttributes),
		     "PageTable_Map", "an address space");
	must(a, error, "Page_Map", "an address space");
}

uint64_t space_reserve(struct space *space, uint64_t size, uint64_t align)
{
	uint64_t vaddr = align_up(space->next + PAGE_BYTES, align);

	space->next = vaddr + align_up(size, PAGE_BYTES);
	return vaddr;
}

uint64_t space_new_pages(struct admin *a, struct space *space, uint32_t pages, seL4_CPtr *frames)
{
	uint64_t vaddr = space_reserve(space, (uint64_t)pages * PAGE_BYTES, PAGE_BYTES);

	for (uint32_t i = 0; i < pages; i++) {
		seL4_CPtr frame = object_new(a, seL4_ARM_SmallPageObject, seL4_PageBits);

		space_map(a, space, frame, vaddr + (uint64_t)i * PAGE_BYTES, seL4_ReadWrite,
			  DATA_ATTRIBUTES);
		if (frames != NULL)
			frames[i] = frame;
	}
	return vaddr;
}

uint64_t space_map_image(struct admin *a, struct space *space, const struct shared_run *run)
{
	uint64_t vaddr = space_reserve(space, run->count * run->frame_size, run->frame_size);

	for (uint32_t i = 0; i < run->count; i++)
		space_map(a, space, object_copy(a, a->frames[run->first + i].cap),
			  vaddr + i * run->frame_size, seL4_CanRead, DATA_ATTRIBUTES);
	return vaddr;
}

void space_write_frame(struct admin *a, seL4_CPtr frame, uint64_t at, const void *from,
		       uint64_t size, bool executable)
{
	space_map(a, &a->self, frame, ADMIN_TEMP, seL4_ReadWrite, DATA_ATTRIBUTES);
	memcpy((void *)(ADMIN_TEMP + at), from, size);
	if (executable)
		must(a, seL4_ARM_Page_Unify_Instruction(frame, 0, PAGE_BYTES),
		     "Page_Unify_Instruction", "a program's code");
	must(a, seL4_ARM_Page_Unmap(frame), "Page_Unmap", "a frame");
}
