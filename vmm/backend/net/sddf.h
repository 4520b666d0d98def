/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network backend over a link (link.h) to the switch, or to any sDDF network server.
 *
 * The server's signal is the event that net.h speaks of. A server of ours takes all offloads; whether
 * this is one, the configuration says (`netlink_config.chains`).
 */
#pragma once

#include "vmm/backend/net/link.h"
#include "vmm/backend/net/net.h"
#include "vmm/backend/queue/server.h"

/* How to wake the server: a notification capability on the target, a counter in a test. */
struct net_signal {
	void (*raise)(void *ctx);
	void *ctx;
};

struct net_sddf {
	struct net_backend backend;
	struct netlink link;
	struct net_signal signal;
	struct netlink_frame frame; /* the one being received */
	bool received;              /* it is valid */
	uint32_t piece, at;         /* how far it was fetched */
	struct server server;       /* may be set after the initialisation */
};

/** Attaches to the link as the owner of its buffers, and tells the server of them. */
enum vmm_err net_sddf_init(struct net_sddf *sddf, const struct netlink_config *config,
			   struct net_signal signal) VMM_MUST_CHECK;
