/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test driver (virtio_driver.h) over PCI: its registers, which are named by their offsets in
 * virtio-mmio, are looked up in the BAR instead. INTx is its interrupt; messages are counted.
 */
#pragma once

#include "test/support/virtio_driver.h"
#include "vmm/dev/pci/host.h"
#include "vmm/dev/transport/pci.h"

struct driver_pci {
	struct driver *driver;
	struct pci_host host;
	struct virtio_pci device;
	unsigned messages;
};

/** Connects an initialised device and places its BAR. `pci` outlives the driver's use. */
void driver_connect_pci(struct driver *d, struct driver_pci *pci, struct virtio_dev *vd);

/** Any access, as it comes: to the function's configuration space or to its BAR. */
uint64_t driver_pci_config(struct driver_pci *pci, bool write, uint64_t offset, unsigned width,
			   uint64_t value);
uint64_t driver_pci_bar(struct driver_pci *pci, bool write, uint64_t offset, unsigned width,
			uint64_t value);

/** BAR and command register as driver_connect_pci() leaves them; MSI-X is off. */
void driver_pci_place(struct driver_pci *pci);
