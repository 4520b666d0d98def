// SPDX-License-Identifier: BSD-2-Clause
/* A network with nobody in it. */
#include <stddef.h>

#include "vmm/backend/net/net.h"

static void null_accept(struct net_backend *backend, uint32_t offloads)
{
	(void)backend;
	(void)offloads;
}

static bool null_link_up(struct net_backend *backend)
{
	(void)backend;
	return false;
}

static bool null_tx_begin(struct net_backend *backend, const struct net_hdr *hdr, uint32_t len)
{
	(void)backend;
	(void)hdr;
	(void)len;
	return true;
}

static void null_tx_put(struct net_backend *backend, const void *bytes, uint32_t len)
{
	(void)backend;
	(void)bytes;
	(void)len;
}

static bool null_rx_begin(struct net_backend *backend, struct net_hdr *hdr, uint32_t *len)
{
	(void)backend;
	(void)hdr;
	(void)len;
	return false;
}

static void null_rx_get(struct net_backend *backend, void *to, uint32_t len)
{
	(void)backend;
	(void)to;
	(void)len;
}

static void null_done(struct net_backend *backend)
{
	(void)backend;
}

static const struct net_ops null_ops = {
	.accept = null_accept,
	.link_up = null_link_up,
	.tx_begin = null_tx_begin,
	.tx_put = null_tx_put,
	.tx_end = null_done,
	.rx_begin = null_rx_begin,
	.rx_get = null_rx_get,
	.rx_end = null_done,
	.flush = null_done,
};

void net_null_init(struct net_backend *backend)
{
	*backend = (struct net_backend){
		.ops = &null_ops,
		.offloads = NET_OFFLOAD_ALL,
		.frame_max = NET_FRAME_MAX,
	};
}
