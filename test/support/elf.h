/* SPDX-License-Identifier: BSD-2-Clause */
/* Small AArch64 ELF executables, made by hand. */
#pragma once

#include <stdint.h>

#include "sysconf/file.h"

struct elf_part {
	uint64_t vaddr, paddr;
	uint32_t flags;     /* PF_R and so on */
	uint64_t file_size; /* bytes of `fill` in the file */
	uint64_t mem_size;
	uint8_t fill;
};

/**
 * Appends an executable with these segments, which enters at the first one's start. Its program
 * headers lie right behind the ELF header.
 */
void elf_make(struct buffer *out, const struct elf_part *parts, unsigned count);
