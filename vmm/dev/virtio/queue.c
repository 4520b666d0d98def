/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is the same for split and packed rings: the gate in front of them (a queue in use, of a device
 * that works), buffers made of descriptors, and copies to and from buffers.
 */
#include "vmm/dev/virtio/queue.h"

#include <string.h>

#include "vmm/base/util.h"
#include "vmm/dev/virtio/kept.h"
#include "vmm/dev/virtio/ring.h"

static struct virtq *queue_of(const struct virtio_dev *vd, unsigned queue)
{
	return &vd->setup.queues[queue];
}

bool virtq_ready(const struct virtio_dev *vd, unsigned queue)
{
	return queue_of(vd, queue)->enabled && !vd->broken &&
	       (vd->status & VIRTIO_STATUS_DRIVER_OK) != 0;
}

bool virtq_alive(const struct virtio_dev *vd, unsigned queue, struct virtq_token token)
{
	const struct virtq *vq = queue_of(vd, queue);

	return vq->enabled && !vd->broken && token.generation == vq->generation &&
	       token.count <= vq->in_flight;
}

/* False, and the queue is looked at again later: this call has taken enough chains. */
static bool affordable(struct virtio_dev *vd, unsigned queue)
{
	if (vd->budget > 0)
		return true;
	vd->unfinished |= UINT64_C(1) << queue;
	return false;
}

enum virtq_pop virtq_pop(struct virtio_dev *vd, unsigned queue, struct virtq_chain *chain)
{
	struct virtq *vq = queue_of(vd, queue);
	const char *why = NULL;
	enum virtq_pop got;

	if (!virtq_ready(vd, queue) || !affordable(vd, queue))
		return VIRTQ_EMPTY;
	*chain = (struct virtq_chain){
		.token = { .generation = vq->generation },
		.segment = vd->scratch,
	};
	got = ring_of(vq)->pop(vd, vq, chain, &why);
	if (got == VIRTQ_BAD)
		virtio_needs_reset(vd, why);
	vd->budget -= got == VIRTQ_GOT;
	if (got == VIRTQ_GOT && vq->order != NULL)
		virtq_order_pop(vq->order, chain->token);
	return got;
}

void virtq_unpop(struct virtio_dev *vd, unsigned queue, const struct virtq_chain *chain)
{
	struct virtq *vq = queue_of(vd, queue);

	if (!virtq_alive(vd, queue, chain->token))
		return;
	ring_of(vq)->unpop(vq, chain->token);
	if (vq->order != NULL)
		virtq_order_unpop(vq->order);
}

void virtq_push(struct virtio_dev *vd, unsigned queue, struct virtq_token token, uint32_t written)
{
	struct virtq *vq = queue_of(vd, queue);

	if (!virtq_alive(vd, queue, token))
		return;
	if (vq->order != NULL)
		virtq_order_push(vq->order, token, written);
	else
		ring_of(vq)->push(vq, token, written);
}

void virtq_notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtq *vq = queue_of(vd, queue);

	if (virtq_ready(vd, queue) &&
	    (vq->order != NULL ? virtq_order_publish(vq) : ring_of(vq)->notify(vq)))
		vd->transport->ops->queue_interrupt(vd, queue);
}

void virtq_kicks_off(struct virtio_dev *vd, unsigned queue)
{
	struct virtq *vq = queue_of(vd, queue);

	if (virtq_ready(vd, queue))
		ring_of(vq)->kicks_off(vq);
}

bool virtq_kicks_on(struct virtio_dev *vd, unsigned queue)
{
	struct virtq *vq = queue_of(vd, queue);

	return virtq_ready(vd, queue) && affordable(vd, queue) && ring_of(vq)->kicks_on(vq, 0);
}

bool virtq_kicks_after(struct virtio_dev *vd, unsigned queue, uint16_t count)
{
	struct virtq *vq = queue_of(vd, queue);
	uint64_t bit = UINT64_C(1) << queue;

	if (!virtq_ready(vd, queue) || !vq->event_idx || vd->setup.owner.later == NULL)
		return virtq_kicks_on(vd, queue);
	if (!affordable(vd, queue))
		return false;
	if (ring_of(vq)->kicks_on(vq, count < vq->size ? count : (uint16_t)(vq->size - 1)))
		return true;
	if ((vd->put_off & bit) == 0 && !vd->setup.owner.later(vd->setup.owner.ctx, vd))
		return virtq_kicks_on(vd, queue);
	vd->put_off |= bit;
	return false;
}

/* ---- chains ---- */

const char *ring_table(const struct ring_desc *desc, struct ring_table *table)
{
	if (desc->len == 0 || desc->len % RING_DESC_BYTES != 0)
		return "indirect table of an odd length";
	/* 2.7.5.3.1, 2.8.19: no chain is longer than the queue may be. */
	if (desc->len / RING_DESC_BYTES > VIRTQ_SIZE_MAX)
		return "indirect table longer than the queue";
	*table = (struct ring_table){ .gpa = desc->gpa, .count = desc->len / RING_DESC_BYTES };
	return NULL;
}

static void load_bytes(const uint8_t *from, uint8_t to[RING_DESC_BYTES])
{
	for (unsigned i = 0; i < RING_DESC_BYTES; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

const char *ring_table_entry(const struct virtio_dev *vd, const struct ring_table *table,
			     unsigned index, struct ring_desc *desc)
{
	_Alignas(uint64_t) uint8_t bytes[RING_DESC_BYTES];
	const uint8_t *host;
	uint64_t at;

	if (!add_u64(table->gpa, (uint64_t)RING_DESC_BYTES * index, &at))
		return "indirect table outside of RAM";
	host = gmem_host(vd->setup.gmem, at, RING_DESC_BYTES);
	if (host == NULL)
		return "indirect table outside of RAM";
	if ((uintptr_t)host % _Alignof(uint64_t) != 0) {
		load_bytes(host, bytes); /* no rule says that a table is aligned */
		host = bytes;
	}
	*desc = ring_load_desc(host);
	return NULL;
}

const char *ring_add(struct virtio_dev *vd, struct virtq_chain *chain, const struct ring_desc *desc,
		     bool writable)
{
	uint64_t gpa = desc->gpa;
	uint32_t left = desc->len;

	if (!writable && chain->writable_count != 0)
		return "readable buffer after a writable one";
	if (left > UINT32_MAX - chain->readable_len - chain->writable_len)
		return "descriptor chain of 4 GiB or more";
	*(writable ? &chain->writable_len : &chain->readable_len) += left;
	while (left > 0) {
		unsigned count = (unsigned)chain->readable_count + chain->writable_count;
		uint64_t len = left;
		uint8_t *host = gmem_piece(vd->setup.gmem, gpa, &len);

		if (host == NULL)
			return "buffer outside of RAM";
		if (count == VIRTQ_SEGMENTS)
			return "buffers cross RAM ranges too often";
		vd->scratch[count] = (struct virtq_segment){
			.gpa = gpa,
			.host = host,
			.len = (uint32_t)len,
		};
		*(writable ? &chain->writable_count : &chain->readable_count) += 1;
		gpa += len;
		left -= (uint32_t)len;
	}
	return NULL;
}

/* Calls for each piece of [offset, offset + len) of `count` segments would be dearer than this loop. */
static size_t copy(const struct virtq_segment *segment, unsigned count, uint64_t offset, void *out,
		   const void *in, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < count && done < len; i++) {
		size_t n;

		if (offset >= segment[i].len) {
			offset -= segment[i].len;
			continue;
		}
		n = segment[i].len - (size_t)offset;
		n = n < len - done ? n : len - done;
		if (out != NULL)
			memcpy((uint8_t *)out + done, segment[i].host + offset, n);
		else
			memcpy(segment[i].host + offset, (const uint8_t *)in + done, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *to, size_t len)
{
	return copy(chain->segment, chain->readable_count, offset, to, NULL, len);
}

size_t virtq_write(const struct virtq_chain *chain, uint64_t offset, const void *from, size_t len)
{
	return copy(chain->segment + chain->readable_count, chain->writable_count, offset, NULL,
		    from, len);
}

bool virtq_keep(struct virtq_chain *chain, struct virtq_segment *storage, size_t count)
{
	size_t have = (size_t)chain->readable_count + chain->writable_count;

	if (have > count)
		return false;
	memcpy(storage, chain->segment, have * sizeof(*storage));
	chain->segment = storage;
	return true;
}

/* ---- enable, reset ---- */

/* Bytes and alignment of each area (2.7 and 2.8.9: the tables there). */
static void area_shape(const struct virtq *vq, enum virtq_area area, uint64_t *size,
		       uint64_t *align)
{
	static const struct {
		uint8_t fixed, each, align;
	} shapes[2][VIRTQ_AREAS] = {
		{ { 0, 16, 16 }, { 6, 2, 2 }, { 6, 8, 4 } },
		{ { 0, 16, 16 }, { 4, 0, 4 }, { 4, 0, 4 } },
	};

	*size = shapes[vq->packed][area].fixed + (uint64_t)shapes[vq->packed][area].each * vq->size;
	*align = shapes[vq->packed][area].align;
}

const char *virtq_enable(struct virtio_dev *vd, unsigned queue)
{
	struct virtq *vq = queue_of(vd, queue);

	vq->packed = virtio_has(vd, VIRTIO_F_RING_PACKED);
	vq->event_idx = virtio_has(vd, VIRTIO_F_EVENT_IDX);
	vq->indirect = virtio_has(vd, VIRTIO_F_INDIRECT_DESC);
	if (!vq->packed && (vq->size & (vq->size - 1U)) != 0)
		return "queue size not a power of two";
	for (unsigned i = 0; i < VIRTQ_AREAS; i++) {
		uint64_t size, align;

		area_shape(vq, (enum virtq_area)i, &size, &align);
		vq->host[i] = gmem_host(vd->setup.gmem, vq->area[i], size);
		if (vq->host[i] == NULL)
			return "queue outside of RAM";
		if (vq->area[i] % align != 0)
			return "queue not aligned";
	}
	vq->avail_wrap = true; /* 2.8.1: both counters start at 1 */
	vq->used_wrap = true;
	vq->used_told_wrap = true;
	vq->enabled = true;
	return NULL;
}

void virtq_reset(struct virtq *vq, uint16_t size_max)
{
	struct virtq_order *order = vq->order;

	*vq = (struct virtq){
		.size = size_max,
		.generation = vq->generation + 1,
		.order = order,
	};
	if (order != NULL)
		order->count = 0;
}
