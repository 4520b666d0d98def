/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller: GICv2 (IHI 0048) or GICv3 (IHI 0069), chosen by the device tree.
 * Interrupt numbers here are the GIC's; gic_irq() tells which user interrupt one is on this core.
 */
#pragma once

#include "standin/sched/sched.h"

enum {
	IRQ_KICK = 0,         /* SGI */
	IRQ_MAINTENANCE = 25, /* PPIs */
	IRQ_HYP_TIMER = 26,
	IRQ_VIRTUAL_TIMER = 27,
	IRQ_SPURIOUS = 1020, /* and above */
	IRQ_FIRST_SPI = 32,
};

struct gic_ops {
	void (*init)(void);
	void (*init_core)(struct core *c);
	u32 (*ack)(void);
	void (*eoi)(u32 iar);
	/** `c` matters for interrupts below 32 only. */
	void (*mask)(struct core *c, u32 irq, bool mask);
	void (*configure)(struct core *c, u32 irq, bool edge);
	void (*kick)(const struct core *to);

	/* The virtual interface of this core. */
	u64 (*lr_read)(unsigned n);
	void (*lr_write)(unsigned n, u64 lr);
	u64 (*lr_make)(u64 virq, u64 prio, u64 group);
	bool (*lr_active)(u64 lr); /* and not pending again */
	u64 (*lr_without_eoi)(u64 lr);
	void (*enable)(u64 hcr);
	u64 (*disable)(void);
	u64 (*ended)(void); /* list registers whose interrupt ended, as a mask */
	void (*save)(struct vcpu *v);
	void (*load)(const struct vcpu *v);
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

static inline u32 mmio_read(u64 at)
{
	return *(volatile u32 *)(uintptr_t)at;
}

static inline void mmio_write(u64 at, u32 v)
{
	*(volatile u32 *)(uintptr_t)at = v;
}
