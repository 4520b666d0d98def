/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UART driver for Arm's PL011. What it is given: include/vmm/console.h; what it does: serial.h.
 * Here are its registers and what it says to the kernel.
 */
#include <sel4/sel4.h>
#include <stdbool.h>
#include <vmm/console.h>
#include <vmm/start.h>

#include "app/lib/alive.h"
#include "app/lib/probe.h"
#include "app/serial/serial.h"
#include "vmm/port/sel4/runtime.h"

uint32_t serial_uart_read(uint64_t uart, uint32_t offset)
{
	return *(const volatile uint32_t *)(uart + offset);
}

void serial_uart_write(uint64_t uart, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(uart + offset) = value;
}

/* The system is not as admin promised: stop here; admin names the faulting thread. */
static void expect(bool ok)
{
	if (!ok)
		__builtin_trap();
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	seL4_CPtr wake = vmm_start_cap(start, "wake");
	seL4_CPtr irq = vmm_start_cap(start, "irq");
	seL4_CPtr console = vmm_start_cap(start, "console");
	struct serial serial;
	struct alive alive;
	seL4_Word badge = VMM_SERIAL_BADGE_IRQ; /* what came before us is an interrupt, too */

	expect(thread == 0 && wake != 0 && irq != 0);
	expect(serial_attach(&serial, start) == VMM_OK);
	alive_init(&alive, start);
	for (unsigned rounds = 0;; rounds++) {
		bool moved = serial_pump(&serial);

		probe(0, moved, rounds);
		if (moved)
			seL4_Signal(console);
		if ((badge & VMM_SERIAL_BADGE_IRQ) != 0)
			(void)seL4_IRQHandler_Ack(irq);
		alive_round(&alive);
		(void)seL4_Wait(wake, &badge);
	}
}
