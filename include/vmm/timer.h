/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer server's protocol. A client's endpoint capability is badged with its index; expiry is a
 * signal on the notification that the server was given for that client. One deadline a client; a
 * new one replaces the old. Sent with seL4_Send (no reply) so that a client never waits for a tick.
 */
#pragma once

enum {
	VMM_TIMER_SET =
		1, /* MR0 = absolute deadline in ticks of the system counter (CNTPCT scale) */
	VMM_TIMER_CANCEL,
};
