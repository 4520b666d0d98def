// SPDX-License-Identifier: BSD-2-Clause
/*
 * The driver's side of a queue, split (VIRTIO 1.2, 2.7) and packed (2.8).
 *
 * An id is the first descriptor of a split chain, or the buffer id of a packed one; `span` is how many
 * descriptors it took. Interrupts are turned off: tests look.
 */
#include "test/guest/lib/virtio.h"

enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
	DESC_AVAIL = 1 << 7,
	DESC_USED = 1 << 15,
	AVAIL_NO_INTERRUPT = 1,
	EVENT_DISABLE = 1,
	DESC_BYTES = 16,
	RING = 4, /* flags, idx, ring[] */
};

/* Both formats begin alike: address, length; then flags and next, or id and flags. */
static void write_desc(uint64_t at, uint64_t address, uint32_t length, uint16_t third,
		       uint16_t fourth)
{
	write64(at, address);
	write32(at + 8, length);
	write32(at + 12, third | (uint32_t)fourth << 16);
}

bool virtq_open(struct virtq *q, struct virtio *vd, uint16_t index, uint16_t size, uint64_t memory)
{
	uint32_t max;

	virtio_write(vd, REG_QUEUE_SEL, index);
	max = virtio_read(vd, REG_QUEUE_MAX);
	if (max == 0)
		return false;
	if (max > QUEUE_MAX)
		max = QUEUE_MAX;
	if (size == 0 || size > max)
		size = (uint16_t)max;
	*q = (struct virtq){
		.vd = vd,
		.index = index,
		.size = size,
		.room = size,
		.packed = (vd->features & F_RING_PACKED) != 0,
		.wrap = true,
		.seen_wrap = true,
		.desc = memory,
		.driver = memory + 4096,
		.device = memory + 8192,
	};
	for (uint64_t at = memory; at < memory + QUEUE_BYTES; at += 8)
		write64(at, 0);
	for (uint16_t i = 0; i < size; i++)
		q->free[q->free_count++] = (uint16_t)(size - 1 - i);
	write16(q->driver + (q->packed ? 2 : 0), q->packed ? EVENT_DISABLE : AVAIL_NO_INTERRUPT);
	virtq_program(q);
	return true;
}

void virtq_program(const struct virtq *q)
{
	const struct virtio *vd = q->vd;

	virtio_write(vd, REG_QUEUE_SEL, q->index);
	virtio_write(vd, REG_QUEUE_SIZE, q->size);
	virtio_write(vd, REG_DESC_LOW, (uint32_t)q->desc);
	virtio_write(vd, REG_DESC_HIGH, (uint32_t)(q->desc >> 32));
	virtio_write(vd, REG_DRIVER_LOW, (uint32_t)q->driver);
	virtio_write(vd, REG_DRIVER_HIGH, (uint32_t)(q->driver >> 32));
	virtio_write(vd, REG_DEVICE_LOW, (uint32_t)q->device);
	virtio_write(vd, REG_DEVICE_HIGH, (uint32_t)(q->device >> 32));
	virtio_write(vd, REG_QUEUE_READY, 1);
}

/* What the packed ring's next descriptor says to be available (2.8.1). */
static uint16_t packed_flags(const struct virtq *q)
{
	return q->wrap ? DESC_AVAIL : DESC_USED;
}

/* Writes all pieces at the ring's end, the first one's flags last. */
static int offer_packed(struct virtq *q, const struct piece *pieces, unsigned count, bool indirect)
{
	uint16_t id = q->free[--q->free_count], first = q->next, first_flags = 0;

	q->room = (uint16_t)(q->room - count);
	q->span[id] = (uint16_t)count;
	for (unsigned i = 0; i < count; i++) {
		uint16_t flags = packed_flags(q);

		flags = (uint16_t)(flags | (i + 1 < count ? DESC_NEXT : 0));
		flags = (uint16_t)(flags | (pieces[i].writable ? DESC_WRITE : 0));
		flags = (uint16_t)(flags | (indirect ? DESC_INDIRECT : 0));
		if (i == 0) { /* not yet the device's */
			first_flags = flags;
			flags ^= DESC_AVAIL | DESC_USED;
		}
		write_desc(q->desc + DESC_BYTES * (uint64_t)q->next, pieces[i].at, pieces[i].length,
			   id, flags);
		if (++q->next == q->size) {
			q->next = 0;
			q->wrap = !q->wrap;
		}
	}
	barrier();
	write16(q->desc + DESC_BYTES * (uint64_t)first + 14, first_flags);
	return id;
}

static int offer_split(struct virtq *q, const struct piece *pieces, unsigned count, bool indirect)
{
	uint16_t id = q->free[q->free_count - 1];

	for (unsigned i = 0; i < count; i++) {
		uint16_t slot = q->free[--q->free_count];
		uint16_t next = i + 1 < count ? q->free[q->free_count - 1] : 0;
		unsigned flags = (i + 1 < count ? DESC_NEXT : 0u) |
				 (pieces[i].writable ? DESC_WRITE : 0u) |
				 (indirect ? DESC_INDIRECT : 0u);

		write_desc(q->desc + DESC_BYTES * (uint64_t)slot, pieces[i].at, pieces[i].length,
			   (uint16_t)flags, next);
	}
	q->span[id] = (uint16_t)count;
	write16(q->driver + RING + 2 * (uint64_t)(q->next % q->size), id);
	barrier();
	write16(q->driver + 2, ++q->next);
	return id;
}

static int offer(struct virtq *q, const struct piece *pieces, unsigned count, bool indirect)
{
	if (count == 0 || count > (q->packed ? q->room : q->free_count))
		return -1;
	return q->packed ? offer_packed(q, pieces, count, indirect)
			 : offer_split(q, pieces, count, indirect);
}

int virtq_offer(struct virtq *q, const struct piece *pieces, unsigned count)
{
	return offer(q, pieces, count, false);
}

int virtq_offer_indirect(struct virtq *q, uint64_t table, const struct piece *pieces,
			 unsigned count)
{
	const struct piece whole = { .at = table, .length = DESC_BYTES * count };

	for (unsigned i = 0; i < count; i++) {
		uint16_t flags = pieces[i].writable ? DESC_WRITE : 0;

		if (q->packed) /* 2.8.7: in order, without NEXT */
			write_desc(table + DESC_BYTES * (uint64_t)i, pieces[i].at, pieces[i].length,
				   0, flags);
		else
			write_desc(table + DESC_BYTES * (uint64_t)i, pieces[i].at, pieces[i].length,
				   (uint16_t)(flags | (i + 1 < count ? DESC_NEXT : 0)),
				   (uint16_t)(i + 1));
	}
	return offer(q, &whole, 1, true);
}

/* Takes the descriptors of a finished split chain back. */
static bool release(struct virtq *q, uint32_t id)
{
	uint16_t slot = (uint16_t)id;

	if (id >= q->size || q->span[id] == 0)
		return false;
	for (uint16_t i = 0; i < q->span[id]; i++) {
		q->free[q->free_count++] = slot;
		slot = read16(q->desc + DESC_BYTES * (uint64_t)slot + 14) % q->size;
	}
	q->span[id] = 0;
	return true;
}

static int take_packed(struct virtq *q, uint32_t *written)
{
	uint64_t at = q->desc + DESC_BYTES * (uint64_t)q->seen;
	uint16_t flags = read16(at + 14), id;
	bool avail = (flags & DESC_AVAIL) != 0, used = (flags & DESC_USED) != 0;

	if (avail != used || used != q->seen_wrap)
		return -1;
	barrier();
	*written = read32(at + 8);
	id = read16(at + 12);
	if (id >= q->size || q->span[id] == 0)
		return -1;
	q->free[q->free_count++] = id;
	q->room = (uint16_t)(q->room + q->span[id]);
	q->seen = (uint16_t)(q->seen + q->span[id]);
	q->span[id] = 0;
	if (q->seen >= q->size) {
		q->seen = (uint16_t)(q->seen - q->size);
		q->seen_wrap = !q->seen_wrap;
	}
	return id;
}

int virtq_take(struct virtq *q, uint32_t *written)
{
	uint64_t entry = q->device + RING + 8 * (uint64_t)(q->seen % q->size);
	uint32_t id;

	if (q->packed)
		return take_packed(q, written);
	if (read16(q->device + 2) == q->seen)
		return -1;
	barrier();
	id = read32(entry);
	*written = read32(entry + 4);
	q->seen++;
	return release(q, id) ? (int)id : -1;
}

int64_t virtq_do(struct virtq *q, const struct piece *pieces, unsigned count)
{
	uint64_t limit = patience();
	uint32_t written;
	int id = virtq_offer(q, pieces, count);

	if (id < 0)
		return -1;
	virtio_notify(q->vd, q->index);
	while (virtq_take(q, &written) != id) {
		if (counter() > limit)
			return -1;
	}
	return written;
}
