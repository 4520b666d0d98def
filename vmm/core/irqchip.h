/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the run loop asks of an interrupt controller. One implementation a program, chosen by the
 * linker, as with arch.h and port.h: the adaptor of an ISA's controllers (irqchip/gic/chip.c), which
 * holds the lock around a pure model and knows their versions.
 *
 * Any handler may call any of these at any time; `vcpu` is the caller's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct irqchip;     /* the implementation's */
struct irqchip_cpu; /* the same: the part that is one vCPU's */

/* What to write into a list register. */
struct irq_slot {
	uint32_t intid;
	uint32_t lr;
	uint32_t priority; /* 0 (most urgent) to 31 */
	uint32_t group;    /* 0 or 1 */
	bool replaces;     /* the register may still hold something; the kernel may refuse */
};

/**
 * The word that is not zero while irqchip_next() might give something to `vcpu`. It stays where it
 * is; the loop reads it, atomically and without a lock, before each time the guest goes on.
 */
const uint32_t *irqchip_work(struct irqchip *chip, unsigned vcpu);

/** What the two short cuts below, irqchip_done_plain() and irqchip_self_ipi(), want of a vCPU. */
struct irqchip_cpu *irqchip_cpu(struct irqchip *chip, unsigned vcpu);

/** Claims the most urgent interrupt and a free list register for it. False, `*out` undefined: none. */
bool irqchip_next(struct irqchip *chip, unsigned vcpu, struct irq_slot *out);

/** The kernel refused what was claimed for `lr`: it is pending again. */
void irqchip_refused(struct irqchip *chip, unsigned vcpu, unsigned lr);

/**
 * The guest ended the interrupt in `lr` (any number is safe), and nothing follows from that: no line
 * is up, nothing else waits. False: nothing has happened, and it takes one of the two below.
 */
bool irqchip_done_plain(struct irqchip *chip, struct irqchip_cpu *cpu, unsigned lr);

/** The guest ended the interrupt in `lr` (any number is safe). */
void irqchip_done(struct irqchip *chip, unsigned vcpu, unsigned lr);

/** True if list register `lr` (any number is safe) holds the private interrupt `ppi`. */
bool irqchip_holds(struct irqchip *chip, unsigned vcpu, unsigned lr, unsigned ppi);

/** As irqchip_done(), for a private interrupt whose line is low until the next irqchip_set_ppi(). */
void irqchip_done_ppi(struct irqchip *chip, unsigned vcpu, unsigned lr, unsigned ppi);

/** The level of a private interrupt line, such as the timer's. */
void irqchip_set_ppi(struct irqchip *chip, unsigned vcpu, unsigned intid, bool level);

/** A write to the SGI register number `which` of the CPU interface (arch's numbering). */
void irqchip_send_ipi(struct irqchip *chip, unsigned vcpu, unsigned which, uint64_t value);

/**
 * The same for the usual register (EXIT_IPI_USUAL) and a value that means the writer alone, whose
 * interrupt is claimed at once, as by irqchip_next(); nothing else is to be claimed then. False:
 * nothing has happened, and it takes irqchip_send_ipi().
 */
bool irqchip_self_ipi(struct irqchip *chip, struct irqchip_cpu *cpu, uint64_t value,
		      struct irq_slot *out);

/** True if a list register of `vcpu` holds an interrupt that the guest has not ended. */
bool irqchip_in_flight(struct irqchip *chip, unsigned vcpu);

/**
 * The vCPU goes on or off. Off: what its list registers hold counts as pending again; they are empty
 * when it goes on (the caller's care).
 */
void irqchip_power_on(struct irqchip *chip, unsigned vcpu);
void irqchip_power_off(struct irqchip *chip, unsigned vcpu);
