/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/irqchip/gic/fixture.h"

unsigned fixture_kicks(struct fixture *f, unsigned vcpu)
{
	uint32_t kicks = gic_take_kicks(&f->gic);

	for (unsigned i = 0; i < GIC_VCPUS; i++)
		f->kicks[i] += kicks >> i & 1;
	return f->kicks[vcpu];
}

struct fixture *fixture_make(unsigned version, unsigned vcpus, unsigned lrs)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct gic_config config = {
		.version = version,
		.vcpu_count = vcpus,
		.spi_count = SPIS,
		.lr_count = lrs,
	};

	assert_non_null(f);
	/*
	 * Two clusters, so that an affinity is not a vCPU's number: 0.0, 0.1, 1.0, 1.1, 2.0 ...
	 */
	for (unsigned i = 0; i < vcpus && i < GIC_VCPUS; i++)
		config.mpidr[i] = UINT64_C(0x80000000) | (i / 2) << 8 | i % 2;
	assert_int_equal(gic_init(&f->gic, &config), VMM_OK);
	for (unsigned i = 0; i < vcpus; i++)
		gic_power(&f->gic, i, true);
	return f;
}

int setup_v2(void **state)
{
	*state = fixture_make(2, VCPUS, LRS);
	return 0;
}

int setup_v3(void **state)
{
	*state = fixture_make(3, VCPUS, LRS);
	return 0;
}

int teardown(void **state)
{
	free(*state);
	return 0;
}

static uint64_t reg_access(struct fixture *f, mmio_handler handler, struct mmio_access access)
{
	handler(&f->gic, &access);
	return access.value;
}

uint64_t dist_read(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width)
{
	return reg_access(f, gic_dist_access,
			  (struct mmio_access){ .offset = offset,
						.value = UINT64_MAX,
						.width = (uint8_t)width,
						.vcpu = (uint16_t)vcpu });
}

void dist_write(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width, uint64_t value)
{
	(void)reg_access(f, gic_dist_access,
			 (struct mmio_access){ .offset = offset,
					       .value = value,
					       .width = (uint8_t)width,
					       .write = true,
					       .vcpu = (uint16_t)vcpu });
}

/* From vCPU 0, whoever the frame belongs to. */
uint64_t redist_read(struct fixture *f, unsigned frame, unsigned offset, unsigned width)
{
	return reg_access(f, gic_redist_access,
			  (struct mmio_access){ .offset = frame * GIC_REDIST_SIZE + offset,
						.value = UINT64_MAX,
						.width = (uint8_t)width });
}

void redist_write(struct fixture *f, unsigned frame, unsigned offset, unsigned width,
		  uint64_t value)
{
	(void)reg_access(f, gic_redist_access,
			 (struct mmio_access){ .offset = frame * GIC_REDIST_SIZE + offset,
					       .value = value,
					       .width = (uint8_t)width,
					       .write = true });
}

static uint64_t any_read(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width,
			 unsigned intid)
{
	if (f->gic.config.version == 3 && intid < GIC_PRIVATE)
		return redist_read(f, vcpu, SGI_BASE + offset, width);
	return dist_read(f, vcpu, offset, width);
}

static void any_write(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width,
		      unsigned intid, uint64_t value)
{
	if (f->gic.config.version == 3 && intid < GIC_PRIVATE)
		redist_write(f, vcpu, SGI_BASE + offset, width, value);
	else
		dist_write(f, vcpu, offset, width, value);
}

void bit_write(struct fixture *f, unsigned vcpu, unsigned array, unsigned intid)
{
	any_write(f, vcpu, array + intid / 32 * 4, 4, intid, UINT32_C(1) << intid % 32);
}

bool bit_read(struct fixture *f, unsigned vcpu, unsigned array, unsigned intid)
{
	return (any_read(f, vcpu, array + intid / 32 * 4, 4, intid) >> intid % 32 & 1) != 0;
}

void priority_write(struct fixture *f, unsigned vcpu, unsigned intid, unsigned priority)
{
	any_write(f, vcpu, IPRIORITYR + intid, 1, intid, priority);
}

void edge_write(struct fixture *f, unsigned vcpu, unsigned intid, bool edge)
{
	unsigned offset = ICFGR + intid / 16 * 4;
	uint64_t bit = UINT64_C(2) << intid % 16 * 2;
	uint64_t value = any_read(f, vcpu, offset, 4, intid);

	any_write(f, vcpu, offset, 4, intid, edge ? value | bit : value & ~bit);
}

void route_write(struct fixture *f, unsigned intid, unsigned vcpu)
{
	if (f->gic.config.version == 2)
		dist_write(f, 0, ITARGETSR + intid, 1, UINT64_C(1) << vcpu);
	else
		dist_write(f, 0, IROUTER + intid * 8, 8, f->gic.config.mpidr[vcpu] & 0xffffff);
}

void arm_spi(struct fixture *f, unsigned intid)
{
	dist_write(f, 0, CTLR, 4, GIC_CTLR_GRP0 | GIC_CTLR_GRP1);
	route_write(f, intid, 0);
	bit_write(f, 0, ISENABLER, intid);
}

unsigned expect_next(struct fixture *f, unsigned vcpu, unsigned intid)
{
	struct irq_slot lr = { .intid = GIC_INTID_NONE };
	bool work = gic_has_work(&f->gic, vcpu);
	bool found = gic_next(&f->gic, vcpu, &lr);

	assert_int_equal(lr.intid, intid);
	assert_int_equal(found, work);
	return lr.lr;
}
