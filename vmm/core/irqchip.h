/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the run loop asks of an interrupt controller model. The model is pure and lives in irqchip/;
 * the adaptor beside it (irqchip/gic/chip.c) holds the lock and implements this table.
 *
 * Any handler may call any of these at any time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	IRQCHIP_LRS = 16,
};

struct irq_slot {
	unsigned lr;
	unsigned intid;
	unsigned priority; /* 0 (most urgent) to 31 */
	unsigned group;
	bool replaces; /* the register may still hold something; the kernel may refuse */
};

struct irqchip_ops {
	/**
	 * The word that is not zero while next() might give something to `vcpu`. It stays where it
	 * is; the loop reads it, atomically and without a lock, before each time the guest goes on.
	 */
	const uint32_t *(*work)(void *chip, unsigned vcpu);
	/** Claims the most urgent interrupt and a free list register for it. */
	bool (*next)(void *chip, unsigned vcpu, struct irq_slot *out);
	/** The kernel refused what next() gave for `lr`: it is pending again. */
	void (*refused)(void *chip, unsigned vcpu, unsigned lr);
	/** The guest ended the interrupt in `lr` (any number is safe). */
	void (*done)(void *chip, unsigned vcpu, unsigned lr);
	/**
	 * The same for a register that held the interrupt `ppi`, whose line is low until the next
	 * set_ppi(). False, and nothing done, if it held another one.
	 */
	bool (*done_ppi)(void *chip, unsigned vcpu, unsigned lr, unsigned ppi);
	/** The level of a private interrupt line, such as the timer's. */
	void (*set_ppi)(void *chip, unsigned vcpu, unsigned intid, bool level);
	/**
	 * The vCPU goes on or off. Off: fills in what to write to the list registers that still hold
	 * something, at most IRQCHIP_LRS, and returns how many.
	 */
	void (*power_on)(void *chip, unsigned vcpu);
	unsigned (*power_off)(void *chip, unsigned vcpu, struct irq_slot *slots);
	/** A write to the SGI register number `which` of the CPU interface (arch's numbering). */
	void (*send_ipi)(void *chip, unsigned vcpu, unsigned which, uint64_t value);
};
