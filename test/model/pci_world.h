/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI bus with three functions, and everything that can happen to it: configuration and window
 * accesses of every width to registers, tables, nothing and everything; events and lines of the
 * devices; resets. What happens next is drawn from a seeded generator (test/model) or from a
 * fuzzer's bytes (test/fuzz).
 *
 * Beside it stands a slow and obvious reference: what the guest wrote, kept as it is, and what
 * follows from it computed anew each time. After every step: what was read, which BAR was hit, which
 * messages went out and what the lines are must be what the reference says.
 */
#pragma once

#include <stddef.h>

#include "vmm/dev/pci/host.h"

enum {
	WORLD_FUNCTIONS = 3,
	WORLD_VECTORS = 4,
	WORLD_MESSAGES = 16,
};

/* What the guest did to a function, and what its device wants. */
struct pci_ref {
	uint16_t command;
	uint8_t cache_line, interrupt_line;
	uint64_t bar[PCI_BARS];
	uint16_t msix_control; /* enable and mask */
	uint64_t address[WORLD_VECTORS];
	uint32_t data[WORLD_VECTORS];
	bool masked[WORLD_VECTORS], pending[WORLD_VECTORS];
	bool intx;
};

struct pci_message {
	uint64_t address;
	uint32_t data;
};

struct pci_world {
	struct pci_host host;
	struct pci_function fn[WORLD_FUNCTIONS];
	struct lock lock[WORLD_FUNCTIONS];
	bool level[PCI_LINES];
	struct pci_message sent[WORLD_MESSAGES], expected[WORLD_MESSAGES];
	unsigned sent_count, expected_count;
	int hit; /* function whose owner was called, or -1 */
	unsigned hit_bar;
	uint64_t hit_offset;
	struct pci_ref ref[WORLD_FUNCTIONS];
	uint64_t random; /* the generator, if there are no bytes */
	const uint8_t *bytes;
	size_t left;
	unsigned long step, messages, hits;
};

void pci_world_seed(struct pci_world *w, uint64_t seed);
void pci_world_bytes(struct pci_world *w, const uint8_t *bytes, size_t size);

/** One thing happens. A difference prints what, and aborts. */
void pci_world_step(struct pci_world *w);
