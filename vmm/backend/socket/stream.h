/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A native program's end of sockets: it listens at one port of its own CID, and has a number of
 * connections, each with a buffer for what has arrived. Credit as in VIRTIO 1.2, 5.10.6.3: a peer never
 * has more under way than its end of the connection can hold, and neither do we.
 *
 * The peer is a VM's guest, or another program: whatever breaks the rules costs it its connection. The
 * router has seen to addresses; a packet is answered before it is taken off the queue, so that a full
 * queue loses nothing: stream_run() goes on when the router signals.
 *
 * Pure; one thread.
 */
#pragma once

#include "vmm/backend/queue/sockq.h"

enum {
	STREAM_CONNECTIONS = 16,
	STREAM_BUFFER = 4096,
};

struct stream {
	bool used;
	bool ended; /* the peer sends no more */
	uint64_t cid;
	uint32_t port;              /* the peer's */
	uint32_t peer_alloc;        /* its buffer */
	uint32_t peer_forwarded;    /* and what it has taken out of it, ever */
	uint32_t sent;              /* by us, ever */
	uint32_t taken, taken_told; /* out of our buffer, ever; and as the peer knows it */
	uint32_t held;              /* bytes in the buffer */
	uint8_t buffer[STREAM_BUFFER];
};

struct stream_end {
	uint64_t cid;
	uint32_t port;
	struct sockq_sender to;
	struct sockq_receiver from;
	bool up_owed; /* the router is still to hear that we are there */
	struct stream stream[STREAM_CONNECTIONS];
};

/** `to` and `from`, initialised by the caller, are taken over. */
void stream_init(struct stream_end *end, uint64_t cid, uint32_t port, const struct sockq_sender *to,
		 const struct sockq_receiver *from);

/** Takes what has arrived, as far as there is room for answers. */
void stream_run(struct stream_end *end);

/** How many bytes can be sent to the peer now. */
uint32_t stream_room(struct stream_end *end, const struct stream *s);

/** Sends up to `len` bytes; returns how many. */
uint32_t stream_write(struct stream_end *end, struct stream *s, const uint8_t *bytes, uint32_t len);

/** Removes the first `len` bytes of the buffer, which the caller is done with. */
void stream_consume(struct stream_end *end, struct stream *s, uint32_t len);

/** Ends a connection: true once the peer has been told. */
bool stream_close(struct stream_end *end, struct stream *s);

/** Whether the router must be signalled. */
bool stream_flush(struct stream_end *end);
