/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio socket device (VIRTIO 1.2, 5.10): stream sockets between VMs and native programs. The device
 * moves packets between the guest's queues and a backend (backend/socket); connections and credit are
 * the ends' own, and who may talk to whom is the router's.
 */
#pragma once

#include "vmm/backend/socket/socket.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_VSOCK_QUEUES = 3,
	VIRTIO_VSOCK_QUEUE_SIZE = 128,
};

#define VIRTIO_VSOCK_F_STREAM (UINT64_C(1) << 0)

struct virtio_vsock {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_VSOCK_QUEUES];
	struct {
		uint64_t guest_cid;
	} config;
	struct socket_backend *backend; /* borrowed; outlives the device */
	bool up;                        /* the driver is there */
	/* What is being delivered: a packet of the backend, or an answer of our own. */
	bool delivering, own;
	struct vsock_packet packet; /* what is left of it is packet.len */
	bool answer_owed;
	struct vsock_packet answer;
	bool event_owed;  /* the driver is to hear that its connections are lost */
	uint64_t dropped; /* packets with an address that is not the guest's */
};

/** `common` gives name, guest memory and owner. */
void virtio_vsock_init(struct virtio_vsock *vs, const struct virtio_setup *common, uint32_t cid,
		       struct socket_backend *backend);
