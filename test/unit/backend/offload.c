/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums and segmentation against a reference that adds byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/packets.h"
#include "vmm/backend/net/offload.h"

static const uint8_t to[NET_MAC] = { 2, 0, 0, 0, 0, 1 }, from[NET_MAC] = { 2, 0, 0, 0, 0, 2 };

/* The sum in the packet's byte order, as the reference has it. */
static uint16_t swap(uint16_t value)
{
	return (uint16_t)(value >> 8 | value << 8);
}

static void sums_agree_at_all_lengths_and_places(void **state)
{
	uint8_t bytes[300];

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 3000; round++) {
		uint32_t len = (uint32_t)rand() % 256, start = (uint32_t)rand() % 40;
		uint32_t cut = len > 0 ? (uint32_t)rand() % len : 0;
		uint32_t sum;

		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = round % 5 == 0 ? 0xff : (uint8_t)rand();
		/* In two pieces, cut anywhere. */
		sum = net_sum(0, bytes + start, cut, 0);
		sum = net_sum(sum, bytes + start + cut, len - cut, cut);
		assert_int_equal(swap(net_sum_finish(sum)),
				 (uint16_t)~packet_sum(0, bytes + start, len));
	}
}

static void a_sum_over_64_kib_of_ones_does_not_overflow(void **state)
{
	uint8_t *bytes = malloc(NET_FRAME_MAX);

	(void)state;
	memset(bytes, 0xff, NET_FRAME_MAX);
	assert_int_equal(swap(net_sum_finish(net_sum(0, bytes, 65534, 0))), 0);
	assert_int_equal(swap(net_sum_finish(net_sum(0, bytes, 65535, 0))),
			 (uint16_t)~packet_sum(0, bytes, 65535));
	free(bytes);
}

/* All segments of `p` are right, and together they are its payload. */
static void check_segments(const struct packet *p)
{
	uint8_t *frame = malloc(NET_FRAME_MAX);
	uint32_t done = 0, tcp = p->hdr.csum_start;
	struct net_tso tso;

	assert_true(net_hdr_ok(&p->hdr, p->len, NET_OFFLOAD_ALL));
	assert_true(net_tso_init(&tso, &p->hdr, p->bytes,
				 p->len < NET_HEADERS_MAX ? p->len : NET_HEADERS_MAX, p->len));
	assert_int_equal(tso.payload, p->len - p->hdr.hdr_len);
	for (uint32_t i = 0; i < tso.count; i++) {
		uint32_t n = net_tso_segment(&tso, i), seq, first = 0xffffffff;
		const uint8_t *payload = p->bytes + tso.headers_len + done;

		assert_true(n > 0 && n <= p->hdr.gso_size);
		assert_true(i + 1 == tso.count || n == p->hdr.gso_size);
		net_tso_headers(&tso, i, net_sum(0, payload, n, 0), frame);
		memcpy(frame + tso.headers_len, payload, n);
		assert_true(packet_tcp_ok(frame, tso.headers_len + n));
		seq = (uint32_t)frame[tcp + 4] << 24 | (uint32_t)frame[tcp + 5] << 16 |
		      (uint32_t)frame[tcp + 6] << 8 | frame[tcp + 7];
		assert_int_equal(seq, first + done);
		assert_int_equal((frame[tcp + 13] & 0x09) != 0, i + 1 == tso.count); /* FIN, PSH */
		assert_int_equal((frame[tcp + 13] & 0x80) != 0, i == 0);             /* CWR */
		assert_int_equal(frame[tcp + 13] & 0x10, 0x10);
		done += n;
	}
	assert_int_equal(done, tso.payload);
	free(frame);
}

static void segments_are_right(void **state)
{
	static const uint32_t payloads[] = { 1, 2, 1447, 1448, 1449, 2896, 10001, 65000 };
	struct packet *p = malloc(sizeof(*p));

	(void)state;
	for (unsigned i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
			for (uint32_t options = 0; options <= 40; options += 20) {
				packet_tcp(p, to, from, ipv6 != 0, options, payloads[i]);
				packet_gso(p, 1448);
				check_segments(p);
				packet_tcp(p, to, from, ipv6 != 0, options, payloads[i]);
				packet_gso(p, 537);
				packet_tag(p, 0x6005);
				check_segments(p);
			}
		}
	}
	free(p);
}

static bool init(const struct packet *p)
{
	struct net_tso tso;

	return net_tso_init(&tso, &p->hdr, p->bytes,
			    p->len < NET_HEADERS_MAX ? p->len : NET_HEADERS_MAX, p->len);
}

static void what_is_no_tcp_packet_is_refused(void **state)
{
	struct packet *p = malloc(sizeof(*p));
	uint32_t seen = 0;

	(void)state;
#define REFUSED(ipv6, change)                              \
	do {                                               \
		packet_tcp(p, to, from, (ipv6), 12, 5000); \
		packet_gso(p, 1448);                       \
		assert_true(init(p));                      \
		change;                                    \
		assert_false(init(p));                     \
		seen++;                                    \
	} while (0)
	REFUSED(false, p->bytes[12] = 0x09); /* EtherType */
	REFUSED(false, p->bytes[14] = 0x65); /* IP version */
	REFUSED(false, p->bytes[14] = 0x46); /* header length */
	REFUSED(false, p->bytes[14] = 0x44);
	REFUSED(false, p->bytes[20] = 0x20); /* more fragments */
	REFUSED(false, p->bytes[21] = 1);    /* a later fragment */
	REFUSED(false, p->bytes[23] = 17);   /* UDP */
	REFUSED(false, p->hdr.gso_type = NET_GSO_TCPV6);
	REFUSED(true, p->hdr.gso_type = NET_GSO_TCPV4);
	REFUSED(true, p->bytes[14] = 0x40);
	REFUSED(true, p->bytes[20] = 17);
	REFUSED(false, p->hdr.csum_offset = 6);
	REFUSED(false, p->hdr.csum_start = 13);
	REFUSED(false, p->hdr.csum_start = 30);
	REFUSED(false, p->hdr.csum_start = 65535);
	REFUSED(false, p->hdr.csum_start = NET_HEADERS_MAX - 19);
	REFUSED(false, p->bytes[34 + 12] = 0x40); /* TCP header length */
	REFUSED(false, p->len = 14 + 20 + 32);    /* no payload */
	REFUSED(false, p->len = 40);
	REFUSED(false, p->len = 13);
	REFUSED(false, p->hdr.gso_size = 65535 - 51); /* no IP packet is so long */
#undef REFUSED
	assert_int_equal(seen, 21);
	free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_agree_at_all_lengths_and_places),
		cmocka_unit_test(a_sum_over_64_kib_of_ones_does_not_overflow),
		cmocka_unit_test(segments_are_right),
		cmocka_unit_test(what_is_no_tcp_packet_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
