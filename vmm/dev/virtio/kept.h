/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device leaves to a successor that takes it up where it died, at whatever instruction that was: the
 * driver's registers, the configuration that it may know, and for each queue how far it was answered. Where
 * this is, the program that dies must not lose it; nobody else need see it.
 *
 * A kept queue is answered in the order in which its chains were taken, so one number says all: what is
 * available from that position on is not answered, and is taken again. Nothing of a chain in flight is
 * kept, and its descriptors cannot be overwritten by answers to later ones, as in a packed ring they would
 * be. A request may be carried out twice, then, and is answered once.
 *
 * Only a device that can go on (virtio_ops.go_on) has its queues kept: each of its answers is by itself.
 *
 * Each step ends with one store that makes it count:
 *   an answer   noted, with its position; written to the ring; the position moves on. A note for the
 *               position that holds is carried out again, which the driver cannot tell.
 *   registers   written to the older of two copies; the count that says which is the newer.
 *
 * A successor checks all of it as it would a driver's own writes: the rings are in the guest's memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/dev/virtio/virtio.h"

enum { VIRTIO_KEPT_QUEUES = 16 };

/* In memory that survives, zeroed at first. */
struct virtq_kept {
	uint32_t position; /* virtq.used, and used_wrap as bit 16 */
	uint32_t noted;    /* the position of the answer noted, with bit 31 */
	uint16_t id, count;
	uint32_t written;
};

struct virtio_kept_registers {
	uint64_t features, driver_features;
	uint32_t status, generation;
	uint32_t device_features_select, driver_features_select, queue_select;
	uint32_t reserved;
	uint8_t config[VIRTIO_CONFIG_BYTES]; /* as it was then: what the driver may know */
	struct {
		uint64_t area[VIRTQ_AREAS];
		uint32_t size, enabled;
	} queue[VIRTIO_KEPT_QUEUES];
};

struct virtio_kept {
	uint32_t count; /* copies written so far; 0: there is none */
	uint32_t reserved;
	struct virtio_kept_registers copy[2]; /* the newest is copy[count % 2] */
	struct virtq_kept queue[VIRTIO_KEPT_QUEUES];
};

/* Chains that were taken, in order, and what was answered of them; the program's own. */
struct virtq_order {
	struct virtq_kept *kept;
	uint16_t first, count;
	struct {
		uint16_t id, count; /* of its token */
		bool answered;
		uint32_t written;
	} chain[VIRTQ_SIZE_MAX];
};

/**
 * Keeps an initialised device, which has no transport yet; `order` is zeroed and has VIRTIO_KEPT_QUEUES
 * entries. If there is something kept, the device takes it up: true if it is in use, and then
 * virtio_go_on() has to follow. Does nothing to a device with more queues.
 */
bool virtio_keep(struct virtio_dev *vd, struct virtio_kept *kept, struct virtq_order *order);

/** What was taken up goes on, or the driver is told that it cannot. With the transport connected. */
void virtio_go_on(struct virtio_dev *vd);

/** After each access of the driver's that may have changed registers. */
void virtio_keep_registers(const struct virtio_dev *vd, struct virtio_kept *kept);

/*
 * For queue.c: what replaces the ring's own functions in a kept queue.
 */
void virtq_order_pop(struct virtq_order *order, struct virtq_token token);
void virtq_order_unpop(struct virtq_order *order);
void virtq_order_push(struct virtq_order *order, struct virtq_token token, uint32_t written);

/** Writes what can be written, in order. True if the driver wants an interrupt. */
bool virtq_order_publish(struct virtq *vq);
