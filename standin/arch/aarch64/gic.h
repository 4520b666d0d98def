/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller: GICv2 (IHI 0048) or GICv3 (IHI 0069), chosen by the device tree.
 * Interrupt numbers here are the GIC's; gic_irq() tells which user interrupt one is on this core.
 */
#pragma once

#include "standin/sched/sched.h"

enum {
	IRQ_KICK = 0,         /* SGI */
	IRQ_KICKS = 2,        /* how many SGIs seL4 keeps for this */
	IRQ_MAINTENANCE = 25, /* PPIs */
	IRQ_HYP_TIMER = 26,
	IRQ_VIRTUAL_TIMER = 27,
	IRQ_SPURIOUS = 1020, /* and above */
	IRQ_FIRST_SPI = 32,
};

/* Registers of the distributor that both versions have; a core's own interrupts have a bank of them at
 * c->arch.gic_bank. */
enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ICPENDR = 0x280,
	GICD_IPRIORITYR = 0x400,
	GICD_ICFGR = 0xc00,
};

enum { LR_PENDING = 1, LR_ACTIVE = 2 }; /* a list register's state */

struct gic_ops {
	void (*init)(void);
	/** Finds the core's bank, and lets interrupts through to the core. */
	void (*init_core)(struct core *c);
	u32 (*ack)(void);
	void (*eoi)(u32 iar);
	/** A shared interrupt goes to that core. */
	void (*route)(const struct core *c, u32 irq);
	void (*kick)(const struct core *to);

	/* The virtual interface of this core. */
	u64 (*lr_read)(unsigned n);
	void (*lr_write)(unsigned n, u64 lr);
	void (*enable)(u64 hcr);
	u64 (*disable)(void);
	u64 (*ended)(void); /* list registers whose interrupt ended, as a mask */
	/** All but the list registers. */
	void (*save)(struct vcpu *v);
	void (*load)(const struct vcpu *v);

	u32 group;                              /* of the kernel's interrupts, a bit for each */
	u8 lr_eoi, lr_prio, lr_state, lr_group; /* lowest bits of a list register's fields */
};

struct gic {
	const struct gic_ops *ops;
	u64 dist;   /* virtual addresses */
	u64 cpu;    /* GICv2 */
	u64 hyp;    /* GICv2 */
	u64 redist; /* GICv3 */
	u64 redist_size;
	unsigned lr_count;
	u32 irq_count;
};

extern struct gic gic;
extern const struct gic_ops gic_v2_ops, gic_v3_ops;

/** Masks or lets through an interrupt; `c`, for interrupts below 32, is this core. */
void gic_mask(const struct core *c, u32 irq, bool mask);

static inline u32 mmio_read(u64 at)
{
	return *(volatile u32 *)(uintptr_t)at;
}

static inline void mmio_write(u64 at, u32 v)
{
	*(volatile u32 *)(uintptr_t)at = v;
}
