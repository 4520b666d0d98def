/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any access to a PL011, between input that arrives and output that is taken away slowly. What
 * the guest writes while TXFF is clear comes out, what is typed comes in, all in order and
 * nothing else, for as long as the guest does not loop the line back; and the line follows MIS.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "test/fuzz/input.h"
#include "vmm/dev/uart/pl011.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DR = 0x00, FR = 0x18, CR = 0x30, MIS = 0x40, FR_RXFE = 0x10, FR_TXFF = 0x20, CR_LBE = 0x80 };

struct bench {
	struct pl011 uart;
	struct console_memory memory;
	uint8_t out[16], in[16];
	bool level, looped;
	uint8_t written, printed; /* counters that are also the bytes themselves */
	uint8_t typed, heard;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void line(void *ctx, bool level)
{
	struct bench *b = ctx;

	must(b->level != level);
	b->level = level;
}

static uint64_t access(struct bench *b, unsigned offset, unsigned width, bool write, uint64_t value)
{
	struct mmio_access a = {
		.offset = offset, .value = value, .width = (uint8_t)width, .write = write
	};

	pl011_access(&b->uart, &a);
	return a.value;
}

static void any_access(struct bench *b, struct input *in)
{
	uint8_t what = input_u8(in);
	unsigned width = 1U << (what & 3);
	bool write = (what & 4) != 0;
	unsigned offset =
		(what & 8) != 0 ? input_u8(in) % 0x50U : (unsigned)input_bytes(in, 2) % 0x1000;
	uint64_t value = input_bytes(in, width);

	offset -= (what & 0x10) != 0 ? offset % width : 0;
	if (offset + width > 0x1000)
		return;
	if (offset == DR && width < 8)
		return; /* the two below keep count */
	value = access(b, offset, width, write, value);
	must(write || width == 8 || value >> 8 * width == 0);
	if ((access(b, CR, 4, false, 0) & CR_LBE) != 0)
		b->looped = true;
}

static void write_byte(struct bench *b)
{
	if ((access(b, FR, 4, false, 0) & FR_TXFF) == 0)
		(void)access(b, DR, 4, true, b->written++);
}

static void read_byte(struct bench *b)
{
	uint64_t value;

	/* FR may hide what is there (pl011.h), but what it shows is there. */
	if ((access(b, FR, 4, false, 0) & FR_RXFE) != 0)
		return;
	must(b->uart.rx.used > 0);
	value = access(b, DR, 4, false, 0);
	must(b->looped || value == b->heard);
	b->heard++;
}

static void drain(struct bench *b, size_t count)
{
	uint8_t bytes[16];

	count = console_memory_drain(&b->memory, bytes, count);
	for (size_t i = 0; i < count; i++)
		must(bytes[i] == b->printed++ || b->looped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };
	struct bench b = { .level = false };

	console_memory_init(&b.memory, b.out, input_u8(&in) % 17, b.in, sizeof(b.in));
	pl011_init(&b.uart, &b.memory.backend, line, &b);
	while (in.left > 0) {
		uint8_t what = input_u8(&in);

		switch (what % 8) {
		case 0:
		case 1:
			write_byte(&b);
			break;
		case 2:
			read_byte(&b);
			break;
		case 3:
			b.typed = (uint8_t)(b.typed + console_memory_feed(&b.memory, &b.typed, 1));
			break;
		case 4:
			drain(&b, what / 8 % 16);
			break;
		case 5:
			pl011_poll(&b.uart);
			break;
		default:
			any_access(&b, &in);
			break;
		}
		must(b.uart.tx.used <= PL011_FIFO && b.uart.rx.used <= PL011_FIFO);
		must(b.level == (access(&b, MIS, 4, false, 0) != 0));
	}
	return 0;
}
