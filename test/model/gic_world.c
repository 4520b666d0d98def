/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/model/gic_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

static uint64_t next_random(struct gic_world *w)
{
	uint64_t z = 0;

	if (w->bytes != NULL) {
		for (unsigned i = 0; i < 4 && w->left > 0; i++, w->left--)
			z = z << 8 | *w->bytes++;
		return z;
	}
	/* splitmix64 */
	z = w->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A fuzzer's byte is enough for a small choice. */
static unsigned below(struct gic_world *w, unsigned bound)
{
	if (w->bytes != NULL && bound <= 256) {
		if (w->left == 0)
			return 0;
		w->left--;
		return *w->bytes++ % bound;
	}
	return (unsigned)(next_random(w) % bound);
}

static void check(const struct gic_world *w, bool holds, const char *what)
{
	if (holds)
		return;
	printf("not ok - %s: seed %#lx, step %lu (v%u, %u vCPUs, %u INTIDs, %u LRs)\n", what,
	       (unsigned long)w->seed, w->step, w->ref.version, w->ref.vcpus, w->ref.intids,
	       w->ref.lrs);
	fflush(stdout);
	abort();
}

static unsigned any_intid(struct gic_world *w)
{
	return below(w, 8) != 0 ? w->hot[below(w, 8)] : below(w, w->ref.intids + 28);
}

static void access_both(struct gic_world *w, bool redist, unsigned vcpu, uint64_t offset,
			unsigned width, bool write, uint64_t value)
{
	struct mmio_access access = {
		.offset = offset + (redist ? vcpu * GIC_REDIST_SIZE : 0),
		.value = value,
		.width = (uint8_t)width,
		.write = write,
		.vcpu = (uint16_t)(redist ? 0 : vcpu),
	};
	uint64_t want = 0;

	if (width < 8)
		access.value &= (UINT64_C(1) << 8 * width) - 1;
	value = access.value;
	(redist ? gic_redist_access : gic_dist_access)(&w->gic, &access);
	if (write) {
		(redist ? ref_redist_write : ref_dist_write)(&w->ref, vcpu, offset, width, value);
		return;
	}
	want = (redist ? ref_redist_read : ref_dist_read)(&w->ref, vcpu, offset, width);
	if (access.value != want)
		printf("%s %#lx width %u of vCPU %u: %#lx, want %#lx\n",
		       redist ? "redistributor" : "distributor", (unsigned long)offset, width, vcpu,
		       (unsigned long)access.value, (unsigned long)want);
	check(w, access.value == want, "register");
}

/* A value with few bits, many bits, or those of one INTID. */
static uint64_t some_value(struct gic_world *w, unsigned intid)
{
	switch (below(w, 12)) {
	case 0:
		return next_random(w);
	case 1:
		return next_random(w) & next_random(w) & next_random(w);
	case 2:
		return UINT64_MAX;
	default:
		return UINT64_C(1) << intid % 32;
	}
}

static void step_bits(struct gic_world *w)
{
	static const uint16_t arrays[] = { 0x080, 0x100, 0x100, 0x100, 0x100, 0x180, 0x200,
					   0x200, 0x280, 0x300, 0x380, 0x380, 0x380 };
	unsigned array = arrays[below(w, ARRAY_SIZE(arrays))];
	unsigned intid = any_intid(w), vcpu = below(w, w->ref.vcpus);
	bool redist = w->ref.version == 3 && intid < 32;

	access_both(w, redist, vcpu, (redist ? 0x10000 : 0) + array + intid / 32 * 4, 4,
		    below(w, 4) != 0, some_value(w, intid));
}

static void step_fields(struct gic_world *w)
{
	unsigned intid = any_intid(w), vcpu = below(w, w->ref.vcpus);
	bool redist = w->ref.version == 3 && intid < 32;
	uint64_t base = redist ? 0x10000 : 0;
	bool write = below(w, 4) != 0;

	switch (below(w, 4)) {
	case 0:
		access_both(w, redist, vcpu, base + 0x400 + intid, 1, write, next_random(w));
		break;
	case 1:
		access_both(w, redist, vcpu, base + 0x400 + intid / 4 * 4, 4, write,
			    next_random(w));
		break;
	case 2:
		access_both(w, redist, vcpu, base + 0xc00 + intid / 16 * 4, 4, write,
			    next_random(w));
		break;
	default:
		if (w->ref.version == 2)
			access_both(w, false, vcpu, 0x800 + intid, 1, write, next_random(w));
		else if (below(w, 4) == 0)
			access_both(w, false, vcpu, 0x6000 + intid * 8 + (below(w, 2) ? 4 : 0), 4,
				    write, next_random(w) & UINT64_C(0x80000303));
		else
			access_both(w, false, vcpu, 0x6000 + intid * 8, 8, write,
				    below(w, 4) == 0 ? UINT64_C(1) << 31
						     : w->ref.affinity[below(w, w->ref.vcpus)]);
		break;
	}
}

/* The short cut, with the SGI pending in the reference already. */
static bool step_sgi_self(struct gic_world *w, unsigned vcpu, uint64_t value)
{
	unsigned best = ref_best(&w->ref, vcpu);
	struct irq_slot lr;

	if (!gic_sgi_self(&w->gic, &w->gic.vcpus[vcpu], value, &lr))
		return false;
	w->claims++;
	check(w, !lr.replaces && lr.group == 1, "a short cut for what needs no second look");
	check(w, w->ref.lr[vcpu][lr.lr].content == REF_NONE, "a short cut to an empty register");
	check(w, ref_deliverable(&w->ref, vcpu, lr.intid), "a short cut to what may be delivered");
	check(w, lr.priority == best / 8, "a short cut past nothing that is more urgent");
	check(w, ref_claim(&w->ref, vcpu, lr.intid, lr.lr), "a free list register, no second copy");
	check(w, ref_best(&w->ref, vcpu) == 256, "nothing else to claim after a short cut");
	return true;
}

static void step_sgi(struct gic_world *w)
{
	static const enum gic_sgi_register which[] = { GIC_ICC_SGI1R, GIC_ICC_ASGI1R,
						       GIC_ICC_SGI0R };
	unsigned vcpu = below(w, w->ref.vcpus), intid = w->hot[below(w, 2)] % 16;
	unsigned reg = below(w, 3);
	uint64_t value;

	if (w->ref.version == 2) {
		value = next_random(w);
		if (below(w, 3) == 0)
			access_both(w, false, vcpu, (value & 1 ? 0xf10 : 0xf20) + intid, 1,
				    below(w, 2), value >> 8);
		else
			access_both(w, false, vcpu, 0xf00, 4, true, (value & 0x3ff0000) | intid);
		return;
	}
	value = (next_random(w) & 0xffff) | (uint64_t)intid << 24 |
		(uint64_t)(w->ref.affinity[below(w, w->ref.vcpus)] >> 8 & 0xff) << 16 |
		(uint64_t)(below(w, 4) == 0) << 40;
	if (below(w, 3) == 0) /* the writer alone */
		value = w->gic.vcpus[vcpu].sgi_self | (uint64_t)intid << 24;
	ref_sgi(&w->ref, vcpu, which[reg] != GIC_ICC_SGI1R, value);
	if (which[reg] == GIC_ICC_SGI1R && step_sgi_self(w, vcpu, value))
		return;
	gic_sgi_sysreg(&w->gic, vcpu, which[reg], value);
}

static void step_line(struct gic_world *w)
{
	unsigned intid = any_intid(w), vcpu = below(w, w->ref.vcpus);
	bool level = below(w, 2);

	if (intid < 16) {
		gic_set_level(&w->gic, intid, level); /* neither is a device's line */
		gic_set_ppi(&w->gic, vcpu, intid, level);
	} else if (intid < 32) {
		gic_set_ppi(&w->gic, vcpu, intid, level);
		ref_line(&w->ref, vcpu, intid, level);
	} else if (below(w, 4) == 0) {
		gic_pulse(&w->gic, intid);
		ref_pulse(&w->ref, intid);
	} else {
		gic_set_level(&w->gic, intid, level);
		ref_line(&w->ref, 0, intid, level);
	}
}

static void step_next(struct gic_world *w)
{
	unsigned vcpu = below(w, w->ref.vcpus);
	unsigned best = ref_best(&w->ref, vcpu);
	bool want = best < 256 && ref_lr_free(&w->ref, vcpu);
	struct irq_slot lr = { .intid = 0xffff };

	check(w, gic_next(&w->gic, vcpu, &lr) == want, "gic_next finds what there is");
	if (!want) {
		check(w, lr.intid == 0xffff, "nothing is written without a claim");
		return;
	}
	w->claims++;
	check(w, lr.intid < w->ref.intids, "a claim of an INTID that exists");
	check(w, ref_deliverable(&w->ref, vcpu, lr.intid), "a claim of what may be delivered");
	check(w, lr.priority == best / 8, "the most urgent first");
	check(w,
	      w->ref.irq[lr.intid < 32 ? vcpu : 0][lr.intid].priority == best &&
		      w->ref.irq[lr.intid < 32 ? vcpu : 0][lr.intid].group1 == (lr.group == 1),
	      "priority and group of the interrupt itself");
	check(w, ref_claim(&w->ref, vcpu, lr.intid, lr.lr), "a free list register, no second copy");
	if (below(w, 40) == 0) {
		gic_refused(&w->gic, vcpu, lr.lr);
		ref_refused(&w->ref, vcpu, lr.lr);
	}
}

/* The hardware reports what it holds, also what the VMM has given up; now and then, nonsense. */
static void step_eoi(struct gic_world *w)
{
	unsigned vcpu = below(w, w->ref.vcpus), lr = below(w, w->ref.lrs);
	bool held = w->ref.lr[vcpu][lr].content != REF_NONE || w->ref.lr[vcpu][lr].refused;

	if (!held && below(w, 16) != 0)
		return;
	if (below(w, 200) == 0)
		lr += w->ref.lrs;
	if (below(w, 2) == 0 && gic_eoi_plain(&w->gic, &w->gic.vcpus[vcpu], lr))
		check(w, ref_eoi(&w->ref, vcpu, lr) < w->ref.intids,
		      "a plain EOI of what was held");
	else
		check(w, gic_eoi(&w->gic, vcpu, lr) == ref_eoi(&w->ref, vcpu, lr),
		      "the INTID of an EOI");
}

static void step_rare(struct gic_world *w)
{
	unsigned vcpu = below(w, w->ref.vcpus);
	unsigned lr = below(w, w->ref.lrs + 2);
	bool on = below(w, 4) != 0;

	switch (below(w, 8)) {
	case 0:
		gic_power(&w->gic, vcpu, on);
		ref_power(&w->ref, vcpu, on);
		break;
	case 1:
		if (below(w, 20) != 0)
			break;
		for (unsigned i = 0; i < w->ref.vcpus; i++) {
			gic_power(&w->gic, i, false);
			ref_power(&w->ref, i, false);
		}
		gic_reset(&w->gic);
		ref_reset(&w->ref);
		break;
	case 2:
		access_both(w, true, vcpu, 0x14, 4, true, on ? 0 : 2);
		break;
	case 3:
		access_both(w, false, vcpu, 0, 4, true, below(w, 4) == 0 ? next_random(w) : 3);
		break;
	case 4:
		gic_refused(&w->gic, vcpu, lr);
		ref_refused(&w->ref, vcpu, lr);
		break;
	case 5:
		access_both(w, true, vcpu, below(w, 0x20000 / 4) * 4, 4, on, next_random(w));
		break;
	default:
		access_both(w, false, vcpu, below(w, w->ref.version == 2 ? 0x1000 : 0x8000),
			    1U << below(w, 3), on, next_random(w));
		break;
	}
}

static void compare_work(struct gic_world *w)
{
	uint32_t kicks = gic_take_kicks(&w->gic);

	for (unsigned v = 0; v < w->ref.vcpus; v++) {
		bool work = ref_lr_free(&w->ref, v) && ref_best(&w->ref, v) < 256;

		check(w, gic_has_work(&w->gic, v) == work, "who has work");
		check(w, gic_in_flight(&w->gic, v) == ref_lr_busy(&w->ref, v), "who holds some");
		check(w, !work || w->worked[v] || (kicks >> v & 1) != 0, "a kick for new work");
		w->worked[v] = work;
	}
}

/* The registers of INTIDs `first` to `first + 31`, as `vcpu` sees them. */
static void compare_block(struct gic_world *w, unsigned vcpu, unsigned first)
{
	static const uint16_t bits[] = { 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380 };
	bool redist = w->ref.version == 3 && first == 0;
	uint64_t base = redist ? 0x10000 : 0;

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		access_both(w, redist, vcpu, base + bits[i] + first / 8, 4, false, 0);
	for (unsigned i = first; i < first + 32; i += 4)
		access_both(w, redist, vcpu, base + 0x400 + i, 4, false, 0);
	for (unsigned i = first; i < first + 32; i += 16)
		access_both(w, redist, vcpu, base + 0xc00 + i / 4, 4, false, 0);
	for (unsigned i = first; i < first + 32; i++) {
		if (w->ref.version == 2)
			access_both(w, false, vcpu, 0x800 + i, 1, false, 0);
		else
			access_both(w, false, vcpu, 0x6000 + i * 8, 8, false, 0);
	}
}

void gic_world_compare(struct gic_world *w)
{
	for (unsigned v = 0; v < w->ref.vcpus; v++) {
		compare_block(w, v, 0);
		for (unsigned offset = 0; offset < 0x20; offset += 4) {
			access_both(w, false, v, offset, 4, false, 0);
			access_both(w, true, v, offset, 4, false, 0);
			access_both(w, false, v, 0xf10 + offset, 4, false, 0);
		}
	}
	/* and one block beyond the last */
	for (unsigned first = 32; first < w->ref.intids + 32 && first < 1024; first += 32)
		compare_block(w, 0, first);
}

static void start(struct gic_world *w)
{
	static const unsigned vcpus[] = { 1, 2, 4, 8 }, spis[] = { 0, 32, 64, 960 },
			      lrs[] = { 1, 2, 4, 4, 16 };
	struct gic_config config = { 0 };

	config.version = 2 + below(w, 2);
	config.vcpu_count = vcpus[below(w, 4)];
	config.spi_count = spis[below(w, 8) == 0 && w->bytes == NULL ? 3 : below(w, 3)];
	config.lr_count = lrs[below(w, 5)];
	for (unsigned i = 0; i < config.vcpu_count; i++)
		config.mpidr[i] = UINT64_C(0x80000000) | (i / 3) << 8 | i % 3;
	if (gic_init(&w->gic, &config) != VMM_OK)
		abort();
	ref_init(&w->ref, config.version, config.vcpu_count, config.spi_count, config.lr_count,
		 config.mpidr);
	for (unsigned i = 0; i < ARRAY_SIZE(w->hot); i++)
		w->hot[i] = i < 2                            ? below(w, 16)
			    : i < 4 || config.spi_count == 0 ? 16 + below(w, 16)
							     : 32 + below(w, config.spi_count);
	/* Most of the time most is on; the steps do the rest. */
	for (unsigned i = 0; i < config.vcpu_count; i++) {
		gic_power(&w->gic, i, true);
		(void)ref_power(&w->ref, i, true);
	}
	access_both(w, false, 0, 0, 4, true, 3);
}

void gic_world_seed(struct gic_world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = w->random = seed;
	start(w);
}

void gic_world_bytes(struct gic_world *w, const uint8_t *bytes, size_t size)
{
	memset(w, 0, sizeof(*w));
	w->bytes = bytes;
	w->left = size;
	start(w);
}

void gic_world_step(struct gic_world *w)
{
	unsigned dice = below(w, 100);

	if (dice < 20)
		step_bits(w);
	else if (dice < 27)
		step_fields(w);
	else if (dice < 37)
		step_sgi(w);
	else if (dice < 57)
		step_line(w);
	else if (dice < 77)
		step_next(w);
	else if (dice < 96)
		step_eoi(w);
	else
		step_rare(w);
	compare_work(w);
	w->step++;
}
