/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a frame is, from its first bytes, which another VM has written. Each is in a block of just its
 * length, so that a sanitizer sees a step behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"
#include "vmm/dev/virtio/net_filter.h"

enum { TCP = 6, UDP = 17, ICMP = 1, IPV4_AT = 14 };

static const uint8_t own[NET_MAC] = { 2, 0, 0, 0, 0, 1 };

struct frame {
	uint8_t bytes[NET_FLOW_HEAD];
};

/* From one host and port to another, or back. */
static struct frame frame(bool ipv6, uint8_t protocol, uint8_t port, bool back)
{
	struct frame f = { .bytes = { 2, 0, 0, 0, 0, 1 } };
	uint8_t *ip = &f.bytes[IPV4_AT];
	uint8_t *addresses = ip + (ipv6 ? 8 : 12), *ports = ip + (ipv6 ? 40 : 20);

	f.bytes[12] = ipv6 ? 0x86 : 0x08;
	f.bytes[13] = ipv6 ? 0xdd : 0x00;
	ip[0] = ipv6 ? 0x60 : 0x45;
	ip[ipv6 ? 6 : 9] = protocol;
	addresses[back ? 0 : ipv6 ? 16 : 4] = 10;
	addresses[back ? 1 : ipv6 ? 17 : 5] = 7;
	ports[back ? 2 : 0] = 0x12;
	ports[back ? 1 : 3] = port;
	return f;
}

static uint32_t flow(const struct frame *f, size_t len)
{
	uint8_t *block = malloc(len > 0 ? len : 1);
	uint32_t number;

	assert_non_null(block);
	memcpy(block, f->bytes, len);
	number = net_flow(block, len);
	free(block);
	return number;
}

static void test_flows(void **state)
{
	static const uint8_t protocols[] = { TCP, UDP };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t protocol = protocols[i % 2];
		struct frame there = frame(i / 2 != 0, protocol, 80, false);
		struct frame back = frame(i / 2 != 0, protocol, 80, true);
		struct frame other = frame(i / 2 != 0, protocol, 81, false);

		assert_int_not_equal(flow(&there, NET_FLOW_HEAD), 0);
		assert_int_equal(flow(&there, NET_FLOW_HEAD), flow(&back, NET_FLOW_HEAD));
		assert_int_not_equal(flow(&there, NET_FLOW_HEAD), flow(&other, NET_FLOW_HEAD));
	}
}

static void test_what_belongs_to_no_flow(void **state)
{
	struct frame f = frame(false, ICMP, 80, false);

	(void)state;
	assert_int_equal(flow(&f, NET_FLOW_HEAD), 0);
	f = frame(true, ICMP, 80, false);
	assert_int_equal(flow(&f, NET_FLOW_HEAD), 0);
	f = frame(false, TCP, 80, false);
	f.bytes[13] = 6; /* ARP */
	assert_int_equal(flow(&f, NET_FLOW_HEAD), 0);
	/* Only the first fragment has ports: all of a packet go the same way. */
	for (unsigned bit = 0; bit < 14; bit++) {
		f = frame(false, UDP, 80, false);
		f.bytes[IPV4_AT + 6 + (bit < 8)] = (uint8_t)(1U << bit % 8);
		assert_int_equal(flow(&f, NET_FLOW_HEAD), 0);
	}
	/* "Do not fragment" is none. */
	f = frame(false, UDP, 80, false);
	f.bytes[IPV4_AT + 6] = 0x40;
	assert_int_not_equal(flow(&f, NET_FLOW_HEAD), 0);
}

/* Cut off anywhere, and with a header that claims to be longer than the frame. */
static void test_short_frames(void **state)
{
	(void)state;
	for (size_t len = 0; len <= NET_FLOW_HEAD; len++) {
		struct frame f = frame(false, TCP, 80, false);

		assert_int_equal(flow(&f, len) != 0, len >= IPV4_AT + 24);
		for (unsigned words = 0; words < 16; words++) {
			f.bytes[IPV4_AT] = (uint8_t)(0x40 | words);
			(void)flow(&f, len);
		}
		f = frame(true, TCP, 80, false);
		assert_int_equal(flow(&f, len) != 0, len == NET_FLOW_HEAD);
	}
}

static void test_short_frames_are_nobodys(void **state)
{
	struct net_filter filter;

	(void)state;
	for (size_t len = 0; len <= NET_FILTER_HEAD; len++) {
		struct frame f = frame(false, TCP, 80, false);
		uint8_t *block = malloc(len > 0 ? len : 1);

		assert_non_null(block);
		memcpy(block, f.bytes, len);
		net_filter_init(&filter, true, true);
		assert_int_equal(net_filter_passes(&filter, own, block, len), len >= NET_MAC);
		filter.mode[NET_FILTER_PROMISC] = true;
		assert_true(net_filter_passes(&filter, own, block, len));
		free(block);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_what_belongs_to_no_flow),
		cmocka_unit_test(test_short_frames),
		cmocka_unit_test(test_short_frames_are_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
