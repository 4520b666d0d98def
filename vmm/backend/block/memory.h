/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk in memory, for tests and small systems, and one without a medium. The memory disk answers at
 * once, or, if told so, when it is polled, and as many requests at a time as it is told.
 */
#pragma once

#include "vmm/backend/block/block.h"

enum { BLOCK_MEMORY_DEPTH = 64 };

struct block_memory {
	struct block_backend backend;
	uint8_t *bytes; /* borrowed */
	struct block_info info;
	/* For tests. */
	bool late;          /* answer in poll() only */
	unsigned depth;     /* how many at a time, late; up to BLOCK_MEMORY_DEPTH */
	unsigned fail_next; /* answer so many with BLOCK_IO_ERROR */
	unsigned count;
	struct block_request *waiting[BLOCK_MEMORY_DEPTH]; /* the oldest first */
};

/** `size` bytes, whole sectors, are borrowed. */
void block_memory_init(struct block_memory *memory, uint8_t *bytes, uint64_t size, bool read_only);

/** A drive without a medium: everything fails. Stateless. */
void block_null_init(struct block_backend *backend);
