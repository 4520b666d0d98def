// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/fmt.h"

enum {
	LINE = 256,
	DRAIN_YIELDS = 20000, /* more than enough to empty a UART's FIFO; under a second */
};

void log_init(struct admin *a)
{
	a->log.uart_frame = object_device_frame(a, a->system.board.uart.base, seL4_PageBits);
	space_map(a, &a->self, a->log.uart_frame, ADMIN_UART, seL4_ReadWrite,
		  seL4_ARM_ExecuteNever);
	a->log.uart = true;
}

/*
 * Without UART or console the kernel may have one. A kernel built without printing takes the call for a
 * fault, which stops admin: it only has such things to say when it is about to stop.
 */
static void put(struct admin *a, const char *text)
{
	for (; *text != '\0'; text++) {
		if (a->log.uart)
			machine_put(ADMIN_UART, *text);
		else
			seL4_DebugPutChar(*text);
	}
}

/* The console puts the channel's name, "vessel", before each line, as is done here. */
static void say(struct admin *a, const char *format, va_list args)
{
	char line[LINE];

	fmt_vsnprintf(line, sizeof(line), format, args);
	if (a->log.queue) {
		console_log_line(&a->log.channel, line, strlen(line));
	} else {
		put(a, "vessel: ");
		put(a, line);
		put(a, "\r\n");
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

void admin_builds(struct admin *a, const char *kind, const char *name)
{
	a->building.kind = kind;
	a->building.name = name;
}

void must(struct admin *a, seL4_Error error, const char *call, const char *what)
{
	static const char *const names[seL4_NumErrors] = {
		[seL4_InvalidArgument] = "invalid argument",
		[seL4_InvalidCapability] = "invalid capability",
		[seL4_IllegalOperation] = "illegal operation",
		[seL4_RangeError] = "range error",
		[seL4_AlignmentError] = "alignment error",
		[seL4_FailedLookup] = "failed lookup",
		[seL4_TruncatedMessage] = "truncated message",
		[seL4_DeleteFirst] = "delete first",
		[seL4_RevokeFirst] = "revoke first",
		[seL4_NotEnoughMemory] = "not enough memory",
	};

	if (error == seL4_NoError)
		return;
	admin_die(a, "%s %s: %s for %s: the kernel says %s", a->building.kind, a->building.name,
		  call, what,
		  (unsigned)error < seL4_NumErrors ? names[error] : "something unknown");
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
