/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a virtio device behind virtio-mmio, version 2 (VIRTIO 1.2, 4.2): for native
 * drivers of a host's devices. Guests' devices are vmm/dev/.
 *
 * Registers are reached through two functions, so that tests can put a device of their own there.
 *
 *   vdrv_open() → vdrv_queue() for each queue → vdrv_ready() → vdrv_kick(), vdrv_interrupt() ...
 *
 * vdrv_open() resets the device and waits until it is: after that it does no DMA for a former owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/driver/virtio/vring.h"

/* Bits of InterruptStatus (4.2.2). */
enum { VDRV_INTERRUPT_USED = 1, VDRV_INTERRUPT_CONFIG = 2 };

/* Device IDs (5). */
enum { VDRV_NET = 1, VDRV_BLK = 2, VDRV_RNG = 4 };

/* Feature bits that are no single device's (6). */
#define VDRV_F_EVENT_IDX (UINT64_C(1) << 29)
#define VDRV_F_VERSION_1 (UINT64_C(1) << 32)

struct vdrv_ops {
	uint32_t (*read)(void *regs, unsigned offset);
	void (*write)(void *regs, unsigned offset, uint32_t value);
	uint8_t (*read8)(void *regs, unsigned offset); /* configuration space */
};

struct vdrv {
	const struct vdrv_ops *ops;
	void *regs;
	uint64_t features; /* negotiated */
};

/** Real registers: `regs` is where the device is mapped. */
extern const struct vdrv_ops vdrv_mmio_ops;

/**
 * The first device of kind `id` in a page of eight virtio-mmio slots (0x200 bytes each); its offset in
 * the page, or VMM_ERR_ABSENT.
 */
VMM_MUST_CHECK enum vmm_err vdrv_find(const struct vdrv_ops *ops, void *page, size_t size,
				      uint32_t id, void **regs);

/**
 * Resets the device and negotiates: VERSION_1 and those of `wanted` that it offers. VMM_ERR_ABSENT:
 * no such device; VMM_ERR_UNSUPPORTED: it refuses.
 */
VMM_MUST_CHECK enum vmm_err vdrv_open(struct vdrv *v, const struct vdrv_ops *ops, void *regs,
				      uint32_t id, uint64_t wanted);

/**
 * Sets up queue `index` in `memory` (vring_bytes() of zeroed DMA memory at physical address `paddr`, page
 * aligned). The size is `size` or the device's maximum, whichever is less.
 */
VMM_MUST_CHECK enum vmm_err vdrv_queue(struct vdrv *v, unsigned index, struct vring *ring,
				       void *memory, uint64_t paddr, uint16_t size);

/** DRIVER_OK: the device may be used. */
void vdrv_ready(struct vdrv *v);

/** Tells the device to look at queue `index`. */
void vdrv_kick(struct vdrv *v, unsigned index);

/** Reads and acknowledges the interrupt: VDRV_INTERRUPT_*. */
uint32_t vdrv_interrupt(struct vdrv *v);

/** Reads `size` bytes of configuration, unchanged in between (4.2.2.1, ConfigGeneration). */
void vdrv_config(struct vdrv *v, unsigned offset, void *to, size_t size);

/** Resets the device, for good; it does no DMA any more. */
void vdrv_stop(struct vdrv *v);

/** True if the device has given up (DEVICE_NEEDS_RESET, FAILED). */
bool vdrv_broken(struct vdrv *v);
