/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GICv2 or GICv3 as one VM sees it: distributor, redistributors, and which interrupt goes into
 * which list register. Pure model: no kernel call, no global, no ISA header. Arm IHI 0048B.b
 * ("v2") and IHI 0069H ("v3", with GICD_CTLR.DS = 1 and affinity routing always on).
 *
 * What the kernel below allows shapes it. A list register can only be filled as "pending", reports
 * the guest's EOI by its number, and can neither be read back nor emptied. So the model counts an
 * interrupt as acknowledged from the moment gic_next() claims it: from there to gic_eoi() it is
 * "in flight" and reads as active, whether the guest has read its IAR yet or not. Everything else
 * follows from the architecture's own state machine with that one convention:
 *   - an edge, SGI or ISPENDR while in flight is pending again and delivered again after the EOI;
 *   - a level still high at the EOI is pending again; one that fell in between reaches the guest
 *     as a spurious interrupt of that device;
 *   - disabling, re-prioritising, re-routing while in flight acts from the EOI on;
 *   - ICACTIVER of an interrupt in flight ends it as an EOI would; its list register is free, and
 *     filling it again replaces what it held;
 *   - a more urgent interrupt waits while every list register is taken;
 *   - an interrupt made active by ISACTIVER has no list register: only ICACTIVER ends it;
 *   - GICv2 SGIs are delivered once per source, but IAR shows source 0, since the kernel has no
 *     place for it.
 *
 * Locking: the caller holds one lock of the VM (a leaf: no other is taken under it) around every
 * call but gic_has_work(), which any thread may call at any time.
 */
#pragma once

#include "vmm/base/err.h"
#include "vmm/core/irqchip.h"
#include "vmm/core/mmio.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	GIC_VCPUS = 8,         /* at most; v2's architecture has no more */
	GIC_LRS = 16,          /* list registers used at most */
	GIC_PRIVATE = 32,      /* SGIs 0-15 and PPIs 16-31, one set a vCPU */
	GIC_SPIS = 960,        /* at most; INTIDs 32..991 */
	GIC_PRIORITIES = 32,   /* levels: 5 bits, as on the Cortex-A cores' virtual interfaces */
	GIC_INTID_NONE = 1023, /* "no interrupt", as IAR reads */
};

#define GIC_DIST_SIZE_V2    UINT64_C(0x1000)
#define GIC_DIST_SIZE_V3    UINT64_C(0x10000)
#define GIC_REDIST_SIZE     UINT64_C(0x20000) /* a vCPU: RD_base and SGI_base frames */
#define GIC_BANKS           ((GIC_PRIVATE + GIC_SPIS) / 32)
#define GIC_INTERRUPT_COUNT (GIC_VCPUS * GIC_PRIVATE + GIC_SPIS)

struct gic_config {
	unsigned version;    /* 2 or 3 */
	unsigned vcpu_count; /* 1..GIC_VCPUS */
	unsigned spi_count;  /* a multiple of 32, 0..GIC_SPIS */
	unsigned lr_count;   /* 1..GIC_LRS, the machine's */
	uint64_t mpidr
		[GIC_VCPUS]; /* affinities, as in MPIDR_EL1 (other bits are ignored); distinct */
};

/* Private to the model, below here; the structs are complete so that the VM can embed one. */

struct gic_interrupt {
	_Alignas(16) uint16_t intid;
	uint16_t flags;
	uint8_t route;   /* vCPU it goes to now, or GIC_NOWHERE */
	uint8_t ready;   /* the vCPU in whose set it is, if it is */
	uint8_t sources; /* v2 SGI: vCPUs whose SGI is pending, a bit each */
	uint8_t taken;   /* v2 SGI: the source in flight, its bit; set by every claim of one */
	uint32_t aim;    /* SPI: v2 the target mask, v3 the affinity Aff3.Aff2.Aff1.Aff0 */
};

/* On cache lines of its own, since other cores look at `work` without the lock. */
struct gic_vcpu {
	/* `banks` while a list register is free, else 0; atomic. */
	_Alignas(256) uint32_t work;
	uint32_t banks;   /* bit n: word n of its ready interrupts is not zero */
	uint32_t lr_free; /* bit n: list register n may be filled */
	uint32_t open;  /* all ones while nothing but itself holds up a Group 1 interrupt, else 0 */
	uint32_t first; /* index of its private interrupts */
	uint16_t lr_stale; /* free, but the hardware may still hold what it had: see lr_held */
	bool on;           /* gic_power() */
	bool asleep;       /* v3: GICR_WAKER.ProcessorSleep */
	uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0 */
	/* v3: in SGI registers, the fields Aff3, Aff2, Aff1 and RS that name it; and the whole value,
	 * without the INTID, that names it and no other. */
	uint64_t sgi_group, sgi_self;
	uint32_t ready[GIC_BANKS]; /* deliverable ones; bit n of word m: INTID 32 m + n */
	uint16_t lr_held[GIC_LRS]; /* taken or stale: the index of what was put there, or GIC_NIL */
};

struct gic {
	struct gic_config config;
	uint32_t ctlr;   /* EnableGrp0, EnableGrp1 */
	uint32_t awake;  /* bit n: vCPU n is on and not asleep */
	uint32_t typer;  /* GICD_TYPER, constant */
	unsigned intids; /* 32 + spi_count */
	uint32_t kicks;  /* see gic_take_kicks() */
	struct gic_vcpu vcpus[GIC_VCPUS];
	/* IPRIORITYR: the level is in bits 7:3 of a byte; 2:0 read as zero. Indices are the same: */
	_Alignas(4) uint8_t priorities[GIC_INTERRUPT_COUNT];
	/* The private ones of vCPU 0, of vCPU 1, ..., then the SPIs. */
	struct gic_interrupt interrupts[GIC_INTERRUPT_COUNT + 1]; /* the last is GIC_NIL's */
};

/**
 * Copies `config` and resets. VMM_ERR_RANGE: a number out of bounds; VMM_ERR_EXISTS: an affinity
 * twice.
 */
VMM_MUST_CHECK enum vmm_err gic_init(struct gic *gic, const struct gic_config *config);

/**
 * The state after a reset of the VM: vCPU 0 is on, the others are off, nothing is pending or in
 * flight, every line is low, every list register is empty (the caller's care).
 */
void gic_reset(struct gic *gic);

/*
 * mmio_handler: `device` is the struct gic, the access's vCPU is one that exists. Redistributors of
 * vCPUs that do not exist are RAZ/WI.
 */
void gic_dist_access(void *device, struct mmio_access *access);
void gic_redist_access(void *device, struct mmio_access *access); /* v3 only */

/** Drives the line of SPI `intid` (32 and up). Others are ignored. */
void gic_set_level(struct gic *gic, unsigned intid, bool level);

/** Drives the line of PPI `intid` (16..31) of `vcpu`. Others are ignored. */
void gic_set_ppi(struct gic *gic, unsigned vcpu, unsigned intid, bool level);

/** One event of SPI `intid`, whatever its configuration: pending until claimed. */
void gic_pulse(struct gic *gic, unsigned intid);

enum gic_sgi_register {
	GIC_ICC_SGI1R,
	GIC_ICC_ASGI1R,
	GIC_ICC_SGI0R,
};

/** vCPU `vcpu` writes an SGI system register (v3; ignored on v2). */
void gic_sgi_sysreg(struct gic *gic, unsigned vcpu, enum gic_sgi_register which, uint64_t value);

/**
 * The same for ICC_SGI1R, with a short cut: if the value means the writer alone, and nothing stands
 * between that SGI and a list register, it is claimed at once, as by gic_next(). False: nothing has
 * happened, and it takes gic_sgi_sysreg().
 */
bool gic_sgi_self(struct gic *gic, struct gic_vcpu *v, uint64_t value, struct irq_slot *out);

/**
 * The vCPUs, a bit each, that since the last call have got something to deliver and had nothing
 * before; also the one whose handler is calling, which needs no signal: it looks before it resumes
 * its guest.
 */
static inline uint32_t gic_take_kicks(struct gic *gic)
{
	uint32_t kicks = gic->kicks;

	gic->kicks = 0;
	return kicks;
}

/**
 * Claims the most urgent interrupt deliverable to `vcpu` into a free list register. False, and
 * `*out` untouched, if there is none or no register is free. The caller writes `*out` to the list
 * register, or gives it back with gic_refused().
 */
bool gic_next(struct gic *gic, unsigned vcpu, struct irq_slot *out);

/** True if what gic_next() put into list register `lr` (any number is safe) last was SGI or PPI `intid`. */
bool gic_holds(const struct gic *gic, unsigned vcpu, unsigned lr, unsigned intid);

/**
 * The kernel would not fill list register `lr`: what gic_next() put there is pending again, and
 * the register is out of use until an EOI from it or a reset.
 */
void gic_refused(struct gic *gic, unsigned vcpu, unsigned lr);

/**
 * The guest has ended the interrupt in list register `lr` (any number is safe). Returns its INTID,
 * GIC_INTID_NONE if the register held none. A caller whose PPI's level it cannot see (the virtual
 * timer) lowers it with gic_set_ppi() before. Look with gic_next() afterwards.
 */
unsigned gic_eoi(struct gic *gic, unsigned vcpu, unsigned lr);

/**
 * gic_eoi() where nothing follows from it: the interrupt is not pending again, and none waits for the
 * list register. False: nothing has happened, and it takes gic_eoi().
 */
bool gic_eoi_plain(struct gic *gic, struct gic_vcpu *v, unsigned lr);

/** True if `vcpu` has anything in flight. */
bool gic_in_flight(const struct gic *gic, unsigned vcpu);

/**
 * `vcpu` is turned on or off (PSCI). Off: what was in flight is pending again and goes to another
 * vCPU where its routing allows; the list registers count as empty, and the caller empties them
 * before the vCPU goes on. Private state (enables, priorities) survives, as in a core's retained
 * redistributor.
 */
void gic_power(struct gic *gic, unsigned vcpu, bool on);

/** True if gic_next() would find something. One relaxed load; needs no lock. */
static inline bool gic_has_work(const struct gic *gic, unsigned vcpu)
{
	return __atomic_load_n(&gic->vcpus[vcpu].work, __ATOMIC_RELAXED) != 0;
}
