// SPDX-License-Identifier: BSD-2-Clause
/*
 * Queues (5.1.2): 2i receives and 2i + 1 transmits for pair i; the control queue is the last of those
 * that were negotiated. All pairs share the backend, under the device's lock.
 *
 * A transmit queue is emptied in one go, with the driver's notifications off; the far end hears of the
 * batch once. A guest on one core has nothing to add meanwhile, though, so each of its frames would be a
 * batch. So after some notifications without a pause we want the next one only for a batch of frames,
 * and look at fewer when a vCPU waits (virtq_kicks_after()). A driver that waits for each frame without
 * ever pausing is slowed down by that: then it takes more of them the next time. A receive queue's notifications are off but while a frame waits for buffers.
 *
 * A frame larger than a receive buffer goes to several (5.1.6.4, mergeable buffers): their chains are
 * collected first, so that a frame that does not fit goes nowhere, and num_buffers, which comes first,
 * is known. One that does not even fit into a full ring is dropped, or it would wait for ever.
 */
#include "vmm/dev/virtio/net.h"

#include <string.h>

#include "vmm/base/util.h"
#include "vmm/dev/virtio/net_control.h"

#define F_CSUM           (UINT64_C(1) << 0)
#define F_GUEST_CSUM     (UINT64_C(1) << 1)
#define F_MTU            (UINT64_C(1) << 3)
#define F_MAC            (UINT64_C(1) << 5)
#define F_GUEST_TSO4     (UINT64_C(1) << 7)
#define F_GUEST_TSO6     (UINT64_C(1) << 8)
#define F_GUEST_ECN      (UINT64_C(1) << 9)
#define F_HOST_TSO4      (UINT64_C(1) << 11)
#define F_HOST_TSO6      (UINT64_C(1) << 12)
#define F_HOST_ECN       (UINT64_C(1) << 13)
#define F_MRG_RXBUF      (UINT64_C(1) << 15)
#define F_STATUS         (UINT64_C(1) << 16)
#define F_CTRL_VQ        (UINT64_C(1) << 17)
#define F_CTRL_RX        (UINT64_C(1) << 18)
#define F_CTRL_VLAN      (UINT64_C(1) << 19)
#define F_CTRL_RX_EXTRA  (UINT64_C(1) << 20)
#define F_GUEST_ANNOUNCE (UINT64_C(1) << 21)
#define F_MQ             (UINT64_C(1) << 22)
#define F_CTRL_MAC_ADDR  (UINT64_C(1) << 23)

enum {
	QUEUE_SIZE = 256,
	HDR_BYTES = sizeof(struct net_hdr),
	NUM_BUFFERS_OFFSET = offsetof(struct net_hdr, num_buffers),
	BATCH = 32,
	PATIENCE_MIN = 4,
	PATIENCE_MAX = 4096,
	VLAN_TAG = 4,
};

/* An offload, as the driver may leave it to us, and as it may take it over. */
static const struct {
	uint32_t offload;
	uint64_t host, guest;
} offloads[] = {
	{ NET_OFFLOAD_CSUM, F_CSUM, F_GUEST_CSUM },
	{ NET_OFFLOAD_TSO4, F_HOST_TSO4, F_GUEST_TSO4 },
	{ NET_OFFLOAD_TSO6, F_HOST_TSO6, F_GUEST_TSO6 },
	{ NET_OFFLOAD_ECN, F_HOST_ECN, F_GUEST_ECN },
};

/* What a feature needs one of (5.1.3.1). */
static const struct {
	uint64_t feature, needs;
} dependencies[] = {
	{ F_GUEST_TSO4, F_GUEST_CSUM },
	{ F_GUEST_TSO6, F_GUEST_CSUM },
	{ F_GUEST_ECN, F_GUEST_TSO4 | F_GUEST_TSO6 },
	{ F_HOST_TSO4, F_CSUM },
	{ F_HOST_TSO6, F_CSUM },
	{ F_HOST_ECN, F_HOST_TSO4 | F_HOST_TSO6 },
	{ F_CTRL_RX, F_CTRL_VQ },
	{ F_CTRL_VLAN, F_CTRL_VQ },
	{ F_CTRL_RX_EXTRA, F_CTRL_VQ },
	{ F_GUEST_ANNOUNCE, F_CTRL_VQ },
	{ F_MQ, F_CTRL_VQ },
	{ F_CTRL_MAC_ADDR, F_CTRL_VQ },
};

static struct virtio_net *net_of(struct virtio_dev *vd)
{
	return container_of(vd, struct virtio_net, vd);
}

static unsigned control_queue(const struct virtio_net *net)
{
	return virtio_has(&net->vd, F_MQ) ? 2U * net->config.max_virtqueue_pairs : 2;
}

/* What the driver may ask of the far end, and what it takes from there. */
static uint32_t sends(const struct virtio_net *net)
{
	uint32_t set = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		set |= virtio_has(&net->vd, offloads[i].host) ? offloads[i].offload : 0;
	return set;
}

static uint32_t takes(const struct virtio_net *net)
{
	uint32_t set = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		set |= virtio_has(&net->vd, offloads[i].guest) ? offloads[i].offload : 0;
	return set;
}

/*
 * Transmission.
 */

static void remember_flow(struct virtio_net *net, unsigned pair, const struct virtq_chain *chain)
{
	uint8_t head[NET_FLOW_HEAD];
	size_t len = virtq_read(chain, HDR_BYTES, head, sizeof(head));

	net->flow[net_flow(head, len) >> 16 & (VIRTIO_NET_FLOWS - 1)] = (uint8_t)pair;
}

/* The bytes of a chain's readable part behind the header, segment by segment. */
static void put_frame(struct virtio_net *net, const struct virtq_chain *chain)
{
	uint32_t skip = HDR_BYTES;

	for (uint16_t i = 0; i < chain->readable_count; i++) {
		const struct virtq_segment *segment = &chain->segment[i];
		uint32_t skipped = skip < segment->len ? skip : segment->len;

		skip -= skipped;
		if (segment->len > skipped)
			net->backend->ops->tx_put(net->backend, segment->host + skipped,
						  segment->len - skipped);
	}
}

/* False: the backend is full. */
static bool transmit(struct virtio_net *net, const struct virtq_chain *chain)
{
	struct net_backend *backend = net->backend;
	struct net_hdr hdr = { 0 };
	uint32_t len;

	if (virtq_read(chain, 0, &hdr, HDR_BYTES) < HDR_BYTES) {
		net->stats.tx_bad++;
		return true;
	}
	len = chain->readable_len - HDR_BYTES;
	hdr.flags &= NET_HDR_F_NEEDS_CSUM;
	if (len < NET_ETH_HEADER || len > backend->frame_max ||
	    !net_hdr_ok(&hdr, len, sends(net))) {
		net->stats.tx_bad++;
		return true;
	}
	if (!backend->ops->tx_begin(backend, &hdr, len))
		return false;
	put_frame(net, chain);
	backend->ops->tx_end(backend);
	net->stats.tx_frames++;
	net->stats.tx_bytes += len;
	return true;
}

/* What `count` more frames say about whether the driver is in a stream. */
static void judge(struct virtio_net *net, unsigned count)
{
	const struct virtio_owner *owner = &net->vd.setup.owner;
	uint64_t pauses = owner->pauses != NULL ? owner->pauses(owner->ctx, &net->vd) : 0;

	net->recent += count;
	switch (net->vd.resumed) {
	case VIRTIO_NOTIFIED:
		/* A ping is no stream, however many there are: it is waited for. */
		net->streak = pauses == net->pauses ? net->streak + 1 : 1;
		net->pauses = pauses;
		return;
	case VIRTIO_RESUMED:
		if (count < BATCH / 2)
			net->streak = 0;
		return;
	case VIRTIO_OVERDUE:
		if (net->recent >= BATCH / 2) {
			net->patience = PATIENCE_MIN;
		} else {
			net->streak = 0;
			if (net->patience < PATIENCE_MAX)
				net->patience *= 2;
		}
		return;
	}
}

/* Notifications on again. True: there is something already. */
static bool listen(struct virtio_net *net, unsigned queue)
{
	if (net->streak < net->patience)
		return virtq_kicks_on(&net->vd, queue);
	if ((net->vd.put_off >> queue & 1) == 0)
		net->recent = 0;
	return virtq_kicks_after(&net->vd, queue, BATCH - 1);
}

static void transmit_all(struct virtio_net *net, unsigned pair)
{
	struct virtio_dev *vd = &net->vd;
	unsigned queue = 2 * pair + 1, count = 0;
	struct virtq_chain chain;
	bool judged = false;

	net->blocked[pair] = false;
	do {
		virtq_kicks_off(vd, queue);
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			if (!transmit(net, &chain)) {
				/* Notifications stay off: the backend's event comes. */
				virtq_unpop(vd, queue, &chain);
				net->blocked[pair] = true;
				break;
			}
			if (net->pairs > 1)
				remember_flow(net, pair, &chain);
			virtq_push(vd, queue, chain.token, 0);
			count++;
		}
		if (!judged)
			judge(net, count);
		judged = true;
	} while (!net->blocked[pair] && listen(net, queue));
	virtq_notify(vd, queue);
	net->backend->ops->flush(net->backend);
}

/*
 * Reception.
 */

static unsigned receive_pair(struct virtio_net *net, const uint8_t *head, size_t len)
{
	unsigned pair;

	if (net->pairs == 1)
		return 0;
	pair = net->flow[net_flow(head, len) >> 16 & (VIRTIO_NET_FLOWS - 1)];
	return pair < net->pairs ? pair : 0;
}

/* Where a chain's two bytes of num_buffers are; they may lie in two segments. */
static void find_count(const struct virtq_chain *chain, uint8_t *at[2])
{
	uint32_t offset = 0;

	for (uint16_t i = chain->readable_count; i < chain->readable_count + chain->writable_count;
	     i++) {
		const struct virtq_segment *segment = &chain->segment[i];

		for (uint32_t byte = 0; byte < 2; byte++) {
			uint32_t want = NUM_BUFFERS_OFFSET + byte;

			if (want >= offset && want - offset < segment->len)
				at[byte] = segment->host + (want - offset);
		}
		offset += segment->len;
	}
}

/* Up to `len` bytes of the frame into the chain's writable part from `skip` on; returns how many. */
static uint32_t fill(struct virtio_net *net, const struct virtq_chain *chain, uint32_t skip,
		     uint32_t len)
{
	uint32_t left = len;

	for (uint16_t i = chain->readable_count;
	     left > 0 && i < chain->readable_count + chain->writable_count; i++) {
		const struct virtq_segment *segment = &chain->segment[i];
		uint32_t skipped = skip < segment->len ? skip : segment->len;
		uint32_t n = segment->len - skipped < left ? segment->len - skipped : left;

		skip -= skipped;
		left -= n;
		if (n > 0)
			net->backend->ops->rx_get(net->backend, segment->host + skipped, n);
	}
	return len - left;
}

enum delivered { DELIVERED, TOO_FEW, NEVER, BROKEN };

/*
 * Writes the frame to as many chains as it needs, and pushes them; or puts all of them back. What was
 * written by then lies in buffers that are still ours. If they are too few, the driver was asked, while
 * we had all of them, to say when there are more.
 */
static enum delivered deliver(struct virtio_net *net, unsigned queue, const struct net_hdr *hdr,
			      uint32_t len)
{
	bool merge = virtio_has(&net->vd, F_MRG_RXBUF);
	unsigned n = 0, descriptors = 0, longest = 0;
	uint8_t nowhere[2], *count_at[2] = { &nowhere[0], &nowhere[1] };
	enum delivered result = TOO_FEW;
	uint32_t left = len;

	while (left > 0 && n < (merge ? VIRTQ_SIZE_MAX : 1U)) {
		struct virtq_chain *chain = &net->chain[n];
		uint32_t skip = n == 0 ? HDR_BYTES : 0, written, segments;

		switch (virtq_pop(&net->vd, queue, chain)) {
		case VIRTQ_BAD:
			return BROKEN;
		case VIRTQ_EMPTY:
			if (virtq_kicks_on(&net->vd, queue))
				continue;
			goto put_back;
		case VIRTQ_GOT:
			break;
		}
		if (chain->writable_len < HDR_BYTES) {
			virtio_needs_reset(&net->vd, "a receive buffer without room for a header");
			return BROKEN;
		}
		if (n == 0) {
			virtq_write(chain, 0, hdr, HDR_BYTES);
			find_count(chain, count_at);
		}
		written = fill(net, chain, skip, left);
		left -= written;
		chain->writable_len = skip + written; /* now: what push will say */
		segments = (unsigned)chain->readable_count + chain->writable_count;
		descriptors += segments;
		longest = segments > longest ? segments : longest;
		n++;
	}
	if (left == 0) {
		*count_at[0] = (uint8_t)n;
		*count_at[1] = (uint8_t)(n >> 8);
		for (unsigned i = 0; i < n; i++)
			virtq_push(&net->vd, queue, net->chain[i].token,
				   net->chain[i].writable_len);
		return DELIVERED;
	}
	result = NEVER;
put_back:
	/* As far as we can know (a chain of indirect descriptors takes only one), no room for one more. */
	if (n > 0 && descriptors + longest > net->queues[queue].size)
		result = NEVER;
	while (n > 0)
		virtq_unpop(&net->vd, queue, &net->chain[--n]);
	return result;
}

/* 5.1.4.1: what the driver must never get, if it was told an MTU and the frame has no VLAN tag. */
static bool longer_than_mtu(const struct virtio_net *net, const struct net_hdr *hdr, uint32_t len)
{
	return virtio_has(&net->vd, F_MTU) && (hdr->gso_type & ~NET_GSO_ECN) == NET_GSO_NONE &&
	       len > (uint32_t)net->config.mtu + NET_ETH_HEADER;
}

/* The frame the backend shows. False: it has to wait. */
static bool receive(struct virtio_net *net, struct net_hdr *hdr, uint32_t len, uint32_t *touched)
{
	uint8_t head[NET_FLOW_HEAD];
	uint32_t head_len = len < sizeof(head) ? len : sizeof(head);
	struct net_backend *backend = net->backend;
	bool whole = net->pairs == 1 && !net->filter.vlan && net->filter.mode[NET_FILTER_PROMISC];
	bool long_one = longer_than_mtu(net, hdr, len);
	unsigned pair = 0;
	struct net_hdr again;
	enum delivered done;

	hdr->flags &= NET_HDR_F_NEEDS_CSUM | NET_HDR_F_DATA_VALID;
	hdr->num_buffers = 1;
	if (len > NET_FRAME_MAX || !net_hdr_ok(hdr, len, takes(net))) {
		net->stats.rx_bad++;
		return true;
	}
	if (!virtio_has(&net->vd, F_GUEST_CSUM))
		hdr->flags = 0;
	if (!whole || long_one) {
		backend->ops->rx_get(backend, head, head_len);
		(void)backend->ops->rx_begin(backend, &again, &len);
		if (long_one && !(net_filter_is_tagged(head, head_len) &&
				  !longer_than_mtu(net, hdr, len - VLAN_TAG))) {
			net->stats.rx_bad++;
			return true;
		}
		if (!net_filter_passes(&net->filter, net->config.mac, head, head_len)) {
			net->stats.rx_filtered++;
			return true;
		}
		pair = receive_pair(net, head, head_len);
	}
	done = deliver(net, 2 * pair, hdr, len);
	*touched |= 1U << pair;
	if (done == TOO_FEW || done == BROKEN)
		return false;
	virtq_kicks_off(&net->vd, 2 * pair);
	if (done == NEVER) {
		net->stats.rx_bad++;
		return true;
	}
	net->stats.rx_frames++;
	net->stats.rx_bytes += len;
	return true;
}

static void receive_all(struct virtio_net *net)
{
	struct net_backend *backend = net->backend;
	uint32_t touched = 0, len;
	struct net_hdr hdr;

	while (!net->vd.broken && virtq_ready(&net->vd, 0) &&
	       backend->ops->rx_begin(backend, &hdr, &len) && receive(net, &hdr, len, &touched))
		backend->ops->rx_end(backend);
	for (unsigned pair = 0; pair < net->pairs; pair++) {
		if ((touched & 1U << pair) != 0)
			virtq_notify(&net->vd, 2 * pair);
	}
	backend->ops->flush(backend);
}

/*
 * The device.
 */

static void net_notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_net *net = net_of(vd);

	if (queue >= control_queue(net)) {
		if (queue == control_queue(net) && virtio_has(vd, F_CTRL_VQ))
			net_control(net, queue);
	} else if (queue % 2 != 0) {
		transmit_all(net, queue / 2);
	} else {
		receive_all(net);
	}
}

/* True if what the driver sees has changed. */
static bool look_at_link(struct virtio_net *net)
{
	bool up = net->backend->ops->link_up(net->backend);
	uint16_t status = (uint16_t)((net->config.status & ~VIRTIO_NET_S_LINK_UP) |
				     (up ? VIRTIO_NET_S_LINK_UP : 0));
	bool changed = status != net->config.status;

	net->config.status = status;
	return changed;
}

static void net_event(struct virtio_dev *vd)
{
	struct virtio_net *net = net_of(vd);

	if (look_at_link(net))
		virtio_config_changed(vd);
	if ((vd->status & VIRTIO_STATUS_DRIVER_OK) == 0)
		return;
	for (unsigned pair = 0; pair < net->config.max_virtqueue_pairs; pair++) {
		if (net->blocked[pair])
			transmit_all(net, pair);
	}
	receive_all(net);
}

/* What arrived for a driver that was not there is gone, as on a wire. */
static void net_start(struct virtio_dev *vd)
{
	struct virtio_net *net = net_of(vd);
	struct net_backend *backend = net->backend;
	struct net_hdr hdr;
	uint32_t len;

	net_filter_init(&net->filter, virtio_has(vd, F_CTRL_RX), virtio_has(vd, F_CTRL_VLAN));
	backend->ops->accept(backend, takes(net));
	(void)look_at_link(net);
	while (backend->ops->rx_begin(backend, &hdr, &len)) {
		backend->ops->rx_end(backend);
		net->stats.rx_filtered++;
	}
	for (unsigned queue = 0; queue < control_queue(net); queue += 2)
		virtq_kicks_off(vd, queue);
	backend->ops->flush(backend);
}

static void net_reset(struct virtio_dev *vd)
{
	struct virtio_net *net = net_of(vd);

	memcpy(net->config.mac, net->mac, NET_MAC);
	net->config.status = 0;
	net->pairs = 1;
	net->streak = 0;
	net->recent = 0;
	net->patience = PATIENCE_MIN;
	memset(net->blocked, 0, sizeof(net->blocked));
	memset(net->flow, 0, sizeof(net->flow));
	net_filter_init(&net->filter, true, true); /* until the driver is there: nothing passes */
	net->backend->ops->accept(net->backend, 0);
	(void)look_at_link(net);
}

static void net_queue_reset(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_net *net = net_of(vd);

	if (queue % 2 != 0) /* never the control queue */
		net->blocked[queue / 2] = false;
}

static bool net_features_ok(struct virtio_dev *vd)
{
	for (size_t i = 0; i < ARRAY_SIZE(dependencies); i++) {
		if (virtio_has(vd, dependencies[i].feature) &&
		    (vd->features & dependencies[i].needs) == 0)
			return false;
	}
	return true;
}

static const struct virtio_ops net_ops = {
	.device_id = VIRTIO_ID_NET,
	.notify = net_notify,
	.event = net_event,
	.start = net_start,
	.reset = net_reset,
	.queue_reset = net_queue_reset,
	.features_ok = net_features_ok,
};

void virtio_net_init(struct virtio_net *net, const struct virtio_setup *common,
		     const struct virtio_net_params *params)
{
	struct virtio_setup setup = *common;

	*net = (struct virtio_net){
		.backend = params->backend,
		.config = {
			.max_virtqueue_pairs = (uint16_t)params->pairs,
			.mtu = params->mtu,
		},
	};
	setup.ops = &net_ops;
	setup.queues = net->queues;
	setup.queue_count = 2 * params->pairs + 1;
	setup.queue_size_max = QUEUE_SIZE;
	setup.features = F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_ECN | F_MTU | F_MAC |
			 F_MRG_RXBUF | F_STATUS | F_CTRL_VQ | F_CTRL_RX | F_CTRL_VLAN |
			 F_CTRL_RX_EXTRA | F_GUEST_ANNOUNCE | F_CTRL_MAC_ADDR |
			 (params->pairs > 1 ? F_MQ : 0);
	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		setup.features |=
			(net->backend->offloads & offloads[i].offload) != 0 ? offloads[i].host : 0;
	setup.config = &net->config;
	setup.config_size = sizeof(net->config);
	memcpy(net->mac, params->mac, NET_MAC);
	net_reset(&net->vd);
	virtio_init(&net->vd, &setup);
}

void virtio_net_announce(struct virtio_net *net)
{
	lock_take(&net->vd.lock);
	net->vd.caller = 0;
	if (virtio_has(&net->vd, F_GUEST_ANNOUNCE | F_STATUS) &&
	    (net->vd.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
		net->config.status |= VIRTIO_NET_S_ANNOUNCE;
		virtio_config_changed(&net->vd);
	}
	lock_give(&net->vd.lock);
}
