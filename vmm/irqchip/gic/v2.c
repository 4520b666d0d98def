// SPDX-License-Identifier: BSD-2-Clause
/*
 * GICv2 distributor (IHI 0048B.b, chapter 4) without the Security Extensions: CPU targets a byte
 * an interrupt, SGIs that remember who sent them, private registers banked by the accessing vCPU.
 * The CPU interface is the hardware's (GICV); the VMM never sees it.
 */
#include "vmm/base/util.h"
#include "vmm/irqchip/gic/private.h"

uint32_t gicv2_typer(const struct gic_config *config)
{
	return config->spi_count / 32 | (config->vcpu_count - 1) << 5;
}

/*
 * The architecture offers an interrupt to all its targets and gives it to the first to
 * acknowledge; a list register holds it for one. The lowest-numbered target that is awake is as
 * good as any. A uniprocessor has no ITARGETSR: all goes to its one vCPU (4.3.12).
 */
unsigned gicv2_route(const struct gic *gic, const struct gic_interrupt *irq)
{
	uint32_t candidates = (gic->config.vcpu_count == 1 ? 1 : irq->aim) & gic->awake;

	return candidates != 0 ? (unsigned)__builtin_ctz(candidates) : GIC_NOWHERE;
}

static uint64_t ctlr_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;

	(void)access;
	return gic->ctlr;
}

static void ctlr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	(void)access;
	gic_set_ctlr(device, value);
}

static uint64_t targets_read(void *device, const struct mmio_access *access)
{
	const struct gic *gic = device;
	unsigned first = (unsigned)(access->offset % 0x400);
	const struct gic_interrupt *irqs = gic_find(device, access->vcpu, first);
	uint64_t value = 0;

	if (gic->config.vcpu_count == 1 || irqs == NULL)
		return 0;
	for (unsigned i = 0; i < access->width; i++) {
		uint64_t targets = first < GIC_PRIVATE ? UINT64_C(1) << access->vcpu : irqs[i].aim;

		value |= targets << (8 * i);
	}
	return value;
}

static void targets_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct gic *gic = device;
	unsigned first = (unsigned)(access->offset % 0x400);
	struct gic_interrupt *irqs = gic_find(gic, access->vcpu, first);
	unsigned exist = (1U << gic->config.vcpu_count) - 1;

	if (gic->config.vcpu_count == 1 || irqs == NULL || first < GIC_PRIVATE)
		return;
	for (unsigned i = 0; i < access->width; i++) {
		irqs[i].aim = (uint32_t)(value >> (8 * i)) & exist;
		gic_reroute(gic, &irqs[i]);
	}
}

/* GICD_SGIR (4.3.15). NSATT has a meaning with the Security Extensions only. */
static void sgir_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct gic *gic = device;
	unsigned self = 1U << access->vcpu;
	unsigned list;

	switch (value >> 24 & 3) {
	case 0:
		list = (unsigned)(value >> 16 & 0xff);
		break;
	case 1:
		list = ~self;
		break;
	case 2:
		list = self;
		break;
	default: /* reserved */
		return;
	}
	for (unsigned vcpu = 0; vcpu < gic->config.vcpu_count; vcpu++) {
		struct gic_interrupt *irq = gic_find(gic, vcpu, value & 0xf);

		if ((list >> vcpu & 1) == 0)
			continue;
		gic_set_sources(irq, irq->sources | self);
		gic_update(gic, irq);
	}
}

/* SPENDSGIR and CPENDSGIR: a byte an SGI, a bit for each vCPU that sent it (4.3.16, 4.3.17). */
static uint64_t sources_read(void *device, const struct mmio_access *access)
{
	const struct gic_interrupt *irqs =
		gic_find(device, access->vcpu, (unsigned)(access->offset % 0x10));
	uint64_t value = 0;

	for (unsigned i = 0; i < access->width; i++)
		value |= (uint64_t)irqs[i].sources << (8 * i);
	return value;
}

static void sources_change(struct gic *gic, const struct mmio_access *access, uint64_t value,
			   bool set)
{
	struct gic_interrupt *irqs = gic_find(gic, access->vcpu, (unsigned)(access->offset % 0x10));
	unsigned exist = (1U << gic->config.vcpu_count) - 1;

	for (unsigned i = 0; i < access->width; i++) {
		unsigned sources = (unsigned)(value >> (8 * i)) & exist;

		gic_set_sources(&irqs[i],
				set ? irqs[i].sources | sources : irqs[i].sources & ~sources);
		gic_update(gic, &irqs[i]);
	}
}

static void sources_set(void *device, const struct mmio_access *access, uint64_t value)
{
	sources_change(device, access, value, true);
}

static void sources_clear(void *device, const struct mmio_access *access, uint64_t value)
{
	sources_change(device, access, value, false);
}

static const struct reg_range dist[] = {
	REG_RANGE(0x000, 0x003, 4, .read = ctlr_read, .write = ctlr_write),
	REG_RANGE(0x004, 0x007, 4, .read = gic_typer_read),
	REG_RANGE(0x008, 0x00b, 4, .read = gic_iidr_read),
	REG_RANGE(0x080, 0x0ff, 4, .read = gic_group_read, .write = gic_group_write),
	REG_RANGE(0x100, 0x17f, 4, .read = gic_enable_read, .write = gic_enable_set),
	REG_RANGE(0x180, 0x1ff, 4, .read = gic_enable_read, .write = gic_enable_clear),
	REG_RANGE(0x200, 0x27f, 4, .read = gic_pending_read, .write = gic_pending_set),
	REG_RANGE(0x280, 0x2ff, 4, .read = gic_pending_read, .write = gic_pending_clear),
	REG_RANGE(0x300, 0x37f, 4, .read = gic_active_read, .write = gic_active_set),
	REG_RANGE(0x380, 0x3ff, 4, .read = gic_active_read, .write = gic_active_clear),
	REG_RANGE(0x400, 0x7ff, 1 | 4, .read = gic_priority_read, .write = gic_priority_write),
	REG_RANGE(0x800, 0xbff, 1 | 4, .read = targets_read, .write = targets_write),
	REG_RANGE(0xc00, 0xcff, 4, .read = gic_trigger_read, .write = gic_trigger_write),
	REG_RANGE(0xf00, 0xf03, 4, .write = sgir_write),
	REG_RANGE(0xf10, 0xf1f, 1 | 4, .read = sources_read, .write = sources_clear),
	REG_RANGE(0xf20, 0xf2f, 1 | 4, .read = sources_read, .write = sources_set),
	REG_RANGE(0xfd0, 0xfff, 4, .read = gic_id_read),
};

void gicv2_dist_access(struct gic *gic, struct mmio_access *access)
{
	(void)regs_dispatch(dist, ARRAY_SIZE(dist), gic, access);
}

const struct gic_table gicv2_dist = { .ranges = dist, .count = ARRAY_SIZE(dist) };
