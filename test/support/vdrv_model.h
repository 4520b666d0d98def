/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page of virtio-mmio slots as native drivers see the machine's (vmm/driver/virtio/mmio.h), with one of
 * our own device models in it. Registers are reached without a context, so there is one page a test.
 */
#pragma once

#include "vmm/dev/transport/mmio.h"
#include "vmm/driver/virtio/mmio.h"

enum { VDRV_MODEL_SLOT = 0x200, VDRV_MODEL_PAGE = 0x1000 };

extern const struct vdrv_ops vdrv_model_ops;
extern uint8_t vdrv_model_page[VDRV_MODEL_PAGE]; /* only its addresses mean anything */

/** Puts the device into `slot`; the other slots are empty. Borrowed until the next call. */
void vdrv_model_set(struct virtio_mmio *mmio, unsigned slot);
