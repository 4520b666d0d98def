// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/fmt.h"

enum {
	LINE = 256,
	/* Arm PrimeCell UART (PL011), DDI 0183, 3.2. */
	PL011_DR = 0x00,
	PL011_FR = 0x18,
	PL011_FR_TXFF = 1 << 5,

	DRAIN_YIELDS = 20000, /* more than enough to empty a UART's FIFO; under a second */
};

void log_init(struct admin *a)
{
	a->log.uart_frame = object_device_frame(a, a->system.board.uart.base, seL4_PageBits);
	space_map(a, &a->self, a->log.uart_frame, ADMIN_UART, seL4_ReadWrite,
		  seL4_ARM_ExecuteNever);
	a->log.uart = true;
}

static void put_uart(char c)
{
	volatile uint32_t *flags = (volatile uint32_t *)(ADMIN_UART + PL011_FR);
	volatile uint32_t *data = (volatile uint32_t *)(ADMIN_UART + PL011_DR);

	while ((*flags & PL011_FR_TXFF) != 0)
		;
	*data = (uint8_t)c;
}

static void put_uart_text(const char *text)
{
	for (; *text != '\0'; text++)
		put_uart(*text);
}

/* The console puts the channel's name, "vessel", before each line, as is done here for the UART. */
static void say(struct admin *a, const char *format, va_list args)
{
	char line[LINE];

	fmt_vsnprintf(line, sizeof(line), format, args);
	if (a->log.uart) {
		put_uart_text("vessel: ");
		put_uart_text(line);
		put_uart_text("\r\n");
	} else if (a->log.queue) {
		console_log_line(&a->log.channel, line, strlen(line));
	}
}

void admin_say(struct admin *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, format, args);
	va_end(args);
}

void admin_die(struct admin *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, format, args);
	va_end(args);
	admin_say(a, "the system was not built");
	admin_say(a, "all VMs are off, status 1");
	for (;;)
		seL4_TCB_Suspend(seL4_CapInitThreadTCB);
}

void must(struct admin *a, seL4_Error error, const char *call, const char *what)
{
	if (error != seL4_NoError)
		admin_die(a, "%s for %s: seL4 error %d", call, what, (int)error);
}

void log_to_console(struct admin *a)
{
	must(a, seL4_ARM_Page_Unmap(a->log.uart_frame), "Page_Unmap", "the UART");
	a->log.uart = false;
	a->log.queue = true;
}

/*
 * Admin goes below everyone on its core: when it runs, console and driver have nothing to do there.
 * What is left is a driver on another core, and the UART's own FIFO.
 */
void log_drain(struct admin *a)
{
	unsigned after = 0;

	if (!a->log.queue)
		return;
	seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, PRIORITY_LOWEST);
	for (unsigned i = 0; i < 100 * DRAIN_YIELDS && after < DRAIN_YIELDS; i++) {
		seL4_Yield();
		if (serialq_drained(&a->log.channel.tx))
			after++;
	}
}
