/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lays a system image out and fills it.
 *
 * Order: loader, manifest page, kernel pieces, root task pieces, blob, archive. Everything starts on
 * a page; archive entries of 2 MiB and more start on 2 MiB, counted from the image's start, which
 * the firmware puts at a multiple of 2 MiB, so that they can be mapped with large frames.
 *
 * What a seL4 kernel is built for is told by its symbol table, where it has one: the boot stacks have
 * a page a core, and some functions exist in one configuration only.
 */
#include "sysconf/image.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm/image.h>

#include "sysconf/elf64.h"
#include "vmm/base/util.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the structures are written as they are in memory"
#endif

#define PAGE         UINT64_C(4096)
#define LARGE        MIB(2)
#define IMAGE_BASE   UINT64_C(0x40200000) /* where QEMU's virt machine puts it */
#define WINDOW       UINT64_C(0x8000000000)
#define HEADER_SIZE  UINT64_C(64)
#define SIZE_AT      16 /* image_size in the arm64 Image header */
#define MAGIC_AT     56
#define LARGEST_USER MIB(256)

struct layout {
	const struct image_input *in;
	struct elf64 kernel, root;
	struct vmm_image_manifest manifest;
	struct vmm_blob blob;
	uint64_t entry_offset[VMM_BLOB_ENTRIES]; /* from the start of the image */
};

__attribute__((format(printf, 2, 3))) static enum vmm_err fail(char why[IMAGE_WHY],
							       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, IMAGE_WHY, format, args);
	va_end(args);
	return VMM_ERR_INVALID;
}

static enum vmm_err check_loader(const struct image_file *loader, char why[IMAGE_WHY])
{
	const char *bytes = loader->data;

	if (loader->size < HEADER_SIZE || loader->size % PAGE != 0 ||
	    memcmp(bytes + MAGIC_AT, "ARM\x64", 4) != 0)
		return fail(why, "%s: is not this project's loader (a flat arm64 Image)",
			    loader->name);
	return VMM_OK;
}

/* What seL4 says about its configuration in its symbol table. */
static enum vmm_err check_sel4(struct layout *l, char why[IMAGE_WHY])
{
	const char *name = l->in->kernel.name;
	uint64_t size;

	if (!elf64_symbol(&l->kernel, "kernel_stack_alloc", &size))
		return VMM_OK; /* not seL4, or stripped */
	if (!elf64_symbol(&l->kernel, "refill_new", &(uint64_t){ 0 }))
		return fail(why, "%s: is a seL4 kernel without MCS (KernelIsMCS is off)", name);
	l->manifest.cores = (uint32_t)(size / PAGE);
	if (elf64_symbol(&l->kernel, "gic_rdist_map", &size))
		l->manifest.gic_version = 3;
	else if (elf64_symbol(&l->kernel, "gic_vcpu_ctrl", &size))
		l->manifest.gic_version = 2;
	else
		return fail(why,
			    "%s: is a seL4 kernel without GIC virtualisation "
			    "(KernelArmHypervisorSupport is off?)",
			    name);
	return VMM_OK;
}

static enum vmm_err plan_kernel(struct layout *l, char why[IMAGE_WHY])
{
	struct vmm_image_manifest *m = &l->manifest;
	const struct elf64 *elf = &l->kernel;
	uint64_t start = UINT64_MAX, end = 0;

	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct elf64_segment *s = &elf->segments[i];

		if (s->vaddr - s->paddr != WINDOW)
			return fail(why,
				    "%s: is not a kernel for EL2: a segment is linked for virtual "
				    "%#llx at physical %#llx, and only a difference of %#llx is "
				    "(seL4 with KernelArmHypervisorSupport)",
				    l->in->kernel.name, (unsigned long long)s->vaddr,
				    (unsigned long long)s->paddr, (unsigned long long)WINDOW);
		if (s->paddr < start)
			start = s->paddr;
		if (s->paddr + s->mem_size > end)
			end = s->paddr + s->mem_size;
		m->pieces[i] = (struct vmm_image_piece){
			.file_size = s->file_size,
			.mem_size = s->mem_size,
			.address = s->paddr,
		};
	}
	m->kernel_pieces = elf->segment_count;
	m->kernel_entry = elf->entry;
	m->kernel_offset = WINDOW;
	m->kernel_start = align_down(start, PAGE);
	m->kernel_end = align_up(end, PAGE);
	return check_sel4(l, why);
}

static enum vmm_err plan_root(struct layout *l, char why[IMAGE_WHY])
{
	struct vmm_image_manifest *m = &l->manifest;
	const struct elf64 *elf = &l->root;
	const struct elf64_segment *last = &elf->segments[elf->segment_count - 1];
	uint64_t end = last->vaddr + last->mem_size;

	m->user_vaddr = align_down(elf->segments[0].vaddr, PAGE);
	if (end - m->user_vaddr > LARGEST_USER)
		return fail(why, "%s: spans %llu MiB of address space, more than the %llu allowed",
			    l->in->root.name, (unsigned long long)((end - m->user_vaddr) >> 20),
			    (unsigned long long)(LARGEST_USER >> 20));
	if (m->kernel_pieces + elf->segment_count > VMM_IMAGE_PIECES)
		return fail(why, "%s: has %u segments, more than the %u allowed", l->in->root.name,
			    elf->segment_count, VMM_IMAGE_PIECES - m->kernel_pieces);
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct elf64_segment *s = &elf->segments[i];

		m->pieces[m->kernel_pieces + i] = (struct vmm_image_piece){
			.file_size = s->file_size,
			.mem_size = s->mem_size,
			.address = s->vaddr - m->user_vaddr,
		};
	}
	m->user_pieces = elf->segment_count;
	m->user_entry = elf->entry;
	m->blob_user_offset = align_up(end - m->user_vaddr, PAGE);
	m->blob_size = l->blob.size;
	m->user_size = align_up(m->blob_user_offset + m->blob_size, PAGE);
	return VMM_OK;
}

static enum vmm_err plan_names(struct layout *l, char why[IMAGE_WHY])
{
	const struct image_input *in = l->in;

	if (in->entry_count > VMM_BLOB_ENTRIES)
		return fail(why, "%zu files for the archive, more than the %d allowed",
			    in->entry_count, VMM_BLOB_ENTRIES);
	for (size_t i = 0; i < in->entry_count; i++) {
		const char *name = in->entries[i].name;

		if (name[0] == '\0' || strlen(name) >= VMM_BLOB_NAME)
			return fail(why, "archive entry \"%s\": a name has 1 to %d bytes", name,
				    VMM_BLOB_NAME - 1);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(name, in->entries[j].name) == 0)
				return fail(why, "archive entry \"%s\": there are two of it", name);
		}
		strcpy(l->blob.entries[i].name, name);
	}
	l->blob.magic = VMM_BLOB_MAGIC;
	l->blob.version = VMM_BLOB_VERSION;
	l->blob.entry_count = (uint32_t)in->entry_count;
	l->blob.description_offset = sizeof(l->blob);
	l->blob.description_size = in->description.size;
	l->blob.size = sizeof(l->blob) + in->description.size;
	return VMM_OK;
}

/* Gives every part its place in the file. Sizes are of files in memory, so sums cannot overflow. */
static enum vmm_err plan_file(struct layout *l, char why[IMAGE_WHY])
{
	struct vmm_image_manifest *m = &l->manifest;
	uint64_t at = l->in->loader.size + PAGE; /* the manifest */

	for (uint32_t i = 0; i < m->kernel_pieces + m->user_pieces; i++) {
		m->pieces[i].offset = at;
		at = align_up(at + m->pieces[i].file_size, PAGE);
	}
	m->blob_offset = at;
	at = align_up(at + m->blob_size, LARGE);
	m->archive_offset = at;
	for (size_t i = 0; i < l->in->entry_count; i++) {
		uint64_t size = l->in->entries[i].size;

		at = align_up(at, size >= LARGE ? LARGE : PAGE);
		l->entry_offset[i] = at;
		l->blob.entries[i].offset = at - m->archive_offset;
		l->blob.entries[i].size = size;
		at = align_up(at + size, PAGE);
	}
	l->blob.archive_size = at - m->archive_offset;
	m->magic = VMM_IMAGE_MAGIC;
	m->version = VMM_IMAGE_VERSION;
	m->image_size = at;
	if (m->kernel_start < IMAGE_BASE + at && IMAGE_BASE < m->kernel_end)
		return fail(why,
			    "the system image is %llu MiB and would reach %#llx, but the kernel "
			    "%s is linked for physical %#llx",
			    (unsigned long long)(at >> 20), (unsigned long long)(IMAGE_BASE + at),
			    l->in->kernel.name, (unsigned long long)m->kernel_start);
	return VMM_OK;
}

static void copy_segments(const struct elf64 *elf, const struct vmm_image_piece *pieces,
			  unsigned char *to)
{
	for (uint32_t i = 0; i < elf->segment_count; i++)
		memcpy(to + pieces[i].offset,
		       (const char *)elf->file.data + elf->segments[i].offset,
		       elf->segments[i].file_size);
}

static void fill(const struct layout *l, unsigned char *to)
{
	const struct vmm_image_manifest *m = &l->manifest;
	const struct image_input *in = l->in;

	memcpy(to, in->loader.data, in->loader.size);
	memcpy(to + SIZE_AT, &m->image_size, sizeof(m->image_size));
	memcpy(to + in->loader.size, m, sizeof(*m));
	copy_segments(&l->kernel, m->pieces, to);
	copy_segments(&l->root, m->pieces + m->kernel_pieces, to);
	memcpy(to + m->blob_offset, &l->blob, sizeof(l->blob));
	if (in->description.size > 0)
		memcpy(to + m->blob_offset + l->blob.description_offset, in->description.data,
		       in->description.size);
	for (size_t i = 0; i < in->entry_count; i++) {
		if (in->entries[i].size > 0)
			memcpy(to + l->entry_offset[i], in->entries[i].data, in->entries[i].size);
	}
}

enum vmm_err image_build(const struct image_input *in, struct image_output *out,
			 char why[IMAGE_WHY])
{
	struct layout l = { .in = in };
	unsigned char *data;
	enum vmm_err err;

	err = check_loader(&in->loader, why);
	if (err == VMM_OK)
		err = elf64_read(&in->kernel, &l.kernel, why);
	if (err == VMM_OK)
		err = elf64_read(&in->root, &l.root, why);
	if (err == VMM_OK)
		err = plan_names(&l, why);
	if (err == VMM_OK)
		err = plan_kernel(&l, why);
	if (err == VMM_OK)
		err = plan_root(&l, why);
	if (err == VMM_OK)
		err = plan_file(&l, why);
	if (err != VMM_OK)
		return err;

	data = calloc(1, l.manifest.image_size);
	if (data == NULL) {
		(void)fail(why, "no memory for an image of %llu bytes",
			   (unsigned long long)l.manifest.image_size);
		return VMM_ERR_NOMEM;
	}
	fill(&l, data);
	*out = (struct image_output){ .data = data,
				      .size = l.manifest.image_size,
				      .kernel_unknown = !elf64_has_symbols(&l.kernel) };
	return VMM_OK;
}
