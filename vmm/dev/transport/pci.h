/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over PCI (VIRTIO 1.2, 4.1), modern devices only: one function with one 64-bit BAR that holds
 * the common configuration, notifications, interrupt status, the device's configuration, and the
 * MSI-X table. A map from offsets to the core's functions (dev/virtio/virtio.h); what is kept here are
 * interrupt vectors and the interrupt status.
 *
 * Each queue has a doorbell of its own in one page, so that the address says which queue and the
 * value need not be looked at.
 *
 * A device reads and writes its rings whether or not bus mastering is on; only messages wait for it.
 *
 * Threads: the function shares the device's lock, which the host bridge takes around accesses.
 */
#pragma once

#include "vmm/base/err.h"
#include "vmm/dev/pci/function.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_PCI_QUEUES = 64,
	VIRTIO_PCI_NO_VECTOR = 0xffff,
	/* Doorbells, as offsets in BAR 0: queue n has the word at VIRTIO_PCI_NOTIFY + 4 n. */
	VIRTIO_PCI_NOTIFY = 0x2000,
	VIRTIO_PCI_NOTIFY_SIZE = 4 * VIRTIO_PCI_QUEUES,
};

struct virtio_pci {
	struct virtio_transport transport;
	struct pci_function function;
	struct virtio_dev *vd; /* borrowed */
	uint8_t isr;           /* 4.1.4.5: bit 0 a queue, bit 1 the configuration */
	uint8_t window;        /* offset of the capability through which the BAR can be accessed */
	uint16_t config_vector;
	uint16_t queue_vector[VIRTIO_PCI_QUEUES];
};

/**
 * Makes `vd`, which is initialised, a PCI function; the caller adds it to a host bridge.
 * VMM_ERR_RANGE: more queues than VIRTIO_PCI_QUEUES.
 */
VMM_MUST_CHECK enum vmm_err virtio_pci_init(struct virtio_pci *vp, struct virtio_dev *vd);

/** The machine was reset: the function too. After virtio_power_on(). Takes the device's lock. */
void virtio_pci_power_on(struct virtio_pci *vp);
