/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller of the run loop's test: core/irqchip.h with as little as can be, and all of
 * it in the open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/irqchip.h"

enum {
	IRQCHIP_VCPUS = 2,
};

/* An interrupt controller with one line of pending interrupts a vCPU and one list register. */
struct irqchip {
	unsigned pending[IRQCHIP_VCPUS]; /* INTID, 0: none */
	unsigned loaded[IRQCHIP_VCPUS];
	bool on[IRQCHIP_VCPUS];
	bool stale, refuse_seen;
	bool ppi[IRQCHIP_VCPUS];
	uint32_t work[IRQCHIP_VCPUS];
	unsigned ipi_which;
	uint64_t ipi_value;
	bool quick; /* the short cuts are taken where they may be */
};

/* The value of an IPI that means its sender alone. */
#define IPI_SELF UINT64_C(0x5e1f)

/** Says whether there is work for `vcpu`, after a test has changed the fields. */
void publish(struct irqchip *c, unsigned vcpu);
