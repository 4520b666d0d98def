/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI host bridge with one bus of up to 32 functions: ECAM (PCI Express Base Specification 5.0,
 * 7.2.2), memory windows that the guest places BARs in, and the four INTx lines.
 *
 * BARs move while other vCPUs run, but the VM's bus is filled once and then only read. So the windows
 * are what is on the bus, and the bridge finds the BAR inside them: a table of decoded addresses, a
 * place for each BAR. Its functions write it under their own locks, and it is searched without one,
 * each address being one atomic word. An access that races with a move goes to the old or the new
 * place, as on a real bus; one that comes after it (by the guest's own order) sees the new one.
 *
 * Locking: any handler may access ECAM and windows at any time; the function's lock is taken here.
 * Order: function (device) lock, then the lines' lock here, then the interrupt controller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/core/lock.h"
#include "vmm/core/mmio.h"
#include "vmm/dev/pci/function.h"

enum {
	PCI_SLOTS = 32,
	PCI_LINES = 4,
	PCI_WINDOWS = 2,
	PCI_DECODES = PCI_SLOTS * PCI_BARS,
	PCI_HINTS = 8,
};

#define PCI_ECAM_SIZE (UINT64_C(1) << 20) /* bus 0 */
#define PCI_NOWHERE   UINT64_MAX          /* address of a BAR that is not decoded */

struct pci_window {
	struct pci_host *host;
	uint64_t gpa, size; /* 0: there is none */
};

/* One BAR. */
struct pci_decode {
	uint64_t gpa; /* where it answers, or PCI_NOWHERE; atomic */
	uint64_t size;
	struct pci_function *function;
	unsigned bar;
};

struct pci_host_config {
	uint64_t window_gpa[PCI_WINDOWS], window_size[PCI_WINDOWS];
	/** A message of a function; the address and data are the guest's choice. */
	void (*message)(void *ctx, unsigned caller, uint64_t address, uint32_t data);
	/** An INTx line changed. */
	void (*line)(void *ctx, unsigned caller, unsigned line, bool level);
	void *ctx; /* borrowed; outlives the bridge */
};

struct pci_host {
	struct pci_host_config config;
	struct pci_window window[PCI_WINDOWS];
	struct pci_function *slot[PCI_SLOTS];
	struct lock line_lock;
	uint32_t asserted[PCI_LINES]; /* slots that hold the line, a bit each */
	unsigned decode_count;
	struct pci_decode decode[PCI_DECODES];
	uint8_t hint[PCI_HINTS]; /* each vCPU's last BAR; its own handler's */
};

/** VMM_ERR_RANGE: a window that is not aligned to 64 KiB or wraps around. */
VMM_MUST_CHECK enum vmm_err pci_host_init(struct pci_host *host,
					  const struct pci_host_config *config);

/**
 * Puts a function (borrowed) into a slot, before the VM runs. VMM_ERR_RANGE: no such slot;
 * VMM_ERR_EXISTS: taken.
 */
VMM_MUST_CHECK enum vmm_err pci_host_add(struct pci_host *host, unsigned slot,
					 struct pci_function *fn);

/* mmio_handler; they lock for themselves. `device`: the struct pci_host, a struct pci_window of it. */
void pci_ecam_access(void *device, struct mmio_access *access);
void pci_window_access(void *device, struct mmio_access *access);

/**
 * bus_region.blind of a window. What is answered holds for where the BARs are now: a guest that moves one
 * while it writes there may have written 0.
 */
bool pci_window_blind(const void *device, uint64_t offset, unsigned width);

/** The line that INTA# of a slot is wired to. */
static inline unsigned pci_line_of(unsigned slot)
{
	return slot % PCI_LINES;
}

/* For functions. */

/** BAR `bar` of `fn` answers at `gpa` from now on, if that is inside a window; else nowhere. */
void pci_host_decode(struct pci_function *fn, unsigned bar, uint64_t gpa);
void pci_host_line(struct pci_function *fn, bool level);
