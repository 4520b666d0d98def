/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a serial device's bytes go and come from. A backend never blocks and never loses a byte: it
 * takes or gives as many as it can now. After a short count (fewer than asked, so also 0) it owes
 * its owner an event when more is possible; whoever gets the event calls the device's poll function.
 *
 * A backend embeds struct console_backend as a member and finds itself with container_of.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct console_backend;

struct console_ops {
	/** Takes up to `len` bytes towards the outside; returns how many. */
	size_t (*write)(struct console_backend *backend, const uint8_t *bytes, size_t len);
	/** Gives up to `len` bytes from the outside; returns how many. */
	size_t (*read)(struct console_backend *backend, uint8_t *bytes, size_t len);
};

struct console_backend {
	const struct console_ops *ops;
};

/** Swallows all output, has no input. Stateless: any number of devices may share one. */
void console_null_init(struct console_backend *backend);

/* Two byte rings in memory, for tests and for VMs whose console is read later. */
struct console_ring {
	uint8_t *bytes;    /* borrowed */
	size_t size;       /* of `bytes`; may be 0 */
	size_t head, used; /* oldest byte, count */
};

struct console_memory {
	struct console_backend backend;
	struct console_ring out; /* written by the device */
	struct console_ring in;  /* read by the device */
};

/** Both buffers are borrowed and outlive the backend. */
void console_memory_init(struct console_memory *memory, uint8_t *out, size_t out_size, uint8_t *in,
			 size_t in_size);

/** Feeds bytes to the device; returns how many fitted. */
size_t console_memory_feed(struct console_memory *memory, const uint8_t *bytes, size_t len);

/** Takes what the device has written; returns how many bytes. */
size_t console_memory_drain(struct console_memory *memory, uint8_t *bytes, size_t len);
