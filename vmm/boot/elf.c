/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF kernels (System V ABI, "Object Files", chapter 4 and 5; ELF for the Arm 64-bit Architecture).
 *
 * Every header field is copied out of the image once and checked before use. All segments take their
 * places first; nothing is written unless all of them fit. A guest starts with its MMU off, so what
 * counts is the physical address, and the entry point is translated when it was linked elsewhere.
 */
#include "vmm/boot/kernel.h"

#include <string.h>

#include "vmm/base/elf.h"
#include "vmm/base/util.h"

enum {
	ELF_SEGMENTS = 16, /* PT_LOAD ones; kernels have two to four */
};

static enum vmm_err check_header(const struct place_plan *plan,
				 const struct vmm_config_image *image, struct elf_header *header)
{
	if (image->size < sizeof(*header))
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: not an ELF file: %lu bytes, the header alone has %zu",
				 image->size, sizeof(*header));
	memcpy(header, (const void *)(uintptr_t)image->host, sizeof(*header));
	if (memcmp(header->ident, ELF_IDENT, ELF_IDENT_MAGIC) != 0)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: not an ELF file: it begins with %02x %02x %02x %02x",
				 header->ident[0], header->ident[1], header->ident[2],
				 header->ident[3]);
	if (memcmp(header->ident, ELF_IDENT, sizeof(ELF_IDENT)) != 0 ||
	    header->machine != ELF_MACHINE_AARCH64 || header->type != ELF_TYPE_EXEC)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: ELF of class %u, machine %u, type %u, not a 64-bit "
				 "little-endian AArch64 (183) executable (2)",
				 header->ident[4], header->machine, header->type);
	if (header->phentsize != sizeof(struct elf_segment) ||
	    !range_inside(header->phoff, (uint64_t)header->phnum * header->phentsize, 0,
			  image->size))
		return boot_fail(
			plan->error, VMM_ERR_INVALID,
			"kernel: ELF program headers (%u of %u bytes at %lu) are not in the file",
			header->phnum, header->phentsize, header->phoff);
	return VMM_OK;
}

/* Collects the segments that occupy memory. Returns their number in `*count`. */
static enum vmm_err collect(const struct place_plan *plan, const struct vmm_config_image *image,
			    const struct elf_header *header, struct elf_segment *segments,
			    uint32_t *count)
{
	*count = 0;
	for (uint32_t i = 0; i < header->phnum; i++) {
		uint64_t at = header->phoff + (uint64_t)i * sizeof(struct elf_segment);
		struct elf_segment seg;

		memcpy(&seg, (const void *)(uintptr_t)(image->host + at), sizeof(seg));
		if (seg.type != ELF_SEGMENT_LOAD || seg.memsz == 0)
			continue;
		if (seg.filesz > seg.memsz || !range_inside(seg.offset, seg.filesz, 0, image->size))
			return boot_fail(plan->error, VMM_ERR_INVALID,
					 "kernel: ELF segment %u: %lu bytes at %lu of a file of "
					 "%lu, %lu in memory",
					 i, seg.filesz, seg.offset, image->size, seg.memsz);
		if (*count == ELF_SEGMENTS)
			return boot_fail(plan->error, VMM_ERR_UNSUPPORTED,
					 "kernel: ELF with more than %d segments", ELF_SEGMENTS);
		segments[(*count)++] = seg;
	}
	return VMM_OK;
}

static bool entry_of(const struct elf_segment *segments, uint32_t count, uint64_t entry,
		     uint64_t *pc)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct elf_segment *seg = &segments[i];

		if (!range_inside(entry, 4, seg->vaddr, seg->memsz))
			continue;
		*pc = seg->paddr + (entry - seg->vaddr);
		return true;
	}
	return false;
}

enum vmm_err kernel_elf(struct place_plan *plan, const struct vmm_config_image *image, uint64_t *pc)
{
	struct elf_segment segments[ELF_SEGMENTS];
	struct place *places[ELF_SEGMENTS];
	struct elf_header header = { 0 };
	uint32_t count;
	enum vmm_err err;

	err = check_header(plan, image, &header);
	if (err != VMM_OK)
		return err;
	err = collect(plan, image, &header, segments, &count);
	if (err != VMM_OK)
		return err;
	if (!entry_of(segments, count, header.entry, pc))
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: ELF entry point 0x%lx is in none of its %u segments",
				 header.entry, count);
	if (*pc % 4 != 0)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: ELF entry point 0x%lx is loaded at 0x%lx, which is no "
				 "address of code",
				 header.entry, *pc);
	for (uint32_t i = 0; i < count; i++) {
		err = place_fixed(plan, "kernel segment", segments[i].paddr, segments[i].memsz,
				  &places[i]);
		if (err != VMM_OK)
			return err;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct elf_segment *seg = &segments[i];

		memcpy(places[i]->host, (const void *)(uintptr_t)(image->host + seg->offset),
		       seg->filesz);
		memset(places[i]->host + seg->filesz, 0, seg->memsz - seg->filesz);
	}
	return VMM_OK;
}
