// SPDX-License-Identifier: BSD-2-Clause
/*
 * The loaders and the device tree, from the outside: a configuration goes in, guest RAM comes out.
 *
 * Every test starts from the same good VM (64 MiB of RAM, an arm64 Image, two devices) and changes
 * one thing. Refusals are checked by their text, since that is what a user will see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "vmm/base/util.h"
#include "vmm/boot/boot.h"

enum {
	RAM_GPA = 0x40000000,
	RAM_SIZE = 64 << 20,
	IMAGE_SIZE = 0x3000,
	IMAGE_MEMORY = 0x8000, /* with the bss that is not in the file */
};

struct fixture {
	struct vmm_config config;
	struct boot_entry entry;
	struct boot_error error;
	struct seed seed, *from; /* `from`: what is loaded with; NULL at first */
	unsigned char *ram;
	unsigned char image[IMAGE_SIZE];
	unsigned char initrd[5000];
	unsigned char tree[16384];
};

static void put(unsigned char *at, uint64_t value, unsigned size)
{
	memcpy(at, &value, size);
}

static void make_image(unsigned char *image)
{
	for (unsigned i = 0; i < IMAGE_SIZE; i++)
		image[i] = (unsigned char)(i * 7 + 1);
	memset(image, 0, 64);
	put(image, 0x14000010, 4);
	put(image + 16, IMAGE_MEMORY, 8);
	put(image + 24, 0xa, 8);
	memcpy(image + 56, "ARM\x64", 4);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct vmm_config *c = &f->config;

	f->ram = calloc(1, RAM_SIZE);
	make_image(f->image);
	memset(f->initrd, 0xd7, sizeof(f->initrd));
	*c = (struct vmm_config){
		.vcpu_count = 2,
		.gic_version = 3,
		.ram_count = 1,
		.device_count = 2,
		.gicd_gpa = 0x08000000,
		.gicr_gpa = 0x080a0000,
		.gicc_gpa = 0x08010000,
		.cmdline = "console=ttyAMA0",
	};
	c->vcpus[1].mpidr = 1;
	c->ram[0] = (struct vmm_config_range){
		.gpa = RAM_GPA,
		.host = (uintptr_t)f->ram,
		.size = RAM_SIZE,
	};
	c->devices[0] = (struct vmm_config_device){
		.kind = VMM_DEVICE_PL011,
		.intid = 33,
		.gpa = 0x09000000,
		.size = 0x1000,
	};
	c->devices[1] = (struct vmm_config_device){
		.kind = VMM_DEVICE_PL031,
		.intid = 34,
		.gpa = 0x09010000,
		.size = 0x1000,
	};
	c->kernel = (struct vmm_config_image){
		.host = (uintptr_t)f->image,
		.size = sizeof(f->image),
		.kind = VMM_IMAGE_LINUX,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->ram);
	free(f);
	return 0;
}

static void load_ok(struct fixture *f)
{
	enum vmm_err err = boot_load(&f->config, f->from, &f->entry, &f->error);

	if (err != VMM_OK)
		print_error("boot_load: %s\n", f->error.text);
	assert_int_equal(err, VMM_OK);
}

static void load_refused(struct fixture *f, enum vmm_err want, const char *text)
{
	struct boot_entry untouched = f->entry;
	enum vmm_err err = boot_load(&f->config, f->from, &f->entry, &f->error);

	assert_int_equal(err, want);
	if (strstr(f->error.text, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->error.text, text);
	assert_memory_equal(&untouched, &f->entry, sizeof(untouched));
}

static const unsigned char *at(const struct fixture *f, uint64_t gpa)
{
	assert_true(gpa >= RAM_GPA && gpa < RAM_GPA + RAM_SIZE);
	return f->ram + (gpa - RAM_GPA);
}

static const void *tree_of(const struct fixture *f)
{
	const void *fdt = at(f, f->entry.dtb);

	assert_int_equal(fdt_check_full(fdt, RAM_SIZE - (f->entry.dtb - RAM_GPA)), 0);
	return fdt;
}

static const void *property(const void *fdt, const char *path, const char *name, int want_length)
{
	int length = -1;
	const void *value = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &length);

	if (value == NULL || (want_length >= 0 && length != want_length))
		fail_msg("%s/%s: length %d, not %d", path, name, length, want_length);
	return value;
}

static uint32_t cell(const void *fdt, const char *path, const char *name, unsigned index)
{
	const unsigned char *value = property(fdt, path, name, -1);

	return fdt32_ld((const fdt32_t *)(const void *)(value + 4 * index));
}

static void absent(const void *fdt, const char *path, const char *name)
{
	assert_null(fdt_getprop(fdt, fdt_path_offset(fdt, path), name, NULL));
}

/* Images. */

static void image_is_copied_and_its_bss_cleared(void **state)
{
	struct fixture *f = *state;

	memset(f->ram, 0xee, IMAGE_MEMORY + 16);
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA);
	assert_memory_equal(f->ram, f->image, IMAGE_SIZE);
	for (unsigned i = IMAGE_SIZE; i < IMAGE_MEMORY; i++)
		assert_int_equal(f->ram[i], 0);
	assert_int_equal(f->ram[IMAGE_MEMORY], 0xee);
}

static void image_goes_to_text_offset(void **state)
{
	struct fixture *f = *state;

	put(f->image + 8, 0x80000, 8);
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + 0x80000);
	assert_memory_equal(f->ram + 0x80000, f->image, IMAGE_SIZE);

	put(f->image + 8, 0, 8);
	put(f->image + 16, 0, 8); /* before 3.17 */
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + 0x80000);
}

static void image_goes_where_it_is_told(void **state)
{
	struct fixture *f = *state;

	f->config.kernel.gpa = RAM_GPA + (6 << 20);
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + (6 << 20));
	f->config.kernel.gpa += 4096;
	load_refused(f, VMM_ERR_RANGE, "not a multiple of 2 MiB");
}

static void images_that_are_none_are_refused(void **state)
{
	struct fixture *f = *state;

	f->image[57] = 'X';
	load_refused(f, VMM_ERR_INVALID,
		     "not an arm64 Image: magic 0x644d5841 at offset 56, not 0x644d5241");
	put(f->image, 0x8b1f, 2);
	load_refused(f, VMM_ERR_INVALID, "gzip");
	f->config.kernel.size = 63;
	put(f->image, 0, 2);
	load_refused(f, VMM_ERR_INVALID, "not an arm64 Image: 63 bytes");
	f->config.kernel.size = 0;
	load_refused(f, VMM_ERR_INVALID, "there is none");
	f->config.kernel.size = sizeof(f->image);
	f->config.kernel.kind = 77;
	load_refused(f, VMM_ERR_UNSUPPORTED, "kind 77");
}

static void image_of_the_other_endianness_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f->image + 24, 0xb, 8);
	load_refused(f, VMM_ERR_UNSUPPORTED, "big-endian");
}

static void image_with_wild_text_offset_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f->image + 8, UINT64_MAX - 3, 8);
	load_refused(f, VMM_ERR_INVALID, "text_offset");
}

static void image_larger_than_ram_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f->image + 16, RAM_SIZE + 1, 8);
	load_refused(f, VMM_ERR_RANGE, "kernel: 67108865 bytes at 0x40000000 do not fit in RAM");
	put(f->image + 16, UINT64_MAX, 8);
	load_refused(f, VMM_ERR_RANGE, "do not fit in RAM");
}

/* A kernel with an EFI stub, whose section table says how long the file must be. */
static void make_pe(struct fixture *f)
{
	unsigned char *pe = f->image + 64;

	put(f->image, 0x5a4d, 2);
	put(f->image + 60, 64, 4);
	memset(pe, 0, 24 + 16 + 2 * 40);
	put(pe, 0x4550, 4);
	put(pe + 6, 2, 2);
	put(pe + 20, 16, 2);
	put(pe + 40 + 16, 0x1000, 4);
	put(pe + 40 + 20, 0x1000, 4);
	put(pe + 80 + 16, 0x1000, 4);
	put(pe + 80 + 20, 0x2000, 4);
}

static void image_that_is_cut_short_is_refused(void **state)
{
	struct fixture *f = *state;

	make_pe(f);
	load_ok(f);
	f->config.kernel.size--;
	load_refused(f, VMM_ERR_INVALID, "cut short: its sections end at 12288, the file at 12287");
	f->config.kernel.size = 64 + 24 + 16 + 79;
	load_refused(f, VMM_ERR_INVALID, "cut short");
	f->config.kernel.size = 64 + 23;
	load_refused(f, VMM_ERR_INVALID, "cut short");
	put(f->image + 60, UINT32_MAX, 4);
	load_refused(f, VMM_ERR_INVALID, "cut short");
}

/* Nothing is read past the end of the file, wherever its tables say they are. */
static void section_table_is_read_in_the_file_alone(void **state)
{
	struct fixture *f = *state;
	const unsigned whole = 64 + 24 + 16 + 2 * 40;

	make_pe(f);
	for (unsigned size = 64; size < whole; size++) {
		unsigned char *exact = malloc(size); /* the sanitizer watches its end */

		memcpy(exact, f->image, size);
		f->config.kernel.host = (uintptr_t)exact;
		f->config.kernel.size = size;
		load_refused(f, VMM_ERR_INVALID, "cut short");
		free(exact);
	}
}

/* No stub, or none of PE's: the header's own size counts. */
static void image_without_a_section_table_is_taken_at_its_word(void **state)
{
	struct fixture *f = *state;

	make_pe(f);
	f->config.kernel.size = 0x2000;
	load_refused(f, VMM_ERR_INVALID, "cut short");
	put(f->image + 64, 0x4551, 4);
	load_ok(f);
	make_pe(f);
	put(f->image, 0x5a4e, 2);
	load_ok(f);
}

static void raw_image_goes_to_its_address(void **state)
{
	struct fixture *f = *state;

	f->config.kernel.kind = VMM_IMAGE_RAW;
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA);
	f->config.kernel.gpa = RAM_GPA + 0x1234;
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + 0x1234);
	assert_memory_equal(f->ram + 0x1234, f->image, IMAGE_SIZE);
	f->config.kernel.gpa = RAM_GPA + 2;
	load_refused(f, VMM_ERR_INVALID, "no address of code");
	f->config.kernel.gpa = RAM_GPA - 4;
	load_refused(f, VMM_ERR_RANGE, "do not fit");
}

/* ELF. */

static void make_elf(struct fixture *f)
{
	unsigned char *e = f->image;

	memset(e, 0, 0x1000);
	memcpy(e, "\177ELF\2\1\1", 7);
	put(e + 16, 2, 2);
	put(e + 18, 183, 2);
	put(e + 24, 0xffff000000000010, 8); /* entry */
	put(e + 32, 64, 8);                 /* phoff */
	put(e + 54, 56, 2);
	put(e + 56, 3, 2);
	for (unsigned i = 0; i < 2; i++) {
		unsigned char *p = e + 64 + i * 56;

		put(p, 1, 4);
		put(p + 8, 0x1000 * (i + 1), 8);
		put(p + 16, 0xffff000000000000 + i * 0x10000, 8);
		put(p + 24, RAM_GPA + 0x100000 + i * 0x10000, 8);
		put(p + 32, 0x800, 8);
		put(p + 40, 0x900, 8);
	}
	f->config.kernel.kind = VMM_IMAGE_ELF;
}

static unsigned char *segment(struct fixture *f, unsigned index)
{
	return f->image + 64 + index * 56;
}

static void elf_segments_are_loaded(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	memset(f->ram + 0x100000, 0xee, 0x20000);
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + 0x100010);
	assert_memory_equal(f->ram + 0x100000, f->image + 0x1000, 0x800);
	assert_memory_equal(f->ram + 0x110000, f->image + 0x2000, 0x800);
	for (unsigned i = 0x800; i < 0x900; i++)
		assert_int_equal(f->ram[0x110000 + i], 0);
	assert_int_equal(f->ram[0x110900], 0xee);
}

/* What takes no memory may say what it likes. */
static void elf_segments_that_are_not_loaded_do_not_matter(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	put(f->image + 56, 4, 2);
	memset(segment(f, 2), 0xff, 2 * 56);
	put(segment(f, 2), 4, 4); /* PT_NOTE */
	put(segment(f, 3), 1, 4); /* PT_LOAD of nothing */
	put(segment(f, 3) + 40, 0, 8);
	load_ok(f);
	assert_int_equal(f->entry.pc, RAM_GPA + 0x100010);
}

static void elf_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;

	f->config.kernel.kind = VMM_IMAGE_ELF;
	load_refused(f, VMM_ERR_INVALID, "not an ELF file: it begins with 10 00 00 14");
	f->config.kernel.size = 10;
	load_refused(f, VMM_ERR_INVALID, "not an ELF file: 10 bytes");
	f->config.kernel.size = IMAGE_SIZE;
	make_elf(f);
	put(f->image + 18, 62, 2);
	load_refused(f, VMM_ERR_INVALID, "machine 62");
	make_elf(f);
	put(f->image + 16, 3, 2);
	load_refused(f, VMM_ERR_INVALID, "type 3");
	make_elf(f);
	f->image[4] = 1;
	load_refused(f, VMM_ERR_INVALID, "class 1");
}

static void elf_with_wild_headers_is_refused(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	put(f->image + 32, UINT64_MAX - 8, 8);
	load_refused(f, VMM_ERR_INVALID, "program headers");
	make_elf(f);
	put(f->image + 56, 0xffff, 2);
	load_refused(f, VMM_ERR_INVALID, "program headers");
	make_elf(f);
	put(f->image + 54, 55, 2);
	load_refused(f, VMM_ERR_INVALID, "program headers");
}

static void elf_with_wild_segments_is_refused(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	put(segment(f, 1) + 8, UINT64_MAX - 0x7ff, 8);
	load_refused(f, VMM_ERR_INVALID, "ELF segment 1");
	make_elf(f);
	put(segment(f, 1) + 40, 0x7ff, 8);
	load_refused(f, VMM_ERR_INVALID, "ELF segment 1");
	make_elf(f);
	put(segment(f, 1) + 24, 0, 8);
	load_refused(f, VMM_ERR_RANGE, "do not fit in RAM");
	make_elf(f);
	put(segment(f, 1) + 40, UINT64_MAX, 8);
	load_refused(f, VMM_ERR_RANGE, "do not fit in RAM");
	make_elf(f);
	put(segment(f, 1) + 24, RAM_GPA + 0x1008ff, 8);
	load_refused(f, VMM_ERR_RANGE, "overlap kernel segment");
	make_elf(f);
	put(f->image + 24, 0xffff000000000900, 8);
	load_refused(f, VMM_ERR_INVALID, "entry point");
	make_elf(f);
	put(f->image + 24, 0xffff000000000012, 8);
	load_refused(f, VMM_ERR_INVALID, "entry point");
	make_elf(f); /* no address of code where the MMU is off */
	put(segment(f, 0) + 24, RAM_GPA + 0x100002, 8);
	load_refused(f, VMM_ERR_INVALID, "entry point");
}

static void nothing_is_written_when_a_segment_does_not_fit(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	put(segment(f, 1) + 24, 0, 8);
	load_refused(f, VMM_ERR_RANGE, "do not fit");
	for (unsigned i = 0; i < RAM_SIZE; i += 16)
		assert_int_equal(f->ram[i], 0);
}

static void elf_with_too_many_segments_is_refused(void **state)
{
	struct fixture *f = *state;

	make_elf(f);
	put(f->image + 56, 17, 2);
	for (unsigned i = 0; i < 17; i++) {
		put(segment(f, i), 1, 4);
		put(segment(f, i) + 24, RAM_GPA + i * 0x1000, 8);
		put(segment(f, i) + 32, 0, 8);
		put(segment(f, i) + 40, 16, 8);
	}
	load_refused(f, VMM_ERR_UNSUPPORTED, "more than 16 segments");
}

/* Placement. */

static void use_initrd(struct fixture *f)
{
	f->config.initrd = (struct vmm_config_image){
		.host = (uintptr_t)f->initrd,
		.size = sizeof(f->initrd),
		.kind = VMM_IMAGE_RAW,
	};
}

static void initrd_lies_whole_in_ram_and_the_tree_names_it(void **state)
{
	struct fixture *f = *state;
	const unsigned char *prop;
	uint64_t start;
	const void *fdt;

	use_initrd(f);
	load_ok(f);
	fdt = tree_of(f);
	prop = property(fdt, "/chosen", "linux,initrd-start", 8);
	start = fdt64_ld((const fdt64_t *)(const void *)prop);
	assert_int_equal(start % 4096, 0);
	assert_memory_equal(at(f, start), f->initrd, sizeof(f->initrd));
	prop = property(fdt, "/chosen", "linux,initrd-end", 8);
	assert_int_equal(fdt64_ld((const fdt64_t *)(const void *)prop), start + sizeof(f->initrd));
}

static void initrd_goes_where_it_is_told(void **state)
{
	struct fixture *f = *state;

	use_initrd(f);
	f->config.initrd.gpa = RAM_GPA + (2 << 20) + 8;
	load_ok(f);
	assert_memory_equal(f->ram + (2 << 20) + 8, f->initrd, sizeof(f->initrd));
	f->config.initrd.gpa++;
	load_refused(f, VMM_ERR_INVALID, "multiple of 8");
	f->config.initrd.gpa = RAM_GPA + IMAGE_MEMORY - 8;
	load_refused(f, VMM_ERR_RANGE,
		     "initrd: 5000 bytes at 0x40007ff8 overlap kernel (32768 bytes at 0x40000000)");
	f->config.initrd.gpa = RAM_GPA + RAM_SIZE - 4096;
	load_refused(f, VMM_ERR_RANGE, "initrd: 5000 bytes at 0x43fff000 do not fit in RAM");
}

static void small_ram_is_refused_by_name(void **state)
{
	struct fixture *f = *state;

	use_initrd(f);
	f->config.ram[0].size = IMAGE_MEMORY + 4096;
	load_refused(f, VMM_ERR_RANGE, "initrd: no room for 5000 bytes");
	f->config.ram[0].size = IMAGE_MEMORY + 8192;
	load_refused(f, VMM_ERR_RANGE, "device tree: no room");
	f->config.initrd.size = INT32_MAX; /* more than lies below RAM, too */
	load_refused(f, VMM_ERR_RANGE, "initrd: no room");
}

static void what_is_free_goes_to_the_top_and_overlaps_nothing(void **state)
{
	struct fixture *f = *state;
	const struct boot_range *w = f->entry.written;

	use_initrd(f);
	load_ok(f);
	assert_int_equal(f->entry.written_count, 3);
	for (uint32_t i = 0; i < f->entry.written_count; i++) {
		assert_true(range_inside(w[i].host, w[i].size, (uintptr_t)f->ram, RAM_SIZE));
		for (uint32_t j = 0; j < i; j++)
			assert_true(w[i].host >= w[j].host + w[j].size ||
				    w[j].host >= w[i].host + w[i].size);
	}
	assert_true(f->entry.dtb > RAM_GPA + RAM_SIZE - (64 << 10));
}

static void second_ram_range_is_used_when_the_first_is_full(void **state)
{
	struct fixture *f = *state;

	use_initrd(f);
	f->config.ram_count = 2;
	f->config.ram[1] = (struct vmm_config_range){
		.gpa = 0x80000000,
		.host = (uintptr_t)f->ram + (8 << 20),
		.size = 1 << 20,
	};
	f->config.ram[0].size = IMAGE_MEMORY;
	load_ok(f);
	assert_true(f->entry.dtb >= 0x80000000 && f->entry.dtb < 0x80100000);
}

static void bad_configurations_are_refused(void **state)
{
	struct fixture *f = *state;
	struct vmm_config good = f->config;

	f->config.ram_count = 0;
	load_refused(f, VMM_ERR_INVALID, "0 RAM ranges");
	f->config.ram_count = 5;
	load_refused(f, VMM_ERR_INVALID, "5 RAM ranges");
	f->config = good;
	f->config.ram[0].host = 0;
	load_refused(f, VMM_ERR_INVALID, "RAM range 0");
	f->config.ram[0] = (struct vmm_config_range){ .gpa = RAM_GPA, .host = 4096 };
	load_refused(f, VMM_ERR_INVALID, "RAM range 0");
	f->config = good;
	f->config.ram[0].gpa = UINT64_MAX - 4096;
	load_refused(f, VMM_ERR_INVALID, "RAM range 0");
	f->config = good;
	f->config.ram_count = 2;
	f->config.ram[1] = good.ram[0];
	load_refused(f, VMM_ERR_INVALID, "overlap");
	f->config = good;
	f->config.vcpu_count = 0;
	load_refused(f, VMM_ERR_INVALID, "0 vCPUs");
	f->config.vcpu_count = 9;
	load_refused(f, VMM_ERR_INVALID, "9 vCPUs");
	f->config = good;
	f->config.gic_version = 4;
	load_refused(f, VMM_ERR_INVALID, "GIC version 4");
	f->config = good;
	memset(f->config.cmdline, 'x', sizeof(f->config.cmdline));
	load_refused(f, VMM_ERR_INVALID, "command line");
	f->config = good;
	f->config.kernel.host = UINT64_MAX - 10;
	load_refused(f, VMM_ERR_INVALID, "kernel");
}

/* The generated tree. */

static void tree_names_the_machine_gicv3(void **state)
{
	struct fixture *f = *state;
	const void *fdt;

	load_ok(f);
	fdt = tree_of(f);
	assert_string_equal(property(fdt, "/chosen", "bootargs", -1), "console=ttyAMA0");
	assert_string_equal(property(fdt, "/chosen", "stdout-path", -1), "serial0");
	assert_string_equal(property(fdt, "/aliases", "serial0", -1), "/serial@9000000");
	assert_int_equal(cell(fdt, "/memory@40000000", "reg", 1), RAM_GPA);
	assert_int_equal(cell(fdt, "/memory@40000000", "reg", 3), RAM_SIZE);
	assert_string_equal(property(fdt, "/cpus/cpu@1", "enable-method", -1), "psci");
	assert_int_equal(cell(fdt, "/cpus/cpu@1", "reg", 1), 1);
	assert_true(fdt_path_offset(fdt, "/cpus/cpu@2") < 0);
	assert_string_equal(property(fdt, "/psci", "method", 4), "smc");
	assert_string_equal(property(fdt, "/interrupt-controller@8000000", "compatible", -1),
			    "arm,gic-v3");
	assert_int_equal(cell(fdt, "/interrupt-controller@8000000", "reg", 5), 0x080a0000);
	assert_int_equal(cell(fdt, "/interrupt-controller@8000000", "reg", 7), 2 * 0x20000);
	assert_int_equal(cell(fdt, "/timer", "interrupts", 7), 11);
	assert_int_equal(cell(fdt, "/timer", "interrupts", 8), 8);
	assert_int_equal(cell(fdt, "/serial@9000000", "interrupts", 1), 1);
	assert_int_equal(cell(fdt, "/rtc@9010000", "interrupts", 1), 2);
}

static void tree_names_the_machine_gicv2(void **state)
{
	struct fixture *f = *state;
	const void *fdt;

	f->config.gic_version = 2;
	f->config.hvc = 1;
	load_ok(f);
	fdt = tree_of(f);
	assert_string_equal(property(fdt, "/psci", "method", 4), "hvc");
	assert_string_equal(property(fdt, "/interrupt-controller@8000000", "compatible", -1),
			    "arm,gic-400");
	assert_int_equal(cell(fdt, "/interrupt-controller@8000000", "reg", 5), 0x08010000);
	assert_int_equal(cell(fdt, "/timer", "interrupts", 8), 0x308);
}

static void add_pci(struct fixture *f)
{
	f->config.pci = (struct vmm_config_pci){
		.ecam_gpa = 0x3f000000,
		.ecam_size = 0x100000,
		.low_gpa = 0x10000000,
		.low_size = 0x1000000,
		.high_gpa = UINT64_C(0x8000000000),
		.high_size = 0x40000000,
		.msi_gpa = 0x08020000,
		.msi_first = 96,
		.msi_count = 64,
		.intx_first = 35,
	};
}

static void tree_has_a_pci_bus(void **state)
{
	static const char path[] = "/pcie@3f000000";
	static const char frame[] = "/interrupt-controller@8000000/v2m@8020000";
	struct fixture *f = *state;
	const void *fdt;
	uint32_t gic;

	load_ok(f);
	assert_true(fdt_path_offset(tree_of(f), path) < 0);
	add_pci(f);
	load_ok(f);
	fdt = tree_of(f);
	gic = cell(fdt, "/interrupt-controller@8000000", "phandle", 0);
	assert_string_equal(property(fdt, path, "compatible", -1), "pci-host-ecam-generic");
	assert_int_equal(cell(fdt, path, "reg", 1), 0x3f000000);
	assert_int_equal(cell(fdt, path, "reg", 3), 0x100000);
	(void)property(fdt, path, "ranges", 14 * 4);
	assert_int_equal(cell(fdt, path, "ranges", 0), 0x02000000);
	assert_int_equal(cell(fdt, path, "ranges", 2), 0x10000000);
	assert_int_equal(cell(fdt, path, "ranges", 4), 0x10000000);
	assert_int_equal(cell(fdt, path, "ranges", 7), 0x03000000);
	assert_int_equal(cell(fdt, path, "ranges", 8), 0x80);
	assert_int_equal(cell(fdt, path, "ranges", 13), 0x40000000);
	/* INTA# of slot n is line n modulo 4. */
	(void)property(fdt, path, "interrupt-map", 4 * 10 * 4);
	for (unsigned slot = 0; slot < 4; slot++) {
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10), slot << 11);
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10 + 3), 1);
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10 + 4), gic);
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10 + 7), 0);
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10 + 8), 3 + slot);
		assert_int_equal(cell(fdt, path, "interrupt-map", slot * 10 + 9), 4);
	}
	assert_int_equal(cell(fdt, path, "interrupt-map-mask", 0), 0x1800);
	/* The map's rows have room for the GIC's address cells, which its child needs. */
	assert_int_equal(cell(fdt, "/interrupt-controller@8000000", "#address-cells", 0), 2);
	assert_string_equal(property(fdt, frame, "compatible", -1), "arm,gic-v2m-frame");
	assert_int_equal(cell(fdt, path, "msi-map", 1), cell(fdt, frame, "phandle", 0));
	assert_string_equal(property(fdt, "/__symbols__", "pci", -1), path);
}

static void tree_has_a_label_for_everything(void **state)
{
	struct fixture *f = *state;
	const void *fdt;
	int symbols, prop;

	f->config.vcpus[1].mpidr = 0x0100000203;
	load_ok(f);
	fdt = tree_of(f);
	symbols = fdt_path_offset(fdt, "/__symbols__");
	assert_string_equal(property(fdt, "/__symbols__", "uart0", -1), "/serial@9000000");
	assert_string_equal(property(fdt, "/__symbols__", "cpu1", -1), "/cpus/cpu@100000203");
	fdt_for_each_property_offset(prop, fdt, symbols)
	{
		const char *path = fdt_getprop_by_offset(fdt, prop, NULL, NULL);

		assert_true(fdt_path_offset(fdt, path) > 0);
	}
}

static void largest_configuration_fits(void **state)
{
	struct fixture *f = *state;

	add_pci(f);
	f->config.vcpu_count = VMM_CONFIG_VCPUS;
	f->config.device_count = VMM_CONFIG_DEVICES;
	for (unsigned i = 0; i < VMM_CONFIG_VCPUS; i++)
		f->config.vcpus[i].mpidr = 0xff00ff0000 + i;
	for (unsigned i = 0; i < VMM_CONFIG_DEVICES; i++) {
		f->config.devices[i] = f->config.devices[0];
		f->config.devices[i].gpa = 0xfffffffff0000000 + i * 0x10000;
	}
	memset(f->config.cmdline, 'x', sizeof(f->config.cmdline) - 1);
	load_ok(f);
	(void)tree_of(f);
}

/* A user's tree. */

static int make_tree(struct fixture *f, uint32_t root_cells)
{
	void *t = f->tree;

	fdt_create(t, sizeof(f->tree));
	fdt_finish_reservemap(t);
	fdt_begin_node(t, "");
	fdt_property_u32(t, "#address-cells", root_cells);
	fdt_property_u32(t, "#size-cells", root_cells);
	fdt_begin_node(t, "memory@0");
	fdt_property_string(t, "device_type", "memory");
	fdt_property_u64(t, "reg", 0);
	fdt_end_node(t);
	fdt_begin_node(t, "memory");
	fdt_end_node(t);
	fdt_begin_node(t, "chosen");
	fdt_property_string(t, "bootargs", "mine");
	fdt_property_u32(t, "linux,initrd-start", 1);
	fdt_property_u32(t, "linux,initrd-end", 2);
	fdt_end_node(t);
	fdt_begin_node(t, "thing");
	fdt_property_string(t, "compatible", "user,thing");
	fdt_end_node(t);
	fdt_end_node(t);
	fdt_finish(t);
	f->config.dtb = (struct vmm_config_image){
		.host = (uintptr_t)t,
		.size = fdt_totalsize(t),
		.kind = VMM_IMAGE_RAW,
	};
	return (int)fdt_totalsize(t);
}

static void users_tree_is_fixed_up(void **state)
{
	struct fixture *f = *state;
	const void *fdt;

	make_tree(f, 2);
	load_ok(f);
	fdt = tree_of(f);
	assert_string_equal(property(fdt, "/thing", "compatible", -1), "user,thing");
	assert_true(fdt_path_offset(fdt, "/memory@0") < 0);
	assert_true(fdt_path_offset(fdt, "/interrupt-controller@8000000") < 0);
	assert_int_equal(cell(fdt, "/memory@40000000", "reg", 3), RAM_SIZE);
	assert_string_equal(property(fdt, "/chosen", "bootargs", -1), "console=ttyAMA0");
	absent(fdt, "/chosen", "linux,initrd-start");
	absent(fdt, "/chosen", "linux,initrd-end");

	f->config.cmdline[0] = '\0';
	load_ok(f);
	assert_string_equal(property(tree_of(f), "/chosen", "bootargs", -1), "mine");
}

/* Every start has a seed of its own, whoever brought the tree; without one nothing is made up. */
static void guest_gets_a_seed(void **state)
{
	unsigned char seen[4][SEED_BYTES];
	struct fixture *f = *state;

	load_ok(f);
	absent(tree_of(f), "/chosen", "rng-seed");
	f->from = &f->seed;
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2)
			make_tree(f, 2);
		load_ok(f);
		memcpy(seen[i], property(tree_of(f), "/chosen", "rng-seed", SEED_BYTES),
		       SEED_BYTES);
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], SEED_BYTES);
		assert_memory_not_equal(seen[i], f->seed.key, SEED_BYTES);
	}
}

static void users_tree_keeps_its_cells(void **state)
{
	struct fixture *f = *state;

	make_tree(f, 1);
	load_ok(f);
	property(tree_of(f), "/memory@40000000", "reg", 8);
	assert_int_equal(cell(tree_of(f), "/memory@40000000", "reg", 1), RAM_SIZE);
	make_tree(f, 3);
	load_refused(f, VMM_ERR_INVALID, "3 address");
	make_tree(f, 1);
	f->config.ram[0].gpa = 0x100000000;
	load_refused(f, VMM_ERR_RANGE, "needs 2 cells");
}

static void users_tree_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	int size = make_tree(f, 2);

	f->config.dtb.size = (uint64_t)size - 1;
	load_refused(f, VMM_ERR_INVALID, "user's tree: FDT_ERR_");
	f->tree[0] = 0;
	load_refused(f, VMM_ERR_INVALID, "user's tree: FDT_ERR_BADMAGIC");
	f->config.dtb.size = 20;
	load_refused(f, VMM_ERR_INVALID, "user's tree: FDT_ERR_TRUNCATED");
}

/* Found by fuzzing: libfdt 1.6.1 takes the name of such a root for granted. */
static void users_tree_of_an_old_version_is_refused(void **state)
{
	struct fixture *f = *state;

	make_tree(f, 2);
	fdt_set_version(f->tree, 2);
	fdt_set_last_comp_version(f->tree, 2);
	load_refused(f, VMM_ERR_INVALID, "user's tree: FDT_ERR_BADVERSION");
}

/* An overlay that adds `property` to the node labelled `label` of the base tree. */
static void make_overlay(struct fixture *f, const char *label)
{
	void *t = f->tree;

	fdt_create(t, sizeof(f->tree));
	fdt_finish_reservemap(t);
	fdt_begin_node(t, "");
	fdt_begin_node(t, "fragment@0");
	fdt_property_u32(t, "target", 0xffffffff);
	fdt_begin_node(t, "__overlay__");
	fdt_property_string(t, "status", "disabled");
	fdt_end_node(t);
	fdt_end_node(t);
	fdt_begin_node(t, "__fixups__");
	fdt_property_string(t, label, "/fragment@0:target:0");
	fdt_end_node(t);
	fdt_end_node(t);
	fdt_finish(t);
	f->config.overlay = (struct vmm_config_image){
		.host = (uintptr_t)t,
		.size = fdt_totalsize(t),
		.kind = VMM_IMAGE_RAW,
	};
}

static void overlay_is_merged(void **state)
{
	struct fixture *f = *state;

	/* Labels need phandles to be targets; the devices have theirs. */
	make_overlay(f, "uart0");
	load_ok(f);
	assert_string_equal(property(tree_of(f), "/serial@9000000", "status", -1), "disabled");
	make_overlay(f, "rtc0");
	load_ok(f);
	assert_string_equal(property(tree_of(f), "/rtc@9010000", "status", -1), "disabled");
}

static void overlay_leaves_nothing_in_ram(void **state)
{
	struct fixture *f = *state;
	const struct boot_range *last;

	make_overlay(f, "uart0");
	load_ok(f);
	last = &f->entry.written[f->entry.written_count - 1];
	for (uint64_t i = 0; i < last->size; i++)
		assert_int_equal(((const unsigned char *)(uintptr_t)last->host)[i], 0);
}

static void bad_overlays_are_refused(void **state)
{
	struct fixture *f = *state;

	make_overlay(f, "nobody");
	load_refused(f, VMM_ERR_INVALID, "overlay: FDT_ERR_NOTFOUND (a label or target");
	f->config.overlay.size--;
	load_refused(f, VMM_ERR_INVALID, "overlay: FDT_ERR_");
	memset(f->tree, 'z', 100);
	load_refused(f, VMM_ERR_INVALID, "overlay: FDT_ERR_BADMAGIC");
}

static void a_second_start_is_like_the_first(void **state)
{
	struct fixture *f = *state;
	unsigned char *first = malloc(RAM_SIZE);

	use_initrd(f);
	make_overlay(f, "uart0");
	load_ok(f);
	memcpy(first, f->ram, RAM_SIZE);
	memset(f->ram, 0x5a, IMAGE_MEMORY);
	memset(f->ram + (f->entry.dtb - RAM_GPA), 0x5a, 4096);
	load_ok(f);
	assert_memory_equal(first, f->ram, IMAGE_MEMORY);
	assert_memory_equal(first + (f->entry.dtb - RAM_GPA), at(f, f->entry.dtb),
			    fdt_totalsize(tree_of(f)));
	free(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(image_is_copied_and_its_bss_cleared),
		TEST(image_goes_to_text_offset),
		TEST(image_goes_where_it_is_told),
		TEST(images_that_are_none_are_refused),
		TEST(image_of_the_other_endianness_is_refused),
		TEST(image_with_wild_text_offset_is_refused),
		TEST(image_larger_than_ram_is_refused),
		TEST(image_that_is_cut_short_is_refused),
		TEST(image_without_a_section_table_is_taken_at_its_word),
		TEST(section_table_is_read_in_the_file_alone),
		TEST(raw_image_goes_to_its_address),
		TEST(elf_segments_are_loaded),
		TEST(elf_segments_that_are_not_loaded_do_not_matter),
		TEST(elf_that_is_none_is_refused),
		TEST(elf_with_wild_headers_is_refused),
		TEST(elf_with_wild_segments_is_refused),
		TEST(nothing_is_written_when_a_segment_does_not_fit),
		TEST(elf_with_too_many_segments_is_refused),
		TEST(initrd_lies_whole_in_ram_and_the_tree_names_it),
		TEST(initrd_goes_where_it_is_told),
		TEST(small_ram_is_refused_by_name),
		TEST(what_is_free_goes_to_the_top_and_overlaps_nothing),
		TEST(second_ram_range_is_used_when_the_first_is_full),
		TEST(bad_configurations_are_refused),
		TEST(tree_names_the_machine_gicv3),
		TEST(tree_names_the_machine_gicv2),
		TEST(tree_has_a_pci_bus),
		TEST(tree_has_a_label_for_everything),
		TEST(largest_configuration_fits),
		TEST(users_tree_is_fixed_up),
		TEST(users_tree_keeps_its_cells),
		TEST(users_tree_that_is_none_is_refused),
		TEST(users_tree_of_an_old_version_is_refused),
		TEST(guest_gets_a_seed),
		TEST(overlay_is_merged),
		TEST(overlay_leaves_nothing_in_ram),
		TEST(bad_overlays_are_refused),
		TEST(a_second_start_is_like_the_first),
	};

	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
