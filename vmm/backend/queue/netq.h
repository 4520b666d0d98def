/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network queue in shared memory, in the format of sDDF 0.7: one producer, one consumer, buffers.
 *
 * A link between two programs has four of them: a free and an active queue for each direction. An
 * entry names a buffer of the direction's data region: by its offset there, or by its DMA address
 * between a multiplexer and a driver. `tail` (producer's) and `head` (consumer's) are 16 bits and run
 * freely, so a capacity is a power of two of at most 2^15.
 *
 * Ours are the six bytes that sDDF leaves as padding: NETQ_MORE says that the frame goes on in the
 * next entry, NETQ_META that it begins with a struct net_hdr (vmm/backend/net/net.h). A plain frame
 * has neither, and is what any sDDF peer sends and takes.
 *
 * Signals: a consumer that will sleep asks with netq_want_signal() and looks once more; a producer
 * asks netq_publish() whether to signal. So a busy consumer is never signalled.
 *
 * Behind the entries of its own free queue (the one it produces) each end of a link leaves a note. Zeros, as
 * of a program that knows nothing of it, are right for an end that takes plain frames and is never started
 * again.
 *
 * The peer is hostile: each side keeps its own index privately and never reads it back; the peer's is
 * read once an operation, and a count beyond the capacity makes the queue look full (to the producer)
 * or empty (to the consumer). An entry is copied once; what is in it, the caller checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	NETQ_CAPACITY_MAX = 32768,
	NETQ_MORE = 1U << 0,
	NETQ_META = 1U << 1,
};

struct netq_entry {
	uint64_t io_or_offset;
	uint16_t len;
	uint16_t flags;
	uint32_t reserved;
};

/* Shared: the wire format. Starts from zeroed memory. */
struct netq {
	uint16_t tail;
	uint16_t head;
	uint32_t consumer_signalled; /* 0: the consumer wants to hear of the next entry */
	struct netq_entry entries[];
};

_Static_assert(sizeof(struct netq_entry) == 16, "sDDF 0.7 network queue entry");
_Static_assert(offsetof(struct netq, entries) == 8, "sDDF 0.7 network queue header");

/*
 * Ends may die and be started again; how they come together then is in vmm/backend/net/link.h. All counts
 * are of starts after the first.
 */
struct netq_note {
	uint32_t takes; /* NET_OFFLOAD_* */
	uint32_t up;
	uint32_t life;   /* this end's */
	uint32_t answer; /* the other's that this end has turned to */
	uint32_t set;    /* owner of the buffers: its own life for which the queues are set up */
	uint32_t reserved;
};

/* Bytes that a queue of this capacity takes. */
#define NETQ_BYTES(capacity) (sizeof(struct netq) + (size_t)(capacity) * sizeof(struct netq_entry))

/** The note behind a queue of this capacity, for which there is room. */
static inline struct netq_note *netq_note(struct netq *queue, uint32_t capacity)
{
	return (struct netq_note *)(void *)&queue->entries[capacity];
}

struct netq_producer {
	struct netq *shared; /* borrowed */
	uint32_t capacity;
	uint16_t tail; /* the truth, with entries that are not published yet */
	bool dirty;    /* published since the consumer was last looked at */
};

struct netq_consumer {
	struct netq *shared; /* borrowed */
	uint32_t capacity;
	uint16_t head; /* the truth: what was taken, released or not */
};

/**
 * Attaches one end to NETQ_BYTES(capacity) bytes. VMM_ERR_INVALID if they are NULL or not aligned, or
 * `capacity` is not a power of two of at most NETQ_CAPACITY_MAX. Takes up our own index where a
 * former owner of this end left it.
 */
enum vmm_err netq_producer_init(struct netq_producer *p, void *memory,
				uint32_t capacity) VMM_MUST_CHECK;
enum vmm_err netq_consumer_init(struct netq_consumer *c, void *memory,
				uint32_t capacity) VMM_MUST_CHECK;

/** After the other end died: the queue is empty, whatever was in it. */
void netq_producer_restart(struct netq_producer *p);
void netq_consumer_restart(struct netq_consumer *c);

/** Entries that can be added now. */
uint32_t netq_room(const struct netq_producer *p);

/** False if the peer's index cannot be: then there is no room, or no entry, until it can. */
bool netq_producer_is_sane(const struct netq_producer *p);
bool netq_consumer_is_sane(const struct netq_consumer *c);

/** Adds an entry that nobody sees yet. The caller knows that there is room. */
void netq_put(struct netq_producer *p, uint64_t io_or_offset, uint16_t len, uint16_t flags);

/** Shows the consumer all that was added. */
void netq_show(struct netq_producer *p);

/** Shows all that was added; true if the consumer must be signalled (it asked, and hears it once). */
bool netq_publish(struct netq_producer *p);

/** Entries that can be taken now. */
uint32_t netq_length(const struct netq_consumer *c);

/** Copies entry `index` (0: the oldest) of those that netq_length() has counted. */
struct netq_entry netq_peek(const struct netq_consumer *c, uint32_t index);

/** Takes the `count` oldest of those that netq_length() has counted, and gives back their room. */
void netq_take(struct netq_consumer *c, uint32_t count);

/** Asks for a signal at the next entry. Look at netq_length() again afterwards and before sleeping. */
void netq_want_signal(struct netq_consumer *c);
