/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch: who gets what, what is dropped and counted where, and what ports may do to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/netpair.h"
#include "test/support/packets.h"
#include "vmm/backend/net/switch.h"

enum { PORTS = 5, TRUNK = 3, UPLINK = 4 };

struct fixture {
	struct net_switch sw;
	struct netpair pair[PORTS];
	struct netlink client[PORTS];
	struct packet packet;
	struct netlink_frame frame;
	uint8_t got[NET_FRAME_MAX + 64];
	uint32_t got_len;
	uint64_t now;
};

static const uint8_t all[NET_MAC] = { 255, 255, 255, 255, 255, 255 };

static const uint8_t *mac(unsigned i)
{
	static const uint8_t macs[16][NET_MAC] = {
		{ 2, 0, 0, 0, 0, 0 }, { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 },
		{ 2, 0, 0, 0, 0, 3 }, { 2, 0, 0, 0, 0, 4 }, { 2, 0, 0, 0, 0, 5 },
		{ 2, 0, 0, 0, 0, 6 }, { 2, 0, 0, 0, 0, 7 },
	};

	return macs[i];
}

/* Ports 0 to 2 and TRUNK have one address each; the uplink, the owner of its link, has any. */
static void add(struct fixture *f, unsigned port, const struct switch_port_config *extra)
{
	struct switch_port_config config = *extra;
	struct netlink_config other;

	if (port == UPLINK) {
		config.link = netpair_owner(&f->pair[port], false);
		other = netpair_peer(&f->pair[port], false);
	} else {
		config.link = netpair_peer(&f->pair[port], true);
		other = netpair_owner(&f->pair[port], true);
		config.mac_count = 1;
		memcpy(config.mac[0], mac(port), NET_MAC);
	}
	assert_int_equal(f->sw.port_count, port);
	assert_int_equal(switch_add(&f->sw, &config), VMM_OK);
	assert_int_equal(netlink_init(&f->client[port], &other), VMM_OK);
	if (port != UPLINK)
		netlink_tell(&f->client[port], NET_OFFLOAD_ALL, true);
}

static struct fixture *make(void)
{
	static const struct switch_port_config plain, trunk = { .trunk = true };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	switch_init(&f->sw);
	for (unsigned i = 0; i < PORTS; i++)
		add(f, i, i >= TRUNK ? &trunk : &plain);
	return f;
}

static void poll(struct fixture *f)
{
	while (switch_poll(&f->sw, f->now))
		;
}

static bool send_only(struct fixture *f, unsigned port)
{
	const struct packet *p = &f->packet;

	if (!netlink_out(&f->client[port], p->hdr.flags != 0 ? &p->hdr : NULL, p->len))
		return false;
	netlink_put(&f->client[port], p->bytes, p->len);
	netlink_send(&f->client[port]);
	return true;
}

static void send(struct fixture *f, unsigned port)
{
	assert_true(send_only(f, port));
	poll(f);
}

/* True if there is a frame at the port; it is in f->got then. */
static bool receive(struct fixture *f, unsigned port)
{
	if (!netlink_in(&f->client[port], &f->frame))
		return false;
	f->got_len = netpair_flatten(&f->frame, f->got);
	netlink_in_drop(&f->client[port], &f->frame);
	return true;
}

/* The set of ports that got exactly the packet sent. */
static unsigned receivers(struct fixture *f)
{
	unsigned set = 0;

	for (unsigned i = 0; i < PORTS; i++) {
		if (!receive(f, i))
			continue;
		assert_int_equal(f->got_len, f->packet.len);
		assert_memory_equal(f->got, f->packet.bytes, f->packet.len);
		assert_false(receive(f, i));
		set |= 1U << i;
	}
	return set;
}

static uint64_t drops(const struct fixture *f, unsigned port, enum switch_drop why)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < SWITCH_DROPS; i++)
		total += f->sw.port[port].stats.drops[i];
	assert_int_equal(total, f->sw.port[port].stats.drops[why]); /* and nothing else */
	return total;
}

static void a_frame_goes_to_its_address_and_nowhere_else(void **state)
{
	struct fixture *f = make();

	(void)state;
	for (unsigned from = 0; from < 3; from++) {
		for (unsigned to = 0; to < 4; to++) {
			packet_plain(&f->packet, mac(to), mac(from), 60 + 100 * to);
			send(f, from);
			assert_int_equal(receivers(f), from == to ? 0 : 1U << to);
		}
	}
	assert_int_equal(drops(f, 0, SWITCH_DROP_NOWHERE), 1);
	free(f);
}

static void broadcasts_go_to_all_others(void **state)
{
	struct fixture *f = make();

	(void)state;
	packet_plain(&f->packet, all, mac(1), 60);
	send(f, 1);
	assert_int_equal(receivers(f), 0x1d);
	f->packet.bytes[0] = 0x33; /* IPv6 multicast */
	send(f, 1);
	assert_int_equal(receivers(f), 0x1d);
	assert_int_equal(f->sw.port[1].stats.rx_frames, 2);
	assert_int_equal(f->sw.port[0].stats.tx_frames, 2);
	free(f);
}

static void an_unknown_address_is_looked_for_where_it_may_be(void **state)
{
	struct fixture *f = make();

	(void)state;
	packet_plain(&f->packet, mac(6), mac(1), 60);
	send(f, 1);
	assert_int_equal(receivers(f), 1U << UPLINK);
	/* The uplink itself asks: nobody may have it. */
	packet_plain(&f->packet, mac(7), mac(6), 60);
	send(f, UPLINK);
	assert_int_equal(receivers(f), 0);
	assert_int_equal(drops(f, UPLINK, SWITCH_DROP_NOWHERE), 1);
	free(f);
}

static void addresses_are_learned_and_forgotten(void **state)
{
	static const struct switch_port_config any;
	struct fixture *f = calloc(1, sizeof(*f));
	struct netlink_config nobody;

	(void)state;
	/* Four ports without fixed addresses. */
	switch_init(&f->sw);
	for (unsigned i = 0; i < 4; i++) {
		struct netlink_config other = netpair_owner(&f->pair[i], true);
		struct switch_port_config config = any;

		config.link = netpair_peer(&f->pair[i], true);
		assert_int_equal(switch_add(&f->sw, &config), VMM_OK);
		assert_int_equal(netlink_init(&f->client[i], &other), VMM_OK);
	}
	/* receivers() asks a fifth one, too: nobody is there. */
	nobody = netpair_owner(&f->pair[4], true);
	assert_int_equal(netlink_init(&f->client[4], &nobody), VMM_OK);
	packet_plain(&f->packet, mac(2), mac(1), 60);
	send(f, 1);
	assert_int_equal(receivers(f), 0xd); /* flooded */
	packet_plain(&f->packet, mac(1), mac(2), 60);
	send(f, 2);
	assert_int_equal(receivers(f), 1U << 1);
	packet_plain(&f->packet, mac(2), mac(1), 60);
	send(f, 3); /* moved */
	assert_int_equal(receivers(f), 1U << 2);
	packet_plain(&f->packet, mac(1), mac(2), 60);
	send(f, 2);
	assert_int_equal(receivers(f), 1U << 3);
	f->now = FDB_AGE_MS;
	send(f, 2);
	assert_int_equal(receivers(f), 1U << 3);
	f->now += 1;
	send(f, 2);
	assert_int_equal(receivers(f), 0xb);
	free(f);
}

static void nobody_takes_anothers_name(void **state)
{
	struct fixture *f = make();

	(void)state;
	packet_plain(&f->packet, mac(0), mac(2), 60);
	send(f, 1);
	assert_int_equal(receivers(f), 0);
	packet_plain(&f->packet, mac(0), all, 60);
	send(f, 1);
	assert_int_equal(receivers(f), 0);
	assert_int_equal(drops(f, 1, SWITCH_DROP_SPOOF), 2);
	/* The uplink may use any, but it does not get what is for a VM. */
	packet_plain(&f->packet, mac(0), mac(2), 60);
	send(f, UPLINK);
	assert_int_equal(receivers(f), 1U << 0);
	packet_plain(&f->packet, mac(2), mac(0), 60);
	send(f, 0);
	assert_int_equal(receivers(f), 1U << 2);
	free(f);
}

static void arp(struct fixture *f, const uint8_t *sender, uint32_t len)
{
	packet_plain(&f->packet, all, mac(1), len);
	f->packet.bytes[12] = 0x08;
	f->packet.bytes[13] = 0x06;
	if (len >= 42)
		memcpy(f->packet.bytes + 22, sender, NET_MAC);
}

static void nobody_lies_in_arp_either(void **state)
{
	struct fixture *f = make();

	(void)state;
	arp(f, mac(1), 42);
	send(f, 1);
	assert_int_equal(receivers(f), 0x1d);
	arp(f, mac(2), 42);
	send(f, 1);
	arp(f, mac(1), 41);
	send(f, 1);
	assert_int_equal(receivers(f), 0);
	assert_int_equal(drops(f, 1, SWITCH_DROP_SPOOF), 2);
	/* The same behind a tag. */
	f->sw.port[1].trunk = true;
	arp(f, mac(1), 42);
	packet_tag(&f->packet, 7);
	send(f, 1);
	assert_int_equal(receivers(f), 1U << TRUNK | 1U << UPLINK);
	arp(f, mac(2), 42);
	packet_tag(&f->packet, 7);
	send(f, 1);
	assert_int_equal(receivers(f), 0);
	free(f);
}

static void the_bridge_group_stays_here(void **state)
{
	static const uint8_t group[NET_MAC] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	struct fixture *f = make();

	(void)state;
	packet_plain(&f->packet, group, mac(1), 60);
	send(f, 1);
	assert_int_equal(receivers(f), 0);
	f->packet.bytes[5] = 0x10;
	send(f, 1);
	assert_int_equal(receivers(f), 0x1d);
	free(f);
}

/* Ports 0 and 1 are in VLAN 10, `twenty` in VLAN 20; the last ones are trunks. */
static struct fixture *make_vlans(unsigned twenty)
{
	struct fixture *f = make();

	switch_init(&f->sw);
	memset(f->pair, 0, sizeof(f->pair));
	for (unsigned i = 0; i < PORTS; i++) {
		struct switch_port_config config = {
			.vlan = i < 2 ? 10 : (i == twenty ? 20 : 0),
			.trunk = i >= TRUNK,
		};

		add(f, i, &config);
	}
	return f;
}

static void access_ports_are_in_one_vlan(void **state)
{
	struct fixture *f = make_vlans(2);

	(void)state;
	packet_plain(&f->packet, all, mac(0), 60);
	assert_true(send_only(f, 0));
	poll(f);
	assert_true(receive(f, 1)); /* untagged */
	assert_int_equal(f->got_len, 60);
	assert_false(receive(f, 2));
	for (unsigned i = TRUNK; i <= UPLINK; i++) {
		assert_true(receive(f, i));
		assert_int_equal(f->got_len, 64);
		assert_memory_equal(f->got, f->packet.bytes, 12);
		assert_memory_equal(f->got + 12, "\x81\x00\x00\x0a", 4);
		assert_memory_equal(f->got + 16, f->packet.bytes + 12, 48);
	}
	/* To an address of another VLAN: unknown there. */
	packet_plain(&f->packet, mac(2), mac(0), 60);
	send(f, 0);
	assert_false(receive(f, 2));
	/* A tag is not for an access port to choose, but one without a VLAN is. */
	packet_plain(&f->packet, mac(1), mac(0), 60);
	packet_tag(&f->packet, 20);
	send(f, 0);
	assert_int_equal(f->sw.port[0].stats.drops[SWITCH_DROP_VLAN], 1);
	packet_plain(&f->packet, mac(1), mac(0), 60);
	packet_tag(&f->packet, 0xe000);
	send(f, 0);
	assert_true(receive(f, 1));
	assert_int_equal(f->got_len, 60);
	free(f);
}

/* Else a trunk that has the port's VLAN untagged would see the second tag as the frame's. */
static void an_access_port_hides_no_tag(void **state)
{
	struct fixture *f = make_vlans(TRUNK);

	(void)state;
	f->sw.port[2].vlan = 20;
	packet_plain(&f->packet, all, mac(2), 60);
	packet_tag(&f->packet, 10);
	packet_tag(&f->packet, 0x2000);
	send(f, 2);
	assert_false(receive(f, TRUNK));
	assert_false(receive(f, UPLINK));
	assert_int_equal(drops(f, 2, SWITCH_DROP_VLAN), 1);
	/* A trunk chooses its VLANs anyway; what is inside is its own. */
	packet_plain(&f->packet, all, mac(TRUNK), 60);
	packet_tag(&f->packet, 7);
	packet_tag(&f->packet, 10);
	send(f, TRUNK);
	assert_true(receive(f, 0));
	assert_int_equal(f->got_len, 64);
	assert_memory_equal(f->got + 12, "\x81\x00\x00\x07", 4);
	free(f);
}

static void trunks_speak_by_tags(void **state)
{
	struct fixture *f = make_vlans(TRUNK);

	(void)state;
	/* In, tagged; out, untagged to one, tagged to the other. */
	packet_plain(&f->packet, all, mac(TRUNK), 100);
	packet_tag(&f->packet, 0x600a);
	send(f, TRUNK);
	assert_true(receive(f, 0));
	assert_int_equal(f->got_len, 100);
	assert_memory_equal(f->got + 12, f->packet.bytes + 16, 88);
	assert_true(receive(f, UPLINK));
	assert_int_equal(f->got_len, 104);
	assert_memory_equal(f->got, f->packet.bytes, 104); /* with its priority */
	assert_false(receive(f, 2));
	/* Its untagged frames are VLAN 20, and come out there with that tag. */
	packet_plain(&f->packet, all, mac(TRUNK), 100);
	send(f, TRUNK);
	assert_true(receive(f, UPLINK));
	assert_memory_equal(f->got + 12, "\x81\x00\x00\x14", 4);
	/* And VLAN 20 goes to it untagged. */
	packet_plain(&f->packet, mac(TRUNK), mac(6), 100);
	packet_tag(&f->packet, 20);
	send(f, UPLINK);
	assert_true(receive(f, TRUNK));
	assert_int_equal(f->got_len, 100);
	/* 4095 is none, and a tag may be cut short. */
	packet_plain(&f->packet, mac(TRUNK), mac(6), 100);
	packet_tag(&f->packet, 4095);
	send(f, UPLINK);
	f->packet.len = 15;
	send(f, UPLINK);
	assert_int_equal(drops(f, UPLINK, SWITCH_DROP_VLAN), 2);
	free(f);
}

static void a_slow_port_loses_its_own_frames(void **state)
{
	struct fixture *f = make();
	unsigned count = 0;

	(void)state;
	/* Port 0 takes nothing; port 2 goes on hearing everything. */
	for (unsigned i = 0; i < 3 * NETPAIR_CAPACITY; i++) {
		packet_plain(&f->packet, all, mac(1), 60);
		send(f, 1);
		assert_true(receive(f, 2));
		while (receive(f, TRUNK) || receive(f, UPLINK))
			;
	}
	assert_int_equal(drops(f, 0, SWITCH_DROP_FULL), 2 * NETPAIR_CAPACITY);
	assert_int_equal(drops(f, 1, SWITCH_DROP_FULL), 0);
	while (receive(f, 0))
		count++;
	assert_int_equal(count, NETPAIR_CAPACITY);
	free(f);
}

static void a_rate_holds_a_port_and_loses_nothing(void **state)
{
	struct fixture *f = make();
	struct switch_port *port = &f->sw.port[1];
	unsigned total = 0;

	(void)state;
	switch_init(&f->sw);
	memset(f->pair, 0, sizeof(f->pair));
	for (unsigned i = 0; i < PORTS; i++) {
		struct switch_port_config config = { .rate = i == 1 ? 1000 * 1000 : 0,
						     .trunk = i >= TRUNK };

		add(f, i, &config);
	}
	/* One megabyte a second; the bucket holds 128 KiB. A frame of 1000 bytes each ms after that. */
	for (unsigned i = 0; i < 40; i++) {
		packet_plain(&f->packet, mac(0), mac(1), 1000);
		while (send_only(f, 1))
			;
		poll(f);
		while (receive(f, 0))
			total++;
		if (port->held)
			break;
	}
	assert_true(switch_held(&f->sw));
	assert_in_range(total, 131, 132);
	assert_false(switch_wait(&f->sw)); /* a held port is not listened to */
	while (f->now < 20) {
		f->now++;
		poll(f);
		assert_true(receive(f, 0));
		assert_false(receive(f, 0));
	}
	assert_int_equal(drops(f, 1, SWITCH_DROP_FULL), 0);
	/* A long silence fills the bucket, and no more than that. */
	f->now = UINT64_MAX / 2;
	poll(f);
	assert_int_equal(port->rate.level <= (int64_t)(port->rate.depth * 1000), true);
	free(f);
}

static void a_storm_is_cut(void **state)
{
	struct fixture *f = make();
	unsigned passed = 0;

	(void)state;
	switch_init(&f->sw);
	memset(f->pair, 0, sizeof(f->pair));
	for (unsigned i = 0; i < PORTS; i++) {
		struct switch_port_config config = { .broadcast = i == 1 ? 100 : 0 };

		add(f, i, &config);
	}
	for (unsigned i = 0; i < 1000; i++, f->now++) {
		packet_plain(&f->packet, all, mac(1), 60);
		send(f, 1);
		for (unsigned port = 0; port < PORTS; port++)
			passed += receive(f, port) && port == 0;
		packet_plain(&f->packet, mac(0), mac(1), 60); /* of these there may be any number */
		send(f, 1);
		assert_true(receive(f, 0));
	}
	assert_in_range(passed, 100, 120);
	assert_int_equal(drops(f, 1, SWITCH_DROP_STORM), 1000 - passed);
	free(f);
}

static void large_packets_pass_where_they_are_taken(void **state)
{
	struct fixture *f = make();

	(void)state;
	packet_tcp(&f->packet, mac(0), mac(1), false, 12, 60000);
	packet_gso(&f->packet, 1448);
	send(f, 1);
	assert_true(netlink_in(&f->client[0], &f->frame));
	assert_memory_equal(&f->frame.hdr, &f->packet.hdr, sizeof(f->packet.hdr));
	assert_int_equal(netpair_flatten(&f->frame, f->got), f->packet.len);
	assert_memory_equal(f->got, f->packet.bytes, f->packet.len);
	netlink_in_drop(&f->client[0], &f->frame);
	/* "The checksum is right" is not for a guest to say to another. */
	packet_plain(&f->packet, mac(0), mac(1), 60);
	f->packet.hdr.flags = NET_HDR_F_DATA_VALID;
	send(f, 1);
	assert_true(netlink_in(&f->client[0], &f->frame));
	assert_int_equal(f->frame.hdr.flags, 0);
	free(f);
}

/* Everything a plain peer receives is whole, and adds up to what was sent. */
static void large_packets_are_cut_where_they_are_not(void **state)
{
	struct fixture *f = make();

	(void)state;
	for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
		for (uint32_t payload = 1; payload < 60000; payload = payload * 3 + 1) {
			uint32_t done = 0, headers;

			packet_tcp(&f->packet, mac(6), mac(1), ipv6 != 0, 12, payload);
			packet_gso(&f->packet, 1428);
			headers = f->packet.hdr.hdr_len;
			send(f, 1);
			while (receive(f, UPLINK)) {
				uint32_t n = f->got_len - headers;

				assert_true(f->got_len <= 1514);
				assert_true(packet_tcp_ok(f->got, f->got_len));
				assert_memory_equal(f->got + headers,
						    f->packet.bytes + headers + done, n);
				done += n;
			}
			assert_int_equal(done, payload);
		}
	}
	assert_int_equal(f->pair[UPLINK].tx_active.entries[0].flags, 0);
	free(f);
}

static void checksums_are_completed_where_they_are_not_taken(void **state)
{
	struct fixture *f = make();

	(void)state;
	for (uint32_t payload = 0; payload < 1400; payload += 77) {
		packet_tcp(&f->packet, mac(6), mac(1), payload % 2 == 0, 0, payload);
		send(f, 1);
		assert_true(receive(f, UPLINK));
		assert_int_equal(f->got_len, f->packet.len);
		assert_true(packet_tcp_ok(f->got, f->got_len));
	}
	/* With the tag of a VLAN put in on the way. */
	f->sw.port[1].vlan = 30;
	packet_tcp(&f->packet, all, mac(1), false, 0, 500);
	send(f, 1);
	assert_true(receive(f, UPLINK));
	assert_int_equal(f->got_len, f->packet.len + 4);
	assert_true(packet_tcp_ok(f->got, f->got_len));
	/* And of a guest that does not do checksums. */
	netlink_tell(&f->client[0], 0, true);
	f->sw.port[1].vlan = 0;
	packet_tcp(&f->packet, mac(0), mac(1), false, 0, 500);
	send(f, 1);
	assert_true(netlink_in(&f->client[0], &f->frame));
	assert_int_equal(f->frame.hdr.flags, 0);
	assert_true(packet_tcp_ok(f->frame.bytes[0], f->frame.len));
	free(f);
}

static void what_is_no_frame_is_dropped(void **state)
{
	struct fixture *f = make();

	(void)state;
	packet_plain(&f->packet, mac(0), mac(1), 60);
	f->packet.len = 13;
	send(f, 1);
	packet_tcp(&f->packet, mac(0), mac(1), false, 0, 500);
	f->packet.hdr.csum_start = (uint16_t)f->packet.len;
	send(f, 1);
	packet_tcp(&f->packet, mac(0), mac(1), false, 0, 500);
	f->packet.hdr.gso_type = 3;
	send(f, 1);
	assert_int_equal(drops(f, 1, SWITCH_DROP_BAD), 3);
	assert_int_equal(receivers(f), 0);
	/* A header that does not say what the packet is, where somebody must know. */
	packet_tcp(&f->packet, mac(6), mac(1), false, 0, 5000);
	packet_gso(&f->packet, 1448);
	f->packet.bytes[23] = 17;
	send(f, 1);
	assert_int_equal(drops(f, UPLINK, SWITCH_DROP_SIZE), 1);
	/* Too long for who takes frames in one piece. */
	packet_plain(&f->packet, mac(6), mac(1), 3000);
	send(f, 1);
	assert_int_equal(drops(f, UPLINK, SWITCH_DROP_SIZE), 2);
	free(f);
}

static void a_port_is_added_whole_or_not(void **state)
{
	struct fixture *f = make();
	struct net_switch before;
	struct switch_port_config good = { .mac_count = 1 }, bad;
	uint32_t seen = 0;

	(void)state;
	memset(f->pair, 0, sizeof(f->pair));
	good.link = netpair_peer(&f->pair[0], true);
	memcpy(good.mac[0], mac(7), NET_MAC);
	before = f->sw;
#define REFUSED(change, why)                                                      \
	do {                                                                      \
		bad = good;                                                       \
		change;                                                           \
		assert_int_equal(switch_add(&f->sw, &bad), (why));                \
		assert_int_equal(f->sw.port_count, PORTS);                        \
		assert_memory_equal(&f->sw.fdb, &before.fdb, sizeof(before.fdb)); \
		seen++;                                                           \
	} while (0)
	REFUSED(bad.mac_count = SWITCH_MACS + 1, VMM_ERR_RANGE);
	REFUSED(bad.vlan = SWITCH_VLANS, VMM_ERR_RANGE);
	REFUSED(bad.rate = UINT64_MAX, VMM_ERR_RANGE);
	REFUSED(bad.broadcast = UINT64_MAX, VMM_ERR_RANGE);
	REFUSED(bad.mac[0][0] = 1, VMM_ERR_INVALID);
	REFUSED(memcpy(bad.mac[0], mac(2), NET_MAC), VMM_ERR_EXISTS);
	REFUSED(bad.link.in_active = NULL, VMM_ERR_INVALID);
	REFUSED(bad.link.buffer_size = 5, VMM_ERR_INVALID);
#undef REFUSED
	assert_int_equal(seen, 8);
	assert_int_equal(switch_add(&f->sw, &good), VMM_OK);
	f->sw.port_count = SWITCH_PORTS;
	assert_int_equal(switch_add(&f->sw, &good), VMM_ERR_NOMEM);
	free(f);
}

static void signals_are_asked_for_once_all_is_done(void **state)
{
	struct fixture *f = make();

	(void)state;
	assert_false(switch_wait(&f->sw));
	packet_plain(&f->packet, mac(0), mac(1), 60);
	assert_true(send_only(f, 1));
	assert_true(netlink_flush(&f->client[1])); /* it was asked for */
	assert_true(switch_wait(&f->sw));
	poll(f);
	assert_true(netlink_flush(&f->sw.port[0].link));
	assert_false(switch_wait(&f->sw));
	free(f);
}

static void the_table_keeps_who_was_heard_last(void **state)
{
	struct fdb *fdb = calloc(1, sizeof(*fdb));
	uint8_t address[NET_MAC] = { 2 };
	unsigned found = 0;

	(void)state;
	assert_int_equal(fdb_fix(fdb, mac(1), FDB_ANY_VLAN, 9), VMM_OK);
	assert_int_equal(fdb_fix(fdb, mac(1), 5, 9), VMM_ERR_EXISTS);
	for (unsigned i = 0; i < 5000; i++) {
		address[4] = (uint8_t)(i >> 8);
		address[5] = (uint8_t)i;
		address[1] = 1;
		fdb_learn(fdb, address, 0, 3, i);
		assert_int_equal(fdb_find(fdb, address, 0, i), 3);
	}
	for (unsigned i = 0; i < 5000; i++) {
		address[4] = (uint8_t)(i >> 8);
		address[5] = (uint8_t)i;
		found += fdb_find(fdb, address, 0, 5000) == 3;
	}
	assert_in_range(found, FDB_SETS * (FDB_WAYS - 1), FDB_SETS * FDB_WAYS);
	fdb_learn(fdb, mac(1), 7, 4, 5000);
	assert_int_equal(fdb_find(fdb, mac(1), 7, 5000), 9);
	assert_int_equal(fdb_find(fdb, mac(1), 1, UINT64_MAX), 9);
	/* More fixed addresses in a set than it has places. */
	found = 0;
	for (unsigned i = 0; i < 5000 && found == 0; i++) {
		address[1] = 2;
		address[4] = (uint8_t)(i >> 8);
		address[5] = (uint8_t)i;
		found = fdb_fix(fdb, address, 0, 1) == VMM_ERR_NOMEM;
	}
	assert_int_equal(found, 1);
	free(fdb);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_goes_to_its_address_and_nowhere_else),
		cmocka_unit_test(broadcasts_go_to_all_others),
		cmocka_unit_test(an_unknown_address_is_looked_for_where_it_may_be),
		cmocka_unit_test(addresses_are_learned_and_forgotten),
		cmocka_unit_test(nobody_takes_anothers_name),
		cmocka_unit_test(nobody_lies_in_arp_either),
		cmocka_unit_test(the_bridge_group_stays_here),
		cmocka_unit_test(access_ports_are_in_one_vlan),
		cmocka_unit_test(an_access_port_hides_no_tag),
		cmocka_unit_test(trunks_speak_by_tags),
		cmocka_unit_test(a_slow_port_loses_its_own_frames),
		cmocka_unit_test(a_rate_holds_a_port_and_loses_nothing),
		cmocka_unit_test(a_storm_is_cut),
		cmocka_unit_test(large_packets_pass_where_they_are_taken),
		cmocka_unit_test(large_packets_are_cut_where_they_are_not),
		cmocka_unit_test(checksums_are_completed_where_they_are_not_taken),
		cmocka_unit_test(what_is_no_frame_is_dropped),
		cmocka_unit_test(a_port_is_added_whole_or_not),
		cmocka_unit_test(signals_are_asked_for_once_all_is_done),
		cmocka_unit_test(the_table_keeps_who_was_heard_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
