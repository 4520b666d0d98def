/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network device (VIRTIO 1.2, 5.1).
 *
 * Offloads pass through: a packet that a guest leaves to be segmented reaches another guest that takes
 * such packets in one piece. What the backend's far end takes (net.h) is offered to the driver; what the
 * driver takes is told to the far end.
 *
 * Backpressure both ways: frames wait in the guest's ring while the backend is full, and in the backend
 * while the guest has no buffers. What is dropped here is what the driver asked not to get, or what
 * cannot be: counted in virtio_net_stats.
 */
#pragma once

#include "vmm/backend/net/net.h"
#include "vmm/dev/virtio/net_filter.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_NET_PAIRS = 4, /* of queues, at most */
	VIRTIO_NET_QUEUES = 2 * VIRTIO_NET_PAIRS + 1,
	VIRTIO_NET_FLOWS = 64, /* a power of two */
};

/* Bits of its `status`. */
enum {
	VIRTIO_NET_S_LINK_UP = 1,
	VIRTIO_NET_S_ANNOUNCE = 2,
};

/* struct virtio_net_config (5.1.4), as far as our features need it. */
struct virtio_net_config {
	uint8_t mac[NET_MAC];
	uint16_t status;
	uint16_t max_virtqueue_pairs;
	uint16_t mtu;
};

_Static_assert(sizeof(struct virtio_net_config) == 12, "5.1.4");

struct virtio_net_stats {
	uint64_t tx_frames, tx_bytes, rx_frames, rx_bytes;
	uint64_t tx_bad;      /* frames of the guest's that are none */
	uint64_t rx_filtered; /* not for this driver */
	uint64_t rx_bad; /* of the far end's: more than was accepted, or too large for the ring */
};

struct virtio_net {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_NET_QUEUES];
	struct virtio_net_config config;
	struct net_backend *backend;    /* borrowed; outlives the device */
	uint8_t mac[NET_MAC];           /* of the configuration at reset */
	unsigned pairs;                 /* that the driver uses */
	bool blocked[VIRTIO_NET_PAIRS]; /* frames wait in the transmit queue: the backend is full */
	uint8_t flow[VIRTIO_NET_FLOWS]; /* pair that last sent for this hash */
	unsigned streak;   /* notifications to transmit since the vCPU had nothing to do */
	uint64_t pauses;   /* as the owner counts them, at the last notification */
	unsigned patience; /* so many of them make a stream */
	unsigned recent;   /* frames sent since looking at a queue was put off */
	struct net_filter filter;
	struct virtio_net_stats stats;
	struct virtq_chain chain[VIRTQ_SIZE_MAX]; /* of the frame being received */
};

struct virtio_net_params {
	struct net_backend *backend;
	uint8_t mac[NET_MAC];
	uint16_t mtu;   /* 68 to 65535 */
	unsigned pairs; /* 1 to VIRTIO_NET_PAIRS */
};

/** `common`: as for virtio_init(), without what is the device's own. The transport's init comes after it. */
void virtio_net_init(struct virtio_net *net, const struct virtio_setup *common,
		     const struct virtio_net_params *params);

/** Asks the driver to announce itself (5.1.6.5.4): it may be on another wire now. Takes the lock. */
void virtio_net_announce(struct virtio_net *net);
