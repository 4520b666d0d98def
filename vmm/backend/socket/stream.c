// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/socket/stream.h"

#include <string.h>

enum { SHUTDOWN_SEND = 2 }; /* flag: the sender of the packet sends no more data */

static void say_up(struct stream_end *end)
{
	const struct vsock_packet up = { .type = VSOCK_TYPE_LINK, .op = VSOCK_LINK_UP };

	if (!end->up_owed || !sockq_room(&end->to, 0))
		return;
	sockq_send(&end->to, &up);
	end->up_owed = false;
}

void stream_init(struct stream_end *end, uint64_t cid, uint32_t port, const struct sockq_sender *to,
		 const struct sockq_receiver *from)
{
	memset(end, 0, sizeof(*end));
	end->cid = cid;
	end->port = port;
	end->to = *to;
	end->from = *from;
	end->up_owed = true;
	say_up(end);
}

static struct vsock_packet packet_for(const struct stream_end *end, struct stream *s, uint16_t op,
				      uint32_t len)
{
	s->taken_told = s->taken;
	return (struct vsock_packet){
		.src_cid = end->cid,
		.dst_cid = s->cid,
		.src_port = end->port,
		.dst_port = s->port,
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = STREAM_BUFFER,
		.fwd_cnt = s->taken,
	};
}

static bool answer(struct stream_end *end, struct stream *s, uint16_t op)
{
	struct vsock_packet packet;

	if (!sockq_room(&end->to, 0))
		return false;
	packet = packet_for(end, s, op, 0);
	sockq_send(&end->to, &packet);
	return true;
}

static bool refuse(struct stream_end *end, const struct vsock_packet *packet)
{
	const struct vsock_packet reset = vsock_reset_for(packet);

	if (packet->op == VSOCK_OP_RST)
		return true;
	if (!sockq_room(&end->to, 0))
		return false;
	sockq_send(&end->to, &reset);
	return true;
}

static struct stream *find(struct stream_end *end, const struct vsock_packet *packet)
{
	for (unsigned i = 0; i < STREAM_CONNECTIONS; i++) {
		struct stream *s = &end->stream[i];

		if (s->used && s->cid == packet->src_cid && s->port == packet->src_port &&
		    end->port == packet->dst_port)
			return s;
	}
	return NULL;
}

static bool on_request(struct stream_end *end, const struct vsock_packet *packet)
{
	for (unsigned i = 0; packet->dst_port == end->port && i < STREAM_CONNECTIONS; i++) {
		struct stream *s = &end->stream[i];

		if (s->used)
			continue;
		*s = (struct stream){
			.cid = packet->src_cid,
			.port = packet->src_port,
			.peer_alloc = packet->buf_alloc,
			.peer_forwarded = packet->fwd_cnt,
		};
		s->used = answer(end, s, VSOCK_OP_RESPONSE);
		return s->used;
	}
	return refuse(end, packet);
}

/* The payload, if the peer had credit for it. */
static bool on_data(struct stream_end *end, struct stream *s, const struct vsock_packet *packet)
{
	uint32_t left = packet->len;

	if (s->ended || left > STREAM_BUFFER - s->held) {
		if (!refuse(end, packet))
			return false;
		s->used = false;
		return true;
	}
	while (left > 0) {
		uint32_t n = (uint32_t)sockq_read(&end->from, s->buffer + s->held, left);

		if (n == 0)
			break; /* the queue is not what it said: so be it */
		s->held += n;
		left -= n;
	}
	return true;
}

static bool on_packet(struct stream_end *end, const struct vsock_packet *packet)
{
	struct stream *s = find(end, packet);

	if (packet->type == VSOCK_TYPE_LINK) {
		for (unsigned i = 0; packet->op == VSOCK_LINK_RESET && i < STREAM_CONNECTIONS; i++)
			end->stream[i].used = false;
		end->up_owed |= packet->op == VSOCK_LINK_RESET;
		return true;
	}
	if (s == NULL)
		return packet->op == VSOCK_OP_REQUEST ? on_request(end, packet)
						      : refuse(end, packet);
	s->peer_alloc = packet->buf_alloc;
	s->peer_forwarded = packet->fwd_cnt;
	switch (packet->op) {
	case VSOCK_OP_RW:
		return on_data(end, s, packet);
	case VSOCK_OP_CREDIT_REQUEST:
		return answer(end, s, VSOCK_OP_CREDIT_UPDATE);
	case VSOCK_OP_SHUTDOWN:
		s->ended = s->ended || (packet->flags & SHUTDOWN_SEND) != 0;
		return true;
	case VSOCK_OP_CREDIT_UPDATE:
		return true;
	case VSOCK_OP_RST:
		s->used = false;
		return true;
	default: /* a second request, or a response to nothing */
		if (!refuse(end, packet))
			return false;
		s->used = false;
		return true;
	}
}

/* Half a buffer that the peer does not know of is worth a packet; less goes with the next one. */
static void tell_credit(struct stream_end *end, struct stream *s)
{
	if (s->used && s->taken - s->taken_told >= STREAM_BUFFER / 2)
		(void)answer(end, s, VSOCK_OP_CREDIT_UPDATE);
}

void stream_run(struct stream_end *end)
{
	struct vsock_packet packet;

	/* There was no room: a peer without credit says nothing that would be answered. */
	for (unsigned i = 0; i < STREAM_CONNECTIONS; i++)
		tell_credit(end, &end->stream[i]);
	while (sockq_peek(&end->from, &packet) && on_packet(end, &packet))
		sockq_next(&end->from);
}

uint32_t stream_room(struct stream_end *end, const struct stream *s)
{
	uint32_t under_way = s->sent - s->peer_forwarded;
	uint32_t credit = under_way < s->peer_alloc ? s->peer_alloc - under_way : 0;
	uint32_t most = credit < STREAM_BUFFER ? credit : STREAM_BUFFER;

	return most > 0 && sockq_room(&end->to, most) ? most : 0;
}

uint32_t stream_write(struct stream_end *end, struct stream *s, const uint8_t *bytes, uint32_t len)
{
	uint32_t room = stream_room(end, s), n = len < room ? len : room;
	struct vsock_packet packet;

	if (n == 0)
		return 0;
	packet = packet_for(end, s, VSOCK_OP_RW, n);
	sockq_send(&end->to, &packet);
	sockq_send_data(&end->to, bytes, n);
	s->sent += n;
	return n;
}

void stream_consume(struct stream_end *end, struct stream *s, uint32_t len)
{
	uint32_t n = len < s->held ? len : s->held;

	s->held -= n;
	memmove(s->buffer, s->buffer + n, s->held);
	s->taken += n;
	tell_credit(end, s);
}

bool stream_close(struct stream_end *end, struct stream *s)
{
	if (s->used && answer(end, s, VSOCK_OP_RST))
		s->used = false;
	return !s->used;
}

bool stream_flush(struct stream_end *end)
{
	bool sent, freed;

	say_up(end);
	sent = sockq_sender_flush(&end->to);
	freed = sockq_receiver_flush(&end->from);
	return sent || freed;
}
