/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer: one line, many clients. What it is given: include/vmm/console.h. What it
 * shows and how it is steered: vmm/backend/console/mux.h; here bytes and signals are moved. main.c
 * waits and calls console_pump() after each signal.
 *
 * Nothing is ever dropped. Output waits in its client's queue until the multiplexer has room, and
 * that waits for the driver. Typed bytes wait in the driver's queue while the VM they are for takes
 * none. If the escape key is among those that wait, someone wants to leave a VM that does not read:
 * what was typed for it before the key is parked here, so that the key is seen at once.
 *
 * A client gets the room of its output back when the driver has it all: an empty queue means that
 * the bytes are with the UART. That is how admin knows that the last line is out.
 */
#pragma once

#include <sel4/sel4.h>
#include <stdbool.h>
#include <stdint.h>
#include <vmm/console.h>
#include <vmm/start.h>

#include "vmm/backend/console/mux.h"
#include "vmm/backend/queue/serialq.h"

struct console_client {
	struct serialq_producer rx;
	struct serialq_consumer tx;
	seL4_CPtr notify;
	uint32_t quota;  /* bytes it may still show in this round */
	uint32_t parked; /* typed bytes for it that are in console.parked */
	bool vm;
};

enum { CONSOLE_PARKED = 4096 };

struct console_parked {
	uint8_t client, byte;
};

struct console {
	struct mux mux;
	struct console_client clients[VMM_CONSOLE_CLIENTS];
	uint32_t client_count;
	struct serialq_producer out;
	struct serialq_consumer in;
	const struct vmm_serial_stats *stats;
	uint32_t overruns;
	seL4_CPtr wake, serial, timer;
	uint64_t tick; /* in ticks of the counter */
	bool ticking;
	bool shown; /* something, in this call of pump_clients() */
	bool held;  /* `typed` was read and waits for room */
	uint8_t typed;
	uint32_t ahead; /* bytes in the driver's queue up to an escape key, if known */
	uint32_t parked_count;
	struct console_parked parked[CONSOLE_PARKED]; /* in the order of typing */
};

/** Takes up what the start page and the configuration in it name. VMM_ERR_*: it is not as promised. */
enum vmm_err console_attach(struct console *c, const struct vmm_start *start) VMM_MUST_CHECK;

/** Moves all that can be moved. */
void console_pump(struct console *c);

/** The tick that console_pump() has asked the timer server for. */
void console_tick(struct console *c);
