/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv2 (IHI 0048B). */
#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/regs.h"

enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ICPENDR = 0x280,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICD_SGIR = 0xf00,
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	GICH_HCR = 0x00,
	GICH_VTR = 0x04,
	GICH_VMCR = 0x08,
	GICH_EISR0 = 0x20,
	GICH_APR = 0xf0,
	GICH_LR = 0x100,
};

#define PRIORITY  0xa0a0a0a0u
#define LR_EOI    (1u << 19)
#define LR_ACTIVE (1u << 29)
#define LR_PEND   (1u << 28)

static void init(void)
{
	gic.irq_count = ((mmio_read(gic.dist + GICD_TYPER) & 31) + 1) * 32;
	mmio_write(gic.dist + GICD_CTLR, 0);
	for (u64 i = 32; i < gic.irq_count; i += 32) {
		mmio_write(gic.dist + GICD_ICENABLER + i / 8, ~0u);
		mmio_write(gic.dist + GICD_ICPENDR + i / 8, ~0u);
		mmio_write(gic.dist + GICD_IGROUPR + i / 8, 0);
	}
	for (u64 i = 32; i < gic.irq_count; i += 4) {
		mmio_write(gic.dist + GICD_IPRIORITYR + i, PRIORITY);
		mmio_write(gic.dist + GICD_ITARGETSR + i, 0x01010101u);
	}
	mmio_write(gic.dist + GICD_CTLR, 1);
	gic.lr_count = (mmio_read(gic.hyp + GICH_VTR) & 63) + 1;
	if (gic.lr_count > LR_MAX)
		gic.lr_count = LR_MAX;
}

static void init_core(struct core *c)
{
	/* A core reads its own mask in the targets of its private interrupts. */
	c->arch.sgi_target = mmio_read(gic.dist + GICD_ITARGETSR) & 0xff;
	if (c->arch.sgi_target == 0)
		c->arch.sgi_target = BIT(c->id);
	mmio_write(gic.dist + GICD_ICENABLER, 0xffff0000u);
	mmio_write(gic.dist + GICD_ICPENDR, ~0u);
	mmio_write(gic.dist + GICD_IGROUPR, 0);
	for (u64 i = 0; i < 32; i += 4)
		mmio_write(gic.dist + GICD_IPRIORITYR + i, PRIORITY);
	mmio_write(gic.hyp + GICH_HCR, 0);
	mmio_write(gic.cpu + GICC_PMR, 0xf0);
	mmio_write(gic.cpu + GICC_CTLR, 1);
}

static u32 ack(void)
{
	return mmio_read(gic.cpu + GICC_IAR);
}

static void eoi(u32 iar)
{
	mmio_write(gic.cpu + GICC_EOIR, iar);
}

/* Private interrupts have one register bank a core: only the core itself reaches its own. */
static void mask(struct core *c, u32 irq, bool masked)
{
	(void)c;
	mmio_write(gic.dist + (masked ? GICD_ICENABLER : GICD_ISENABLER) + irq / 32 * 4,
		   1u << (irq % 32));
}

static void configure(struct core *c, u32 irq, bool edge)
{
	u64 at = gic.dist + GICD_ICFGR + irq / 16 * 4;
	u32 bit = 2u << (irq % 16 * 2);
	u32 v = mmio_read(at);

	mmio_write(at, edge ? v | bit : v & ~bit);
	if (irq >= IRQ_FIRST_SPI)
		*(volatile u8 *)(uintptr_t)(gic.dist + GICD_ITARGETSR + irq) =
			(u8)c->arch.sgi_target;
}

static void kick(const struct core *to)
{
	dsb_ish();
	mmio_write(gic.dist + GICD_SGIR, (u32)to->arch.sgi_target << 16 | IRQ_KICK);
}

static u64 lr_read(unsigned n)
{
	return mmio_read(gic.hyp + GICH_LR + n * 4);
}

static void lr_write(unsigned n, u64 lr)
{
	mmio_write(gic.hyp + GICH_LR + n * 4, (u32)lr);
}

static u64 lr_make(u64 virq, u64 prio, u64 group)
{
	return LR_EOI | LR_PEND | virq | prio << 23 | group << 30;
}

static bool lr_active(u64 lr)
{
	return (lr & (LR_ACTIVE | LR_PEND)) == LR_ACTIVE;
}

static u64 lr_without_eoi(u64 lr)
{
	return lr & ~(u64)LR_EOI;
}

static void enable(u64 hcr)
{
	mmio_write(gic.hyp + GICH_HCR, (u32)hcr);
}

static u64 disable(void)
{
	u32 hcr = mmio_read(gic.hyp + GICH_HCR);

	mmio_write(gic.hyp + GICH_HCR, 0);
	return hcr;
}

static u64 ended(void)
{
	return mmio_read(gic.hyp + GICH_EISR0);
}

static void save(struct vcpu *v)
{
	v->ich_vmcr = mmio_read(gic.hyp + GICH_VMCR);
	v->ich_apr[0] = mmio_read(gic.hyp + GICH_APR);
	for (unsigned i = 0; i < gic.lr_count; i++)
		v->lr[i] = lr_read(i);
}

static void load(const struct vcpu *v)
{
	mmio_write(gic.hyp + GICH_VMCR, (u32)v->ich_vmcr);
	mmio_write(gic.hyp + GICH_APR, (u32)v->ich_apr[0]);
	for (unsigned i = 0; i < gic.lr_count; i++)
		lr_write(i, v->lr[i]);
}

const struct gic_ops gic_v2_ops = {
	.init = init,
	.init_core = init_core,
	.ack = ack,
	.eoi = eoi,
	.mask = mask,
	.configure = configure,
	.kick = kick,
	.lr_read = lr_read,
	.lr_write = lr_write,
	.lr_make = lr_make,
	.lr_active = lr_active,
	.lr_without_eoi = lr_without_eoi,
	.enable = enable,
	.disable = disable,
	.ended = ended,
	.save = save,
	.load = load,
};
