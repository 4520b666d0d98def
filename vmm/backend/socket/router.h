/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket router: packets between clients (VMs' socket devices, native programs), each known by a
 * context id (CID) that the description gave it. Pure: queues in, queues out, time as an argument.
 *
 * What it enforces: a client speaks as itself only; a connection begins with a request and ends with a
 * reset, and everything for a connection that is not there, or for a client that is not, is answered
 * by a reset (VIRTIO 1.2, 5.10.6.3), so that stale connections end. When a client's driver goes away,
 * who was connected to it is told. A client may open so many connections and no more.
 *
 * What it does not do: credit is between the ends. A packet is delivered whole, in order, or, together
 * with its connection, not at all.
 *
 * Backpressure: a client whose queue is full holds up who sends to it, and nobody else. One that
 * takes nothing for ROUTER_STALL_MS with somebody waiting is stale: its connections are reset as they
 * come up, until it takes something again. So a client that has stopped costs others that long, once.
 */
#pragma once

#include "vmm/backend/queue/sockq.h"

enum {
	ROUTER_CLIENTS = 32,
	ROUTER_CONNECTIONS = 1024,
	ROUTER_QUOTA = 128, /* connections that one client may have begun */
	ROUTER_STALL_MS = 2000,
	ROUTER_BATCH = 32, /* packets of a client before the others' turn */
};

/* For the log, and for tests. */
struct router_counts {
	uint64_t packets, bytes;
	uint64_t spoofed;   /* packets with another's address, dropped */
	uint64_t malformed; /* of a type or operation that nobody knows */
	uint64_t resets;    /* made here, for this client */
};

struct router_client {
	uint64_t cid;
	struct sockq_sender to;
	struct sockq_receiver from;
	bool up;
	bool reset_owed; /* it is still to hear that connections from before our start are lost */
	bool stale;
	bool waited_for;      /* somebody could not be served for want of room at this one */
	uint32_t head;        /* of `to` when that was last looked at */
	uint64_t since;       /* when it last moved */
	unsigned connections; /* begun by it */
	struct router_counts counts;
};

/* Between two clients; `side[0]` began it. */
struct router_connection {
	bool used;
	bool closing; /* the other side is gone; side[owed] is still to be told */
	uint8_t owed;
	uint8_t client[2];
	uint32_t port[2];
};

struct router {
	uint64_t stall; /* ticks */
	unsigned client_count;
	unsigned next; /* whose turn is first */
	struct router_client client[ROUTER_CLIENTS];
	struct router_connection connection[ROUTER_CONNECTIONS];
};

struct router_signals {
	uint32_t clients;  /* to signal, a bit each */
	uint64_t deadline; /* ticks; 0: none */
	bool again;        /* there is more to do at once */
};

/** `hz`: ticks a second of what router_run() is given. */
void router_init(struct router *r, uint64_t hz);

/**
 * A client over queues that the caller has initialised. VMM_ERR_EXISTS: the CID is taken;
 * VMM_ERR_RANGE: it is none a client may have; VMM_ERR_NOMEM: too many.
 */
VMM_MUST_CHECK enum vmm_err router_add(struct router *r, uint64_t cid,
				       const struct sockq_sender *to,
				       const struct sockq_receiver *from);

/**
 * Tells all clients, each as soon as it has room, that connections from before the router's start are lost.
 * Once, at the start.
 */
void router_start(struct router *r);

/** Moves what can be moved. */
struct router_signals router_run(struct router *r, uint64_t now);
