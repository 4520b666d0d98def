/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of this machine: which are the kernel's, and how users' numbers map to the GIC's. */
#include "standin/object/irq.h"
#include "standin/sched/lock.h"

#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

#include <sel4/errors.h>

struct gic gic;

/* Interrupts of a bank: masked, not pending, of one priority. SGIs cannot be masked everywhere. */
static void reset_bank(u64 base, u64 from, u64 to)
{
	for (u64 i = from; i < to; i += 32) {
		mmio_write(base + GICD_ICENABLER + i / 8, i == 0 ? 0xffff0000u : ~0u);
		mmio_write(base + GICD_ICPENDR + i / 8, ~0u);
		mmio_write(base + GICD_IGROUPR + i / 8, gic.ops->group);
	}
	for (u64 i = from; i < to; i += 4)
		mmio_write(base + GICD_IPRIORITYR + i, 0xa0a0a0a0u);
}

static u64 bank(const struct core *c, u32 irq)
{
	return irq < IRQ_FIRST_SPI ? c->arch.gic_bank : gic.dist;
}

void gic_mask(const struct core *c, u32 irq, bool mask)
{
	mmio_write(bank(c, irq) + (mask ? GICD_ICENABLER : GICD_ISENABLER) + irq / 32 * 4,
		   1u << (irq % 32));
}

static void configure(const struct core *c, u32 irq, bool edge)
{
	u64 at = bank(c, irq) + GICD_ICFGR + irq / 16 * 4;
	u32 bit = 2u << (irq % 16 * 2), v = mmio_read(at);

	mmio_write(at, edge ? v | bit : v & ~bit);
	if (irq >= IRQ_FIRST_SPI)
		gic.ops->route(c, irq);
}

void irq_init(void)
{
	gic.irq_count = ((mmio_read(gic.dist + GICD_TYPER) & 31) + 1) * 32;
	mmio_write(gic.dist + GICD_CTLR, 0);
	reset_bank(gic.dist, IRQ_FIRST_SPI, gic.irq_count);
	gic.ops->init();
	if (gic.lr_count > LR_MAX)
		gic.lr_count = LR_MAX;
}

void irq_init_core(struct core *c)
{
	gic.ops->init_core(c);
	reset_bank(c->arch.gic_bank, 0, IRQ_FIRST_SPI);
	/* What users do not ask otherwise for is level-triggered, and the first core's. */
	for (u32 i = IRQ_FIRST_SPI; c->id == 0 && i < gic.irq_count; i++)
		configure(c, i, false);
	gic_mask(c, IRQ_KICK, false);
	gic_mask(c, IRQ_MAINTENANCE, false);
	gic_mask(c, IRQ_HYP_TIMER, false);
}

u64 arch_irq_count(void)
{
	return gic.irq_count;
}

u64 arch_irq_check(u64 irq)
{
	if (irq >= gic.irq_count)
		return seL4_RangeError;
	if (irq < IRQ_KICKS && kernel.core_count > 1)
		return seL4_RevokeFirst;
	if (irq == IRQ_MAINTENANCE || irq == IRQ_HYP_TIMER || irq == IRQ_VIRTUAL_TIMER)
		return seL4_RevokeFirst;
	return seL4_NoError;
}

static void mask_here(struct core *c, void *ops, u64 value)
{
	(void)ops;
	gic_mask(c, (u32)value & 0x3ff, value >> 32 != 0);
}

void arch_irq_mask(u64 irq, bool mask)
{
	if (irq < IRQ_SHARED_MAX)
		gic_mask(arch_this_core(), (u32)irq, mask);
	else
		core_call((unsigned)(irq - IRQ_SHARED_MAX) / IRQ_PER_CORE, mask_here, NULL,
			  irq % IRQ_PER_CORE | (u64)mask << 32);
}

static void configure_here(struct core *c, void *arg, u64 value)
{
	(void)arg;
	configure(c, (u32)value & 0x3ff, value >> 32 != 0);
}

void arch_irq_configure(u64 irq, bool edge, unsigned core)
{
	if (irq < IRQ_SHARED_MAX)
		configure(&kernel.cores[core], (u32)irq, edge);
	else
		core_call((unsigned)(irq - IRQ_SHARED_MAX) / IRQ_PER_CORE, configure_here, NULL,
			  irq % IRQ_PER_CORE | (u64)edge << 32);
}

void arch_kick(unsigned core)
{
	gic.ops->kick(&kernel.cores[core]);
}

bool arch_irq_pending(void)
{
	return READ_REG(isr_el1) != 0;
}

void irq_handle(struct core *c)
{
	u32 iar = gic.ops->ack(), irq = iar & 0x3ff;

	switch (irq) {
	case IRQ_KICK:
		c->changed = true;
		break;
	case IRQ_HYP_TIMER:
		sched_timer(c);
		break;
	case IRQ_MAINTENANCE:
		vcpu_maintenance(c);
		break;
	case IRQ_VIRTUAL_TIMER:
		vcpu_virtual_timer(c);
		break;
	default:
		if (irq >= IRQ_SPURIOUS)
			return;
		irq_deliver(irq < IRQ_FIRST_SPI ? irq_own(c->id, irq) : irq);
		break;
	}
	gic.ops->eoi(iar);
}
