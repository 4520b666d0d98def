/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL011 driver (DDI 0183, r1p5) without its kernel calls: bytes between the UART's FIFOs and two
 * queues. main.c waits for interrupts and signals, and calls serial_pump() after each.
 *
 * Whichever side is full stops the other: a full queue masks the receive interrupts, so the FIFO
 * fills and the line's flow control (QEMU's, or RTS where it is wired) holds the sender.
 *
 * Speed, format and FIFO mode stay as the firmware left them. Changing LCR_H means to stop the
 * receiver and to empty its FIFO, which would lose what was already typed (or piped in). All works
 * the same without FIFO, a character at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vmm/console.h>
#include <vmm/start.h>

#include "vmm/backend/queue/serialq.h"

struct serial {
	uint64_t uart; /* where its registers are mapped */
	struct serialq_producer rx;
	struct serialq_consumer tx;
	struct vmm_serial_stats *stats; /* ours to write; never read back */
	struct vmm_serial_stats count;
	uint32_t mask; /* IMSC */
};

/** Finds UART and queues in the start page and turns the UART on. VMM_ERR_ABSENT, _INVALID. */
enum vmm_err serial_attach(struct serial *s, const struct vmm_start *start) VMM_MUST_CHECK;

/** Moves what can be moved both ways. True if the console is to hear of it. */
bool serial_pump(struct serial *s);

/* The UART's registers, by offset: main.c's, or a test's. */
uint32_t serial_uart_read(uint64_t uart, uint32_t offset);
void serial_uart_write(uint64_t uart, uint32_t offset, uint32_t value);
