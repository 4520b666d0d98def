/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/support/sock_link.h"

#include <stdlib.h>
#include <string.h>

void sock_link_again(struct sock_link *link, bool server)
{
	struct sockq_sender *to = server ? &link->server_to : &link->client_to;
	struct sockq_receiver *from = server ? &link->server_from : &link->client_from;
	unsigned out = server ? 1 : 0;

	if (sockq_sender_init(to, link->header[out], link->data[out], SOCKQ_CAPACITY_MIN) !=
		    VMM_OK ||
	    sockq_receiver_init(from, link->header[1 - out], link->data[1 - out],
				SOCKQ_CAPACITY_MIN) != VMM_OK)
		abort();
}

void sock_link_init(struct sock_link *link)
{
	memset(link, 0, sizeof(*link));
	sock_link_again(link, false);
	sock_link_again(link, true);
}

static bool send(struct sockq_sender *to, const struct vsock_packet *packet)
{
	static uint8_t pattern[VSOCK_PAYLOAD_MAX];

	if (!sockq_room(to, packet->len))
		return false;
	for (uint32_t i = 0; i < packet->len; i++)
		pattern[i] = sock_link_byte(i);
	sockq_send(to, packet);
	sockq_send_data(to, pattern, packet->len);
	return true;
}

bool sock_link_send(struct sockq_sender *to, uint16_t op, uint64_t src_cid, uint32_t src_port,
		    uint64_t dst_cid, uint32_t dst_port, uint32_t len)
{
	return send(to, &(struct vsock_packet){
				.src_cid = src_cid,
				.dst_cid = dst_cid,
				.src_port = src_port,
				.dst_port = dst_port,
				.len = len,
				.type = VSOCK_TYPE_STREAM,
				.op = op,
				.buf_alloc = 1 << 18,
			});
}

bool sock_link_say(struct sockq_sender *to, uint16_t op)
{
	return send(to, &(struct vsock_packet){ .type = VSOCK_TYPE_LINK, .op = op });
}

bool sock_link_take(struct sockq_receiver *from, struct vsock_packet *packet)
{
	uint8_t piece[1000];
	uint32_t at = 0;
	size_t n;

	if (!sockq_peek(from, packet))
		return false;
	while ((n = sockq_read(from, piece, sizeof(piece))) > 0) {
		for (size_t i = 0; i < n; i++, at++) {
			if (piece[i] != sock_link_byte(at))
				abort();
		}
	}
	if (at != packet->len)
		abort();
	sockq_next(from);
	(void)sockq_receiver_flush(from);
	return true;
}
