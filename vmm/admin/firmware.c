// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/admin/firmware.h"

#include <libfdt.h>
#include <string.h>

#include "vmm/admin/schema.h"

/* seL4_BootInfoHeader and its id for a device tree; this code knows no kernel, so not from there. */
struct chunk {
	uint64_t id, size; /* the header's bytes are counted */
};

enum { CHUNK_TREE = 6 };

static bool take_seed(void *tree, size_t size, struct seed *seed)
{
	int node;
	void *bytes;
	int length = 0;

	if ((uintptr_t)tree % 8 != 0 || !schema_blob_ok(tree, size))
		return false;
	node = fdt_path_offset(tree, "/chosen");
	bytes = fdt_getprop_w(tree, node, "rng-seed", &length);
	/* A shorter one would be less than what VMs count on. */
	if (bytes == NULL || length < SEED_BYTES)
		return false;
	memcpy(seed->key, bytes, SEED_BYTES);
	seed_wipe(bytes, (size_t)length);
	return true;
}

bool firmware_take_seed(void *extra, size_t size, struct seed *seed)
{
	uint8_t *at = extra;
	struct chunk chunk;

	for (; size >= sizeof(chunk); at += chunk.size, size -= chunk.size) {
		memcpy(&chunk, at, sizeof(chunk));
		if (chunk.size < sizeof(chunk) || chunk.size > size)
			return false;
		if (chunk.id == CHUNK_TREE)
			return take_seed(at + sizeof(chunk), chunk.size - sizeof(chunk), seed);
	}
	return false;
}
