// SPDX-License-Identifier: BSD-2-Clause
#include "sysconf/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysconf/payload.h"
#include "vmm/admin/system.h"

/* Everything read so far. Payloads are by image index, programs in the order of first use. */
struct build {
	const struct build_options *options;
	struct report *report;
	struct system system;
	struct buffer payloads[SYSTEM_IMAGES];
};

static void report_missing(struct report *report, const char *path, const char *found,
			   const char *const *dirs, size_t count)
{
	struct text allowed;

	text_clear(&allowed);
	text_add(&allowed, "a readable file in");
	for (size_t i = 0; i < count; i++) {
		text_add(&allowed, i == 0 ? " " : " or ");
		text_add(&allowed, dirs[i]);
	}
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
			       options->image_dir_count);
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
	if (system_parse(&state->system, blob->data, blob->size, report))
		check_files(state);
	(void)build;
	for (uint32_t i = 0; i < SYSTEM_IMAGES; i++)
		buffer_fini(&state->payloads[i]);
	free(state);
}
