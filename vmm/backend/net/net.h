/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a network device's frames go and come from, one frame at a time, each byte copied once: the
 * device hands over or fetches the pieces of a frame as its guest's buffers fall.
 *
 * A backend never blocks and never drops: it takes a frame, or says that it is full; then, as when
 * there is nothing to receive, it owes its owner an event, and whoever gets the event calls the
 * device's poll function. Not reentrant: a device calls its backend under its own lock.
 *
 * A frame is an Ethernet frame without its FCS. With it goes a struct net_hdr, which says what a
 * sender left to be done (checksum, segmentation); all zeros but for num_buffers: nothing. Who may
 * leave what to whom is a set of NET_OFFLOAD_*.
 *
 * A backend embeds struct net_backend as a member and finds itself with container_of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	NET_MAC = 6,
	NET_ETH_HEADER = 14,
	NET_FRAME_MAX = 65535 + 18, /* the largest IP packet, Ethernet header, one VLAN tag */
	NET_MTU = 1500,
};

/* struct virtio_net_hdr of VIRTIO 1.2, 5.1.6, little-endian: what a guest's frame begins with. */
struct net_hdr {
	uint8_t flags;    /* NET_HDR_F_* */
	uint8_t gso_type; /* NET_GSO_* */
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start; /* from the start of the frame */
	uint16_t csum_offset;
	uint16_t num_buffers; /* between device and driver only */
};

_Static_assert(sizeof(struct net_hdr) == 12, "virtio_net_hdr with num_buffers");

enum {
	NET_HDR_F_NEEDS_CSUM = 1,
	NET_HDR_F_DATA_VALID = 2,
	NET_GSO_NONE = 0,
	NET_GSO_TCPV4 = 1,
	NET_GSO_TCPV6 = 4,
	NET_GSO_ECN = 0x80, /* a flag */
};

/* What the receiver of a frame takes over. TSO and ECN only with CSUM. */
enum {
	NET_OFFLOAD_CSUM = 1U << 0,
	NET_OFFLOAD_TSO4 = 1U << 1,
	NET_OFFLOAD_TSO6 = 1U << 2,
	NET_OFFLOAD_ECN = 1U << 3,
	NET_OFFLOAD_ALL = 15,
};

/**
 * True if `hdr` makes sense for a frame of `len` bytes and asks for nothing beyond `offloads`. All that
 * may be known without looking into the frame.
 */
bool net_hdr_ok(const struct net_hdr *hdr, uint32_t len, uint32_t offloads);

struct net_backend;

struct net_ops {
	/** Says what we take from the far end from now on; frames under way may still have more. */
	void (*accept)(struct net_backend *backend, uint32_t offloads);
	/** False while there is nobody at the far end. */
	bool (*link_up)(struct net_backend *backend);

	/**
	 * Begins a frame of `len` bytes, 1 to frame_max; `hdr` asks for nothing beyond `offloads`.
	 * False: full, an event is owed. Else exactly `len` bytes are put, in any number of pieces,
	 * and then tx_end() is called.
	 */
	bool (*tx_begin)(struct net_backend *backend, const struct net_hdr *hdr, uint32_t len);
	void (*tx_put)(struct net_backend *backend, const void *bytes, uint32_t len);
	void (*tx_end)(struct net_backend *backend);

	/**
	 * Looks at the next frame; *len is 1 to NET_FRAME_MAX, and `hdr` is not checked at all: a far
	 * end may lie. False: none, an event is owed. It may be called again for the same frame.
	 * rx_get() then gives the frame's bytes in order, at most `len` in all; rx_end() drops the
	 * frame, however much was fetched.
	 */
	bool (*rx_begin)(struct net_backend *backend, struct net_hdr *hdr, uint32_t *len);
	void (*rx_get)(struct net_backend *backend, void *to, uint32_t len);
	void (*rx_end)(struct net_backend *backend);

	/** Ends a batch: tells the far end, if it has to know. Before the owner sleeps. */
	void (*flush)(struct net_backend *backend);
};

struct net_backend {
	const struct net_ops *ops;
	uint32_t offloads;  /* NET_OFFLOAD_* that the far end takes from us */
	uint32_t frame_max; /* the longest frame it takes */
};

/** Swallows all frames, receives none. Stateless: any number of devices may share one. */
void net_null_init(struct net_backend *backend);

enum {
	NET_MEMORY_FRAMES = 8,
};

/* One frame in memory. */
struct net_memory_frame {
	struct net_hdr hdr;
	uint32_t len;
	uint8_t bytes[NET_FRAME_MAX];
};

struct net_memory_ring {
	struct net_memory_frame frame[NET_MEMORY_FRAMES];
	uint32_t first, count;
};

/*
 * Two rings of frames, for tests. With `loopback` what is sent is received again, by the same ring.
 */
struct net_memory {
	struct net_backend backend;
	uint32_t accepts; /* what accept() was last told */
	bool up, loopback;
	uint32_t put, got; /* bytes of the frame under way */
	unsigned flushes;  /* calls of flush() */
	uint32_t limit;    /* frames that `out` takes; at most NET_MEMORY_FRAMES */
	struct net_memory_ring out, in;
};

void net_memory_init(struct net_memory *memory, uint32_t offloads, bool loopback);

/** Feeds a frame to the device; false if it did not fit. */
bool net_memory_feed(struct net_memory *memory, const struct net_hdr *hdr, const void *bytes,
		     uint32_t len);

/** Takes the oldest frame the device has sent, or NULL. Valid until the next call on `memory`. */
const struct net_memory_frame *net_memory_drain(struct net_memory *memory);
