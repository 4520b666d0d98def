/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC of a VM as its vCPUs' handlers use it: the model under its lock. Implements
 * core/irqchip.h and the bus's handlers.
 *
 * The lock is the innermost one of a VM (core/lock.h): nothing that waits, takes a lock or enters the
 * kernel happens under it. vCPUs that got work meanwhile are kicked after it is released; `self` is
 * the vCPU whose handler calls, which needs no kick: it looks before its guest goes on.
 */
#pragma once

#include "vmm/core/irqchip.h"
#include "vmm/core/lock.h"
#include "vmm/irqchip/gic/gic.h"

struct irqchip {
	struct lock lock;
	void (*kick)(void *ctx, unsigned vcpu);
	void *ctx; /* borrowed; outlives the chip */
	struct gic gic;
};

/**
 * As gic_init(). `kick` wakes the handler of a vCPU; it is called without the lock, and not at all if
 * all calls come from the only vCPU.
 */
VMM_MUST_CHECK enum vmm_err gic_chip_init(struct irqchip *chip, const struct gic_config *config,
					  void (*kick)(void *ctx, unsigned vcpu), void *ctx);

/** Once every vCPU has been powered off. */
void gic_chip_reset(struct irqchip *chip);

void gic_chip_set_level(struct irqchip *chip, unsigned self, unsigned intid, bool level);

/** One edge of an SPI: pending until it is taken. */
void gic_chip_pulse(struct irqchip *chip, unsigned self, unsigned intid);

/* mmio_handler; they lock for themselves, so the bus needs no lock for them. */
void gic_chip_dist(void *chip, struct mmio_access *access);
void gic_chip_redist(void *chip, struct mmio_access *access);
