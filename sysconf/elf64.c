/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF reading. Headers are copied out of the file before they are looked at, so alignment does not
 * matter, and every offset is checked against the file's size.
 */
#include "sysconf/elf64.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/util.h"

/* Copies `size` bytes at `offset`; false if the file ends before. */
static bool get(const struct image_file *file, uint64_t offset, void *to, size_t size)
{
	if (!range_inside(offset, size, 0, file->size))
		return false;
	memcpy(to, (const char *)file->data + offset, size);
	return true;
}

static enum vmm_err check_header(const struct image_file *file, Elf64_Ehdr *header,
				 char why[IMAGE_WHY])
{
	const char *wrong = NULL;

	if (!get(file, 0, header, sizeof(*header)) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		wrong = "is not an ELF file";
	else if (header->e_ident[EI_CLASS] != ELFCLASS64)
		wrong = "is not a 64-bit ELF file";
	else if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		wrong = "is not a little-endian ELF file";
	else if (header->e_machine != EM_AARCH64)
		wrong = "is for another machine than AArch64";
	else if (header->e_type != ET_EXEC)
		wrong = "is not an executable with fixed addresses (ET_EXEC)";
	else if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
		wrong = "has no program headers";
	if (wrong == NULL)
		return VMM_OK;
	snprintf(why, IMAGE_WHY, "%s: %s", file->name, wrong);
	return VMM_ERR_INVALID;
}

/* Keeps the list sorted; false on overlap. */
static bool insert(struct elf64 *elf, const struct elf64_segment *segment)
{
	uint32_t at = elf->segment_count;

	while (at > 0 && elf->segments[at - 1].vaddr > segment->vaddr) {
		elf->segments[at] = elf->segments[at - 1];
		at--;
	}
	elf->segments[at] = *segment;
	elf->segment_count++;
	for (uint32_t i = 1; i < elf->segment_count; i++) {
		const struct elf64_segment *below = &elf->segments[i - 1];

		if (below->vaddr + below->mem_size > elf->segments[i].vaddr)
			return false;
	}
	return true;
}

static const char *add_segment(struct elf64 *elf, const Elf64_Phdr *header)
{
	struct elf64_segment segment = {
		.offset = header->p_offset,
		.file_size = header->p_filesz,
		.vaddr = header->p_vaddr,
		.paddr = header->p_paddr,
		.mem_size = header->p_memsz,
	};
	uint64_t end;

	if (header->p_type != PT_LOAD || header->p_memsz == 0)
		return NULL;
	if (!range_inside(segment.offset, segment.file_size, 0, elf->file.size))
		return "is cut short (a segment lies behind its end)";
	if (segment.file_size > segment.mem_size)
		return "has a segment that is larger in the file than in memory";
	if (!add_u64(segment.vaddr, segment.mem_size, &end) ||
	    !add_u64(segment.paddr, segment.mem_size, &end))
		return "has a segment that wraps around the address space";
	if (elf->segment_count == ELF64_SEGMENTS)
		return "has too many segments";
	return insert(elf, &segment) ? NULL : "has overlapping segments";
}

enum vmm_err elf64_read(const struct image_file *file, struct elf64 *elf, char why[IMAGE_WHY])
{
	struct elf64 found = { .file = *file };
	const char *wrong = NULL;
	Elf64_Ehdr header;
	Elf64_Phdr program;
	enum vmm_err err = check_header(file, &header, why);
	bool entered = false;

	if (err != VMM_OK)
		return err;
	for (unsigned i = 0; i < header.e_phnum && wrong == NULL; i++) {
		uint64_t at;

		if (!add_u64(header.e_phoff, (uint64_t)i * sizeof(program), &at) ||
		    !get(file, at, &program, sizeof(program)))
			wrong = "is cut short (program headers lie behind its end)";
		else
			wrong = add_segment(&found, &program);
	}
	found.entry = header.e_entry;
	for (uint32_t i = 0; i < found.segment_count; i++)
		entered |= range_inside(found.entry, 4, found.segments[i].vaddr,
					found.segments[i].mem_size);
	if (wrong == NULL && found.segment_count == 0)
		wrong = "has nothing to load";
	else if (wrong == NULL && !entered)
		wrong = "has its entry point outside its segments";
	if (wrong != NULL) {
		snprintf(why, IMAGE_WHY, "%s: %s", file->name, wrong);
		return VMM_ERR_INVALID;
	}
	*elf = found;
	return VMM_OK;
}

/* Section `index` of a file whose header is sound. */
static bool section(const struct image_file *file, const Elf64_Ehdr *header, uint64_t index,
		    Elf64_Shdr *out)
{
	uint64_t at;

	return index < header->e_shnum && header->e_shentsize == sizeof(*out) &&
	       add_u64(header->e_shoff, index * sizeof(*out), &at) &&
	       get(file, at, out, sizeof(*out)) && out->sh_type != SHT_NOBITS &&
	       range_inside(out->sh_offset, out->sh_size, 0, file->size);
}

static bool name_is(const struct image_file *file, const Elf64_Shdr *strings, uint64_t offset,
		    const char *name)
{
	size_t length = strlen(name) + 1;

	return range_inside(offset, length, 0, strings->sh_size) &&
	       memcmp((const char *)file->data + strings->sh_offset + offset, name, length) == 0;
}

/* The symbol table and its strings; false if there is none, or none that is sound. */
static bool symbol_table(const struct image_file *file, Elf64_Shdr *symbols, Elf64_Shdr *strings)
{
	Elf64_Ehdr header;

	if (!get(file, 0, &header, sizeof(header)))
		return false;
	for (uint64_t i = 0; i < header.e_shnum; i++) {
		if (section(file, &header, i, symbols) && symbols->sh_type == SHT_SYMTAB &&
		    section(file, &header, symbols->sh_link, strings))
			return true;
	}
	return false;
}

bool elf64_has_symbols(const struct elf64 *elf)
{
	Elf64_Shdr symbols, strings;

	return symbol_table(&elf->file, &symbols, &strings);
}

bool elf64_symbol(const struct elf64 *elf, const char *name, uint64_t *size)
{
	const struct image_file *file = &elf->file;
	Elf64_Shdr symbols, strings;
	Elf64_Sym symbol;

	if (!symbol_table(file, &symbols, &strings))
		return false;
	for (uint64_t at = 0; symbols.sh_size - at >= sizeof(symbol); at += sizeof(symbol)) {
		memcpy(&symbol, (const char *)file->data + symbols.sh_offset + at, sizeof(symbol));
		if (name_is(file, &strings, symbol.st_name, name)) {
			*size = symbol.st_size;
			return true;
		}
	}
	return false;
}
