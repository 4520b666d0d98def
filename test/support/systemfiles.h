/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder with everything that `sysconf build` reads for a small system of two VMs (system.dts):
 * kernel, loader, programs and images, made by hand, and what it built of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sysconf/build.h"

enum { SYSTEM_FILES_SAID = 4096, SYSTEM_FILES_SETTINGS = 16 };

/* Of the images. */
enum { SYSTEM_KERNEL_BYTES = 0x201000, SYSTEM_INITRD_BYTES = 5000 };

struct system_files {
	char folder[64];
	struct buffer image; /* the system image */
	char said
		[SYSTEM_FILES_SAID]; /* errors, a line each: PATH PROPERTY: found ...; allowed: ... */
	unsigned errors;
};

/** Makes the folder. Aborts if it cannot. */
void system_files_init(struct system_files *files);
/** Replaces a file of the folder; `data` NULL: there is none. */
void system_files_put(struct system_files *files, const char *name, const void *data, size_t size);
/** Builds (or, if not `build`, checks) the system with up to four settings on top of it. */
bool system_files_build(struct system_files *files, const char *const *settings, bool build);
void system_files_fini(struct system_files *files);
