// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/netpair.h"

struct netlink_config netpair_owner(struct netpair *pair, bool chains)
{
	return (struct netlink_config){
		.in_active = &pair->rx_active,
		.in_free = &pair->rx_free,
		.out_active = &pair->tx_active,
		.out_free = &pair->tx_free,
		.in_capacity = NETPAIR_CAPACITY,
		.out_capacity = NETPAIR_CAPACITY,
		.in = { .data = pair->rx_data, .size = NETPAIR_BYTES },
		.out = { .data = pair->tx_data, .size = NETPAIR_BYTES },
		.buffer_size = NETPAIR_BUFFER,
		.owner = true,
		.chains = chains,
	};
}

struct netlink_config netpair_peer(struct netpair *pair, bool chains)
{
	struct netlink_config owner = netpair_owner(pair, chains);

	return (struct netlink_config){
		.in_active = owner.out_active,
		.in_free = owner.out_free,
		.out_active = owner.in_active,
		.out_free = owner.in_free,
		.in_capacity = owner.out_capacity,
		.out_capacity = owner.in_capacity,
		.in = owner.out,
		.out = owner.in,
		.buffer_size = NETPAIR_BUFFER,
		.chains = chains,
	};
}

uint32_t netpair_flatten(const struct netlink_frame *frame, uint8_t *to)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < frame->piece_count; i++) {
		memcpy(to + len, frame->bytes[i], frame->lens[i]);
		len += frame->lens[i];
	}
	return len;
}
