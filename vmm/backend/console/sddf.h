/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console backend over a pair of sDDF serial queues shared with the console multiplexer (or any
 * other sDDF server), and the same thing for log lines.
 *
 * The server's signal is the event that console.h speaks of. Not reentrant: a device calls its
 * backend under its own lock.
 */
#pragma once

#include "vmm/backend/console/console.h"
#include "vmm/backend/queue/serialq.h"
#include "vmm/backend/queue/server.h"

/* How to wake the server: a notification capability on the target, a counter in a test. */
struct console_signal {
	void (*raise)(void *ctx);
	void *ctx;
};

struct console_sddf {
	struct console_backend backend;
	struct serialq_producer tx;
	struct serialq_consumer rx;
	struct console_signal signal;
	struct server server; /* may be set after the initialisation */
};

/** Takes over both queue ends, set up by the caller with serialq_producer_init() and so on. */
void console_sddf_init(struct console_sddf *sddf, const struct serialq_producer *tx,
		       const struct serialq_consumer *rx, struct console_signal signal);

/* Whole lines for the system log. A line that does not fit is counted, and the count is reported. */
struct console_log {
	struct serialq_producer tx;
	struct console_signal signal;
	uint64_t lost;
};

void console_log_init(struct console_log *log, const struct serialq_producer *tx,
		      struct console_signal signal);

/** Sends `len` bytes of text as one line (a newline is added), or counts it as lost. */
void console_log_line(struct console_log *log, const char *text, size_t len);
