/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysconf/build: a small system from its files to its image (test/support/systemfiles.h), and each file
 * missing or wrong in turn: the node is named, and no image is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <vmm/image.h>

#include "test/support/systemfiles.h"
#include "vmm/admin/system.h"
#include "vmm/base/util.h"

enum { LOADER = 8192 };

static struct system_files files;

static int setup(void **state)
{
	(void)state;
	system_files_init(&files);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	system_files_fini(&files);
	return 0;
}

static bool build(const char *setting)
{
	const char *const settings[SYSTEM_FILES_SETTINGS] = { setting };

	return system_files_build(&files, settings, true);
}

/* It fails, says `what`, and there is no image. */
static void refused(const char *setting, const char *what)
{
	char image[128];

	if (build(setting))
		fail_msg("built although \"%s\" was to be said", what);
	if (strstr(files.said, what) == NULL)
		fail_msg("\"%s\" is not in:\n%s", what, files.said);
	snprintf(image, sizeof(image), "%s/system.img", files.folder);
	assert_int_not_equal(access(image, F_OK), 0);
}

static const struct vmm_blob_entry *entry(const struct vmm_blob *blob, const char *name)
{
	for (uint32_t i = 0; i < blob->entry_count; i++) {
		if (strcmp(blob->entries[i].name, name) == 0)
			return &blob->entries[i];
	}
	fail_msg("the image has no %s", name);
	return NULL;
}

static void an_image_holds_everything_once(void **state)
{
	const struct vmm_image_manifest *m;
	const struct vmm_blob *blob;
	const unsigned char *archive;

	(void)state;
	assert_true(build(NULL));
	m = (const void *)(files.image.data + LOADER);
	blob = (const void *)(files.image.data + m->blob_offset);
	archive = files.image.data + m->archive_offset;
	assert_int_equal(m->image_size, files.image.size);
	assert_int_equal(blob->entry_count, 7);
	assert_int_equal(entry(blob, "image/kernel")->size, SYSTEM_KERNEL_BYTES);
	assert_int_equal(archive[entry(blob, "image/kernel")->offset], 0x44);
	assert_int_equal(entry(blob, "image/initrd")->size, SYSTEM_INITRD_BYTES);
	assert_memory_equal(archive + entry(blob, "program/vmm")->offset, "\177ELF", 4);
	(void)entry(blob, "program/vmm-small");
	(void)entry(blob, "program/serial");
}

/* The rest of a large image's last page is seen by its VMMs too: nobody's data may lie there. */
static void nothing_shares_a_large_images_pages(void **state)
{
	const struct vmm_image_manifest *m;
	const struct vmm_blob *blob;
	uint64_t start, end;

	(void)state;
	assert_true(build(NULL));
	m = (const void *)(files.image.data + LOADER);
	blob = (const void *)(files.image.data + m->blob_offset);
	start = entry(blob, "image/kernel")->offset;
	end = align_up(start + SYSTEM_KERNEL_BYTES, SYSTEM_LARGE_PAGE);
	assert_int_equal(start % SYSTEM_LARGE_PAGE, 0);
	for (uint32_t i = 0; i < blob->entry_count; i++) {
		if (strcmp(blob->entries[i].name, "image/kernel") != 0)
			assert_true(blob->entries[i].offset + blob->entries[i].size <= start ||
				    blob->entries[i].offset >= end);
	}
}

static void images_nobody_uses_are_left_out(void **state)
{
	const char *const settings[SYSTEM_FILES_SETTINGS] = { "/images/spare:file=no-such-file",
							      "/images/spare:kind=raw" };

	(void)state;
	/* Not even looked for. */
	assert_true(system_files_build(&files, settings, true));
	system_files_put(&files, "initrd.img", NULL, 0);
	refused(NULL, "/images/initrd file: found initrd.img: no such file; allowed: a readable "
		      "file in ");
	refused(NULL, "; --images names another folder");
}

static void each_missing_file_is_named(void **state)
{
	static const struct {
		const char *file, *said;
	} missing[] = {
		{ "serial.elf", "/programs/serial file: found serial.elf" },
		{ "console.elf", "/programs/console file: found console.elf" },
		{ "timer.elf", "/programs/timer file: found timer.elf" },
		{ "vmm.elf", "/vms/one file: found vmm.elf" },
		{ "vmm-small.elf", "/vms/two file: found vmm-small.elf" },
		{ "kernel.img", "/images/kernel file: found kernel.img: no such file" },
		{ "admin.elf", "/ file: found admin.elf" },
		{ "loader.bin", "/ file: found loader.bin" },
		{ "kernel.elf", "kernel.elf; allowed: --kernel with a readable file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		system_files_fini(&files);
		system_files_init(&files);
		system_files_put(&files, missing[i].file, NULL, 0);
		refused(NULL, missing[i].said);
	}
}

static void files_that_are_not_what_they_should_be(void **state)
{
	(void)state;
	system_files_put(&files, "kernel.elf", "not a kernel", 12);
	refused(NULL, "kernel.elf: is not an ELF file; allowed: seL4's ELF file");
	system_files_fini(&files);
	system_files_init(&files);
	system_files_put(&files, "admin.elf", "", 0);
	refused(NULL, "admin.elf: is not an ELF file; allowed: files that make");
	system_files_fini(&files);
	system_files_init(&files);
	system_files_put(&files, "loader.bin", "0123456789", 10);
	refused(NULL, "loader.bin: is not this project's loader");
}

static void what_does_not_fit_is_said(void **state)
{
	(void)state;
	refused("/board:image-window=/bits/ 64 <0x40000000 0x400000>",
		"/board image-window: found 6 MiB of kernel, programs and images");
	/* 512 MiB of RAM, 512 of window: what the image takes of that is known only now. */
	assert_true(build("/vms/one:memory-mib=<970>"));
	refused("/vms/one:memory-mib=<998>", "/vms memory-mib: found 1021 MiB for all VMs and the "
					     "system; allowed: 1014 MiB: /board ram, and what the "
					     "images leave of its image-window");
}

/* A check looks at images, and at nothing that only a build needs. */
static void a_check_builds_nothing(void **state)
{
	char image[128];

	(void)state;
	system_files_put(&files, "kernel.elf", NULL, 0);
	system_files_put(&files, "vmm.elf", NULL, 0);
	assert_true(system_files_build(&files, NULL, false));
	snprintf(image, sizeof(image), "%s/system.img", files.folder);
	assert_int_not_equal(access(image, F_OK), 0);
	system_files_put(&files, "kernel.img", NULL, 0);
	assert_false(system_files_build(&files, NULL, false));
}

/* Sections and symbols are cut off; a file in which that cannot be done safely stays whole. */
static void programs_are_cut_to_their_segments(void **state)
{
	const struct vmm_image_manifest *m;
	const struct vmm_blob *blob;
	unsigned char damaged[0x1100 + 0x80 + 64 + 2 * 56 + 100] = { 0 };
	char path[128];
	struct buffer elf = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "%s/vmm.elf", files.folder);
	assert_true(file_read(path, &elf));
	memcpy(damaged, elf.data, elf.size);
	memset(damaged + elf.size, 'S', sizeof(damaged) - elf.size);
	system_files_put(&files, "vmm.elf", damaged, sizeof(damaged));
	damaged[64 + 8 + 7] = 0xff; /* p_offset */
	system_files_put(&files, "vmm-small.elf", damaged, sizeof(damaged));
	assert_true(build(NULL));
	m = (const void *)(files.image.data + LOADER);
	blob = (const void *)(files.image.data + m->blob_offset);
	assert_int_equal(entry(blob, "program/vmm")->size, elf.size);
	assert_int_equal(entry(blob, "program/vmm-small")->size, sizeof(damaged));
	buffer_fini(&elf);
}

static void an_output_that_cannot_be_written(void **state)
{
	char image[128];

	(void)state;
	snprintf(image, sizeof(image), "mkdir %s/system.img", files.folder);
	assert_int_equal(system(image), 0);
	assert_false(build(NULL));
	assert_non_null(strstr(files.said, "allowed: a file that can be written"));
	snprintf(image, sizeof(image), "rmdir %s/system.img", files.folder);
	assert_int_equal(system(image), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_image_holds_everything_once),
		TEST(nothing_shares_a_large_images_pages),
		TEST(images_nobody_uses_are_left_out),
		TEST(each_missing_file_is_named),
		TEST(files_that_are_not_what_they_should_be),
		TEST(what_does_not_fit_is_said),
		TEST(a_check_builds_nothing),
		TEST(programs_are_cut_to_their_segments),
		TEST(an_output_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
