/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: the two queues of a socket channel, with both of its ends. */
#pragma once

#include "vmm/backend/queue/sockq.h"

struct sock_link {
	_Alignas(8) uint8_t header[2][64];
	uint8_t data[2][SOCKQ_CAPACITY_MIN];
	/* The client sends by client_to and hears by client_from; the server likewise. */
	struct sockq_sender client_to, server_to;
	struct sockq_receiver client_from, server_from;
};

/** Empty queues and new ends; aborts if that fails. */
void sock_link_init(struct sock_link *link);

/** The server's ends, or the client's, as whoever comes after one that died finds them. */
void sock_link_again(struct sock_link *link, bool server);

/** Sends a packet of stream type with `len` bytes of a pattern by `to`; false: no room. */
bool sock_link_send(struct sockq_sender *to, uint16_t op, uint64_t src_cid, uint32_t src_port,
		    uint64_t dst_cid, uint32_t dst_port, uint32_t len);

/** The same for what device and router tell each other. */
bool sock_link_say(struct sockq_sender *to, uint16_t op);

/** Takes a packet and its payload, which must be the pattern; false: there is none. */
bool sock_link_take(struct sockq_receiver *from, struct vsock_packet *packet);

/** Byte `at` of the pattern. */
static inline uint8_t sock_link_byte(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8));
}
