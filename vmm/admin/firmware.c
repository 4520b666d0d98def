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

static bool seed_of(const void *tree, size_t size, struct seed *seed)
{
	const void *bytes;
	int length = 0;

	if ((uintptr_t)tree % 8 != 0 || !schema_blob_ok(tree, size))
		return false;
	bytes = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "rng-seed", &length);
	/* A shorter one would be less than what VMs count on. */
	if (bytes == NULL || length < SEED_BYTES)
		return false;
	memcpy(seed->key, bytes, SEED_BYTES);
	return true;
}

bool firmware_seed(const void *extra, size_t size, struct seed *seed)
{
	const uint8_t *at = extra;
	struct chunk chunk;

	for (; size >= sizeof(chunk); at += chunk.size, size -= chunk.size) {
		memcpy(&chunk, at, sizeof(chunk));
		if (chunk.size < sizeof(chunk) || chunk.size > size)
			return false;
		if (chunk.id == CHUNK_TREE)
			return seed_of(at + sizeof(chunk), chunk.size - sizeof(chunk), seed);
	}
	return false;
}
