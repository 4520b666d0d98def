// SPDX-License-Identifier: BSD-2-Clause
#include "sysconf/build.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysconf/image.h"
#include "sysconf/payload.h"
#include "vmm/admin/system.h"
#include "vmm/base/util.h"

enum { PROGRAMS_MAX = SYSTEM_PROGRAMS + SYSTEM_VMS + 1, NAME_BYTES = 48 };

/* Everything read so far. Payloads are by image index, programs in the order of first use. */
struct build {
	const struct build_options *options;
	struct report *report;
	struct system system;
	struct buffer payloads[SYSTEM_IMAGES];
	size_t program_count;
	const char *program_names[PROGRAMS_MAX];
	struct buffer programs[PROGRAMS_MAX];
	struct buffer loader, kernel, root;
	char entry_names[PROGRAMS_MAX + SYSTEM_IMAGES][NAME_BYTES];
	struct image_file entries[PROGRAMS_MAX + SYSTEM_IMAGES];
	size_t entry_count;
};

static void report_missing(struct report *report, const char *path, const char *found,
			   const char *const *dirs, size_t count, const char *option)
{
	struct text allowed;

	text_clear(&allowed);
	text_add(&allowed, "a readable file in");
	for (size_t i = 0; i < count; i++) {
		text_add(&allowed, i == 0 ? " " : " or ");
		text_add(&allowed, dirs[i]);
	}
	text_add(&allowed, "; ");
	text_add(&allowed, option);
	text_add(&allowed, " names another folder");
	report_add(report, path, "file", found, allowed.at);
}

static void read_image(struct build *build, uint32_t index)
{
	const struct system_image *image = &build->system.images[index];
	const struct build_options *options = build->options;
	struct buffer *payload = &build->payloads[index];
	char *name = file_find(image->file, options->image_dirs, options->image_dir_count);
	struct text path, found;

	text_clear(&path);
	text_add(&path, "/images/");
	text_add(&path, image->name);
	if (name == NULL || !file_read(name, payload)) {
		text_clear(&found);
		text_add(&found, image->file);
		text_add(&found, name == NULL ? ": no such file" : ": ");
		text_add(&found, name == NULL ? "" : strerror(errno));
		report_missing(build->report, path.at, found.at, options->image_dirs,
			       options->image_dir_count, "--images");
	} else if (!options->unchecked_images) {
		payload_check(image, path.at, payload, build->report);
	}
	free(name);
}

static bool image_used(const struct system *system, uint32_t index)
{
	for (uint32_t i = 0; i < system->vm_count; i++) {
		const struct system_vm *vm = &system->vms[i];

		if (vm->kernel == (int32_t)index || vm->initrd == (int32_t)index ||
		    vm->dtb == (int32_t)index || vm->overlay == (int32_t)index)
			return true;
	}
	return false;
}

static void check_files(struct build *build)
{
	const struct system *system = &build->system;
	unsigned before = build->report->count;

	for (uint32_t i = 0; i < system->image_count; i++) {
		if (image_used(system, i))
			read_image(build, i);
	}
	if (build->report->count != before || build->options->unchecked_images)
		return;
	for (uint32_t i = 0; i < system->vm_count; i++)
		payload_check_fit(system, &system->vms[i], build->payloads, build->report);
}

/* ---- programs and the image ---- */

static bool read_named(struct build *build, const char *path, const char *name, struct buffer *out)
{
	const struct build_options *options = build->options;
	char *file = file_find(name, options->program_dirs, options->program_dir_count);
	bool ok = file != NULL && file_read(file, out);

	if (!ok)
		report_missing(build->report, path, name, options->program_dirs,
			       options->program_dir_count, "--programs");
	free(file);
	return ok;
}

/* Sections and symbols lie behind the segments: the target has no use for them. */
static void cut_to_segments(struct buffer *program)
{
	Elf64_Ehdr header;
	size_t end = sizeof(header);

	if (program->size < sizeof(header))
		return;
	memcpy(&header, program->data, sizeof(header));
	if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > program->size ||
	    header.e_phnum > (program->size - header.e_phoff) / sizeof(Elf64_Phdr))
		return;
	for (size_t i = 0; i <= header.e_phnum; i++) {
		size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr ph;

		if (at > end)
			end = at; /* the table itself */
		if (i == header.e_phnum)
			break;
		memcpy(&ph, program->data + at, sizeof(ph));
		if (!range_inside(ph.p_offset, ph.p_filesz, 0, program->size))
			return;
		if (ph.p_type == PT_LOAD && ph.p_offset + ph.p_filesz > end)
			end = ph.p_offset + ph.p_filesz;
	}
	header.e_shoff = 0;
	header.e_shnum = 0;
	header.e_shstrndx = 0;
	memcpy(program->data, &header, sizeof(header));
	program->size = end;
}

static void read_program(struct build *build, const char *path, const char *name)
{
	struct buffer *program = &build->programs[build->program_count];
	char file[64];

	for (size_t i = 0; i < build->program_count; i++) {
		if (strcmp(build->program_names[i], name) == 0)
			return;
	}
	snprintf(file, sizeof(file), "%s.elf", name);
	if (read_named(build, path, file, program))
		cut_to_segments(program);
	build->program_names[build->program_count++] = name;
}

static void read_programs(struct build *build)
{
	const struct system *system = &build->system;
	struct text path;

	read_named(build, "/", "loader.bin", &build->loader);
	read_named(build, "/", "admin.elf", &build->root);
	if (!file_read(build->options->kernel, &build->kernel))
		report_add(build->report, "/", "kernel", build->options->kernel,
			   "--kernel with a readable file");
	for (uint32_t i = 0; i < system->program_count; i++) {
		text_clear(&path);
		text_add(&path, "/programs/");
		text_add(&path, system->programs[i].name);
		read_program(build, path.at, system->programs[i].file);
	}
	for (uint32_t i = 0; i < system->vm_count; i++) {
		text_clear(&path);
		text_add(&path, "/vms/");
		text_add(&path, system->vms[i].name);
		read_program(build, path.at, system->vms[i].file);
		if (system_own_programs(&system->vms[i]) > 0)
			read_program(build, path.at, SYSTEM_DEVICE_FILE);
	}
}

static void add_entry(struct build *build, const char *prefix, const char *name,
		      const struct buffer *bytes)
{
	char *full = build->entry_names[build->entry_count];

	snprintf(full, NAME_BYTES, "%s%s", prefix, name);
	build->entries[build->entry_count++] =
		(struct image_file){ .name = full, .data = bytes->data, .size = bytes->size };
}

/*
 * What is smaller than a large page comes first: so the rest of a large image's last page, which its
 * VMMs see too, holds nothing of anyone else's.
 */
static void add_entries(struct build *build)
{
	const struct system *system = &build->system;

	for (size_t i = 0; i < build->program_count; i++)
		add_entry(build, "program/", build->program_names[i], &build->programs[i]);
	for (unsigned large = 0; large < 2; large++) {
		for (uint32_t i = 0; i < system->image_count; i++) {
			const struct buffer *payload = &build->payloads[i];

			if (payload->size > 0 &&
			    (payload->size >= SYSTEM_LARGE_PAGE) == (large == 1))
				add_entry(build, "image/", system->images[i].name, payload);
		}
	}
}

/* What only the finished image shows. */
static void check_image(struct build *build, const struct image_output *output)
{
	struct text found;

	if (output->kernel_unknown)
		fprintf(stderr,
			"sysconf: %s has no symbols: whether it is a seL4 kernel with MCS, for how "
			"many cores and which GIC, cannot be told before it boots\n",
			build->options->kernel);
	if (output->size > build->system.board.image_window.size) {
		text_clear(&found);
		text_add_number(&found, output->size >> 20);
		text_add(&found, " MiB of kernel, programs and images");
		report_add(build->report, "/board", "image-window", found.at,
			   "at most the window's size");
	}
	system_check_memory(&build->system, output->size, build->report);
}

/* `why` begins with the name of the file that is at fault. */
static void report_unfit(struct build *build, const char *why)
{
	const char *kernel = build->options->kernel;

	if (strncmp(why, kernel, strlen(kernel)) == 0)
		report_add(build->report, "--kernel", NULL, why,
			   "seL4's ELF file for AArch64, with hypervisor and MCS");
	else
		report_add(build->report, "/", NULL, why, "files that make a system image");
}

static void write_image(struct build *build, const struct buffer *blob)
{
	const struct build_options *options = build->options;
	struct image_output output = { 0 };
	char why[IMAGE_WHY];
	const struct image_input input = {
		.loader = { "loader.bin", build->loader.data, build->loader.size },
		.kernel = { options->kernel, build->kernel.data, build->kernel.size },
		.root = { "admin.elf", build->root.data, build->root.size },
		.description = { "description", blob->data, blob->size },
		.entries = build->entries,
		.entry_count = build->entry_count,
	};

	if (image_build(&input, &output, why) != VMM_OK) {
		report_unfit(build, why);
		return;
	}
	check_image(build, &output);
	if (build->report->count == 0 && !file_write(options->output, output.data, output.size))
		report_add(build->report, options->output, NULL, strerror(errno),
			   "a file that can be written");
	free(output.data);
}

static void free_build(struct build *build)
{
	for (size_t i = 0; i < SYSTEM_IMAGES; i++)
		buffer_fini(&build->payloads[i]);
	for (size_t i = 0; i < PROGRAMS_MAX; i++)
		buffer_fini(&build->programs[i]);
	buffer_fini(&build->loader);
	buffer_fini(&build->kernel);
	buffer_fini(&build->root);
	free(build);
}

void build_system(const struct buffer *blob, const struct build_options *options, bool build,
		  struct report *report)
{
	struct build *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		report_add(report, "/", NULL, "no memory on this host", "more");
		return;
	}
	state->options = options;
	state->report = report;
	if (system_parse(&state->system, blob->data, blob->size, report)) {
		check_files(state);
		if (build)
			read_programs(state);
		if (build && report->count == 0) {
			add_entries(state);
			write_image(state, blob);
		}
	}
	free_build(state);
}
