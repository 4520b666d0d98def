/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio entropy device (VIRTIO 1.2, 5.4). */
#pragma once

#include "vmm/backend/entropy/entropy.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_RNG_QUEUES = 1,
	VIRTIO_RNG_QUEUE_SIZE = 64,
};

struct virtio_rng {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_RNG_QUEUES];
	struct entropy_backend *source; /* borrowed; outlives the device */
};

/** `common`: name, gmem, packed and owner are taken from it. */
void virtio_rng_init(struct virtio_rng *rng, const struct virtio_setup *common,
		     struct entropy_backend *source);
