/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of sockets in shared memory, the backend over them, and the router between clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sock_link.h"
#include "vmm/backend/socket/queue.h"
#include "vmm/backend/socket/router.h"
#include "vmm/backend/socket/stream.h"
#include "vmm/base/util.h"

enum {
	CLIENTS = 3,
	HZ = 1000000,
	HEADER = sizeof(struct vsock_packet),
};

static struct sock_link link[CLIENTS];
static struct router router;
static uint64_t now;

/* CIDs 3, 4, 5. */
static uint64_t cid(unsigned client)
{
	return 3 + client;
}

static int setup(void **state)
{
	(void)state;
	router_init(&router, HZ);
	now = 1000;
	for (unsigned i = 0; i < CLIENTS; i++) {
		sock_link_init(&link[i]);
		assert_int_equal(
			router_add(&router, cid(i), &link[i].server_to, &link[i].server_from),
			VMM_OK);
		assert_true(sock_link_say(&link[i].client_to, VSOCK_LINK_UP));
	}
	(void)router_run(&router, now);
	return 0;
}

static bool put(unsigned from, uint16_t op, uint32_t port, unsigned to, uint32_t to_port,
		uint32_t len)
{
	return sock_link_send(&link[from].client_to, op, cid(from), port, cid(to), to_port, len);
}

static struct router_signals run(void)
{
	struct router_signals all = { 0 }, once;

	do {
		once = router_run(&router, now);
		all.clients |= once.clients;
		all.deadline = once.deadline;
	} while (once.again);
	return all;
}

static void expect(unsigned client, uint16_t op, uint32_t port, unsigned from, uint32_t from_port,
		   uint32_t len)
{
	struct vsock_packet p;

	assert_true(sock_link_take(&link[client].client_from, &p));
	assert_int_equal(p.op, op);
	assert_int_equal(p.dst_port, port);
	assert_int_equal(p.src_cid, cid(from));
	assert_int_equal(p.dst_cid, cid(client));
	assert_int_equal(p.src_port, from_port);
	assert_int_equal(p.len, len);
}

static void expect_nothing(unsigned client)
{
	struct vsock_packet p;

	assert_false(sock_link_take(&link[client].client_from, &p));
}

static void connect(unsigned a, uint32_t a_port, unsigned b, uint32_t b_port)
{
	assert_true(put(a, VSOCK_OP_REQUEST, a_port, b, b_port, 0));
	(void)run();
	expect(b, VSOCK_OP_REQUEST, b_port, a, a_port, 0);
	assert_true(put(b, VSOCK_OP_RESPONSE, b_port, a, a_port, 0));
	(void)run();
	expect(a, VSOCK_OP_RESPONSE, a_port, b, b_port, 0);
}

/* ---- the queue ---- */

static void queue_carries_packets_in_order(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 43, 44, 1000, 4096, VSOCK_PAYLOAD_MAX, 5 };
	struct sock_link *l = &link[0];
	struct vsock_packet p;

	(void)state;
	sock_link_init(l);
	for (unsigned round = 0; round < 20; round++) { /* around the end of the ring */
		for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
			assert_true(sock_link_send(&l->client_to, VSOCK_OP_RW, 3, i, 4, round,
						   lengths[i]));
		assert_true(sockq_sender_flush(&l->client_to));
		assert_false(sockq_sender_flush(&l->client_to));
		for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
			assert_true(sock_link_take(&l->server_from, &p));
			assert_int_equal(p.src_port, i);
			assert_int_equal(p.dst_port, round);
			assert_int_equal(p.len, lengths[i]);
		}
		assert_false(sock_link_take(&l->server_from, &p));
	}
}

static void queue_full_asks_for_a_signal(void **state)
{
	struct sock_link *l = &link[0];
	struct vsock_packet p;

	(void)state;
	sock_link_init(l);
	assert_true(sock_link_send(&l->client_to, VSOCK_OP_RW, 3, 1, 4, 1, VSOCK_PAYLOAD_MAX));
	assert_false(sockq_room(&l->client_to, VSOCK_PAYLOAD_MAX));
	assert_true(sockq_room(&l->client_to, 1000));
	assert_true(sockq_peek(&l->server_from, &p));
	sockq_next(&l->server_from); /* without reading it */
	assert_true(sockq_receiver_flush(&l->server_from));
	assert_false(sockq_receiver_flush(&l->server_from));
	assert_true(sockq_room(&l->client_to, VSOCK_PAYLOAD_MAX));
}

static void queue_waits_for_the_whole_packet(void **state)
{
	const struct vsock_packet p = { .type = VSOCK_TYPE_STREAM, .op = VSOCK_OP_RW, .len = 10 };
	struct sock_link *l = &link[0];
	struct vsock_packet got;

	(void)state;
	sock_link_init(l);
	(void)serialq_write(&l->client_to.queue, (const uint8_t *)&p, 20);
	assert_false(sockq_peek(&l->server_from, &got));
	(void)serialq_write(&l->client_to.queue, (const uint8_t *)&p + 20, HEADER - 20);
	assert_false(sockq_peek(&l->server_from, &got));
	(void)serialq_write(&l->client_to.queue, (const uint8_t *)"0123456789", 9);
	assert_false(sockq_peek(&l->server_from, &got));
	(void)serialq_write(&l->client_to.queue, (const uint8_t *)"9", 1);
	assert_true(sockq_peek(&l->server_from, &got));
	assert_int_equal(got.len, 10);
}

static void queue_does_not_trust_its_peer(void **state)
{
	const struct vsock_packet huge = { .len = VSOCK_PAYLOAD_MAX + 1 };
	struct sock_link *l = &link[0];
	struct vsock_packet got;
	uint8_t bytes[64];
	uint32_t wild = 0x80000000;

	(void)state;
	sock_link_init(l);
	(void)serialq_write(&l->client_to.queue, (const uint8_t *)&huge, sizeof(huge));
	assert_false(sockq_peek(&l->server_from, &got));
	assert_true(l->server_from.broken);
	assert_true(sock_link_send(&l->client_to, VSOCK_OP_RW, 3, 1, 4, 1, 0));
	assert_false(sockq_peek(&l->server_from, &got)); /* for good */

	/* The tail goes back while a packet is being read: short, then empty, never further. */
	sock_link_init(l);
	assert_true(sock_link_send(&l->client_to, VSOCK_OP_RW, 3, 1, 4, 1, 100));
	assert_true(sockq_peek(&l->server_from, &got));
	memset(l->header[0], 0, 4);
	assert_int_equal(sockq_read(&l->server_from, bytes, sizeof(bytes)), 0);
	sockq_next(&l->server_from);
	assert_false(sockq_peek(&l->server_from, &got));
	memcpy(l->header[0], &wild, 4);
	assert_false(sockq_peek(&l->server_from, &got));
	assert_int_equal(sockq_sender_init(&l->client_to, l->header[0], l->data[0], 4096),
			 VMM_ERR_RANGE);
	assert_int_equal(
		sockq_receiver_init(&l->client_from, l->header[0], l->data[0], UINT64_C(1) << 32),
		VMM_ERR_RANGE);
}

/* An end that dies in the middle of a packet leaves none, or leaves it to be taken again. */
static void queue_outlives_its_ends(void **state)
{
	const struct vsock_packet p = { .type = VSOCK_TYPE_STREAM, .op = VSOCK_OP_RW, .len = 10 };
	struct sock_link *l = &link[0];
	struct vsock_packet got;
	uint8_t bytes[8];

	(void)state;
	sock_link_init(l);
	sockq_send(&l->client_to, &p);
	sockq_send_data(&l->client_to, "01234", 5);
	sock_link_again(l, false);
	assert_false(sockq_peek(&l->server_from, &got));
	for (uint32_t len = 1; len <= 3; len++)
		assert_true(sock_link_send(&l->client_to, VSOCK_OP_RW, 3, 1, 4, 1, len));
	assert_true(sockq_peek(&l->server_from, &got));
	assert_int_equal(got.len, 1);
	sockq_next(&l->server_from);
	assert_true(sockq_peek(&l->server_from, &got));
	assert_int_equal(sockq_read(&l->server_from, bytes, 1), 1);
	(void)sockq_receiver_flush(&l->server_from); /* the first one's room, and no more */
	sock_link_again(l, true);
	for (uint32_t len = 2; len <= 3; len++) {
		assert_true(sock_link_take(&l->server_from, &got));
		assert_int_equal(got.len, len);
	}
}

/* ---- the backend ---- */

static void count_signal(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static void the_backend_says_down_before_anything_else(void **state)
{
	struct sock_link *l = &link[0];
	struct socket_queue q;
	struct socket_backend *b = &q.backend;
	const struct vsock_packet data = { .type = VSOCK_TYPE_STREAM,
					   .op = VSOCK_OP_RW,
					   .len = VSOCK_PAYLOAD_MAX };
	static uint8_t payload[VSOCK_PAYLOAD_MAX];
	struct vsock_packet got;
	unsigned signals = 0;

	(void)state;
	sock_link_init(l);
	q.to = l->client_to;
	q.from = l->client_from;
	socket_queue_init(&q, count_signal, &signals);
	b->ops->set_up(b, true);
	b->ops->flush(b);
	assert_int_equal(signals, 1);
	b->ops->flush(b);
	assert_int_equal(signals, 1); /* nothing new */
	/* Fill the queue to the last byte, so that there is no room for a word about the link. */
	while (sockq_room(&q.to, 0)) {
		struct vsock_packet filler = data;
		uint32_t room = serialq_room(&q.to.queue) - HEADER;

		filler.len = room < VSOCK_PAYLOAD_MAX ? room : VSOCK_PAYLOAD_MAX;
		b->ops->send(b, &filler);
		b->ops->send_data(b, payload, filler.len);
	}
	b->ops->set_up(b, false);
	b->ops->set_up(b, true);
	assert_true(q.down_owed && q.up_owed);
	assert_false(b->ops->room(b, 0));
	assert_true(sockq_peek(&l->server_from, &got));
	assert_int_equal(got.op, VSOCK_LINK_UP);
	do {
		sockq_next(&l->server_from);
		(void)sockq_receiver_flush(&l->server_from);
	} while (sockq_peek(&l->server_from, &got));
	assert_true(b->ops->room(b, 100)); /* pays what is owed first */
	assert_true(sock_link_take(&l->server_from, &got));
	assert_int_equal(got.op, VSOCK_LINK_DOWN);
	assert_true(sock_link_take(&l->server_from, &got));
	assert_int_equal(got.op, VSOCK_LINK_UP);
}

/* ---- the router ---- */

static void packets_reach_their_client(void **state)
{
	struct router_signals signals;

	(void)state;
	connect(0, 1024, 1, 80);
	connect(2, 1024, 1, 80); /* the same ports, another client */
	connect(1, 80, 0, 80);
	assert_true(put(0, VSOCK_OP_RW, 1024, 1, 80, 5000));
	assert_true(put(0, VSOCK_OP_CREDIT_REQUEST, 1024, 1, 80, 0));
	assert_true(put(1, VSOCK_OP_RW, 80, 2, 1024, VSOCK_PAYLOAD_MAX));
	signals = run();
	assert_int_equal(signals.clients, 6); /* who got something; nobody waited for room */
	expect(1, VSOCK_OP_RW, 80, 0, 1024, 5000);
	expect(1, VSOCK_OP_CREDIT_REQUEST, 80, 0, 1024, 0);
	expect(2, VSOCK_OP_RW, 1024, 1, 80, VSOCK_PAYLOAD_MAX);
	expect_nothing(0);
	assert_int_equal(router.client[0].counts.bytes, 5000);
	assert_int_equal(router.client[0].connections, 1);
}

static void who_is_not_there_is_a_reset(void **state)
{
	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 1, 7, 80, 0)); /* no such client */
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 7, 80, 0);
	assert_true(put(0, VSOCK_OP_REQUEST, 1, 0, 80, 0)); /* itself */
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 0, 80, 0);
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, 10)); /* a connection that is not there */
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
	expect_nothing(1);
	assert_true(put(0, VSOCK_OP_RST, 1, 1, 80, 0)); /* never answered */
	(void)run();
	expect_nothing(0);
	expect_nothing(1);
	assert_true(sock_link_say(&link[1].client_to, VSOCK_LINK_DOWN));
	assert_true(put(0, VSOCK_OP_REQUEST, 1, 1, 80, 0)); /* no driver */
	(void)run();
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
}

static void a_reset_ends_the_connection(void **state)
{
	(void)state;
	connect(0, 1, 1, 80);
	assert_true(put(1, VSOCK_OP_RST, 80, 0, 1, 0));
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
	assert_int_equal(router.client[0].connections, 0);
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, 1));
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
	expect_nothing(1);
	connect(0, 1, 1, 80); /* and the same ones may meet again */
}

static void nobody_speaks_for_another(void **state)
{
	struct vsock_packet p;

	(void)state;
	connect(0, 1, 1, 80);
	assert_true(sock_link_send(&link[2].client_to, VSOCK_OP_RW, cid(0), 1, cid(1), 80, 3));
	assert_true(sock_link_send(&link[2].client_to, VSOCK_OP_RST, cid(0), 1, cid(1), 80, 0));
	(void)run();
	expect_nothing(1);
	expect_nothing(2);
	assert_int_equal(router.client[2].counts.spoofed, 2);
	/* An operation that nobody knows. */
	assert_true(put(0, 99, 1, 1, 80, 0));
	assert_true(put(0, 0, 1, 1, 80, 0));
	(void)run();
	expect_nothing(1);
	assert_true(sock_link_take(&link[0].client_from, &p));
	assert_int_equal(p.op, VSOCK_OP_RST);
	assert_int_equal(router.client[0].counts.malformed, 2);
}

static void a_driver_that_goes_ends_its_connections(void **state)
{
	(void)state;
	connect(0, 1, 1, 80);
	connect(2, 9, 0, 90);
	connect(2, 9, 1, 80);
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_DOWN));
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_UP));
	/* The new driver has the port again at once: the old end is told first, and nobody waits for more. */
	assert_true(put(0, VSOCK_OP_REQUEST, 1, 1, 80, 0));
	(void)run();
	expect(1, VSOCK_OP_RST, 80, 0, 1, 0);
	expect(1, VSOCK_OP_REQUEST, 80, 0, 1, 0);
	expect(2, VSOCK_OP_RST, 9, 0, 90, 0);
	expect_nothing(2);
	assert_int_equal(router.client[0].connections, 1);
	assert_int_equal(router.client[2].connections, 1);
}

static void both_drivers_go(void **state)
{
	(void)state;
	connect(0, 1, 1, 80);
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_DOWN));
	assert_true(sock_link_say(&link[1].client_to, VSOCK_LINK_DOWN));
	(void)run();
	assert_int_equal(router.client[0].connections, 0);
	for (unsigned i = 0; i < ROUTER_CONNECTIONS; i++)
		assert_false(router.connection[i].used);
}

/* A full client holds up who sends to it, nobody else; after a while its connections go. */
static void a_client_that_takes_nothing(void **state)
{
	struct router_signals signals;
	struct vsock_packet p;

	(void)state;
	connect(0, 1, 1, 80);
	connect(2, 2, 0, 90);
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX));
	(void)run();
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX));
	signals = run();
	assert_true(signals.deadline == now + 2 * HZ);
	assert_true(put(2, VSOCK_OP_RW, 2, 0, 90, 5)); /* the others go on */
	(void)run();
	expect(0, VSOCK_OP_RW, 90, 2, 2, 5);
	expect_nothing(0);

	now += HZ; /* it takes something: all is well */
	expect(1, VSOCK_OP_RW, 80, 0, 1, VSOCK_PAYLOAD_MAX);
	(void)run();
	expect(1, VSOCK_OP_RW, 80, 0, 1, VSOCK_PAYLOAD_MAX);
	expect_nothing(0);

	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX));
	(void)run();
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX));
	(void)run();
	now += 2 * HZ;
	signals = run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
	assert_int_equal(signals.deadline, 0);
	assert_int_equal(router.client[0].connections, 0);
	/* What it says on that connection later is answered, and it can be talked to again. */
	expect(1, VSOCK_OP_RW, 80, 0, 1, VSOCK_PAYLOAD_MAX);
	assert_true(put(1, VSOCK_OP_CREDIT_UPDATE, 80, 0, 1, 0));
	(void)run();
	assert_true(sock_link_take(&link[1].client_from, &p));
	assert_int_equal(p.op, VSOCK_OP_RST);
	connect(0, 1, 1, 80);
	assert_false(router.client[1].stale);
}

/* To the last header's place, over the connection of 0's port 1 with its port 80. */
static void fill_queue_of_one(void)
{
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX));
	(void)run();
	assert_true(put(0, VSOCK_OP_RW, 1, 1, 80, VSOCK_PAYLOAD_MAX - 2 * HEADER));
	(void)run();
	while (sockq_room(&router.client[1].to, 0)) { /* to the last header's place */
		assert_true(put(0, VSOCK_OP_CREDIT_UPDATE, 1, 1, 80, 0));
		(void)run();
	}
}

/* A request to such a client is refused like everything else, and holds up nobody for ever. */
static void a_request_to_who_takes_nothing(void **state)
{
	(void)state;
	connect(0, 1, 1, 80);
	fill_queue_of_one();
	assert_true(put(2, VSOCK_OP_REQUEST, 9, 1, 80, 0));
	(void)run();
	expect_nothing(2);
	now += 3 * HZ;
	(void)run();
	expect(2, VSOCK_OP_RST, 9, 1, 80, 0);
	assert_int_equal(router.client[2].connections, 0);
}

/* Nor is a driver that comes back held up by a reset that its old peer has no room for. */
static void a_reset_for_who_takes_nothing(void **state)
{
	(void)state;
	connect(0, 1, 1, 80);
	connect(2, 9, 1, 80);
	fill_queue_of_one();
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_DOWN));
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_UP));
	assert_true(put(0, VSOCK_OP_REQUEST, 1, 1, 80, 0)); /* the same ports again */
	assert_true(put(0, VSOCK_OP_REQUEST, 2, 2, 90, 0));
	(void)run();
	expect_nothing(2);
	now += 3 * HZ;
	(void)run();
	expect(0, VSOCK_OP_RST, 1, 1, 80, 0);
	expect(2, VSOCK_OP_REQUEST, 90, 0, 2, 0);
	assert_int_equal(router.client[0].connections, 1);
	/* What it says on the old connection, once it takes something, is answered. */
	while (sock_link_take(&link[1].client_from, &(struct vsock_packet){ 0 }))
		;
	assert_true(put(1, VSOCK_OP_CREDIT_UPDATE, 80, 0, 1, 0));
	(void)run();
	expect(1, VSOCK_OP_RST, 80, 0, 1, 0);
}

/* A refusal waits for room at who is refused; what is in its queue stays as it is. */
static void a_refusal_waits_for_room(void **state)
{
	struct vsock_packet p;

	(void)state;
	connect(0, 1, 1, 80);
	fill_queue_of_one();
	assert_true(put(1, VSOCK_OP_RW, 3, 2, 4, 0)); /* on no connection */
	(void)run();
	assert_int_equal(router.client[1].counts.resets, 0);
	for (unsigned i = 0; sock_link_take(&link[1].client_from, &p); i++)
		assert_int_equal(p.op, i < 2 ? VSOCK_OP_RW : VSOCK_OP_CREDIT_UPDATE);
	(void)run();
	expect(1, VSOCK_OP_RST, 3, 2, 4, 0);
	expect_nothing(1);
}

static void connections_are_limited(void **state)
{
	struct vsock_packet p;
	unsigned refused = 0, arrived = 0;
	uint32_t ports[2 * ROUTER_QUOTA];

	(void)state;
	for (uint32_t i = 0; i < 2 * ROUTER_QUOTA; i++) {
		assert_true(put(0, VSOCK_OP_REQUEST, 1000 + i, 1, 80, 0));
		(void)run();
		if (sock_link_take(&link[1].client_from, &p))
			ports[arrived++] = p.src_port;
		refused += sock_link_take(&link[0].client_from, &p);
	}
	for (unsigned i = 0; i < arrived; i++) { /* none took another's place */
		assert_true(put(0, VSOCK_OP_RW, ports[i], 1, 80, 1));
		(void)run();
		expect(1, VSOCK_OP_RW, 80, 0, ports[i], 1);
	}
	assert_true(arrived <= ROUTER_QUOTA && arrived > ROUTER_QUOTA / 2);
	assert_int_equal(arrived + refused, 2 * ROUTER_QUOTA);
	connect(2, 5, 1, 80); /* others have their own */
}

static void turns_are_fair(void **state)
{
	(void)state;
	connect(0, 1, 2, 80);
	connect(1, 1, 2, 80);
	for (unsigned i = 0; i < 3 * ROUTER_BATCH; i++)
		assert_true(put(0, VSOCK_OP_RW, 1, 2, 80, 1));
	assert_true(put(1, VSOCK_OP_RW, 1, 2, 80, 2));
	assert_true(router_run(&router, now).again);
	/* One batch of the first, then the second's. */
	assert_true(router.client[0].counts.packets <= 1 + ROUTER_BATCH);
	assert_int_equal(router.client[1].counts.bytes, 2);
}

static void the_start_says_that_all_is_lost(void **state)
{
	struct vsock_packet p;

	(void)state;
	router_start(&router);
	(void)run();
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_true(sock_link_take(&link[i].client_from, &p));
		assert_int_equal(p.type, VSOCK_TYPE_LINK);
		assert_int_equal(p.op, VSOCK_LINK_RESET);
	}
}

static void router_again(void)
{
	router_init(&router, HZ);
	for (unsigned i = 0; i < CLIENTS; i++) {
		sock_link_again(&link[i], true);
		assert_int_equal(
			router_add(&router, cid(i), &link[i].server_to, &link[i].server_from),
			VMM_OK);
	}
	router_start(&router);
}

static void take_link_reset(unsigned client)
{
	struct vsock_packet p;

	assert_true(sock_link_take(&link[client].client_from, &p));
	assert_int_equal(p.type, VSOCK_TYPE_LINK);
	assert_int_equal(p.op, VSOCK_LINK_RESET);
}

/* Everyone hears of it, also who has no room just now; what was sent before is answered by resets. */
static void a_router_starts_again(void **state)
{
	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 50, 1, 60, 0));
	(void)run();
	expect(1, VSOCK_OP_REQUEST, 60, 0, 50, 0);
	assert_true(put(1, VSOCK_OP_RESPONSE, 60, 0, 50, 0));
	(void)run();
	expect(0, VSOCK_OP_RESPONSE, 50, 1, 60, 0);
	assert_true(put(1, VSOCK_OP_RW, 60, 0, 50, VSOCK_PAYLOAD_MAX));
	(void)run();
	assert_true(put(1, VSOCK_OP_RW, 60, 0, 50, VSOCK_PAYLOAD_MAX - 2 * HEADER));
	(void)run(); /* now there is no room for another packet */
	assert_true(put(1, VSOCK_OP_RW, 60, 0, 50, 10));
	assert_true(put(1, VSOCK_OP_REQUEST, 61, 0, 51, 0));
	router_again();
	(void)run();
	assert_true(router.client[0].reset_owed);
	take_link_reset(1);
	expect(1, VSOCK_OP_RST, 60, 0, 50, 0);
	expect(1, VSOCK_OP_RST, 61, 0, 51, 0);
	expect(0, VSOCK_OP_RW, 50, 1, 60, VSOCK_PAYLOAD_MAX);
	expect(0, VSOCK_OP_RW, 50, 1, 60, VSOCK_PAYLOAD_MAX - 2 * HEADER);
	(void)run();
	take_link_reset(0);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_true(sock_link_say(&link[i].client_to, VSOCK_LINK_UP));
	assert_true(put(1, VSOCK_OP_REQUEST, 62, 0, 52, 0));
	(void)run();
	expect(0, VSOCK_OP_REQUEST, 52, 1, 62, 0);
}

/* A device's program that was started again is up without ever having been down. */
static void a_client_starts_again(void **state)
{
	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 50, 1, 60, 0));
	(void)run();
	expect(1, VSOCK_OP_REQUEST, 60, 0, 50, 0);
	sock_link_again(&link[0], false);
	assert_true(sock_link_say(&link[0].client_to, VSOCK_LINK_UP));
	(void)run();
	expect(1, VSOCK_OP_RST, 60, 0, 50, 0);
	assert_int_equal(router.client[0].connections, 0);
}

/* The device hears that all is lost, once; what it sends from then on goes nowhere and waits for nothing. */
static void a_router_that_is_given_up(void **state)
{
	const struct vsock_packet request = { .type = VSOCK_TYPE_STREAM, .op = VSOCK_OP_REQUEST };
	struct sock_link *l = &link[0];
	struct socket_queue q = { .to = l->client_to, .from = l->client_from };
	struct vsock_packet got;
	unsigned signals = 0;
	uint32_t over = 0;
	struct socket_backend *b = &q.backend;

	(void)state;
	socket_queue_init(&q, count_signal, &signals);
	q.server.over = &over;
	assert_false(b->ops->peek(b, &got));
	over = 1;
	assert_true(b->ops->peek(b, &got));
	assert_int_equal(got.type, VSOCK_TYPE_LINK);
	assert_int_equal(got.op, VSOCK_LINK_RESET);
	b->ops->next(b);
	assert_false(b->ops->peek(b, &got));
	for (unsigned i = 0; i < SOCKQ_CAPACITY_MIN / HEADER; i++) {
		assert_true(b->ops->room(b, 0));
		b->ops->send(b, &request);
	}
	sock_link_again(l, true);
	assert_false(sock_link_take(&l->server_from, &got));
}

static void wrong_clients_are_refused(void **state)
{
	struct sock_link *l = &link[0];

	(void)state;
	assert_int_equal(router_add(&router, 4, &l->server_to, &l->server_from), VMM_ERR_EXISTS);
	assert_int_equal(router_add(&router, 1, &l->server_to, &l->server_from), VMM_ERR_RANGE);
	assert_int_equal(router_add(&router, UINT32_MAX, &l->server_to, &l->server_from),
			 VMM_ERR_RANGE);
	for (unsigned i = CLIENTS; i < ROUTER_CLIENTS; i++)
		assert_int_equal(router_add(&router, 100 + i, &l->server_to, &l->server_from),
				 VMM_OK);
	assert_int_equal(router_add(&router, 99, &l->server_to, &l->server_from), VMM_ERR_NOMEM);
}

/* ---- a native program's end ---- */

static struct stream_end native;

enum { NATIVE = 2, NATIVE_PORT = 7 };

/* Client 2 is a native program; the others are VMs. */
static int setup_native(void **state)
{
	(void)setup(state);
	stream_init(&native, cid(NATIVE), NATIVE_PORT, &link[NATIVE].client_to,
		    &link[NATIVE].client_from);
	(void)run();
	return 0;
}

/* The program echoes, and the router moves what is to be moved. */
static void echo(void)
{
	for (unsigned round = 0; round < 4; round++) {
		(void)run();
		stream_run(&native);
		for (unsigned i = 0; i < STREAM_CONNECTIONS; i++) {
			struct stream *s = &native.stream[i];

			if (!s->used)
				continue;
			stream_consume(&native, s, stream_write(&native, s, s->buffer, s->held));
			if (s->ended && s->held == 0)
				(void)stream_close(&native, s);
		}
		(void)stream_flush(&native);
	}
	(void)run();
}

static void a_program_answers(void **state)
{
	struct vsock_packet p;

	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 50, NATIVE, NATIVE_PORT, 0));
	assert_true(put(0, VSOCK_OP_REQUEST, 51, NATIVE, NATIVE_PORT + 1, 0)); /* nobody listens */
	echo();
	expect(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0);
	expect(0, VSOCK_OP_RST, 51, NATIVE, NATIVE_PORT + 1, 0);
	assert_true(put(0, VSOCK_OP_RW, 50, NATIVE, NATIVE_PORT, 1000));
	echo();
	expect(0, VSOCK_OP_RW, 50, NATIVE, NATIVE_PORT, 1000); /* with its content */
	assert_true(put(0, VSOCK_OP_CREDIT_REQUEST, 50, NATIVE, NATIVE_PORT, 0));
	echo();
	assert_true(sock_link_take(&link[0].client_from, &p));
	assert_int_equal(p.op, VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(p.fwd_cnt, 1000);
	assert_int_equal(p.buf_alloc, STREAM_BUFFER);
	assert_true(sock_link_send(&link[0].client_to, VSOCK_OP_SHUTDOWN, cid(0), 50, cid(NATIVE),
				   NATIVE_PORT, 0));
	echo();
	expect_nothing(0); /* no flag says that it sends no more */
	assert_true(put(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0)); /* to nothing */
	echo();
	expect(0, VSOCK_OP_RST, 50, NATIVE, NATIVE_PORT, 0);
	assert_false(native.stream[0].used);
}

/* A peer without room gets no more than it has; what it then sends too much costs the connection. */
static void credit_is_kept(void **state)
{
	struct vsock_packet request = {
		.src_cid = cid(0),
		.dst_cid = cid(NATIVE),
		.src_port = 50,
		.dst_port = NATIVE_PORT,
		.type = VSOCK_TYPE_STREAM,
		.op = VSOCK_OP_REQUEST,
		.buf_alloc = 100,
	};
	struct vsock_packet p;
	struct stream *s = &native.stream[0];

	(void)state;
	sockq_send(&link[0].client_to, &request);
	echo();
	expect(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0);
	request.op = VSOCK_OP_RW;
	request.len = 4;
	for (unsigned i = 0; i < 60; i++) {
		sockq_send(&link[0].client_to, &request);
		sockq_send_data(&link[0].client_to, "abcd", 4);
		echo();
	}
	assert_int_equal(s->sent, 100);
	assert_int_equal(s->held, 140);
	assert_int_equal(stream_room(&native, s), 0);
	request.op = VSOCK_OP_CREDIT_UPDATE;
	request.len = 0;
	request.fwd_cnt = 60;
	sockq_send(&link[0].client_to, &request);
	echo();
	assert_int_equal(s->sent, 160);
	request.fwd_cnt = 1000000; /* more than was ever sent: it gets nothing for that */
	sockq_send(&link[0].client_to, &request);
	echo();
	while (sockq_peek(&link[0].client_from, &p))
		sockq_next(&link[0].client_from); /* not the pattern's bytes */
	(void)sockq_receiver_flush(&link[0].client_from);
	assert_true(put(0, VSOCK_OP_RW, 50, NATIVE, NATIVE_PORT, STREAM_BUFFER + 1));
	echo();
	expect(0, VSOCK_OP_RST, 50, NATIVE, NATIVE_PORT, 0);
	assert_false(s->used);
}

/* A peer that waits for credit says nothing more: what could not be told it is told as soon as there is room. */
static void credit_is_not_forgotten(void **state)
{
	struct stream *s = &native.stream[0];
	struct vsock_packet p;
	uint32_t told = 0;

	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 50, NATIVE, NATIVE_PORT, 0));
	echo();
	expect(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0);
	assert_true(put(0, VSOCK_OP_RW, 50, NATIVE, NATIVE_PORT, STREAM_BUFFER));
	(void)run();
	stream_run(&native);
	assert_int_equal(s->held, STREAM_BUFFER);
	do /* fills the queue towards the router to its last byte but a few */
		s->peer_alloc = s->sent + 1;
	while (stream_write(&native, s, (const uint8_t *)"x", 1) == 1);
	stream_consume(&native, s, STREAM_BUFFER);
	assert_int_equal(s->held, 0);
	for (unsigned round = 0; round < 8; round++) {
		(void)run();
		stream_run(&native);
		(void)stream_flush(&native);
		while (sockq_peek(&link[0].client_from, &p)) {
			if (p.op == VSOCK_OP_CREDIT_UPDATE)
				told = p.fwd_cnt;
			sockq_next(&link[0].client_from);
		}
		(void)sockq_receiver_flush(&link[0].client_from);
	}
	assert_int_equal(told, STREAM_BUFFER);
}

/* As from a router that knows more connections than the program, which has just started. */
static void a_reset_is_not_answered(void **state)
{
	uint32_t said = native.to.queue.tail;
	struct vsock_packet p;

	(void)state;
	assert_true(sock_link_send(&router.client[NATIVE].to, VSOCK_OP_RST, cid(0), 50, cid(NATIVE),
				   NATIVE_PORT, 0));
	stream_run(&native);
	assert_false(sockq_peek(&native.from, &p));
	assert_int_equal(native.to.queue.tail, said);
}

/* What is to be refused waits for room for the answer, and so does the end of its connection. */
static void refusals_wait_for_room(void **state)
{
	static const struct {
		uint32_t port, len;
		uint16_t op;
	} wrong[] = {
		{ 99, 0, VSOCK_OP_RW },                 /* of no connection */
		{ 50, STREAM_BUFFER + 1, VSOCK_OP_RW }, /* beyond its credit */
		{ 50, 0, VSOCK_OP_RESPONSE },           /* to nothing */
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct stream *s = &native.stream[0];
		unsigned resets = 0;
		struct vsock_packet p;

		(void)setup_native(state);
		assert_true(put(0, VSOCK_OP_REQUEST, 50, NATIVE, NATIVE_PORT, 0));
		echo();
		expect(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0);
		do
			s->peer_alloc = s->sent + 1;
		while (stream_write(&native, s, (const uint8_t *)"x", 1) == 1);
		assert_true(sock_link_send(&router.client[NATIVE].to, wrong[i].op, cid(0),
					   wrong[i].port, cid(NATIVE), NATIVE_PORT, wrong[i].len));
		stream_run(&native);
		assert_true(s->used);
		assert_true(sockq_peek(&native.from, &p)); /* it is still to be answered */
		for (unsigned round = 0; round < 4; round++) {
			(void)run();
			stream_run(&native);
			(void)stream_flush(&native);
			while (sockq_peek(&link[0].client_from, &p)) {
				resets += p.op == VSOCK_OP_RST && p.dst_port == wrong[i].port;
				sockq_next(&link[0].client_from);
			}
			(void)sockq_receiver_flush(&link[0].client_from);
		}
		assert_false(sockq_peek(&native.from, &p));
		assert_int_equal(s->used, wrong[i].port != 50);
		/* Of a connection that it never knew the router tells nobody. */
		assert_int_equal(resets, wrong[i].port == 50);
	}
}

static void connections_end(void **state)
{
	const struct vsock_packet shutdown = {
		.src_cid = cid(0),
		.dst_cid = cid(NATIVE),
		.src_port = 50,
		.dst_port = NATIVE_PORT,
		.type = VSOCK_TYPE_STREAM,
		.op = VSOCK_OP_SHUTDOWN,
		.flags = 3,
		.buf_alloc = 4096,
	};

	(void)state;
	assert_true(put(0, VSOCK_OP_REQUEST, 50, NATIVE, NATIVE_PORT, 0));
	echo();
	expect(0, VSOCK_OP_RESPONSE, 50, NATIVE, NATIVE_PORT, 0);
	sockq_send(&link[0].client_to, &shutdown);
	echo();
	expect(0, VSOCK_OP_RST, 50, NATIVE, NATIVE_PORT, 0);
	assert_false(native.stream[0].used);
	/* As many as there is room for, and no more. */
	for (unsigned i = 0; i <= STREAM_CONNECTIONS; i++) {
		assert_true(put(0, VSOCK_OP_REQUEST, 100 + i, NATIVE, NATIVE_PORT, 0));
		echo();
		expect(0, i < STREAM_CONNECTIONS ? VSOCK_OP_RESPONSE : VSOCK_OP_RST, 100 + i,
		       NATIVE, NATIVE_PORT, 0);
	}
	router_start(&router); /* a router that was started anew has forgotten them */
	(void)run();
	stream_run(&native);
	for (unsigned i = 0; i < STREAM_CONNECTIONS; i++)
		assert_false(native.stream[i].used);
	assert_true(native.up_owed);
	router.client[NATIVE].up = false; /* as it does not know */
	(void)stream_flush(&native);
	(void)run();
	assert_true(router.client[NATIVE].up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_carries_packets_in_order),
		cmocka_unit_test(queue_full_asks_for_a_signal),
		cmocka_unit_test(queue_waits_for_the_whole_packet),
		cmocka_unit_test(queue_does_not_trust_its_peer),
		cmocka_unit_test(queue_outlives_its_ends),
		cmocka_unit_test(the_backend_says_down_before_anything_else),
		cmocka_unit_test_setup(packets_reach_their_client, setup),
		cmocka_unit_test_setup(who_is_not_there_is_a_reset, setup),
		cmocka_unit_test_setup(a_reset_ends_the_connection, setup),
		cmocka_unit_test_setup(nobody_speaks_for_another, setup),
		cmocka_unit_test_setup(a_driver_that_goes_ends_its_connections, setup),
		cmocka_unit_test_setup(both_drivers_go, setup),
		cmocka_unit_test_setup(a_client_that_takes_nothing, setup),
		cmocka_unit_test_setup(a_request_to_who_takes_nothing, setup),
		cmocka_unit_test_setup(a_reset_for_who_takes_nothing, setup),
		cmocka_unit_test_setup(a_refusal_waits_for_room, setup),
		cmocka_unit_test_setup(connections_are_limited, setup),
		cmocka_unit_test_setup(turns_are_fair, setup),
		cmocka_unit_test_setup(the_start_says_that_all_is_lost, setup),
		cmocka_unit_test_setup(a_router_starts_again, setup),
		cmocka_unit_test_setup(a_client_starts_again, setup),
		cmocka_unit_test_setup(a_router_that_is_given_up, setup),
		cmocka_unit_test_setup(wrong_clients_are_refused, setup),
		cmocka_unit_test_setup(a_program_answers, setup_native),
		cmocka_unit_test_setup(credit_is_kept, setup_native),
		cmocka_unit_test_setup(credit_is_not_forgotten, setup_native),
		cmocka_unit_test_setup(a_reset_is_not_answered, setup_native),
		cmocka_unit_test_setup(refusals_wait_for_room, setup_native),
		cmocka_unit_test_setup(connections_end, setup_native),
	};

	return cmocka_run_group_tests_name("backend/sockets", tests, NULL, NULL);
}
