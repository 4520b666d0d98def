// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/dev/virtio/net_filter.h"

#include <string.h>

enum {
	ETH_TYPE = 12,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	VLAN_MASK = 0xfff,
	IPV4_FRAGMENT = 6,
	IPV4_PROTOCOL = 9,
	IPV4_ADDRESSES = 12,
	IPV6_NEXT = 6,
	IPV6_ADDRESSES = 8,
	IPV6_BYTES = 40,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PORTS = 4,
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

void net_filter_init(struct net_filter *filter, bool control, bool vlan)
{
	*filter = (struct net_filter){ .vlan = vlan };
	filter->mode[NET_FILTER_PROMISC] = !control;
}

bool net_filter_vlan(struct net_filter *filter, uint16_t vlan, bool add)
{
	uint32_t bit = UINT32_C(1) << vlan % 32;

	if (vlan >= NET_FILTER_VLANS)
		return false;
	if (add)
		filter->vlans[vlan / 32] |= bit;
	else
		filter->vlans[vlan / 32] &= ~bit;
	return true;
}

static bool listed(const struct net_filter_macs *macs, const uint8_t *mac)
{
	for (uint32_t i = 0; i < macs->count; i++) {
		if (memcmp(macs->mac[i], mac, NET_MAC) == 0)
			return true;
	}
	return macs->overflow;
}

bool net_filter_is_tagged(const uint8_t *head, size_t len)
{
	return len >= ETH_TYPE + 4 && get16(head + ETH_TYPE) == TYPE_VLAN;
}

static bool vlan_passes(const struct net_filter *filter, const uint8_t *head, size_t len)
{
	uint16_t vlan;

	if (!filter->vlan || !net_filter_is_tagged(head, len))
		return true;
	vlan = get16(head + ETH_TYPE + 2) & VLAN_MASK;
	return (filter->vlans[vlan / 32] >> vlan % 32 & 1U) != 0;
}

bool net_filter_passes(const struct net_filter *filter, const uint8_t mac[NET_MAC],
		       const uint8_t *head, size_t len)
{
	static const uint8_t broadcast[NET_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!vlan_passes(filter, head, len))
		return false;
	if (filter->mode[NET_FILTER_PROMISC])
		return true;
	if (len < NET_MAC)
		return false;
	if (memcmp(head, broadcast, NET_MAC) == 0)
		return !filter->mode[NET_FILTER_NOBCAST];
	if ((head[0] & 1) != 0)
		return !filter->mode[NET_FILTER_NOMULTI] &&
		       (filter->mode[NET_FILTER_ALLMULTI] || listed(&filter->multicast, head));
	return !filter->mode[NET_FILTER_NOUNI] &&
	       (filter->mode[NET_FILTER_ALLUNI] || memcmp(head, mac, NET_MAC) == 0 ||
		listed(&filter->unicast, head));
}

/* Sums are the same whichever end's address or port comes first. */
static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 2 <= len; i += 2)
		sum += get16(bytes + i);
	return sum;
}

uint32_t net_flow(const uint8_t *head, size_t len)
{
	const uint8_t *ip = head + NET_ETH_HEADER;
	size_t left = len < NET_ETH_HEADER ? 0 : len - NET_ETH_HEADER;
	uint16_t type = left > 0 ? get16(head + ETH_TYPE) : 0;
	size_t ports, addresses, addresses_len;
	uint8_t protocol;

	if (type == TYPE_IPV4 && left > IPV4_ADDRESSES + 8) {
		if ((get16(ip + IPV4_FRAGMENT) & 0x3fff) != 0)
			return 0;
		protocol = ip[IPV4_PROTOCOL];
		addresses = IPV4_ADDRESSES;
		addresses_len = 8;
		ports = (ip[0] & 15U) * 4;
	} else if (type == TYPE_IPV6 && left > IPV6_BYTES) {
		protocol = ip[IPV6_NEXT];
		addresses = IPV6_ADDRESSES;
		addresses_len = 32;
		ports = IPV6_BYTES;
	} else {
		return 0;
	}
	if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || ports + PORTS > left)
		return 0;
	/* Fibonacci hashing spreads neighbouring sums. */
	return add_up(add_up(protocol, ip + addresses, addresses_len), ip + ports, PORTS) *
	       UINT32_C(2654435769);
}
