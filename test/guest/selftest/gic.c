// SPDX-License-Identifier: BSD-2-Clause
/*
 * What software may rely on of a GIC (IHI 0048B 3.2, IHI 0069H 4), with interrupts of this CPU and
 * SPIs that have no device. Everything polls the acknowledge register with PSTATE.I set.
 */
#include "test/guest/selftest/selftest.h"

enum {
	GICD_CTLR = 0x000,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_SPENDSGIR = 0xf20,
	GICD_CPENDSGIR = 0xf10,
	SGIS = 16,
};

static bool none(uint32_t iar)
{
	return (iar & 0x3ff) >= GIC_SPURIOUS;
}

static void spurious_when_idle(void)
{
	EXPECT_EQ(test_ack() & 0x3ff, 1023);
}

static void sgi_to_self(void)
{
	for (uint32_t id = 0; id < SGIS; id++) {
		uint32_t iar;

		gic_send(0, id);
		iar = ack_within(SOON_MS);
		EXPECT_EQ(iar & 0x3ff, id);
		test_eoi(iar);
		EXPECT(none(test_ack()));
	}
}

/* All sixteen at once, with priorities against the order of their numbers: more than list registers. */
static void all_sgis_by_priority(void)
{
	uint32_t iars[SGIS];

	for (uint32_t id = 0; id < SGIS; id++)
		gic_set_priority(0, id, (uint8_t)(0xc0 - 8 * id));
	gic_set_mask(0);
	for (uint32_t id = 0; id < SGIS; id++)
		gic_send(0, id);
	gic_set_mask(0xf0);
	/* What was already in a list register may come before a more urgent one that waits. */
	for (uint32_t i = 0; i < SGIS; i++) {
		iars[i] = ack_within(SOON_MS);
		EXPECT(!none(iars[i]));
		test_eoi(iars[i]);
	}
	EXPECT(none(test_ack()));
	for (uint32_t id = 0; id < SGIS; id++) {
		uint32_t seen = 0;

		for (uint32_t i = 0; i < SGIS; i++)
			seen += (iars[i] & 0x3ff) == id;
		EXPECT_EQ(seen, 1);
		gic_set_priority(0, id, 0x80);
	}
}

static void two_sgis_by_priority(void)
{
	uint32_t first, second;

	gic_set_priority(0, 3, 0xa0);
	gic_set_priority(0, 9, 0x40);
	gic_send(0, 3);
	gic_send(0, 9);
	first = ack_within(SOON_MS);
	EXPECT_EQ(first & 0x3ff, 9);
	test_eoi(first);
	second = ack_within(SOON_MS);
	EXPECT_EQ(second & 0x3ff, 3);
	test_eoi(second);
	gic_set_priority(0, 3, 0x80);
	gic_set_priority(0, 9, 0x80);
}

static void preemption(void)
{
	uint32_t low, high;

	gic_set_priority(0, 3, 0xa0);
	gic_set_priority(0, 9, 0x40);
	gic_send(0, 3);
	low = ack_within(SOON_MS);
	EXPECT_EQ(low & 0x3ff, 3);
	gic_send(0, 9);
	high = ack_within(SOON_MS);
	EXPECT_EQ(high & 0x3ff, 9);
	test_eoi(high);
	test_eoi(low);
	EXPECT(none(test_ack()));
	gic_set_priority(0, 3, 0x80);
	gic_set_priority(0, 9, 0x80);
}

static void priority_mask(void)
{
	uint32_t iar;

	/* VCPU_InjectIRQ takes priorities 0 to 31 of the 255 that a GICv3 list register knows. */
	SKIP_IF(!test_bare() && machine.gic_version == 3, "seL4 has no priorities above 31 here");
	gic_set_mask(0x40);
	gic_send(0, 4);
	iar = ack_within(NEVER_MS);
	gic_set_mask(0xf0);
	EXPECT(none(iar));
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 4);
	test_eoi(iar);
}

static void disabled_stays_pending(void)
{
	uint32_t iar;

	gic_route(SPARE_SPI, 0);
	gic_set_priority(0, SPARE_SPI, 0x80);
	gic_set_edge(SPARE_SPI, true);
	gic_set_pending(0, SPARE_SPI);
	EXPECT(none(ack_within(NEVER_MS)));
	EXPECT(gic_is_pending(0, SPARE_SPI));
	gic_enable(0, SPARE_SPI);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, SPARE_SPI);
	test_eoi(iar);
	gic_disable(0, SPARE_SPI);
	EXPECT(none(ack_within(NEVER_MS)));
}

static void pending_while_active_comes_again(void)
{
	uint32_t iar;

	gic_send(0, 6);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 6);
	gic_send(0, 6);
	EXPECT(none(test_ack()));
	test_eoi(iar);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 6);
	test_eoi(iar);
	EXPECT(none(ack_within(NEVER_MS)));
}

static void spi_by_hand(void)
{
	uint32_t iar;

	gic_route(SPARE_SPI, 0);
	gic_set_priority(0, SPARE_SPI, 0x80);
	gic_set_edge(SPARE_SPI, true);
	gic_enable(0, SPARE_SPI);
	gic_set_pending(0, SPARE_SPI);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, SPARE_SPI);
	EXPECT(!gic_is_pending(0, SPARE_SPI));
	test_eoi(iar);
	EXPECT(none(ack_within(NEVER_MS)));
	gic_disable(0, SPARE_SPI);
}

static void spi_cleared_in_time(void)
{
	gic_route(SPARE_SPI, 0);
	gic_set_edge(SPARE_SPI, true);
	gic_disable(0, SPARE_SPI);
	gic_set_pending(0, SPARE_SPI);
	EXPECT(gic_is_pending(0, SPARE_SPI));
	gic_clear_pending(0, SPARE_SPI);
	EXPECT(!gic_is_pending(0, SPARE_SPI));
	gic_enable(0, SPARE_SPI);
	EXPECT(none(ack_within(NEVER_MS)));
	gic_disable(0, SPARE_SPI);
}

static void disable_while_active(void)
{
	uint32_t iar;

	gic_route(SPARE_SPI, 0);
	gic_set_edge(SPARE_SPI, true);
	gic_enable(0, SPARE_SPI);
	gic_set_pending(0, SPARE_SPI);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, SPARE_SPI);
	gic_disable(0, SPARE_SPI);
	gic_set_pending(0, SPARE_SPI);
	test_eoi(iar);
	EXPECT(none(ack_within(NEVER_MS)));
	EXPECT(gic_is_pending(0, SPARE_SPI));
	gic_enable(0, SPARE_SPI);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, SPARE_SPI);
	test_eoi(iar);
	gic_disable(0, SPARE_SPI);
	EXPECT(none(test_ack()));
}

static void distributor_off(void)
{
	uint32_t control = read32(machine.gicd + GICD_CTLR), iar;

	write32(machine.gicd + GICD_CTLR, control & ~3u);
	gic_send(0, 7);
	iar = ack_within(NEVER_MS);
	write32(machine.gicd + GICD_CTLR, control);
	EXPECT(none(iar));
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 7);
	test_eoi(iar);
}

static void enable_registers(void)
{
	uint64_t set = machine.gicd + GICD_ISENABLER + 4, clear = machine.gicd + GICD_ICENABLER + 4;
	uint32_t before = read32(set);

	write32(set, 0xff000000);
	EXPECT_EQ(read32(set), before | 0xff000000);
	EXPECT_EQ(read32(clear), before | 0xff000000);
	write32(clear, 0x55000000);
	EXPECT_EQ(read32(set) & 0xff000000, 0xaa000000);
	write32(set, 0);
	write32(clear, 0xff000000);
	EXPECT_EQ(read32(set), before & ~0xff000000);
}

static void ppi_enable(void)
{
	uint64_t private = gic_private(0);

	gic_disable(0, VTIMER_INTID);
	EXPECT_EQ(read32(private + GICD_ISENABLER) >> VTIMER_INTID & 1, 0);
	gic_enable(0, VTIMER_INTID);
	EXPECT_EQ(read32(private + GICD_ISENABLER) >> VTIMER_INTID & 1, 1);
}

static void size_registers(void)
{
	uint32_t typer = read32(machine.gicd + 4), lines = 32 * ((typer & 0x1f) + 1);

	EXPECT(lines >= 64 && lines <= 1024);
	if (machine.gic_version == 2)
		EXPECT_EQ((typer >> 5 & 7) + 1, machine.cpu_count);
	for (uint32_t i = 0; machine.gic_version == 3 && i < machine.cpu_count; i++) {
		uint64_t typer64 = read64(machine.gicr + 0x20000 * (uint64_t)i + 8);

		EXPECT_EQ(typer64 >> 32,
			  (machine.mpidr[i] >> 8 & 0xff000000) | (machine.mpidr[i] & 0xffffff));
		EXPECT_EQ(typer64 >> 4 & 1, i == machine.cpu_count - 1);
	}
}

static void sgi_pending_registers(void)
{
	uint32_t iar;

	SKIP_IF(machine.gic_version != 2, "GICv2's registers");
	if (!test_bare()) { /* QEMU's SGIs cannot be disabled (IHI 0048B 4.3.5 allows both) */
		gic_disable(0, 2);
		write8(machine.gicd + GICD_SPENDSGIR + 2, 1);
		EXPECT_EQ(read8(machine.gicd + GICD_CPENDSGIR + 2), 1);
		write8(machine.gicd + GICD_CPENDSGIR + 2, 1);
		EXPECT_EQ(read8(machine.gicd + GICD_SPENDSGIR + 2), 0);
	}
	gic_enable(0, 2);
	write8(machine.gicd + GICD_SPENDSGIR + 2, 1);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 2);
	test_eoi(iar);
}

const struct test gic_tests[] = {
	{ "gic-spurious", spurious_when_idle },
	{ "gic-size-registers", size_registers },
	{ "gic-sgi-to-self", sgi_to_self },
	{ "gic-two-by-priority", two_sgis_by_priority },
	{ "gic-all-sgis", all_sgis_by_priority },
	{ "gic-preemption", preemption },
	{ "gic-priority-mask", priority_mask },
	{ "gic-disabled-stays-pending", disabled_stays_pending },
	{ "gic-pending-while-active", pending_while_active_comes_again },
	{ "gic-spi-by-hand", spi_by_hand },
	{ "gic-spi-cleared-in-time", spi_cleared_in_time },
	{ "gic-disable-while-active", disable_while_active },
	{ "gic-distributor-off", distributor_off },
	{ "gic-enable-registers", enable_registers },
	{ "gic-ppi-enable", ppi_enable },
	{ "gic-sgi-pending-registers", sgi_pending_registers },
	{ NULL, NULL },
};
