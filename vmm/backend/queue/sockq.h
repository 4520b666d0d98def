/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of sockets in shared memory: records over a byte queue (serialq.h) for each direction, a
 * header and its payload one behind the other.
 *
 * The peer is hostile. A header is copied once and its length checked; one that is too long breaks
 * the receiving end for good, as what follows cannot be told apart. A record that is not there in
 * full is not there yet. Payload is moved, never looked at.
 *
 * Records are shown, and their room is given back, whole. So either end may die at any moment and be started
 * again in the memory it had: it finds the queue between two records.
 */
#pragma once

#include "vmm/backend/queue/serialq.h"
#include "vmm/backend/socket/socket.h"

/* A queue must hold the longest packet. */
enum { SOCKQ_CAPACITY_MIN = 128 << 10 };

struct sockq_sender {
	struct serialq_producer queue;
	uint32_t left; /* of the payload of the record being sent */
	bool sent;     /* since sockq_sender_flush() */
};

struct sockq_receiver {
	struct serialq_consumer queue;
	struct vsock_packet packet; /* the record begun, if `begun` */
	uint32_t left;              /* of its payload */
	uint32_t ended;             /* the queue's index behind the last record that was taken */
	bool begun;
	bool taken; /* since sockq_receiver_flush() */
	bool broken;
};

/* As for serialq; VMM_ERR_RANGE: less than SOCKQ_CAPACITY_MIN. */
VMM_MUST_CHECK enum vmm_err sockq_sender_init(struct sockq_sender *s, void *header, void *data,
					      uint64_t capacity);
VMM_MUST_CHECK enum vmm_err sockq_receiver_init(struct sockq_receiver *r, void *header,
						const void *data, uint64_t capacity);

/** Whether a packet of `len` bytes fits. If not, the peer signals when it has taken something. */
bool sockq_room(struct sockq_sender *s, uint32_t len);

/* After sockq_room(). */
void sockq_send(struct sockq_sender *s, const struct vsock_packet *packet);
void sockq_send_data(struct sockq_sender *s, const void *data, size_t len);

/** The packet at the front, once all of it is there. */
bool sockq_peek(struct sockq_receiver *r, struct vsock_packet *packet);
size_t sockq_read(struct sockq_receiver *r, void *to, size_t len);
void sockq_next(struct sockq_receiver *r);

/** Moves the packet at the front, for which there is room, to another queue. */
void sockq_forward(struct sockq_receiver *r, struct sockq_sender *s);

/* True if the peer must be signalled. */
bool sockq_sender_flush(struct sockq_sender *s);
bool sockq_receiver_flush(struct sockq_receiver *r);
