// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/driver/virtio/mmio.h"

/* Registers (VIRTIO 1.2, 4.2.2). */
enum {
	MAGIC = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};

enum {
	MAGIC_VALUE = 0x74726976,
	VERSION_MODERN = 2,
	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	STATUS_FAILED = 128,
	SLOT_BYTES = 0x200,
	RESET_TRIES = 1000000,
	CONFIG_TRIES = 1000,
};

static uint32_t mmio_read(void *regs, unsigned offset)
{
	uint32_t value = *(volatile uint32_t *)((char *)regs + offset);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return value;
}

/* What was written to memory before is there when the device looks. */
static void mmio_write(void *regs, unsigned offset, uint32_t value)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*(volatile uint32_t *)((char *)regs + offset) = value;
}

static uint8_t mmio_read8(void *regs, unsigned offset)
{
	return *((volatile uint8_t *)regs + offset);
}

const struct vdrv_ops vdrv_mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.read8 = mmio_read8,
};

static uint32_t get(const struct vdrv *v, unsigned offset)
{
	return v->ops->read(v->regs, offset);
}

static void set(const struct vdrv *v, unsigned offset, uint32_t value)
{
	v->ops->write(v->regs, offset, value);
}

static void set64(const struct vdrv *v, unsigned offset, uint64_t value)
{
	set(v, offset, (uint32_t)value);
	set(v, offset + 4, (uint32_t)(value >> 32));
}

static bool is_device(const struct vdrv_ops *ops, void *regs, uint32_t id)
{
	return ops->read(regs, MAGIC) == MAGIC_VALUE &&
	       ops->read(regs, VERSION) == VERSION_MODERN && ops->read(regs, DEVICE_ID) == id;
}

enum vmm_err vdrv_find(const struct vdrv_ops *ops, void *page, size_t size, uint32_t id,
		       void **regs)
{
	for (size_t at = 0; at + SLOT_BYTES <= size; at += SLOT_BYTES) {
		if (is_device(ops, (char *)page + at, id)) {
			*regs = (char *)page + at;
			return VMM_OK;
		}
	}
	return VMM_ERR_ABSENT;
}

/* 4.2.3.1: a device that was reset reads as zero; only then has all DMA ended (2.4). */
static bool reset(struct vdrv *v)
{
	set(v, STATUS, 0);
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		if (get(v, STATUS) == 0)
			return true;
	}
	return false;
}

void vdrv_stop(struct vdrv *v)
{
	(void)reset(v);
}

static uint64_t device_features(struct vdrv *v)
{
	uint64_t low;

	set(v, DEVICE_FEATURES_SEL, 0);
	low = get(v, DEVICE_FEATURES);
	set(v, DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)get(v, DEVICE_FEATURES) << 32;
}

enum vmm_err vdrv_open(struct vdrv *v, const struct vdrv_ops *ops, void *regs, uint32_t id,
		       uint64_t wanted)
{
	*v = (struct vdrv){ .ops = ops, .regs = regs };
	if (!is_device(ops, regs, id))
		return VMM_ERR_ABSENT;
	if (!reset(v))
		return VMM_ERR_UNSUPPORTED;
	set(v, STATUS, STATUS_ACKNOWLEDGE);
	set(v, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	v->features = device_features(v) & (wanted | VDRV_F_VERSION_1);
	if ((v->features & VDRV_F_VERSION_1) == 0) {
		set(v, STATUS, STATUS_FAILED);
		return VMM_ERR_UNSUPPORTED;
	}
	set(v, DRIVER_FEATURES_SEL, 0);
	set(v, DRIVER_FEATURES, (uint32_t)v->features);
	set(v, DRIVER_FEATURES_SEL, 1);
	set(v, DRIVER_FEATURES, (uint32_t)(v->features >> 32));
	set(v, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	if ((get(v, STATUS) & STATUS_FEATURES_OK) == 0) {
		set(v, STATUS, STATUS_FAILED);
		return VMM_ERR_UNSUPPORTED;
	}
	return VMM_OK;
}

enum vmm_err vdrv_queue(struct vdrv *v, unsigned index, struct vring *ring, void *memory,
			uint64_t paddr, uint16_t size)
{
	uint32_t max;

	set(v, QUEUE_SEL, index);
	max = get(v, QUEUE_NUM_MAX);
	if (max == 0 || get(v, QUEUE_READY) != 0)
		return VMM_ERR_ABSENT;
	while (size > max)
		size /= 2;
	vring_init(ring, memory, size, (v->features & VDRV_F_EVENT_IDX) != 0);
	set(v, QUEUE_NUM, size);
	set64(v, QUEUE_DESC, paddr);
	set64(v, QUEUE_DRIVER, paddr + vring_driver_offset(size));
	set64(v, QUEUE_DEVICE, paddr + vring_device_offset(size));
	set(v, QUEUE_READY, 1);
	return VMM_OK;
}

void vdrv_ready(struct vdrv *v)
{
	set(v, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void vdrv_kick(struct vdrv *v, unsigned index)
{
	set(v, QUEUE_NOTIFY, index);
}

uint32_t vdrv_interrupt(struct vdrv *v)
{
	uint32_t why = get(v, INTERRUPT_STATUS);

	if (why != 0)
		set(v, INTERRUPT_ACK, why);
	return why;
}

void vdrv_config(struct vdrv *v, unsigned offset, void *to, size_t size)
{
	uint8_t *bytes = to;
	uint32_t before;

	for (unsigned i = 0; i < CONFIG_TRIES; i++) {
		before = get(v, CONFIG_GENERATION);
		for (size_t at = 0; at < size; at++)
			bytes[at] = v->ops->read8(v->regs, CONFIG + offset + (unsigned)at);
		if (get(v, CONFIG_GENERATION) == before)
			return;
	}
}

bool vdrv_broken(struct vdrv *v)
{
	return (get(v, STATUS) & (STATUS_NEEDS_RESET | STATUS_FAILED)) != 0;
}
