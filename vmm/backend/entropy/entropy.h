/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where random bytes come from. A backend never blocks: it gives as many as it has. After a short count
 * (fewer than asked, so also 0) it owes its owner an event when there are more; whoever gets the
 * event lets the device look again.
 *
 * A backend embeds struct entropy_backend as a member and finds itself with container_of.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct entropy_backend;

struct entropy_ops {
	/** Gives up to `len` bytes; returns how many. No byte is ever given twice. */
	size_t (*fill)(struct entropy_backend *backend, uint8_t *bytes, size_t len);
};

struct entropy_backend {
	const struct entropy_ops *ops;
};

/* Bytes that look random and are not: the same for the same seed. For tests alone. */
struct entropy_fixed {
	struct entropy_backend backend;
	uint64_t state;
	uint64_t left; /* bytes until it runs dry; UINT64_MAX: never */
};

void entropy_fixed_init(struct entropy_fixed *fixed, uint64_t seed, uint64_t left);
