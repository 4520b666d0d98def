// SPDX-License-Identifier: BSD-2-Clause
/*
 * Everything is decided on the copy of the frame's first bytes that is then sent on (forward.h): a
 * sender that changes its buffer after the checks changes nothing that was checked.
 */
#include "vmm/backend/net/switch.h"

#include <string.h>

#include "vmm/backend/net/forward.h"
#include "vmm/base/util.h"

enum {
	ETH_TYPE = 12,
	TYPE_VLAN = 0x8100,
	TYPE_ARP = 0x0806,
	VLAN_MASK = 0xfff,
	ARP_SENDER = 8, /* hardware address; RFC 826: behind types, lengths and operation */
	ARP_BYTES = 28,
	MS = 1000, /* in a second */
	/* A bucket holds what its rate gives in so many ms, and at least so many bytes or frames. */
	BURST_MS = 100,
	BURST_BYTES = 128 * 1024,
	BURST_FRAMES = 16,
};

/* A frame on its way through. */
struct passage {
	struct forward forward;
	unsigned from;
	uint16_t vlan;
	uint16_t priority; /* the bits of a tag above the VLAN */
	bool tagged;
	bool group; /* broadcast or multicast */
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/*
 * Rates.
 */

static struct switch_bucket bucket_of(uint64_t rate, uint64_t least)
{
	uint64_t depth = rate / MS * BURST_MS;

	depth = depth < least ? least : depth;
	return (struct switch_bucket){
		.rate = rate,
		.depth = depth,
		.level = (int64_t)(depth * MS),
	};
}

static void fill(struct switch_bucket *bucket, uint64_t now)
{
	uint64_t ms = now - bucket->filled, full = bucket->depth * MS;

	bucket->filled = now;
	/* Longer than it takes to fill it from far below: no product overflows. */
	if (ms >= MS * 3600 || bucket->rate * ms >= (uint64_t)((int64_t)full - bucket->level))
		bucket->level = (int64_t)full;
	else
		bucket->level += (int64_t)(bucket->rate * ms);
}

static bool has_some(const struct switch_bucket *bucket)
{
	return bucket->rate == 0 || bucket->level > 0;
}

/* May go below zero by one frame: a limit on the average, which no long frame is stopped by for ever. */
static void take(struct switch_bucket *bucket, uint64_t amount)
{
	if (bucket->rate != 0)
		bucket->level -= (int64_t)(amount * MS);
}

/*
 * Ports.
 */

void switch_init(struct net_switch *sw)
{
	memset(sw, 0, sizeof(*sw));
}

static void unfix(struct net_switch *sw, uint8_t port)
{
	for (unsigned set = 0; set < FDB_SETS; set++) {
		for (unsigned way = 0; way < FDB_WAYS; way++) {
			struct fdb_entry *entry = &sw->fdb.entry[set][way];

			if (entry->used && entry->port == port)
				*entry = (struct fdb_entry){ .used = false };
		}
	}
}

enum vmm_err switch_add(struct net_switch *sw, const struct switch_port_config *config)
{
	struct switch_port *port = &sw->port[sw->port_count];
	uint8_t number = (uint8_t)sw->port_count;
	enum vmm_err err;

	if (sw->port_count == SWITCH_PORTS)
		return VMM_ERR_NOMEM;
	if (config->mac_count > SWITCH_MACS || config->vlan >= SWITCH_VLANS ||
	    config->rate > UINT32_MAX * UINT64_C(256) || config->broadcast > UINT32_MAX)
		return VMM_ERR_RANGE;
	*port = (struct switch_port){
		.mac_count = config->mac_count,
		.vlan = config->vlan,
		.trunk = config->trunk,
		.rate = bucket_of(config->rate, BURST_BYTES),
		.broadcast = bucket_of(config->broadcast, BURST_FRAMES),
	};
	for (uint32_t i = 0; i < config->mac_count; i++) {
		memcpy(port->mac[i], config->mac[i], NET_MAC);
		err = (port->mac[i][0] & 1) != 0
			      ? VMM_ERR_INVALID
			      : fdb_fix(&sw->fdb, port->mac[i],
					port->trunk ? FDB_ANY_VLAN : port->vlan, number);
		if (err != VMM_OK)
			goto unfix;
	}
	err = netlink_init(&port->link, &config->link);
	if (err != VMM_OK)
		goto unfix;
	netlink_tell(&port->link, NET_OFFLOAD_ALL, true);
	sw->port_count++;
	return VMM_OK;

unfix:
	unfix(sw, number);
	return err;
}

/*
 * What may come in.
 */

/* The frame's VLAN. False: it has none here. */
static bool classify(const struct switch_port *port, struct passage *p)
{
	const uint8_t *head = p->forward.head;
	uint16_t tci = 0;

	p->tagged = get16(head + ETH_TYPE) == TYPE_VLAN;
	if (p->tagged) {
		if (p->forward.head_len < NET_ETH_HEADER + FORWARD_TAG)
			return false;
		tci = get16(head + NET_ETH_HEADER);
	}
	p->priority = (uint16_t)(tci & ~VLAN_MASK);
	p->vlan = tci & VLAN_MASK;
	if (p->vlan == 0) /* untagged, or a tag that gives a priority only (802.1Q, 9.6) */
		p->vlan = port->vlan;
	else if (!port->trunk)
		return false;
	/* A tag behind the one that is taken out would name a VLAN where this one goes without. */
	if (!port->trunk && p->tagged && get16(head + ETH_TYPE + FORWARD_TAG) == TYPE_VLAN)
		return false;
	return p->vlan < SWITCH_VLANS;
}

static bool owns(const struct switch_port *port, const uint8_t *mac)
{
	for (uint32_t i = 0; i < port->mac_count; i++) {
		if (memcmp(port->mac[i], mac, NET_MAC) == 0)
			return true;
	}
	return false;
}

static bool source_ok(const struct switch_port *port, const struct passage *p)
{
	const uint8_t *head = p->forward.head, *source = head + NET_MAC;
	uint32_t type = ETH_TYPE + (p->tagged ? FORWARD_TAG : 0U);

	if ((source[0] & 1) != 0)
		return false;
	if (port->mac_count == 0)
		return true;
	if (!owns(port, source))
		return false;
	if (get16(head + type) != TYPE_ARP)
		return true;
	return p->forward.head_len >= type + 2 + ARP_BYTES &&
	       owns(port, head + type + 2 + ARP_SENDER);
}

/* 01-80-C2-00-00-00 to -0F: for the nearest bridge, which does not care. */
static bool reserved(const uint8_t *mac)
{
	static const uint8_t prefix[NET_MAC - 1] = { 0x01, 0x80, 0xc2, 0, 0 };

	return memcmp(mac, prefix, sizeof(prefix)) == 0 && mac[NET_MAC - 1] < 16;
}

/* True if the frame may pass; else it is counted. */
static bool admit(struct net_switch *sw, struct switch_port *port, struct passage *p,
		  const struct netlink_frame *frame)
{
	enum switch_drop why;

	p->forward.hdr = frame->hdr;
	p->forward.hdr.flags &= NET_HDR_F_NEEDS_CSUM; /* "valid" is not a sender's to say */
	why = SWITCH_DROP_BAD;
	if (frame->len < NET_ETH_HEADER ||
	    !net_hdr_ok(&p->forward.hdr, frame->len, NET_OFFLOAD_ALL))
		goto drop;
	forward_init(&p->forward, frame);
	why = SWITCH_DROP_VLAN;
	if (!classify(port, p))
		goto drop;
	why = SWITCH_DROP_SPOOF;
	if (!source_ok(port, p))
		goto drop;
	p->group = (p->forward.head[0] & 1) != 0;
	why = SWITCH_DROP_NOWHERE;
	if (reserved(p->forward.head))
		goto drop;
	why = SWITCH_DROP_STORM;
	if (p->group) {
		fill(&port->broadcast, sw->now);
		if (!has_some(&port->broadcast))
			goto drop;
		take(&port->broadcast, 1);
	}
	return true;

drop:
	port->stats.drops[why]++;
	return false;
}

/*
 * Where it goes.
 */

static void deliver(const struct passage *p, struct switch_port *to)
{
	bool tag = to->trunk && p->vlan != to->vlan;
	struct forward_tag change = {
		.strip = p->tagged,
		.insert = tag,
		.tci = (uint16_t)(p->priority | p->vlan),
	};

	switch (forward_send(&p->forward, &to->link, netlink_told(&to->link).takes, &change)) {
	case FORWARD_SENT:
		to->stats.tx_frames++;
		to->stats.tx_bytes += p->forward.frame->len;
		break;
	case FORWARD_FULL:
		to->stats.drops[SWITCH_DROP_FULL]++;
		break;
	case FORWARD_SIZE:
		to->stats.drops[SWITCH_DROP_SIZE]++;
		break;
	}
}

/* VLAN 0 is the one of frames that have none: no tag can say it. */
static bool member(const struct switch_port *port, uint16_t vlan)
{
	return port->vlan == vlan || (port->trunk && vlan != 0);
}

/* To everybody, or to everybody who may have an address that nobody has fixed. */
static bool flood(struct net_switch *sw, const struct passage *p)
{
	bool any = false;

	for (unsigned i = 0; i < sw->port_count; i++) {
		struct switch_port *to = &sw->port[i];

		if (i == p->from || !member(to, p->vlan) || (!p->group && to->mac_count > 0))
			continue;
		deliver(p, to);
		any = true;
	}
	return any;
}

static bool dispatch(struct net_switch *sw, const struct passage *p)
{
	const uint8_t *to = p->forward.head;
	int port;

	if (p->group)
		return flood(sw, p);
	port = fdb_find(&sw->fdb, to, p->vlan, sw->now);
	if (port < 0)
		return flood(sw, p);
	if ((unsigned)port == p->from || !member(&sw->port[port], p->vlan))
		return false;
	deliver(p, &sw->port[port]);
	return true;
}

static void handle(struct net_switch *sw, unsigned from, const struct netlink_frame *frame)
{
	struct switch_port *port = &sw->port[from];
	struct passage p = { .from = from };

	port->stats.rx_frames++;
	port->stats.rx_bytes += frame->len;
	take(&port->rate, frame->len);
	if (!admit(sw, port, &p, frame))
		return;
	if (port->mac_count == 0)
		fdb_learn(&sw->fdb, p.forward.head + NET_MAC, p.vlan, (uint8_t)from, sw->now);
	if (!dispatch(sw, &p))
		port->stats.drops[SWITCH_DROP_NOWHERE]++;
}

static bool poll_port(struct net_switch *sw, unsigned index)
{
	struct switch_port *port = &sw->port[index];
	struct netlink_frame frame;
	unsigned count = 0;

	fill(&port->rate, sw->now);
	port->held = !has_some(&port->rate);
	while (!port->held && count < SWITCH_BATCH && netlink_in(&port->link, &frame)) {
		handle(sw, index, &frame);
		netlink_in_drop(&port->link, &frame);
		port->held = !has_some(&port->rate);
		count++;
	}
	return count > 0;
}

bool switch_poll(struct net_switch *sw, uint64_t now)
{
	bool any = false;

	sw->now = now;
	for (unsigned i = 0; i < sw->port_count; i++)
		any |= poll_port(sw, i);
	return any;
}

bool switch_wait(struct net_switch *sw)
{
	bool any = false;

	for (unsigned i = 0; i < sw->port_count; i++) {
		if (!sw->port[i].held)
			any |= netlink_in_wait(&sw->port[i].link);
	}
	return any;
}

bool switch_held(const struct net_switch *sw)
{
	for (unsigned i = 0; i < sw->port_count; i++) {
		if (sw->port[i].held)
			return true;
	}
	return false;
}
