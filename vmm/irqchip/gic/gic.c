// SPDX-License-Identifier: BSD-2-Clause
/*
 * The interrupt state machine, what is ready, the list registers.
 *
 * An interrupt is *deliverable* if it is pending, enabled, not active, its group is enabled and
 * it is routed to a vCPU that is awake. It is then, and only then, in the set of ready interrupts
 * of that vCPU: a bit an interrupt, and a bit for each word of them that is not zero. The most
 * urgent one is looked for when it is claimed, the lowest INTID first among equals; so a change of
 * priority moves nothing, and the usual single one is found at once.
 *
 * gic_update() restores that invariant after any change of one interrupt; it is the only place
 * that fills the sets, and there is no second opinion anywhere about what is deliverable.
 */
#include "vmm/irqchip/gic/gic.h"

#include "vmm/base/util.h"
#include "vmm/irqchip/gic/private.h"

/* Where the SPIs start in gic.interrupts. */
enum { SPI_BASE = GIC_VCPUS * GIC_PRIVATE };

struct gic_interrupt *gic_find(struct gic *gic, unsigned vcpu, unsigned intid)
{
	if (intid < GIC_PRIVATE)
		return gic_private(gic, vcpu, intid);
	if (intid < gic->intids)
		return &gic->interrupts[SPI_BASE - GIC_PRIVATE + intid];
	return NULL;
}

bool gic_pending(const struct gic_interrupt *irq)
{
	return (irq->flags & (GIC_LATCH | GIC_SOURCES)) != 0 ||
	       (irq->flags & (GIC_LINE | GIC_EDGE)) == GIC_LINE;
}

static bool deliverable(const struct gic *gic, const struct gic_interrupt *irq)
{
	return (irq->flags & (GIC_ENABLED | GIC_ACTIVE)) == GIC_ENABLED && gic_pending(irq) &&
	       (gic->ctlr >> (irq->flags & GIC_GROUP1) & gic->awake >> irq->route & 1) != 0;
}

/* Sets `work` and `open` of vCPU `vcpu` anew. */
static inline void settle(const struct gic *gic, struct gic_vcpu *v, unsigned vcpu)
{
	bool open = v->banks == 0 && v->lr_stale == 0 && (gic->ctlr & GIC_CTLR_GRP1) != 0;

	v->open = open ? -(gic->awake >> vcpu & 1) : 0;
	__atomic_store_n(&v->work, v->lr_free != 0 ? v->banks : 0, __ATOMIC_RELAXED);
}

/* Publishes whether vCPU `vcpu` has work; a kick if it had none. */
static inline void publish(struct gic *gic, struct gic_vcpu *v, unsigned vcpu)
{
	if (v->work == 0 && v->lr_free != 0 && v->banks != 0)
		gic->kicks |= UINT32_C(1) << vcpu;
	settle(gic, v, vcpu);
}

/* Puts `irq` into the set of its vCPU, and kicks the vCPU if it had no work. */
static inline void ready_add(struct gic *gic, struct gic_interrupt *irq)
{
	struct gic_vcpu *v = &gic->vcpus[irq->route];
	unsigned bank = irq->intid / 32;

	irq->flags |= GIC_READY;
	irq->ready = irq->route;
	v->ready[bank] |= UINT32_C(1) << irq->intid % 32;
	v->banks |= UINT32_C(1) << bank;
	publish(gic, v, irq->route);
}

/* Takes it out; the caller clears GIC_READY and publishes. */
static inline void ready_remove(struct gic_vcpu *v, unsigned intid)
{
	uint32_t *word = &v->ready[intid / 32];

	*word &= ~(UINT32_C(1) << intid % 32);
	if (*word == 0)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): intid < 1024 */
		v->banks &= ~(UINT32_C(1) << intid / 32);
}

/* gic_update() of an interrupt that is ready. */
static VMM_SELDOM void update_ready(struct gic *gic, struct gic_interrupt *irq)
{
	struct gic_vcpu *v = &gic->vcpus[irq->ready];
	bool wanted = deliverable(gic, irq);

	if (wanted && irq->ready == irq->route)
		return;
	irq->flags &= (uint16_t)~GIC_READY;
	ready_remove(v, irq->intid);
	publish(gic, v, irq->ready);
	if (wanted)
		ready_add(gic, irq);
}

void gic_update(struct gic *gic, struct gic_interrupt *irq)
{
	if ((irq->flags & GIC_READY) != 0)
		update_ready(gic, irq);
	else if (deliverable(gic, irq))
		ready_add(gic, irq);
}

void gic_set_sources(struct gic_interrupt *irq, unsigned sources)
{
	irq->sources = (uint8_t)sources;
	irq->flags &= (uint16_t)~GIC_SOURCES;
	if (sources != 0)
		irq->flags |= GIC_SOURCES;
}

void gic_reroute(struct gic *gic, struct gic_interrupt *irq)
{
	irq->route =
		(uint8_t)(gic->config.version == 2 ? gicv2_route(gic, irq) : gicv3_route(gic, irq));
	gic_update(gic, irq);
}

void gic_update_all(struct gic *gic)
{
	gic->awake = 0;
	for (unsigned i = 0; i < gic->config.vcpu_count; i++) {
		if (gic->vcpus[i].on && !gic->vcpus[i].asleep)
			gic->awake |= UINT32_C(1) << i;
		settle(gic, &gic->vcpus[i], i);
	}
	for (unsigned i = 0; i < gic->config.vcpu_count * GIC_PRIVATE; i++)
		gic_update(gic, &gic->interrupts[i]);
	for (unsigned i = 0; i < gic->config.spi_count; i++)
		gic_reroute(gic, &gic->interrupts[SPI_BASE + i]);
}

/*
 * Picks the list register for interrupt `index` while some are stale. A stale register may
 * still hold what it had, so it is the last choice for others, and the only one for the interrupt
 * it held: two list registers with one INTID are UNPREDICTABLE (IHI 0069H, ICH_LR<n>_EL2).
 */
static unsigned choose_lr(const struct gic_vcpu *v, unsigned index)
{
	uint32_t clean = v->lr_free & ~v->lr_stale;

	for (uint32_t left = v->lr_stale; left != 0; left &= left - 1) {
		unsigned lr = (unsigned)__builtin_ctz(left);

		if (v->lr_held[lr] == index)
			return lr;
	}
	return (unsigned)__builtin_ctz(clean != 0 ? clean : v->lr_free);
}

/* Picks the list register for interrupt `index`, some being stale. */
static VMM_SELDOM unsigned take_stale(struct gic_vcpu *v, unsigned index)
{
	unsigned lr = choose_lr(v, index);

	v->lr_stale &= (uint16_t) ~(1U << lr);
	return lr;
}

/* The most urgent of several that are ready. */
static VMM_SELDOM unsigned most_urgent(struct gic *gic, unsigned vcpu)
{
	unsigned best = GIC_NIL, level = GIC_PRIORITIES << GIC_LEVEL_SHIFT;
	const struct gic_vcpu *v = &gic->vcpus[vcpu];

	for (uint32_t banks = v->banks; banks != 0; banks &= banks - 1) {
		unsigned bank = (unsigned)__builtin_ctz(banks);
		const uint8_t *priority = gic_priority(gic, gic_find(gic, vcpu, bank * 32));

		for (uint32_t word = v->ready[bank]; word != 0; word &= word - 1) {
			unsigned bit = (unsigned)__builtin_ctz(word);

			if (priority[bit] < level) {
				level = priority[bit];
				best = bank * 32 + bit;
			}
		}
	}
	return best;
}

/* The one to claim, of a vCPU that has work. */
static inline unsigned first_ready(struct gic *gic, const struct gic_vcpu *v, unsigned vcpu)
{
	uint32_t banks = v->banks;
	unsigned bank = (unsigned)__builtin_ctz(banks);
	uint32_t word = v->ready[bank];

	if ((banks & (banks - 1)) != 0 || (word & (word - 1)) != 0)
		return most_urgent(gic, vcpu);
	return bank * 32 + (unsigned)__builtin_ctz(word);
}

bool gic_next(struct gic *gic, unsigned vcpu, struct irq_slot *out)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_interrupt *irq;
	unsigned intid, index, lr, flags, stale = v->lr_stale;

	if (v->work == 0)
		return false;
	intid = first_ready(gic, v, vcpu);
	ready_remove(v, intid);
	irq = gic_find(gic, vcpu, intid);
	index = gic_index(gic, irq);
	lr = stale == 0 ? (unsigned)__builtin_ctz(v->lr_free) : take_stale(v, index);
	v->lr_held[lr] = (uint16_t)index;
	v->lr_free &= ~(UINT32_C(1) << lr);
	settle(gic, v, vcpu); /* work can only have become less: nobody to kick */

	if ((irq->flags & GIC_SOURCES) != 0) {
		irq->taken = (uint8_t)(irq->sources & -irq->sources);
		gic_set_sources(irq, irq->sources & (irq->sources - 1U));
	}
	flags = irq->flags & ~(unsigned)GIC_READY;
	flags += flags & GIC_LATCH; /* carries into GIC_TOOK */
	irq->flags = (uint16_t)(flags | GIC_ACTIVE | GIC_FLIGHT);

	out->intid = intid;
	out->lr = lr;
	out->priority = *gic_priority(gic, irq) >> GIC_LEVEL_SHIFT;
	out->group = flags & GIC_GROUP1;
	out->replaces = (stale >> lr & 1) != 0;
	return true;
}

_Static_assert(GIC_TOOK == 2 * GIC_LATCH, "gic_next() moves one into the other");

static uint32_t all_lrs(const struct gic *gic)
{
	return (UINT32_C(1) << gic->config.lr_count) - 1;
}

bool gic_holds(const struct gic *gic, unsigned vcpu, unsigned lr, unsigned intid)
{
	return lr < GIC_LRS && gic->vcpus[vcpu].lr_held[lr] == vcpu * GIC_PRIVATE + intid;
}

bool gic_in_flight(const struct gic *gic, unsigned vcpu)
{
	return gic->vcpus[vcpu].lr_free != all_lrs(gic);
}

/* Ends the flight of `irq`; what was claimed is pending again if it was not served. */
static void land(struct gic_interrupt *irq, bool served)
{
	if (!served) {
		gic_set_sources(irq, irq->sources | irq->taken);
		if ((irq->flags & GIC_TOOK) != 0)
			irq->flags |= GIC_LATCH;
	}
	irq->taken = 0;
	irq->flags &= (uint16_t) ~(GIC_ACTIVE | GIC_FLIGHT | GIC_TOOK);
}

/*
 * A list register that is taken (by GIC_NIL: not this way), and whose interrupt has no reason to be
 * pending again: no line, not even that of an edge, nothing latched.
 */
bool gic_eoi_plain(struct gic *gic, struct gic_vcpu *v, unsigned lr)
{
	struct gic_interrupt *irq;
	unsigned flags;

	if (lr >= GIC_LRS || v->banks != 0 || (v->lr_free >> lr & 1) != 0)
		return false;
	irq = &gic->interrupts[v->lr_held[lr]];
	flags = irq->flags;
	if ((flags & (GIC_LINE | GIC_SOURCES | GIC_LATCH)) != 0)
		return false;
	irq->flags = (uint16_t)(flags & ~(unsigned)(GIC_ACTIVE | GIC_FLIGHT | GIC_TOOK));
	v->lr_free |= UINT32_C(1) << lr;
	return true;
}

unsigned gic_eoi(struct gic *gic, unsigned vcpu, unsigned lr)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_interrupt *irq;
	uint32_t bit;

	if (lr >= gic->config.lr_count)
		return GIC_INTID_NONE;
	bit = UINT32_C(1) << lr;
	v->lr_stale &= (uint16_t)~bit;
	if ((v->lr_free & bit) != 0 || v->lr_held[lr] == GIC_NIL /* gic_refused() */) {
		v->lr_free |= bit;
		publish(gic, v, vcpu);
		return GIC_INTID_NONE;
	}
	v->lr_free |= bit;
	irq = &gic->interrupts[v->lr_held[lr]];
	land(irq, true);
	gic_update(gic, irq); /* also for another vCPU */
	publish(gic, v, vcpu);
	return irq->intid;
}

void gic_refused(struct gic *gic, unsigned vcpu, unsigned lr)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_interrupt *irq;

	if (lr >= gic->config.lr_count || (v->lr_free >> lr & 1) != 0 || v->lr_held[lr] == GIC_NIL)
		return;
	irq = &gic->interrupts[v->lr_held[lr]];
	v->lr_held[lr] = GIC_NIL;
	land(irq, false);
	gic_update(gic, irq);
}

/* Frees the list register in which interrupt `index` is in flight. */
static void recall(struct gic *gic, unsigned index)
{
	for (unsigned vcpu = 0; vcpu < gic->config.vcpu_count; vcpu++) {
		struct gic_vcpu *v = &gic->vcpus[vcpu];

		for (unsigned lr = 0; lr < gic->config.lr_count; lr++) {
			uint32_t bit = UINT32_C(1) << lr;

			if (v->lr_held[lr] != index || (v->lr_free & bit) != 0)
				continue;
			v->lr_free |= bit;
			v->lr_stale |= (uint16_t)bit;
			publish(gic, v, vcpu);
			return;
		}
	}
}

void gic_deactivate(struct gic *gic, struct gic_interrupt *irq)
{
	bool flight = (irq->flags & GIC_FLIGHT) != 0;

	land(irq, true);
	if (flight)
		recall(gic, gic_index(gic, irq));
	gic_update(gic, irq);
}

void gic_power(struct gic *gic, unsigned vcpu, bool on)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];

	v->on = on;
	if (!on) {
		for (unsigned lr = 0; lr < GIC_LRS; lr++) {
			unsigned index = v->lr_held[lr];

			if (index != GIC_NIL && (v->lr_free >> lr & 1) == 0)
				land(&gic->interrupts[index], false);
			v->lr_held[lr] = GIC_NIL;
		}
		v->lr_free = all_lrs(gic);
		v->lr_stale = 0;
	}
	gic_update_all(gic);
}

static void drive(struct gic *gic, struct gic_interrupt *irq, bool level)
{
	bool before = (irq->flags & GIC_LINE) != 0;

	if (level == before)
		return;
	irq->flags ^= GIC_LINE;
	if (level && (irq->flags & GIC_EDGE) != 0)
		irq->flags |= GIC_LATCH;
	gic_update(gic, irq);
}

void gic_set_level(struct gic *gic, unsigned intid, bool level)
{
	if (intid >= GIC_PRIVATE && intid < gic->intids)
		drive(gic, gic_find(gic, 0, intid), level);
}

void gic_set_ppi(struct gic *gic, unsigned vcpu, unsigned intid, bool level)
{
	if (vcpu < gic->config.vcpu_count && intid >= GIC_SGIS && intid < GIC_PRIVATE)
		drive(gic, gic_find(gic, vcpu, intid), level);
}

void gic_pulse(struct gic *gic, unsigned intid)
{
	struct gic_interrupt *irq;

	if (intid < GIC_PRIVATE || intid >= gic->intids)
		return;
	irq = gic_find(gic, 0, intid);
	irq->flags |= GIC_LATCH;
	gic_update(gic, irq);
}

/*
 * GICv3 guests that never write IGROUPR expect Group 1, the only group a system with EL3 shows
 * them.
 */
static void reset_interrupt(struct gic *gic, unsigned index)
{
	bool sgi = index < SPI_BASE && index % GIC_PRIVATE < GIC_SGIS;

	gic->interrupts[index] = (struct gic_interrupt){
		.intid = (uint16_t)(index < SPI_BASE ? index % GIC_PRIVATE
						     : index - SPI_BASE + GIC_PRIVATE),
		.flags = (uint16_t)((gic->config.version == 3 ? GIC_GROUP1 : 0) |
				    (sgi ? GIC_EDGE : 0)),
		.route = (uint8_t)(index < SPI_BASE ? index / GIC_PRIVATE : GIC_NOWHERE),
		.aim = gic->config.version == 3 ? gic->vcpus[0].affinity : 0,
	};
	gic->priorities[index] = 0;
}

void gic_reset(struct gic *gic)
{
	gic->ctlr = 0;
	gic->kicks = 0;
	for (unsigned i = 0; i < gic->config.vcpu_count; i++) {
		struct gic_vcpu *v = &gic->vcpus[i];

		v->banks = 0;
		for (unsigned bank = 0; bank < GIC_BANKS; bank++)
			v->ready[bank] = 0;
		v->lr_free = all_lrs(gic);
		v->lr_stale = 0;
		v->on = i == 0;
		v->asleep = false;
		for (unsigned lr = 0; lr < GIC_LRS; lr++)
			v->lr_held[lr] = GIC_NIL;
		publish(gic, v, i);
	}
	for (unsigned i = 0; i < GIC_INTERRUPT_COUNT; i++)
		reset_interrupt(gic, i);
	gic->interrupts[GIC_NIL] = (struct gic_interrupt){ .flags = GIC_LATCH };
	gic_update_all(gic);
}

/* MPIDR_EL1 holds Aff3 in bits 39:32, the others in 23:0. */
static uint32_t affinity_of(uint64_t mpidr)
{
	return (uint32_t)(mpidr >> 8 & 0xff000000) | (uint32_t)(mpidr & 0xffffff);
}

enum vmm_err gic_init(struct gic *gic, const struct gic_config *config)
{
	if (config->version < 2 || config->version > 3 || config->vcpu_count < 1 ||
	    config->vcpu_count > GIC_VCPUS || config->spi_count > GIC_SPIS ||
	    config->spi_count % 32 != 0 || config->lr_count < 1 || config->lr_count > GIC_LRS)
		return VMM_ERR_RANGE;
	for (unsigned i = 0; i < config->vcpu_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (affinity_of(config->mpidr[i]) == affinity_of(config->mpidr[j]))
				return VMM_ERR_EXISTS;
	gic->config = *config;
	gic->intids = GIC_PRIVATE + config->spi_count;
	gic->typer = config->version == 2 ? gicv2_typer(config) : gicv3_typer(config);
	for (unsigned i = 0; i < GIC_VCPUS; i++) {
		gic->vcpus[i].work = 0;
		gic->vcpus[i].first = i * GIC_PRIVATE;
		gic->vcpus[i].affinity = affinity_of(config->mpidr[i]);
		gic->vcpus[i].sgi_group = gicv3_sgi_group(gic->vcpus[i].affinity);
		gic->vcpus[i].sgi_self = config->version == 3
						 ? gicv3_sgi_self(gic->vcpus[i].affinity)
						 : UINT64_MAX; /* what no value is */
	}
	gic_reset(gic);
	return VMM_OK;
}
