/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every state of a small GIC, and every event in each of them, against the reference of
 * gic_ref.h. The search starts at reset and goes breadth first through all states that can be
 * reached, of the model and the reference together; it ends when nothing new turns up, so what
 * holds here holds for every sequence of these events, of any length. A difference prints the
 * shortest sequence that shows it.
 *
 * Small means: one or two interrupts, one or two vCPUs, one or two list registers. What makes a
 * GIC go wrong (overflow, two of a kind, a flight that ends in another order) needs no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/model/gic_ref.h"
#include "vmm/base/util.h"
#include "vmm/irqchip/gic/gic.h"

enum { MAX_IRQS = 2, MAX_VCPUS = 2, MAX_LRS = 2, STATES = 1 << 17, SLOTS = 1 << 19 };

struct small {
	const char *name;
	unsigned version, vcpus, lrs, irq_count;
	unsigned intids[MAX_IRQS]; /* SPIs */
	unsigned skip;             /* events of interrupts left out, a bit each: fewer states */
};

/*
 * All that the events below can change, of both. Compared bytewise, so it is zeroed first; padding
 * that a copy may still carry could at worst show one state twice.
 */
struct state {
	struct gic_vcpu vcpus[MAX_VCPUS];
	struct ref_irq ref_irqs[MAX_IRQS];
	struct gic_interrupt irqs[MAX_IRQS];
	uint32_t ctlr, awake;
	unsigned ref_ctlr;
	struct ref_lr ref_lrs[MAX_VCPUS][MAX_LRS];
	bool ref_on[MAX_VCPUS];
};

struct search {
	struct gic gic;
	struct state states[STATES];
	struct ref ref;
	const struct small *what;
	uint32_t parents[STATES]; /* the state each was first reached from */
	uint32_t slots[SLOTS];    /* hash table of indices + 1 */
	uint32_t count, at;
	unsigned event;
	uint8_t events[STATES]; /* and by which event, of `parents` */
};

static unsigned spi_index(unsigned intid)
{
	return GIC_VCPUS * GIC_PRIVATE + intid - GIC_PRIVATE;
}

static void save(const struct search *s, struct state *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < s->what->irq_count; i++) {
		out->irqs[i] = s->gic.interrupts[spi_index(s->what->intids[i])];
		out->ref_irqs[i] = s->ref.irq[0][s->what->intids[i]];
	}
	memcpy(out->vcpus, s->gic.vcpus, sizeof(out->vcpus));
	for (unsigned v = 0; v < MAX_VCPUS; v++) {
		for (unsigned lr = 0; lr < MAX_LRS; lr++)
			out->ref_lrs[v][lr] = s->ref.lr[v][lr];
		out->ref_on[v] = s->ref.on[v];
	}
	out->ctlr = s->gic.ctlr;
	out->awake = s->gic.awake;
	out->ref_ctlr = s->ref.ctlr;
}

static void restore(struct search *s, const struct state *in)
{
	for (unsigned i = 0; i < s->what->irq_count; i++) {
		s->gic.interrupts[spi_index(s->what->intids[i])] = in->irqs[i];
		s->ref.irq[0][s->what->intids[i]] = in->ref_irqs[i];
	}
	memcpy(s->gic.vcpus, in->vcpus, sizeof(in->vcpus));
	for (unsigned v = 0; v < MAX_VCPUS; v++) {
		for (unsigned lr = 0; lr < MAX_LRS; lr++)
			s->ref.lr[v][lr] = in->ref_lrs[v][lr];
		s->ref.on[v] = in->ref_on[v];
	}
	s->gic.ctlr = in->ctlr;
	s->gic.awake = in->awake;
	s->ref.ctlr = in->ref_ctlr;
}

/*
 * --- events: the first ones once for each interrupt, the others once for each vCPU or register
 * ---
 */

enum irq_event {
	LINE_UP,
	LINE_DOWN,
	PULSE,
	ENABLE,
	DISABLE,
	SET_PENDING,
	CLEAR_PENDING,
	SET_ACTIVE,
	CLEAR_ACTIVE,
	MAKE_EDGE,
	MAKE_LEVEL,
	ROUTE_0,
	ROUTE_1,
	IRQ_EVENTS,
};

enum vcpu_event { NEXT, POWER_ON, POWER_OFF, EOI_0, EOI_1, REFUSED_0, REFUSED_1, VCPU_EVENTS };

enum { CTLR_ON, CTLR_OFF, GLOBAL_EVENTS };

static const char *const irq_names[IRQ_EVENTS] = {
	"line up",     "line down",     "pulse",      "enable",       "disable",
	"set pending", "clear pending", "set active", "clear active", "make edge",
	"make level",  "route to 0",    "route to 1",
};
static const char *const vcpu_names[VCPU_EVENTS] = {
	"next", "power on", "power off", "EOI of 0", "EOI of 1", "refused 0", "refused 1",
};

static unsigned event_count(const struct small *what)
{
	return what->irq_count * IRQ_EVENTS + what->vcpus * VCPU_EVENTS + GLOBAL_EVENTS;
}

static void print_event(const struct small *what, unsigned event)
{
	if (event < what->irq_count * IRQ_EVENTS) {
		printf("#   INTID %u: %s\n", what->intids[event / IRQ_EVENTS],
		       irq_names[event % IRQ_EVENTS]);
		return;
	}
	event -= what->irq_count * IRQ_EVENTS;
	if (event < what->vcpus * VCPU_EVENTS)
		printf("#   vCPU %u: %s\n", event / VCPU_EVENTS, vcpu_names[event % VCPU_EVENTS]);
	else
		printf("#   GICD_CTLR %s\n",
		       event - what->vcpus * VCPU_EVENTS == CTLR_ON ? "on" : "off");
}

static void print_path(const struct search *s, uint32_t state)
{
	if (state == 0)
		return;
	print_path(s, s->parents[state]);
	print_event(s->what, s->events[state]);
}

static void check(const struct search *s, bool holds, const char *what)
{
	if (holds)
		return;
	printf("# %s: %s, after\n", s->what->name, what);
	print_path(s, s->at);
	print_event(s->what, s->event);
	printf("not ok - every state\n");
	fflush(stdout);
	abort();
}

static void write_both(struct search *s, unsigned offset, unsigned width, uint64_t value)
{
	struct mmio_access access = {
		.offset = offset, .value = value, .width = (uint8_t)width, .write = true
	};

	gic_dist_access(&s->gic, &access);
	ref_dist_write(&s->ref, 0, offset, width, value);
}

static void write_bit(struct search *s, unsigned array, unsigned intid)
{
	write_both(s, array + intid / 32 * 4, 4, UINT64_C(1) << intid % 32);
}

static void route(struct search *s, unsigned intid, unsigned vcpu)
{
	if (s->what->version == 2)
		write_both(s, 0x800 + intid, 1, UINT64_C(1) << vcpu);
	else
		write_both(s, 0x6000 + intid * 8, 8, vcpu);
}

static void irq_event(struct search *s, unsigned intid, enum irq_event event)
{
	static const uint16_t arrays[IRQ_EVENTS] = {
		[ENABLE] = 0x100,        [DISABLE] = 0x180,    [SET_PENDING] = 0x200,
		[CLEAR_PENDING] = 0x280, [SET_ACTIVE] = 0x300, [CLEAR_ACTIVE] = 0x380,
	};

	switch (event) {
	case LINE_UP:
	case LINE_DOWN:
		gic_set_level(&s->gic, intid, event == LINE_UP);
		ref_line(&s->ref, 0, intid, event == LINE_UP);
		break;
	case PULSE:
		gic_pulse(&s->gic, intid);
		ref_pulse(&s->ref, intid);
		break;
	case MAKE_EDGE:
	case MAKE_LEVEL: /* the one interrupt of its ICFGR register that is looked at */
		write_both(s, 0xc00 + intid / 16 * 4, 4,
			   event == MAKE_EDGE ? UINT64_C(2) << intid % 16 * 2 : 0);
		break;
	case ROUTE_0:
	case ROUTE_1:
		route(s, intid, event == ROUTE_1);
		break;
	default:
		write_bit(s, arrays[event], intid);
		break;
	}
}

static void next(struct search *s, unsigned vcpu)
{
	unsigned best = ref_best(&s->ref, vcpu);
	bool want = best < 256 && ref_lr_free(&s->ref, vcpu);
	struct irq_slot lr;

	check(s, gic_next(&s->gic, vcpu, &lr) == want, "gic_next finds what there is");
	if (!want)
		return;
	check(s, ref_deliverable(&s->ref, vcpu, lr.intid), "a claim of what may be delivered");
	check(s, lr.priority == best / 8, "the most urgent first");
	check(s, ref_claim(&s->ref, vcpu, lr.intid, lr.lr), "a free list register, no second copy");
}

static void vcpu_event(struct search *s, unsigned vcpu, enum vcpu_event event)
{
	unsigned lr = event == EOI_1 || event == REFUSED_1;

	switch (event) {
	case NEXT:
		next(s, vcpu);
		break;
	case POWER_ON:
	case POWER_OFF:
		gic_power(&s->gic, vcpu, event == POWER_ON);
		ref_power(&s->ref, vcpu, event == POWER_ON);
		break;
	case EOI_0:
	case EOI_1:
		if (gic_eoi_plain(&s->gic, &s->gic.vcpus[vcpu], lr))
			check(s, ref_eoi(&s->ref, vcpu, lr) < s->ref.intids,
			      "a plain EOI of what was held");
		else
			check(s, gic_eoi(&s->gic, vcpu, lr) == ref_eoi(&s->ref, vcpu, lr),
			      "the INTID of an EOI");
		break;
	default:
		gic_refused(&s->gic, vcpu, lr);
		ref_refused(&s->ref, vcpu, lr);
		break;
	}
}

static void happen(struct search *s)
{
	unsigned event = s->event;

	if (event < s->what->irq_count * IRQ_EVENTS) {
		irq_event(s, s->what->intids[event / IRQ_EVENTS],
			  (enum irq_event)(event % IRQ_EVENTS));
		return;
	}
	event -= s->what->irq_count * IRQ_EVENTS;
	if (event < s->what->vcpus * VCPU_EVENTS)
		vcpu_event(s, event / VCPU_EVENTS, (enum vcpu_event)(event % VCPU_EVENTS));
	else
		write_both(s, 0, 4, event - s->what->vcpus * VCPU_EVENTS == CTLR_ON ? 3 : 0);
}

static void compare(struct search *s, const struct state *before)
{
	static const uint16_t arrays[] = { 0x100, 0x200, 0x300 };
	uint32_t kicks = gic_take_kicks(&s->gic);

	for (unsigned i = 0; i < s->what->irq_count; i++) {
		for (unsigned a = 0; a < ARRAY_SIZE(arrays); a++) {
			unsigned offset = arrays[a] + s->what->intids[i] / 32 * 4;
			struct mmio_access access = { .offset = offset, .width = 4 };

			gic_dist_access(&s->gic, &access);
			check(s, access.value == ref_dist_read(&s->ref, 0, offset, 4),
			      "enabled, pending, active");
		}
	}
	for (unsigned v = 0; v < s->what->vcpus; v++) {
		bool work = ref_lr_free(&s->ref, v) && ref_best(&s->ref, v) < 256;

		check(s, gic_has_work(&s->gic, v) == work, "who has work");
		check(s, !work || before->vcpus[v].work != 0 || (kicks >> v & 1) != 0,
		      "a kick for new work");
	}
}

static uint64_t hash(const struct state *state)
{
	const uint64_t *words = (const uint64_t *)(const void *)state;
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof(*state) / 8; i++)
		h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 29;
	return h ^ h >> 32;
}

_Static_assert(sizeof(struct state) % 8 == 0, "hash() reads words");

/* Adds the present state if it is new. */
static void visit(struct search *s)
{
	struct state *state = &s->states[s->count];
	uint64_t slot;

	save(s, state);
	for (slot = hash(state) % SLOTS; s->slots[slot] != 0; slot = (slot + 1) % SLOTS)
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): see struct state */
		if (memcmp(&s->states[s->slots[slot] - 1], state, sizeof(*state)) == 0)
			return;
	check(s, s->count + 1 < STATES, "there are more states than this test has room for");
	s->parents[s->count] = s->at;
	s->events[s->count] = (uint8_t)s->event;
	s->slots[slot] = ++s->count;
}

static void explore(struct search *s, const struct small *what)
{
	struct gic_config config = {
		.version = what->version,
		.vcpu_count = what->vcpus,
		.spi_count = 64,
		.lr_count = what->lrs,
		.mpidr = { 0, 1 },
	};

	s->what = what;
	s->count = 0;
	s->at = 0;
	memset(s->slots, 0, sizeof(s->slots));
	if (gic_init(&s->gic, &config) != VMM_OK)
		abort();
	ref_init(&s->ref, what->version, what->vcpus, 64, what->lrs, config.mpidr);
	/* Of two interrupts, the second is the more urgent. */
	for (unsigned i = 0; i < what->irq_count; i++)
		write_both(s, 0x400 + what->intids[i], 1, 0x80 - 0x40 * i);
	visit(s);
	for (; s->at < s->count; s->at++) {
		for (s->event = 0; s->event < event_count(what); s->event++) {
			if (s->event < what->irq_count * IRQ_EVENTS &&
			    (what->skip >> s->event % IRQ_EVENTS & 1) != 0)
				continue;
			restore(s, &s->states[s->at]);
			(void)gic_take_kicks(&s->gic);
			happen(s);
			compare(s, &s->states[s->at]);
			visit(s);
		}
	}
	printf("# %s: %u states\n", what->name, s->count);
}

int main(void)
{
	/* What a second interrupt does not change the meaning of. */
	const unsigned plain = 1U << PULSE | 1U << SET_ACTIVE | 1U << MAKE_EDGE | 1U << MAKE_LEVEL |
			       1U << ROUTE_0 | 1U << ROUTE_1;
	const struct small smalls[] = {
		{ .name = "GICv2, one interrupt, two vCPUs",
		  .version = 2,
		  .vcpus = 2,
		  .lrs = 1,
		  .irq_count = 1,
		  .intids = { 40 },
		  .skip = 0 },
		{ .name = "GICv3, one interrupt, two vCPUs",
		  .version = 3,
		  .vcpus = 2,
		  .lrs = 1,
		  .irq_count = 1,
		  .intids = { 40 },
		  .skip = 0 },
		{ .name = "GICv3, one interrupt, two list registers",
		  .version = 3,
		  .vcpus = 1,
		  .lrs = 2,
		  .irq_count = 1,
		  .intids = { 40 },
		  .skip = 0 },
		{ .name = "GICv3, two interrupts, one list register",
		  .version = 3,
		  .vcpus = 1,
		  .lrs = 1,
		  .irq_count = 2,
		  .intids = { 40, 70 },
		  .skip = plain },
		{ .name = "GICv3, two interrupts, two list registers",
		  .version = 3,
		  .vcpus = 1,
		  .lrs = 2,
		  .irq_count = 2,
		  .intids = { 40, 70 },
		  .skip = plain },
	};
	static struct search s;

	printf("1..%zu\n", ARRAY_SIZE(smalls));
	for (size_t i = 0; i < ARRAY_SIZE(smalls); i++) {
		explore(&s, &smalls[i]);
		printf("ok %zu - %s: the same in every state\n", i + 1, smalls[i].name);
		fflush(stdout);
	}
	return 0;
}
