/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC model as the run loop and the bus use it: with its lock, and with kicks that are sent only
 * after the lock is released and never to the handler that is calling.
 *
 * Any handler may call any of these at any time. `self` is the vCPU whose handler calls.
 */
#pragma once

#include "vmm/core/irqchip.h"
#include "vmm/core/lock.h"
#include "vmm/irqchip/gic/gic.h"

struct gic_chip {
	struct lock lock;
	uint32_t kicks; /* vCPUs that got work under the lock, a bit each */
	void (*kick)(void *ctx, unsigned vcpu);
	void *ctx;                         /* borrowed; outlives the chip */
	uint16_t held[GIC_VCPUS][GIC_LRS]; /* INTID in each list register, or GIC_INTID_NONE */
	struct gic gic;
};

extern const struct irqchip_ops gic_chip_ops; /* `chip` is a struct gic_chip */

/** As gic_init(); `config`'s kick and ctx are what is called, without the lock. */
VMM_MUST_CHECK enum vmm_err gic_chip_init(struct gic_chip *chip, const struct gic_config *config);

/** Once every vCPU has been powered off. */
void gic_chip_reset(struct gic_chip *chip);

void gic_chip_set_level(struct gic_chip *chip, unsigned self, unsigned intid, bool level);

/** One edge of an SPI: pending until it is taken. */
void gic_chip_pulse(struct gic_chip *chip, unsigned self, unsigned intid);

/* mmio_handler; they lock for themselves, so the bus needs no lock for them. */
void gic_chip_dist(void *chip, struct mmio_access *access);
void gic_chip_redist(void *chip, struct mmio_access *access);
