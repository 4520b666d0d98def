/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv3 (IHI 0069H): distributor and redistributors by memory, the rest by system register. */
#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/regs.h"

enum {
	GICD_IROUTER = 0x6000,
	GICR_TYPER = 0x0008,
	GICR_WAKER = 0x0014,
	GICR_SGI_BASE = 0x10000,
	GICR_STRIDE = 0x20000,
	CTLR_ENABLE = 0x2, /* group 1 */
	CTLR_ARE = 0x10,
};

#define CTLR_RWP     BIT(31)
#define TYPER_LAST   BIT(4)
#define TYPER_VLPIS  BIT(1)
#define WAKER_SLEEP  2u
#define WAKER_ASLEEP 4u

static void wait_dist(void)
{
	while (mmio_read(gic.dist + GICD_CTLR) & CTLR_RWP)
		;
}

static void init(void)
{
	if (gic.irq_count > IRQ_SPURIOUS)
		gic.irq_count = IRQ_SPURIOUS;
	wait_dist();
	mmio_write(gic.dist + GICD_CTLR, CTLR_ARE);
	wait_dist();
	mmio_write(gic.dist + GICD_CTLR, CTLR_ARE | CTLR_ENABLE);
	wait_dist();
	gic.lr_count = (unsigned)(READ_NAMED(ICH_VTR_EL2) & 31) + 1;
}

/* Affinity as GICR_TYPER and the SGI registers order it. */
static u64 affinity(u64 mpidr)
{
	return (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;
}

static u64 find_redistributor(u64 mpidr)
{
	for (u64 at = gic.redist; at < gic.redist + gic.redist_size;) {
		u64 typer = mmio_read(at + GICR_TYPER) | (u64)mmio_read(at + GICR_TYPER + 4) << 32;

		if (typer >> 32 == affinity(mpidr))
			return at;
		if (typer & TYPER_LAST)
			break;
		at += typer & TYPER_VLPIS ? 2 * GICR_STRIDE : GICR_STRIDE;
	}
	kernel_panic("no redistributor for core", mpidr, gic.redist);
}

static void init_core(struct core *c)
{
	u64 at = find_redistributor(c->arch.mpidr);

	c->arch.gic_bank = at + GICR_SGI_BASE;
	c->arch.sgi_target = affinity(c->arch.mpidr);
	mmio_write(at + GICR_WAKER, mmio_read(at + GICR_WAKER) & ~WAKER_SLEEP);
	while (mmio_read(at + GICR_WAKER) & WAKER_ASLEEP)
		;
	WRITE_NAMED(ICC_SRE_EL2, 0xf);
	isb();
	WRITE_NAMED(ICC_SRE_EL1, 7);
	WRITE_NAMED(ICH_HCR_EL2, 0);
	WRITE_NAMED(ICC_PMR_EL1, 0xf0);
	WRITE_NAMED(ICC_CTLR_EL1, 0);
	WRITE_NAMED(ICC_IGRPEN1_EL1, 1);
	isb();
}

static u32 ack(void)
{
	u32 iar = (u32)READ_NAMED(ICC_IAR1_EL1);

	__asm__ volatile("dsb sy" : : : "memory");
	return iar;
}

static void eoi(u32 iar)
{
	WRITE_NAMED(ICC_EOIR1_EL1, iar);
	isb();
}

static void route(const struct core *c, u32 irq)
{
	u64 at = gic.dist + GICD_IROUTER + irq * 8u, to = c->arch.sgi_target;

	mmio_write(at, (u32)to & 0xffffff);
	mmio_write(at + 4, (u32)(to >> 24));
}

static void kick(const struct core *to)
{
	u64 aff = to->arch.sgi_target, aff0 = aff & 0xff;

	dsb_ish();
	WRITE_NAMED(ICC_SGI1R_EL1, BIT(aff0 & 15) | (aff >> 8 & 0xff) << 16 | (u64)IRQ_KICK << 24 |
					   (aff >> 16 & 0xff) << 32 | (aff >> 24 & 0xff) << 48 |
					   (aff0 >> 4) << 44);
	isb();
}

/* List registers by number: the register's name is part of the instruction. */
#define LR_CASES(X)           \
	X(0, S3_4_C12_C12_0)  \
	X(1, S3_4_C12_C12_1)  \
	X(2, S3_4_C12_C12_2)  \
	X(3, S3_4_C12_C12_3)  \
	X(4, S3_4_C12_C12_4)  \
	X(5, S3_4_C12_C12_5)  \
	X(6, S3_4_C12_C12_6)  \
	X(7, S3_4_C12_C12_7)  \
	X(8, S3_4_C12_C13_0)  \
	X(9, S3_4_C12_C13_1)  \
	X(10, S3_4_C12_C13_2) \
	X(11, S3_4_C12_C13_3) \
	X(12, S3_4_C12_C13_4) \
	X(13, S3_4_C12_C13_5) \
	X(14, S3_4_C12_C13_6) \
	X(15, S3_4_C12_C13_7)

static void lr_access(unsigned n, bool write, u64 *lr)
{
#define ACCESS_CASE(i, name)                  \
	case i:                               \
		if (write)                    \
			WRITE_REG(name, *lr); \
		else                          \
			*lr = READ_REG(name); \
		break;
	switch (n) {
		LR_CASES(ACCESS_CASE)
	default:
		break;
	}
}

static u64 lr_read(unsigned n)
{
	u64 lr = 0;

	lr_access(n, false, &lr);
	return lr;
}

static void lr_write(unsigned n, u64 lr)
{
	lr_access(n, true, &lr);
}

static void enable(u64 hcr)
{
	WRITE_NAMED(ICH_HCR_EL2, hcr);
}

static u64 disable(void)
{
	u64 hcr = READ_NAMED(ICH_HCR_EL2);

	WRITE_NAMED(ICH_HCR_EL2, 0);
	return hcr;
}

static u64 ended(void)
{
	return READ_NAMED(ICH_EISR_EL2);
}

static void save(struct vcpu *v)
{
	v->ich_vmcr = READ_NAMED(ICH_VMCR_EL2);
	v->ich_apr[0] = READ_NAMED(ICH_AP0R0_EL2);
	v->ich_apr[1] = READ_NAMED(ICH_AP1R0_EL2);
}

static void load(const struct vcpu *v)
{
	WRITE_NAMED(ICH_VMCR_EL2, v->ich_vmcr);
	WRITE_NAMED(ICH_AP0R0_EL2, v->ich_apr[0]);
	WRITE_NAMED(ICH_AP1R0_EL2, v->ich_apr[1]);
}

const struct gic_ops gic_v3_ops = {
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
	.group = ~0u,
	.lr_eoi = 41,
	.lr_prio = 48,
	.lr_state = 62,
	.lr_group = 60,
};
