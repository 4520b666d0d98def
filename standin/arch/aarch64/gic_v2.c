/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv2 (IHI 0048B). */
#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/regs.h"

enum {
	GICD_ITARGETSR = 0x800,
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

static void init(void)
{
	mmio_write(gic.dist + GICD_CTLR, 1);
	gic.lr_count = (mmio_read(gic.hyp + GICH_VTR) & 63) + 1;
}

static void init_core(struct core *c)
{
	/* A core reads its own mask in the targets of its private interrupts. */
	c->arch.sgi_target = mmio_read(gic.dist + GICD_ITARGETSR) & 0xff;
	if (c->arch.sgi_target == 0)
		c->arch.sgi_target = BIT(c->id);
	c->arch.gic_bank = gic.dist; /* where only the core itself reaches its own */
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

static void route(const struct core *c, u32 irq)
{
	*(volatile u8 *)(uintptr_t)(gic.dist + GICD_ITARGETSR + irq) = (u8)c->arch.sgi_target;
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
}

static void load(const struct vcpu *v)
{
	mmio_write(gic.hyp + GICH_VMCR, (u32)v->ich_vmcr);
	mmio_write(gic.hyp + GICH_APR, (u32)v->ich_apr[0]);
}

const struct gic_ops gic_v2_ops = {
	.init = init,
	.init_core = init_core,
	.ack = ack,
	.eoi = eoi,
	.route = route,
	.kick = kick,
	.lr_read = lr_read,
	.lr_write = lr_write,
	.enable = enable,
	.disable = disable,
	.ended = ended,
	.save = save,
	.load = load,
	.group = 0,
	.lr_eoi = 19,
	.lr_prio = 23,
	.lr_state = 28,
	.lr_group = 30,
};
