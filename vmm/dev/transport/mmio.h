/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio over MMIO, version 2 (VIRTIO 1.2, 4.2): offset to field, and one interrupt line. All state but
 * InterruptStatus is the device core's.
 *
 * No register has an effect when it is read. So a page that the guest may only read can stand in front
 * of the registers: given one, the transport keeps it current, and only writes exit.
 */
#pragma once

#include "vmm/core/mmio.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_MMIO_SIZE = 0x200, /* registers, and 256 bytes of configuration */
	VIRTIO_MMIO_PAGE = 0x1000,
	/* In the page, behind the registers: how often each queue, and the configuration, interrupted. */
	VIRTIO_MMIO_USED = 0x200, /* a word a queue */
	VIRTIO_MMIO_CHANGED = 0x300,
};

struct virtio_mmio {
	struct virtio_transport transport;
	struct virtio_dev *vd; /* borrowed */
	uint32_t interrupt_status;
	bool level;          /* as last given to irq() */
	uint32_t interrupts; /* how many there were, with or without a change of the level */
	void (*irq)(void *ctx, unsigned caller, bool level);
	void *ctx;
	uint8_t *page; /* borrowed; NULL: every read exits */
};

/**
 * Connects an initialised device. `irq` drives the line, for the vCPU handler `caller`; `page` is
 * VIRTIO_MMIO_PAGE bytes that the guest sees at the device's address, or NULL.
 */
void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_dev *vd,
		      void (*irq)(void *ctx, unsigned caller, bool level), void *ctx,
		      uint8_t *page);

/** mmio_handler; the device is a struct virtio_mmio, the lock its vd->lock. */
void virtio_mmio_access(void *device, struct mmio_access *access);

/** bus_region.blind: a notification of a device with one queue says nothing but that. */
bool virtio_mmio_blind(const void *device, uint64_t offset, unsigned width);
