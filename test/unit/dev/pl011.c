/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/dev/uart/pl011: registers, FIFOs, interrupts; a backend that is full or slow; a guest that
 * is not listening yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/uart/pl011.h"

enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	ILPR = 0x20,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
	DMACR = 0x48,
	BUSY = 1U << 3,
	RXFE = 1U << 4,
	TXFF = 1U << 5,
	RXFF = 1U << 6,
	TXFE = 1U << 7,
	MODEM = 7, /* CTS, DSR, DCD */
	FEN = 1U << 4,
	RX = 1U << 4,
	TX = 1U << 5,
	RT = 1U << 6,
	OE = 1U << 10,
	LBE = 1U << 7,
};

struct fixture {
	struct pl011 uart;
	struct console_memory memory;
	uint8_t out[128], in[128];
	bool level;
};

static void line(void *ctx, bool level)
{
	struct fixture *f = ctx;

	assert_true(f->level != level); /* only changes are told */
	f->level = level;
}

static struct fixture *make(size_t out_size)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	console_memory_init(&f.memory, f.out, out_size, f.in, sizeof(f.in));
	pl011_init(&f.uart, &f.memory.backend, line, &f);
	return &f;
}

static int setup(void **state)
{
	*state = make(128);
	return 0;
}

static uint64_t access_width(struct fixture *f, unsigned offset, unsigned width, bool write,
			     uint64_t value)
{
	struct mmio_access access = {
		.offset = offset,
		.value = value,
		.width = (uint8_t)width,
		.write = write,
	};

	pl011_access(&f->uart, &access);
	return access.value;
}

static unsigned get(struct fixture *f, unsigned offset)
{
	return (unsigned)access_width(f, offset, 4, false, UINT64_MAX);
}

static void set(struct fixture *f, unsigned offset, unsigned value)
{
	(void)access_width(f, offset, 4, true, value);
}

static void type(struct fixture *f, const char *text)
{
	assert_int_equal(console_memory_feed(&f->memory, (const uint8_t *)text, strlen(text)),
			 strlen(text));
	pl011_poll(&f->uart);
}

static void printed(struct fixture *f, const char *text)
{
	char got[129] = { 0 };

	(void)console_memory_drain(&f->memory, (uint8_t *)got, 128);
	assert_string_equal(got, text);
}

static void reset_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	assert_int_equal(get(f, CR), 0x301);
	assert_int_equal(get(f, IFLS), 0x12);
	for (unsigned offset = ILPR; offset <= LCR_H; offset += 4)
		assert_int_equal(get(f, offset), 0);
	for (unsigned offset = IMSC; offset <= DMACR; offset += 4)
		assert_int_equal(get(f, offset), 0);
	assert_int_equal(get(f, RSR), 0);
	assert_int_equal(get(f, DR), 0);
}

static void plain_registers_keep_their_bits(void **state)
{
	static const struct {
		unsigned offset, mask;
	} regs[] = {
		{ ILPR, 0xff }, { IBRD, 0xffff }, { FBRD, 0x3f },  { LCR_H, 0xff },
		{ CR, 0xff87 }, { IFLS, 0x3f },   { IMSC, 0x7ff }, { DMACR, 0x7 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		set(f, regs[i].offset, 0xffffffff);
		assert_int_equal(get(f, regs[i].offset), regs[i].mask);
		set(f, regs[i].offset, 0);
		assert_int_equal(get(f, regs[i].offset), 0);
	}
	set(f, RIS, 0x7ff); /* read-only ones */
	set(f, MIS, 0x7ff);
	set(f, FR, 0x1ff);
	assert_int_equal(get(f, RIS), 0);
	pl011_reset(&f->uart);
	reset_values(state);
}

static void identification(void **state)
{
	static const uint8_t id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		assert_int_equal(get(*state, 0xfe0 + 4 * i), id[i]);
}

static void output_goes_out(void **state)
{
	struct fixture *f = *state;

	for (const char *c = "hello"; *c != '\0'; c++) {
		set(f, DR, (unsigned)*c);
		assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	}
	printed(f, "hello");
	assert_int_equal(get(f, RIS), TX);
	set(f, ICR, TX);
	assert_int_equal(get(f, RIS), 0);
}

static void every_width_reaches_a_register(void **state)
{
	struct fixture *f = *state;

	(void)access_width(f, DR, 1, true, 'a');
	(void)access_width(f, DR, 2, true, 'b');
	(void)access_width(f, DR, 4, true, 'c');
	(void)access_width(f, DR, 8, true, 'd'); /* no such access */
	(void)access_width(f, DR + 1, 1, true, 'e');
	(void)access_width(f, DR + 2, 2, true, 'f');
	printed(f, "abc");
	set(f, IBRD, 0x1234);
	assert_int_equal(access_width(f, IBRD, 1, false, UINT64_MAX), 0x34);
	assert_int_equal(access_width(f, IBRD, 2, false, UINT64_MAX), 0x1234);
	assert_int_equal(access_width(f, IBRD, 8, false, UINT64_MAX), 0);
	assert_int_equal(access_width(f, IBRD + 1, 1, false, UINT64_MAX), 0);
	assert_int_equal(access_width(f, FR, 2, false, UINT64_MAX), TXFE | RXFE | MODEM);
	(void)access_width(f, IBRD, 1, true,
			   0xffff); /* only the low byte was stored by the guest */
	assert_int_equal(get(f, IBRD), 0xff);
	assert_int_equal(get(f, 0x08), 0);
	assert_int_equal(get(f, 0x800), 0);
	set(f, 0x800, 1);
}

/* Back-pressure: nothing is lost while the guest minds TXFF, and the flags tell the truth. */
static void full_backend_loses_nothing(void **state)
{
	struct fixture *f = make(4);
	uint8_t got[64];
	size_t count;

	(void)state;
	set(f, LCR_H, FEN);
	for (unsigned i = 0; i < 4; i++)
		set(f, DR, 'a' + i);
	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	for (unsigned i = 4; i < 4 + PL011_FIFO; i++) {
		assert_int_equal(get(f, FR) & TXFF, 0);
		set(f, DR, 'a' + i);
		assert_int_equal(get(f, FR) & (BUSY | TXFE), BUSY);
	}
	assert_int_equal(get(f, FR), TXFF | BUSY | RXFE | MODEM);
	set(f, DR, '!'); /* a guest that does not look loses its byte, as in hardware */

	for (unsigned i = 0; i < 4 + PL011_FIFO; i += (unsigned)count) {
		count = console_memory_drain(&f->memory, got, 3);
		for (unsigned j = 0; j < count; j++)
			assert_int_equal(got[j], 'a' + i + j);
		pl011_poll(&f->uart);
	}
	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	assert_int_equal(console_memory_drain(&f->memory, got, 64), 0);
}

/* The backend has room again, but nobody has said so yet: a new byte does not overtake. */
static void bytes_do_not_overtake(void **state)
{
	struct fixture *f = make(2);
	uint8_t got[4];

	(void)state;
	set(f, LCR_H, FEN);
	for (unsigned i = 0; i < 3; i++)
		set(f, DR, 'a' + i);
	assert_int_equal(console_memory_drain(&f->memory, got, 4), 2);
	set(f, DR, 'd');
	pl011_poll(&f->uart);
	assert_int_equal(console_memory_drain(&f->memory, got, 4), 2);
	assert_memory_equal(got, "cd", 2);
}

static void transmit_interrupt_at_the_trigger(void **state)
{
	struct fixture *f = make(1);
	uint8_t got[64];

	(void)state;
	set(f, LCR_H, FEN);
	set(f, IFLS, 0x10); /* transmit: 1/8, 4 bytes */
	set(f, IMSC, TX);
	set(f, DR, 'x');
	assert_true(f->level);
	for (unsigned i = 0; i < 4; i++)
		set(f, DR, 'y');
	set(f, ICR, TX);
	assert_false(f->level);
	set(f, DR, 'y'); /* five wait: above the trigger */
	(void)console_memory_drain(&f->memory, got, 1);
	pl011_poll(&f->uart);
	assert_true(f->level); /* four */
	set(f, DR, 'y');
	assert_false(f->level); /* five again */
}

static void transmitter_off_holds_bytes(void **state)
{
	struct fixture *f = *state;

	set(f, CR, 0x201); /* no TXE */
	set(f, DR, 'a');
	assert_int_equal(get(f, FR) & (BUSY | TXFF), BUSY | TXFF); /* FIFOs off: depth 1 */
	set(f, DR, '!');                                           /* lost: it was full */
	printed(f, "");
	set(f, CR, 0x301);
	printed(f, "a");
	set(f, CR, 0x300); /* no UARTEN */
	set(f, DR, 'b');
	printed(f, "");
	set(f, CR, 0x301);
	printed(f, "b");
}

/* Turning the FIFOs off, as drivers do before they reprogram the line, drops nothing. */
static void fifos_off_keeps_what_was_accepted(void **state)
{
	struct fixture *f = make(1);
	uint8_t got[8];

	(void)state;
	set(f, LCR_H, FEN);
	for (unsigned i = 0; i < 4; i++)
		set(f, DR, 'a' + i);
	set(f, LCR_H, 0);
	assert_int_equal(get(f, FR) & (TXFF | BUSY), TXFF | BUSY);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(console_memory_drain(&f->memory, got, 8), 1);
		assert_int_equal(got[0], 'a' + i);
		pl011_poll(&f->uart);
	}
}

static void input_interrupts_and_is_read(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RX | RT);
	type(f, "hi");
	assert_true(f->level);
	assert_int_equal(get(f, MIS), RT); /* below the trigger: the timeout */
	assert_int_equal(get(f, FR) & (RXFE | RXFF), 0);
	assert_int_equal(get(f, DR), 'h');
	assert_true(f->level);
	assert_int_equal(get(f, DR), 'i');
	assert_false(f->level);
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	assert_int_equal(get(f, DR), 0);
}

static void receive_trigger_levels(void **state)
{
	static const uint8_t bytes[8] = { 4, 8, 16, 24, 28, 16, 16, 16 };
	struct fixture *f = *state;

	for (unsigned select = 0; select < 8; select++) {
		pl011_reset(&f->uart);
		set(f, LCR_H, FEN);
		set(f, IFLS, select << 3);
		set(f, IMSC, RX);
		for (unsigned i = 1; i < bytes[select]; i++)
			type(f, "x");
		assert_false(f->level);
		type(f, "x");
		assert_true(f->level);
		(void)get(f, DR);
		assert_false(f->level); /* below it again */
		while ((get(f, FR) & RXFE) == 0)
			(void)get(f, DR);
	}
}

static void holding_register_without_fifos(void **state)
{
	struct fixture *f = *state;

	set(f, IMSC, RX);
	type(f, "ab");
	(void)get(f, MIS); /* its handler begins */
	assert_int_equal(get(f, FR) & (RXFF | RXFE), RXFF);
	assert_true(f->level);
	assert_int_equal(get(f, DR), 'a');
	assert_true(f->level); /* the next one followed */
	assert_int_equal(get(f, DR), 'b');
	assert_false(f->level);
}

static void long_input_waits_in_the_backend(void **state)
{
	struct fixture *f = *state;
	char text[101];

	for (unsigned i = 0; i < 100; i++)
		text[i] = (char)('!' + i % 90);
	text[100] = '\0';
	set(f, LCR_H, FEN);
	set(f, IMSC, RX | RT);
	type(f, text);
	(void)get(f, RIS); /* its handler begins */
	assert_int_equal(get(f, FR) & (RXFE | RXFF), RXFF);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(f->level);
		assert_int_equal(get(f, DR), text[i]);
	}
	assert_false(f->level);
}

/* More is received than there is room for: none of the backend's is taken until it was read. */
static void fifos_off_over_received_bytes(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RX | RT);
	(void)get(f, MIS);
	type(f, "abcde");
	set(f, LCR_H, 0);
	type(f, "fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	assert_int_equal(get(f, FR), TXFE | RXFF | MODEM);
	for (const char *c = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"; *c != 0; c++)
		assert_int_equal(get(f, DR), *c);
	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
}

/* A guest that reads without a look gets nothing that it did not listen for. */
static void input_is_not_there_before_the_guest_listens(void **state)
{
	struct fixture *f = *state;

	type(f, "x");
	assert_int_equal(get(f, DR), 0);
	set(f, IMSC, RX | RT);
	assert_int_equal(get(f, MIS), RX | RT);
	assert_int_equal(get(f, DR), 'x');
}

/* In loopback the receiver hears the transmitter alone; in the end, what came meanwhile. */
static void loopback_keeps_the_outside_out(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RX | RT);
	(void)get(f, MIS);
	set(f, CR, 0x301 | LBE);
	type(f, "x");
	set(f, DR, 'y');
	assert_int_equal(get(f, DR), 'y');
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	set(f, CR, 0x301);
	assert_int_equal(get(f, DR), 'x');
}

static void timeout_cannot_be_cleared_under_data(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RT);
	type(f, "a");
	set(f, ICR, 0x7ff);
	assert_true(f->level);
	assert_int_equal(get(f, DR), 'a');
	assert_false(f->level);
}

/*
 * Stock Linux (6.1, amba-pl011.c) unmasks the receive interrupts when it opens its console, then asks
 * for the interrupt, empties the receive FIFO and unmasks once more. Its handler reads RIS first.
 * What was typed or piped before must survive that.
 */
static void linux_drain_loses_nothing(void **state)
{
	struct fixture *f = *state;

	type(f, "uname -a\n");
	/* The kernel's console prints a line: it looks at FR between writes. */
	for (const char *c = "Linux version"; *c != '\0'; c++) {
		assert_int_equal(get(f, FR) & TXFF, 0);
		set(f, DR, (unsigned)*c);
		assert_int_equal(get(f, FR) & BUSY, 0);
	}
	/* pl011_hwinit(), pl011_startup() */
	set(f, ICR, 0x7d0);
	set(f, IMSC, RT | RX);
	set(f, IMSC, 0);
	set(f, LCR_H, FEN | 0x60);
	set(f, CR, 0xb01);
	(void)get(f, FR); /* modem lines */
	/* A line on the console again, now with bytes in the FIFO. */
	for (const char *c = "no DMA"; *c != '\0'; c++) {
		assert_int_equal(get(f, FR) & TXFF, 0);
		set(f, DR, (unsigned)*c);
		assert_int_equal(get(f, FR) & BUSY, 0);
	}
	/* pl011_enable_interrupts() */
	set(f, ICR, RT | RX);
	for (unsigned i = 0; i < 2 * PL011_FIFO && (get(f, FR) & RXFE) == 0; i++)
		(void)get(f, DR);
	set(f, IMSC, RT | RX);
	assert_true(f->level);
	/* pl011_int() */
	assert_int_equal(get(f, RIS) & RT, RT);
	for (const char *c = "uname -a\n"; *c != '\0'; c++) {
		assert_int_equal(get(f, FR) & RXFE, 0);
		assert_int_equal(get(f, DR), *c);
	}
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	/* From then on each interrupt finds its bytes; sending (un)masks TX meanwhile. */
	set(f, IMSC, RT | RX | TX);
	type(f, "x");
	assert_int_equal(get(f, FR) & RXFE, 0);
	assert_int_equal(get(f, DR), 'x');
}

/* A handler that looks at nothing but FR is let in after a few interrupts. */
static void a_handler_without_ris_gets_its_bytes(void **state)
{
	struct fixture *f = *state;
	unsigned looks = 0;

	set(f, IMSC, RX | RT);
	type(f, "ok");
	assert_true(f->level);
	while ((get(f, FR) & RXFE) != 0)
		assert_true(++looks < PL011_POLLS);
	assert_int_equal(get(f, DR), 'o');
	assert_int_equal(get(f, DR), 'k');
	assert_false(f->level);
}

/* A console that is closed and opened again drains the FIFO again. */
static void masking_hides_the_fifo_again(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RX | RT);
	(void)get(f, MIS);
	set(f, IMSC, 0);
	type(f, "a");
	set(f, IMSC, RX | RT);
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	assert_int_equal(get(f, RIS) & RT, RT);
	assert_int_equal(get(f, FR) & RXFE, 0);
	assert_int_equal(get(f, DR), 'a');
}

static void polling_guest_is_listening(void **state)
{
	struct fixture *f = *state;
	unsigned looks = 0;

	type(f, "ok");
	while ((get(f, FR) & RXFE) != 0)
		assert_true(++looks < PL011_POLLS);
	assert_int_equal(get(f, DR), 'o');
	assert_int_equal(get(f, DR), 'k');
	type(f, "!");
	assert_int_equal(get(f, FR) & RXFE, 0);
	assert_int_equal(get(f, DR), '!');
	set(f, DR, 'x'); /* it talks: its looks are for that now */
	type(f, "?");
	assert_int_equal(get(f, FR) & RXFE, RXFE);
}

static void receiver_off_takes_nothing(void **state)
{
	struct fixture *f = *state;

	set(f, IMSC, RX | RT);
	set(f, CR, 0x101); /* no RXE */
	type(f, "a");
	assert_false(f->level);
	assert_int_equal(get(f, RIS), 0);
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	set(f, CR, 0x301);
	assert_int_equal(get(f, DR), 'a');
}

static void loopback_and_overrun(void **state)
{
	struct fixture *f = *state;

	set(f, CR, 0x301 | LBE);
	set(f, IMSC, OE);
	set(f, DR, 'a');
	assert_int_equal(get(f, FR) & (RXFE | RXFF), RXFF);
	assert_int_equal(get(f, RIS) & RX, RX);
	assert_false(f->level);
	set(f, DR, 'b'); /* the holding register is taken */
	assert_true(f->level);
	assert_int_equal(get(f, RSR), 1U << 3);
	type(f, "no"); /* the outside is disconnected */
	assert_int_equal(get(f, DR), 'a' | 1U << 11);
	assert_int_equal(get(f, RSR), 0);
	assert_int_equal(get(f, FR) & RXFE, RXFE);
	printed(f, "");
	set(f, ICR, OE);
	assert_false(f->level);
	set(f, DR, 'a');
	set(f, DR, 'b');
	set(f, RSR, 0); /* ECR: any value clears */
	assert_int_equal(get(f, RSR), 0);
	set(f, LCR_H, FEN);
	while ((get(f, FR) & RXFE) == 0)
		(void)get(f, DR);
	for (unsigned i = 0; i < 20; i++)
		set(f, DR, i);
	assert_int_equal(get(f, RIS) & RX, RX);
}

static void reset_empties_and_lowers(void **state)
{
	struct fixture *f = *state;

	set(f, LCR_H, FEN);
	set(f, IMSC, RT);
	type(f, "abc");
	assert_true(f->level);
	pl011_reset(&f->uart);
	assert_false(f->level);
	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	assert_int_equal(get(f, DR), 0);
}

static void works_without_line_or_backend(void **state)
{
	struct fixture *f = *state;
	struct console_backend null;

	console_null_init(&null);
	pl011_init(&f->uart, &null, NULL, NULL);
	set(f, IMSC, 0x7ff);
	for (unsigned i = 0; i < 100; i++)
		set(f, DR, 'x');
	assert_int_equal(get(f, FR), TXFE | RXFE | MODEM);
	assert_int_equal(get(f, MIS), TX);
}

/*
 * A backend that claims more than it was given or asked for: a fault elsewhere, no wild access
 * here.
 */
static size_t lie_write(struct console_backend *backend, const uint8_t *bytes, size_t len)
{
	(void)backend;
	(void)bytes;
	return len + 1000;
}

static size_t lie_read(struct console_backend *backend, uint8_t *bytes, size_t len)
{
	(void)backend;
	memset(bytes, 'z', len);
	return len + 1000;
}

static void lying_backend_does_no_harm(void **state)
{
	static const struct console_ops lie = { .write = lie_write, .read = lie_read };
	struct console_backend backend = { .ops = &lie };
	struct fixture *f = *state;

	pl011_init(&f->uart, &backend, line, f);
	set(f, LCR_H, FEN);
	set(f, IMSC, RX);
	(void)get(f, MIS);
	assert_int_equal(get(f, FR) & RXFF, RXFF);
	assert_int_equal(get(f, DR), 'z');
	set(f, DR, 'a');
	pl011_poll(&f->uart);
	assert_int_equal(get(f, FR) & (BUSY | TXFF), BUSY); /* it believes none of it */
	assert_int_equal(f->uart.tx.used, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_values, setup),
		cmocka_unit_test_setup(plain_registers_keep_their_bits, setup),
		cmocka_unit_test_setup(identification, setup),
		cmocka_unit_test_setup(output_goes_out, setup),
		cmocka_unit_test_setup(every_width_reaches_a_register, setup),
		cmocka_unit_test(full_backend_loses_nothing),
		cmocka_unit_test(bytes_do_not_overtake),
		cmocka_unit_test(transmit_interrupt_at_the_trigger),
		cmocka_unit_test_setup(transmitter_off_holds_bytes, setup),
		cmocka_unit_test(fifos_off_keeps_what_was_accepted),
		cmocka_unit_test_setup(input_interrupts_and_is_read, setup),
		cmocka_unit_test_setup(receive_trigger_levels, setup),
		cmocka_unit_test_setup(holding_register_without_fifos, setup),
		cmocka_unit_test_setup(long_input_waits_in_the_backend, setup),
		cmocka_unit_test_setup(fifos_off_over_received_bytes, setup),
		cmocka_unit_test_setup(input_is_not_there_before_the_guest_listens, setup),
		cmocka_unit_test_setup(loopback_keeps_the_outside_out, setup),
		cmocka_unit_test_setup(timeout_cannot_be_cleared_under_data, setup),
		cmocka_unit_test_setup(linux_drain_loses_nothing, setup),
		cmocka_unit_test_setup(a_handler_without_ris_gets_its_bytes, setup),
		cmocka_unit_test_setup(masking_hides_the_fifo_again, setup),
		cmocka_unit_test_setup(polling_guest_is_listening, setup),
		cmocka_unit_test_setup(receiver_off_takes_nothing, setup),
		cmocka_unit_test_setup(loopback_and_overrun, setup),
		cmocka_unit_test_setup(reset_empties_and_lowers, setup),
		cmocka_unit_test_setup(works_without_line_or_backend, setup),
		cmocka_unit_test_setup(lying_backend_does_no_harm, setup),
	};

	return cmocka_run_group_tests_name("dev/pl011", tests, NULL, NULL);
}
