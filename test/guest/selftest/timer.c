// SPDX-License-Identifier: BSD-2-Clause
/* The virtual timer and WFI (DDI 0487, D12 and G1.18 for WFI). */
#include "test/guest/selftest/selftest.h"

static uint64_t ms(uint64_t n)
{
	return counter_hz() / 1000 * n;
}

static void fires_in_time(void)
{
	for (unsigned i = 0; i < 20; i++) {
		uint64_t deadline = counter() + ms(1);
		uint32_t iar;

		vtimer_set(deadline);
		iar = ack_within(SOON_MS);
		EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
		EXPECT(counter() >= deadline);
		EXPECT_EQ(READ_SYSREG("cntv_ctl_el0") & 5, 5);
		vtimer_off();
		test_eoi(iar);
	}
	EXPECT((ack_within(NEVER_MS) & 0x3ff) >= GIC_SPURIOUS);
}

static void wakes_wfi(void)
{
	for (unsigned i = 0; i < 20; i++) {
		uint64_t deadline = counter() + ms(2);
		uint32_t iar;

		vtimer_set(deadline);
		wfi();
		iar = ack_within(SOON_MS);
		EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
		EXPECT(counter() >= deadline);
		vtimer_off();
		test_eoi(iar);
	}
}

static void past_deadline_fires_at_once(void)
{
	uint32_t iar;

	vtimer_set(counter() - 1);
	iar = ack_within(SOON_MS);
	vtimer_off();
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
}

static void past_deadline_does_not_sleep(void)
{
	uint64_t from = counter();
	uint32_t iar;

	vtimer_set(from);
	wfi();
	iar = ack_within(SOON_MS);
	vtimer_off();
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
}

/* CVAL is the counter at the moment of the write plus TVAL (DDI 0487J.a, D11.2.4). */
static void relative_form(void)
{
	uint64_t before, after, deadline;
	uint32_t iar;

	before = counter();
	WRITE_SYSREG("cntv_tval_el0", ms(1));
	after = counter();
	deadline = READ_SYSREG("cntv_cval_el0");
	WRITE_SYSREG("cntv_ctl_el0", 1);
	EXPECT(deadline - ms(1) >= before && deadline - ms(1) <= after);
	iar = ack_within(SOON_MS);
	vtimer_off();
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
}

static void masked_does_not_fire(void)
{
	uint32_t iar;

	WRITE_SYSREG("cntv_cval_el0", counter() + ms(1));
	WRITE_SYSREG("cntv_ctl_el0", 3);
	iar = ack_within(NEVER_MS);
	EXPECT((iar & 0x3ff) >= GIC_SPURIOUS);
	EXPECT_EQ(READ_SYSREG("cntv_ctl_el0"), 7);
	WRITE_SYSREG("cntv_ctl_el0", 1);
	iar = ack_within(SOON_MS);
	vtimer_off();
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
}

/* The line is a level: not switched off, it comes again after EOI. */
static void level_comes_again(void)
{
	uint32_t iar;

	vtimer_set(counter());
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	vtimer_off();
	test_eoi(iar);
	EXPECT((ack_within(NEVER_MS) & 0x3ff) >= GIC_SPURIOUS);
}

static void disabled_at_gic_then_enabled(void)
{
	uint32_t iar;

	gic_disable(0, VTIMER_INTID);
	vtimer_set(counter() + ms(1));
	iar = ack_within(NEVER_MS);
	EXPECT((iar & 0x3ff) >= GIC_SPURIOUS);
	gic_enable(0, VTIMER_INTID);
	iar = ack_within(SOON_MS);
	vtimer_off();
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	test_eoi(iar);
}

static void pending_interrupt_skips_wfi(void)
{
	uint32_t iar;

	gic_send(0, 8);
	wfi();
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, 8);
	test_eoi(iar);
}

static void counter_goes_forward(void)
{
	uint64_t last = counter();

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now = counter();

		EXPECT(now >= last);
		last = now;
	}
}

const struct test timer_tests[] = {
	{ "timer-counter", counter_goes_forward },
	{ "timer-fires", fires_in_time },
	{ "timer-wakes-wfi", wakes_wfi },
	{ "timer-past-deadline", past_deadline_fires_at_once },
	{ "timer-past-deadline-wfi", past_deadline_does_not_sleep },
	{ "timer-relative", relative_form },
	{ "timer-masked", masked_does_not_fire },
	{ "timer-level", level_comes_again },
	{ "timer-disabled-at-gic", disabled_at_gic_then_enabled },
	{ "timer-wfi-with-pending", pending_interrupt_skips_wfi },
	{ NULL, NULL },
};
