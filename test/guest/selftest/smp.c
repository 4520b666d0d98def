// SPDX-License-Identifier: BSD-2-Clause
/*
 * More than one vCPU. The others wait asleep for orders in a word of their own, which an SGI announces,
 * and answer in another; they print nothing. An order is carried out with interrupts masked, polling the
 * GIC. Whoever has nothing to do sleeps: a host with fewer cores needs them for the ones that have.
 */
#include "test/guest/selftest/selftest.h"

enum order {
	ORDER_NONE,
	ORDER_ECHO,  /* answer each of `count` SGIs with SGI 15 to CPU 0 */
	ORDER_COUNT, /* count interrupts until `count` came */
	ORDER_WRITE, /* write and check the own priority byte `count` times */
	ORDER_WFI,   /* one WFI, then acknowledge what woke it */
	ORDER_TIME,  /* read the counter */
	ORDER_OFF,
};

enum { DOORBELL = 14 };

static volatile uint32_t alive[GUEST_CPUS], order[GUEST_CPUS], taken[GUEST_CPUS], count[GUEST_CPUS],
	answer[GUEST_CPUS], seen[GUEST_CPUS];
static volatile uint64_t context[GUEST_CPUS], mpidr[GUEST_CPUS], stamp[GUEST_CPUS];

static uint32_t take_one(uint32_t ms)
{
	uint32_t iar = ack_within(ms), intid = iar & 0x3ff;

	if (intid < GIC_SPURIOUS)
		test_eoi(iar);
	return intid;
}

static uint32_t carry_out(uint32_t self)
{
	uint64_t own = machine.gicd + 0x400 + SPARE_SPI + self;

	switch (order[self]) {
	case ORDER_ECHO:
		for (uint32_t i = 0; i < count[self]; i++) {
			if (take_one(10 * SOON_MS) >= GIC_SPURIOUS)
				return 2;
			gic_send(0, 15);
		}
		return 1;
	case ORDER_COUNT:
		for (uint32_t i = 0; i < count[self]; i++) {
			seen[self] = take_one(10 * SOON_MS);
			if (seen[self] >= GIC_SPURIOUS)
				return 2;
		}
		return 1;
	case ORDER_WRITE:
		for (uint32_t i = 0; i < count[self]; i++) {
			write8(own, (uint8_t)(8 * (i & 0x1f)));
			if (read8(own) != (uint8_t)(8 * (i & 0x1f)))
				return 2;
		}
		return 1;
	case ORDER_WFI:
		answer[self] = 3; /* about to sleep */
		barrier();
		wfi();
		return take_one(10 * SOON_MS) < GIC_SPURIOUS ? 1 : 2;
	case ORDER_TIME:
		stamp[self] = counter();
		return 1;
	default:
		return 2;
	}
}

static void await_order(uint32_t self)
{
	uint32_t intid;

	do {
		uint32_t iar = gic_ack();

		intid = iar & 0x3ff;
		if (intid < GIC_SPURIOUS)
			gic_eoi(iar);
		else
			wfi();
	} while (intid != DOORBELL);
	taken[self] = 1;
	barrier();
}

void secondary_main(uint64_t index)
{
	uint32_t self = (uint32_t)index;

	irq_off();
	gic_init_cpu(self);
	context[self] = index;
	mpidr[self] = READ_SYSREG("mpidr_el1");
	barrier();
	alive[self]++;
	for (;;) {
		await_order(self);
		if (order[self] == ORDER_OFF) {
			order[self] = ORDER_NONE;
			psci(PSCI_CPU_OFF, 0, 0, 0);
		}
		answer[self] = carry_out(self);
		order[self] = ORDER_NONE;
		barrier();
	}
}

static void give(uint32_t cpu, enum order what, uint32_t times)
{
	answer[cpu] = 0;
	taken[cpu] = 0;
	count[cpu] = times;
	order[cpu] = what;
	barrier();
	gic_send(cpu, DOORBELL);
	/* Not taken: the answer will not come either. */
	word_within(&taken[cpu], 1, 10 * SOON_MS);
}

static bool start(uint32_t cpu)
{
	uint32_t before = alive[cpu];

	if (psci(PSCI_CPU_ON, machine.mpidr[cpu], (uintptr_t)secondary_start, cpu) != 0)
		return false;
	return word_within(&alive[cpu], before + 1, 10 * SOON_MS);
}

static void all_start(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		EXPECT(start(i));
		EXPECT_EQ(context[i], i);
		EXPECT_EQ(mpidr[i] & 0xff00ffffff, machine.mpidr[i]);
		EXPECT_EQ(psci(PSCI_AFFINITY_INFO, machine.mpidr[i], 0, 0), 0);
		EXPECT_EQ((uint32_t)psci(PSCI_CPU_ON, machine.mpidr[i], (uintptr_t)secondary_start,
					 i),
			  (uint32_t)-4);
	}
}

static void ping_pong(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		give(i, ORDER_ECHO, 200);
		for (uint32_t n = 0; n < 200; n++) {
			gic_send(i, n % 15);
			EXPECT_EQ(take_one(10 * SOON_MS), 15);
		}
		EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
	}
}

static void broadcast(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t i = 1; i < machine.cpu_count; i++)
		give(i, ORDER_COUNT, 1);
	if (machine.gic_version == 3) {
		barrier();
		WRITE_SYSREG(ICC_SGI1R, UINT64_C(1) << 40 | UINT64_C(11) << 24);
	} else {
		barrier();
		write32(machine.gicd + 0xf00, 1 << 24 | 11);
	}
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
		EXPECT_EQ(seen[i], 11);
	}
	EXPECT((test_ack() & 0x3ff) >= GIC_SPURIOUS); /* not to the sender */
}

static void spi_to_each(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	gic_set_edge(SPARE_SPI + 1, true);
	gic_set_priority(0, SPARE_SPI + 1, 0x80);
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		gic_route(SPARE_SPI + 1, i);
		give(i, ORDER_COUNT, 1);
		gic_enable(0, SPARE_SPI + 1);
		gic_set_pending(0, SPARE_SPI + 1);
		EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
		EXPECT_EQ(seen[i], SPARE_SPI + 1);
		gic_disable(0, SPARE_SPI + 1);
	}
	EXPECT((test_ack() & 0x3ff) >= GIC_SPURIOUS);
	gic_route(SPARE_SPI + 1, 0);
}

static void wfi_is_woken(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t n = 0; n < 20; n++) {
		for (uint32_t i = 1; i < machine.cpu_count; i++) {
			uint64_t until = counter() + counter_hz() / 2000 * (n % 4);

			give(i, ORDER_WFI, 1);
			EXPECT(word_within(&answer[i], 3, 10 * SOON_MS));
			while (counter() < until)
				;
			gic_send(i, 1);
			EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
		}
	}
}

/* All CPUs write to one emulated register file at once: neighbouring bytes must not be disturbed. */
static void devices_are_shared(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t i = 1; i < machine.cpu_count; i++)
		give(i, ORDER_WRITE, 200);
	for (uint32_t i = 1; i < machine.cpu_count; i++)
		EXPECT(word_within(&answer[i], 1, 20 * SOON_MS));
}

static void off_and_on_again(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	for (uint32_t n = 0; n < 10; n++) {
		for (uint32_t i = 1; i < machine.cpu_count; i++) {
			uint64_t limit = patience();

			give(i, ORDER_OFF, 0);
			while (psci(PSCI_AFFINITY_INFO, machine.mpidr[i], 0, 0) != 1)
				EXPECT(counter() < limit);
			EXPECT(start(i));
		}
	}
}

static void time_is_the_same_everywhere(void)
{
	for (uint32_t n = 0; n < 100; n++) {
		for (uint32_t i = 1; i < machine.cpu_count; i++) {
			uint64_t before = counter(), after;

			give(i, ORDER_TIME, 1);
			EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
			after = counter();
			EXPECT(stamp[i] >= before);
			EXPECT(stamp[i] <= after);
		}
	}
}

/* One counter for all CPUs, whatever they did before: waited, or were off while time went on. */
static void one_time(void)
{
	SKIP_IF(machine.cpu_count < 2, "one CPU");
	time_is_the_same_everywhere();
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		uint64_t until = counter() + counter_hz() / 50;

		give(i, ORDER_WFI, 1);
		while (counter() < until)
			;
		gic_send(i, 1);
		EXPECT(word_within(&answer[i], 1, 10 * SOON_MS));
	}
	time_is_the_same_everywhere();
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		uint64_t until = counter() + counter_hz() / 50, limit = patience();

		give(i, ORDER_OFF, 0);
		while (psci(PSCI_AFFINITY_INFO, machine.mpidr[i], 0, 0) != 1)
			EXPECT(counter() < limit);
		while (counter() < until)
			;
		EXPECT(start(i));
	}
	time_is_the_same_everywhere();
}

const struct test smp_tests[] = {
	{ "smp-start", all_start },
	{ "smp-ping-pong", ping_pong },
	{ "smp-broadcast", broadcast },
	{ "smp-spi-to-each", spi_to_each },
	{ "smp-wfi-is-woken", wfi_is_woken },
	{ "smp-devices-are-shared", devices_are_shared },
	{ "smp-off-and-on-again", off_and_on_again },
	{ "smp-one-time", one_time },
	{ NULL, NULL },
};
