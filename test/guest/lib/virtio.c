// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transports and devices. The two register maps are one table (VIRTIO 1.2, 4.2.2 and 4.1.4.3), so that
 * a test is written once for both. PCI splits 64-bit addresses into words here as virtio-mmio does.
 */
#include "test/guest/lib/virtio.h"

enum {
	MMIO_MAGIC_VALUE = 0x74726976,
	MMIO_VERSION = 2,
	MMIO_NOTIFY = 0x50,
	MMIO_CONFIG = 0x100,
	PCI_VENDOR_VIRTIO = 0x1af4,
	PCI_DEVICE_MODERN = 0x1040,
	PCI_CAP_VENDOR = 9,
	CAP_COMMON = 1,
	CAP_NOTIFY = 2,
	CAP_ISR = 3,
	CAP_DEVICE = 4,
};

struct place {
	uint8_t offset, width; /* width 0: the transport has no such register */
};

static const struct place mmio_places[VIRTIO_REGS] = {
	[REG_DEVICE_FEATURES_SEL] = { 0x14, 4 },
	[REG_DEVICE_FEATURES] = { 0x10, 4 },
	[REG_DRIVER_FEATURES_SEL] = { 0x24, 4 },
	[REG_DRIVER_FEATURES] = { 0x20, 4 },
	[REG_STATUS] = { 0x70, 4 },
	[REG_GENERATION] = { 0xfc, 4 },
	[REG_QUEUE_SEL] = { 0x30, 4 },
	[REG_QUEUE_MAX] = { 0x34, 4 },
	[REG_QUEUE_SIZE] = { 0x38, 4 },
	[REG_QUEUE_READY] = { 0x44, 4 },
	[REG_QUEUE_RESET] = { 0xc0, 4 },
	[REG_DESC_LOW] = { 0x80, 4 },
	[REG_DESC_HIGH] = { 0x84, 4 },
	[REG_DRIVER_LOW] = { 0x90, 4 },
	[REG_DRIVER_HIGH] = { 0x94, 4 },
	[REG_DEVICE_LOW] = { 0xa0, 4 },
	[REG_DEVICE_HIGH] = { 0xa4, 4 },
};

static const struct place pci_places[VIRTIO_REGS] = {
	[REG_DEVICE_FEATURES_SEL] = { 0x00, 4 }, [REG_DEVICE_FEATURES] = { 0x04, 4 },
	[REG_DRIVER_FEATURES_SEL] = { 0x08, 4 }, [REG_DRIVER_FEATURES] = { 0x0c, 4 },
	[REG_CONFIG_VECTOR] = { 0x10, 2 },       [REG_STATUS] = { 0x14, 1 },
	[REG_GENERATION] = { 0x15, 1 },          [REG_QUEUE_SEL] = { 0x16, 2 },
	[REG_QUEUE_MAX] = { 0x18, 2 },           [REG_QUEUE_SIZE] = { 0x18, 2 },
	[REG_QUEUE_VECTOR] = { 0x1a, 2 },        [REG_QUEUE_READY] = { 0x1c, 2 },
	[REG_NOTIFY_OFFSET] = { 0x1e, 2 },       [REG_DESC_LOW] = { 0x20, 4 },
	[REG_DESC_HIGH] = { 0x24, 4 },           [REG_DRIVER_LOW] = { 0x28, 4 },
	[REG_DRIVER_HIGH] = { 0x2c, 4 },         [REG_DEVICE_LOW] = { 0x30, 4 },
	[REG_DEVICE_HIGH] = { 0x34, 4 },         [REG_QUEUE_RESET] = { 0x3a, 2 },
};

static struct place place_of(const struct virtio *vd, enum virtio_reg reg)
{
	return vd->pci ? pci_places[reg] : mmio_places[reg];
}

bool virtio_has(const struct virtio *vd, enum virtio_reg reg)
{
	return place_of(vd, reg).width != 0;
}

uint32_t virtio_read(const struct virtio *vd, enum virtio_reg reg)
{
	struct place place = place_of(vd, reg);
	uint64_t at = vd->regs + place.offset;

	switch (place.width) {
	case 1:
		return read8(at);
	case 2:
		return read16(at);
	case 4:
		return read32(at);
	default:
		return 0;
	}
}

void virtio_write(const struct virtio *vd, enum virtio_reg reg, uint32_t value)
{
	struct place place = place_of(vd, reg);
	uint64_t at = vd->regs + place.offset;

	barrier();
	switch (place.width) {
	case 1:
		write8(at, (uint8_t)value);
		break;
	case 2:
		write16(at, (uint16_t)value);
		break;
	case 4:
		write32(at, value);
		break;
	default:
		break;
	}
}

void virtio_notify(const struct virtio *vd, uint16_t queue)
{
	uint64_t offset = 0;

	barrier();
	if (!vd->pci) {
		write32(vd->notify, queue);
		return;
	}
	if (vd->notify_scale != 0) {
		virtio_write(vd, REG_QUEUE_SEL, queue);
		offset = virtio_read(vd, REG_NOTIFY_OFFSET) * vd->notify_scale;
	}
	write16(vd->notify + offset, queue);
}

bool virtio_reset(struct virtio *vd)
{
	uint64_t limit = patience();

	virtio_write(vd, REG_STATUS, 0);
	while (virtio_read(vd, REG_STATUS) != 0) {
		if (counter() > limit)
			return false;
	}
	vd->features = 0;
	return true;
}

uint64_t virtio_offered(const struct virtio *vd)
{
	uint64_t low;

	virtio_write(vd, REG_DEVICE_FEATURES_SEL, 0);
	low = virtio_read(vd, REG_DEVICE_FEATURES);
	virtio_write(vd, REG_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)virtio_read(vd, REG_DEVICE_FEATURES) << 32;
}

bool virtio_negotiate(struct virtio *vd, uint64_t wanted)
{
	uint32_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;

	if (!virtio_reset(vd))
		return false;
	virtio_write(vd, REG_STATUS, STATUS_ACKNOWLEDGE);
	virtio_write(vd, REG_STATUS, status);
	vd->features = virtio_offered(vd) & (wanted | F_VERSION_1);
	virtio_write(vd, REG_DRIVER_FEATURES_SEL, 0);
	virtio_write(vd, REG_DRIVER_FEATURES, (uint32_t)vd->features);
	virtio_write(vd, REG_DRIVER_FEATURES_SEL, 1);
	virtio_write(vd, REG_DRIVER_FEATURES, (uint32_t)(vd->features >> 32));
	virtio_write(vd, REG_STATUS, status | STATUS_FEATURES_OK);
	return (virtio_read(vd, REG_STATUS) & STATUS_FEATURES_OK) != 0;
}

void virtio_driver_ok(struct virtio *vd)
{
	virtio_write(vd, REG_STATUS, virtio_read(vd, REG_STATUS) | STATUS_DRIVER_OK);
}

bool virtio_broken(const struct virtio *vd)
{
	return (virtio_read(vd, REG_STATUS) & STATUS_NEEDS_RESET) != 0;
}

static bool take_mmio(uint64_t base, uint32_t intid, struct virtio *vd)
{
	if (read32(base) != MMIO_MAGIC_VALUE || read32(base + 4) != MMIO_VERSION ||
	    read32(base + 8) == 0)
		return false;
	*vd = (struct virtio){
		.kind = read32(base + 8),
		.regs = base,
		.notify = base + MMIO_NOTIFY,
		.config = base + MMIO_CONFIG,
		.isr = base + 0x60,
		.intid = intid,
	};
	return true;
}

/* The structures' places are in vendor capabilities (4.1.4). */
bool virtio_locate(struct virtio *vd)
{
	uint64_t function = vd->function, bars[6];
	uint32_t cap = 0;

	vd->regs = vd->notify = vd->isr = vd->config = 0;
	pci_place(function, bars);
	while ((cap = pci_capability(function, PCI_CAP_VENDOR, cap)) != 0) {
		uint8_t type = read8(function + cap + 3), bar = read8(function + cap + 4);
		uint64_t at;

		if (bar > 5)
			continue;
		at = bars[bar] + read32(function + cap + 8);
		if (type == CAP_COMMON && vd->regs == 0)
			vd->regs = at;
		if (type == CAP_NOTIFY && vd->notify == 0) {
			vd->notify = at;
			vd->notify_scale = read32(function + cap + 16);
		}
		if (type == CAP_ISR && vd->isr == 0)
			vd->isr = at;
		if (type == CAP_DEVICE && vd->config == 0)
			vd->config = at;
	}
	return vd->regs != 0 && vd->notify != 0;
}

static bool take_pci(uint64_t function, struct virtio *vd)
{
	uint32_t id = read32(function + PCI_ID);

	if ((id & 0xffff) != PCI_VENDOR_VIRTIO || id >> 16 < PCI_DEVICE_MODERN)
		return false;
	*vd = (struct virtio){
		.kind = (id >> 16) - PCI_DEVICE_MODERN,
		.pci = true,
		.function = function,
	};
	return virtio_locate(vd);
}

unsigned virtio_scan(struct virtio devices[VIRTIO_DEVICES_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < machine.virtio_count && count < VIRTIO_DEVICES_MAX; i++) {
		if (take_mmio(machine.virtio_at[i], machine.virtio_intid[i], &devices[count]))
			count++;
	}
	for (unsigned slot = 0; slot < PCI_SLOTS && machine.ecam != 0; slot++) {
		if (count < VIRTIO_DEVICES_MAX && take_pci(pci_function(slot), &devices[count]))
			count++;
	}
	return count;
}
