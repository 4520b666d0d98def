/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL011 UART (Arm DDI 0183G, revision r1p5: FIFOs of 32).
 *
 * Bytes move at once, there is no line rate: what the guest writes goes to the backend, and stays
 * in the transmit FIFO only while the backend is full (FR.TXFF and BUSY then say so). What the outside
 * sends stays with the backend until the receive FIFO has room, so nothing overruns. Nothing the
 * guest was told is accepted is lost: turning the FIFOs off does not drop the transmit FIFO.
 *
 * The line is up at reset as firmware would have left it: CR = UARTEN | TXE | RXE.
 *
 * Locking: the bus holds the device's lock around pl011_access; who calls pl011_poll takes it too.
 */
#pragma once

#include "vmm/backend/console/console.h"
#include "vmm/core/mmio.h"

#include <stdbool.h>
#include <stdint.h>

enum { PL011_FIFO = 32 };

struct pl011_fifo {
	uint16_t data[PL011_FIFO]; /* the byte, and DR's error bits 11:8 */
	uint8_t head, used;
};

struct pl011 {
	struct console_backend *backend;    /* borrowed; outlives the device */
	void (*irq)(void *ctx, bool level); /* UARTINTR changed; may be NULL */
	void *ctx;
	struct pl011_fifo tx, rx;
	uint16_t ris, imsc;
	uint16_t ibrd, cr, ifls, dmacr;
	uint8_t ilpr, fbrd, lcr_h, rsr;
	bool level; /* last told to irq() */
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
