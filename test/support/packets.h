/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for tests, and what is right about them, written to be read beside the RFCs: a checksum is
 * added up byte by byte. Shares no code with what is tested.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/net/net.h"

/* The Internet checksum of `len` bytes (RFC 1071), added to `sum`. Big-endian words. */
uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, uint32_t len);

struct packet {
	uint32_t len;
	struct net_hdr hdr; /* as a driver sends it: checksum left to be done */
	uint8_t bytes[NET_FRAME_MAX];
};

/** An Ethernet frame of `len` bytes with nothing special in it. */
void packet_plain(struct packet *p, const uint8_t to[NET_MAC], const uint8_t from[NET_MAC],
		  uint32_t len);

/** Puts a VLAN tag behind the addresses. */
void packet_tag(struct packet *p, uint16_t tci);

/**
 * A TCP packet with `payload` bytes: over IPv4 or IPv6, `options` bytes of TCP options (a multiple of 4),
 * FIN, PSH and CWR set. Its checksum is the pseudo header's, as for NEEDS_CSUM.
 */
void packet_tcp(struct packet *p, const uint8_t to[NET_MAC], const uint8_t from[NET_MAC], bool ipv6,
		uint32_t options, uint32_t payload);

/** Makes it one that is to be segmented. */
void packet_gso(struct packet *p, uint16_t mss);

/** True if a TCP packet's lengths and checksums are right. `bytes` may have one VLAN tag. */
bool packet_tcp_ok(const uint8_t *bytes, uint32_t len);
