/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL011 driver on our own model of a PL011: both ends are tested against each other. Where the
 * model has nothing to offer (errors on the line) the test puts it into what the driver reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/serial/serial.h"
#include "vmm/base/util.h"
#include "vmm/dev/uart/pl011.h"

enum {
	QUEUE = 256,
	LINE = 8192,
	DR = 0x00,
	CR = 0x30,
	IMSC = 0x38,
	RX_INTERRUPTS = 1 << 4 | 1 << 6,
	TX_INTERRUPT = 1 << 5,
};

static struct machine {
	struct pl011 uart;
	struct console_memory line;
	uint8_t out[LINE], in[LINE];
	bool level;
	unsigned errors; /* put into the next character read */
	_Alignas(8) uint8_t rx_page[4096], tx_page[4096];
	uint8_t rx_data[QUEUE], tx_data[QUEUE];
	struct vmm_start start;
	struct serial driver;
	struct serialq_consumer typed;
	struct serialq_producer shown;
	unsigned signals;
	bool lively; /* the line takes what it is given while the driver is at it */
	size_t gone; /* bytes that it took so */
} m;

static uint64_t access(uint32_t offset, bool write, uint64_t value)
{
	struct mmio_access access = {
		.offset = offset, .width = 4, .write = write, .value = value
	};

	pl011_access(&m.uart, &access);
	return access.value;
}

uint32_t serial_uart_read(uint64_t uart, uint32_t offset)
{
	uint32_t value;

	assert_true(uart == 0x9000);
	value = (uint32_t)access(offset, false, 0);
	if (offset == DR) {
		value |= m.errors;
		m.errors = 0;
	}
	return value;
}

void serial_uart_write(uint64_t uart, uint32_t offset, uint32_t value)
{
	uint8_t bytes[LINE];

	assert_true(uart == 0x9000);
	if (m.lively && offset != DR) {
		m.gone += console_memory_drain(&m.line, bytes, sizeof(bytes));
		pl011_poll(&m.uart);
	}
	(void)access(offset, true, value);
}

static void interrupt(void *ctx, bool level)
{
	(void)ctx;
	m.level = level;
}

static void region(const char *name, const void *at, uint64_t size)
{
	struct vmm_start_region *r = &m.start.regions[m.start.region_count++];

	memcpy(r->name, name, strlen(name));
	r->vaddr = (uintptr_t)at;
	r->size = size;
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	console_memory_init(&m.line, m.out, sizeof(m.out), m.in, sizeof(m.in));
	pl011_init(&m.uart, &m.line.backend, interrupt, NULL);
	region("uart", (void *)0x9000, 4096);
	region("rx.queue", m.rx_page, 4096);
	region("rx.data", m.rx_data, QUEUE);
	region("tx.queue", m.tx_page, 4096);
	region("tx.data", m.tx_data, QUEUE);
	assert_int_equal(serial_attach(&m.driver, &m.start), VMM_OK);
	assert_int_equal(serialq_consumer_init(&m.typed, m.rx_page, m.rx_data, QUEUE), VMM_OK);
	assert_int_equal(serialq_producer_init(&m.shown, m.tx_page, m.tx_data, QUEUE), VMM_OK);
	return 0;
}

/* As main.c does it: once, and again for as long as the UART interrupts. */
static void serve(void)
{
	unsigned turns = 0;

	do {
		if (serial_pump(&m.driver))
			m.signals++;
		assert_in_range(++turns, 1, 10000); /* an interrupt that no one can calm */
	} while (m.level);
}

static void type(const char *text)
{
	assert_int_equal(console_memory_feed(&m.line, (const uint8_t *)text, strlen(text)),
			 strlen(text));
	pl011_poll(&m.uart);
	serve();
}

static void expect_typed(const char *text)
{
	uint8_t got[QUEUE + 1] = { 0 };

	(void)serialq_read(&m.typed, got, QUEUE);
	assert_string_equal((const char *)got, text);
	(void)serialq_release(&m.typed);
}

static void expect_shown(const char *text)
{
	char got[LINE + 1] = { 0 };

	(void)console_memory_drain(&m.line, (uint8_t *)got, LINE);
	assert_string_equal(got, text);
}

static void bytes_pass_both_ways(void **state)
{
	(void)state;
	serve();
	m.signals = 0; /* a queue begins with a signal: the peer may be waiting */
	type("hello");
	expect_typed("hello");
	assert_int_equal(m.signals, 1);
	serialq_want_signal(&m.shown);
	assert_int_equal(serialq_write(&m.shown, (const uint8_t *)"world", 5), 5);
	serve();
	expect_shown("world");
	assert_int_equal(m.signals, 2);
	assert_true(serialq_drained(&m.shown));
}

static void the_uart_is_on_and_left_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(access(CR, false, 0) & 0x301, 0x301);
	assert_int_equal(access(0x2c, false, 0), 0); /* LCR_H */
}

static void what_was_typed_before_is_there(void **state)
{
	(void)state;
	assert_int_equal(console_memory_feed(&m.line, (const uint8_t *)"early", 5), 5);
	pl011_poll(&m.uart);
	serve();
	expect_typed("early");
}

/* A full queue holds the line and loses nothing; a reader that takes some gets the rest. */
static void a_full_queue_holds_the_line(void **state)
{
	uint8_t text[3 * QUEUE], got[3 * QUEUE];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	serve();
	assert_int_equal(console_memory_feed(&m.line, text, sizeof(text)), sizeof(text));
	pl011_poll(&m.uart);
	serve();
	assert_int_equal(serialq_length(&m.typed), QUEUE);
	assert_int_equal(access(IMSC, false, 0) & RX_INTERRUPTS, 0);
	assert_false(m.level);
	while (n < sizeof(got)) {
		size_t part = serialq_read(&m.typed, got + n, 100);

		assert_true(part > 0);
		n += part;
		if (serialq_release(&m.typed)) /* it asked to hear of it */
			serve();
		pl011_poll(&m.uart);
		if (m.level)
			serve();
	}
	assert_memory_equal(got, text, sizeof(text));
	assert_true((access(IMSC, false, 0) & RX_INTERRUPTS) != 0);
}

/* A line that takes nothing: the driver waits for the transmit interrupt, not in a loop. */
static void a_full_line_is_waited_for(void **state)
{
	uint8_t text[200], small[16];
	char got[sizeof(text)];
	size_t n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	console_memory_init(&m.line, small, sizeof(small), m.in, sizeof(m.in));
	assert_int_equal(serialq_write(&m.shown, text, sizeof(text)), sizeof(text));
	serve();
	assert_true((access(IMSC, false, 0) & TX_INTERRUPT) != 0);
	while (n < sizeof(got)) {
		size_t part = console_memory_drain(&m.line, (uint8_t *)got + n, sizeof(got) - n);

		assert_true(part > 0);
		n += part;
		pl011_poll(&m.uart);
		serve();
	}
	assert_memory_equal(got, text, sizeof(text));
	assert_int_equal(access(IMSC, false, 0) & TX_INTERRUPT, 0);
}

/* The FIFO may run low at any time, also while the driver clears what it has seen. */
static void a_line_that_does_not_wait(void **state)
{
	uint8_t text[200], small[16];

	(void)state;
	memset(text, 'x', sizeof(text));
	console_memory_init(&m.line, small, sizeof(small), m.in, sizeof(m.in));
	assert_int_equal(serialq_write(&m.shown, text, sizeof(text)), sizeof(text));
	m.lively = true;
	serve();
	for (unsigned i = 0; i < sizeof(text); i++) {
		uint8_t bytes[sizeof(text)];

		m.gone += console_memory_drain(&m.line, bytes, sizeof(bytes));
		pl011_poll(&m.uart);
		if (m.level)
			serve();
	}
	assert_int_equal(m.gone, sizeof(text));
}

static void errors_are_counted(void **state)
{
	const struct vmm_serial_stats *stats = (const void *)(m.rx_page + VMM_SERIAL_STATS_OFFSET);

	(void)state;
	serve();
	m.errors = 1 << 11; /* overrun */
	type("a");
	m.errors = 1 << 8; /* framing: delivered all the same */
	type("b");
	m.errors = 1 << 9; /* parity */
	type("c");
	m.errors = 1 << 10; /* break: no character */
	type("d");
	expect_typed("abc");
	assert_int_equal(stats->overruns, 1);
	assert_int_equal(stats->errors, 2);
}

/* The console is not trusted with the driver's life: any index, any count. */
static void a_hostile_console(void **state)
{
	struct serialq *rx = (void *)m.rx_page, *tx = (void *)m.tx_page;

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 2000; i++) {
		rx->head = (uint32_t)rand();
		tx->tail = (uint32_t)rand();
		rx->tail = (uint32_t)rand();
		tx->producer_signalled = (uint32_t)rand() & 1;
		(void)console_memory_feed(&m.line, (const uint8_t *)"x", 1);
		(void)console_memory_drain(&m.line, m.out, 0);
		pl011_poll(&m.uart);
		(void)serial_pump(&m.driver);
	}
}

static void a_start_page_with_gaps(void **state)
{
	struct vmm_start start = m.start;
	struct serial s;

	(void)state;
	for (uint32_t i = 0; i < start.region_count; i++) {
		char first = start.regions[i].name[0];

		start.regions[i].name[0] = '?';
		assert_int_equal(serial_attach(&s, &start), VMM_ERR_ABSENT);
		start.regions[i].name[0] = first;
	}
	start.regions[2].size = 100; /* no power of two */
	assert_int_equal(serial_attach(&s, &start), VMM_ERR_INVALID);
	start.regions[2].size = QUEUE;
	start.regions[4].size = 100;
	assert_int_equal(serial_attach(&s, &start), VMM_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_pass_both_ways, setup),
		cmocka_unit_test_setup(the_uart_is_on_and_left_as_it_was, setup),
		cmocka_unit_test_setup(what_was_typed_before_is_there, setup),
		cmocka_unit_test_setup(a_full_queue_holds_the_line, setup),
		cmocka_unit_test_setup(a_full_line_is_waited_for, setup),
		cmocka_unit_test_setup(a_line_that_does_not_wait, setup),
		cmocka_unit_test_setup(errors_are_counted, setup),
		cmocka_unit_test_setup(a_hostile_console, setup),
		cmocka_unit_test_setup(a_start_page_with_gaps, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
