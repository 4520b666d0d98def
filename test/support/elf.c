// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/elf.h"

#include <elf.h>
#include <string.h>

void elf_make(struct buffer *out, const struct elf_part *parts, unsigned count)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_AARCH64,
		.e_version = EV_CURRENT,
		.e_entry = parts[0].vaddr,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)count,
	};
	uint64_t offset = sizeof(header) + count * sizeof(Elf64_Phdr);

	buffer_append(out, &header, sizeof(header));
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr ph = {
			.p_type = PT_LOAD,
			.p_flags = parts[i].flags,
			.p_offset = offset,
			.p_vaddr = parts[i].vaddr,
			.p_paddr = parts[i].paddr,
			.p_filesz = parts[i].file_size,
			.p_memsz = parts[i].mem_size,
		};

		buffer_append(out, &ph, sizeof(ph));
		offset += parts[i].file_size;
	}
	for (unsigned i = 0; i < count; i++) {
		for (uint64_t n = 0; n < parts[i].file_size; n++)
			buffer_append(out, &parts[i].fill, 1);
	}
}
