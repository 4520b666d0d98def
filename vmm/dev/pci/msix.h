/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSI-X table and pending bits of one PCI function (PCI Local Bus Specification 3.0, 6.8.2).
 *
 * Table and pending bits are all there is here: what enables or masks the function as a whole is in
 * its configuration space, so the function tells msix_raise() and msix_flush() whether messages may
 * go out. A vector that may not is remembered once in its pending bit and sent when it may.
 *
 * Locking: the caller holds the function's lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/mmio.h"

enum {
	MSIX_VECTORS = 32, /* at most: pending bits are one word */
	MSIX_ENTRY_BYTES = 16,
	MSIX_TABLE_BYTES = MSIX_VECTORS * MSIX_ENTRY_BYTES,
	MSIX_PBA_BYTES = 8,
};

/* A memory write that is an interrupt. The guest chose both; who receives it checks them. */
struct msix_message {
	uint64_t address;
	uint32_t data;
};

struct msix {
	unsigned count;                                     /* of vectors, up to MSIX_VECTORS */
	uint32_t pending;                                   /* bit n: vector n is owed a message */
	uint32_t entry[MSIX_VECTORS][MSIX_ENTRY_BYTES / 4]; /* as the guest sees them */
};

/** Every vector masked, nothing pending. */
void msix_reset(struct msix *msix, unsigned count);

/* Accesses to the table and to the pending bits; `offset` is relative to them. */
void msix_table_access(struct msix *msix, uint64_t offset, struct mmio_access *access);
void msix_pba_access(const struct msix *msix, uint64_t offset, struct mmio_access *access);

/** The vector's event. True: `*message` is to be sent; false: it is pending, or does not exist. */
bool msix_raise(struct msix *msix, unsigned vector, bool open, struct msix_message *message);

/** Takes one pending message that may go out now. False: there is none. */
bool msix_flush(struct msix *msix, struct msix_message *message);
