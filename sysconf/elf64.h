/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads AArch64 executables (System V ABI, ELF-64; ELF for the Arm 64-bit Architecture 2023Q3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sysconf/image.h"

enum { ELF64_SEGMENTS = 16 };

struct elf64_segment {
	uint64_t offset, file_size, vaddr, paddr, mem_size;
};

/* Loadable segments with memory, in ascending order of vaddr, without overlap. */
struct elf64 {
	struct image_file file; /* borrowed */
	uint64_t entry;
	uint32_t segment_count;
	struct elf64_segment segments[ELF64_SEGMENTS];
};

/** On failure `why` says what is wrong with the file. */
VMM_MUST_CHECK enum vmm_err elf64_read(const struct image_file *file, struct elf64 *elf,
				       char why[IMAGE_WHY]);

/** True if the file has a symbol table: it is not stripped. */
bool elf64_has_symbols(const struct elf64 *elf);

/** Looks a symbol up; false if there is no such symbol or no (sound) symbol table. */
bool elf64_symbol(const struct elf64 *elf, const char *name, uint64_t *size);
