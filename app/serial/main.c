/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UART driver for Arm's PL011 (DDI 0183, r1p5). What it is given: include/vmm/console.h.
 *
 * It moves bytes between the UART's FIFOs and two queues, and knows nothing of what they mean.
 * Whichever side is full stops the other: a full queue masks the receive interrupts, so the FIFO
 * fills and the line's flow control (QEMU's, or RTS where it is wired) holds the sender.
 *
 * Speed, format and FIFO mode stay as the firmware left them. Changing LCR_H means to stop the
 * receiver and to empty its FIFO, which would lose what was already typed (or piped in). All works
 * the same without FIFO, a character at a time.
 */
#include <sel4/sel4.h>
#include <stdbool.h>
#include <stddef.h>
#include <vmm/console.h>
#include <vmm/start.h>

#include "vmm/backend/queue/serialq.h"
#include "vmm/port/sel4/runtime.h"

/* Registers, as indices of 32-bit words (3.2). */
enum {
	UART_DR = 0x000 / 4,
	UART_FR = 0x018 / 4,
	UART_CR = 0x030 / 4,
	UART_IMSC = 0x038 / 4,
	UART_ICR = 0x044 / 4,
};

enum {
	DR_FRAMING = 1 << 8,
	DR_PARITY = 1 << 9,
	DR_BREAK = 1 << 10,
	DR_OVERRUN = 1 << 11,
	FR_RXFE = 1 << 4,
	FR_TXFF = 1 << 5,
	CR_ON = 1 << 0 | 1 << 8 | 1 << 9, /* UART, transmitter, receiver */
	INT_RX = 1 << 4 | 1 << 6,         /* level reached; bytes waiting and the line quiet */
	INT_TX = 1 << 5,
	INT_ERRORS = 0xf << 7,
	BATCH = 64,
};

struct serial {
	volatile uint32_t *uart;
	struct serialq_producer rx;
	struct serialq_consumer tx;
	struct vmm_serial_stats *stats; /* ours to write; never read back */
	struct vmm_serial_stats count;
	uint32_t mask; /* IMSC */
	seL4_CPtr console;
};

/* One character, or -1 for a break, which is not one. */
static int take(struct serial *s)
{
	uint32_t dr = s->uart[UART_DR];

	if ((dr & DR_OVERRUN) != 0)
		s->count.overruns++;
	if ((dr & DR_BREAK) != 0)
		return -1;
	if ((dr & (DR_FRAMING | DR_PARITY)) != 0)
		s->count.errors++;
	return (int)(dr & 0xff);
}

/* Fills the queue from the UART. Returns true if anything came. */
static bool receive(struct serial *s)
{
	uint8_t bytes[BATCH];
	uint32_t room = serialq_room(&s->rx);
	size_t n = 0;

	while (n < sizeof(bytes) && n < room && (s->uart[UART_FR] & FR_RXFE) == 0) {
		int c = take(s);

		if (c >= 0)
			bytes[n++] = (uint8_t)c;
	}
	return serialq_write(&s->rx, bytes, n) > 0;
}

static void pump_rx(struct serial *s)
{
	bool any = false;

	while (receive(s))
		any = true;
	s->mask |= INT_RX;
	if (serialq_room(&s->rx) == 0) {
		serialq_want_signal(&s->rx);
		if (serialq_room(&s->rx) == 0)
			s->mask &= ~(uint32_t)INT_RX;
	}
	__atomic_store_n(&s->stats->overruns, s->count.overruns, __ATOMIC_RELAXED);
	__atomic_store_n(&s->stats->errors, s->count.errors, __ATOMIC_RELAXED);
	if (any)
		seL4_Signal(s->console);
}

static void pump_tx(struct serial *s)
{
	uint8_t byte;

	while ((s->uart[UART_FR] & FR_TXFF) == 0 && serialq_read(&s->tx, &byte, 1) == 1)
		s->uart[UART_DR] = byte;
	if (serialq_release(&s->tx))
		seL4_Signal(s->console);
	if (serialq_length(&s->tx) > 0)
		s->mask |= INT_TX;
	else
		s->mask &= ~(uint32_t)INT_TX;
}

/* The system is not as admin promised: stop here; admin names the faulting thread. */
static void expect(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static const struct vmm_start_region *region(const struct vmm_start *start, const char *name)
{
	const struct vmm_start_region *r = vmm_start_region(start, name);

	expect(r != NULL);
	return r;
}

static void attach(struct serial *s, const struct vmm_start *start)
{
	const struct vmm_start_region *rx = region(start, "rx.queue");
	const struct vmm_start_region *rx_data = region(start, "rx.data");
	const struct vmm_start_region *tx_data = region(start, "tx.data");

	s->uart = (volatile uint32_t *)region(start, "uart")->vaddr;
	s->console = vmm_start_cap(start, "console");
	s->stats = (struct vmm_serial_stats *)(rx->vaddr + VMM_SERIAL_STATS_OFFSET);
	expect(serialq_producer_init(&s->rx, (void *)rx->vaddr, (void *)rx_data->vaddr,
				     (uint32_t)rx_data->size) == VMM_OK);
	expect(serialq_consumer_init(&s->tx, (void *)region(start, "tx.queue")->vaddr,
				     (const void *)tx_data->vaddr,
				     (uint32_t)tx_data->size) == VMM_OK);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	seL4_CPtr wake = vmm_start_cap(start, "wake");
	seL4_CPtr irq = vmm_start_cap(start, "irq");
	struct serial serial = { 0 };
	seL4_Word badge = VMM_SERIAL_BADGE_IRQ; /* what came before us is an interrupt, too */

	expect(thread == 0 && wake != 0 && irq != 0);
	attach(&serial, start);
	serial.uart[UART_CR] |= CR_ON;
	for (;;) {
		pump_rx(&serial);
		pump_tx(&serial);
		/* Reading clears the receive interrupts; clearing them here could lose one. */
		serial.uart[UART_ICR] = INT_TX | INT_ERRORS;
		serial.uart[UART_IMSC] = serial.mask;
		if ((badge & VMM_SERIAL_BADGE_IRQ) != 0)
			(void)seL4_IRQHandler_Ack(irq);
		(void)seL4_Wait(wake, &badge);
	}
}
