// SPDX-License-Identifier: BSD-2-Clause
/*
 * Address spaces: the VSpace is the level that covers 1 GiB an entry; below it a table for each GiB
 * and one for each 2 MiB. What the root task maps into itself is mapped on the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test/support/kernel/kernel.h"

static uint64_t size_of(const struct fk_object *o)
{
	return UINT64_C(1) << o->bits;
}

static bool has_table(const struct fk_object *space, uint64_t vaddr, uint8_t bits)
{
	for (uint32_t i = 0; i < space->table_count; i++) {
		if (space->tables[i].bits == bits && space->tables[i].vaddr == vaddr >> bits)
			return true;
	}
	return false;
}

const struct fk_mapping *fk_mapping(const struct fk_object *space, uint64_t vaddr)
{
	for (uint32_t i = 0; i < space->map_count; i++) {
		if (vaddr - space->map[i].vaddr < space->map[i].size)
			return &space->map[i];
	}
	return NULL;
}

static uint64_t top_of(const struct fk *k, const struct fk_object *space)
{
	return space == k->root_vspace ? k->boot.self_base + k->boot.self_size - 1 : seL4_UserTop;
}

seL4_Error fk_map_table(struct fk *k, struct fk_cap *cap, struct fk_object *space, uint64_t vaddr)
{
	uint8_t bits = has_table(space, vaddr, 30) ? 21 : 30;

	if (vaddr > top_of(k, space) || cap->space != NULL)
		return seL4_InvalidArgument;
	if (!space->asid)
		return seL4_FailedLookup;
	if (has_table(space, vaddr, bits))
		return seL4_DeleteFirst;
	space->tables = realloc(space->tables, (space->table_count + 1) * sizeof(*space->tables));
	if (space->tables == NULL)
		abort();
	space->tables[space->table_count++] =
		(struct fk_table){ .vaddr = vaddr >> bits, .bits = bits };
	cap->space = space;
	cap->vaddr = vaddr;
	return seL4_NoError;
}

/* The root task's own address space. */
static seL4_Error map_on_host(struct fk *k, const struct fk_mapping *m)
{
	int prot = ((m->rights & seL4_CanRead.words[0]) != 0 ? PROT_READ : 0) |
		   ((m->rights & seL4_CanWrite.words[0]) != 0 ? PROT_WRITE : 0);

	if (m->vaddr < k->boot.self_base ||
	    m->vaddr + m->size > k->boot.self_base + k->boot.self_size)
		return seL4_InvalidArgument;
	if (mmap((void *)m->vaddr, m->size, prot, MAP_SHARED | MAP_FIXED, k->memory,
		 (off_t)m->frame->paddr) == MAP_FAILED)
		abort();
	return seL4_NoError;
}

seL4_Error fk_map_frame(struct fk *k, struct fk_cap *cap, struct fk_object *space, uint64_t vaddr,
			uint64_t rights, unsigned attributes)
{
	struct fk_mapping m = { .frame = cap->object,
				.vaddr = vaddr,
				.size = size_of(cap->object),
				.rights = rights & cap->rights,
				.attributes = attributes };

	if (!space->asid)
		return seL4_FailedLookup;
	/* A frame is mapped once by a capability; anew only to change its rights. */
	if (cap->space != NULL)
		return seL4_InvalidArgument;
	if (vaddr > top_of(k, space))
		return seL4_InvalidArgument;
	if (vaddr % m.size != 0)
		return seL4_AlignmentError;
	if (!has_table(space, vaddr, 30) || (m.size < 1 << 21 && !has_table(space, vaddr, 21)))
		return seL4_FailedLookup;
	if (fk_mapping(space, vaddr) != NULL || (m.size == 1 << 21 && has_table(space, vaddr, 21)))
		return seL4_DeleteFirst;
	if (space == k->root_vspace && map_on_host(k, &m) != seL4_NoError)
		return seL4_InvalidArgument;
	space->map = realloc(space->map, (space->map_count + 1) * sizeof(*space->map));
	if (space->map == NULL)
		abort();
	space->map[space->map_count++] = m;
	cap->space = space;
	cap->vaddr = vaddr;
	return seL4_NoError;
}

void fk_unmap(struct fk *k, struct fk_cap *cap)
{
	struct fk_object *space = cap->space;

	cap->space = NULL;
	for (uint32_t i = 0; space != NULL && i < space->map_count; i++) {
		if (space->map[i].vaddr != cap->vaddr || space->map[i].frame != cap->object)
			continue;
		if (space == k->root_vspace &&
		    mmap((void *)cap->vaddr, space->map[i].size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			 0) == MAP_FAILED)
			abort();
		space->map[i] = space->map[--space->map_count];
		return;
	}
}

void fk_read(struct fk *k, uint64_t paddr, void *to, uint64_t size)
{
	if (pread(k->memory, to, size, (off_t)paddr) != (ssize_t)size)
		abort();
}

void fk_write(struct fk *k, uint64_t paddr, const void *from, uint64_t size)
{
	if (pwrite(k->memory, from, size, (off_t)paddr) != (ssize_t)size)
		abort();
}

bool fk_read_space(struct fk *k, const struct fk_object *space, uint64_t vaddr, void *to,
		   uint64_t size)
{
	char *at = to;

	while (size > 0) {
		const struct fk_mapping *m = fk_mapping(space, vaddr);
		uint64_t part;

		if (m == NULL)
			return false;
		part = m->vaddr + m->size - vaddr;
		if (part > size)
			part = size;
		fk_read(k, m->frame->paddr + (vaddr - m->vaddr), at, part);
		at += part;
		vaddr += part;
		size -= part;
	}
	return true;
}
