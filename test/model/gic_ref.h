/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC again, slow and obvious: one struct an interrupt, no queues, no bitmaps, everything
 * computed from scratch when asked, registers decoded bit by bit. Written from the architecture
 * and from the contract in vmm/irqchip/gic/gic.h, sharing no code with the model. It does not
 * choose: it says what may be delivered, and is told what was.
 *
 * It also plays the hardware's list registers, so that the test knows when one INTID would stand
 * in two of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { REF_VCPUS = 8, REF_LRS = 16, REF_INTIDS = 1024, REF_NONE = -1 };

struct ref_irq {
	bool enabled, group1, edge, line, latch, active;
	uint8_t priority;
	uint8_t targets;      /* v2 */
	uint64_t router;      /* v3, as in the register */
	bool from[REF_VCPUS]; /* v2 SGI: pending from */
	/* in flight: where, and what was pending when it was claimed */
	bool flight;
	uint8_t flight_vcpu, flight_lr;
	bool had_latch;
	int8_t had_source;
};

struct ref_lr {
	bool busy;       /* not to be filled */
	bool refused;    /* busy, and holds nothing of ours */
	int16_t content; /* what the hardware holds: an INTID, or REF_NONE */
};

struct ref {
	unsigned version, vcpus, intids, lrs;
	uint32_t affinity[REF_VCPUS]; /* Aff3.Aff2.Aff1.Aff0 */
	unsigned ctlr;
	bool on[REF_VCPUS], asleep[REF_VCPUS];
	struct ref_lr lr[REF_VCPUS][REF_LRS];
	struct ref_irq irq[REF_VCPUS][REF_INTIDS]; /* SPIs: of vCPU 0 */
};

void ref_init(struct ref *ref, unsigned version, unsigned vcpus, unsigned spis, unsigned lrs,
	      const uint64_t *mpidr);
void ref_reset(struct ref *ref);

/* One access to the distributor, or to the redistributor of `vcpu`. */
uint64_t ref_dist_read(struct ref *ref, unsigned vcpu, uint64_t offset, unsigned width);
void ref_dist_write(struct ref *ref, unsigned vcpu, uint64_t offset, unsigned width,
		    uint64_t value);
uint64_t ref_redist_read(struct ref *ref, unsigned vcpu, uint64_t offset, unsigned width);
void ref_redist_write(struct ref *ref, unsigned vcpu, uint64_t offset, unsigned width,
		      uint64_t value);

void ref_line(struct ref *ref, unsigned vcpu, unsigned intid, bool level);
void ref_pulse(struct ref *ref, unsigned intid);
void ref_sgi(struct ref *ref, unsigned vcpu, bool only_group0, uint64_t value);

/* May `intid` be delivered to `vcpu` now? */
bool ref_deliverable(struct ref *ref, unsigned vcpu, unsigned intid);
/* The most urgent priority among those, 256 if there is none. */
unsigned ref_best(struct ref *ref, unsigned vcpu);
bool ref_lr_free(struct ref *ref, unsigned vcpu);
bool ref_lr_busy(struct ref *ref, unsigned vcpu);

/* It was claimed. False: another list register of `vcpu` holds it, or this one is taken. */
bool ref_claim(struct ref *ref, unsigned vcpu, unsigned intid, unsigned lr);
void ref_refused(struct ref *ref, unsigned vcpu, unsigned lr);
unsigned ref_eoi(struct ref *ref, unsigned vcpu, unsigned lr); /* the INTID, or 1023 */
void ref_power(struct ref *ref, unsigned vcpu, bool on);
