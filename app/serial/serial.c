// SPDX-License-Identifier: BSD-2-Clause
#include "app/serial/serial.h"

#include <stddef.h>

/* Registers (3.2). */
enum {
	UART_DR = 0x000,
	UART_FR = 0x018,
	UART_CR = 0x030,
	UART_IMSC = 0x038,
	UART_ICR = 0x044,
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

/* One character, or -1 for a break, which is not one. */
static int take(struct serial *s)
{
	uint32_t dr = serial_uart_read(s->uart, UART_DR);

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

	while (n < sizeof(bytes) && n < room &&
	       (serial_uart_read(s->uart, UART_FR) & FR_RXFE) == 0) {
		int c = take(s);

		if (c >= 0)
			bytes[n++] = (uint8_t)c;
	}
	return serialq_write(&s->rx, bytes, n) > 0;
}

static bool pump_rx(struct serial *s)
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
	return any;
}

static bool pump_tx(struct serial *s)
{
	uint8_t byte;

	while ((serial_uart_read(s->uart, UART_FR) & FR_TXFF) == 0 &&
	       serialq_read(&s->tx, &byte, 1) == 1)
		serial_uart_write(s->uart, UART_DR, byte);
	if (serialq_length(&s->tx) > 0)
		s->mask |= INT_TX;
	else
		s->mask &= ~(uint32_t)INT_TX;
	return serialq_release(&s->tx);
}

bool serial_pump(struct serial *s)
{
	bool received, sent;

	/*
	 * Before the FIFO is filled: that it ran low is said once, and it may do so at any time from
	 * then on. Reading clears the receive interrupts; clearing them here could lose one.
	 */
	serial_uart_write(s->uart, UART_ICR, INT_TX | INT_ERRORS);
	received = pump_rx(s);
	sent = pump_tx(s);
	serial_uart_write(s->uart, UART_IMSC, s->mask);
	return received || sent;
}

enum vmm_err serial_attach(struct serial *s, const struct vmm_start *start)
{
	const struct vmm_start_region *uart = vmm_start_region(start, "uart");
	const struct vmm_start_region *rx = vmm_start_region(start, "rx.queue");
	const struct vmm_start_region *rx_data = vmm_start_region(start, "rx.data");
	const struct vmm_start_region *tx = vmm_start_region(start, "tx.queue");
	const struct vmm_start_region *tx_data = vmm_start_region(start, "tx.data");
	enum vmm_err err;

	if (uart == NULL || rx == NULL || rx_data == NULL || tx == NULL || tx_data == NULL)
		return VMM_ERR_ABSENT;
	*s = (struct serial){
		.uart = uart->vaddr,
		.stats = (struct vmm_serial_stats *)(rx->vaddr + VMM_SERIAL_STATS_OFFSET),
	};
	err = serialq_producer_init(&s->rx, (void *)rx->vaddr, (void *)rx_data->vaddr,
				    (uint32_t)rx_data->size);
	if (err == VMM_OK)
		err = serialq_consumer_init(&s->tx, (void *)tx->vaddr, (const void *)tx_data->vaddr,
					    (uint32_t)tx_data->size);
	if (err == VMM_OK)
		serial_uart_write(s->uart, UART_CR, serial_uart_read(s->uart, UART_CR) | CR_ON);
	return err;
}
