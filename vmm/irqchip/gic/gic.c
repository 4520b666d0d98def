// SPDX-License-Identifier: BSD-2-Clause
/*
 * The interrupt state machine, the queues, the list registers.
 *
 * An interrupt is *deliverable* if it is pending, enabled, not active, its group is enabled and
 * it is routed to a vCPU that is awake. It is then, and only then, in exactly one queue: that of
 * its vCPU and of its priority level; first come, first served within a level. A bit per level
 * says which queues hold something, so the most urgent interrupt is found, claimed and ended in
 * constant time.
 *
 * gic_update() restores that invariant after any change of one interrupt; it is the only place
 * that queues, and there is no second opinion anywhere about what is deliverable.
 */
#include "vmm/irqchip/gic/gic.h"

#include "vmm/base/util.h"
#include "vmm/irqchip/gic/private.h"

/* Where the SPIs start in gic.interrupts. */
enum { SPI_BASE = GIC_VCPUS * GIC_PRIVATE };

static unsigned intid_of(unsigned index)
{
	return index < SPI_BASE ? index % GIC_PRIVATE : index - SPI_BASE + GIC_PRIVATE;
}

struct gic_interrupt *gic_find(struct gic *gic, unsigned vcpu, unsigned intid)
{
	if (intid < GIC_PRIVATE)
		return &gic->interrupts[vcpu * GIC_PRIVATE + intid];
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

/* Publishes whether vCPU `vcpu` has work; a kick if it had none. */
static void publish(struct gic *gic, unsigned vcpu)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	uint32_t now = v->lr_free != 0 ? v->ready : 0;

	if (v->work == 0 && now != 0)
		gic->kicks |= UINT32_C(1) << vcpu;
	__atomic_store_n(&v->work, now, __ATOMIC_RELAXED);
}

/* Appends `irq` to the queue of its vCPU and level, and kicks the vCPU if it had no work. */
static void queue_add(struct gic *gic, struct gic_interrupt *irq)
{
	struct gic_vcpu *v = &gic->vcpus[irq->route];
	unsigned number = irq->route * (unsigned)GIC_PRIORITIES + irq->level;
	struct gic_queue *queue = &gic->queues[number];
	uint16_t index = (uint16_t)(irq - gic->interrupts);

	irq->flags |= GIC_QUEUED;
	irq->queue = (uint8_t)number;
	irq->next = GIC_NIL;
	irq->prev = queue->tail;
	if (queue->tail == GIC_NIL)
		queue->head = index;
	else
		gic->interrupts[queue->tail].next = index;
	queue->tail = index;
	v->ready |= UINT32_C(1) << irq->level;
	publish(gic, irq->route);
}

static void queue_remove(struct gic *gic, struct gic_interrupt *irq)
{
	struct gic_queue *queue = &gic->queues[irq->queue];

	irq->flags &= (uint16_t)~GIC_QUEUED;
	if (irq->next == GIC_NIL)
		queue->tail = irq->prev;
	else
		gic->interrupts[irq->next].prev = irq->prev;
	if (irq->prev == GIC_NIL)
		queue->head = irq->next;
	else
		gic->interrupts[irq->prev].next = irq->next;
	if (queue->head == GIC_NIL)
		gic->vcpus[irq->queue / GIC_PRIORITIES].ready &=
			~(UINT32_C(1) << irq->queue % GIC_PRIORITIES);
	publish(gic, irq->queue / GIC_PRIORITIES);
}

void gic_update(struct gic *gic, struct gic_interrupt *irq)
{
	bool wanted = deliverable(gic, irq);

	if ((irq->flags & GIC_QUEUED) != 0) {
		if (wanted && irq->queue == irq->route * GIC_PRIORITIES + irq->level)
			return;
		queue_remove(gic, irq);
	}
	if (wanted)
		queue_add(gic, irq);
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
	for (unsigned i = 0; i < gic->config.vcpu_count; i++)
		if (gic->vcpus[i].on && !gic->vcpus[i].asleep)
			gic->awake |= UINT32_C(1) << i;
	for (unsigned i = 0; i < gic->config.vcpu_count * GIC_PRIVATE; i++)
		gic_update(gic, &gic->interrupts[i]);
	for (unsigned i = 0; i < gic->config.spi_count; i++)
		gic_reroute(gic, &gic->interrupts[SPI_BASE + i]);
}

/*
 * Picks the list register for the interrupt `index` while some are stale. A stale register may
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

/* Takes the first of the most urgent queue; the caller knows that there is one. */
static struct gic_interrupt *pop(struct gic *gic, unsigned vcpu)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_queue *queue =
		&gic->queues[vcpu * GIC_PRIORITIES + (unsigned)__builtin_ctz(v->ready)];
	struct gic_interrupt *irq = &gic->interrupts[queue->head];

	queue->head = irq->next;
	if (irq->next != GIC_NIL) {
		gic->interrupts[irq->next].prev = GIC_NIL;
	} else {
		queue->tail = GIC_NIL;
		v->ready &= v->ready - 1;
	}
	return irq;
}

bool gic_next(struct gic *gic, unsigned vcpu, struct irq_slot *out)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_interrupt *irq;
	unsigned index, lr, flags;

	if (v->work == 0)
		return false;
	irq = pop(gic, vcpu);
	index = (unsigned)(irq - gic->interrupts);
	lr = (unsigned)__builtin_ctz(v->lr_free);
	out->replaces = false;
	if (v->lr_stale != 0) {
		lr = choose_lr(v, index);
		out->replaces = (v->lr_stale >> lr & 1) != 0;
		v->lr_stale &= (uint16_t) ~(1U << lr);
	}
	v->lr_held[lr] = (uint16_t)index;
	v->lr_free &= ~(UINT32_C(1) << lr);
	/* It can only have become less: nobody to kick. */
	__atomic_store_n(&v->work, v->lr_free != 0 ? v->ready : 0, __ATOMIC_RELAXED);

	if ((irq->flags & GIC_SOURCES) != 0) {
		irq->taken = (uint8_t)(irq->sources & -irq->sources);
		gic_set_sources(irq, irq->sources & (irq->sources - 1U));
	}
	flags = irq->flags & ~(unsigned)GIC_QUEUED;
	flags += flags & GIC_LATCH; /* carries into GIC_TOOK */
	irq->flags = (uint16_t)(flags | GIC_ACTIVE | GIC_FLIGHT);
	irq->slot = (uint8_t)(vcpu * GIC_LRS + lr);

	out->intid = (uint16_t)intid_of(index);
	out->lr = (uint8_t)lr;
	out->priority = irq->level;
	out->group = flags & GIC_GROUP1;
	return true;
}

_Static_assert(GIC_TOOK == 2 * GIC_LATCH, "gic_next() moves one into the other");

bool gic_holds(const struct gic *gic, unsigned vcpu, unsigned lr, unsigned intid)
{
	return lr < GIC_LRS && gic->vcpus[vcpu].lr_held[lr] == vcpu * GIC_PRIVATE + intid;
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

unsigned gic_eoi(struct gic *gic, unsigned vcpu, unsigned lr)
{
	struct gic_vcpu *v = &gic->vcpus[vcpu];
	struct gic_interrupt *irq;
	uint32_t bit;
	unsigned index;

	if (lr >= gic->config.lr_count)
		return GIC_INTID_NONE;
	bit = UINT32_C(1) << lr;
	index = v->lr_held[lr];
	v->lr_stale &= (uint16_t)~bit;
	if ((v->lr_free & bit) != 0)
		return GIC_INTID_NONE;
	v->lr_free |= bit;
	if (index == GIC_NIL) { /* gic_refused() */
		publish(gic, vcpu);
		return GIC_INTID_NONE;
	}
	irq = &gic->interrupts[index];
	land(irq, true);
	if (deliverable(gic, irq))
		queue_add(gic, irq);
	publish(gic, vcpu);
	return intid_of(index);
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

void gic_deactivate(struct gic *gic, struct gic_interrupt *irq)
{
	bool flight = (irq->flags & GIC_FLIGHT) != 0;

	land(irq, true);
	if (flight) {
		struct gic_vcpu *v = &gic->vcpus[irq->slot / GIC_LRS];
		uint32_t bit = UINT32_C(1) << irq->slot % GIC_LRS;

		v->lr_free |= bit;
		v->lr_stale |= (uint16_t)bit;
		publish(gic, irq->slot / GIC_LRS);
	}
	gic_update(gic, irq);
}

static uint32_t all_lrs(const struct gic *gic)
{
	return (UINT32_C(1) << gic->config.lr_count) - 1;
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
		.next = GIC_NIL,
		.prev = GIC_NIL,
		.flags = (uint16_t)((gic->config.version == 3 ? GIC_GROUP1 : 0) |
				    (sgi ? GIC_EDGE : 0)),
		.route = (uint8_t)(index < SPI_BASE ? index / GIC_PRIVATE : GIC_NOWHERE),
		.aim = gic->config.version == 3 ? gic->vcpus[0].affinity : 0,
	};
}

void gic_reset(struct gic *gic)
{
	gic->ctlr = 0;
	gic->kicks = 0;
	for (unsigned i = 0; i < gic->config.vcpu_count; i++) {
		struct gic_vcpu *v = &gic->vcpus[i];

		v->ready = 0;
		v->lr_free = all_lrs(gic);
		v->lr_stale = 0;
		v->on = i == 0;
		v->asleep = false;
		for (unsigned lr = 0; lr < GIC_LRS; lr++)
			v->lr_held[lr] = GIC_NIL;
		publish(gic, i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(gic->queues); i++)
		gic->queues[i] = (struct gic_queue){ .head = GIC_NIL, .tail = GIC_NIL };
	for (unsigned i = 0; i < GIC_INTERRUPT_COUNT; i++)
		reset_interrupt(gic, i);
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
		gic->vcpus[i].affinity = affinity_of(config->mpidr[i]);
		gic->vcpus[i].sgi_group = gicv3_sgi_group(gic->vcpus[i].affinity);
	}
	gic_reset(gic);
	return VMM_OK;
}
