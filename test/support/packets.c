// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/packets.h"

#include <string.h>

uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

void packet_plain(struct packet *p, const uint8_t to[NET_MAC], const uint8_t from[NET_MAC],
		  uint32_t len)
{
	memset(&p->hdr, 0, sizeof(p->hdr));
	p->len = len;
	for (uint32_t i = 0; i < len; i++)
		p->bytes[i] = (uint8_t)(i * 13 + (i >> 8) * 7);
	memcpy(p->bytes, to, NET_MAC);
	memcpy(p->bytes + NET_MAC, from, NET_MAC);
	put16(p->bytes + 12, 0x88b5); /* local experimental */
}

void packet_tag(struct packet *p, uint16_t tci)
{
	memmove(p->bytes + 16, p->bytes + 12, p->len - 12);
	put16(p->bytes + 12, 0x8100);
	put16(p->bytes + 14, tci);
	p->len += 4;
	if (p->hdr.flags != 0) {
		p->hdr.csum_start = (uint16_t)(p->hdr.csum_start + 4);
		p->hdr.hdr_len = (uint16_t)(p->hdr.hdr_len + 4);
	}
}

/* RFC 9293, 3.1; RFC 8200, 8.1. */
static uint32_t pseudo(const uint8_t *ip, bool ipv6, uint32_t tcp_len)
{
	uint8_t tail[4] = { 0, 6, (uint8_t)(tcp_len >> 8), (uint8_t)tcp_len };
	uint32_t sum = ipv6 ? packet_sum(0, ip + 8, 32) : packet_sum(0, ip + 12, 8);

	return packet_sum(sum, tail, 4);
}

void packet_tcp(struct packet *p, const uint8_t to[NET_MAC], const uint8_t from[NET_MAC], bool ipv6,
		uint32_t options, uint32_t payload)
{
	uint32_t ip_len = ipv6 ? 40 : 20, tcp_len = 20 + options;
	uint8_t *ip = p->bytes + 14, *tcp = ip + ip_len;

	packet_plain(p, to, from, 14 + ip_len + tcp_len + payload);
	put16(p->bytes + 12, ipv6 ? 0x86dd : 0x0800);
	memset(ip, 0, ip_len);
	if (ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, tcp_len + payload);
		ip[6] = 6;
		ip[7] = 64;
		memset(ip + 8, 0x11, 16);
		memset(ip + 24, 0x22, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, ip_len + tcp_len + payload);
		put16(ip + 4, 0xfffe); /* the identification wraps */
		ip[6] = 0x40;
		ip[8] = 64;
		ip[9] = 6;
		memset(ip + 12, 10, 4);
		memset(ip + 16, 20, 4);
		put16(ip + 10, ~packet_sum(0, ip, ip_len));
	}
	memset(tcp, 1, tcp_len);  /* options: no operation */
	memset(tcp + 4, 0xff, 4); /* the sequence number wraps */
	tcp[12] = (uint8_t)(tcp_len / 4 << 4);
	tcp[13] = 0x80 | 0x10 | 0x08 | 0x01;
	put16(tcp + 16, pseudo(ip, ipv6, tcp_len + payload));
	p->hdr.flags = NET_HDR_F_NEEDS_CSUM;
	p->hdr.csum_start = (uint16_t)(14 + ip_len);
	p->hdr.csum_offset = 16;
	p->hdr.hdr_len = (uint16_t)(14 + ip_len + tcp_len);
}

void packet_gso(struct packet *p, uint16_t mss)
{
	p->hdr.gso_type = get16(p->bytes + 12) == 0x86dd ? NET_GSO_TCPV6 : NET_GSO_TCPV4;
	p->hdr.gso_size = mss;
}

bool packet_tcp_ok(const uint8_t *bytes, uint32_t len)
{
	uint32_t l2 = get16(bytes + 12) == 0x8100 ? 18 : 14, ip_len, tcp_total;
	const uint8_t *ip = bytes + l2;
	bool ipv6 = ip[0] >> 4 == 6;

	if (ipv6) {
		ip_len = 40;
		if (get16(ip + 4) + 40 != len - l2)
			return false;
	} else {
		ip_len = (ip[0] & 15U) * 4;
		if (get16(ip + 2) != len - l2 || packet_sum(0, ip, ip_len) != 0xffff)
			return false;
	}
	tcp_total = len - l2 - ip_len;
	return packet_sum(pseudo(ip, ipv6, tcp_total), ip + ip_len, tcp_total) == 0xffff;
}
