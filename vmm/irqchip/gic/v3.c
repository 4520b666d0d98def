// SPDX-License-Identifier: BSD-2-Clause
/*
 * GICv3 distributor and redistributors (IHI 0069H, chapter 12), for a system with one Security
 * state and affinity routing always on (GICD_CTLR.DS and ARE read as one). Without LPIs,
 * message-based SPIs and extended ranges: TYPER says so, and their registers are RAZ/WI. The CPU
 * interface is the hardware's, except for the SGI registers, which trap.
 *
 * The VMM stands for the firmware: redistributors are awake when a vCPU starts.
 */
#include "vmm/base/util.h"
#include "vmm/irqchip/gic/private.h"

enum {
	CTLR_ARE = 1U << 4,
	CTLR_DS = 1U << 6,
	TYPER_ID_BITS = 9U << 19, /* INTIDs of 10 bits */
	TYPER_A3V = 1U << 24,     /* Aff3 may be other than 0 */
	WAKER_PROCESSOR_SLEEP = 1U << 1,
	WAKER_CHILDREN_ASLEEP = 1U << 2,
};

#define ROUTER_ANY (UINT32_C(1) << 31) /* GICD_IROUTER.Interrupt_Routing_Mode */

uint32_t gicv3_typer(const struct gic_config *config)
{
	return config->spi_count / 32 | TYPER_ID_BITS | TYPER_A3V;
}

/*
 * "1 of N" interrupts go to the lowest-numbered vCPU that is awake: the choice is ours (1.2.3).
 */
unsigned gicv3_route(const struct gic *gic, const struct gic_interrupt *irq)
{
	if ((irq->flags & GIC_ANY) != 0)
		return gic->awake != 0 ? (unsigned)__builtin_ctz(gic->awake) : GIC_NOWHERE;
	for (unsigned vcpu = 0; vcpu < gic->config.vcpu_count; vcpu++)
		if (gic->vcpus[vcpu].affinity == irq->aim)
			return vcpu;
	return GIC_NOWHERE;
}

/* A 32-bit access to a 64-bit register reads or replaces one half. */
static uint64_t half_read(const struct mmio_access *access, uint64_t value)
{
	if (access->width == 8)
		return value;
	return access->offset % 8 == 0 ? value & UINT32_MAX : value >> 32;
}

static uint64_t half_write(const struct mmio_access *access, uint64_t before, uint64_t value)
{
	if (access->width == 8)
		return value;
	return access->offset % 8 == 0 ? before >> 32 << 32 | (value & UINT32_MAX)
				       : (before & UINT32_MAX) | value << 32;
}

static uint64_t ctlr_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;

	(void)access;
	return gic->ctlr | CTLR_ARE | CTLR_DS;
}

static void ctlr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	gic_set_ctlr(device, value);
}

/* GICD_IROUTER<n>: Aff3 in 39:32, routing mode in 31, Aff2..Aff0 in 23:0. */
static uint64_t router_of(const struct gic_interrupt *irq)
{
	return (uint64_t)(irq->aim >> 24) << 32 | (irq->aim & 0xffffff) |
	       ((irq->flags & GIC_ANY) != 0 ? ROUTER_ANY : 0);
}

static uint64_t router_read(void *device, const struct mmio_access *access)
{
	const struct gic_interrupt *irq =
		gic_find(device, access->vcpu, (unsigned)(access->offset - 0x6000) / 8);

	return irq != NULL ? half_read(access, router_of(irq)) : 0;
}

static void router_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct gic_interrupt *irq =
		gic_find(device, access->vcpu, (unsigned)(access->offset - 0x6000) / 8);

	if (irq == NULL)
		return;
	value = half_write(access, router_of(irq), value);
	irq->flags &= (uint16_t)~GIC_ANY;
	if ((value & ROUTER_ANY) != 0)
		irq->flags |= GIC_ANY;
	irq->aim = (uint32_t)(value >> 32) << 24 | (uint32_t)(value & 0xffffff);
	gic_reroute(device, irq);
}

/* GICR_CTLR: no LPIs to enable, and writes are never in progress. */
static uint64_t redist_ctlr_read(void *device, const struct mmio_access *access)
{
	(void)device;
	(void)access;
	return 0;
}

/* GICR_TYPER: affinity in 63:32, Processor_Number in 23:8, Last in 4. */
static uint64_t redist_typer_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;
	uint64_t last = access->vcpu == gic->config.vcpu_count - 1;

	return half_read(access, (uint64_t)gic->vcpus[access->vcpu].affinity << 32 |
					 (uint64_t)access->vcpu << 8 | last << 4);
}

static uint64_t waker_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;

	return gic->vcpus[access->vcpu].asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
}

static void waker_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct gic *gic = device;
	bool asleep = (value & WAKER_PROCESSOR_SLEEP) != 0;

	if (asleep == gic->vcpus[access->vcpu].asleep)
		return;
	gic->vcpus[access->vcpu].asleep = asleep;
	gic_update_all(gic);
}

/* In ICC_SGI*R_EL1: where a field starts. */
enum {
	SGI_AFF1 = 16, /* TargetList is in 15:0 */
	SGI_INTID = 24,
	SGI_AFF2 = 32,
	SGI_IRM = 40,
	SGI_RS = 44,
	SGI_AFF3 = 48,
};

/* Aff3, Aff2, Aff1 and RS: a group of 16 vCPUs; TargetList has a bit for each of them. */
#define SGI_GROUP                                                                            \
	(UINT64_C(0xff) << SGI_AFF3 | UINT64_C(0xf) << SGI_RS | UINT64_C(0xff) << SGI_AFF2 | \
	 UINT64_C(0xff) << SGI_AFF1)

uint64_t gicv3_sgi_group(uint32_t affinity)
{
	return (uint64_t)(affinity >> 24) << SGI_AFF3 |
	       (uint64_t)(affinity >> 16 & 0xff) << SGI_AFF2 |
	       (uint64_t)(affinity >> 8 & 0xff) << SGI_AFF1 |
	       (uint64_t)(affinity >> 4 & 0xf) << SGI_RS;
}

uint64_t gicv3_sgi_self(uint32_t affinity)
{
	return gicv3_sgi_group(affinity) | UINT64_C(1) << affinity % 16;
}

/* True if a write of `value` by vCPU `self` means `vcpu`. */
static bool sgi_meant_for(const struct gic *gic, uint64_t value, unsigned self, unsigned vcpu)
{
	const struct gic_vcpu *v = &gic->vcpus[vcpu];

	if ((value >> SGI_IRM & 1) != 0)
		return vcpu != self;
	return (value & SGI_GROUP) == v->sgi_group && (value >> v->affinity % 16 & 1) != 0;
}

/*
 * With one Security state, ICC_SGI1R generates SGIs of the group they are configured in; ICC_SGI0R
 * and ICC_ASGI1R reach those in Group 0 only (IHI 0069H, chapter 12, "SGI forwarding").
 */
void gic_sgi_sysreg(struct gic *gic, unsigned vcpu, enum gic_sgi_register which, uint64_t value)
{
	if (gic->config.version != 3)
		return;
	for (unsigned i = 0; i < gic->config.vcpu_count; i++) {
		struct gic_interrupt *irq;

		if (!sgi_meant_for(gic, value, vcpu, i))
			continue;
		irq = gic_find(gic, i, value >> SGI_INTID & 0xf);
		if ((irq->flags & GIC_GROUP1) != 0 && which != GIC_ICC_SGI1R)
			continue;
		irq->flags |= GIC_LATCH;
		gic_update(gic, irq);
	}
}

bool gic_sgi_self(struct gic *gic, struct gic_vcpu *v, uint64_t value, struct irq_slot *out)
{
	uint64_t intid = value >> SGI_INTID & 0xf, index = v->first + intid;
	unsigned flags, lr;
	struct gic_interrupt *irq = &gic->interrupts[index];
	uint32_t lrs = v->lr_free & v->open;

	flags = irq->flags;
	if ((value & ~(UINT64_C(0xf) << SGI_INTID)) != v->sgi_self ||
	    (flags & GIC_STATE) != (GIC_GROUP1 | GIC_ENABLED) || lrs == 0)
		return false;
	lr = (unsigned)__builtin_ctz(lrs);
	v->lr_held[lr] = (uint16_t)index;
	v->lr_free &= ~(UINT32_C(1) << lr);
	irq->flags = (uint16_t)(flags | GIC_ACTIVE | GIC_FLIGHT | GIC_TOOK);
	out->intid = (uint32_t)intid;
	out->lr = lr;
	out->priority = gic->priorities[index] >> GIC_LEVEL_SHIFT;
	out->group = 1;
	out->replaces = false;
	return true;
}

/*
 * The distributor's registers of INTIDs 0-31 are RAZ/WI with affinity routing: the arrays start
 * after them. They live in the redistributors.
 */
static const struct reg_range dist[] = {
	REG_RANGE(0x0000, 0x0003, 4, .read = ctlr_read, .write = ctlr_write),
	REG_RANGE(0x0004, 0x0007, 4, .read = gic_typer_read),
	REG_RANGE(0x0008, 0x000b, 4, .read = gic_iidr_read),
	REG_RANGE(0x0084, 0x00ff, 4, .read = gic_group_read, .write = gic_group_write),
	REG_RANGE(0x0104, 0x017f, 4, .read = gic_enable_read, .write = gic_enable_set),
	REG_RANGE(0x0184, 0x01ff, 4, .read = gic_enable_read, .write = gic_enable_clear),
	REG_RANGE(0x0204, 0x027f, 4, .read = gic_pending_read, .write = gic_pending_set),
	REG_RANGE(0x0284, 0x02ff, 4, .read = gic_pending_read, .write = gic_pending_clear),
	REG_RANGE(0x0304, 0x037f, 4, .read = gic_active_read, .write = gic_active_set),
	REG_RANGE(0x0384, 0x03ff, 4, .read = gic_active_read, .write = gic_active_clear),
	REG_RANGE(0x0420, 0x07ff, 1 | 4, .read = gic_priority_read, .write = gic_priority_write),
	REG_RANGE(0x0c08, 0x0cff, 4, .read = gic_trigger_read, .write = gic_trigger_write),
	REG_RANGE(0x6100, 0x7eff, 4 | 8, .read = router_read, .write = router_write),
	REG_RANGE(0xffd0, 0xffff, 4, .read = gic_id_read),
};

/* RD_base at 0, SGI_base at 0x10000. */
static const struct reg_range redist[] = {
	REG_RANGE(0x00000, 0x00003, 4, .read = redist_ctlr_read),
	REG_RANGE(0x00004, 0x00007, 4, .read = gic_iidr_read),
	REG_RANGE(0x00008, 0x0000f, 4 | 8, .read = redist_typer_read),
	REG_RANGE(0x00014, 0x00017, 4, .read = waker_read, .write = waker_write),
	REG_RANGE(0x0ffd0, 0x0ffff, 4, .read = gic_id_read),
	REG_RANGE(0x10080, 0x10083, 4, .read = gic_group_read, .write = gic_group_write),
	REG_RANGE(0x10100, 0x10103, 4, .read = gic_enable_read, .write = gic_enable_set),
	REG_RANGE(0x10180, 0x10183, 4, .read = gic_enable_read, .write = gic_enable_clear),
	REG_RANGE(0x10200, 0x10203, 4, .read = gic_pending_read, .write = gic_pending_set),
	REG_RANGE(0x10280, 0x10283, 4, .read = gic_pending_read, .write = gic_pending_clear),
	REG_RANGE(0x10300, 0x10303, 4, .read = gic_active_read, .write = gic_active_set),
	REG_RANGE(0x10380, 0x10383, 4, .read = gic_active_read, .write = gic_active_clear),
	REG_RANGE(0x10400, 0x1041f, 1 | 4, .read = gic_priority_read, .write = gic_priority_write),
	REG_RANGE(0x10c00, 0x10c07, 4, .read = gic_trigger_read, .write = gic_trigger_write),
};

void gicv3_dist_access(struct gic *gic, struct mmio_access *access)
{
	(void)regs_dispatch(dist, ARRAY_SIZE(dist), gic, access);
}

void gicv3_redist_access(struct gic *gic, struct mmio_access *access)
{
	(void)regs_dispatch(redist, ARRAY_SIZE(redist), gic, access);
}

const struct gic_table gicv3_dist = { .ranges = dist, .count = ARRAY_SIZE(dist) };
const struct gic_table gicv3_redist = { .ranges = redist, .count = ARRAY_SIZE(redist) };
