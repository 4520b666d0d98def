// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames that ask for nothing go plain, so that most have no header to copy. A frame fetched stays in
 * the server's buffers until rx_end(); it is looked at once, at rx_begin(), and that copy is kept.
 */
#include "vmm/backend/net/sddf.h"

#include <string.h>

#include "vmm/base/util.h"

static struct net_sddf *sddf_of(struct net_backend *backend)
{
	return container_of(backend, struct net_sddf, backend);
}

static void sddf_accept(struct net_backend *backend, uint32_t offloads)
{
	netlink_tell(&sddf_of(backend)->link, offloads, true);
}

static bool sddf_link_up(struct net_backend *backend)
{
	struct net_sddf *sddf = sddf_of(backend);

	if (server_is_over(&sddf->server))
		return false;
	return !sddf->link.chains || netlink_told(&sddf->link).up != 0;
}

static bool sddf_tx_begin(struct net_backend *backend, const struct net_hdr *hdr, uint32_t len)
{
	struct netlink *link = &sddf_of(backend)->link;
	bool plain = hdr->flags == 0 && hdr->gso_type == NET_GSO_NONE;
	struct net_hdr sent = *hdr;

	sent.num_buffers = 0;
	if (netlink_out(link, plain ? NULL : &sent, len))
		return true;
	if (netlink_must_agree(link)) {
		/* A frame that the guest has no buffer for yet must not keep the switch waiting. */
		sddf_of(backend)->received = false;
		(void)netlink_in_wait(link);
	}
	return netlink_out_wait(link, len) && netlink_out(link, plain ? NULL : &sent, len);
}

static void sddf_tx_put(struct net_backend *backend, const void *bytes, uint32_t len)
{
	netlink_put(&sddf_of(backend)->link, bytes, len);
}

static void sddf_tx_end(struct net_backend *backend)
{
	netlink_send(&sddf_of(backend)->link);
}

static void judge(struct net_sddf *sddf)
{
	if (sddf->link.bad != 0)
		server_did(&sddf->server, SERVER_FRAME);
	if (!netlink_is_sane(&sddf->link))
		server_did(&sddf->server, SERVER_INDEX);
}

static bool sddf_rx_begin(struct net_backend *backend, struct net_hdr *hdr, uint32_t *len)
{
	struct net_sddf *sddf = sddf_of(backend);

	if (!sddf->received)
		sddf->received = netlink_in(&sddf->link, &sddf->frame);
	if (!sddf->received && netlink_in_wait(&sddf->link))
		sddf->received = netlink_in(&sddf->link, &sddf->frame);
	if (!sddf->received) {
		judge(sddf);
		return false;
	}
	sddf->piece = 0;
	sddf->at = 0;
	*hdr = sddf->frame.hdr;
	*len = sddf->frame.len;
	return true;
}

static void sddf_rx_get(struct net_backend *backend, void *to, uint32_t len)
{
	struct net_sddf *sddf = sddf_of(backend);
	uint8_t *next = to;

	while (len > 0) {
		uint32_t left = sddf->frame.lens[sddf->piece] - sddf->at;
		uint32_t n = len < left ? len : left;

		memcpy(next, sddf->frame.bytes[sddf->piece] + sddf->at, n);
		next += n;
		len -= n;
		sddf->at += n;
		if (n == left) {
			sddf->piece++;
			sddf->at = 0;
		}
	}
}

static void sddf_rx_end(struct net_backend *backend)
{
	struct net_sddf *sddf = sddf_of(backend);

	netlink_in_drop(&sddf->link, &sddf->frame);
	sddf->received = false;
}

static void sddf_flush(struct net_backend *backend)
{
	struct net_sddf *sddf = sddf_of(backend);

	if (netlink_flush(&sddf->link))
		sddf->signal.raise(sddf->signal.ctx);
}

static const struct net_ops sddf_ops = {
	.accept = sddf_accept,
	.link_up = sddf_link_up,
	.tx_begin = sddf_tx_begin,
	.tx_put = sddf_tx_put,
	.tx_end = sddf_tx_end,
	.rx_begin = sddf_rx_begin,
	.rx_get = sddf_rx_get,
	.rx_end = sddf_rx_end,
	.flush = sddf_flush,
};

enum vmm_err net_sddf_init(struct net_sddf *sddf, const struct netlink_config *config,
			   struct net_signal signal)
{
	enum vmm_err err;

	*sddf = (struct net_sddf){ .signal = signal };
	err = netlink_init(&sddf->link, config);
	if (err != VMM_OK)
		return err;
	sddf->backend = (struct net_backend){
		.ops = &sddf_ops,
		.offloads = config->chains ? NET_OFFLOAD_ALL : 0,
		.frame_max = netlink_frame_max(&sddf->link),
	};
	netlink_tell(&sddf->link, 0, true);
	if (netlink_flush(&sddf->link))
		signal.raise(signal.ctx);
	return VMM_OK;
}
