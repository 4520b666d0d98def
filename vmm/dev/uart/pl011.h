/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL011 UART (Arm DDI 0183G, revision r1p5: FIFOs of 32).
 *
 * Bytes move at once, there is no line rate. What the guest writes goes to the backend, and stays
 * in the transmit FIFO only while the backend is full or the transmitter off (FR.TXFF and BUSY
 * say so). Nothing is lost that the guest was told is accepted: turning the FIFOs off drops no
 * byte.
 *
 * What the outside sends stays with the backend until the receive FIFO has room, so nothing
 * overruns, and until the guest listens: the receiver is on and either a receive interrupt is
 * unmasked or RXFE was read PL011_POLLS times without a write to DR in between. Stock Linux
 * throws away what it finds in the FIFO when it opens its console; input that was typed or piped
 * before then must not be there yet. Worse, it unmasks the receive interrupts for a moment before
 * that. So FR says "empty" until the guest has read RIS or MIS with a receive interrupt unmasked,
 * which is how an interrupt handler begins (or has looked at FR PL011_POLLS times); masking them all
 * begins anew. As the line has no rate, the receive timeout is over at once: RTRIS
 * follows "receive FIFO not empty", and ICR cannot hold it down.
 *
 * The line is up at reset as firmware would have left it: CR = UARTEN | TXE | RXE. DMA and modem
 * lines are not there (CTS, DSR and DCD read as asserted, for guests that insist).
 *
 * Locking: the bus holds the device's lock around pl011_access; who calls the others takes it too.
 */
#pragma once

#include "vmm/backend/console/console.h"
#include "vmm/core/mmio.h"

#include <stdbool.h>
#include <stdint.h>

enum { PL011_FIFO = 32, PL011_POLLS = 8 };

struct pl011_fifo {
	uint8_t bytes[PL011_FIFO];
	uint8_t head, used; /* oldest byte, count */
};

struct pl011 {
	struct console_backend *backend;    /* borrowed; outlives the device */
	void (*irq)(void *ctx, bool level); /* UARTINTR changed; may be NULL */
	void *ctx;
	struct pl011_fifo tx, rx;
	uint16_t ris, imsc;
	uint16_t ibrd, cr, ifls, dmacr;
	uint8_t ilpr, fbrd, lcr_h;
	uint8_t polls; /* looks at FR that found nothing received, up to PL011_POLLS */
	bool asked;    /* RIS or MIS was read while a receive interrupt was unmasked */
	bool overrun;  /* loopback only: RSR.OE */
	bool level;    /* last told to irq() */
};

/** `irq` is called from pl011_access, pl011_poll and pl011_reset only, on changes. */
void pl011_init(struct pl011 *uart, struct console_backend *backend,
		void (*irq)(void *ctx, bool level), void *ctx);

/** Registers as after a reset, FIFOs empty, line low. */
void pl011_reset(struct pl011 *uart);

/** mmio_handler; `device` is the struct pl011; 4 KiB. */
void pl011_access(void *device, struct mmio_access *access);

/** The backend has an event: moves what can be moved both ways. Harmless at any time. */
void pl011_poll(struct pl011 *uart);
