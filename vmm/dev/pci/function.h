/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One PCI function: configuration space with a type 0 header, capabilities, 64-bit memory BARs,
 * INTx and MSI-X (PCI Local Bus Specification 3.0, chapter 6). What the function is stands in its
 * ops as data; what its BARs mean is its owner's.
 *
 * Every bit of configuration space that a guest may change is 0 after reset and listed in `writable`;
 * everything else is constant but the interrupt status bit.
 *
 * Locking: a function shares the lock of the device behind it. The host bridge takes it around every
 * access; who calls the other functions here holds it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/core/lock.h"
#include "vmm/core/mmio.h"
#include "vmm/dev/pci/msix.h"

enum {
	PCI_CONFIG_BYTES = 256,
	PCI_BARS = 3,          /* 64-bit ones: BAR n is the registers 2n and 2n + 1 */
	PCI_CAP_VENDOR = 0x09, /* capability ids */
	PCI_CAP_MSIX = 0x11,
};

struct pci_host;
struct pci_function;

/* What drivers know a function by. */
struct pci_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint32_t class_code; /* base class, subclass, interface: 24 bits */
	uint8_t revision;
};

/* Constant for a kind of function. */
struct pci_ops {
	uint64_t bar_size[PCI_BARS]; /* powers of two, at least 4096; 0: there is none */
	/* Where MSI-X has its table and pending bits; it answers there, the owner elsewhere. */
	uint8_t msix_bar;
	uint32_t msix_table, msix_pba;

	/** An access to a BAR; the offset is relative to it. */
	void (*bar_access)(struct pci_function *fn, unsigned bar, struct mmio_access *access);
	/** As bus_region.blind. May be NULL. */
	bool (*bar_blind)(const struct pci_function *fn, unsigned bar, uint64_t offset,
			  unsigned width);
	/** Configuration bytes are about to be read, or have been written. Either may be NULL. */
	void (*config_read)(struct pci_function *fn, unsigned offset, unsigned width);
	void (*config_written)(struct pci_function *fn, unsigned offset, unsigned width);
};

struct pci_function {
	const struct pci_ops *ops;
	struct pci_host *host; /* borrowed; set by pci_host_add() */
	struct lock *lock;     /* borrowed: the device's */
	uint16_t caller;       /* vCPU whose handler is in here: whom an interrupt need not wake */
	uint8_t slot;
	uint8_t last_capability, capabilities_end; /* offsets */
	uint8_t msix_capability;                   /* offset; 0: there is none */
	uint8_t decode[PCI_BARS];                  /* places in the host's table */
	bool intx;                                 /* the device asks for an interrupt */
	struct msix msix;
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES]; /* bits the guest may change */
};

/**
 * Sets up a function without capabilities, reset. VMM_ERR_RANGE: a BAR size that cannot be.
 */
VMM_MUST_CHECK enum vmm_err pci_function_init(struct pci_function *fn, const struct pci_ops *ops,
					      const struct pci_identity *identity,
					      struct lock *lock);

/**
 * Appends a capability of `size` bytes behind its two-byte header; `writable` (may be NULL) has the
 * bits of the body that a guest may change. `*offset` is where the header lies. VMM_ERR_NOMEM: no
 * room.
 */
VMM_MUST_CHECK enum vmm_err pci_add_capability(struct pci_function *fn, uint8_t id,
					       const void *body, unsigned size,
					       const void *writable, uint8_t *offset);

/** The MSI-X capability with `vectors` entries, 1 to MSIX_VECTORS, where ops says. */
VMM_MUST_CHECK enum vmm_err pci_add_msix(struct pci_function *fn, unsigned vectors);

/** As after a reset of the bus: decodes nothing, interrupts nobody. */
void pci_function_reset(struct pci_function *fn);

/** A configuration access; `access->offset` is in the function's 4096 bytes. */
void pci_config_access(struct pci_function *fn, struct mmio_access *access);

/** An access to a BAR, from the bus or from within. */
void pci_bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access);

/** Whether vectors are used, rather than INTx. */
bool pci_msix_enabled(const struct pci_function *fn);

/** Whether the guest lets the function access memory. */
bool pci_mastering(const struct pci_function *fn);

/** Drives INTA#; the pin follows it unless the guest disabled it or uses MSI-X. */
void pci_set_intx(struct pci_function *fn, bool level);

/** Sends a vector's message, now or once it is unmasked. Nothing while MSI-X is disabled. */
void pci_raise(struct pci_function *fn, unsigned vector);

/* Little-endian fields of configuration space. */
static inline uint32_t pci_get(const struct pci_function *fn, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)fn->config[offset + i] << 8 * i;
	return value;
}

static inline void pci_set(struct pci_function *fn, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++)
		fn->config[offset + i] = (uint8_t)(value >> 8 * i);
}
