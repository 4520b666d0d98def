/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device core. Each register is one function; what it stores it has checked.
 */
#include "vmm/dev/virtio/virtio.h"

#include <string.h>

#include "vmm/base/util.h"

#define CORE_FEATURES \
	(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET)

enum {
	DRIVER_BITS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |
		      VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED,
	WORD_BITS = 32,
};

void virtio_init(struct virtio_dev *vd, const struct virtio_setup *setup)
{
	memset(vd, 0, sizeof(*vd));
	vd->setup = *setup;
	vd->budget = UINT32_MAX;
	vd->offered = setup->features | CORE_FEATURES | (setup->packed ? VIRTIO_F_RING_PACKED : 0);
	for (unsigned i = 0; i < setup->queue_count; i++) {
		setup->queues[i].generation = 0;
		setup->queues[i].order = NULL;
		virtq_reset(&setup->queues[i], setup->queue_size_max);
	}
}

static void changed(struct virtio_dev *vd)
{
	if (vd->transport->ops->changed != NULL)
		vd->transport->ops->changed(vd);
}

/* The 1st, 2nd, 4th, 8th ... time: a guest that makes mistakes in a loop does not fill the log. */
static bool worth_saying(uint32_t count)
{
	return (count & (count - 1)) == 0;
}

void virtio_needs_reset(struct virtio_dev *vd, const char *why)
{
	if (vd->broken)
		return;
	vd->broken = true;
	vd->status |= VIRTIO_STATUS_NEEDS_RESET;
	vd->complaints++;
	if (vd->setup.owner.say != NULL && worth_saying(vd->complaints))
		vd->setup.owner.say(vd->setup.owner.ctx, vd, why);
	changed(vd);
	if ((vd->status & VIRTIO_STATUS_DRIVER_OK) != 0) /* 2.1.2 */
		vd->transport->ops->config_interrupt(vd);
}

void virtio_config_set(struct virtio_dev *vd)
{
	vd->config_generation++;
	changed(vd);
}

void virtio_config_changed(struct virtio_dev *vd)
{
	virtio_config_set(vd);
	if ((vd->status & VIRTIO_STATUS_DRIVER_OK) != 0 && !vd->broken)
		vd->transport->ops->config_interrupt(vd);
}

/* 2.4: as after virtio_init(), but for what only grows. */
static void reset(struct virtio_dev *vd)
{
	vd->status = 0;
	vd->broken = false;
	vd->features = 0;
	vd->driver_features = 0;
	vd->device_features_select = 0;
	vd->driver_features_select = 0;
	vd->queue_select = 0;
	vd->unfinished = 0;
	vd->put_off = 0;
	vd->early = 0;
	for (unsigned i = 0; i < vd->setup.queue_count; i++)
		virtq_reset(&vd->setup.queues[i], vd->setup.queue_size_max);
	if (vd->setup.ops->reset != NULL)
		vd->setup.ops->reset(vd);
	vd->transport->ops->reset(vd);
	changed(vd);
}

/*
 * Around each call into a device that may take chains. A guest that refills a queue from one vCPU while
 * another one's handler empties it would keep that handler for ever.
 */
static void enter(struct virtio_dev *vd)
{
	vd->budget = VIRTIO_BUDGET;
}

static void leave(struct virtio_dev *vd)
{
	vd->budget = UINT32_MAX;
	if (vd->unfinished != 0 && vd->setup.owner.again != NULL)
		vd->setup.owner.again(vd->setup.owner.ctx, vd);
}

void virtio_event(struct virtio_dev *vd, unsigned caller)
{
	if (vd->setup.ops->event == NULL)
		return;
	lock_take(&vd->lock);
	vd->caller = caller;
	enter(vd);
	vd->setup.ops->event(vd);
	leave(vd);
	lock_give(&vd->lock);
}

void virtio_resume(struct virtio_dev *vd, unsigned caller, enum virtio_resumed why)
{
	uint64_t queues;

	lock_take(&vd->lock);
	vd->caller = caller;
	queues = vd->unfinished | vd->put_off;
	vd->unfinished = 0;
	vd->put_off = 0;
	vd->resumed = why;
	enter(vd);
	for (unsigned i = 0; queues >> i != 0; i++) {
		if ((queues >> i & 1) != 0 && virtq_ready(vd, i))
			vd->setup.ops->notify(vd, i);
	}
	leave(vd);
	vd->resumed = VIRTIO_NOTIFIED;
	lock_give(&vd->lock);
}

void virtio_restarted(struct virtio_dev *vd)
{
	enter(vd);
	vd->setup.ops->go_on(vd);
	leave(vd);
}

void virtio_power_on(struct virtio_dev *vd)
{
	lock_take(&vd->lock);
	vd->caller = 0;
	reset(vd);
	lock_give(&vd->lock);
}

/* ---- features and status ---- */

static uint32_t word_of(uint64_t bits, uint32_t select)
{
	return select < 2 ? (uint32_t)(bits >> (WORD_BITS * select)) : 0;
}

uint32_t virtio_device_features(const struct virtio_dev *vd)
{
	return word_of(vd->offered, vd->device_features_select);
}

uint32_t virtio_driver_features(const struct virtio_dev *vd)
{
	return word_of(vd->driver_features, vd->driver_features_select);
}

void virtio_set_driver_features(struct virtio_dev *vd, uint32_t word)
{
	unsigned shift = WORD_BITS * (vd->driver_features_select & 1U);

	/* 3.1.1: not after FEATURES_OK. Bits from 64 on are not ours: none may be set. */
	if ((vd->status & VIRTIO_STATUS_FEATURES_OK) != 0)
		return;
	if (vd->driver_features_select > 1) {
		if (word != 0)
			virtio_needs_reset(vd, "a feature that does not exist");
		return;
	}
	vd->driver_features =
		(vd->driver_features & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)word << shift;
}

/* 2.2.2 and 6.1: nothing that was not offered; and no legacy driver. */
static bool accept_features(struct virtio_dev *vd)
{
	vd->features = vd->driver_features;
	if ((vd->features & ~vd->offered) == 0 && virtio_has(vd, VIRTIO_F_VERSION_1) &&
	    (vd->setup.ops->features_ok == NULL || vd->setup.ops->features_ok(vd)))
		return true;
	vd->features = 0;
	return false;
}

void virtio_set_status(struct virtio_dev *vd, uint32_t status)
{
	uint8_t added;

	if (status == 0) {
		reset(vd);
		return;
	}
	added = (uint8_t)(status & DRIVER_BITS & ~vd->status); /* none is ever taken back: 2.1.1 */
	if ((added & VIRTIO_STATUS_FEATURES_OK) != 0 && (vd->broken || !accept_features(vd)))
		added &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	if (((vd->status | added) & VIRTIO_STATUS_FEATURES_OK) == 0)
		added &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
	vd->status |= added;
	if ((added & VIRTIO_STATUS_DRIVER_OK) == 0 || vd->broken)
		return;
	enter(vd);
	if (vd->setup.ops->start != NULL)
		vd->setup.ops->start(vd);
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if ((vd->early >> i & 1) != 0 && virtq_ready(vd, i))
			vd->setup.ops->notify(vd, i);
	}
	vd->early = 0;
	leave(vd);
}

/* ---- queues ---- */

struct virtq *virtio_selected(const struct virtio_dev *vd)
{
	return vd->queue_select < vd->setup.queue_count ? &vd->setup.queues[vd->queue_select]
							: NULL;
}

/* The selected queue, if its registers may be written now: after FEATURES_OK, while not enabled. */
static struct virtq *settable(struct virtio_dev *vd)
{
	struct virtq *vq = virtio_selected(vd);

	if (vq == NULL || vq->enabled || vd->broken)
		return NULL;
	if ((vd->status & VIRTIO_STATUS_FEATURES_OK) == 0) {
		virtio_needs_reset(vd, "queue set up before FEATURES_OK");
		return NULL;
	}
	return vq;
}

uint16_t virtio_queue_size_max(const struct virtio_dev *vd)
{
	return virtio_selected(vd) != NULL ? vd->setup.queue_size_max : 0;
}

uint16_t virtio_queue_size(const struct virtio_dev *vd)
{
	const struct virtq *vq = virtio_selected(vd);

	return vq != NULL ? vq->size : 0;
}

void virtio_set_queue_size(struct virtio_dev *vd, uint32_t size)
{
	struct virtq *vq = settable(vd);

	if (vq == NULL)
		return;
	if (size == 0 || size > vd->setup.queue_size_max)
		virtio_needs_reset(vd, "queue size out of range");
	else
		vq->size = (uint16_t)size;
}

uint32_t virtio_queue_address(const struct virtio_dev *vd, enum virtq_area area, bool high)
{
	const struct virtq *vq = virtio_selected(vd);

	return vq != NULL ? word_of(vq->area[area], high) : 0;
}

void virtio_set_queue_address(struct virtio_dev *vd, enum virtq_area area, bool high, uint32_t half)
{
	unsigned shift = high ? WORD_BITS : 0;
	struct virtq *vq = settable(vd);

	if (vq != NULL)
		vq->area[area] = (vq->area[area] & ~((uint64_t)UINT32_MAX << shift)) |
				 (uint64_t)half << shift;
}

bool virtio_queue_enabled(const struct virtio_dev *vd)
{
	const struct virtq *vq = virtio_selected(vd);

	return vq != NULL && vq->enabled;
}

static void reset_queue(struct virtio_dev *vd, struct virtq *vq)
{
	virtq_reset(vq, vd->setup.queue_size_max);
	if (vd->setup.ops->queue_reset != NULL)
		vd->setup.ops->queue_reset(vd, (unsigned)(vq - vd->setup.queues));
}

void virtio_set_queue_enabled(struct virtio_dev *vd, bool enable)
{
	struct virtq *vq = enable ? settable(vd) : virtio_selected(vd);
	const char *why;

	if (vq == NULL)
		return;
	if (!enable) {
		if (vq->enabled)
			reset_queue(vd, vq);
		return;
	}
	why = virtq_enable(vd, vd->queue_select);
	if (why != NULL)
		virtio_needs_reset(vd, why);
}

void virtio_reset_queue(struct virtio_dev *vd)
{
	struct virtq *vq = virtio_selected(vd);

	if (vq != NULL && virtio_has(vd, VIRTIO_F_RING_RESET))
		reset_queue(vd, vq);
}

void virtio_kick(struct virtio_dev *vd, uint32_t queue)
{
	if (queue >= vd->setup.queue_count)
		return;
	if (!virtq_ready(vd, queue)) {
		if ((vd->status & VIRTIO_STATUS_DRIVER_OK) == 0)
			vd->early |= UINT64_C(1) << queue;
		return;
	}
	enter(vd);
	vd->setup.ops->notify(vd, queue);
	leave(vd);
}

/* ---- configuration space ---- */

uint64_t virtio_config_read(const struct virtio_dev *vd, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	if (width > sizeof(value) || offset % width != 0 ||
	    !range_inside(offset, width, 0, vd->setup.config_size))
		return 0;
	memcpy(&value, (const uint8_t *)vd->setup.config + offset, width);
	return value;
}

void virtio_config_write(struct virtio_dev *vd, uint64_t offset, unsigned width, uint64_t value)
{
	if (vd->setup.ops->config_write == NULL || vd->broken || width > sizeof(uint32_t) ||
	    offset % width != 0 || !range_inside(offset, width, 0, vd->setup.config_size))
		return;
	value &= UINT64_MAX >> (64 - 8 * width);
	vd->setup.ops->config_write(vd, (unsigned)offset, width, (uint32_t)value);
}
