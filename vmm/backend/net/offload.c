// SPDX-License-Identifier: BSD-2-Clause
/*
 * Checksums are summed as the memory's 16-bit words, in the machine's byte order: the result then has
 * the right order when it is stored the same way (RFC 1071, 2 (B)).
 *
 * A segment's headers are the packet's with these fields changed: IPv4 total length, identification
 * and header checksum, or IPv6 payload length; TCP sequence number, checksum, FIN and PSH (only the
 * last segment has them), CWR (only the first one, RFC 3168, 6.1.2).
 */
#include "vmm/backend/net/offload.h"

#include <string.h>

enum {
	ETH_TYPE = 12,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	ETH_VLAN = 0x8100,
	VLAN_TAG = 4,
	IPV4_LEN = 2,
	IPV4_ID = 4,
	IPV4_FRAGMENT = 6,
	IPV4_PROTOCOL = 9,
	IPV4_SUM = 10,
	IPV4_ADDRESSES = 12,
	IPV4_MIN = 20,
	IPV6_LEN = 4,
	IPV6_NEXT = 6,
	IPV6_ADDRESSES = 8,
	IPV6_MIN = 40,
	TCP_SEQ = 4,
	TCP_OFFSET = 12,
	TCP_FLAGS = 13,
	TCP_SUM = 16,
	TCP_MIN = 20,
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
	PROTOCOL_TCP = 6,
	IP_LEN_MAX = 65535,
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* 64 bits at a time: the carries of many 32-bit words fit above them. */
static uint64_t sum_words(const uint8_t **bytes, size_t *len)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; *len >= sizeof(word); *bytes += sizeof(word), *len -= sizeof(word)) {
		memcpy(&word, *bytes, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint32_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint32_t)((sum >> 16) + (sum & 0xffff));
}

uint32_t net_sum(uint32_t sum, const void *bytes, size_t len, uint32_t at)
{
	const uint8_t *from = bytes;
	uint64_t total = sum_words(&from, &len);
	uint16_t half;

	if (len >= sizeof(half)) {
		memcpy(&half, from, sizeof(half));
		total += half;
		from += sizeof(half);
		len -= sizeof(half);
	}
	if (len > 0) {
		half = 0;
		memcpy(&half, from, 1);
		total += half;
	}
	total = fold(total);
	if (at % 2 != 0) /* these bytes are the other halves of their words */
		total = (total & 0xff) << 8 | total >> 8;
	return fold(total + sum);
}

uint16_t net_sum_finish(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

/* Finds the IP header; the EtherType behind any VLAN tags. */
static bool find_ip(struct net_tso *tso)
{
	uint32_t at = ETH_TYPE;
	uint16_t type;

	while (at + 2 <= tso->headers_len && get16(tso->headers + at) == ETH_VLAN)
		at += VLAN_TAG;
	if (at + 2 > tso->headers_len)
		return false;
	type = get16(tso->headers + at);
	tso->ip = at + 2;
	tso->ipv6 = type == ETH_IPV6;
	return type == ETH_IPV4 || type == ETH_IPV6;
}

/* The TCP header begins where the checksum does; IP must agree. */
static bool check_ip(const struct net_tso *tso)
{
	const uint8_t *ip = tso->headers + tso->ip;
	uint32_t ip_len = tso->tcp - tso->ip;

	if (tso->ipv6)
		/* Extension headers stay as they are; the last one must say TCP, or the only one. */
		return ip_len >= IPV6_MIN && ip[0] >> 4 == 6 &&
		       (ip_len > IPV6_MIN || ip[IPV6_NEXT] == PROTOCOL_TCP);
	return ip_len >= IPV4_MIN && ip[0] >> 4 == 4 && (ip[0] & 15U) * 4 == ip_len &&
	       ip[IPV4_PROTOCOL] == PROTOCOL_TCP && (get16(ip + IPV4_FRAGMENT) & 0x3fff) == 0;
}

bool net_tso_init(struct net_tso *tso, const struct net_hdr *hdr, const uint8_t *headers,
		  uint32_t headers_len, uint32_t len)
{
	uint32_t tcp_len;

	*tso = (struct net_tso){
		.headers_len = headers_len < NET_HEADERS_MAX ? headers_len : NET_HEADERS_MAX,
		.tcp = hdr->csum_start,
		.mss = hdr->gso_size,
	};
	memcpy(tso->headers, headers, tso->headers_len);
	if (!find_ip(tso) || tso->ipv6 != ((hdr->gso_type & ~NET_GSO_ECN) == NET_GSO_TCPV6))
		return false;
	if (hdr->csum_offset != TCP_SUM || tso->tcp < tso->ip ||
	    tso->tcp + TCP_MIN > tso->headers_len || !check_ip(tso))
		return false;
	tcp_len = (tso->headers[tso->tcp + TCP_OFFSET] >> 4) * 4U;
	if (tcp_len < TCP_MIN || tso->tcp + tcp_len > tso->headers_len || tso->tcp + tcp_len >= len)
		return false;
	tso->headers_len = tso->tcp + tcp_len;
	tso->payload = len - tso->headers_len;
	tso->count = (tso->payload + tso->mss - 1) / tso->mss;
	return tso->headers_len - tso->ip + tso->mss <= IP_LEN_MAX;
}

uint32_t net_tso_segment(const struct net_tso *tso, uint32_t index)
{
	uint32_t left = tso->payload - index * tso->mss;

	return left < tso->mss ? left : tso->mss;
}

static void edit_ip(const struct net_tso *tso, uint32_t index, uint32_t ip_total, uint8_t *ip)
{
	uint16_t sum;

	if (tso->ipv6) {
		put16(ip + IPV6_LEN, ip_total - IPV6_MIN);
		return;
	}
	put16(ip + IPV4_LEN, ip_total);
	put16(ip + IPV4_ID, get16(ip + IPV4_ID) + index);
	put16(ip + IPV4_SUM, 0);
	sum = net_sum_finish(net_sum(0, ip, tso->tcp - tso->ip, 0));
	memcpy(ip + IPV4_SUM, &sum, sizeof(sum));
}

static void edit_tcp(const struct net_tso *tso, uint32_t index, uint8_t *tcp)
{
	put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + index * tso->mss);
	if (index + 1 < tso->count)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (index > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

/* RFC 9293, 3.1: addresses, protocol, length. */
static uint32_t pseudo_sum(const struct net_tso *tso, uint32_t tcp_total, const uint8_t *ip)
{
	uint32_t sum = tso->ipv6 ? net_sum(0, ip + IPV6_ADDRESSES, 32, 0)
				 : net_sum(0, ip + IPV4_ADDRESSES, 8, 0);
	uint8_t tail[4];

	put16(tail, PROTOCOL_TCP);
	put16(tail + 2, tcp_total);
	return net_sum(sum, tail, sizeof(tail), 0);
}

void net_tso_headers(const struct net_tso *tso, uint32_t index, uint32_t payload_sum,
		     uint8_t *headers)
{
	uint32_t payload = net_tso_segment(tso, index);
	uint32_t tcp_header = tso->headers_len - tso->tcp;
	uint8_t *ip = headers + tso->ip, *tcp = headers + tso->tcp;
	uint32_t sum;
	uint16_t folded;

	memcpy(headers, tso->headers, tso->headers_len);
	edit_ip(tso, index, tso->headers_len - tso->ip + payload, ip);
	edit_tcp(tso, index, tcp);
	put16(tcp + TCP_SUM, 0);
	sum = pseudo_sum(tso, tcp_header + payload, ip);
	sum = net_sum(sum, tcp, tcp_header, 0);
	folded = net_sum_finish(
		fold((uint64_t)sum + payload_sum)); /* the header is of even length */
	memcpy(tcp + TCP_SUM, &folded, sizeof(folded));
}
