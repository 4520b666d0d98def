/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial line: what admin gives to the UART driver (`serial`) and to the multiplexer
 * (`console`).
 *
 *   clients (VMMs, admin, ...)  <- queues ->  console  <- queues ->  serial  <-  UART, interrupt
 *
 * All queues are sDDF 0.7 serial queues (vmm/backend/queue/serialq.h): a header of three words at the
 * start of a page, and a data area whose size is a power of two. `rx` is towards the client or, for the
 * driver, away from the line; `tx` is towards the line.
 *
 * serial: one thread. By name in the start page, nothing else:
 *   capabilities  "irq"     IRQ handler of the UART, level triggered
 *                 "wake"    the program's notification, all rights; admin binds the interrupt to it
 *                           with IRQHandler_SetNotification (badge VMM_SERIAL_BADGE_IRQ)
 *                 "console" send side of console's "wake", badge VMM_CONSOLE_BADGE_SERIAL
 *   regions       "uart"    the UART's registers (device memory)
 *                 "rx.queue" "rx.data" "tx.queue" "tx.data"  shared with console, 4 KiB each
 *
 * console: one thread. In the start page
 *   capabilities  "wake"    the program's notification, all rights
 *                 "serial"  send side of serial's "wake", badge VMM_SERIAL_BADGE_CONSOLE
 *                 "timer"   endpoint of the timer server; it signals "wake", VMM_CONSOLE_BADGE_TIMER
 *   regions       "rx.queue" "rx.data" "tx.queue" "tx.data"  shared with serial
 * and vmm_start.config points at struct vmm_console_config. Clients' capabilities to "wake" carry
 * VMM_CONSOLE_BADGE_CLIENT.
 *
 * Priorities: serial above console, both above the threads of every VM.
 */
#pragma once

#include <stdint.h>

#define VMM_SERIAL_BADGE_IRQ     (UINT64_C(1) << 0)
#define VMM_SERIAL_BADGE_CONSOLE (UINT64_C(1) << 1)

#define VMM_CONSOLE_BADGE_SERIAL (UINT64_C(1) << 0)
#define VMM_CONSOLE_BADGE_TIMER  (UINT64_C(1) << 1)
#define VMM_CONSOLE_BADGE_CLIENT (UINT64_C(1) << 2)

/* What the driver could not deliver, at this offset in the page of its rx.queue; it only counts up. */
#define VMM_SERIAL_STATS_OFFSET 64

struct vmm_serial_stats {
	uint32_t overruns; /* times the UART had to drop characters: nobody took them in time */
	uint32_t errors;   /* characters with a framing or parity error (delivered all the same) */
};

#define VMM_CONSOLE_MAGIC   UINT64_C(0x4c4f534e4f435356) /* "VSCONSOL" */
#define VMM_CONSOLE_VERSION 1

enum { VMM_CONSOLE_CLIENTS = 64 };

enum vmm_console_kind {
	VMM_CONSOLE_LOG = 0, /* lines of a program; no input, rx_* are 0 */
	VMM_CONSOLE_VM,      /* a VM's console: takes input while it has the focus */
};

struct vmm_console_client {
	char name[32]; /* shown before its lines and in the list; printable ASCII */
	uint32_t kind; /* enum vmm_console_kind */
	uint32_t reserved;
	uint32_t rx_capacity, tx_capacity; /* bytes, powers of two */
	uint64_t rx_queue, rx_data;        /* console writes, client reads */
	uint64_t tx_queue, tx_data;        /* client writes, console reads */
	uint64_t notify; /* send side of the client's notification, with its badge; 0: none (log) */
};

/*
 * At most 8 KiB. Input goes first to the first client of kind VMM_CONSOLE_VM. Who reports on others comes
 * before them: admin, then each VMM.
 */
struct vmm_console_config {
	uint64_t magic;
	uint32_t version;
	uint32_t client_count;
	struct vmm_console_client clients[VMM_CONSOLE_CLIENTS];
};

_Static_assert(sizeof(struct vmm_console_config) <= 8192, "fits two 4 KiB frames");
