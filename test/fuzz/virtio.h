/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that drives a virtio device, mostly as it should and partly not, by a fuzzer's bytes: so that
 * inputs get past the handshake and break rules where it matters. Over PCI, or over virtio-mmio with or
 * without the page of registers, as the first byte says.
 *
 * After each step the invariants that hold for any device are checked, and at the end the device must
 * work for a driver that resets it and keeps the rules.
 */
#pragma once

#include "test/fuzz/input.h"
#include "test/support/virtio_driver.h"

enum { FUZZ_VIRTIO_RAM = 64 << 10 };

/* What is fuzzed. */
struct fuzz_virtio {
	/** Makes the device in guest RAM `d`; the backends are empty. */
	struct virtio_dev *(*make)(struct driver *d);
	/** Something happens at the backend, as the input says; then virtio_event() is called. */
	void (*backend)(struct driver *d, struct input *in);
	/** The device was reset and started with its plain features: it must do its work. */
	void (*works)(struct driver *d);
	uint64_t features; /* of the device itself, that may be negotiated */
	unsigned queues;   /* that a plain driver sets up */
};

void fuzz_virtio(const struct fuzz_virtio *fuzz, const uint8_t *data, size_t size);

/** Ends the program if `ok` is false: libFuzzer keeps the input. */
void fuzz_expect(bool ok);
