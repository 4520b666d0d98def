/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/irqchip/gic/regs: the registers both versions have, and the tables of both. */
#include "test/unit/irqchip/gic/fixture.h"

static void tables_are_sane(void **state)
{
	const struct gic_table *tables[] = { &gicv2_dist, &gicv3_dist, &gicv3_redist };
	const uint64_t sizes[] = { GIC_DIST_SIZE_V2, GIC_DIST_SIZE_V3, GIC_REDIST_SIZE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct reg_range *last = &tables[i]->ranges[tables[i]->count - 1];

		assert_true(regs_table_ok(tables[i]->ranges, tables[i]->count));
		assert_true(last->last < sizes[i]);
	}
}

/* Whatever a guest does to any byte at any width, nothing breaks and nothing unreal appears. */
static void every_byte_at_every_width(void **state)
{
	struct fixture *f = *state;
	uint64_t dist = f->gic.config.version == 2 ? GIC_DIST_SIZE_V2 : GIC_DIST_SIZE_V3;

	for (unsigned width = 1; width <= 8; width *= 2) {
		for (unsigned offset = 0; offset <= dist - width; offset++) {
			uint64_t value = dist_read(f, 1, offset, width);

			if (width < 8)
				assert_int_equal(value >> 8 * width, 0);
			if (offset % width != 0)
				assert_int_equal(value, 0);
			dist_write(f, 1, offset, width, UINT64_MAX);
			dist_write(f, 1, offset, width, 0);
		}
		for (unsigned offset = 0; offset <= GIC_REDIST_SIZE - width; offset++) {
			uint64_t value = redist_read(f, 2, offset, width);

			if (f->gic.config.version == 2 || offset % width != 0)
				assert_int_equal(value, 0);
			redist_write(f, 2, offset, width, UINT64_MAX);
		}
	}
}

static void identification(void **state)
{
	struct fixture *f = *state;
	unsigned v3 = f->gic.config.version == 3;
	unsigned id = v3 ? 0xffd0 : 0xfd0;

	assert_int_equal(dist_read(f, 0, TYPER, 4) & 0x1f, SPIS / 32);
	assert_int_equal(dist_read(f, 0, IIDR, 4), 0x5600043b);
	assert_int_equal(dist_read(f, 0, id + 0x18, 4) >> 4, f->gic.config.version); /* PIDR2 */
	assert_int_equal(dist_read(f, 0, id + 0x20, 4), 0x0d);                       /* CIDR0 */
	assert_int_equal(dist_read(f, 0, id + 0x24, 4), 0xf0);
	assert_int_equal(dist_read(f, 0, id + 0x28, 4), 0x05);
	assert_int_equal(dist_read(f, 0, id + 0x2c, 4), 0xb1);
	dist_write(f, 0, TYPER, 4, 0);
	dist_write(f, 0, IIDR, 4, 0);
	assert_int_equal(dist_read(f, 0, TYPER, 4) & 0x1f, SPIS / 32);
	assert_int_equal(dist_read(f, 0, TYPER, 8), 0);
	assert_int_equal(dist_read(f, 0, TYPER, 1), 0);
}

/* GICD_TYPER has a short cut past the table; both must say the same. */
/* Set and clear registers show the same bits; writing zeros changes none. */
static void set_and_clear_pairs(void **state)
{
	static const unsigned pairs[][2] = { { ISENABLER, ICENABLER },
					     { ISPENDR, ICPENDR },
					     { ISACTIVER, ICACTIVER } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		unsigned set = pairs[i][0] + 4, clear = pairs[i][1] + 4;

		assert_int_equal(dist_read(f, 0, set, 4), 0);
		dist_write(f, 0, set, 4, 0x80000401);
		dist_write(f, 0, set, 4, 0);
		assert_int_equal(dist_read(f, 0, set, 4), 0x80000401);
		assert_int_equal(dist_read(f, 1, clear, 4), 0x80000401); /* SPIs are not banked */
		dist_write(f, 0, clear, 4, 0x400);
		assert_int_equal(dist_read(f, 0, set, 4), 0x80000001);
		dist_write(f, 0, clear, 4, UINT32_MAX);
		assert_int_equal(dist_read(f, 0, clear, 4), 0);
	}
}

static void pending_by_software(void **state)
{
	struct fixture *f = *state;
	unsigned lr;

	/* Level-triggered, line low: pending by ISPENDR alone, until claimed. */
	arm_spi(f, UART);
	bit_write(f, 0, ISPENDR, UART);
	lr = expect_next(f, 0, UART);
	assert_int_equal(gic_eoi(&f->gic, 0, lr), UART);
	expect_next(f, 0, GIC_INTID_NONE);

	/* ICPENDR takes back the latch but not the line. */
	bit_write(f, 0, ISPENDR, UART);
	bit_write(f, 0, ICPENDR, UART);
	expect_next(f, 0, GIC_INTID_NONE);
	gic_set_level(&f->gic, UART, true);
	bit_write(f, 0, ISPENDR, UART);
	bit_write(f, 0, ICPENDR, UART);
	assert_true(bit_read(f, 0, ISPENDR, UART));
	gic_set_level(&f->gic, UART, false);
	assert_false(bit_read(f, 0, ISPENDR, UART));

	/* In flight: pending once more. */
	bit_write(f, 0, ISPENDR, UART);
	lr = expect_next(f, 0, UART);
	bit_write(f, 0, ISPENDR, UART);
	assert_int_equal(gic_eoi(&f->gic, 0, lr), UART);
	lr = expect_next(f, 0, UART);
	bit_write(f, 0, ISPENDR, UART);
	bit_write(f, 0, ICPENDR, UART);
	assert_int_equal(gic_eoi(&f->gic, 0, lr), UART);
	expect_next(f, 0, GIC_INTID_NONE);
}

static void trigger_bits(void **state)
{
	struct fixture *f = *state;

	dist_write(f, 0, ICFGR + 8, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ICFGR + 8, 4),
			 0xaaaaaaaa); /* bit 0 of a field is reserved */
	dist_write(f, 0, ICFGR + 8, 4, 0x8);
	assert_int_equal(dist_read(f, 0, ICFGR + 8, 4), 0x8);
	/* SGIs are edges for good, PPIs are levels at reset and may be changed. */
	edge_write(f, 0, 3, false);
	edge_write(f, 0, TIMER, true);
	if (f->gic.config.version == 2) {
		assert_int_equal(dist_read(f, 0, ICFGR, 4), 0xaaaaaaaa);
		assert_int_equal(dist_read(f, 0, ICFGR + 4, 4), UINT32_C(2) << 22);
		assert_int_equal(dist_read(f, 1, ICFGR + 4, 4), 0); /* banked */
	} else {
		assert_int_equal(redist_read(f, 0, SGI_BASE + ICFGR, 4), 0xaaaaaaaa);
		assert_int_equal(redist_read(f, 0, SGI_BASE + ICFGR + 4, 4), UINT32_C(2) << 22);
		assert_int_equal(redist_read(f, 1, SGI_BASE + ICFGR + 4, 4), 0);
	}
}

static void trigger_change_rereads_the_line(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	gic_set_level(&f->gic, UART, true);
	edge_write(f, 0, UART, true); /* no edge was seen */
	assert_false(bit_read(f, 0, ISPENDR, UART));
	expect_next(f, 0, GIC_INTID_NONE);
	edge_write(f, 0, UART, false);
	(void)expect_next(f, 0, UART);
}

static void priorities_by_byte_and_word(void **state)
{
	struct fixture *f = *state;

	dist_write(f, 0, IPRIORITYR + 32, 4, 0x12345678);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + 32, 4), 0x10305078);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + 33, 1), 0x50);
	dist_write(f, 0, IPRIORITYR + 33, 1, 0xff);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + 32, 4), 0x1030f878);
	dist_write(f, 0, IPRIORITYR + 32, 2, 0xffff); /* no halfwords */
	dist_write(f, 0, IPRIORITYR + 32, 8, UINT64_MAX);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + 32, 4), 0x1030f878);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + 32, 2), 0);
}

static void intids_beyond_the_last_do_not_exist(void **state)
{
	static const unsigned arrays[] = { IGROUPR, ISENABLER, ISPENDR, ISACTIVER };
	struct fixture *f = *state;
	unsigned beyond = 32 + SPIS;

	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		for (unsigned intid = beyond; intid < 1024; intid += 32) {
			dist_write(f, 0, arrays[i] + intid / 8, 4, UINT32_MAX);
			assert_int_equal(dist_read(f, 0, arrays[i] + intid / 8, 4), 0);
		}
	}
	dist_write(f, 0, IPRIORITYR + beyond, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, IPRIORITYR + beyond, 4), 0);
	dist_write(f, 0, ICFGR + beyond / 4, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ICFGR + beyond / 4, 4), 0);
	/* and the last one that does */
	arm_spi(f, beyond - 1);
	gic_pulse(&f->gic, beyond - 1);
	(void)expect_next(f, 0, beyond - 1);
}

static void private_registers_are_each_vcpus_own(void **state)
{
	struct fixture *f = *state;

	bit_write(f, 1, ISENABLER, TIMER);
	priority_write(f, 1, TIMER, 0x40);
	assert_true(bit_read(f, 1, ISENABLER, TIMER));
	assert_false(bit_read(f, 0, ISENABLER, TIMER));
	dist_write(f, 0, CTLR, 4, 3);
	gic_set_ppi(&f->gic, 0, TIMER, true);
	gic_set_ppi(&f->gic, 1, TIMER, true);
	expect_next(f, 0, GIC_INTID_NONE);
	(void)expect_next(f, 1, TIMER);
	assert_true(bit_read(f, 1, ISACTIVER, TIMER));
	assert_false(bit_read(f, 0, ISACTIVER, TIMER));
}

static void group_reset_and_change(void **state)
{
	struct fixture *f = *state;
	uint64_t reset = f->gic.config.version == 3 ? UINT32_MAX : 0;

	assert_int_equal(dist_read(f, 0, IGROUPR + 4, 4), reset);
	dist_write(f, 0, IGROUPR + 4, 4, 0x0f0f0f0f);
	assert_int_equal(dist_read(f, 0, IGROUPR + 4, 4), 0x0f0f0f0f);
	bit_write(f, 2, IGROUPR, 5);
	assert_true(bit_read(f, 2, IGROUPR, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sane),
		BOTH(every_byte_at_every_width),
		BOTH(identification),
		BOTH(set_and_clear_pairs),
		BOTH(pending_by_software),
		BOTH(trigger_bits),
		BOTH(trigger_change_rereads_the_line),
		BOTH(priorities_by_byte_and_word),
		BOTH(intids_beyond_the_last_do_not_exist),
		BOTH(private_registers_are_each_vcpus_own),
		BOTH(group_reset_and_change),
	};

	return cmocka_run_group_tests_name("irqchip/gic/regs", tests, NULL, NULL);
}
