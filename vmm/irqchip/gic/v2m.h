/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GICv2m frame (Arm Server Base System Architecture, DEN0029, appendix "GICv2m"): one page whose
 * doorbell turns the write of an interrupt number into an edge of that SPI. It works beside GICv2 and
 * GICv3 alike, and MSI-X messages of emulated devices end here too.
 *
 * A message's address and data were chosen by the guest: an address that is not the doorbell's and a
 * number that is not one of the frame's are dropped and counted. On a real bus such a write would
 * land in memory; a guest has no use for that, and its memory is not for interrupts.
 *
 * Any handler may call any of these at any time; there is no state but the count.
 */
#pragma once

#include <stdint.h>

#include "vmm/core/mmio.h"
#include "vmm/irqchip/gic/chip.h"

#define GICV2M_SIZE UINT64_C(0x1000)

struct gicv2m {
	struct irqchip *chip; /* borrowed */
	uint64_t gpa;
	uint32_t first, count; /* the SPIs it owns, as INTIDs */
	uint32_t dropped;      /* messages that named nothing of it; atomic */
};

/** VMM_ERR_RANGE: not all of the `count` interrupts from INTID `first` on are SPIs. */
VMM_MUST_CHECK enum vmm_err gicv2m_init(struct gicv2m *frame, struct irqchip *chip, uint64_t gpa,
					uint32_t first, uint32_t count);

/** mmio_handler; `device` is the struct gicv2m; GICV2M_SIZE. */
void gicv2m_access(void *device, struct mmio_access *access);

/** A word that a device writes to the guest-physical `address`; `self` as for gic_chip_pulse(). */
void gicv2m_message(struct gicv2m *frame, unsigned self, uint64_t address, uint32_t data);
