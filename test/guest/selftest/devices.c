// SPDX-License-Identifier: BSD-2-Clause
/* PL011 (DDI 0183) and PL031 (DDI 0224) as a driver sees them. */
#include "test/guest/selftest/selftest.h"

enum {
	UART_DR = 0x00,
	UART_FR = 0x18,
	UART_CR = 0x30,
	UART_LCRH = 0x2c,
	UART_IFLS = 0x34,
	UART_IMSC = 0x38,
	UART_RIS = 0x3c,
	UART_MIS = 0x40,
	UART_ICR = 0x44,
	UART_ID = 0xfe0,
	UART_FR_TXFF = 1 << 5,
	UART_FR_RXFE = 1 << 4,
	UART_FR_TXFE = 1 << 7,
	UART_TX = 1 << 5,
	RTC_DR = 0x00,
	RTC_MR = 0x04,
	RTC_LR = 0x08,
	RTC_CR = 0x0c,
	RTC_IMSC = 0x10,
	RTC_RIS = 0x14,
	RTC_MIS = 0x18,
	RTC_ICR = 0x1c,
	RTC_ID = 0xfe0,
};

/* PeriphID0 to 3, PCellID0 to 3. The upper half of PeriphID2 is the revision. */
static void identification(uint64_t at, const uint8_t *want)
{
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(read32(at + 4 * i) & (i == 2 ? 0x0f : 0xff), want[i]);
}

static void uart_identification(void)
{
	static const uint8_t pl011[] = { 0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	identification(machine.uart + UART_ID, pl011);
}

static bool drained(void)
{
	uint64_t limit = patience();

	while ((read32(machine.uart + UART_FR) & UART_FR_TXFE) == 0) {
		if (counter() > limit)
			return false;
	}
	return true;
}

static void uart_drains(void)
{
	for (unsigned i = 0; i < 64; i++) {
		while (read32(machine.uart + UART_FR) & UART_FR_TXFF)
			;
		write32(machine.uart + UART_DR, '.');
	}
	print("\n");
	EXPECT(drained());
	EXPECT_EQ(read32(machine.uart + UART_FR) & UART_FR_RXFE, UART_FR_RXFE);
}

static void uart_registers(void)
{
	write32(machine.uart + UART_IFLS, 0x12);
	EXPECT_EQ(read32(machine.uart + UART_IFLS), 0x12);
	write32(machine.uart + UART_LCRH, 0x70);
	EXPECT_EQ(read32(machine.uart + UART_LCRH), 0x70);
	write32(machine.uart + UART_CR, 0x301);
	EXPECT_EQ(read32(machine.uart + UART_CR), 0x301);
	write32(machine.uart + UART_IMSC, 0);
	EXPECT_EQ(read32(machine.uart + UART_MIS), 0);
}

/* The transmit interrupt is a level: again after EOI until the guest clears or masks it. */
static void uart_interrupt(void)
{
	uint32_t iar;

	SKIP_IF(machine.uart_intid == 0, "the UART has no interrupt");
	write32(machine.uart + UART_LCRH, 0x70);
	write32(machine.uart + UART_CR, 0x301);
	EXPECT(drained());
	gic_route(machine.uart_intid, 0);
	gic_set_priority(0, machine.uart_intid, 0x80);
	gic_set_edge(machine.uart_intid, false);
	gic_enable(0, machine.uart_intid);
	write32(machine.uart + UART_IMSC, UART_TX);
	print("uart: one line that empties the FIFO\n");
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, machine.uart_intid);
	EXPECT_EQ(read32(machine.uart + UART_MIS), UART_TX);
	test_eoi(iar);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, machine.uart_intid);
	write32(machine.uart + UART_ICR, UART_TX);
	write32(machine.uart + UART_IMSC, 0);
	test_eoi(iar);
	iar = ack_within(NEVER_MS);
	gic_disable(0, machine.uart_intid);
	EXPECT((iar & 0x3ff) >= GIC_SPURIOUS);
}

static void rtc_identification(void)
{
	static const uint8_t pl031[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	SKIP_IF(machine.rtc == 0, "there is no RTC");
	identification(machine.rtc + RTC_ID, pl031);
}

/* The RTC went on by no more than what the counter did since `from`, however long the host took. */
static bool passed(uint32_t seconds, uint64_t from)
{
	return seconds <= (counter() - from) / counter_hz() + 1;
}

static void rtc_counts(void)
{
	uint32_t first;
	uint64_t from, limit;

	SKIP_IF(machine.rtc == 0, "there is no RTC");
	from = counter();
	limit = patience();
	first = read32(machine.rtc + RTC_DR);
	while (read32(machine.rtc + RTC_DR) == first && counter() < limit)
		;
	EXPECT(read32(machine.rtc + RTC_DR) > first);
	EXPECT(passed(read32(machine.rtc + RTC_DR) - first, from));
	from = counter();
	write32(machine.rtc + RTC_LR, 1000);
	EXPECT(passed(read32(machine.rtc + RTC_DR) - 1000, from));
	EXPECT_EQ(read32(machine.rtc + RTC_LR), 1000);
	EXPECT_EQ(read32(machine.rtc + RTC_CR) & 1, 1);
}

static void rtc_alarm(void)
{
	uint32_t iar, raised;
	uint64_t from;

	SKIP_IF(machine.rtc == 0 || machine.rtc_intid == 0, "there is no RTC");
	gic_route(machine.rtc_intid, 0);
	gic_set_priority(0, machine.rtc_intid, 0x80);
	gic_enable(0, machine.rtc_intid);
	write32(machine.rtc + RTC_ICR, 1);
	write32(machine.rtc + RTC_IMSC, 1);
	from = counter();
	write32(machine.rtc + RTC_MR, read32(machine.rtc + RTC_DR) + 2);
	raised = read32(machine.rtc + RTC_RIS);
	/* Two seconds of the RTC are more than one of the counter. */
	EXPECT(raised == 0 || counter() - from > counter_hz());
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, machine.rtc_intid);
	EXPECT_EQ(read32(machine.rtc + RTC_MIS), 1);
	write32(machine.rtc + RTC_ICR, 1);
	EXPECT_EQ(read32(machine.rtc + RTC_RIS), 0);
	write32(machine.rtc + RTC_IMSC, 0);
	test_eoi(iar);
	EXPECT((ack_within(NEVER_MS) & 0x3ff) >= GIC_SPURIOUS);
	gic_disable(0, machine.rtc_intid);
}

const struct test device_tests[] = {
	{ "uart-identification", uart_identification },
	{ "uart-drains", uart_drains },
	{ "uart-registers", uart_registers },
	{ "uart-interrupt", uart_interrupt },
	{ "rtc-identification", rtc_identification },
	{ "rtc-counts", rtc_counts },
	{ "rtc-alarm", rtc_alarm },
	{ NULL, NULL },
};
