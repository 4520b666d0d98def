/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ELF-64 file of AArch64 begins with, as it lies there (System V ABI, "Object Files", chapters 4
 * and 5; ELF for the Arm 64-bit Architecture). Files are untrusted: copy a structure out, then check it.
 */
#pragma once

#include <stdint.h>

struct elf_header {
	unsigned char ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

_Static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");
_Static_assert(sizeof(struct elf_segment) == 56, "Elf64_Phdr");

/* Magic, 64-bit class, little endian, version 1. */
#define ELF_IDENT ((const unsigned char[7]){ 0x7f, 'E', 'L', 'F', 2, 1, 1 })

enum {
	ELF_IDENT_MAGIC = 4, /* bytes of it that say that this is ELF at all */
	ELF_TYPE_EXEC = 2,
	ELF_MACHINE_AARCH64 = 183,
	ELF_SEGMENT_LOAD = 1,
	/* flags of a segment */
	ELF_EXECUTE = 1,
	ELF_WRITE = 2,
};
