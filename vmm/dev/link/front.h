/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that runs in a program of its own, as any transport of the VMM takes one: a virtio device with
 * the features, queues and configuration that the program's has, whose work is to pass on what its driver
 * does (link.h).
 *
 * Status, features and queue registers are the VMM's own copy, checked by the device core as for every
 * device; the program hears of them when they count: at FEATURES_OK, DRIVER_OK, and with a queue's first
 * notification. Rings are only touched by the program. Interrupts are what the counters in the shared page say.
 *
 * A program that does not answer fails its device: it needs a reset, and refuses every driver after that.
 */
#pragma once

#include "vmm/dev/link/link.h"
#include "vmm/dev/virtio/virtio.h"

struct link_front {
	struct virtio_dev vd;
	struct virtio_ops ops;     /* with the id of the program's device */
	struct link_remote remote; /* its lock is not used: the device's is */
	struct virtq queues[VIRTIO_QUEUES_MAX];
	uint32_t seen[VIRTIO_QUEUES_MAX], seen_config; /* interrupts, as counted in the page */
	uint64_t sent; /* queues that the program has been told of */
};

/**
 * Asks the program what its device is: it must be there to answer. `common`: name, gmem and owner are
 * taken from it. `link->irq` is not used. VMM_ERR_ABSENT: no answer (`link->lost` was called); VMM_ERR_RANGE:
 * no device could be that.
 */
VMM_MUST_CHECK enum vmm_err link_front_init(struct link_front *front,
					    const struct virtio_setup *common,
					    const struct link_setup *link);
