/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues, the device's side (VIRTIO 1.2, 2.6 to 2.8): split and packed rings, indirect
 * descriptors, event indices, behind one interface that does not show which.
 *
 * The rings lie in guest RAM, and the guest (all of its vCPUs) may write them at any time. Every
 * field is loaded once, the copy is checked, and the copy is used. What breaks the specification
 * makes the device need a reset (virtio.h), after which every function here does nothing.
 *
 * A chain is taken with virtq_pop() and given back with virtq_push(), at once or much later and in any
 * order; or put back with virtq_unpop(), when a backend has no room: nothing is dropped. What was
 * pushed is seen by the driver from virtq_notify() on, which is called once a batch.
 *
 * Threads: with the device's lock held (virtio.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtio_dev;
struct virtq_order;

enum {
	VIRTQ_SIZE_MAX = 256, /* no device offers longer queues, so no chain has more descriptors */
	VIRTQ_SEGMENTS = VIRTQ_SIZE_MAX + 4, /* a buffer may cross from one RAM range to the next */
};

/* The three parts of a queue in guest memory (2.6); a packed queue calls the latter two event areas. */
enum virtq_area {
	VIRTQ_DESC = 0,
	VIRTQ_DRIVER,
	VIRTQ_DEVICE,
	VIRTQ_AREAS,
};

/* One queue. All fields are queue.c's and virtio.c's own; a device has an array of them. */
struct virtq {
	/* guest-physical, as the driver wrote them; checked on enable */
	uint64_t area[VIRTQ_AREAS];
	uint8_t *host[VIRTQ_AREAS]; /* valid while enabled */
	uint16_t size;              /* 1 to the device's maximum; a power of two while split */
	bool enabled;
	bool packed, event_idx, indirect; /* negotiated; valid while enabled */
	bool avail_wrap, used_wrap;       /* packed: the wrap counters */
	bool kicks_off;                   /* packed: what was written to the device's event area */
	uint16_t avail;                   /* next entry or descriptor to look at */
	uint16_t avail_seen;              /* split: the driver's index, as last read */
	uint16_t used;                    /* next one to write */
	uint16_t used_told;               /* the value of `used` that was last announced */
	bool used_told_wrap;
	/* descriptors (packed) or chains (split) taken and not yet given back */
	uint16_t in_flight;
	uint16_t held_at, held_flags; /* packed: the flags that publish the batch */
	bool held;
	uint32_t generation; /* counts resets of this queue; tokens of earlier ones are stale */
	struct virtq_order *order; /* kept.h: a successor can take the queue up; or NULL */
};

/* What names a chain in flight. Plain data; stays valid, and may go stale, for ever. */
struct virtq_token {
	uint32_t generation;
	uint16_t id;
	uint16_t count; /* of descriptors in the ring */
};

/* A piece of a buffer: wholly inside one range of guest RAM; never empty. */
struct virtq_segment {
	uint64_t gpa;
	uint8_t *host;
	uint32_t len;
};

/*
 * The readable segments come first, then the writable ones. They stay in the device's one scratch
 * array until the next virtq_pop() of that device; virtq_keep() moves them to the caller's storage.
 */
struct virtq_chain {
	struct virtq_token token;
	uint16_t readable_count, writable_count; /* segments */
	uint32_t readable_len, writable_len;     /* bytes; their sum fits too */
	struct virtq_segment *segment;           /* borrowed */
};

enum virtq_pop {
	/* nothing there, the queue is not in use, or enough for this time (virtio.h) */
	VIRTQ_EMPTY = 0,
	VIRTQ_GOT,
	VIRTQ_BAD, /* the driver broke the rules: the device needs a reset and has said so */
};

/** Takes the next chain. Must be given back: virtq_push(), virtq_unpop(), or by a reset. */
enum virtq_pop virtq_pop(struct virtio_dev *vd, unsigned queue, struct virtq_chain *chain);

/** Puts back what the last virtq_pop() of this queue took; several, in reverse order. */
void virtq_unpop(struct virtio_dev *vd, unsigned queue, const struct virtq_chain *chain);

/**
 * Gives a chain back with the number of bytes written to it from its start. Ignored if the queue or
 * the device was reset since the pop. The driver sees it after the next virtq_notify().
 */
void virtq_push(struct virtio_dev *vd, unsigned queue, struct virtq_token token, uint32_t written);

/** Publishes what was pushed and interrupts the driver if it wants that. Cheap if there is nothing. */
void virtq_notify(struct virtio_dev *vd, unsigned queue);

/** True as long as a push with this token would be heard. Ask before guest memory is touched late. */
bool virtq_alive(const struct virtio_dev *vd, unsigned queue, struct virtq_token token);

/**
 * Asks the driver for no notifications (a hint), or for the next one. The latter returns true if there
 * is something to pop already: the notification for it may not come.
 *
 *	do {
 *		virtq_kicks_off(vd, queue);
 *		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT)
 *			...
 *	} while (virtq_kicks_on(vd, queue));
 */
void virtq_kicks_off(struct virtio_dev *vd, unsigned queue);
bool virtq_kicks_on(struct virtio_dev *vd, unsigned queue);

/**
 * As virtq_kicks_on(), but for a driver in the middle of many: it is to notify when `count` more chains
 * are there. What is fewer is looked at all the same, when a vCPU has nothing to do or a moment has
 * passed: ops->notify() is called then (vd->resumed). Without event indices, or if the owner cannot see
 * to that, it is virtq_kicks_on().
 */
bool virtq_kicks_after(struct virtio_dev *vd, unsigned queue, uint16_t count);

/** True if the queue is enabled and the driver is ready: that there can be chains at all. */
bool virtq_ready(const struct virtio_dev *vd, unsigned queue);

/**
 * Copies from the readable part, from `offset` on, or to the writable part; returns how many bytes
 * there were, up to `len`. What was read is a copy, and the only one that may be checked.
 */
size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *to, size_t len);
size_t virtq_write(const struct virtq_chain *chain, uint64_t offset, const void *from, size_t len);

/**
 * Moves the chain's segments to `storage`. False, and nothing done, if there are more than `count`.
 * Needed by whoever answers a chain after the next pop; tokens need no keeping.
 */
bool virtq_keep(struct virtq_chain *chain, struct virtq_segment *storage, size_t count);

/*
 * For virtio.c.
 */

/** Checks size and addresses and starts at the beginning; NULL, or what is wrong with them. */
const char *virtq_enable(struct virtio_dev *vd, unsigned queue);

/** Back to the state after reset: chains in flight go stale. The addresses are forgotten. */
void virtq_reset(struct virtq *vq, uint16_t size_max);
