/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network device behind virtio-mmio, with the test driver and a network in memory. Every case runs
 * on both ring formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/net.h"

#define F(bit) (UINT64_C(1) << (bit))

enum {
	RX = 0,
	TX = 1,
	CONTROL = 2,
	SIZE = 16,
	PAIRS = 4,
	HDR = sizeof(struct net_hdr),
	CSUM = 0,
	GUEST_CSUM = 1,
	MTU = 3,
	MAC = 5,
	GUEST_TSO4 = 7,
	GUEST_TSO6 = 8,
	GUEST_ECN = 9,
	HOST_TSO4 = 11,
	HOST_TSO6 = 12,
	HOST_ECN = 13,
	MRG_RXBUF = 15,
	STATUS = 16,
	CTRL_VQ = 17,
	CTRL_RX = 18,
	CTRL_VLAN = 19,
	CTRL_RX_EXTRA = 20,
	GUEST_ANNOUNCE = 21,
	MQ = 22,
	CTRL_MAC_ADDR = 23,
	CONFIG = 0x100,
};

static const uint8_t own_mac[NET_MAC] = { 2, 0, 0, 0, 0, 1 };

struct fixture {
	struct driver d;
	struct virtio_net net;
	struct net_memory memory;
	uint8_t bytes[NET_FRAME_MAX];
	unsigned later;
	uint64_t pauses;
	_Alignas(4096) uint8_t page[4096]; /* registers that are read without us */
};

static bool later(void *ctx, const struct virtio_dev *vd)
{
	container_of(vd, struct fixture, net.vd)->later++;
	(void)ctx;
	return true;
}

static uint64_t pauses(void *ctx, const struct virtio_dev *vd)
{
	(void)ctx;
	return container_of(vd, struct fixture, net.vd)->pauses;
}

static struct fixture *make(uint32_t offloads)
{
	struct fixture *f = aligned_alloc(_Alignof(struct fixture), sizeof(*f));
	struct virtio_setup common;
	struct virtio_net_params params;

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	driver_init(&f->d);
	net_memory_init(&f->memory, offloads, false);
	common = (struct virtio_setup){
		.name = "net0",
		.gmem = &f->d.gmem,
		.packed = true,
		.owner = driver_owner(&f->d),
	};
	params = (struct virtio_net_params){
		.backend = &f->memory.backend,
		.mtu = 1500,
		.pairs = PAIRS,
	};
	memcpy(params.mac, own_mac, NET_MAC);
	virtio_net_init(&f->net, &common, &params);
	driver_connect(&f->d, &f->net.vd, f->page);
	for (size_t i = 0; i < sizeof(f->bytes); i++)
		f->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	memcpy(f->bytes, own_mac, NET_MAC);
	return f;
}

static struct fixture *begin(uint32_t offloads, uint64_t features)
{
	struct fixture *f = make(offloads);

	assert_true(driver_start(&f->d, features | VIRTIO_F_INDIRECT_DESC, 3, SIZE));
	return f;
}

static void finish(struct fixture *f)
{
	driver_fini(&f->d);
	free(f);
}

static void each(void (*test)(uint64_t format))
{
	test(0);
	test(VIRTIO_F_EVENT_IDX);
	test(VIRTIO_F_RING_PACKED);
	test(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
}

/* Offers a frame with its header in one buffer, or as many of `piece` bytes. */
static int transmit(struct fixture *f, unsigned queue, const struct net_hdr *hdr, uint32_t len,
		    uint32_t piece)
{
	uint64_t gpa = driver_alloc(&f->d, HDR + len, 16);
	struct driver_buffer buffers[DRIVER_BUFFERS];
	uint8_t *at = driver_host(&f->d, gpa);
	unsigned count = 0;

	memcpy(at, hdr, HDR);
	memcpy(at + HDR, f->bytes, len);
	for (uint32_t done = 0; done < HDR + len; done += piece, count++)
		buffers[count] = (struct driver_buffer){
			.gpa = gpa + done,
			.len = HDR + len - done < piece ? HDR + len - done : piece,
		};
	return driver_add(&f->d, queue, buffers, count, false);
}

/* A receive buffer of `len` bytes; where it is. */
static uint64_t offer(struct fixture *f, unsigned queue, uint32_t len)
{
	uint64_t gpa = driver_alloc(&f->d, len, 16);
	struct driver_buffer buffer = { .gpa = gpa, .len = len, .writable = true };

	assert_true(driver_add(&f->d, queue, &buffer, 1, false) >= 0);
	driver_kick(&f->d, queue);
	return gpa;
}

static void feed(struct fixture *f, const struct net_hdr *hdr, uint32_t len)
{
	static const struct net_hdr none;

	assert_true(net_memory_feed(&f->memory, hdr != NULL ? hdr : &none, f->bytes, len));
	virtio_event(&f->net.vd, 0);
}

/* As the device answers, and as it lies in the page: a driver may get either. */
static uint64_t config(struct fixture *f, unsigned offset, unsigned width)
{
	uint64_t value = driver_access(&f->d, false, CONFIG + offset, width, 0);

	assert_memory_equal(f->page + CONFIG + offset, &value, width);
	return value;
}

static void frames_are_sent(uint64_t format)
{
	static const uint32_t pieces[] = { 5, 12, 13, 100, 2000 };
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);
	const struct net_memory_frame *out;
	struct net_hdr hdr = { .num_buffers = 3 };
	uint32_t written;
	int id, used;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		id = transmit(f, TX, &hdr, 60, pieces[i]);
		assert_true(driver_kick(&f->d, TX));
		out = net_memory_drain(&f->memory);
		assert_non_null(out);
		assert_int_equal(out->len, 60);
		assert_memory_equal(out->bytes, f->bytes, 60);
		assert_true(driver_used(&f->d, TX, &used, &written));
		assert_int_equal(used, id);
		assert_int_equal(written, 0);
	}
	assert_int_equal(f->net.stats.tx_frames, ARRAY_SIZE(pieces));
	assert_int_equal(f->memory.flushes, 1 + ARRAY_SIZE(pieces)); /* one at start */
	finish(f);
}

static void frames_that_are_none_are_dropped(uint64_t format)
{
	static const struct {
		struct net_hdr hdr;
		uint32_t len;
	} bad[] = {
		{ { 0 }, 13 },
		{ { .flags = 1, .csum_start = 59, .csum_offset = 0 }, 60 },
		{ { .flags = 1, .csum_start = 65535, .csum_offset = 65535 }, 60 },
		{ { .flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 34 }, 100 },
		{ { .flags = 0, .gso_type = 1, .gso_size = 9, .csum_start = 34 }, 100 },
		{ { .flags = 1, .gso_type = 4, .gso_size = 9, .csum_start = 34 }, 100 },
		{ { .flags = 1, .gso_type = 3, .gso_size = 9, .csum_start = 34 }, 100 },
		{ { .flags = 1, .gso_type = 0x81, .gso_size = 9, .csum_start = 34 }, 100 },
	};
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(CSUM) | F(HOST_TSO4));
	struct driver_buffer tiny = { .gpa = DRIVER_GPA, .len = HDR - 1 };
	uint32_t written;
	int used;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(transmit(f, TX, &bad[i].hdr, bad[i].len, 2000) >= 0);
		driver_kick(&f->d, TX);
		assert_null(net_memory_drain(&f->memory));
		assert_true(driver_used(&f->d, TX, &used, &written));
		assert_int_equal(f->net.stats.tx_bad, i + 1);
	}
	assert_true(driver_add(&f->d, TX, &tiny, 1, false) >= 0);
	driver_kick(&f->d, TX);
	assert_int_equal(f->net.stats.tx_bad, ARRAY_SIZE(bad) + 1);
	assert_true(driver_used(&f->d, TX, &used, &written));
	assert_int_equal(f->d.said, 0);
	finish(f);
}

static void a_large_packet_passes_in_one_piece(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(CSUM) | F(HOST_TSO4));
	struct net_hdr hdr = {
		.flags = 1, .gso_type = 1, .gso_size = 1448, .csum_start = 34, .csum_offset = 16
	};
	const struct net_memory_frame *out;

	assert_true(transmit(f, TX, &hdr, 60000, 4096) >= 0);
	driver_kick(&f->d, TX);
	out = net_memory_drain(&f->memory);
	assert_non_null(out);
	assert_int_equal(out->len, 60000);
	assert_memory_equal(&out->hdr, &hdr, HDR);
	assert_memory_equal(out->bytes, f->bytes, 60000);
	finish(f);
}

static void a_full_backend_makes_the_driver_wait(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);
	static const struct net_hdr hdr;
	uint32_t written;
	int ids[4], used;

	f->memory.limit = 2;
	for (unsigned i = 0; i < 4; i++)
		ids[i] = transmit(f, TX, &hdr, 60 + i, 2000);
	driver_kick(&f->d, TX);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(driver_used(&f->d, TX, &used, &written));
		assert_int_equal(used, ids[i]);
	}
	assert_false(driver_used(&f->d, TX, &used, &written));
	assert_int_equal(net_memory_drain(&f->memory)->len, 60);
	assert_int_equal(net_memory_drain(&f->memory)->len, 61);
	virtio_event(&f->net.vd, 0);
	for (unsigned i = 2; i < 4; i++) {
		assert_true(driver_used(&f->d, TX, &used, &written));
		assert_int_equal(used, ids[i]);
		assert_int_equal(net_memory_drain(&f->memory)->len, 60 + i);
	}
	/* And notifications are wanted again. */
	assert_true(transmit(f, TX, &hdr, 70, 2000) >= 0);
	assert_true(driver_kick(&f->d, TX));
	assert_int_equal(net_memory_drain(&f->memory)->len, 70);
	finish(f);
}

/* The driver sends one frame after the other, and the device looks when it is told to. */
static unsigned stream(struct fixture *f, unsigned frames)
{
	static const struct net_hdr hdr;
	unsigned kicks = 0;
	uint32_t written;
	int used;

	for (unsigned i = 0; i < frames; i++) {
		if (transmit(f, TX, &hdr, 60, 2000) < 0) {
			/* The ring is full: by now the device has looked. */
			while (driver_used(&f->d, TX, &used, &written))
				;
			assert_true(transmit(f, TX, &hdr, 60, 2000) >= 0);
		}
		kicks += driver_kick(&f->d, TX);
		while (net_memory_drain(&f->memory) != NULL)
			virtio_event(&f->net.vd, 0); /* there is room again */
	}
	return kicks;
}

static void a_stream_is_taken_in_batches(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);
	bool event_idx = (format & VIRTIO_F_EVENT_IDX) != 0;
	unsigned kicks;

	f->net.vd.setup.owner.later = later;
	/* The ring has SIZE places, so that a batch is SIZE frames at most. */
	kicks = stream(f, 4 + 8 * SIZE);
	assert_int_equal(kicks, event_idx ? 4 + 8 : 4 + 8 * SIZE);
	assert_int_equal(f->net.stats.tx_frames, 4 + 8 * SIZE);
	if (event_idx) {
		assert_true(f->later > 0);
		/* What is left over goes when a vCPU has nothing to do. */
		assert_int_equal(stream(f, 5), 0);
		assert_int_equal(f->net.stats.tx_frames, 4 + 8 * SIZE);
		virtio_resume(&f->net.vd, 0, VIRTIO_RESUMED);
		assert_int_equal(f->net.stats.tx_frames, 9 + 8 * SIZE);
		/* And after such a pause the next one goes at once. */
		assert_int_equal(stream(f, 1), 1);
	}
	finish(f);
}

/* Each frame is waited for by spinning: the device must not learn to be slow from it. */
static void a_driver_that_spins_gets_its_notifications_back(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);
	static const struct net_hdr hdr;
	unsigned overdue = 0;
	uint32_t written;
	int used;

	f->net.vd.setup.owner.later = later;
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(transmit(f, TX, &hdr, 60, 2000) >= 0);
		driver_kick(&f->d, TX);
		if (!driver_used(&f->d, TX, &used, &written)) {
			overdue++;
			virtio_resume(&f->net.vd, 0, VIRTIO_OVERDUE);
			assert_true(driver_used(&f->d, TX, &used, &written));
		}
		assert_non_null(net_memory_drain(&f->memory));
	}
	assert_true(overdue <= 8);
	finish(f);
}

/* However many there are: the guest waits after each. */
static void what_is_waited_for_is_sent_at_once(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);

	f->net.vd.setup.owner.later = later;
	f->net.vd.setup.owner.pauses = pauses;
	for (unsigned i = 0; i < 100; i++, f->pauses++)
		assert_int_equal(stream(f, 1), 1);
	assert_int_equal(f->net.stats.tx_frames, 100);
	assert_int_equal(f->later, 0);
	finish(f);
}

static void frames_are_received(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format);
	struct net_hdr seen;
	uint32_t written;
	uint64_t gpa;
	int used;

	gpa = offer(f, RX, 2000);
	feed(f, NULL, 1500);
	assert_true(driver_used(&f->d, RX, &used, &written));
	assert_int_equal(written, HDR + 1500);
	memcpy(&seen, driver_host(&f->d, gpa), HDR);
	assert_int_equal(seen.num_buffers, 1);
	assert_int_equal(seen.flags, 0);
	assert_memory_equal((uint8_t *)driver_host(&f->d, gpa) + HDR, f->bytes, 1500);
	assert_true(f->d.level);
	finish(f);
}

/* 5.1.4.1: the MTU counts behind the Ethernet header, and not for what the driver cuts itself. */
static void nothing_longer_than_the_mtu_is_received(uint64_t format)
{
	enum { MOST = 1500 + NET_ETH_HEADER, TAG = 4 };
	static const struct net_hdr tso = {
		.flags = 1, .gso_type = 1, .gso_size = 500, .csum_start = 34, .csum_offset = 16
	};
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MTU) | F(GUEST_CSUM) | F(GUEST_TSO4));

	for (unsigned i = 0; i < 3; i++)
		offer(f, RX, 4000);
	feed(f, NULL, MOST);
	assert_int_equal(f->net.stats.rx_frames, 1);
	feed(f, NULL, MOST + 1);
	assert_int_equal(f->net.stats.rx_bad, 1);
	feed(f, &tso, MOST + 1);
	assert_int_equal(f->net.stats.rx_frames, 2);
	f->bytes[12] = 0x81;
	f->bytes[13] = 0x00;
	feed(f, NULL, MOST + TAG + 1);
	assert_int_equal(f->net.stats.rx_bad, 2);
	feed(f, NULL, MOST + TAG);
	assert_int_equal(f->net.stats.rx_frames, 3);
	finish(f);

	/* A driver that has not heard of it gets what there is. */
	f = begin(NET_OFFLOAD_ALL, format);
	offer(f, RX, 4000);
	feed(f, NULL, MOST + 1);
	assert_int_equal(f->net.stats.rx_frames, 1);
	finish(f);
}

static void a_frame_waits_for_a_buffer(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF));
	struct net_hdr seen;
	uint64_t gpa[4];
	uint32_t written;
	int used;

	feed(f, NULL, 300);
	assert_int_equal(f->memory.in.count, 1);
	for (unsigned i = 0; i < 3; i++) {
		gpa[i] = offer(f, RX, 100);
		assert_false(driver_used(&f->d, RX, &used, &written));
		virtio_event(&f->net.vd, 0); /* nothing comes of it */
		assert_false(driver_used(&f->d, RX, &used, &written));
	}
	/* 312 bytes: the fourth completes it, and its notification was asked for. */
	gpa[3] = offer(f, RX, 100);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(driver_used(&f->d, RX, &used, &written));
		assert_int_equal(written, i < 3 ? 100 : 12);
	}
	memcpy(&seen, driver_host(&f->d, gpa[0]), HDR);
	assert_int_equal(seen.num_buffers, 4);
	assert_memory_equal((uint8_t *)driver_host(&f->d, gpa[0]) + HDR, f->bytes, 88);
	assert_memory_equal(driver_host(&f->d, gpa[1]), f->bytes + 88, 100);
	assert_memory_equal(driver_host(&f->d, gpa[2]), f->bytes + 188, 100);
	assert_memory_equal(driver_host(&f->d, gpa[3]), f->bytes + 288, 12);
	assert_int_equal(f->memory.in.count, 0);
	finish(f);
}

static void a_header_may_lie_in_many_pieces(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF));
	uint64_t gpa = driver_alloc(&f->d, 100, 16);
	struct driver_buffer buffers[6] = { { gpa, 5, true },       { gpa + 5, 6, true },
					    { gpa + 11, 1, true },  { gpa + 12, 3, true },
					    { gpa + 15, 40, true }, { gpa + 55, 45, true } };
	struct net_hdr seen;
	uint32_t written;
	int used;

	assert_true(driver_add(&f->d, RX, buffers, 6, true) >= 0);
	driver_kick(&f->d, RX);
	feed(f, NULL, 80);
	assert_true(driver_used(&f->d, RX, &used, &written));
	assert_int_equal(written, HDR + 80);
	memcpy(&seen, driver_host(&f->d, gpa), HDR);
	assert_int_equal(seen.num_buffers, 1);
	assert_memory_equal((uint8_t *)driver_host(&f->d, gpa) + HDR, f->bytes, 80);
	finish(f);
}

/* The ring is full of buffers, and the frame is larger than all of them. */
static void what_can_never_fit_is_dropped(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF));
	uint32_t written;
	int used;

	for (unsigned i = 0; i < SIZE; i++)
		offer(f, RX, 100);
	feed(f, NULL, SIZE * 100);
	assert_int_equal(f->net.stats.rx_bad, 1);
	assert_false(driver_used(&f->d, RX, &used, &written));
	feed(f, NULL, SIZE * 100 - HDR);
	for (unsigned i = 0; i < SIZE; i++)
		assert_true(driver_used(&f->d, RX, &used, &written));
	finish(f);

	/* Without mergeable buffers the one buffer must do. */
	f = begin(NET_OFFLOAD_ALL, format);
	offer(f, RX, 100);
	feed(f, NULL, 89);
	assert_int_equal(f->net.stats.rx_bad, 1);
	feed(f, NULL, 88);
	assert_true(driver_used(&f->d, RX, &used, &written));
	finish(f);
}

static void a_buffer_without_room_for_a_header_breaks_the_device(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF));

	offer(f, RX, HDR - 1);
	feed(f, NULL, 60);
	assert_true((f->net.vd.status & VIRTIO_STATUS_NEEDS_RESET) != 0);
	assert_int_equal(f->d.said, 1);
	feed(f, NULL, 60);
	assert_int_equal(f->d.said, 1);
	/* Its driver can repair it. What came meanwhile is gone. */
	assert_true(driver_start(&f->d, format | F(MRG_RXBUF), 3, SIZE));
	assert_int_equal(f->memory.in.count, 0);
	offer(f, RX, 100);
	feed(f, NULL, 60);
	assert_int_equal(f->net.stats.rx_frames, 1);
	finish(f);
}

static void offloads_go_to_who_takes_them(uint64_t format)
{
	static const struct net_hdr tso = {
		.flags = 1, .gso_type = 1, .gso_size = 500, .csum_start = 34, .csum_offset = 16
	};
	static const struct net_hdr sum = { .flags = 1, .csum_start = 34, .csum_offset = 16 };
	struct fixture *f = begin(NET_OFFLOAD_CSUM, format | F(MRG_RXBUF) | F(GUEST_CSUM));
	struct net_hdr seen;
	uint64_t gpa;

	assert_int_equal(f->memory.accepts, NET_OFFLOAD_CSUM);
	assert_int_equal(f->net.vd.offered & (F(CSUM) | F(HOST_TSO4)), F(CSUM));
	feed(f, &tso, 1000); /* a lie: the driver does not take it */
	assert_int_equal(f->net.stats.rx_bad, 1);
	gpa = offer(f, RX, 2000);
	feed(f, &sum, 1000);
	memcpy(&seen, driver_host(&f->d, gpa), HDR);
	assert_int_equal(seen.flags, 1);
	assert_int_equal(seen.csum_start, 34);
	finish(f);

	f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF) | F(GUEST_CSUM) | F(GUEST_TSO4));
	assert_int_equal(f->memory.accepts, NET_OFFLOAD_CSUM | NET_OFFLOAD_TSO4);
	gpa = offer(f, RX, 2000);
	feed(f, &tso, 1000);
	memcpy(&seen, driver_host(&f->d, gpa), HDR);
	assert_int_equal(seen.gso_type, 1);
	assert_int_equal(seen.gso_size, 500);
	/* A reset takes it back. */
	driver_write(&f->d, 0x70, 0);
	assert_int_equal(f->memory.accepts, 0);
	finish(f);
}

static void features_that_need_others_are_refused_without(uint64_t format)
{
	static const struct {
		unsigned alone;
		uint64_t needed;
	} features[] = {
		{ GUEST_TSO4, F(GUEST_CSUM) },
		{ GUEST_TSO6, F(GUEST_CSUM) },
		{ GUEST_ECN, F(GUEST_CSUM) | F(GUEST_TSO6) },
		{ HOST_TSO4, F(CSUM) },
		{ HOST_TSO6, F(CSUM) },
		{ HOST_ECN, F(CSUM) | F(HOST_TSO4) },
		{ CTRL_RX, F(CTRL_VQ) },
		{ CTRL_VLAN, F(CTRL_VQ) },
		{ CTRL_RX_EXTRA, F(CTRL_VQ) },
		{ GUEST_ANNOUNCE, F(CTRL_VQ) },
		{ MQ, F(CTRL_VQ) },
		{ CTRL_MAC_ADDR, F(CTRL_VQ) },
	};

	format |= VIRTIO_F_VERSION_1;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		struct fixture *f = make(NET_OFFLOAD_ALL);
		uint64_t one = format | F(features[i].alone);

		assert_false(driver_negotiate(&f->d, one));
		assert_true(driver_negotiate(&f->d, one | features[i].needed));
		finish(f);
	}
}

static void configuration_is_as_given(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(STATUS) | F(MTU) | F(MAC));

	for (unsigned i = 0; i < NET_MAC; i++)
		assert_int_equal(config(f, i, 1), own_mac[i]);
	assert_int_equal(config(f, 6, 2), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(config(f, 8, 2), PAIRS);
	assert_int_equal(config(f, 10, 2), 1500);
	driver_acknowledge(&f->d);
	f->memory.up = false;
	virtio_event(&f->net.vd, 0);
	assert_int_equal(config(f, 6, 2), 0);
	assert_int_equal(driver_acknowledge(&f->d), 2);
	virtio_event(&f->net.vd, 0);
	assert_int_equal(driver_acknowledge(&f->d), 0);
	finish(f);
}

/* One command on the control queue; its answer. */
static unsigned control(struct fixture *f, unsigned queue, uint8_t class, uint8_t number,
			const void *data, uint32_t len)
{
	uint64_t gpa = driver_alloc(&f->d, 8 + len, 16);
	uint8_t *at = driver_host(&f->d, gpa);
	struct driver_buffer buffers[] = { { gpa, 2, false },
					   { gpa + 2, len, false },
					   { gpa + 2 + len, 1, true } };
	uint32_t written;
	int used;

	at[0] = class;
	at[1] = number;
	if (len > 0)
		memcpy(at + 2, data, len);
	else
		buffers[1] = buffers[2];
	at[2 + len] = 0xee;
	assert_true(driver_add(&f->d, queue, buffers, len > 0 ? 3 : 2, false) >= 0);
	driver_kick(&f->d, queue);
	assert_true(driver_used(&f->d, queue, &used, &written));
	assert_int_equal(written, 1);
	return at[2 + len];
}

/* True if a frame to `to` is received. */
static bool passes(struct fixture *f, const uint8_t to[NET_MAC])
{
	uint64_t before = f->net.stats.rx_frames;

	memcpy(f->bytes, to, NET_MAC);
	offer(f, RX, 100);
	feed(f, NULL, 60);
	if (f->net.stats.rx_frames == before)
		return false;
	assert_true(driver_used(&f->d, RX, &(int){ 0 }, &(uint32_t){ 0 }));
	return true;
}

static void the_driver_chooses_what_it_receives(uint64_t format)
{
	static const uint8_t other[] = { 2, 0, 0, 0, 0, 9 }, group[] = { 1, 0, 0x5e, 0, 0, 1 },
			     all[] = { 255, 255, 255, 255, 255, 255 }, on[] = { 1 }, off[] = { 0 };
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(MRG_RXBUF) | F(CTRL_VQ) | F(CTRL_RX) |
							   F(CTRL_RX_EXTRA) | F(CTRL_MAC_ADDR));
	uint8_t macs[8 + 2 * NET_MAC] = { 1, 0, 0, 0 };

	assert_true(passes(f, own_mac));
	assert_true(passes(f, all));
	assert_false(passes(f, other));
	assert_false(passes(f, group));
	assert_int_equal(control(f, CONTROL, 0, 0, on, 1), 0); /* promiscuous */
	assert_true(passes(f, other));
	assert_true(passes(f, group));
	assert_int_equal(control(f, CONTROL, 0, 0, off, 1), 0);
	assert_int_equal(control(f, CONTROL, 0, 1, on, 1), 0); /* all multicast */
	assert_true(passes(f, group));
	assert_false(passes(f, other));
	assert_int_equal(control(f, CONTROL, 0, 1, off, 1), 0);
	assert_int_equal(control(f, CONTROL, 0, 5, on, 1), 0); /* no broadcast */
	assert_false(passes(f, all));
	assert_int_equal(control(f, CONTROL, 0, 5, off, 1), 0);
	assert_int_equal(control(f, CONTROL, 0, 4, on, 1), 0); /* no unicast */
	assert_false(passes(f, own_mac));
	assert_int_equal(control(f, CONTROL, 0, 4, off, 1), 0);

	/* The tables: one unicast, one multicast address. */
	memcpy(macs + 4, other, NET_MAC);
	macs[4 + NET_MAC] = 1;
	memcpy(macs + 8 + NET_MAC, group, NET_MAC);
	assert_int_equal(control(f, CONTROL, 1, 0, macs, sizeof(macs)), 0);
	assert_true(passes(f, other));
	assert_true(passes(f, group));
	assert_int_equal(control(f, CONTROL, 1, 0, "\0\0\0\0\0\0\0\0", 8), 0);
	assert_false(passes(f, other));
	assert_int_equal(control(f, CONTROL, 1, 1, other, NET_MAC), 0); /* its own address */
	assert_true(passes(f, other));
	assert_false(passes(f, own_mac));
	assert_int_equal(config(f, 5, 1), 9);
	finish(f);
}

static void commands_that_are_none_are_refused(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_VLAN));
	uint8_t macs[8 + 3 * NET_MAC] = { 4, 0, 0, 0 };
	struct net_filter before = f->net.filter;

	assert_int_equal(control(f, CONTROL, 9, 0, "\1", 1), 1);
	assert_int_equal(control(f, CONTROL, 0, 6, "\1", 1), 1);
	assert_int_equal(control(f, CONTROL, 0, 0, "\2", 1), 1);
	assert_int_equal(control(f, CONTROL, 0, 0, NULL, 0), 1);
	assert_int_equal(control(f, CONTROL, 1, 0, macs, sizeof(macs)), 1);
	macs[0] = macs[1] = macs[2] = macs[3] = 0xff;
	assert_int_equal(control(f, CONTROL, 1, 0, macs, sizeof(macs)), 1);
	assert_int_equal(control(f, CONTROL, 1, 0, "\0\0", 2), 1);
	assert_int_equal(control(f, CONTROL, 1, 1, macs, 5), 1);
	assert_int_equal(control(f, CONTROL, 1, 2, macs, 6), 1);
	assert_int_equal(control(f, CONTROL, 2, 0, "\0\x10", 2), 1);
	assert_int_equal(control(f, CONTROL, 2, 2, "\1\0", 2), 1);
	assert_int_equal(control(f, CONTROL, 3, 1, NULL, 0), 1);
	assert_int_equal(control(f, CONTROL, 4, 0, "\0\0", 2), 1);
	assert_int_equal(control(f, CONTROL, 4, 0, "\5\0", 2), 1);
	assert_memory_equal(&f->net.filter, &before, sizeof(before));
	finish(f);
}

static void a_table_too_long_passes_all_of_its_kind(uint64_t format)
{
	static const uint8_t other[] = { 2, 0, 0, 0, 0, 9 };
	uint8_t macs[4 + (NET_FILTER_MACS + 1) * NET_MAC + 4] = { NET_FILTER_MACS + 1 };
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(CTRL_VQ) | F(CTRL_RX));

	assert_int_equal(control(f, CONTROL, 1, 0, macs, sizeof(macs)), 0);
	assert_true(passes(f, other));
	finish(f);
}

static void only_vlans_in_the_table_pass(uint64_t format)
{
	struct fixture *f = begin(NET_OFFLOAD_ALL, format | F(CTRL_VQ) | F(CTRL_VLAN));

	f->bytes[12] = 0x81;
	f->bytes[13] = 0x00;
	f->bytes[14] = 0xe1; /* priority 7, VLAN 0x123 */
	f->bytes[15] = 0x23;
	assert_false(passes(f, own_mac));
	assert_int_equal(control(f, CONTROL, 2, 0, "\x23\x01", 2), 0);
	assert_true(passes(f, own_mac));
	assert_int_equal(control(f, CONTROL, 2, 1, "\x23\x01", 2), 0);
	assert_false(passes(f, own_mac));
	f->bytes[12] = 0x08;
	assert_true(passes(f, own_mac));
	finish(f);
}

static void it_can_be_asked_to_announce_itself(uint64_t format)
{
	struct fixture *f =
		begin(NET_OFFLOAD_ALL, format | F(CTRL_VQ) | F(STATUS) | F(GUEST_ANNOUNCE));

	driver_acknowledge(&f->d);
	virtio_net_announce(&f->net);
	assert_int_equal(driver_acknowledge(&f->d), 2);
	assert_int_equal(config(f, 6, 2), VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	assert_int_equal(control(f, CONTROL, 3, 0, NULL, 0), 0);
	assert_int_equal(config(f, 6, 2), VIRTIO_NET_S_LINK_UP);
	finish(f);
}

/* A UDP frame from port `from` to port `to`, between two addresses; the other way round if `back`. */
static void udp(struct fixture *f, uint8_t from, uint8_t to, bool back)
{
	static const uint8_t ip[] = { 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0 };
	uint8_t *at = f->bytes + NET_ETH_HEADER;

	memcpy(f->bytes, own_mac, NET_MAC);
	f->bytes[12] = 0x08;
	f->bytes[13] = 0x00;
	memcpy(at, ip, sizeof(ip));
	memset(at + 12, back ? 2 : 1, 4);
	memset(at + 16, back ? 1 : 2, 4);
	at[20] = 40;
	at[21] = from;
	at[22] = 40;
	at[23] = to;
}

static void answers_come_to_the_pair_that_asked(uint64_t format)
{
	struct fixture *f = make(NET_OFFLOAD_ALL);
	static const struct net_hdr hdr;
	uint32_t written;
	int used;

	assert_true(driver_start(&f->d, format | F(CTRL_VQ) | F(MQ), 2 * PAIRS + 1, SIZE));
	assert_int_equal(control(f, 2 * PAIRS, 4, 0, "\4\0", 2), 0);
	assert_int_equal(f->net.pairs, 4);
	for (unsigned pair = 0; pair < PAIRS; pair++)
		offer(f, 2 * pair, 2000);
	for (unsigned pair = 0; pair < PAIRS; pair++) {
		udp(f, (uint8_t)(10 + pair), 2, false);
		assert_true(transmit(f, 2 * pair + 1, &hdr, 60, 2000) >= 0);
		driver_kick(&f->d, 2 * pair + 1);
		while (net_memory_drain(&f->memory) != NULL)
			;
		udp(f, 2, (uint8_t)(10 + pair), true);
		feed(f, NULL, 60);
		assert_true(driver_used(&f->d, 2 * pair, &used, &written));
	}
	finish(f);
}

static void what_came_before_the_driver_is_gone(uint64_t format)
{
	struct fixture *f = make(NET_OFFLOAD_ALL);

	feed(f, NULL, 60);
	assert_int_equal(f->memory.in.count, 1); /* it waits, nobody knows what for */
	assert_true(driver_start(&f->d, format, 3, SIZE));
	assert_int_equal(f->memory.in.count, 0);
	finish(f);
}

#define ON_ALL_FORMATS(name)                  \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		each(name);                   \
	}

ON_ALL_FORMATS(frames_are_sent)
ON_ALL_FORMATS(frames_that_are_none_are_dropped)
ON_ALL_FORMATS(nothing_longer_than_the_mtu_is_received)
ON_ALL_FORMATS(a_large_packet_passes_in_one_piece)
ON_ALL_FORMATS(a_full_backend_makes_the_driver_wait)
ON_ALL_FORMATS(a_stream_is_taken_in_batches)
ON_ALL_FORMATS(a_driver_that_spins_gets_its_notifications_back)
ON_ALL_FORMATS(what_is_waited_for_is_sent_at_once)
ON_ALL_FORMATS(frames_are_received)
ON_ALL_FORMATS(a_frame_waits_for_a_buffer)
ON_ALL_FORMATS(a_header_may_lie_in_many_pieces)
ON_ALL_FORMATS(what_can_never_fit_is_dropped)
ON_ALL_FORMATS(a_buffer_without_room_for_a_header_breaks_the_device)
ON_ALL_FORMATS(offloads_go_to_who_takes_them)
ON_ALL_FORMATS(features_that_need_others_are_refused_without)
ON_ALL_FORMATS(configuration_is_as_given)
ON_ALL_FORMATS(the_driver_chooses_what_it_receives)
ON_ALL_FORMATS(commands_that_are_none_are_refused)
ON_ALL_FORMATS(a_table_too_long_passes_all_of_its_kind)
ON_ALL_FORMATS(only_vlans_in_the_table_pass)
ON_ALL_FORMATS(it_can_be_asked_to_announce_itself)
ON_ALL_FORMATS(answers_come_to_the_pair_that_asked)
ON_ALL_FORMATS(what_came_before_the_driver_is_gone)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_sent),
		cmocka_unit_test(test_frames_that_are_none_are_dropped),
		cmocka_unit_test(test_nothing_longer_than_the_mtu_is_received),
		cmocka_unit_test(test_a_large_packet_passes_in_one_piece),
		cmocka_unit_test(test_a_full_backend_makes_the_driver_wait),
		cmocka_unit_test(test_a_stream_is_taken_in_batches),
		cmocka_unit_test(test_a_driver_that_spins_gets_its_notifications_back),
		cmocka_unit_test(test_what_is_waited_for_is_sent_at_once),
		cmocka_unit_test(test_frames_are_received),
		cmocka_unit_test(test_a_frame_waits_for_a_buffer),
		cmocka_unit_test(test_a_header_may_lie_in_many_pieces),
		cmocka_unit_test(test_what_can_never_fit_is_dropped),
		cmocka_unit_test(test_a_buffer_without_room_for_a_header_breaks_the_device),
		cmocka_unit_test(test_offloads_go_to_who_takes_them),
		cmocka_unit_test(test_features_that_need_others_are_refused_without),
		cmocka_unit_test(test_configuration_is_as_given),
		cmocka_unit_test(test_the_driver_chooses_what_it_receives),
		cmocka_unit_test(test_commands_that_are_none_are_refused),
		cmocka_unit_test(test_a_table_too_long_passes_all_of_its_kind),
		cmocka_unit_test(test_only_vlans_in_the_table_pass),
		cmocka_unit_test(test_it_can_be_asked_to_announce_itself),
		cmocka_unit_test(test_answers_come_to_the_pair_that_asked),
		cmocka_unit_test(test_what_came_before_the_driver_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
