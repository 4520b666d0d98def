/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seeds for the random number generators of guests, out of one that the machine's firmware gave.
 *
 * Who knows what was taken from a seed learns nothing of what is taken from it later or earlier, nor of
 * another one that was split off: each step is a block of ChaCha20 (RFC 8439, 2.3), half of which
 * becomes the new key ("fast key erasure"). Pure; whether there was a seed at all is the caller's to know.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SEED_BYTES = 32 };

struct seed {
	uint8_t key[SEED_BYTES];
};

/** Takes the next SEED_BYTES, and leaves no trace of them or of the key on the stack. */
void seed_next(struct seed *seed, uint8_t out[SEED_BYTES]);

/** Zeroes what was secret, even if nothing reads it any more. */
void seed_wipe(void *at, size_t size);
