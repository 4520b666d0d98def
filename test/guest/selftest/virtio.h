/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of virtio devices share: every device that the machine has, with each ring format
 * that it offers, and memory for queues and data.
 */
#pragma once

#include "test/guest/lib/virtio.h"
#include "test/guest/selftest/selftest.h"

enum {
	DATA_BYTES = 1 << 16,
	PACE_DEVICES = VIRTIO_DEVICES_MAX,
};

/* One page-aligned piece of memory each. */
extern uint8_t virtio_queue_memory[4][QUEUE_BYTES];
extern uint8_t virtio_data[2][DATA_BYTES];

static inline uint64_t queue_memory(unsigned index)
{
	return (uint64_t)(uintptr_t)virtio_queue_memory[index];
}

static inline uint64_t data_memory(unsigned index)
{
	return (uint64_t)(uintptr_t)virtio_data[index];
}

/** All devices; found once. */
struct virtio *virtio_all(unsigned *count);
/** The nth device of a kind, or NULL. */
struct virtio *virtio_nth(uint32_t kind, unsigned n);
/** False if the device does not have that format; true once it is ready for its queues. */
bool virtio_begin(struct virtio *vd, bool packed, uint64_t wanted);

/* Runs a test's body for every device of a kind and each format that it has. */
#define FOR_EACH_FORMAT(vd, kind, wanted)                          \
	for (unsigned n_ = 0; n_ < 2 * PACE_DEVICES; n_++)         \
		for (struct virtio *vd = virtio_nth(kind, n_ / 2); \
		     vd != NULL && virtio_begin(vd, n_ % 2 != 0, wanted); vd = NULL)
