/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed virtqueues (VIRTIO 1.2, 2.8): one ring of descriptors, which the driver makes available and the
 * device overwrites as used, each in ring order, and an event area a side.
 *
 *   descriptor: address, len, id, flags      event area: descriptor offset and wrap, flags
 *
 * A chain is consecutive descriptors; its id is the last one's. A used descriptor stands for as many as
 * the chain had and goes where our own ring position is, so chains are answered in any order. Batches: the
 * flags of the first used descriptor are held back until notify(), and the driver, who reads in order,
 * sees none of those behind it.
 *
 * Invariant: `in_flight` counts descriptors between `used` and `avail`, at most `size`: what is
 * overwritten as used was taken before.
 */
#include "vmm/dev/virtio/ring.h"

enum {
	DESC_LEN = 8,
	DESC_ID = 12,
	DESC_FLAGS = 14,
	FLAG_AVAIL = 1 << 7,
	FLAG_USED = 1 << 15,
	EVENT_OFFSET = 0,
	EVENT_FLAGS = 2,
	EVENT_WRAP_SHIFT = 15,
	EVENT_OFFSET_MASK = 0x7fff,
	/* Event flags (2.8.10). */
	EVENT_ENABLE = 0,
	EVENT_DISABLE = 1,
	EVENT_DESC = 2,
};

static uint8_t *desc_at(const struct virtq *vq, unsigned index)
{
	return vq->host[VIRTQ_DESC] + (size_t)RING_DESC_BYTES * index;
}

static void forward(const struct virtq *vq, uint16_t *index, bool *wrap, uint16_t count)
{
	*index = (uint16_t)(*index + count);
	if (*index >= vq->size) {
		*index = (uint16_t)(*index - vq->size);
		*wrap = !*wrap;
	}
}

/* The descriptor at our position was made available in this round (2.8.1). */
static bool available(const struct virtq *vq)
{
	uint16_t flags = ring_load16_acquire(desc_at(vq, vq->avail) + DESC_FLAGS);
	bool avail = (flags & FLAG_AVAIL) != 0, used = (flags & FLAG_USED) != 0;

	return avail == vq->avail_wrap && used != vq->avail_wrap;
}

/* All entries of the table, in order; of their flags only WRITE means anything (2.8.7). */
static const char *walk_table(struct virtio_dev *vd, const struct ring_table *table,
			      struct virtq_chain *chain)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct ring_desc d;
		const char *why = ring_table_entry(vd, table, i, &d);

		if (why == NULL && (d.high & RING_INDIRECT) != 0)
			why = "indirect table within an indirect table";
		if (why == NULL)
			why = ring_add(vd, chain, &d, (d.high & RING_WRITE) != 0);
		if (why != NULL)
			return why;
	}
	return NULL;
}

/*
 * From our position on. Of the first descriptor's flags available() has used two bits, of an earlier
 * copy; these here are the others.
 */
static const char *walk(struct virtio_dev *vd, const struct virtq *vq, struct virtq_chain *chain)
{
	unsigned index = vq->avail;

	for (unsigned count = 1; count <= (unsigned)vq->size - vq->in_flight; count++) {
		struct ring_desc d = ring_load_desc(desc_at(vq, index));
		const char *why;

		chain->token.id = d.low;
		chain->token.count = (uint16_t)count;
		if ((d.high & RING_INDIRECT) != 0) {
			struct ring_table table;

			if (!vq->indirect || count != 1 || (d.high & RING_NEXT) != 0)
				return "indirect descriptor where none may be";
			why = ring_table(&d, &table);
			return why != NULL ? why : walk_table(vd, &table, chain);
		}
		why = ring_add(vd, chain, &d, (d.high & RING_WRITE) != 0);
		if (why != NULL || (d.high & RING_NEXT) == 0)
			return why;
		index = index + 1U < vq->size ? index + 1 : 0;
	}
	return "descriptor chain longer than the ring";
}

static enum virtq_pop pop(struct virtio_dev *vd, struct virtq *vq, struct virtq_chain *chain,
			  const char **why)
{
	if (!available(vq))
		return VIRTQ_EMPTY;
	*why = walk(vd, vq, chain);
	if (*why != NULL)
		return VIRTQ_BAD;
	forward(vq, &vq->avail, &vq->avail_wrap, chain->token.count);
	vq->in_flight = (uint16_t)(vq->in_flight + chain->token.count);
	return VIRTQ_GOT;
}

/* Nothing of it was overwritten: what was pushed since is before it in the ring. */
static void unpop(struct virtq *vq, struct virtq_token token)
{
	if (vq->avail < token.count) {
		vq->avail = (uint16_t)(vq->avail + vq->size);
		vq->avail_wrap = !vq->avail_wrap;
	}
	vq->avail = (uint16_t)(vq->avail - token.count);
	vq->in_flight = (uint16_t)(vq->in_flight - token.count);
}

static void push(struct virtq *vq, struct virtq_token token, uint32_t written)
{
	uint8_t *desc = desc_at(vq, vq->used);
	uint16_t flags = (uint16_t)((vq->used_wrap ? FLAG_AVAIL | FLAG_USED : 0) |
				    (written != 0 ? RING_WRITE : 0));

	ring_store32(desc + DESC_LEN, written);
	ring_store16(desc + DESC_ID, token.id);
	if (vq->held) {
		ring_store16(desc + DESC_FLAGS, flags);
	} else {
		vq->held = true;
		vq->held_at = vq->used;
		vq->held_flags = flags;
	}
	forward(vq, &vq->used, &vq->used_wrap, token.count);
	vq->in_flight = (uint16_t)(vq->in_flight - token.count);
}

/* A place in the ring and its round, on a circle of two rounds. */
static unsigned place(const struct virtq *vq, unsigned index, bool wrap)
{
	return index + (wrap ? 0U : vq->size);
}

/* True if `event` was passed on the way from `from` to `to`: 2.8.10 for DESC. */
static bool passed(const struct virtq *vq, unsigned from, unsigned event, unsigned to)
{
	unsigned circle = 2U * vq->size;

	return (event + circle - from) % circle < (to + circle - from) % circle;
}

static bool notify(struct virtq *vq)
{
	const uint8_t *events = vq->host[VIRTQ_DRIVER];
	unsigned from = place(vq, vq->used_told, vq->used_told_wrap);
	uint16_t flags, offset;

	if (!vq->held)
		return false;
	ring_store16_release(desc_at(vq, vq->held_at) + DESC_FLAGS, vq->held_flags);
	vq->held = false;
	vq->used_told = vq->used;
	vq->used_told_wrap = vq->used_wrap;
	ring_fence();
	flags = ring_load16_acquire(events + EVENT_FLAGS);
	if (flags != EVENT_DESC || !vq->event_idx)
		return flags != EVENT_DISABLE;
	offset = ring_load16(events + EVENT_OFFSET);
	/* An offset outside of the ring is nowhere: be generous with interrupts, never stingy. */
	if ((offset & EVENT_OFFSET_MASK) >= vq->size)
		return true;
	return passed(vq, from,
		      place(vq, offset & EVENT_OFFSET_MASK, offset >> EVENT_WRAP_SHIFT != 0),
		      place(vq, vq->used, vq->used_wrap));
}

/*
 * The flags of the first descriptor publish it. Once they have, the driver may have made that descriptor
 * available again, in the next round.
 */
static void repeat(struct virtq *vq, struct virtq_token token, uint32_t written)
{
	if (available(vq)) {
		push(vq, token, written);
		(void)notify(vq);
		return;
	}
	forward(vq, &vq->used, &vq->used_wrap, token.count);
	vq->in_flight = (uint16_t)(vq->in_flight - token.count);
}

static void kicks_off(struct virtq *vq)
{
	if (!vq->kicks_off)
		ring_store16(vq->host[VIRTQ_DEVICE] + EVENT_FLAGS, EVENT_DISABLE);
	vq->kicks_off = true;
}

static bool kicks_on(struct virtq *vq, uint16_t after)
{
	uint8_t *events = vq->host[VIRTQ_DEVICE];
	uint16_t place = vq->avail;
	bool wrap = vq->avail_wrap;

	forward(vq, &place, &wrap, after);
	if (vq->event_idx)
		ring_store16(events + EVENT_OFFSET,
			     (uint16_t)(place | (wrap ? 1U << EVENT_WRAP_SHIFT : 0U)));
	ring_store16_release(events + EVENT_FLAGS, vq->event_idx ? EVENT_DESC : EVENT_ENABLE);
	vq->kicks_off = false;
	ring_fence();
	return available(vq);
}

const struct ring_ops ring_packed = {
	.pop = pop,
	.unpop = unpop,
	.push = push,
	.repeat = repeat,
	.notify = notify,
	.kicks_off = kicks_off,
	.kicks_on = kicks_on,
};
