/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket backend over a channel's two queues (sockq.h), towards a router. What the router must know
 * about the link (driver up, driver gone) goes into the same stream as the packets, in order; while
 * there is no room for that, it is owed, and no packet passes it.
 *
 * A router that was given up, or that cannot be understood any more, is as one that has lost all connections.
 */
#pragma once

#include "vmm/backend/queue/server.h"
#include "vmm/backend/queue/sockq.h"

struct socket_queue {
	struct socket_backend backend;
	struct sockq_sender to;
	struct sockq_receiver from;
	bool down_owed, up_owed;
	struct server server;
	bool telling, lost;        /* the device is being told so, and knows it */
	void (*signal)(void *ctx); /* wakes the router */
	void *ctx;
};

/** `q->to` and `q->from` have been initialised by the caller; `q->server` may be set afterwards. */
void socket_queue_init(struct socket_queue *q, void (*signal)(void *ctx), void *ctx);
