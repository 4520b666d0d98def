/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a device wants to be told of more in a queue whose driver has several chains on their way at a
 * time. A guest on one core cannot fill a queue while its VMM, which is above it, empties it: told of
 * each chain, the VMM finishes each before the guest has offered the next.
 *
 *   AT ONCE --PATIENCE notifications without a pause--> IN BATCHES of up to VIRTIO_PACE_BATCH
 *   IN BATCHES --a single chain was all that came--> AT ONCE, and twice as patient the next time
 *
 * In batches, the driver is to notify when as many chains are there as came together before; what is
 * fewer is looked at when a vCPU has nothing to do, or after a moment (virtq_kicks_after()). So a driver
 * that waits for each request is told from one that has many by a try now and then, and pays for that
 * alone. Decision 0024.
 */
#pragma once

#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_PACE_BATCH = 32,
	VIRTIO_PACE_PATIENCE_MIN = 4,
	VIRTIO_PACE_PATIENCE_MAX = 64,
};

/* One queue's. */
struct virtio_pace {
	uint16_t batch;    /* chains that are waited for; 0: at once */
	uint16_t streak;   /* notifications since the last batch */
	uint16_t patience; /* of them, before batches are tried */
	uint16_t late;     /* looks that found no batch had become full in time */
	uint32_t recent;   /* chains taken since the guest last waited, or a try began */
	bool full;         /* a batch became full since work was put off */
	bool empty;        /* nothing was there the last time */
};

void virtio_pace_init(struct virtio_pace *pace);

/** `count` chains were there, at a call of ops->notify() for what vd->resumed says. */
void virtio_pace_took(struct virtio_pace *pace, const struct virtio_dev *vd, unsigned count);

/**
 * Asks for the next notification. True: there is something to take already, or, after `count` == 0
 * taken, as virtq_kicks_on().
 */
bool virtio_pace_listen(struct virtio_pace *pace, struct virtio_dev *vd, unsigned queue,
			unsigned count);
