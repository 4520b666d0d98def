/* SPDX-License-Identifier: BSD-2-Clause */
/* What a network driver wants to receive, as it says on the control queue (VIRTIO 1.2, 5.1.6.5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/backend/net/net.h"

enum {
	NET_FILTER_MACS = 32, /* in each of the two tables */
	NET_FILTER_VLANS = 4096,
	NET_FILTER_HEAD = 16, /* bytes of a frame that net_filter_passes() looks at */
};

/* The receive modes (5.1.6.5.1), in the order of their commands. */
enum net_filter_mode {
	NET_FILTER_PROMISC = 0,
	NET_FILTER_ALLMULTI,
	NET_FILTER_ALLUNI,
	NET_FILTER_NOMULTI,
	NET_FILTER_NOUNI,
	NET_FILTER_NOBCAST,
	NET_FILTER_MODES,
};

struct net_filter_macs {
	uint8_t mac[NET_FILTER_MACS][NET_MAC];
	uint32_t count;
	bool overflow; /* there were more: all of the kind pass */
};

struct net_filter {
	bool mode[NET_FILTER_MODES];
	bool vlan; /* tagged frames pass only if their VLAN is in the table */
	struct net_filter_macs unicast, multicast;
	uint32_t vlans[NET_FILTER_VLANS / 32];
};

/**
 * As after reset. A device without `control` (no CTRL_RX) receives everything, one without VLAN
 * filtering every VLAN.
 */
void net_filter_init(struct net_filter *filter, bool control, bool vlan);

/** Adds or removes a VLAN; false if there is no such number. */
bool net_filter_vlan(struct net_filter *filter, uint16_t vlan, bool add);

/** True if the frame has a VLAN tag (IEEE 802.1Q); `head` are its first `len` bytes. */
bool net_filter_is_tagged(const uint8_t *head, size_t len);

/** Whether the driver with address `mac` wants a frame; `head` are its first `len` bytes. */
bool net_filter_passes(const struct net_filter *filter, const uint8_t mac[NET_MAC],
		       const uint8_t *head, size_t len);

/* Bytes of a frame that net_flow() looks at: Ethernet, IPv6 or IPv4 with some options, two ports. */
enum { NET_FLOW_HEAD = 58 };

/**
 * A number for the flow that a frame belongs to, the same in both directions; 0 if it is not TCP or
 * UDP over IP, or a fragment. `head` are its first `len` bytes.
 */
uint32_t net_flow(const uint8_t *head, size_t len);
