/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM as the driver of a device in another program. What is read from the shared page is read once, and
 * is a number that is shown to the guest or compared; sizes and counts are checked when the device is made.
 */
#include "vmm/dev/link/front.h"

#include "vmm/base/util.h"

enum {
	WORD = 4,
	WORD_BITS = 32,
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SELECT = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SELECT = 0x024,
	QUEUE_SELECT = 0x030,
	QUEUE_SIZE_MAX = 0x034,
	QUEUE_SIZE = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	QUEUE_AREAS = 0x080, /* 16 bytes apart; low half, high half */
	AREA_STEP = 0x10,
	CONFIG = 0x100,
};

static struct link_front *of(struct virtio_dev *vd)
{
	return container_of(vd, struct link_front, vd);
}

static uint32_t get(const struct link_front *front, unsigned offset)
{
	return (uint32_t)link_load(&front->remote, offset, WORD);
}

static void put(struct link_front *front, unsigned offset, uint64_t value)
{
	link_store(&front->remote, offset, WORD, (uint32_t)value);
}

static uint32_t used_count(const struct link_front *front, unsigned queue)
{
	return get(front, VIRTIO_MMIO_USED + WORD * queue);
}

/* The program is gone: what the driver has begun will not be finished. */
static void check(struct link_front *front)
{
	if (front->remote.dead)
		virtio_needs_reset(&front->vd, "its program does not answer");
}

/* ---- what the driver does ---- */

static bool features_ok(struct virtio_dev *vd)
{
	const uint32_t before = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;
	struct link_front *front = of(vd);

	put(front, STATUS, before);
	for (unsigned word = 0; word < 2; word++) {
		put(front, DRIVER_FEATURES_SELECT, word);
		put(front, DRIVER_FEATURES, vd->features >> WORD_BITS * word);
	}
	put(front, STATUS, before | VIRTIO_STATUS_FEATURES_OK);
	return !front->remote.dead && (get(front, STATUS) & VIRTIO_STATUS_FEATURES_OK) != 0;
}

static void send_queue(struct link_front *front, unsigned queue)
{
	const struct virtq *vq = &front->queues[queue];

	put(front, QUEUE_SELECT, queue);
	put(front, QUEUE_SIZE, vq->size);
	for (unsigned area = 0; area < VIRTQ_AREAS; area++) {
		put(front, QUEUE_AREAS + AREA_STEP * area, vq->area[area]);
		put(front, QUEUE_AREAS + AREA_STEP * area + WORD, vq->area[area] >> WORD_BITS);
	}
	front->seen[queue] = used_count(front, queue);
	put(front, QUEUE_READY, 1);
	front->sent |= UINT64_C(1) << queue;
}

static void start(struct virtio_dev *vd)
{
	struct link_front *front = of(vd);

	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if (front->queues[i].enabled)
			send_queue(front, i);
	}
	put(front, STATUS, vd->status);
	check(front);
}

static void notify(struct virtio_dev *vd, unsigned queue)
{
	struct link_front *front = of(vd);

	if ((front->sent >> queue & 1) == 0)
		send_queue(front, queue);
	put(front, QUEUE_NOTIFY, queue);
	check(front);
}

/* A reset has to work even where nobody is left to be reset: the next driver will be refused. */
static void reset(struct virtio_dev *vd)
{
	struct link_front *front = of(vd);

	front->sent = 0;
	put(front, STATUS, 0);
	front->seen_config = get(front, VIRTIO_MMIO_CHANGED);
}

static void queue_reset(struct virtio_dev *vd, unsigned queue)
{
	struct link_front *front = of(vd);

	if ((front->sent >> queue & 1) == 0)
		return;
	front->sent &= ~(UINT64_C(1) << queue);
	put(front, QUEUE_SELECT, queue);
	put(front, QUEUE_READY, 0);
	check(front);
}

static void config_write(struct virtio_dev *vd, unsigned offset, unsigned len, uint32_t value)
{
	struct link_front *front = of(vd);

	link_store(&front->remote, CONFIG + offset, len, value);
	check(front);
}

/* ---- what the program says ---- */

static void event(struct virtio_dev *vd)
{
	struct link_front *front = of(vd);
	uint32_t now;

	link_check(&front->remote);
	check(front);
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if (!virtq_ready(vd, i))
			continue;
		now = used_count(front, i);
		if (now != front->seen[i]) {
			front->seen[i] = now;
			vd->transport->ops->queue_interrupt(vd, i);
		}
	}
	if (front->sent != 0 && (get(front, STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0)
		virtio_needs_reset(vd, "its program says so");
	now = get(front, VIRTIO_MMIO_CHANGED);
	if (now != front->seen_config) {
		front->seen_config = now;
		virtio_config_changed(vd);
	}
}

static const struct virtio_ops front_ops = {
	.notify = notify,
	.event = event,
	.start = start,
	.reset = reset,
	.queue_reset = queue_reset,
	.features_ok = features_ok,
	.config_write = config_write,
};

/* ---- what the program's device is ---- */

static uint64_t ask_features(struct link_front *front)
{
	uint64_t features = 0;

	for (unsigned word = 0; word < 2; word++) {
		put(front, DEVICE_FEATURES_SELECT, word);
		features |= (uint64_t)get(front, DEVICE_FEATURES) << WORD_BITS * word;
	}
	return features;
}

/* How many queues there are; `*size_max` is that of the first. */
static unsigned ask_queues(struct link_front *front, uint32_t *size_max)
{
	unsigned count = 0;

	for (; count < VIRTIO_QUEUES_MAX; count++) {
		uint32_t size;

		put(front, QUEUE_SELECT, count);
		size = get(front, QUEUE_SIZE_MAX);
		if (size == 0)
			break;
		if (count == 0)
			*size_max = size;
	}
	return count;
}

enum vmm_err link_front_init(struct link_front *front, const struct virtio_setup *common,
			     const struct link_setup *link)
{
	struct virtio_setup setup = *common;
	uint32_t size_max = 0;

	front->sent = 0;
	link_remote_init(&front->remote, link);
	__atomic_store_n(&link->ring->each, 1, __ATOMIC_RELAXED);
	put(front, STATUS, 0);
	setup.features = ask_features(front);
	setup.packed = (setup.features & VIRTIO_F_RING_PACKED) != 0;
	setup.queue_count = ask_queues(front, &size_max);
	front->ops = front_ops;
	front->ops.device_id = get(front, DEVICE_ID);
	front->seen_config = get(front, VIRTIO_MMIO_CHANGED);
	if (front->remote.dead)
		return VMM_ERR_ABSENT;
	if (size_max == 0 || size_max > VIRTQ_SIZE_MAX || (size_max & (size_max - 1)) != 0)
		return VMM_ERR_RANGE;
	setup.ops = &front->ops;
	setup.queues = front->queues;
	setup.queue_size_max = (uint16_t)size_max;
	setup.config = link->registers + CONFIG;
	setup.config_size = VIRTIO_CONFIG_BYTES;
	virtio_init(&front->vd, &setup);
	return VMM_OK;
}
