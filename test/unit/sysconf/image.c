/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysconf/image and sysconf/elf64: a small kernel and root task made by hand are packed, and the image
 * is read back as the loader reads it; then one field at a time is made wrong.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vmm/image.h>

#include "sysconf/elf64.h"
#include "sysconf/image.h"
#include "vmm/base/util.h"

#define WINDOW UINT64_C(0x8000000000)

enum {
	LOADER = 8192,
	PAYLOAD = 64, /* bytes of each segment in the file */
	SEGMENTS = 2,
};

/* An executable with two segments, and a symbol table with up to three names. */
struct elf_file {
	Elf64_Ehdr header;
	Elf64_Phdr program[SEGMENTS];
	unsigned char payload[SEGMENTS][PAYLOAD];
	Elf64_Shdr section[3];
	Elf64_Sym symbol[3];
	char strings[96];
};

struct world {
	unsigned char loader[LOADER];
	struct elf_file kernel, root;
	struct image_file entries[3];
	struct image_input in;
	struct image_output out;
	char why[IMAGE_WHY];
};

static void make_elf(struct elf_file *e, uint64_t vaddr, uint64_t paddr)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->header.e_ident, ELFMAG, SELFMAG);
	e->header.e_ident[EI_CLASS] = ELFCLASS64;
	e->header.e_ident[EI_DATA] = ELFDATA2LSB;
	e->header.e_type = ET_EXEC;
	e->header.e_machine = EM_AARCH64;
	e->header.e_entry = vaddr + 8;
	e->header.e_phoff = offsetof(struct elf_file, program);
	e->header.e_phentsize = sizeof(Elf64_Phdr);
	e->header.e_phnum = SEGMENTS;
	e->header.e_shoff = offsetof(struct elf_file, section);
	e->header.e_shentsize = sizeof(Elf64_Shdr);
	e->header.e_shnum = ARRAY_SIZE(e->section);
	for (unsigned i = 0; i < SEGMENTS; i++) {
		/* In descending order, to be sorted. */
		uint64_t at = (SEGMENTS - 1 - i) * UINT64_C(0x2000);

		e->program[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_offset = offsetof(struct elf_file, payload) + i * PAYLOAD,
			.p_vaddr = vaddr + at,
			.p_paddr = paddr + at,
			.p_filesz = PAYLOAD,
			.p_memsz = 0x1800,
		};
		memset(e->payload[i], (int)(0x10 + i), PAYLOAD);
	}
	e->section[1] = (Elf64_Shdr){
		.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(struct elf_file, symbol),
		.sh_size = sizeof(e->symbol),
		.sh_link = 2,
	};
	e->section[2] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct elf_file, strings),
		.sh_size = sizeof(e->strings),
	};
}

/* Up to three symbols; an empty name is none. */
static void name_symbols(struct elf_file *e, uint64_t stacks, const char *second, const char *third)
{
	strcpy(e->strings + 1, "kernel_stack_alloc");
	strcpy(e->strings + 32, second);
	strcpy(e->strings + 64, third);
	e->symbol[0] = (Elf64_Sym){ .st_name = 1, .st_size = stacks };
	e->symbol[1] = (Elf64_Sym){ .st_name = 32 };
	e->symbol[2] = (Elf64_Sym){ .st_name = 64 };
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memcpy(w->loader + 56, "ARM\x64", 4);
	make_elf(&w->kernel, WINDOW + 0x60000000, 0x60000000);
	make_elf(&w->root, 0x400000, 0x400000);
	w->entries[0] = (struct image_file){ "small", "abc", 3 };
	w->entries[1] = (struct image_file){ "large", calloc(1, 0x200001), 0x200001 };
	w->entries[2] = (struct image_file){ "empty", NULL, 0 };
	w->in = (struct image_input){
		.loader = { "loader.bin", w->loader, LOADER },
		.kernel = { "kernel.elf", &w->kernel, sizeof(w->kernel) },
		.root = { "root.elf", &w->root, sizeof(w->root) },
		.description = { "description", "DTB!", 4 },
		.entries = w->entries,
		.entry_count = 3,
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free((void *)(uintptr_t)w->entries[1].data);
	free(w->out.data);
	free(w);
	return 0;
}

static void good(struct world *w)
{
	free(w->out.data);
	w->out.data = NULL;
	w->why[0] = '\0';
	assert_int_equal(image_build(&w->in, &w->out, w->why), VMM_OK);
}

/* Fails, says `what` and leaves the output alone. */
static void bad(struct world *w, const char *what)
{
	struct image_output before = w->out;

	memset(w->why, 0, sizeof(w->why));
	assert_int_equal(image_build(&w->in, &w->out, w->why), VMM_ERR_INVALID);
	if (strstr(w->why, what) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", w->why, what);
	assert_ptr_equal(w->out.data, before.data);
}

static const struct vmm_image_manifest *manifest(const struct world *w)
{
	return (const void *)(w->out.data + LOADER);
}

static void packs_everything(void **state)
{
	struct world *w = *state;
	const struct vmm_image_manifest *m;
	const struct vmm_blob *blob;
	uint64_t size;

	good(w);
	m = manifest(w);
	assert_int_equal(m->magic, VMM_IMAGE_MAGIC);
	assert_int_equal(m->image_size, w->out.size);
	memcpy(&size, w->out.data + 16, sizeof(size));
	assert_int_equal(size, w->out.size);
	assert_int_equal(m->kernel_entry, WINDOW + 0x60000008);
	assert_int_equal(m->kernel_offset, WINDOW);
	assert_int_equal(m->kernel_start, 0x60000000);
	assert_int_equal(m->kernel_end, 0x60004000);
	assert_int_equal(m->user_vaddr, 0x400000);
	assert_int_equal(m->blob_user_offset, 0x4000);
	assert_int_equal(m->cores, 0);
	blob = (const void *)(w->out.data + m->blob_offset);
	assert_int_equal(blob->magic, VMM_BLOB_MAGIC);
	assert_int_equal(blob->entry_count, 3);
	assert_int_equal(blob->size, m->blob_size);
	assert_memory_equal((const char *)blob + blob->description_offset, "DTB!", 4);
	assert_int_equal(m->archive_offset % MIB(2), 0);
	assert_int_equal(m->archive_offset + blob->archive_size, m->image_size);
	assert_string_equal(blob->entries[1].name, "large");
	assert_int_equal(blob->entries[1].offset % MIB(2), 0);
	assert_int_equal(blob->entries[1].size, 0x200001);
	assert_memory_equal(w->out.data + m->archive_offset + blob->entries[0].offset, "abc", 3);
}

static void pieces_hold_the_segments(void **state)
{
	struct world *w = *state;
	const struct vmm_image_manifest *m;

	good(w);
	m = manifest(w);
	assert_int_equal(m->kernel_pieces, SEGMENTS);
	assert_int_equal(m->user_pieces, SEGMENTS);
	for (unsigned i = 0; i < 2 * SEGMENTS; i++) {
		const struct vmm_image_piece *p = &m->pieces[i];
		unsigned char want[PAYLOAD];

		memset(want, (int)(0x11 - i % SEGMENTS), PAYLOAD);
		assert_memory_equal(w->out.data + p->offset, want, PAYLOAD);
		assert_int_equal(p->file_size, PAYLOAD);
		assert_int_equal(p->mem_size, 0x1800);
		assert_int_equal(p->address,
				 (i < SEGMENTS ? 0x60000000 : 0) + i % SEGMENTS * 0x2000);
	}
}

static void knows_sel4_configurations(void **state)
{
	struct world *w = *state;

	name_symbols(&w->kernel, 4 * 4096, "", "gic_rdist_map");
	bad(w, "kernel.elf: is a seL4 kernel without MCS");
	name_symbols(&w->kernel, 4 * 4096, "refill_new", "");
	bad(w, "without GIC virtualisation");
	name_symbols(&w->kernel, 4 * 4096, "refill_new", "gic_rdist_map");
	good(w);
	assert_int_equal(manifest(w)->cores, 4);
	assert_int_equal(manifest(w)->gic_version, 3);
	name_symbols(&w->kernel, 4096, "refill_new", "gic_vcpu_ctrl");
	good(w);
	assert_int_equal(manifest(w)->cores, 1);
	assert_int_equal(manifest(w)->gic_version, 2);
	assert_false(w->out.kernel_unknown);
	/* Stripped: nothing can be told, and it is packed all the same. */
	w->kernel.header.e_shnum = 0;
	good(w);
	assert_true(w->out.kernel_unknown);
	assert_int_equal(manifest(w)->cores, 0);
	assert_int_equal(manifest(w)->gic_version, 0);
}

static void refuses_wrong_kernels(void **state)
{
	struct world *w = *state;
	struct elf_file *k = &w->kernel;

	k->header.e_ident[0] = 'x';
	bad(w, "kernel.elf: is not an ELF file");
	make_elf(k, 0x60000000, 0x60000000);
	bad(w, "is not a kernel for EL2");
	make_elf(k, WINDOW + 0x60000000, 0x60000000);
	k->header.e_machine = EM_X86_64;
	bad(w, "another machine");
	make_elf(k, WINDOW + 0x60000000, 0x60000000);
	k->header.e_ident[EI_CLASS] = ELFCLASS32;
	bad(w, "not a 64-bit");
	make_elf(k, WINDOW + 0x60000000, 0x60000000);
	k->header.e_ident[EI_DATA] = ELFDATA2MSB;
	bad(w, "not a little-endian");
	make_elf(k, WINDOW + 0x60000000, 0x60000000);
	k->header.e_type = ET_DYN;
	bad(w, "fixed addresses");
	/* Where the image itself lies. */
	make_elf(k, WINDOW + 0x40200000, 0x40200000);
	bad(w, "would reach");
}

static void refuses_damaged_headers(void **state)
{
	struct world *w = *state;
	struct elf_file *r = &w->root;

	r->header.e_phnum = 0;
	bad(w, "root.elf: has no program headers");
	make_elf(r, 0x400000, 0);
	r->header.e_phoff = UINT64_MAX - 8;
	bad(w, "program headers lie behind its end");
	make_elf(r, 0x400000, 0);
	r->program[0].p_offset = UINT64_MAX - 8;
	bad(w, "a segment lies behind its end");
	make_elf(r, 0x400000, 0);
	r->program[0].p_filesz = 0x1801;
	r->program[0].p_memsz = 0x1800;
	bad(w, "root.elf:");
	make_elf(r, 0x400000, 0);
	r->program[0].p_memsz = PAYLOAD - 1;
	bad(w, "larger in the file than in memory");
	make_elf(r, 0x400000, 0);
	r->program[0].p_vaddr = UINT64_MAX - 0x1000;
	bad(w, "wraps around");
	make_elf(r, 0x400000, 0);
	r->program[0].p_vaddr = 0x401000;
	bad(w, "overlapping");
	make_elf(r, 0x400000, 0);
	r->header.e_entry = 0x3ffffc;
	bad(w, "entry point outside");
	make_elf(r, 0x400000, 0);
	r->program[0].p_type = r->program[1].p_type = PT_NOTE;
	bad(w, "nothing to load");
	make_elf(r, 0x400000, 0);
	r->program[0].p_vaddr = 0x40000000;
	bad(w, "more than the 256 allowed");
}

static void refuses_short_files(void **state)
{
	struct world *w = *state;

	/* Symbols lie behind the payload: whoever loses them only is still a program. */
	for (size_t size = 0; size < offsetof(struct elf_file, section); size++) {
		unsigned char *copy = malloc(size + 1); /* exactly as long, for the sanitizer */

		memcpy(copy, &w->root, size);
		w->in.root = (struct image_file){ "short.elf", copy, size };
		bad(w, "short.elf:");
		free(copy);
	}
}

static void refuses_wrong_loader(void **state)
{
	struct world *w = *state;

	w->loader[56] = 'x';
	bad(w, "loader.bin: is not this project's loader");
	w->loader[56] = 'A';
	w->in.loader.size = 100;
	bad(w, "loader.bin:");
	w->in.loader.size = 10;
	bad(w, "loader.bin:");
}

static void refuses_wrong_entries(void **state)
{
	static const char long_name[] = "a name of forty-eight bytes is too long by one..";
	struct image_file many[VMM_BLOB_ENTRIES + 1];
	struct world *w = *state;

	w->entries[2].name = "small";
	bad(w, "\"small\": there are two");
	w->entries[2].name = "";
	bad(w, "a name has");
	assert_int_equal(strlen(long_name), VMM_BLOB_NAME);
	w->entries[2].name = long_name;
	bad(w, "a name has");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = w->entries[0];
	w->in.entries = many;
	w->in.entry_count = ARRAY_SIZE(many);
	bad(w, "more than the 64 allowed");
}

/* A symbol table that lies is no symbol table; it never leads outside the file. */
static void survives_damaged_symbols(void **state)
{
	struct world *w = *state;
	struct elf_file *k = &w->kernel;

	name_symbols(k, 4096, "", "");
	k->section[1].sh_size = UINT64_MAX;
	good(w);
	k->section[1].sh_size = sizeof(k->symbol);
	k->section[1].sh_link = 77;
	good(w);
	k->section[1].sh_link = 2;
	k->symbol[0].st_name = UINT32_MAX;
	good(w);
	k->header.e_shoff = UINT64_MAX - 4;
	good(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packs_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_hold_the_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_sel4_configurations, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_wrong_kernels, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_damaged_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_short_files, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_wrong_loader, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_wrong_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_damaged_symbols, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
