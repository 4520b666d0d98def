/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (VIRTIO 1.2, 2.7).
 *
 *   descriptors: 16 bytes each
 *   available (driver): flags, idx, ring[size] of 2 bytes, used_event
 *   used (device):      flags, idx, ring[size] of { id, len }, avail_event
 *
 * Indices run freely over 16 bits. Invariant: avail_seen - avail + in_flight <= size, which is checked
 * when avail_seen is read: so a driver never has more chains with us than the queue has descriptors.
 */
#include "vmm/dev/virtio/ring.h"

enum {
	FLAGS = 0,
	INDEX = 2,
	RING = 4,
	AVAIL_ENTRY = 2,
	USED_ENTRY = 8,
	AVAIL_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
};

/* Descriptors chained by `next`, at most as many as the queue has: loops end there. */
static const char *walk_table(struct virtio_dev *vd, const struct ring_table *table,
			      struct virtq_chain *chain)
{
	struct ring_desc d;
	unsigned index = 0;

	for (unsigned steps = 0; steps < table->count; steps++) {
		const char *why = ring_table_entry(vd, table, index, &d);

		if (why == NULL && (d.low & RING_INDIRECT) != 0)
			why = "indirect table within an indirect table";
		if (why == NULL)
			why = ring_add(vd, chain, &d, (d.low & RING_WRITE) != 0);
		if (why != NULL)
			return why;
		if ((d.low & RING_NEXT) == 0)
			return NULL;
		index = d.high;
		if (index >= table->count)
			return "next descriptor outside of the indirect table";
	}
	return "loop in an indirect table";
}

static const char *walk(struct virtio_dev *vd, const struct virtq *vq, struct virtq_chain *chain)
{
	unsigned index = chain->token.id;

	for (unsigned steps = 0; steps < vq->size; steps++) {
		struct ring_desc d;
		const char *why;

		if (index >= vq->size)
			return "descriptor outside of the table";
		d = ring_load_desc(vq->host[VIRTQ_DESC] + (size_t)RING_DESC_BYTES * index);
		if ((d.low & RING_INDIRECT) != 0) {
			struct ring_table table;

			if (!vq->indirect || (d.low & RING_NEXT) != 0)
				return "indirect descriptor where none may be";
			why = ring_table(&d, &table);
			return why != NULL ? why : walk_table(vd, &table, chain);
		}
		why = ring_add(vd, chain, &d, (d.low & RING_WRITE) != 0);
		if (why != NULL || (d.low & RING_NEXT) == 0)
			return why;
		index = d.high;
	}
	return "loop in a descriptor chain";
}

/* Reads the driver's index. The chains before it are visible then (2.7.13). */
static const char *look(struct virtq *vq)
{
	uint16_t index = ring_load16_acquire(vq->host[VIRTQ_DRIVER] + INDEX);

	if ((uint16_t)(index - vq->avail) > vq->size - vq->in_flight)
		return "available index beyond the ring";
	vq->avail_seen = index;
	return NULL;
}

static enum virtq_pop pop(struct virtio_dev *vd, struct virtq *vq, struct virtq_chain *chain,
			  const char **why)
{
	unsigned slot = vq->avail & (vq->size - 1U);

	if (vq->avail == vq->avail_seen) {
		*why = look(vq);
		if (*why != NULL)
			return VIRTQ_BAD;
		if (vq->avail == vq->avail_seen)
			return VIRTQ_EMPTY;
	}
	chain->token.id = ring_load16(vq->host[VIRTQ_DRIVER] + RING + (size_t)AVAIL_ENTRY * slot);
	chain->token.count = 1;
	*why = walk(vd, vq, chain);
	if (*why != NULL)
		return VIRTQ_BAD;
	vq->avail++;
	vq->in_flight++;
	return VIRTQ_GOT;
}

static void unpop(struct virtq *vq, struct virtq_token token)
{
	(void)token;
	vq->avail--;
	vq->in_flight--;
}

static void push(struct virtq *vq, struct virtq_token token, uint32_t written)
{
	unsigned slot = vq->used & (vq->size - 1U);
	uint8_t *entry = vq->host[VIRTQ_DEVICE] + RING + (size_t)USED_ENTRY * slot;

	ring_store32(entry, token.id);
	ring_store32(entry + 4, written);
	vq->used++;
	vq->in_flight--;
}

static bool notify(struct virtq *vq)
{
	uint16_t old = vq->used_told, event;

	if (vq->used == old)
		return false;
	ring_store16_release(vq->host[VIRTQ_DEVICE] + INDEX, vq->used); /* 2.7.8.2 */
	vq->used_told = vq->used;
	ring_fence();
	if (!vq->event_idx)
		return (ring_load16(vq->host[VIRTQ_DRIVER] + FLAGS) & AVAIL_NO_INTERRUPT) == 0;
	event = ring_load16(vq->host[VIRTQ_DRIVER] + RING + (size_t)AVAIL_ENTRY * vq->size);
	return (uint16_t)(vq->used - event - 1) < (uint16_t)(vq->used - old); /* 2.7.7.2 */
}

/* The entry is ours, and not used for another answer before the driver has made more chains available. */
static void repeat(struct virtq *vq, struct virtq_token token, uint32_t written)
{
	push(vq, token, written);
	(void)notify(vq);
}

/* With event indices an old index in avail_event keeps the driver quiet (2.7.10.1). */
static void kicks_off(struct virtq *vq)
{
	if (!vq->event_idx && !vq->kicks_off)
		ring_store16(vq->host[VIRTQ_DEVICE] + FLAGS, USED_NO_NOTIFY);
	vq->kicks_off = true;
}

static bool kicks_on(struct virtq *vq, uint16_t after)
{
	uint8_t *used = vq->host[VIRTQ_DEVICE];

	if (vq->event_idx)
		ring_store16(used + RING + (size_t)USED_ENTRY * vq->size,
			     (uint16_t)(vq->avail + after));
	else
		ring_store16(used + FLAGS, 0);
	vq->kicks_off = false;
	ring_fence();
	return ring_load16(vq->host[VIRTQ_DRIVER] + INDEX) != vq->avail;
}

const struct ring_ops ring_split = {
	.pop = pop,
	.unpop = unpop,
	.push = push,
	.repeat = repeat,
	.notify = notify,
	.kicks_off = kicks_off,
	.kicks_on = kicks_on,
};
