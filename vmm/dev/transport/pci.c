// SPDX-License-Identifier: BSD-2-Clause
/*
 * BAR 0, by page: common configuration, interrupt status and device configuration in the first (each
 * field at the width 4.1.3.1 wants), MSI-X in the second, doorbells alone in the third.
 */
#include "vmm/dev/transport/pci.h"

#include <stddef.h>

#include "vmm/base/util.h"

enum {
	BAR_SIZE = 0x4000,
	COMMON = 0x0000,
	COMMON_SIZE = 0x3c,
	ISR = 0x0200,
	ISR_SIZE = 1,
	DEVICE = 0x0400,
	MSIX_TABLE_AT = 0x1000,
	MSIX_PBA_AT = 0x1800,
	NOTIFY_MULTIPLIER = 4,
	ISR_QUEUE = 1,
	ISR_CONFIG = 2,
};

_Static_assert((int)DEVICE + (int)VIRTIO_CONFIG_BYTES <= (int)MSIX_TABLE_AT, "layout");
_Static_assert((int)MSIX_TABLE_AT + (int)MSIX_TABLE_BYTES <= (int)MSIX_PBA_AT, "layout");
_Static_assert((int)MSIX_PBA_AT + (int)MSIX_PBA_BYTES <= (int)VIRTIO_PCI_NOTIFY, "layout");
_Static_assert((int)VIRTIO_PCI_NOTIFY + (int)VIRTIO_PCI_NOTIFY_SIZE <= (int)BAR_SIZE, "layout");

/* ---- interrupts ---- */

static struct virtio_pci *of(const struct virtio_dev *vd)
{
	return container_of(vd->transport, struct virtio_pci, transport);
}

static void raise(struct virtio_pci *vp, unsigned bit, uint16_t vector)
{
	struct pci_function *fn = &vp->function;
	bool msix = pci_msix_enabled(fn);

	fn->caller = (uint16_t)vp->vd->caller;
	if (!msix || bit == ISR_CONFIG) {
		vp->isr |= (uint8_t)bit;
		pci_set_intx(fn, true);
	}
	if (msix && vector != VIRTIO_PCI_NO_VECTOR)
		pci_raise(fn, vector);
}

static void queue_interrupt(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_pci *vp = of(vd);

	raise(vp, ISR_QUEUE, vp->queue_vector[queue]);
}

static void config_interrupt(struct virtio_dev *vd)
{
	struct virtio_pci *vp = of(vd);

	raise(vp, ISR_CONFIG, vp->config_vector);
}

static void reset(struct virtio_dev *vd)
{
	struct virtio_pci *vp = of(vd);

	vp->isr = 0;
	vp->config_vector = VIRTIO_PCI_NO_VECTOR;
	for (unsigned i = 0; i < VIRTIO_PCI_QUEUES; i++)
		vp->queue_vector[i] = VIRTIO_PCI_NO_VECTOR;
	vp->function.caller = (uint16_t)vd->caller;
	pci_set_intx(&vp->function, false);
}

static const struct virtio_transport_ops transport_ops = {
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
	.reset = reset,
};

/* ---- common configuration (4.1.4.3) ---- */

static uint64_t device_feature_select_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->device_features_select;
}

static void device_feature_select_write(void *device, const struct mmio_access *access,
					uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	vp->vd->device_features_select = (uint32_t)value;
}

static uint64_t device_feature_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return virtio_device_features(vp->vd);
}

static uint64_t driver_feature_select_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->driver_features_select;
}

static void driver_feature_select_write(void *device, const struct mmio_access *access,
					uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	vp->vd->driver_features_select = (uint32_t)value;
}

static uint64_t driver_feature_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return virtio_driver_features(vp->vd);
}

static void driver_feature_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	virtio_set_driver_features(vp->vd, (uint32_t)value);
}

/* A vector that does not exist is not taken, which the driver sees on reading back (4.1.5.1.2.1). */
static uint16_t vector_of(const struct virtio_pci *vp, uint64_t value)
{
	return value < vp->function.msix.count ? (uint16_t)value : VIRTIO_PCI_NO_VECTOR;
}

static uint64_t config_vector_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->config_vector;
}

static void config_vector_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	vp->config_vector = vector_of(vp, value);
}

static uint64_t num_queues_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->setup.queue_count;
}

static uint64_t status_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->status;
}

static void status_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	virtio_set_status(vp->vd, (uint32_t)value);
}

static uint64_t generation_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->config_generation & 0xff;
}

static uint64_t queue_select_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return vp->vd->queue_select & 0xffff;
}

static void queue_select_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	vp->vd->queue_select = (uint32_t)value;
}

static uint64_t queue_size_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return virtio_queue_size(vp->vd);
}

static void queue_size_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	virtio_set_queue_size(vp->vd, (uint32_t)value);
}

static uint64_t queue_vector_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	if (virtio_selected(vp->vd) == NULL)
		return VIRTIO_PCI_NO_VECTOR;
	return vp->queue_vector[vp->vd->queue_select];
}

static void queue_vector_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	if (virtio_selected(vp->vd) != NULL)
		vp->queue_vector[vp->vd->queue_select] = vector_of(vp, value);
}

static uint64_t queue_enable_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return virtio_queue_enabled(vp->vd);
}

/* Enabled queues end by a reset only: "the driver MUST NOT write a 0" (4.1.4.3.2). */
static void queue_enable_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	if (value == 1)
		virtio_set_queue_enabled(vp->vd, true);
}

static uint64_t queue_notify_off_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;

	(void)access;
	return virtio_selected(vp->vd) != NULL ? vp->vd->queue_select : 0;
}

/* Which half of which of the three addresses the offset names. */
static enum virtq_area area_of(const struct mmio_access *access, bool *high)
{
	uint64_t word = (access->offset - 0x20) / 4;

	*high = (word & 1) != 0;
	return (enum virtq_area)(word / 2);
}

static uint64_t queue_address_read(void *device, const struct mmio_access *access)
{
	const struct virtio_pci *vp = device;
	bool high;
	enum virtq_area area = area_of(access, &high);

	return virtio_queue_address(vp->vd, area, high);
}

static void queue_address_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;
	bool high;
	enum virtq_area area = area_of(access, &high);

	virtio_set_queue_address(vp->vd, area, high, (uint32_t)value);
}

/* A queue is reset when the write returns, so the register always reads as zero (2.6.1.1). */
static void queue_reset_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)access;
	if (value != 1 || virtio_selected(vp->vd) == NULL ||
	    !virtio_has(vp->vd, VIRTIO_F_RING_RESET))
		return;
	virtio_reset_queue(vp->vd);
	vp->queue_vector[vp->vd->queue_select] = VIRTIO_PCI_NO_VECTOR;
}

/* ---- the rest of the BAR ---- */

/* Reading it clears it and lowers INTx (4.1.4.5). */
static uint64_t isr_read(void *device, const struct mmio_access *access)
{
	struct virtio_pci *vp = device;
	uint8_t isr = vp->isr;

	(void)access;
	vp->isr = 0;
	pci_set_intx(&vp->function, false);
	return isr;
}

static void notify_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_pci *vp = device;

	(void)value;
	virtio_kick(vp->vd, (uint32_t)(access->offset - VIRTIO_PCI_NOTIFY) / NOTIFY_MULTIPLIER);
}

static const struct reg_range regs[] = {
	REG_RANGE(0x00, 0x03, 4, .read = device_feature_select_read,
		  .write = device_feature_select_write),
	REG_RANGE(0x04, 0x07, 4, .read = device_feature_read),
	REG_RANGE(0x08, 0x0b, 4, .read = driver_feature_select_read,
		  .write = driver_feature_select_write),
	REG_RANGE(0x0c, 0x0f, 4, .read = driver_feature_read, .write = driver_feature_write),
	REG_RANGE(0x10, 0x11, 2, .read = config_vector_read, .write = config_vector_write),
	REG_RANGE(0x12, 0x13, 2, .read = num_queues_read),
	REG_RANGE(0x14, 0x14, 1, .read = status_read, .write = status_write),
	REG_RANGE(0x15, 0x15, 1, .read = generation_read),
	REG_RANGE(0x16, 0x17, 2, .read = queue_select_read, .write = queue_select_write),
	REG_RANGE(0x18, 0x19, 2, .read = queue_size_read, .write = queue_size_write),
	REG_RANGE(0x1a, 0x1b, 2, .read = queue_vector_read, .write = queue_vector_write),
	REG_RANGE(0x1c, 0x1d, 2, .read = queue_enable_read, .write = queue_enable_write),
	REG_RANGE(0x1e, 0x1f, 2, .read = queue_notify_off_read),
	REG_RANGE(0x20, 0x37, 4, .read = queue_address_read, .write = queue_address_write),
	REG_RANGE(0x3a, 0x3b, 2, .write = queue_reset_write),
	REG_RANGE(ISR, ISR, 1, .read = isr_read),
	REG_RANGE(VIRTIO_PCI_NOTIFY, VIRTIO_PCI_NOTIFY + VIRTIO_PCI_NOTIFY_SIZE - 1, 2 | 4,
		  .write = notify_write),
};

static void bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access)
{
	struct virtio_pci *vp = container_of(fn, struct virtio_pci, function);
	uint64_t in_device = access->offset - DEVICE;

	(void)bar; /* there is one */
	vp->vd->caller = fn->caller;
	if (access->offset < DEVICE || in_device >= VIRTIO_CONFIG_BYTES)
		(void)regs_dispatch(regs, ARRAY_SIZE(regs), vp, access);
	else if (access->write)
		virtio_config_write(vp->vd, in_device, access->width, access->value);
	else
		access->value = virtio_config_read(vp->vd, in_device, access->width);
}

/* A doorbell is a queue's, whatever is written: no more than its number may be (4.1.5.2). */
static bool bar_blind(const struct pci_function *fn, unsigned bar, uint64_t offset, unsigned width)
{
	(void)fn;
	(void)bar;
	return offset >= VIRTIO_PCI_NOTIFY && offset - VIRTIO_PCI_NOTIFY < VIRTIO_PCI_NOTIFY_SIZE &&
	       (width == 2 || width == 4);
}

/* ---- capabilities (4.1.4) ---- */

enum cap_type {
	CAP_COMMON = 1,
	CAP_NOTIFY = 2,
	CAP_ISR = 3,
	CAP_DEVICE = 4,
	CAP_PCI = 5,
};

/* struct virtio_pci_cap from its third byte on, and what some types have behind it. */
struct cap {
	uint8_t length;
	uint8_t type;
	uint8_t bar;
	uint8_t id;
	uint8_t padding[2];
	uint8_t at[4], size[4]; /* little endian */
	uint8_t extra[4];
};

enum {
	CAP_SIZE = 16,
	CAP_EXTRA = 4,
	CAP_HEADER = 2,
	CAP_BAR = 4, /* offsets from the capability's start */
	CAP_AT = 8,
	CAP_LENGTH = 12,
	CAP_DATA = 16,
};

_Static_assert(sizeof(struct cap) == CAP_SIZE + CAP_EXTRA - CAP_HEADER, "packed by itself");

static void put32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static enum vmm_err add_cap(struct virtio_pci *vp, enum cap_type type, uint32_t at, uint32_t size)
{
	/* The window's address and data are the driver's (4.1.4.9). */
	static const struct cap window_writable = {
		.bar = 0xff,
		.at = { 0xff, 0xff, 0xff, 0xff },
		.size = { 0xff, 0xff, 0xff, 0xff },
		.extra = { 0xff, 0xff, 0xff, 0xff },
	};
	bool longer = type == CAP_NOTIFY || type == CAP_PCI;
	unsigned length = CAP_SIZE + (longer ? CAP_EXTRA : 0);
	struct cap cap = { .length = (uint8_t)length, .type = (uint8_t)type };
	enum vmm_err err;
	uint8_t offset;

	put32(cap.at, at);
	put32(cap.size, size);
	if (type == CAP_NOTIFY)
		put32(cap.extra, NOTIFY_MULTIPLIER);
	err = pci_add_capability(&vp->function, PCI_CAP_VENDOR, &cap, length - CAP_HEADER,
				 type == CAP_PCI ? &window_writable : NULL, &offset);
	if (err == VMM_OK && type == CAP_PCI)
		vp->window = offset;
	return err;
}

/*
 * The window onto the BAR through configuration space (4.1.4.9). What the driver put there is not an
 * access unless its length is 1, 2 or 4 and it is aligned and inside the BAR.
 */
static bool window_access(struct virtio_pci *vp, unsigned offset, unsigned width, bool write)
{
	struct pci_function *fn = &vp->function;
	unsigned data = vp->window + CAP_DATA;
	uint32_t at = pci_get(fn, vp->window + CAP_AT, 4);
	uint32_t length = pci_get(fn, vp->window + CAP_LENGTH, 4);
	struct mmio_access access = { .offset = at, .vcpu = fn->caller, .write = write };

	if (offset >= data + CAP_EXTRA || offset + width <= data)
		return false;
	if ((length != 1 && length != 2 && length != 4) || at % length != 0 ||
	    !range_inside(at, length, 0, BAR_SIZE) || pci_get(fn, vp->window + CAP_BAR, 1) != 0)
		return false;
	access.width = (uint8_t)length;
	if (write)
		access.value = pci_get(fn, data, length);
	pci_bar_access(fn, 0, &access);
	if (!write)
		pci_set(fn, data, length, (uint32_t)access.value);
	return true;
}

static void config_read(struct pci_function *fn, unsigned offset, unsigned width)
{
	(void)window_access(container_of(fn, struct virtio_pci, function), offset, width, false);
}

static void config_written(struct pci_function *fn, unsigned offset, unsigned width)
{
	(void)window_access(container_of(fn, struct virtio_pci, function), offset, width, true);
}

static const struct pci_ops function_ops = {
	.bar_size = { BAR_SIZE },
	.msix_bar = 0,
	.msix_table = MSIX_TABLE_AT,
	.msix_pba = MSIX_PBA_AT,
	.bar_access = bar_access,
	.bar_blind = bar_blind,
	.config_read = config_read,
	.config_written = config_written,
};

static enum vmm_err add_capabilities(struct virtio_pci *vp)
{
	const struct virtio_setup *setup = &vp->vd->setup;
	unsigned vectors = setup->queue_count + 1;
	enum vmm_err err = add_cap(vp, CAP_COMMON, COMMON, COMMON_SIZE);

	if (err == VMM_OK)
		err = add_cap(vp, CAP_NOTIFY, VIRTIO_PCI_NOTIFY,
			      setup->queue_count * NOTIFY_MULTIPLIER);
	if (err == VMM_OK)
		err = add_cap(vp, CAP_ISR, ISR, ISR_SIZE);
	if (err == VMM_OK && setup->config_size != 0)
		err = add_cap(vp, CAP_DEVICE, DEVICE, (uint32_t)setup->config_size);
	if (err == VMM_OK)
		err = add_cap(vp, CAP_PCI, 0, 0);
	if (err == VMM_OK)
		err = pci_add_msix(&vp->function, vectors < MSIX_VECTORS ? vectors : MSIX_VECTORS);
	return err;
}

static uint32_t class_of(uint32_t device_id)
{
	switch (device_id) {
	case VIRTIO_ID_NET:
		return 0x020000; /* Ethernet */
	case VIRTIO_ID_BLOCK:
		return 0x018000; /* other mass storage */
	case VIRTIO_ID_CONSOLE:
	case VIRTIO_ID_VSOCK:
		return 0x078000; /* other communication */
	default:
		return 0xff0000; /* none of the classes */
	}
}

enum vmm_err virtio_pci_init(struct virtio_pci *vp, struct virtio_dev *vd)
{
	/* 4.1.2.1: device id 0x1040 + the type, revision 1 and subsystem 0x40 or higher: no legacy. */
	const struct pci_identity identity = {
		.vendor = 0x1af4,
		.device = (uint16_t)(0x1040 + vd->setup.ops->device_id),
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = class_of(vd->setup.ops->device_id),
		.revision = 1,
	};
	enum vmm_err err;

	if (vd->setup.queue_count > VIRTIO_PCI_QUEUES)
		return VMM_ERR_RANGE;
	*vp = (struct virtio_pci){ .transport = { .ops = &transport_ops }, .vd = vd };
	err = pci_function_init(&vp->function, &function_ops, &identity, &vd->lock);
	if (err == VMM_OK)
		err = add_capabilities(vp);
	if (err != VMM_OK)
		return err;
	vd->transport = &vp->transport;
	reset(vd);
	return VMM_OK;
}

void virtio_pci_power_on(struct virtio_pci *vp)
{
	lock_take(&vp->vd->lock);
	pci_function_reset(&vp->function);
	lock_give(&vp->vd->lock);
}
