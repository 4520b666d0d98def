// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/systemfiles.h"

#include <dirent.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysconf/dts.h"
#include "test/support/elf.h"
#include "vmm/base/util.h"

#define KERNEL_WINDOW UINT64_C(0x8000000000) /* where a kernel at EL2 is linked */

static void path_of(const struct system_files *files, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", files->folder, name);
}

void system_files_put(struct system_files *files, const char *name, const void *data, size_t size)
{
	char path[128];

	path_of(files, name, path);
	if (data == NULL ? unlink(path) != 0 : !file_write(path, data, size)) {
		perror(path);
		abort();
	}
}

static void put_elf(struct system_files *files, const char *name, const struct elf_part *parts,
		    unsigned count)
{
	struct buffer elf = { 0 };

	elf_make(&elf, parts, count);
	system_files_put(files, name, elf.data, elf.size);
	buffer_fini(&elf);
}

/* Two constant pages, of which the file fills a part, and data that is longer in memory. */
static void put_programs(struct system_files *files)
{
	static const char *const names[] = { "serial.elf", "console.elf",   "timer.elf",
					     "vmm.elf",    "vmm-small.elf", "blk.elf",
					     "blkmux.elf", "device.elf" };
	const struct elf_part parts[] = {
		{ 0x400000, 0, PF_R | PF_X, 0x1100, 0x1100, 0x11 },
		{ 0x410000, 0, PF_R | PF_W, 0x80, 0x1800, 0x22 },
	};
	const struct elf_part kernel = {
		KERNEL_WINDOW + 0x60000000, 0x60000000, PF_R | PF_W | PF_X, 64, 4096, 0x33
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_elf(files, names[i], parts, ARRAY_SIZE(parts));
	put_elf(files, "admin.elf", parts, ARRAY_SIZE(parts));
	put_elf(files, "kernel.elf", &kernel, 1);
}

void system_files_init(struct system_files *files)
{
	unsigned char loader[8192] = { 0 };
	unsigned char *bytes = calloc(1, SYSTEM_KERNEL_BYTES);

	*files = (struct system_files){ .folder = "/tmp/vessel-test-XXXXXX" };
	if (bytes == NULL || mkdtemp(files->folder) == NULL) {
		perror(files->folder);
		abort();
	}
	memcpy(loader + 56, "ARM\x64", 4);
	system_files_put(files, "loader.bin", loader, sizeof(loader));
	put_programs(files);
	memset(bytes, 0x44, SYSTEM_KERNEL_BYTES);
	system_files_put(files, "kernel.img", bytes, SYSTEM_KERNEL_BYTES);
	memset(bytes, 0x55, SYSTEM_INITRD_BYTES);
	system_files_put(files, "initrd.img", bytes, SYSTEM_INITRD_BYTES);
	free(bytes);
}

static void note(void *ctx, const struct report_item *item)
{
	struct system_files *files = ctx;
	size_t length = strlen(files->said);

	snprintf(files->said + length, sizeof(files->said) - length,
		 "%s %s: found %s; allowed: %s\n", item->path, item->property, item->found,
		 item->allowed);
}

bool system_files_build(struct system_files *files, const char *const *settings, bool build)
{
	struct report report = { .emit = note, .ctx = files };
	struct buffer text = { 0 }, blob = { 0 };
	char dts[256], output[128], kernel[128];
	const char *const folder = files->folder;
	const struct build_options options = {
		.kernel = kernel,
		.output = output,
		.image_dirs = &folder,
		.image_dir_count = 1,
		.program_dirs = &folder,
		.program_dir_count = 1,
		.unchecked_images = true,
	};

	files->said[0] = '\0';
	buffer_fini(&files->image);
	path_of(files, "kernel.elf", kernel);
	path_of(files, "system.img", output);
	unlink(output);
	snprintf(dts, sizeof(dts), "%s/test/support/system.dts", getenv("VESSEL_SOURCE"));
	for (size_t i = 0; settings != NULL && i < SYSTEM_FILES_SETTINGS && settings[i]; i++) {
		if (!dts_setting(settings[i], &text))
			abort();
	}
	if (!dts_compile(dts, &text, NULL, 0, &blob))
		abort();
	build_system(&blob, &options, build, &report);
	buffer_fini(&text);
	buffer_fini(&blob);
	files->errors = report.count;
	if (report.count == 0 && build && !file_read(output, &files->image))
		abort();
	return report.count == 0;
}

void system_files_fini(struct system_files *files)
{
	DIR *dir = opendir(files->folder);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", files->folder, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(files->folder);
	buffer_fini(&files->image);
}
