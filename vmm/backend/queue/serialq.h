/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial queue in shared memory, in the format of sDDF 0.7: one producer, one consumer, bytes.
 *
 * The header is three 32-bit words. `tail` (producer's) and `head` (consumer's) count bytes and run
 * freely, so tail - head is what is in the queue; the data area's size is a power of two. The
 * producer signals the consumer after every batch. The consumer signals the producer only if asked:
 * `producer_signalled` is 0 while the producer wants to hear that there is room again.
 *
 * The peer is hostile: it may write anything into header and data at any time. Each side keeps its
 * own index privately, writes it out and never reads it back; the peer's index is read once an
 * operation, and a count beyond the capacity makes the queue look full (to the producer) or empty
 * (to the consumer). So a peer can lose or garble its own bytes and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

/* Shared: the wire format. Both start from zeroed memory. */
struct serialq {
	uint32_t tail;
	uint32_t head;
	uint32_t producer_signalled;
};

_Static_assert(sizeof(struct serialq) == 12, "sDDF 0.7 serial queue header");

struct serialq_producer {
	struct serialq *shared; /* borrowed */
	uint8_t *data;          /* borrowed; `capacity` bytes */
	uint32_t capacity;
	uint32_t tail; /* the truth; shared->tail is a copy for the peer */
};

struct serialq_consumer {
	struct serialq *shared; /* borrowed */
	const uint8_t *data;    /* borrowed; `capacity` bytes */
	uint32_t capacity;
	uint32_t head; /* the truth: what was read, released or not */
	uint32_t released;
};

/**
 * Attaches one end. VMM_ERR_INVALID if a pointer is NULL or `capacity` is not a power of two of at
 * most 2^31. Takes up our own index where a former owner of this end left it.
 */
enum vmm_err serialq_producer_init(struct serialq_producer *p, void *header, void *data,
				   uint32_t capacity) VMM_MUST_CHECK;
enum vmm_err serialq_consumer_init(struct serialq_consumer *c, void *header, const void *data,
				   uint32_t capacity) VMM_MUST_CHECK;

/** Bytes that can be written now. */
uint32_t serialq_room(const struct serialq_producer *p);

/** False if the peer's index cannot be: then there is no room, or nothing to read, until it can. */
bool serialq_producer_is_sane(const struct serialq_producer *p);
bool serialq_consumer_is_sane(const struct serialq_consumer *c);

/** True if the consumer has released everything that was ever written. */
bool serialq_drained(const struct serialq_producer *p);

/** Writes up to `len` bytes and makes them visible; returns how many. The caller then signals. */
size_t serialq_write(struct serialq_producer *p, const uint8_t *bytes, size_t len);

/** The same in two steps, for what must be seen whole: what was put is visible from serialq_show() on. */
size_t serialq_put(struct serialq_producer *p, const uint8_t *bytes, size_t len);
void serialq_show(struct serialq_producer *p);

/**
 * Asks for a signal at the consumer's next release. Look at serialq_room() again afterwards and
 * before sleeping: what was released in between is not signalled.
 */
void serialq_want_signal(struct serialq_producer *p);

/** Bytes that can be read now. */
uint32_t serialq_length(const struct serialq_consumer *c);

/** Reads up to `len` bytes; returns how many. Their room is not given back yet. */
size_t serialq_read(struct serialq_consumer *c, uint8_t *bytes, size_t len);

/**
 * Gives back the room of everything read. Returns true if the producer must be signalled (it asked,
 * and hears it once). After reading nothing there is nothing to hear: two programs that wait for a third
 * would only wake each other.
 */
bool serialq_release(struct serialq_consumer *c);

/** The same up to an earlier `head` only. */
bool serialq_release_to(struct serialq_consumer *c, uint32_t head);
