/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The register file of virtio-mmio (VIRTIO 1.2, 4.2.2), as a table. Registers are 32 bits wide and
 * aligned; other accesses are RAZ/WI (4.2.2.2 forbids them). Configuration starts at 0x100.
 *
 * The page in front of the registers holds what their reads would give. It changes after a write of the
 * driver, and when the device changes by itself; the driver's view of several words is made
 * consistent by ConfigGeneration, as on any hardware (2.5.1).
 */
#include "vmm/dev/transport/mmio.h"

#include "vmm/base/util.h"

enum {
	MAGIC = 0x74726976, /* "virt" */
	VERSION = 2,
	INTERRUPT_USED = 1,
	INTERRUPT_CONFIG = 2,
	/* Offsets. */
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	CONFIG = 0x100,
	HIGH_HALF = 4, /* of the offset of an address */
};

static struct virtio_dev *device_of(void *device)
{
	return ((struct virtio_mmio *)device)->vd;
}

static void settle(struct virtio_mmio *mmio)
{
	bool level = mmio->interrupt_status != 0;

	if (mmio->page != NULL)
		__atomic_store_n((uint32_t *)(void *)(mmio->page + INTERRUPT_STATUS),
				 mmio->interrupt_status, __ATOMIC_RELEASE);
	if (level == mmio->level)
		return;
	mmio->level = level;
	mmio->irq(mmio->ctx, mmio->vd->caller, level);
}

/* ---- registers ---- */

/* What never changes, by offset / 4: magic, version, device and vendor id. */
static uint64_t id_read(void *device, const struct mmio_access *access)
{
	const uint32_t id[] = { MAGIC, VERSION, device_of(device)->setup.ops->device_id,
				VIRTIO_VENDOR };

	return id[access->offset / 4];
}

static uint64_t device_features_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return virtio_device_features(device_of(device));
}

static void device_features_select(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	device_of(device)->device_features_select = (uint32_t)value;
}

static void driver_features_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	virtio_set_driver_features(device_of(device), (uint32_t)value);
}

static void driver_features_select(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	device_of(device)->driver_features_select = (uint32_t)value;
}

static void queue_select(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	device_of(device)->queue_select = (uint32_t)value;
}

static uint64_t queue_size_max_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return virtio_queue_size_max(device_of(device));
}

static void queue_size_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	virtio_set_queue_size(device_of(device), (uint32_t)value);
}

static uint64_t queue_ready_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return virtio_queue_enabled(device_of(device));
}

static void queue_ready_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	virtio_set_queue_enabled(device_of(device), (value & 1) != 0);
}

static void queue_notify_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	virtio_kick(device_of(device), (uint32_t)value);
}

static uint64_t interrupt_status_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return ((struct virtio_mmio *)device)->interrupt_status;
}

static void interrupt_ack_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct virtio_mmio *mmio = device;

	(void)access;
	mmio->interrupt_status &= ~(uint32_t)value;
	settle(mmio);
}

static uint64_t status_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return device_of(device)->status;
}

static void status_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	virtio_set_status(device_of(device), (uint32_t)value);
}

/* Descriptor, driver and device area, 16 bytes apart; low half, then high half. */
static void queue_address_write(void *device, const struct mmio_access *access, uint64_t value)
{
	virtio_set_queue_address(device_of(device),
				 (enum virtq_area)((access->offset - 0x080) / 0x10),
				 (access->offset & HIGH_HALF) != 0, (uint32_t)value);
}

/* There is no shared memory region: each has a length of -1 (4.2.2.1). */
static uint64_t shared_memory_read(void *device, const struct mmio_access *access)
{
	(void)device;
	(void)access;
	return UINT32_MAX;
}

static void queue_reset_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	if ((value & 1) != 0)
		virtio_reset_queue(device_of(device));
}

static uint64_t generation_read(void *device, const struct mmio_access *access)
{
	(void)access;
	return device_of(device)->config_generation;
}

static uint64_t config_read(void *device, const struct mmio_access *access)
{
	return virtio_config_read(device_of(device), access->offset - CONFIG, access->width);
}

static void config_write(void *device, const struct mmio_access *access, uint64_t value)
{
	virtio_config_write(device_of(device), access->offset - CONFIG, access->width, value);
}

enum { WORD = 4, ANY = 1 | 2 | 4 | 8 };

static const struct reg_range regs[] = {
	REG_RANGE(0x000, 0x00f, WORD, .read = id_read),
	REG_RANGE(0x010, 0x013, WORD, .read = device_features_read),
	REG_RANGE(0x014, 0x017, WORD, .write = device_features_select),
	REG_RANGE(0x020, 0x023, WORD, .write = driver_features_write),
	REG_RANGE(0x024, 0x027, WORD, .write = driver_features_select),
	REG_RANGE(0x030, 0x033, WORD, .write = queue_select),
	REG_RANGE(0x034, 0x037, WORD, .read = queue_size_max_read),
	REG_RANGE(0x038, 0x03b, WORD, .write = queue_size_write),
	REG_RANGE(0x044, 0x047, WORD, .read = queue_ready_read, .write = queue_ready_write),
	REG_RANGE(0x050, 0x053, WORD, .write = queue_notify_write),
	REG_RANGE(0x060, 0x063, WORD, .read = interrupt_status_read),
	REG_RANGE(0x064, 0x067, WORD, .write = interrupt_ack_write),
	REG_RANGE(0x070, 0x073, WORD, .read = status_read, .write = status_write),
	REG_RANGE(0x080, 0x087, WORD, .write = queue_address_write),
	REG_RANGE(0x090, 0x097, WORD, .write = queue_address_write),
	REG_RANGE(0x0a0, 0x0a7, WORD, .write = queue_address_write),
	REG_RANGE(0x0b0, 0x0bf, WORD, .read = shared_memory_read),
	/* QueueReset: 1 while a reset is in progress, and ours are done at once. */
	REG_RANGE(0x0c0, 0x0c3, WORD, .write = queue_reset_write),
	REG_RANGE(0x0fc, 0x0ff, WORD, .read = generation_read),
	REG_RANGE(0x100, 0x1ff, ANY, .read = config_read, .write = config_write),
};

_Static_assert(CONFIG + VIRTIO_CONFIG_BYTES == VIRTIO_MMIO_SIZE, "the table ends there");
_Static_assert((int)VIRTIO_MMIO_USED + (int)VIRTIO_QUEUES_MAX * (int)sizeof(uint32_t) <=
		       (int)VIRTIO_MMIO_CHANGED,
	       "a word a queue");

/* ---- the page ---- */

/* Writes to the page what a read of each register gives. */
static void mirror(struct virtio_mmio *mmio)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		const struct reg_range *r = &regs[i];

		if (r->read == NULL)
			continue;
		for (uint32_t at = r->first; at < r->last; at += sizeof(uint32_t)) {
			struct mmio_access access = { .offset = at, .width = sizeof(uint32_t) };

			__atomic_store_n((uint32_t *)(void *)(mmio->page + at),
					 (uint32_t)r->read(mmio, &access), __ATOMIC_RELEASE);
		}
	}
}

static void changed(struct virtio_dev *vd)
{
	struct virtio_mmio *mmio = container_of(vd->transport, struct virtio_mmio, transport);

	if (mmio->page != NULL)
		mirror(mmio);
}

void virtio_mmio_access(void *device, struct mmio_access *access)
{
	struct virtio_mmio *mmio = device;

	mmio->vd->caller = access->vcpu;
	/* What a driver does all day; the table has it too. */
	if (access->offset == QUEUE_NOTIFY && access->width == WORD && access->write) {
		virtio_kick(mmio->vd, (uint32_t)access->value);
		return;
	}
	(void)regs_dispatch(regs, ARRAY_SIZE(regs), device, access);
	/* An acknowledgement has done it already, and for the rest it may be anything. */
	if (mmio->page != NULL && access->write && access->offset != INTERRUPT_ACK)
		mirror(mmio);
}

bool virtio_mmio_blind(const void *device, uint64_t offset, unsigned width)
{
	const struct virtio_mmio *mmio = device;

	return offset == QUEUE_NOTIFY && width == WORD && mmio->vd->setup.queue_count == 1;
}

/* ---- what the device core asks for ---- */

/* `counter`: offset in the page. */
static void interrupt(struct virtio_dev *vd, uint32_t cause, unsigned counter)
{
	struct virtio_mmio *mmio = container_of(vd->transport, struct virtio_mmio, transport);

	mmio->interrupts++;
	if (mmio->page != NULL)
		__atomic_fetch_add((uint32_t *)(void *)(mmio->page + counter), 1, __ATOMIC_RELEASE);
	mmio->interrupt_status |= cause;
	settle(mmio);
}

static void queue_interrupt(struct virtio_dev *vd, unsigned queue)
{
	interrupt(vd, INTERRUPT_USED, VIRTIO_MMIO_USED + queue * (unsigned)sizeof(uint32_t));
}

static void config_interrupt(struct virtio_dev *vd)
{
	interrupt(vd, INTERRUPT_CONFIG, VIRTIO_MMIO_CHANGED);
}

static void reset(struct virtio_dev *vd)
{
	struct virtio_mmio *mmio = container_of(vd->transport, struct virtio_mmio, transport);

	mmio->interrupt_status = 0;
	settle(mmio);
}

static const struct virtio_transport_ops mmio_ops = {
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
	.reset = reset,
	.changed = changed,
};

void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_dev *vd,
		      void (*irq)(void *ctx, unsigned caller, bool level), void *ctx, uint8_t *page)
{
	*mmio = (struct virtio_mmio){
		.transport = { .ops = &mmio_ops },
		.vd = vd,
		.irq = irq,
		.ctx = ctx,
		.page = page,
	};
	/* What a predecessor's driver has not acknowledged (kept.h) stays in the page all the time. */
	if (page != NULL && vd->status != 0)
		mmio->interrupt_status = __atomic_load_n(
			(uint32_t *)(void *)(page + INTERRUPT_STATUS), __ATOMIC_RELAXED);
	vd->transport = &mmio->transport;
	changed(vd);
}
