/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a socket device gives its packets to and gets them from: the other side is a router between VMs
 * and native programs, whatever carries them there.
 *
 * A packet is a header and up to VSOCK_PAYLOAD_MAX bytes. It is sent whole or not at all: a backend
 * without room for it says so, and the device waits for an event (virtio_event). Packets for the guest
 * may be taken in pieces. Credit (buf_alloc, fwd_cnt) is between the two ends of a connection; nobody
 * in between looks at it.
 *
 * Threads: with the device's lock held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VSOCK_PAYLOAD_MAX = 64 << 10 };

#define VSOCK_CID_HOST UINT64_C(2)

/* struct virtio_vsock_hdr (VIRTIO 1.2, 5.10.6), little endian. */
struct vsock_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct vsock_packet) == 44, "VIRTIO 1.2, 5.10.6");

enum {
	VSOCK_TYPE_STREAM = 1,
	/*
	 * Between device and router only: the guest's driver is there or not; or, from a router that was
	 * started again, all connections are lost, and whoever is up says so anew. A device never lets such
	 * a packet of its guest through.
	 */
	VSOCK_TYPE_LINK = 0xff00,
};

enum {
	VSOCK_OP_REQUEST = 1,
	VSOCK_OP_RESPONSE,
	VSOCK_OP_RST,
	VSOCK_OP_SHUTDOWN,
	VSOCK_OP_RW,
	VSOCK_OP_CREDIT_UPDATE,
	VSOCK_OP_CREDIT_REQUEST,
};

enum {
	VSOCK_LINK_UP = 1,
	VSOCK_LINK_DOWN,
	VSOCK_LINK_RESET,
};

/** The answer to a packet whose connection there is not. */
static inline struct vsock_packet vsock_reset_for(const struct vsock_packet *packet)
{
	return (struct vsock_packet){
		.src_cid = packet->dst_cid,
		.dst_cid = packet->src_cid,
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = VSOCK_TYPE_STREAM,
		.op = VSOCK_OP_RST,
	};
}

struct socket_backend;

struct socket_ops {
	/** The guest's driver is ready, or gone with all its connections. Packets only while it is up. */
	void (*set_up)(struct socket_backend *backend, bool up);
	/** Whether a packet with `len` bytes of payload can be sent; if not, an event will come. */
	bool (*room)(struct socket_backend *backend, uint32_t len);
	/** Begins a packet that there is room for; then its payload, packet->len bytes in all. */
	void (*send)(struct socket_backend *backend, const struct vsock_packet *packet);
	void (*send_data)(struct socket_backend *backend, const void *data, size_t len);
	/** The next packet for the guest, as often as asked; its payload, in order; and on to the next. */
	bool (*peek)(struct socket_backend *backend, struct vsock_packet *packet);
	size_t (*read)(struct socket_backend *backend, void *to, size_t len);
	void (*next)(struct socket_backend *backend);
	/** The device is done for now: let the other side look. */
	void (*flush)(struct socket_backend *backend);
};

struct socket_backend {
	const struct socket_ops *ops;
};
