/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network switch over links (link.h): who sends what to whom. Pure: signals and time are the
 * program's (app/switch).
 *
 * A port is a VM's device, or the uplink to a driver. What is checked of a frame, in this order; what
 * fails is dropped and counted at the port it came from:
 *   - its buffers (link.c), its header (net_hdr_ok), at least an Ethernet header
 *   - its VLAN: an access port sends untagged frames, or tags them with a priority only, and they are in
 *     its VLAN; a trunk port may tag them
 *   - its source: a unicast address, and one of the port's own if the port has fixed addresses. In ARP
 *     packets (RFC 826) the sender hardware address likewise. IP addresses are not checked: the
 *     description has none
 *   - broadcast and multicast: at most so many a second; none to 01-80-C2-00-00-0x (802.1Q, 8.6.3)
 * It goes to the port that has the address, else to all ports that may have it: those without fixed
 * addresses. So no VM sees what is for another.
 *
 * A port with a rate limit is not read for a while: its own queue fills, and nothing is lost. A port
 * that does not take its frames loses them, counted there as `full`, and holds nobody up.
 */
#pragma once

#include "vmm/backend/net/fdb.h"
#include "vmm/backend/net/link.h"

enum {
	SWITCH_PORTS = 33,   /* 32 devices of VMs and an uplink */
	SWITCH_MACS = 4,     /* fixed addresses a port may have */
	SWITCH_VLANS = 4095, /* VLAN ids are below */
	SWITCH_BATCH = 16,   /* frames of one port before the next one's turn */
};

enum switch_drop {
	SWITCH_DROP_BAD = 0, /* not a frame */
	SWITCH_DROP_VLAN,
	SWITCH_DROP_SPOOF,
	SWITCH_DROP_STORM,
	SWITCH_DROP_NOWHERE, /* no port for it: the reserved addresses, its own port, nobody */
	SWITCH_DROP_FULL,    /* counted at the port it was for: no buffers */
	SWITCH_DROP_SIZE,    /* the same: too long for the port, or not what its header says */
	SWITCH_DROPS,
};

struct switch_stats {
	uint64_t rx_frames, rx_bytes; /* from the port */
	uint64_t tx_frames, tx_bytes; /* to the port */
	uint64_t drops[SWITCH_DROPS];
};

struct switch_port_config {
	struct netlink_config link;
	uint8_t mac[SWITCH_MACS][NET_MAC];
	uint32_t mac_count; /* 0: any, and they are learned */
	uint16_t vlan;      /* of untagged frames */
	bool trunk;         /* frames of other VLANs pass with a tag */
	uint64_t rate;      /* bytes a second; 0: no limit */
	uint64_t broadcast; /* broadcast and multicast frames a second; 0: no limit */
};

/* What may pass now: filled at a rate, up to `depth`. */
struct switch_bucket {
	uint64_t rate, depth; /* rate 0: no limit */
	int64_t level;        /* in thousandths */
	uint64_t filled;      /* ms */
};

struct switch_port {
	struct netlink link;
	uint8_t mac[SWITCH_MACS][NET_MAC];
	uint32_t mac_count;
	uint16_t vlan;
	bool trunk;
	bool held; /* its rate is used up, and frames may wait */
	struct switch_bucket rate, broadcast;
	struct switch_stats stats;
};

struct net_switch {
	struct switch_port port[SWITCH_PORTS];
	uint32_t port_count;
	uint64_t now; /* ms */
	struct fdb fdb;
};

/** Starts without a port. */
void switch_init(struct net_switch *sw);

/**
 * Adds a port; its number is sw->port_count before. On failure (also of netlink_init(), fdb_fix())
 * nothing is added.
 */
enum vmm_err switch_add(struct net_switch *sw,
			const struct switch_port_config *config) VMM_MUST_CHECK;

/**
 * Moves up to SWITCH_BATCH frames of every port; `now` is in milliseconds and never goes back. True if
 * there was any. Signals are due then: netlink_flush() of every port's link.
 */
bool switch_poll(struct net_switch *sw, uint64_t now);

/** Asks all ports for a signal at their next frame. True: frames wait already, poll again. */
bool switch_wait(struct net_switch *sw);

/** True if a port is held: poll again within some milliseconds. */
bool switch_held(const struct net_switch *sw);
