/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What struct net_hdr asks for, done in software: the checksum that a sender left to the device, and
 * the segmentation of large TCP packets (VIRTIO 1.2, 5.1.6.2). The one place for it: the switch calls
 * it for whoever does not take the work over.
 *
 * A frame's first bytes are copied once; the copy is parsed, checked and edited. What follows them is
 * only added up.
 */
#pragma once

#include <stddef.h>

#include "vmm/backend/net/net.h"

enum {
	NET_HEADERS_MAX = 192, /* Ethernet, two VLAN tags, IPv6 with extensions, TCP with options */
};

/** Adds bytes to a checksum under way (RFC 1071); `at` is their offset in what is summed. */
uint32_t net_sum(uint32_t sum, const void *bytes, size_t len, uint32_t at);

/** Folds to 16 bits and complements; in the order of the bytes in the packet. */
uint16_t net_sum_finish(uint32_t sum);

/* A large TCP packet, cut into segments of `mss` bytes. */
struct net_tso {
	uint8_t headers[NET_HEADERS_MAX]; /* of the whole packet */
	uint32_t headers_len;
	uint32_t ip, tcp; /* offsets */
	bool ipv6;
	uint32_t payload; /* bytes */
	uint32_t mss;
	uint32_t count; /* of segments */
};

/**
 * Understands a frame of `len` bytes, of which `headers` are the first `headers_len` (at most
 * NET_HEADERS_MAX). False if it is not what `hdr`, which is net_hdr_ok(), says.
 */
bool net_tso_init(struct net_tso *tso, const struct net_hdr *hdr, const uint8_t *headers,
		  uint32_t headers_len, uint32_t len);

/** Payload bytes of segment `index`; they begin at index * mss in the payload. */
uint32_t net_tso_segment(const struct net_tso *tso, uint32_t index);

/**
 * The headers of segment `index`, whose payload adds up to `payload_sum` (net_sum() from 0 on): complete,
 * with both checksums. `headers` has room for tso->headers_len bytes.
 */
void net_tso_headers(const struct net_tso *tso, uint32_t index, uint32_t payload_sum,
		     uint8_t *headers);
