/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket device between a driver and the server's end of a channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sock_link.h"
#include "test/support/virtio_driver.h"
#include "vmm/backend/socket/queue.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/vsock.h"

enum {
	RX,
	TX,
	EVENT,
	SIZE = 32,
	HEADER = sizeof(struct vsock_packet),
	CID = 7,
};

static struct driver d;
static struct virtio_vsock vs;
static struct sock_link link;
static struct socket_queue backend;
static unsigned signals;

static void count_signal(void *ctx)
{
	(void)ctx;
	signals++;
}

static int make(void **state)
{
	(void)state;
	driver_init(&d);
	sock_link_init(&link);
	signals = 0;
	backend.to = link.client_to;
	backend.from = link.client_from;
	socket_queue_init(&backend, count_signal, NULL);
	virtio_vsock_init(&vs,
			  &(struct virtio_setup){
				  .name = "vsock",
				  .gmem = &d.gmem,
				  .packed = true,
				  .owner = driver_owner(&d),
			  },
			  CID, &backend.backend);
	driver_connect(&d, &vs.vd, NULL);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

/* What the server hears first: that the driver is there. */
static void start(uint64_t features)
{
	struct vsock_packet p;

	assert_true(driver_start(&d, features, VIRTIO_VSOCK_QUEUES, SIZE));
	assert_true(sock_link_take(&link.server_from, &p));
	assert_int_equal(p.type, VSOCK_TYPE_LINK);
	assert_int_equal(p.op, VSOCK_LINK_UP);
}

static struct vsock_packet packet_of(uint16_t op, uint32_t len)
{
	return (struct vsock_packet){
		.src_cid = CID,
		.dst_cid = 9,
		.src_port = 1000,
		.dst_port = 80,
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = 4096,
		.fwd_cnt = 5,
	};
}

/* Offers a packet of the guest in pieces; `there` bytes of payload are really in the buffers. */
static void transmit(const struct vsock_packet *p, uint32_t there, unsigned pieces)
{
	struct driver_buffer b[4] = { 0 };
	uint64_t gpa = driver_alloc(&d, HEADER + there, 1);
	uint8_t *bytes = driver_host(&d, gpa);
	uint32_t all = HEADER + there;

	memcpy(bytes, p, HEADER);
	for (uint32_t i = 0; i < there; i++)
		bytes[HEADER + i] = sock_link_byte(i);
	for (unsigned i = 0; i < pieces; i++) {
		b[i].gpa = gpa;
		b[i].len = i == pieces - 1 ? all : all / (pieces + 1);
		gpa += b[i].len;
		all -= b[i].len;
	}
	assert_true(driver_add(&d, TX, b, pieces, false) >= 0);
}

static uint64_t offer(unsigned queue, uint32_t len)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, len, 1), .len = len, .writable = true };

	assert_true(driver_add(&d, queue, &b, 1, false) >= 0);
	return b.gpa;
}

/* The next used buffer of the receive queue, which is at `gpa`. */
static struct vsock_packet received(uint64_t gpa, uint32_t want)
{
	struct vsock_packet p;
	uint32_t written;
	int id;

	assert_true(driver_used(&d, RX, &id, &written));
	assert_int_equal(written, HEADER + want);
	memcpy(&p, driver_host(&d, gpa), HEADER);
	assert_int_equal(p.len, want);
	return p;
}

static void check_transmit(uint64_t features)
{
	struct vsock_packet p, got;
	uint32_t written;
	int id;

	start(features);
	for (unsigned pieces = 1; pieces <= 4; pieces++) {
		for (uint32_t len = 0; len < 300; len += 99) {
			p = packet_of(len > 0 ? VSOCK_OP_RW : VSOCK_OP_REQUEST, len);
			transmit(&p, len, pieces);
			(void)driver_kick(&d, TX);
			assert_true(driver_used(&d, TX, &id, &written));
			assert_int_equal(written, 0);
			assert_true(sock_link_take(&link.server_from, &got));
			assert_memory_equal(&got, &p, HEADER);
		}
	}
	assert_true(signals > 0);
	assert_int_equal(d.said, 0);
}

static void packets_leave(void **state)
{
	(void)state;
	check_transmit(0);
	(void)finish(state);
	(void)make(state);
	check_transmit(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
}

static void configuration_is_the_cid(void **state)
{
	(void)state;
	assert_int_equal(driver_read(&d, 0x008), VIRTIO_ID_VSOCK);
	assert_int_equal(driver_read(&d, 0x100), CID);
	assert_int_equal(driver_read(&d, 0x104), 0);
}

static void packets_arrive(void **state)
{
	struct vsock_packet p;
	uint64_t gpa[3];

	(void)state;
	start(0);
	for (unsigned i = 0; i < 3; i++)
		gpa[i] = offer(RX, 400);
	(void)driver_kick(&d, RX);
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_RESPONSE, 9, 80, CID, 1000, 0));
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_RW, 9, 80, CID, 1000, 100));
	virtio_event(&vs.vd, 0);
	p = received(gpa[0], 0);
	assert_int_equal(p.op, VSOCK_OP_RESPONSE);
	assert_int_equal(p.src_cid, 9);
	assert_int_equal(p.buf_alloc, 1 << 18);
	p = received(gpa[1], 100);
	assert_int_equal(p.op, VSOCK_OP_RW);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(((uint8_t *)driver_host(&d, gpa[1]))[HEADER + i],
				 sock_link_byte(i));
	assert_int_equal(d.interrupts, 1);
}

/* A packet longer than a buffer comes in pieces, each with its own length; none is lost. */
static void long_packets_are_cut(void **state)
{
	struct vsock_packet p;
	uint64_t gpa[4];

	(void)state;
	start(VIRTIO_F_EVENT_IDX);
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_RW, 9, 80, CID, 1000, 250));
	gpa[0] = offer(RX, HEADER + 100);
	(void)driver_kick(&d, RX);
	virtio_event(&vs.vd, 0);
	p = received(gpa[0], 100);
	assert_int_equal(p.src_port, 80);
	gpa[1] = offer(RX, HEADER + 120);
	assert_true(driver_kick(&d, RX)); /* it waits for buffers */
	p = received(gpa[1], 120);
	gpa[2] = offer(RX, HEADER + 100);
	gpa[3] = offer(RX, HEADER + 100);
	assert_true(driver_kick(&d, RX));
	p = received(gpa[2], 30);
	assert_int_equal(p.op, VSOCK_OP_RW);
	for (uint32_t i = 0; i < 250; i++) {
		unsigned at = i < 100 ? 0 : i < 220 ? 1 : 2;
		uint32_t base = at == 0 ? 0 : at == 1 ? 100 : 220;

		assert_int_equal(((uint8_t *)driver_host(&d, gpa[at]))[HEADER + i - base],
				 sock_link_byte(i));
	}
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_RW, 9, 80, CID, 1000, 1));
	virtio_event(&vs.vd, 0);
	(void)received(gpa[3], 1);
}

static void a_full_backend_waits(void **state)
{
	const struct vsock_packet big = packet_of(VSOCK_OP_RW, VSOCK_PAYLOAD_MAX);
	struct vsock_packet p;
	uint32_t written;
	int id;

	(void)state;
	start(0);
	transmit(&big, VSOCK_PAYLOAD_MAX, 2);
	transmit(&big, VSOCK_PAYLOAD_MAX, 3);
	(void)driver_kick(&d, TX);
	assert_true(driver_used(&d, TX, &id, &written));
	assert_false(driver_used(&d, TX, &id, &written));
	assert_true(sock_link_take(&link.server_from, &p));
	virtio_event(&vs.vd, 0);
	assert_true(driver_used(&d, TX, &id, &written));
	assert_true(sock_link_take(&link.server_from, &p));
	assert_int_equal(p.len, VSOCK_PAYLOAD_MAX);
}

static void another_address_does_not_leave(void **state)
{
	struct vsock_packet p = packet_of(VSOCK_OP_RW, 3), got;
	uint32_t written;
	int id;

	(void)state;
	start(0);
	p.src_cid = CID + 1;
	transmit(&p, 3, 1);
	p.src_cid |= CID | UINT64_C(1) << 32;
	transmit(&p, 3, 1);
	(void)driver_kick(&d, TX);
	assert_true(driver_used(&d, TX, &id, &written));
	assert_true(driver_used(&d, TX, &id, &written));
	assert_int_equal(vs.dropped, 2);
	assert_false(sock_link_take(&link.server_from, &got));
}

/* An unknown type gets a reset; what only device and router say never leaves. */
static void other_types_are_answered_here(void **state)
{
	struct vsock_packet p = packet_of(VSOCK_LINK_DOWN, 0), got;
	uint64_t gpa[2];
	uint32_t written;
	int id;

	(void)state;
	start(0);
	p.type = VSOCK_TYPE_LINK;
	transmit(&p, 0, 1);
	transmit(&p, 0, 1); /* the second waits for the first one's answer to be delivered */
	(void)driver_kick(&d, TX);
	assert_true(driver_used(&d, TX, &id, &written));
	assert_false(driver_used(&d, TX, &id, &written));
	gpa[0] = offer(RX, 100);
	gpa[1] = offer(RX, 100);
	(void)driver_kick(&d, RX);
	got = received(gpa[0], 0);
	assert_int_equal(got.op, VSOCK_OP_RST);
	assert_int_equal(got.src_cid, 9);
	assert_int_equal(got.dst_cid, CID);
	assert_int_equal(got.src_port, 80);
	assert_true(driver_used(&d, TX, &id, &written));
	got = received(gpa[1], 0);
	p.op = VSOCK_OP_RST; /* no answer to these */
	transmit(&p, 0, 1);
	(void)driver_kick(&d, TX);
	assert_true(driver_used(&d, TX, &id, &written));
	assert_false(vs.answer_owed);
	assert_false(sock_link_take(&link.server_from, &got));
}

/* An answer that finds its buffer at once holds nothing up behind it. */
static void packets_behind_another_type_leave(void **state)
{
	struct vsock_packet other = packet_of(VSOCK_OP_RW, 0), got;
	uint32_t written;
	int id;

	(void)state;
	start(0);
	other.type = VSOCK_TYPE_STREAM + 1;
	for (unsigned i = 0; i < 3; i++)
		(void)offer(RX, 100);
	for (unsigned i = 0; i < 3; i++)
		transmit(&other, 0, 1);
	transmit(&(struct vsock_packet){ .src_cid = CID, .type = VSOCK_TYPE_STREAM }, 0, 1);
	(void)driver_kick(&d, TX);
	for (unsigned i = 0; i < 3; i++)
		assert_true(driver_used(&d, RX, &id, &written));
	for (unsigned i = 0; i < 4; i++)
		assert_true(driver_used(&d, TX, &id, &written));
	assert_true(sock_link_take(&link.server_from, &got));
}

static void wrong_packets_need_a_reset(void **state)
{
	static const struct {
		uint32_t says, there;
	} wrong[] = { { 11, 10 }, { UINT32_MAX, 10 }, { VSOCK_PAYLOAD_MAX + 1, 70000 } };
	struct vsock_packet p;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		start(0);
		p = packet_of(VSOCK_OP_RW, wrong[i].says);
		transmit(&p, wrong[i].there, 1);
		(void)driver_kick(&d, TX);
		assert_true(vs.vd.broken);
		assert_false(sock_link_take(&link.server_from, &p));
		driver_write(&d, 0x070, 0);
		assert_true(sock_link_take(&link.server_from, &p));
		assert_int_equal(p.op, VSOCK_LINK_DOWN);
	}
	/* A header that is cut short. */
	start(0);
	{
		struct driver_buffer b = { .gpa = driver_alloc(&d, HEADER, 1), .len = HEADER - 1 };

		assert_true(driver_add(&d, TX, &b, 1, false) >= 0);
	}
	(void)driver_kick(&d, TX);
	assert_true(vs.vd.broken);
}

static void small_buffers_need_a_reset(void **state)
{
	(void)state;
	start(0);
	(void)offer(RX, HEADER); /* room for the header, none for a byte */
	(void)driver_kick(&d, RX);
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_RW, 9, 80, CID, 1000, 1));
	virtio_event(&vs.vd, 0);
	assert_true(vs.vd.broken);
	driver_write(&d, 0x070, 0);
	/* The packet went with the reset; its connection is over anyway. */
	virtio_event(&vs.vd, 0);
	assert_false(vs.delivering);
}

static void without_a_driver_packets_are_dropped(void **state)
{
	struct vsock_packet p;
	uint64_t gpa;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_true(sock_link_send(&link.server_to, VSOCK_OP_RW, 9, 80, CID, i, 1000));
	virtio_event(&vs.vd, 0);
	start(0);
	gpa = offer(RX, 100);
	(void)driver_kick(&d, RX);
	assert_true(sock_link_send(&link.server_to, VSOCK_OP_REQUEST, 9, 80, CID, 77, 0));
	virtio_event(&vs.vd, 0);
	p = received(gpa, 0);
	assert_int_equal(p.dst_port, 77);
}

static void lost_connections_are_told(void **state)
{
	struct vsock_packet said = { .op = 0 };
	uint32_t written, event;
	uint64_t gpa;
	int id;

	(void)state;
	assert_true(sock_link_say(&link.server_to, VSOCK_LINK_RESET));
	virtio_event(&vs.vd, 0); /* nobody there who could have lost one */
	start(0);
	assert_false(vs.event_owed);
	assert_true(sock_link_say(&link.server_to, VSOCK_LINK_RESET));
	virtio_event(&vs.vd, 0);
	assert_true(vs.event_owed); /* until there is a buffer */
	while (sock_link_take(&link.server_from,
			      &said)) /* and a router hears that the driver is there */
		assert_int_equal(said.type, VSOCK_TYPE_LINK);
	assert_int_equal(said.op, VSOCK_LINK_UP);
	gpa = offer(EVENT, 8);
	memset(driver_host(&d, gpa), 0xff, 8);
	(void)driver_kick(&d, EVENT);
	assert_true(driver_used(&d, EVENT, &id, &written));
	assert_int_equal(written, 4);
	memcpy(&event, driver_host(&d, gpa), 4);
	assert_int_equal(event, 0);
	assert_true(sock_link_say(&link.server_to, VSOCK_LINK_RESET));
	(void)offer(EVENT, 3);
	virtio_event(&vs.vd, 0);
	assert_true(vs.vd.broken);
}

/* A driver that suppresses notifications is asked for one when an event waits for its buffer. */
static void check_event_waits(uint64_t features)
{
	uint32_t written;
	int id;

	start(features);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(sock_link_say(&link.server_to, VSOCK_LINK_RESET));
		virtio_event(&vs.vd, 0);
		assert_true(vs.event_owed);
		(void)offer(EVENT, 4);
		assert_true(driver_kick(&d, EVENT));
		assert_true(driver_used(&d, EVENT, &id, &written));
		assert_false(vs.event_owed);
	}
}

static void an_event_waits_for_a_buffer(void **state)
{
	(void)state;
	check_event_waits(VIRTIO_F_EVENT_IDX);
}

static void an_event_waits_for_a_packed_buffer(void **state)
{
	(void)state;
	check_event_waits(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(packets_leave),
		CASE(configuration_is_the_cid),
		CASE(packets_arrive),
		CASE(long_packets_are_cut),
		CASE(a_full_backend_waits),
		CASE(another_address_does_not_leave),
		CASE(other_types_are_answered_here),
		CASE(packets_behind_another_type_leave),
		CASE(wrong_packets_need_a_reset),
		CASE(small_buffers_need_a_reset),
		CASE(without_a_driver_packets_are_dropped),
		CASE(lost_connections_are_told),
		CASE(an_event_waits_for_a_buffer),
		CASE(an_event_waits_for_a_packed_buffer),
	};

	return cmocka_run_group_tests_name("dev/virtio/vsock", tests, NULL, NULL);
}
