/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF files that sysconf packs: the input is given as kernel and as root task. Whatever comes out
 * as an image is read back, and each of its pieces must lie inside.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vmm/image.h>

#include "sysconf/image.h"
#include "vmm/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct image_output *out, size_t loader_size)
{
	struct vmm_image_manifest m;

	memcpy(&m, out->data + loader_size, sizeof(m));
	for (uint32_t i = 0; i < m.kernel_pieces + m.user_pieces; i++) {
		if (!range_inside(m.pieces[i].offset, m.pieces[i].file_size, 0, out->size))
			abort();
	}
	if (!range_inside(m.blob_offset, m.blob_size, 0, out->size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t loader[4096];
	struct image_output out = { .data = NULL };
	char why[IMAGE_WHY];
	size_t half = size / 2;
	struct image_input in = {
		.loader = { "loader", loader, sizeof(loader) },
		.kernel = { "kernel", data, half },
		.root = { "root", data + half, size - half },
	};

	memcpy(loader + 56, "ARM\x64", 4);
	if (image_build(&in, &out, why) != VMM_OK)
		return 0;
	check(&out, sizeof(loader));
	free(out.data);
	return 0;
}
