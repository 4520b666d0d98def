// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program and its successor run one after the other, so it is the order of instructions that counts, and
 * fences for the compiler are enough.
 */
#include "vmm/dev/virtio/kept.h"

#include <string.h>

#include "vmm/base/util.h"
#include "vmm/dev/virtio/ring.h"

enum { WRAP_BIT = 16 };

#define NOTED (UINT32_C(1) << 31)

/* Before the store all earlier ones, behind it all later ones. */
static void store(uint32_t *at, uint32_t value)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static uint32_t position_of(const struct virtq *vq)
{
	return vq->used | (uint32_t)vq->used_wrap << WRAP_BIT;
}

/* ---- answers in order ---- */

void virtq_order_pop(struct virtq_order *order, struct virtq_token token)
{
	unsigned at = (order->first + (unsigned)order->count++) % VIRTQ_SIZE_MAX;

	order->chain[at].id = token.id;
	order->chain[at].count = token.count;
	order->chain[at].answered = false;
}

void virtq_order_unpop(struct virtq_order *order)
{
	order->count--;
}

/* A driver that gives two chains the same id has them answered in turn. */
void virtq_order_push(struct virtq_order *order, struct virtq_token token, uint32_t written)
{
	for (unsigned i = 0; i < order->count; i++) {
		unsigned at = (order->first + i) % VIRTQ_SIZE_MAX;

		if (order->chain[at].answered || order->chain[at].id != token.id)
			continue;
		order->chain[at].answered = true;
		order->chain[at].written = written;
		return;
	}
}

bool virtq_order_publish(struct virtq *vq)
{
	struct virtq_order *order = vq->order;
	struct virtq_kept *kept = order->kept;
	bool wanted = false;

	while (order->count > 0 && order->chain[order->first].answered) {
		struct virtq_token token = { .id = order->chain[order->first].id,
					     .count = order->chain[order->first].count };

		kept->id = token.id;
		kept->count = token.count;
		kept->written = order->chain[order->first].written;
		store(&kept->noted, position_of(vq) | NOTED);
		ring_of(vq)->push(vq, token, kept->written);
		wanted |= ring_of(vq)->notify(vq);
		store(&kept->position, position_of(vq));
		order->first = (uint16_t)((order->first + 1U) % VIRTQ_SIZE_MAX);
		order->count--;
	}
	return wanted;
}

/* ---- registers ---- */

void virtio_keep_registers(const struct virtio_dev *vd, struct virtio_kept *kept)
{
	const struct virtio_kept_registers *old = &kept->copy[kept->count % 2];
	struct virtio_kept_registers *r = &kept->copy[(kept->count + 1) % 2];

	r->features = vd->features;
	r->driver_features = vd->driver_features;
	r->status = vd->status;
	r->generation = vd->config_generation;
	r->device_features_select = vd->device_features_select;
	r->driver_features_select = vd->driver_features_select;
	r->queue_select = vd->queue_select;
	if (vd->setup.config_size > 0)
		memcpy(r->config, vd->setup.config, vd->setup.config_size);
	for (unsigned i = 0; i < vd->setup.queue_count && i < VIRTIO_KEPT_QUEUES; i++) {
		const struct virtq *vq = &vd->setup.queues[i];

		for (unsigned area = 0; area < VIRTQ_AREAS; area++)
			r->queue[i].area[area] = vq->area[area];
		r->queue[i].size = vq->size;
		r->queue[i].enabled = vq->enabled;
		/* Where a queue begins counts as soon as it is known to be enabled. */
		if (vq->enabled && (kept->count == 0 || old->queue[i].enabled == 0))
			store(&kept->queue[i].position, position_of(vq));
	}
	store(&kept->count, kept->count + 1);
}

/* ---- a successor ---- */

/* The answer that was noted for the present position may have been written in part, or wholly. */
static void repeat(struct virtq *vq, const struct virtq_kept *kept)
{
	struct virtq_token token = { .id = kept->id, .count = kept->count };

	if (kept->noted != (position_of(vq) | NOTED) || token.count == 0 || token.count > vq->size)
		return;
	vq->in_flight = token.count;
	ring_of(vq)->repeat(vq, token, kept->written);
}

static void place(struct virtq *vq, uint16_t used, bool wrap)
{
	vq->used = vq->used_told = vq->avail = vq->avail_seen = used;
	vq->used_wrap = vq->used_told_wrap = vq->avail_wrap = wrap;
}

static bool take_up_queue(struct virtio_dev *vd, unsigned queue, struct virtq_kept *kept)
{
	struct virtq *vq = &vd->setup.queues[queue];
	uint32_t position = kept->position;

	if (vq->size == 0 || vq->size > vd->setup.queue_size_max ||
	    virtq_enable(vd, queue) != NULL || (vq->packed && (uint16_t)position >= vq->size))
		return false;
	place(vq, (uint16_t)position, (position >> WRAP_BIT & 1) != 0);
	repeat(vq, kept);
	place(vq, vq->used, vq->used_wrap);
	store(&kept->position, position_of(vq));
	return true;
}

/* What cannot be taken up leaves a device that needs a reset. */
static void take_up(struct virtio_dev *vd, struct virtio_kept *kept)
{
	const struct virtio_kept_registers *r = &kept->copy[kept->count % 2];

	vd->features = r->features & vd->offered;
	vd->driver_features = r->driver_features;
	vd->status = (uint8_t)r->status;
	vd->config_generation = r->generation;
	vd->device_features_select = r->device_features_select;
	vd->driver_features_select = r->driver_features_select;
	vd->queue_select = r->queue_select;
	vd->config_new = vd->setup.config_size > 0 &&
			 memcmp(r->config, vd->setup.config, vd->setup.config_size) != 0;
	vd->broken = (vd->status & VIRTIO_STATUS_NEEDS_RESET) != 0 || vd->features != r->features;
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		struct virtq *vq = &vd->setup.queues[i];

		for (unsigned area = 0; area < VIRTQ_AREAS; area++)
			vq->area[area] = r->queue[i].area[area];
		vq->size = (uint16_t)r->queue[i].size;
		if (r->queue[i].enabled != 0 && !take_up_queue(vd, i, &kept->queue[i]))
			vd->broken = true;
	}
}

bool virtio_keep(struct virtio_dev *vd, struct virtio_kept *kept, struct virtq_order *order)
{
	if (vd->setup.queue_count > VIRTIO_KEPT_QUEUES)
		return false;
	/* Others may write several answers that belong together, which the driver has to see at once. */
	for (unsigned i = 0; i < vd->setup.queue_count && vd->setup.ops->go_on != NULL; i++) {
		order[i].kept = &kept->queue[i];
		vd->setup.queues[i].order = &order[i];
	}
	if (kept->count != 0)
		take_up(vd, kept);
	return vd->status != 0;
}

void virtio_go_on(struct virtio_dev *vd)
{
	bool works = !vd->broken;

	if ((vd->status & VIRTIO_STATUS_DRIVER_OK) != 0)
		works = works && vd->setup.ops->go_on != NULL;
	if (!works) {
		vd->broken = false;
		virtio_needs_reset(vd, "its program was started again");
		return;
	}
	if ((vd->status & VIRTIO_STATUS_DRIVER_OK) == 0)
		return;
	virtio_restarted(vd);
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if (virtq_ready(vd, i))
			vd->transport->ops->queue_interrupt(vd, i);
	}
}
