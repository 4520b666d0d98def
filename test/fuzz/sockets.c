/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket router with two clients that do whatever they like with their queues and a third that keeps
 * the rules: what that one receives is well formed and for it, what it sends to nobody is answered,
 * and the router's accounts are in order.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/sock_link.h"
#include "vmm/backend/socket/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 3, HONEST = 2, FIRST_CID = 3, NOBODYS_CID = 99, HZ = 1000, LONG_ENOUGH = 500 };

static struct sock_link link[CLIENTS];
static struct router router;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_accounts(void)
{
	unsigned begun[CLIENTS] = { 0 };

	for (unsigned i = 0; i < ROUTER_CONNECTIONS; i++) {
		const struct router_connection *c = &router.connection[i];

		if (!c->used)
			continue;
		must(c->client[0] < CLIENTS && c->client[1] < CLIENTS &&
		     c->client[0] != c->client[1]);
		begun[c->client[0]]++;
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		must(begun[i] == router.client[i].connections && begun[i] <= ROUTER_QUOTA);
}

/* Takes one packet; its payload is not looked at, since others may change it while it is moved. */
static bool take(unsigned client, struct vsock_packet *p)
{
	if (!sockq_peek(&link[client].client_from, p))
		return false;
	sockq_next(&link[client].client_from);
	(void)sockq_receiver_flush(&link[client].client_from);
	return true;
}

static void check_honest(void)
{
	struct vsock_packet p;

	while (take(HONEST, &p)) {
		must(p.type == VSOCK_TYPE_STREAM && p.len <= VSOCK_PAYLOAD_MAX);
		must(p.dst_cid == FIRST_CID + HONEST);
		must(p.op >= VSOCK_OP_REQUEST && p.op <= VSOCK_OP_CREDIT_REQUEST);
		must(p.op == VSOCK_OP_RST || p.src_cid == FIRST_CID || p.src_cid == FIRST_CID + 1);
	}
	must(!link[HONEST].client_from.broken);
}

static void packet(unsigned client, struct input *in)
{
	uint8_t how = input_u8(in), ports = input_u8(in);
	uint64_t src = FIRST_CID + (client == HONEST || (how & 1) == 0 ? client : how % CLIENTS);
	uint32_t len = (uint32_t)input_bytes(in, (how & 2) != 0 ? 2 : 1);

	(void)sock_link_send(&link[client].client_to, input_u8(in) % 9, src, ports & 3,
			     FIRST_CID + how / 4 % CLIENTS, ports >> 2 & 3, len);
}

static void hostile(unsigned client, struct input *in)
{
	uint8_t what = input_u8(in);
	struct vsock_packet p;
	uint64_t at;

	switch (what % 8) {
	case 0: /* indices of either queue */
		at = input_u8(in) % 12;
		link[client].header[what >> 4 & 1][at] = input_u8(in);
		break;
	case 1: /* what it wrote, or what was written to it */
		at = input_bytes(in, 3) % SOCKQ_CAPACITY_MIN;
		link[client].data[what >> 4 & 1][at] = input_u8(in);
		break;
	case 2:
		(void)sock_link_say(&link[client].client_to, (uint16_t)(what >> 4));
		break;
	case 3:
		(void)take(client, &p);
		break;
	default:
		packet(client, in);
		break;
	}
}

/* Somebody who is not there: a reset is the answer, whatever the others do. */
static void honest_is_answered(uint64_t *now)
{
	struct vsock_packet p;
	bool answered = false, asked = false;

	for (unsigned i = 0; i < LONG_ENOUGH && !answered; i++) {
		if (!asked)
			asked = sock_link_send(&link[HONEST].client_to, VSOCK_OP_REQUEST,
					       FIRST_CID + HONEST, 77, NOBODYS_CID, 1, 0);
		*now += 3 * HZ; /* who holds it up is stale by now */
		(void)router_run(&router, *now);
		while (take(HONEST, &p))
			answered |= p.op == VSOCK_OP_RST && p.dst_port == 77;
	}
	must(answered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };
	uint64_t now = 1;

	router_init(&router, HZ);
	for (unsigned i = 0; i < CLIENTS; i++) {
		sock_link_init(&link[i]);
		must(router_add(&router, FIRST_CID + i, &link[i].server_to, &link[i].server_from) ==
		     VMM_OK);
		must(sock_link_say(&link[i].client_to, VSOCK_LINK_UP));
	}
	while (in.left > 0) {
		uint8_t what = input_u8(&in);

		if (what % 4 == 3)
			packet(HONEST, &in);
		else
			hostile(what % 4 / 2, &in);
		if (what / 4 % 4 == 0) {
			now += what / 16;
			(void)router_run(&router, now);
			check_accounts();
			check_honest();
		}
	}
	(void)router_run(&router, now);
	check_honest();
	honest_is_answered(&now);
	check_accounts();
	return 0;
}
