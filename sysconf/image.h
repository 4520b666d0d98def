/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs kernel, root task, description and archive into a system image (include/vmm/image.h).
 *
 * The files are hostile in the sense that anything may be given: every offset and size in an ELF
 * header is checked, and what is wrong is said in words that name the file. Nothing here reads or
 * writes files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { IMAGE_WHY = 256 };

/* A file's bytes, and its name for messages. Borrowed. */
struct image_file {
	const char *name;
	const void *data;
	size_t size;
};

struct image_input {
	struct image_file loader;         /* flat binary, standin/loader */
	struct image_file kernel;         /* ELF */
	struct image_file root;           /* ELF */
	struct image_file description;    /* data NULL: none */
	const struct image_file *entries; /* name: as the root task will look it up */
	size_t entry_count;
};

struct image_output {
	unsigned char *data; /* free() it */
	size_t size;
	bool kernel_unknown; /* the kernel has no symbols to tell its configuration by */
};

/**
 * Builds the image. On failure `out` is untouched and `why` holds one line that names the file, what
 * was found and what is allowed.
 */
VMM_MUST_CHECK enum vmm_err image_build(const struct image_input *in, struct image_output *out,
					char why[IMAGE_WHY]);
