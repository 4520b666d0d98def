/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends of a network link in the memory of a test: an owner's (a VMM's) and its peer's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vmm/backend/net/link.h"

enum {
	NETPAIR_CAPACITY = 64,
	NETPAIR_BUFFER = 2048,
	NETPAIR_BYTES = NETPAIR_CAPACITY * NETPAIR_BUFFER,
};

/* struct netq with its entries and the note: a flexible array cannot be a member. */
struct netpair_queue {
	uint16_t tail, head;
	uint32_t consumer_signalled;
	struct netq_entry entries[NETPAIR_CAPACITY];
	struct netq_note note;
};

_Static_assert(sizeof(struct netpair_queue) == NETLINK_QUEUE_BYTES(NETPAIR_CAPACITY),
	       "the wire format");

struct netpair {
	struct netpair_queue rx_free, rx_active, tx_free, tx_active;
	uint8_t rx_data[NETPAIR_BYTES], tx_data[NETPAIR_BYTES];
};

/** The owner's end: it receives from rx and sends to tx. */
struct netlink_config netpair_owner(struct netpair *pair, bool chains);

/** The other end. */
struct netlink_config netpair_peer(struct netpair *pair, bool chains);

/** The bytes of a frame in one piece; its length. */
uint32_t netpair_flatten(const struct netlink_frame *frame, uint8_t *to);
