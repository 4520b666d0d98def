/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/model/gic_ref.h"

#include <string.h>

static struct ref_irq *irq_of(struct ref *ref, unsigned vcpu, unsigned intid)
{
	return intid < 32 ? &ref->irq[vcpu][intid] : &ref->irq[0][intid];
}

static bool exists(const struct ref *ref, unsigned intid)
{
	return intid < ref->intids;
}

void ref_init(struct ref *ref, unsigned version, unsigned vcpus, unsigned spis, unsigned lrs,
	      const uint64_t *mpidr)
{
	memset(ref, 0, sizeof(*ref));
	ref->version = version;
	ref->vcpus = vcpus;
	ref->intids = 32 + spis;
	ref->lrs = lrs;
	for (unsigned i = 0; i < vcpus; i++)
		ref->affinity[i] =
			(uint32_t)((mpidr[i] >> 32 & 0xff) << 24 | (mpidr[i] & 0xffffff));
	ref_reset(ref);
}

static uint64_t router_of(uint32_t affinity)
{
	return (uint64_t)(affinity >> 24) << 32 | (affinity & 0xffffff);
}

void ref_reset(struct ref *ref)
{
	ref->ctlr = 0;
	for (unsigned v = 0; v < REF_VCPUS; v++) {
		ref->on[v] = v == 0;
		ref->asleep[v] = false;
		for (unsigned lr = 0; lr < REF_LRS; lr++)
			ref->lr[v][lr] = (struct ref_lr){ .content = REF_NONE };
		for (unsigned intid = 0; intid < ref->intids; intid++)
			ref->irq[v][intid] = (struct ref_irq){
				.group1 = ref->version == 3,
				.edge = intid < 16,
				.router = router_of(ref->affinity[0]),
				.had_source = REF_NONE,
			};
	}
}

static bool pending(const struct ref_irq *irq)
{
	for (unsigned v = 0; v < REF_VCPUS; v++)
		if (irq->from[v])
			return true;
	if (irq->latch)
		return true;
	return !irq->edge && irq->line;
}

static bool awake(const struct ref *ref, unsigned vcpu)
{
	return ref->on[vcpu] && !ref->asleep[vcpu];
}

/* Which vCPU an SPI goes to now, REF_NONE for none that could take it. */
static int spi_target(const struct ref *ref, const struct ref_irq *irq)
{
	for (unsigned v = 0; v < ref->vcpus; v++) {
		bool aimed;

		if (ref->version == 2)
			aimed = ref->vcpus == 1 || (irq->targets & 1U << v) != 0;
		else if ((irq->router & 0x80000000) != 0)
			aimed = true;
		else
			aimed = irq->router == router_of(ref->affinity[v]);
		if (aimed && awake(ref, v))
			return (int)v;
	}
	return REF_NONE;
}

bool ref_deliverable(struct ref *ref, unsigned vcpu, unsigned intid)
{
	const struct ref_irq *irq = irq_of(ref, vcpu, intid);

	if (!exists(ref, intid) || !irq->enabled || irq->active || irq->flight || !pending(irq))
		return false;
	if ((ref->ctlr & (irq->group1 ? 2 : 1)) == 0)
		return false;
	if (intid < 32)
		return awake(ref, vcpu);
	return spi_target(ref, irq) == (int)vcpu;
}

unsigned ref_best(struct ref *ref, unsigned vcpu)
{
	unsigned best = 256;

	for (unsigned intid = 0; intid < ref->intids; intid++)
		if (ref_deliverable(ref, vcpu, intid) && irq_of(ref, vcpu, intid)->priority < best)
			best = irq_of(ref, vcpu, intid)->priority;
	return best;
}

bool ref_lr_free(struct ref *ref, unsigned vcpu)
{
	for (unsigned lr = 0; lr < ref->lrs; lr++)
		if (!ref->lr[vcpu][lr].busy)
			return true;
	return false;
}

bool ref_lr_busy(struct ref *ref, unsigned vcpu)
{
	for (unsigned lr = 0; lr < ref->lrs; lr++)
		if (ref->lr[vcpu][lr].busy)
			return true;
	return false;
}

bool ref_claim(struct ref *ref, unsigned vcpu, unsigned intid, unsigned lr)
{
	struct ref_irq *irq = irq_of(ref, vcpu, intid);

	if (lr >= ref->lrs || ref->lr[vcpu][lr].busy)
		return false;
	for (unsigned i = 0; i < ref->lrs; i++)
		if (i != lr && ref->lr[vcpu][i].content == (int)intid)
			return false;
	ref->lr[vcpu][lr] = (struct ref_lr){ .busy = true, .content = (int16_t)intid };
	irq->flight = true;
	irq->active = true;
	irq->flight_vcpu = (uint8_t)vcpu;
	irq->flight_lr = (uint8_t)lr;
	irq->had_latch = irq->latch;
	irq->latch = false;
	irq->had_source = REF_NONE;
	for (unsigned v = 0; v < REF_VCPUS; v++) {
		if (irq->from[v]) {
			irq->from[v] = false;
			irq->had_source = (int8_t)v;
			break;
		}
	}
	return true;
}

/* The interrupt that is in flight in this list register, or NULL. */
static struct ref_irq *flying(struct ref *ref, unsigned vcpu, unsigned lr, unsigned *intid)
{
	for (unsigned i = 0; i < ref->intids; i++) {
		struct ref_irq *irq = irq_of(ref, vcpu, i);

		if (irq->flight && irq->flight_vcpu == vcpu && irq->flight_lr == lr) {
			*intid = i;
			return irq;
		}
	}
	return NULL;
}

static void end(struct ref_irq *irq, bool give_back)
{
	if (irq->flight && give_back) {
		irq->latch = irq->latch || irq->had_latch;
		if (irq->had_source != REF_NONE)
			irq->from[irq->had_source] = true;
	}
	irq->flight = false;
	irq->active = false;
}

unsigned ref_eoi(struct ref *ref, unsigned vcpu, unsigned lr)
{
	unsigned intid = 1023;
	struct ref_irq *irq;

	if (lr >= ref->lrs)
		return 1023;
	irq = flying(ref, vcpu, lr, &intid);
	if (irq != NULL)
		end(irq, false);
	ref->lr[vcpu][lr] = (struct ref_lr){ .content = REF_NONE };
	return intid;
}

void ref_refused(struct ref *ref, unsigned vcpu, unsigned lr)
{
	unsigned intid;
	struct ref_irq *irq;

	if (lr >= ref->lrs)
		return;
	irq = flying(ref, vcpu, lr, &intid);
	if (irq == NULL)
		return;
	end(irq, true);
	/*
	 * What the kernel refused to overwrite is still there, but it is nobody's INTID of ours.
	 */
	ref->lr[vcpu][lr] = (struct ref_lr){ .busy = true, .refused = true, .content = REF_NONE };
}

void ref_power(struct ref *ref, unsigned vcpu, bool on)
{
	ref->on[vcpu] = on;
	if (on)
		return;
	for (unsigned lr = 0; lr < ref->lrs; lr++) {
		unsigned intid;
		struct ref_irq *irq = flying(ref, vcpu, lr, &intid);

		if (irq != NULL)
			end(irq, true);
		ref->lr[vcpu][lr] = (struct ref_lr){ .content = REF_NONE };
	}
}

void ref_line(struct ref *ref, unsigned vcpu, unsigned intid, bool level)
{
	struct ref_irq *irq = irq_of(ref, vcpu, intid);

	if (!exists(ref, intid))
		return;
	if (irq->edge && level && !irq->line)
		irq->latch = true;
	irq->line = level;
}

void ref_pulse(struct ref *ref, unsigned intid)
{
	if (intid >= 32 && exists(ref, intid))
		irq_of(ref, 0, intid)->latch = true;
}

void ref_sgi(struct ref *ref, unsigned vcpu, bool only_group0, uint64_t value)
{
	unsigned intid = value >> 24 & 0xf;

	if (ref->version != 3)
		return;
	for (unsigned v = 0; v < ref->vcpus; v++) {
		bool meant;

		if ((value & UINT64_C(1) << 40) != 0) {
			meant = v != vcpu;
		} else {
			unsigned aff0 = ref->affinity[v] & 0xff;

			meant = (value >> 48 & 0xff) == ref->affinity[v] >> 24 &&
				(value >> 32 & 0xff) == (ref->affinity[v] >> 16 & 0xff) &&
				(value >> 16 & 0xff) == (ref->affinity[v] >> 8 & 0xff) &&
				(value >> 44 & 0xf) == aff0 >> 4 &&
				(value & UINT64_C(1) << (aff0 & 0xf)) != 0;
		}
		if (meant && !(only_group0 && ref->irq[v][intid].group1))
			ref->irq[v][intid].latch = true;
	}
}

/* --- registers --- */

/* The one-bit arrays, by the base of the array. */
static bool bit_get(struct ref *ref, unsigned base, unsigned vcpu, unsigned intid)
{
	const struct ref_irq *irq = irq_of(ref, vcpu, intid);

	switch (base) {
	case 0x080:
		return irq->group1;
	case 0x100:
	case 0x180:
		return irq->enabled;
	case 0x200:
	case 0x280:
		return pending(irq);
	default:
		return irq->active;
	}
}

static void bit_set(struct ref *ref, unsigned base, unsigned vcpu, unsigned intid, bool value)
{
	struct ref_irq *irq = irq_of(ref, vcpu, intid);
	bool v2_sgi = ref->version == 2 && intid < 16;

	if (base == 0x080) {
		irq->group1 = value;
		return;
	}
	if (!value)
		return;
	switch (base) {
	case 0x100:
		irq->enabled = true;
		break;
	case 0x180:
		irq->enabled = false;
		break;
	case 0x200:
		irq->latch = irq->latch || !v2_sgi;
		break;
	case 0x280:
		irq->latch = irq->latch && v2_sgi;
		break;
	case 0x300:
		irq->active = true;
		break;
	default: /* 0x380: the list register is free, though the hardware keeps the content */
		if (irq->flight)
			ref->lr[irq->flight_vcpu][irq->flight_lr].busy = false;
		end(irq, false);
		break;
	}
}

static uint64_t id_get(const struct ref *ref, unsigned number)
{
	static const uint8_t v2[12] = { 4, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 5, 0xb1 };
	static const uint8_t v3[12] = { 0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 5, 0xb1 };

	return ref->version == 2 ? v2[number] : v3[number];
}

/*
 * One byte of the interrupt arrays that distributor and SGI_base have alike, offsets below 0xd00.
 * `lo` and `hi` bound the INTIDs that the frame shows.
 */
static uint64_t array_read(struct ref *ref, unsigned vcpu, unsigned offset, unsigned lo,
			   unsigned hi)
{
	uint64_t byte = 0;

	if (offset >= 0x080 && offset < 0x400) {
		for (unsigned i = 0; i < 8; i++) {
			unsigned intid = offset % 0x80 * 8 + i;

			if (intid >= lo && intid < hi &&
			    bit_get(ref, offset / 0x80 * 0x80, vcpu, intid))
				byte |= 1U << i;
		}
	} else if (offset >= 0x400 && offset < 0x800) {
		if (offset - 0x400 >= lo && offset - 0x400 < hi)
			byte = irq_of(ref, vcpu, offset - 0x400)->priority;
	} else if (offset >= 0xc00 && offset < 0xd00) {
		for (unsigned i = 0; i < 4; i++) {
			unsigned intid = (offset - 0xc00) * 4 + i;

			if (intid >= lo && intid < hi && irq_of(ref, vcpu, intid)->edge)
				byte |= 2U << 2 * i;
		}
	}
	return byte;
}

static void array_write(struct ref *ref, unsigned vcpu, unsigned offset, unsigned lo, unsigned hi,
			unsigned byte)
{
	if (offset >= 0x080 && offset < 0x400) {
		for (unsigned i = 0; i < 8; i++) {
			unsigned intid = offset % 0x80 * 8 + i;

			if (intid >= lo && intid < hi)
				bit_set(ref, offset / 0x80 * 0x80, vcpu, intid, byte >> i & 1);
		}
	} else if (offset >= 0x400 && offset < 0x800) {
		if (offset - 0x400 >= lo && offset - 0x400 < hi)
			irq_of(ref, vcpu, offset - 0x400)->priority = byte & 0xf8;
	} else if (offset >= 0xc00 && offset < 0xd00) {
		for (unsigned i = 0; i < 4; i++) {
			unsigned intid = (offset - 0xc00) * 4 + i;

			if (intid >= lo && intid < hi && intid >= 16)
				irq_of(ref, vcpu, intid)->edge = byte >> (2 * i + 1) & 1;
		}
	}
}

/* Which widths an offset of the arrays can be accessed with. */
static bool array_width_ok(unsigned offset, unsigned width)
{
	return width == 4 || (width == 1 && offset >= 0x400 && offset < 0x800);
}

static void v2_sgir(struct ref *ref, unsigned vcpu, uint64_t value)
{
	for (unsigned v = 0; v < ref->vcpus; v++) {
		bool meant = (value >> 24 & 3) == 0   ? (value >> 16 & 1U << v) != 0
			     : (value >> 24 & 3) == 1 ? v != vcpu
						      : (value >> 24 & 3) == 2 && v == vcpu;

		if (meant)
			ref->irq[v][value & 0xf].from[vcpu] = true;
	}
}

/* The registers only GICv2 has, a byte at a time. */
static uint64_t v2_read(struct ref *ref, unsigned vcpu, unsigned offset)
{
	uint64_t byte = 0;

	if (offset >= 0x800 && offset < 0xc00) {
		unsigned intid = offset - 0x800;

		if (ref->vcpus == 1 || !exists(ref, intid))
			return 0;
		return intid < 32 ? 1U << vcpu : irq_of(ref, vcpu, intid)->targets;
	}
	if (offset >= 0xf10 && offset < 0xf30)
		for (unsigned v = 0; v < REF_VCPUS; v++)
			if (ref->irq[vcpu][offset % 16].from[v])
				byte |= 1U << v;
	return byte;
}

static void v2_write(struct ref *ref, unsigned vcpu, unsigned offset, unsigned byte)
{
	if (offset >= 0x800 && offset < 0xc00) {
		unsigned intid = offset - 0x800;

		if (ref->vcpus > 1 && intid >= 32 && exists(ref, intid))
			irq_of(ref, vcpu, intid)->targets =
				(uint8_t)(byte & ((1U << ref->vcpus) - 1));
	} else if (offset >= 0xf10 && offset < 0xf30) {
		for (unsigned v = 0; v < ref->vcpus; v++)
			if ((byte & 1U << v) != 0)
				ref->irq[vcpu][offset % 16].from[v] = offset >= 0xf20;
	}
}

uint64_t ref_dist_read(struct ref *ref, unsigned vcpu, uint64_t at, unsigned width)
{
	unsigned offset = (unsigned)at;
	unsigned ids = ref->version == 2 ? 0xfd0 : 0xffd0;
	uint64_t value = 0;

	if (offset % width != 0)
		return 0;
	if (ref->version == 3 && offset >= 0x6100 && offset < 0x7f00 && width >= 4) {
		unsigned intid = (offset - 0x6000) / 8;

		if (!exists(ref, intid))
			return 0;
		value = irq_of(ref, vcpu, intid)->router;
		return width == 8 ? value : offset % 8 == 4 ? value >> 32 : value & 0xffffffff;
	}
	if (offset >= ids && offset < ids + 0x30 && width == 4)
		return id_get(ref, (offset - ids) / 4);
	if (offset == 0 && width == 4)
		return ref->ctlr | (ref->version == 3 ? 0x50 : 0);
	if (offset == 4 && width == 4)
		return (ref->intids / 32 - 1) |
		       (ref->version == 2 ? (ref->vcpus - 1) << 5 : 9U << 19 | 1U << 24);
	if (offset == 8 && width == 4)
		return 0x5600043b;
	if (ref->version == 2 && (width == 1 || width == 4) && offset >= 0x800 &&
	    (offset < 0xc00 || (offset >= 0xf10 && offset < 0xf30))) {
		for (unsigned i = 0; i < width; i++)
			value |= v2_read(ref, vcpu, offset + i) << 8 * i;
	} else if (array_width_ok(offset, width)) {
		for (unsigned i = 0; i < width; i++)
			value |= array_read(ref, vcpu, offset + i, ref->version == 2 ? 0 : 32,
					    ref->intids)
				 << 8 * i;
	}
	return value;
}

void ref_dist_write(struct ref *ref, unsigned vcpu, uint64_t at, unsigned width, uint64_t value)
{
	unsigned offset = (unsigned)at;

	if (offset % width != 0)
		return;
	if (ref->version == 3 && offset >= 0x6100 && offset < 0x7f00 && width >= 4) {
		struct ref_irq *irq;

		if (!exists(ref, (offset - 0x6000) / 8))
			return;
		irq = irq_of(ref, vcpu, (offset - 0x6000) / 8);
		if (width == 4 && offset % 8 == 0)
			value = (irq->router & ~UINT64_C(0xffffffff)) | (value & 0xffffffff);
		else if (width == 4)
			value = (irq->router & 0xffffffff) | value << 32;
		irq->router = value & UINT64_C(0xff80ffffff);
		return;
	}
	if (offset == 0 && width == 4)
		ref->ctlr = value & 3;
	if (ref->version == 2 && offset == 0xf00 && width == 4)
		v2_sgir(ref, vcpu, value);
	if (ref->version == 2 && (width == 1 || width == 4) && offset >= 0x800 &&
	    (offset < 0xc00 || (offset >= 0xf10 && offset < 0xf30))) {
		for (unsigned i = 0; i < width; i++)
			v2_write(ref, vcpu, offset + i, value >> 8 * i & 0xff);
	} else if (array_width_ok(offset, width)) {
		for (unsigned i = 0; i < width; i++)
			array_write(ref, vcpu, offset + i, ref->version == 2 ? 0 : 32, ref->intids,
				    value >> 8 * i & 0xff);
	}
}

uint64_t ref_redist_read(struct ref *ref, unsigned vcpu, uint64_t at, unsigned width)
{
	unsigned offset = (unsigned)at;
	uint64_t value = 0;

	if (ref->version != 3 || offset % width != 0)
		return 0;
	if (offset >= 8 && offset < 16 && width >= 4) {
		value = (uint64_t)ref->affinity[vcpu] << 32 | vcpu << 8 |
			(vcpu + 1 == ref->vcpus ? 0x10 : 0);
		return width == 8 ? value : offset == 12 ? value >> 32 : value & 0xffffffff;
	}
	if (offset == 4 && width == 4)
		return 0x5600043b;
	if (offset == 0x14 && width == 4)
		return ref->asleep[vcpu] ? 6 : 0;
	if (offset >= 0xffd0 && offset < 0x10000 && width == 4)
		return id_get(ref, (offset - 0xffd0) / 4);
	if (offset >= 0x10000 && array_width_ok(offset - 0x10000, width))
		for (unsigned i = 0; i < width; i++)
			value |= array_read(ref, vcpu, offset - 0x10000 + i, 0, 32) << 8 * i;
	return value;
}

void ref_redist_write(struct ref *ref, unsigned vcpu, uint64_t at, unsigned width, uint64_t value)
{
	unsigned offset = (unsigned)at;

	if (ref->version != 3 || offset % width != 0)
		return;
	if (offset == 0x14 && width == 4)
		ref->asleep[vcpu] = (value & 2) != 0;
	if (offset >= 0x10000 && array_width_ok(offset - 0x10000, width))
		for (unsigned i = 0; i < width; i++)
			array_write(ref, vcpu, offset - 0x10000 + i, 0, 32, value >> 8 * i & 0xff);
}
