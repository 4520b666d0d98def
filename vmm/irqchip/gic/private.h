/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the GIC model: gic.c has the state machine, regs.c the registers both
 * versions have, v2.c and v3.c what differs. Nothing outside this folder includes it.
 */
#pragma once

#include "vmm/irqchip/gic/gic.h"

enum {
	GIC_NIL = GIC_INTERRUPT_COUNT, /* no interrupt: its place holds one that never ends */
	GIC_NOWHERE = 31,              /* routed to no vCPU; its bit is never set in gic.awake */
	GIC_SGIS = 16,                 /* INTIDs 0..15 */
	GIC_CTLR_GRP0 = 1U,            /* GICD_CTLR.EnableGrp0 */
	GIC_CTLR_GRP1 = 2U,            /* GICD_CTLR.EnableGrp1 */
	GIC_LEVEL_SHIFT = 3,           /* in a priority */
};

/* gic_interrupt.flags. Those that are looked at or changed together lie side by side. */
enum {
	GIC_GROUP1 = 1U << 0, /* also the number of its enable bit in GICD_CTLR */
	GIC_ENABLED = 1U << 1,
	GIC_READY = 1U << 2,   /* deliverable; in the set of vCPU `ready` */
	GIC_LINE = 1U << 3,    /* the input is high */
	GIC_SOURCES = 1U << 4, /* `sources` is not 0 */
	GIC_LATCH = 1U << 5,   /* an edge, a v3 SGI, or a write to ISPENDR, not claimed yet */
	GIC_TOOK = 1U << 6,    /* in flight, and GIC_LATCH (the bit below) was set when claimed */
	GIC_ACTIVE = 1U << 7,  /* in flight, or set by ISACTIVER */
	GIC_FLIGHT = 1U << 8,  /* in a list register; implies GIC_ACTIVE */
	GIC_EDGE = 1U << 9,    /* ICFGR says edge-triggered */
	GIC_ANY = 1U << 10,    /* v3 SPI: GICD_IROUTER.Interrupt_Routing_Mode */
};

/* All that says whether an interrupt is somewhere on its way, and whether it may set out. */
#define GIC_STATE (GIC_FLIGHT | (GIC_FLIGHT - 1U))

/**
 * The interrupt `vcpu` calls `intid`, or NULL if there is none. Interrupts come in blocks of 32
 * that exist as a whole and lie one after the other: what is found for the first INTID of a
 * register is an array for all of them.
 */
struct gic_interrupt *gic_find(struct gic *gic, unsigned vcpu, unsigned intid);

/** The private interrupt `intid` < GIC_PRIVATE of `vcpu`. */
static inline struct gic_interrupt *gic_private(struct gic *gic, unsigned vcpu, unsigned intid)
{
	return &gic->interrupts[vcpu * GIC_PRIVATE + intid];
}

/** Its place in gic.interrupts and gic.priorities. */
static inline unsigned gic_index(const struct gic *gic, const struct gic_interrupt *irq)
{
	return (unsigned)(irq - gic->interrupts);
}

/** The priority of `irq`, one of many that lie one after the other as well. */
static inline uint8_t *gic_priority(struct gic *gic, const struct gic_interrupt *irq)
{
	return &gic->priorities[gic_index(gic, irq)];
}

/**
 * Pending as the architecture defines it: latched, from a source, or level-triggered with its
 * line up.
 */
bool gic_pending(const struct gic_interrupt *irq);

/**
 * Adds, moves or removes `irq` after any change of its state but the priority. Must follow every
 * such change.
 */
void gic_update(struct gic *gic, struct gic_interrupt *irq);

/**
 * The same for every interrupt, after a change that concerns them all; finds SPIs their vCPUs
 * anew.
 */
void gic_update_all(struct gic *gic);

/** Finds an SPI its vCPU anew, after a change of its routing registers; then updates it. */
void gic_reroute(struct gic *gic, struct gic_interrupt *irq);

/** ICACTIVER: no longer active; if it was in flight, its list register is free. */
void gic_deactivate(struct gic *gic, struct gic_interrupt *irq);

/** Sets a v2 SGI's pending sources. */
void gic_set_sources(struct gic_interrupt *irq, unsigned sources);

/** Where an SPI goes by its routing registers: a vCPU, or GIC_NOWHERE. */
unsigned gicv2_route(const struct gic *gic, const struct gic_interrupt *irq);
unsigned gicv3_route(const struct gic *gic, const struct gic_interrupt *irq);

/** struct gic_vcpu.sgi_group and .sgi_self of a vCPU of that affinity. */
uint64_t gicv3_sgi_group(uint32_t affinity);
uint64_t gicv3_sgi_self(uint32_t affinity);

/** GICD_TYPER. */
uint32_t gicv2_typer(const struct gic_config *config);
uint32_t gicv3_typer(const struct gic_config *config);

/* The register files, for the test that checks them, and their dispatchers. */
struct gic_table {
	const struct reg_range *ranges;
	size_t count;
};
extern const struct gic_table gicv2_dist, gicv3_dist, gicv3_redist;
void gicv2_dist_access(struct gic *gic, struct mmio_access *access);
void gicv3_dist_access(struct gic *gic, struct mmio_access *access);
void gicv3_redist_access(struct gic *gic, struct mmio_access *access);

/*
 * Registers that both versions have, with `access->vcpu` the vCPU whose private interrupts are
 * meant. An array of registers starts at a multiple of its size, so the first INTID of an access
 * is known from the low bits of its offset.
 */
uint64_t gic_typer_read(void *device, const struct mmio_access *access);
uint64_t gic_iidr_read(void *device, const struct mmio_access *access);
uint64_t gic_id_read(void *device, const struct mmio_access *access); /* PIDR, CIDR */
uint64_t gic_group_read(void *device, const struct mmio_access *access);
void gic_group_write(void *device, const struct mmio_access *access, uint64_t value);
uint64_t gic_enable_read(void *device, const struct mmio_access *access);
void gic_enable_set(void *device, const struct mmio_access *access, uint64_t value);
void gic_enable_clear(void *device, const struct mmio_access *access, uint64_t value);
uint64_t gic_pending_read(void *device, const struct mmio_access *access);
void gic_pending_set(void *device, const struct mmio_access *access, uint64_t value);
void gic_pending_clear(void *device, const struct mmio_access *access, uint64_t value);
uint64_t gic_active_read(void *device, const struct mmio_access *access);
void gic_active_set(void *device, const struct mmio_access *access, uint64_t value);
void gic_active_clear(void *device, const struct mmio_access *access, uint64_t value);
uint64_t gic_priority_read(void *device, const struct mmio_access *access);
void gic_priority_write(void *device, const struct mmio_access *access, uint64_t value);
uint64_t gic_trigger_read(void *device, const struct mmio_access *access);
void gic_trigger_write(void *device, const struct mmio_access *access, uint64_t value);

/** GICD_CTLR's enables, the part both versions share. */
void gic_set_ctlr(struct gic *gic, uint64_t value);
