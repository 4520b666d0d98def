// SPDX-License-Identifier: BSD-2-Clause
/*
 * Registers that GICv2 and GICv3 share, in the distributor and in a redistributor alike (IHI
 * 0048B.b chapter 4, IHI 0069H chapter 12). One bit, one byte or two bits an interrupt; INTIDs
 * that do not exist read as zero and ignore writes.
 */
#include "vmm/irqchip/gic/private.h"

enum {
	PRIORITY_BITS = (GIC_PRIORITIES - 1) << GIC_LEVEL_SHIFT,
};

/* Four priorities at once; `to` is a multiple of 4. */
static void store_le32(uint8_t *to, uint32_t value)
{
	to = __builtin_assume_aligned(to, sizeof(value));
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	to[2] = (uint8_t)(value >> 16);
	to[3] = (uint8_t)(value >> 24);
}

/*
 * First INTID of an access to an array of one-bit fields; arrays are 0x80 bytes for 1024 INTIDs.
 */
static unsigned first_bit(const struct mmio_access *access)
{
	return (unsigned)(access->offset % 0x80) * 8;
}

/* The interrupts of an access to such an array, 32 of them, or NULL. */
static struct gic_interrupt *block_of(struct gic *gic, const struct mmio_access *access)
{
	return gic_find(gic, access->vcpu, first_bit(access));
}

static uint64_t read_flag(struct gic *gic, const struct mmio_access *access, unsigned flag)
{
	const struct gic_interrupt *irqs = block_of(gic, access);
	uint32_t word = 0;

	for (unsigned i = 0; irqs != NULL && i < 32; i++)
		if ((irqs[i].flags & flag) != 0)
			word |= UINT32_C(1) << i;
	return word;
}

/* Calls `change` for every interrupt whose bit is set in a written word. */
static void each_bit(struct gic *gic, const struct mmio_access *access, uint64_t value,
		     void (*change)(struct gic *gic, struct gic_interrupt *irq))
{
	struct gic_interrupt *irqs = block_of(gic, access);

	if (irqs == NULL)
		return;
	for (uint32_t left = (uint32_t)value; left != 0; left &= left - 1)
		change(gic, &irqs[__builtin_ctz(left)]);
}

uint64_t gic_typer_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;

	(void)access;
	return gic->typer;
}

/* Implementer: Arm's JEP106 code, as every software GIC says; ProductID 'V'. */
uint64_t gic_iidr_read(void *device, const struct mmio_access *access)
{
	(void)device;
	(void)access;
	return UINT32_C(0x56) << 24 | 0x43b;
}

/* PIDR4..7, PIDR0..3, CIDR0..3. PIDR2 bits 7:4 are the architecture's revision. */
uint64_t gic_id_read(void *device, const struct mmio_access *access)
{
	static const uint8_t id[2][12] = {
		{ 0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1 },
		{ 0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 },
	};
	const struct gic *gic = device;

	return id[gic->config.version - 2][(access->offset % 0x40 - 0x10) / 4];
}

void gic_set_ctlr(struct gic *gic, uint64_t value)
{
	uint32_t ctlr = (uint32_t)value & (GIC_CTLR_GRP0 | GIC_CTLR_GRP1);

	if (ctlr == gic->ctlr)
		return;
	gic->ctlr = ctlr;
	gic_update_all(gic);
}

uint64_t gic_group_read(void *device, const struct mmio_access *access)
{
	return read_flag(device, access, GIC_GROUP1);
}

void gic_group_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct gic *gic = device;
	struct gic_interrupt *irqs = block_of(gic, access);

	for (unsigned i = 0; irqs != NULL && i < 32; i++) {
		irqs[i].flags &= (uint16_t)~GIC_GROUP1;
		if ((value >> i & 1) != 0)
			irqs[i].flags |= GIC_GROUP1;
		gic_update(gic, &irqs[i]);
	}
}

uint64_t gic_enable_read(void *device, const struct mmio_access *access)
{
	return read_flag(device, access, GIC_ENABLED);
}

static void enable(struct gic *gic, struct gic_interrupt *irq)
{
	irq->flags |= GIC_ENABLED;
	gic_update(gic, irq);
}

static void disable(struct gic *gic, struct gic_interrupt *irq)
{
	irq->flags &= (uint16_t)~GIC_ENABLED;
	gic_update(gic, irq);
}

void gic_enable_set(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, value, enable);
}

void gic_enable_clear(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, value, disable);
}

uint64_t gic_pending_read(void *device, const struct mmio_access *access)
{
	const struct gic_interrupt *irqs = block_of(device, access);
	uint32_t word = 0;

	for (unsigned i = 0; irqs != NULL && i < 32; i++)
		if (gic_pending(&irqs[i]))
			word |= UINT32_C(1) << i;
	return word;
}

/*
 * v2: the bits of SGIs are read-only; SPENDSGIR and CPENDSGIR are for them (IHI 0048B.b, 4.3.7).
 */
static uint64_t latchable(const struct gic *gic, const struct mmio_access *access, uint64_t value)
{
	return gic->config.version == 2 && first_bit(access) == 0 ? value & 0xffff0000 : value;
}

static void latch(struct gic *gic, struct gic_interrupt *irq)
{
	irq->flags |= GIC_LATCH;
	gic_update(gic, irq);
}

static void unlatch(struct gic *gic, struct gic_interrupt *irq)
{
	irq->flags &= (uint16_t)~GIC_LATCH;
	gic_update(gic, irq);
}

void gic_pending_set(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, latchable(device, access, value), latch);
}

void gic_pending_clear(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, latchable(device, access, value), unlatch);
}

uint64_t gic_active_read(void *device, const struct mmio_access *access)
{
	return read_flag(device, access, GIC_ACTIVE);
}

static void activate(struct gic *gic, struct gic_interrupt *irq)
{
	irq->flags |= GIC_ACTIVE;
	gic_update(gic, irq);
}

void gic_active_set(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, value, activate);
}

void gic_active_clear(void *device, const struct mmio_access *access, uint64_t value)
{
	each_bit(device, access, value, gic_deactivate);
}

uint64_t gic_priority_read(void *device, const struct mmio_access *access)
{
	const struct gic_interrupt *irqs =
		gic_find(device, access->vcpu, (unsigned)(access->offset % 0x400));
	const uint8_t *priority;
	uint64_t value = 0;

	if (irqs == NULL)
		return 0;
	priority = gic_priority(device, irqs);
	for (unsigned i = 0; i < access->width; i++)
		value |= (uint64_t)priority[i] << (8 * i);
	return value;
}

void gic_priority_write(void *device, const struct mmio_access *access, uint64_t value)
{
	const struct gic_interrupt *irqs =
		gic_find(device, access->vcpu, (unsigned)(access->offset % 0x400));
	uint8_t *priority;

	if (irqs == NULL)
		return;
	priority = gic_priority(device, irqs);
	if (access->width == 4)
		store_le32(priority, (uint32_t)value & PRIORITY_BITS * UINT32_C(0x01010101));
	else
		*priority = value & PRIORITY_BITS;
}

/* GICD_ICFGR: two bits an interrupt, the upper one "edge", the lower one reserved. */
uint64_t gic_trigger_read(void *device, const struct mmio_access *access)
{
	const struct gic_interrupt *irqs =
		gic_find(device, access->vcpu, (unsigned)(access->offset % 0x100) * 4);
	uint32_t word = 0;

	for (unsigned i = 0; irqs != NULL && i < 16; i++)
		if ((irqs[i].flags & GIC_EDGE) != 0)
			word |= UINT32_C(2) << (2 * i);
	return word;
}

void gic_trigger_write(void *device, const struct mmio_access *access, uint64_t value)
{
	unsigned first = (unsigned)(access->offset % 0x100) * 4;
	struct gic_interrupt *irqs = gic_find(device, access->vcpu, first);

	if (first < GIC_SGIS) /* SGIs are edges for good */
		return;
	for (unsigned i = 0; irqs != NULL && i < 16; i++) {
		irqs[i].flags &= (uint16_t)~GIC_EDGE;
		if ((value >> (2 * i) & 2) != 0)
			irqs[i].flags |= GIC_EDGE;
		gic_update(device, &irqs[i]);
	}
}

void gic_dist_access(void *device, struct mmio_access *access)
{
	struct gic *gic = device;

	if (gic->config.version == 2)
		gicv2_dist_access(gic, access);
	else
		gicv3_dist_access(gic, access);
}

/* The frame, not the accessing vCPU, says whose redistributor it is. */
void gic_redist_access(void *device, struct mmio_access *access)
{
	struct gic *gic = device;
	uint64_t frame = access->offset / GIC_REDIST_SIZE;
	struct mmio_access inner = *access;

	if (!access->write)
		access->value = 0;
	if (gic->config.version != 3 || frame >= gic->config.vcpu_count)
		return;
	inner.offset = access->offset % GIC_REDIST_SIZE;
	inner.vcpu = (uint16_t)frame;
	gicv3_redist_access(gic, &inner);
	access->value = inner.value;
}
