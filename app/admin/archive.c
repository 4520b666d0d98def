// SPDX-License-Identifier: BSD-2-Clause
/*
 * Program files and guest images, where the boot firmware put them: in memory that the kernel hands
 * out as device memory and never clears. Guest images are mapped by their VMMs, in place. Programs'
 * segments are copied into frames; constant segments once for all programs of that file.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/elf.h"
#include "vmm/base/util.h"

/* An image of at least this size is aligned to it (include/vmm/image.h). */
#define LARGE_FRAME (UINT64_C(1) << seL4_LargePageBits)
#define USER_LIMIT  UINT64_C(0x40000000) /* programs are linked below 1 GiB */
#define DATA_RW     (seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever)

static const struct vmm_blob_entry *find(struct admin *a, const char *prefix, const char *name)
{
	size_t length = strlen(prefix);

	for (uint32_t i = 0; i < a->blob->entry_count; i++) {
		const struct vmm_blob_entry *entry = &a->blob->entries[i];

		if (strncmp(entry->name, prefix, length) == 0 &&
		    strncmp(entry->name + length, name, sizeof(entry->name) - length) == 0)
			return entry;
	}
	admin_die(a, "the system image has no %s%s", prefix, name);
}

static struct shared_frame *new_frame(struct admin *a)
{
	if (a->frame_count == SHARED_FRAMES)
		admin_die(a, "images and programs take more than %u frames", SHARED_FRAMES);
	return &a->frames[a->frame_count++];
}

const struct shared_run *archive_image(struct admin *a, uint32_t index, uint64_t *size)
{
	const struct vmm_blob_entry *entry = find(a, "image/", a->system.images[index].name);
	struct shared_run *run = &a->images[index];
	uint64_t at = a->blob->archive_paddr + entry->offset;

	*size = entry->size;
	if (run->count > 0)
		return run;
	run->first = a->frame_count;
	run->frame_size =
		at % LARGE_FRAME == 0 && entry->size >= LARGE_FRAME ? LARGE_FRAME : PAGE_BYTES;
	for (uint64_t done = 0; done < entry->size; done += run->frame_size) {
		new_frame(a)->cap = object_device_frame(
			a, at + done,
			run->frame_size == PAGE_BYTES ? seL4_PageBits : seL4_LargePageBits);
		run->count++;
	}
	return run;
}

/* A program file as admin sees it while it loads it. */
struct file {
	const char *name;
	const unsigned char *data;
	uint64_t size;
};

static void map_file(struct admin *a, const char *name, struct file *file)
{
	const struct vmm_blob_entry *entry = find(a, "program/", name);
	uint64_t at = a->blob->archive_paddr + entry->offset;

	file->name = name;
	file->size = entry->size;
	file->data = (const unsigned char *)(ADMIN_ARCHIVE + entry->offset);
	for (uint32_t i = 0; i < a->file_count; i++) {
		if (strcmp(a->files[i].name, name) == 0)
			return; /* mapped when it was first loaded */
	}
	for (uint64_t done = 0; done < entry->size; done += PAGE_BYTES)
		space_map(a, &a->self, object_device_frame(a, at + done, seL4_PageBits),
			  ADMIN_ARCHIVE + entry->offset + done, seL4_CanRead, DATA_RW);
}

static struct elf_segment segment(struct admin *a, const struct file *file, unsigned index)
{
	struct elf_header header;
	struct elf_segment ph;

	memcpy(&header, file->data, sizeof(header));
	memcpy(&ph, file->data + header.phoff + index * sizeof(ph), sizeof(ph));
	if (ph.type == ELF_SEGMENT_LOAD &&
	    (!range_inside(ph.offset, ph.filesz, 0, file->size) || ph.filesz > ph.memsz ||
	     !range_inside(ph.vaddr, ph.memsz, PAGE_BYTES, USER_LIMIT - PAGE_BYTES) ||
	     ph.vaddr % PAGE_BYTES != 0))
		admin_die(a, "program %s: segment %u is malformed", file->name, index);
	return ph;
}

static unsigned check_header(struct admin *a, const struct file *file, uint64_t *entry)
{
	struct elf_header header;

	if (file->size < sizeof(header))
		admin_die(a, "program %s is too short", file->name);
	memcpy(&header, file->data, sizeof(header));
	if (memcmp(header.ident, ELF_IDENT, sizeof(ELF_IDENT)) != 0 ||
	    header.machine != ELF_MACHINE_AARCH64 ||
	    header.phentsize != sizeof(struct elf_segment) || header.phoff > file->size ||
	    header.phnum > (file->size - header.phoff) / sizeof(struct elf_segment))
		admin_die(a, "program %s is not an AArch64 executable", file->name);
	*entry = header.entry;
	return header.phnum;
}

/* A frame with what the file has for page `page` of the segment. */
static seL4_CPtr fill_page(struct admin *a, const struct file *file, const struct elf_segment *ph,
			   uint64_t page)
{
	seL4_CPtr frame = object_new(a, seL4_ARM_SmallPageObject, seL4_PageBits);
	uint64_t at = page * PAGE_BYTES, left = at < ph->filesz ? ph->filesz - at : 0;

	if (left > 0)
		space_write_frame(a, frame, 0, file->data + ph->offset + at,
				  left < PAGE_BYTES ? left : PAGE_BYTES,
				  (ph->flags & ELF_EXECUTE) != 0);
	return frame;
}

static bool is_constant(const struct elf_segment *ph)
{
	return ph->type == ELF_SEGMENT_LOAD && (ph->flags & ELF_WRITE) == 0;
}

static const struct shared_file *share_file(struct admin *a, const struct file *file,
					    unsigned segments)
{
	uint64_t *account = a->account;
	struct shared_file *shared;

	for (uint32_t i = 0; i < a->file_count; i++) {
		if (strcmp(a->files[i].name, file->name) == 0)
			return &a->files[i];
	}
	if (a->file_count == SHARED_FILES)
		admin_die(a, "more than %u program files", SHARED_FILES);
	a->account = &a->own_bytes;
	shared = &a->files[a->file_count++];
	shared->name = file->name;
	shared->run.first = a->frame_count;
	for (unsigned i = 0; i < segments; i++) {
		struct elf_segment ph = segment(a, file, i);

		for (uint64_t page = 0; is_constant(&ph) && page * PAGE_BYTES < ph.memsz; page++) {
			struct shared_frame *frame = new_frame(a);

			frame->cap = fill_page(a, file, &ph, page);
			frame->page = (uint32_t)(ph.vaddr / PAGE_BYTES + page);
			frame->executable = (ph.flags & ELF_EXECUTE) != 0;
			shared->run.count++;
		}
	}
	a->account = account;
	return shared;
}

static void map_constant(struct admin *a, struct program *p, const struct shared_run *run)
{
	for (uint32_t i = 0; i < run->count; i++) {
		const struct shared_frame *frame = &a->frames[run->first + i];

		space_map(a, &p->space, object_copy(a, frame->cap),
			  (uint64_t)frame->page * PAGE_BYTES, seL4_CanRead,
			  frame->executable ? (unsigned)seL4_ARM_Default_VMAttributes : DATA_RW);
	}
	p->shared_bytes += (uint64_t)run->count * PAGE_BYTES;
}

/* The pages of a writable segment. A program that can be started again shares them with admin. */
static void map_writable(struct admin *a, struct program *p, const struct file *file,
			 const struct elf_segment *ph)
{
	uint64_t size = align_up(ph->memsz, PAGE_BYTES), mine = 0;

	if (p->restart)
		mine = restart_map(a, p, file->data + ph->offset, ph->filesz, size);
	for (uint64_t at = 0; at < size; at += PAGE_BYTES) {
		seL4_CPtr frame = fill_page(a, file, ph, at / PAGE_BYTES);

		space_map(a, &p->space, frame, ph->vaddr + at, seL4_ReadWrite, DATA_RW);
		if (p->restart)
			space_map(a, &a->self, object_copy(a, frame), mine + at, seL4_ReadWrite,
				  DATA_RW);
	}
}

void archive_load(struct admin *a, struct program *program, const char *name)
{
	struct file file;
	unsigned segments;

	map_file(a, name, &file);
	segments = check_header(a, &file, &program->entry);
	map_constant(a, program, &share_file(a, &file, segments)->run);
	for (unsigned i = 0; i < segments; i++) {
		struct elf_segment ph = segment(a, &file, i);
		uint64_t end = align_up(ph.vaddr + ph.memsz, PAGE_BYTES);

		if (ph.type != ELF_SEGMENT_LOAD)
			continue;
		if (end > program->space.next)
			program->space.next = end;
		if (!is_constant(&ph))
			map_writable(a, program, &file, &ph);
	}
}
