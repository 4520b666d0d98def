/* SPDX-License-Identifier: BSD-2-Clause */
/* From a compiled description to a system image. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sysconf/file.h"
#include "vmm/admin/report.h"

struct build_options {
	const char *kernel, *output; /* build only */
	const char *const *image_dirs;
	size_t image_dir_count;
	const char *const *program_dirs;
	size_t program_dir_count;
	bool unchecked_images;
};

/**
 * Checks the description in `blob` and the files it names; with `build`, and if there was no error,
 * writes the system image. All errors go to `report`.
 */
void build_system(const struct buffer *blob, const struct build_options *options, bool build,
		  struct report *report);
