// SPDX-License-Identifier: BSD-2-Clause
/*
 * The switch against an obvious reference: a list of who was seen where, and for every frame the rules
 * one after the other (switch.h says them). Random frames from random ports, some of them wrong; what
 * comes out at each port must be what the reference says, byte for byte. Seeded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/netpair.h"
#include "test/support/packets.h"
#include "vmm/backend/net/switch.h"

enum { PORTS = 6, ADDRESSES = 12, ROUNDS = 40000, HEARD = 64, LONGEST = 300 };

struct port {
	bool any, trunk;
	uint16_t vlan;
};

/* Two VMs without a VLAN, two in VLAN 5, a trunk with native VLAN 5, the uplink. */
static const struct port ports[PORTS] = {
	{ .vlan = 0 },
	{ .vlan = 0 },
	{ .vlan = 5 },
	{ .vlan = 5, .any = true },
	{ .vlan = 5, .trunk = true },
	{ .vlan = 0, .trunk = true, .any = true },
};

struct heard {
	uint8_t mac[NET_MAC];
	uint16_t vlan;
	unsigned port;
	uint64_t when;
};

static struct net_switch sw;
static struct netpair pair[PORTS];
static struct netlink client[PORTS];
static struct heard heard[HEARD];
static unsigned heard_count;
static uint64_t now;
static struct packet packet;

static void fail(const char *what, unsigned round)
{
	printf("not ok 1 - switch: %s in round %u\n1..1\n", what, round);
	exit(1);
}

static void address(unsigned i, uint8_t mac[NET_MAC])
{
	const uint8_t station[NET_MAC] = { 2, 0, 0, 0, 0, (uint8_t)i };

	memcpy(mac, station, NET_MAC);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_in(const struct port *port, unsigned vlan)
{
	return port->vlan == vlan || (port->trunk && vlan != 0);
}

/* Which port has `mac`; PORTS: nobody knows. Port i's fixed address is address i. */
static unsigned find(const uint8_t *mac, uint16_t vlan)
{
	for (unsigned i = 0; i < PORTS; i++) {
		uint8_t own[NET_MAC];

		address(i, own);
		if (!ports[i].any && memcmp(own, mac, NET_MAC) == 0 &&
		    (ports[i].trunk || ports[i].vlan == vlan))
			return i;
	}
	for (unsigned i = 0; i < heard_count; i++) {
		if (memcmp(heard[i].mac, mac, NET_MAC) == 0 && heard[i].vlan == vlan)
			return now - heard[i].when <= FDB_AGE_MS ? heard[i].port : PORTS;
	}
	return PORTS;
}

static void learn(const uint8_t *mac, uint16_t vlan, unsigned port)
{
	unsigned i = 0;

	if (find(mac, vlan) < PORTS && !ports[find(mac, vlan)].any)
		return;
	while (i < heard_count &&
	       (memcmp(heard[i].mac, mac, NET_MAC) != 0 || heard[i].vlan != vlan))
		i++;
	if (i == HEARD)
		abort();
	heard_count += i == heard_count;
	memcpy(heard[i].mac, mac, NET_MAC);
	heard[i].vlan = vlan;
	heard[i].port = port;
	heard[i].when = now;
}

/* Which ports get the packet that came from `from`, and its VLAN. */
static unsigned expected(unsigned from, uint16_t *vlan)
{
	const uint8_t *bytes = packet.bytes;
	bool tagged = get16(bytes + 12) == 0x8100;
	uint8_t own[NET_MAC];
	unsigned set = 0, to;

	*vlan = tagged ? get16(bytes + 14) & 0xfff : 0;
	if (*vlan == 4095)
		return 0;
	if (*vlan != 0 && !ports[from].trunk)
		return 0;
	if (*vlan == 0)
		*vlan = ports[from].vlan;
	address(from, own);
	if ((bytes[6] & 1) != 0 || (!ports[from].any && memcmp(own, bytes + 6, NET_MAC) != 0))
		return 0;
	if (ports[from].any)
		learn(bytes + 6, *vlan, from);
	to = (bytes[0] & 1) != 0 ? PORTS : find(bytes, *vlan);
	if (to < PORTS)
		return to != from && is_in(&ports[to], *vlan) ? 1U << to : 0;
	for (unsigned i = 0; i < PORTS; i++) {
		if (i != from && is_in(&ports[i], *vlan) && ((bytes[0] & 1) != 0 || ports[i].any))
			set |= 1U << i;
	}
	return set;
}

/* The packet as it must look at `port`; its length. */
static uint32_t retag(unsigned port, uint16_t vlan, uint8_t *to)
{
	bool tagged = get16(packet.bytes + 12) == 0x8100;
	uint16_t priority = tagged ? get16(packet.bytes + 14) & 0xf000 : 0;
	const uint8_t *rest = packet.bytes + (tagged ? 16 : 12);
	uint32_t rest_len = packet.len - (tagged ? 16 : 12), at = 12;

	memcpy(to, packet.bytes, 12);
	if (ports[port].trunk && vlan != ports[port].vlan) {
		to[at++] = 0x81;
		to[at++] = 0x00;
		to[at++] = (uint8_t)((priority | vlan) >> 8);
		to[at++] = (uint8_t)vlan;
	}
	memcpy(to + at, rest, rest_len);
	return at + rest_len;
}

static void check(unsigned round, unsigned set, uint16_t vlan)
{
	static uint8_t want[LONGEST + 16], got[NET_FRAME_MAX];

	for (unsigned i = 0; i < PORTS; i++) {
		struct netlink_frame frame;
		uint32_t len;

		if (!netlink_in(&client[i], &frame)) {
			if ((set >> i & 1) != 0)
				fail("a frame is missing", round);
			continue;
		}
		if ((set >> i & 1) == 0)
			fail("a frame too many", round);
		len = retag(i, vlan, want);
		if (frame.len != len || netpair_flatten(&frame, got) != len ||
		    memcmp(got, want, len) != 0)
			fail("a frame that was changed", round);
		netlink_in_drop(&client[i], &frame);
		if (netlink_in(&client[i], &frame))
			fail("a frame twice", round);
	}
}

static void make(unsigned from)
{
	uint8_t to[NET_MAC], source[NET_MAC];

	address((unsigned)rand() % ADDRESSES, to);
	if (rand() % 8 == 0)
		memset(to, 0xff, NET_MAC);
	address(rand() % 4 == 0 || ports[from].any ? (unsigned)rand() % ADDRESSES : from, source);
	if (rand() % 50 == 0)
		source[0] |= 1;
	packet_plain(&packet, to, source, 20 + (uint32_t)rand() % (LONGEST - 20));
	if (rand() % 3 == 0) {
		static const uint16_t vlans[] = { 0, 5, 7, 4095 };

		packet_tag(&packet, (uint16_t)(vlans[rand() % 4] | (rand() % 8) << 13));
	}
}

int main(void)
{
	srand(20261122);
	switch_init(&sw);
	for (unsigned i = 0; i < PORTS; i++) {
		struct switch_port_config config = {
			.link = netpair_peer(&pair[i], true),
			.mac_count = !ports[i].any,
			.vlan = ports[i].vlan,
			.trunk = ports[i].trunk,
		};
		struct netlink_config other = netpair_owner(&pair[i], true);

		address(i, config.mac[0]);
		if (switch_add(&sw, &config) != VMM_OK ||
		    netlink_init(&client[i], &other) != VMM_OK)
			fail("a port", i);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned from = (unsigned)rand() % PORTS, set;
		uint16_t vlan;

		now += rand() % 500 == 0 ? FDB_AGE_MS + 1 : (uint64_t)rand() % 10;
		make(from);
		if (!netlink_out(&client[from], NULL, packet.len))
			fail("no buffer", round);
		netlink_put(&client[from], packet.bytes, packet.len);
		netlink_send(&client[from]);
		while (switch_poll(&sw, now))
			;
		set = expected(from, &vlan);
		check(round, set, vlan);
	}
	printf("ok 1 - switch: %u frames go where the reference says\n1..1\n", ROUNDS);
	return 0;
}
