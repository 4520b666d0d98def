// SPDX-License-Identifier: BSD-2-Clause
/*
 * A command is a class, a number, and what belongs to it; the answer is one byte behind it. What is
 * unknown, cut short or out of range is refused by that byte and changes nothing.
 */
#include "vmm/dev/virtio/net_control.h"

#include <string.h>

#include "vmm/base/util.h"

enum {
	CLASS_RX = 0,
	CLASS_MAC = 1,
	CLASS_VLAN = 2,
	CLASS_ANNOUNCE = 3,
	CLASS_MQ = 4,
	MAC_TABLE_SET = 0,
	MAC_ADDR_SET = 1,
	VLAN_ADD = 0,
	VLAN_DEL = 1,
	ANNOUNCE_ACK = 0,
	MQ_PAIRS_SET = 0,
	ACK_OK = 0,
	ACK_ERR = 1,
	COMMAND_HEAD = 2,
};

/* A command's data: a reader over the chain. */
struct command {
	const struct virtq_chain *chain;
	uint64_t at;
	uint8_t class, number;
};

static bool take(struct command *command, void *to, size_t len)
{
	if (virtq_read(command->chain, command->at, to, len) != len)
		return false;
	command->at += len;
	return true;
}

static bool set_mode(struct virtio_net *net, struct command *command)
{
	uint8_t on;

	if (command->number >= NET_FILTER_MODES || !take(command, &on, sizeof(on)) || on > 1)
		return false;
	net->filter.mode[command->number] = on != 0;
	return true;
}

static bool take_macs(struct command *command, struct net_filter_macs *macs)
{
	uint32_t entries;

	*macs = (struct net_filter_macs){ .count = 0 };
	if (!take(command, &entries, sizeof(entries)))
		return false;
	/* What does not fit is not looked at, but must be there. */
	if ((uint64_t)entries * NET_MAC > command->chain->readable_len - command->at)
		return false;
	macs->overflow = entries > NET_FILTER_MACS;
	macs->count = macs->overflow ? NET_FILTER_MACS : entries;
	if (!take(command, macs->mac, (size_t)macs->count * NET_MAC))
		return false;
	command->at += (uint64_t)(entries - macs->count) * NET_MAC;
	return true;
}

static bool set_macs(struct virtio_net *net, struct command *command)
{
	struct net_filter_macs unicast, multicast; /* 0.4 KiB */

	if (!take_macs(command, &unicast) || !take_macs(command, &multicast))
		return false;
	net->filter.unicast = unicast;
	net->filter.multicast = multicast;
	return true;
}

static bool set_mac(struct virtio_net *net, struct command *command)
{
	uint8_t mac[NET_MAC];

	if (!take(command, mac, sizeof(mac)))
		return false;
	memcpy(net->config.mac, mac, sizeof(mac));
	virtio_config_set(&net->vd);
	return true;
}

static bool set_vlan(struct virtio_net *net, struct command *command)
{
	uint16_t vlan;

	return command->number <= VLAN_DEL && take(command, &vlan, sizeof(vlan)) &&
	       net_filter_vlan(&net->filter, vlan, command->number == VLAN_ADD);
}

static bool set_pairs(struct virtio_net *net, struct command *command)
{
	uint16_t pairs;

	if (!take(command, &pairs, sizeof(pairs)) || pairs == 0 ||
	    pairs > net->config.max_virtqueue_pairs)
		return false;
	net->pairs = pairs;
	return true;
}

static bool carry_out(struct virtio_net *net, struct command *command)
{
	switch (command->class) {
	case CLASS_RX:
		return set_mode(net, command);
	case CLASS_MAC:
		if (command->number == MAC_TABLE_SET)
			return set_macs(net, command);
		return command->number == MAC_ADDR_SET && set_mac(net, command);
	case CLASS_VLAN:
		return set_vlan(net, command);
	case CLASS_ANNOUNCE:
		if (command->number != ANNOUNCE_ACK)
			return false;
		net->config.status &= (uint16_t)~VIRTIO_NET_S_ANNOUNCE;
		virtio_config_set(&net->vd);
		return true;
	case CLASS_MQ:
		return command->number == MQ_PAIRS_SET && set_pairs(net, command);
	default:
		return false;
	}
}

void net_control(struct virtio_net *net, unsigned queue)
{
	struct virtio_dev *vd = &net->vd;
	struct virtq_chain chain;

	do {
		virtq_kicks_off(vd, queue);
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			struct command command = { .chain = &chain };
			uint8_t head[COMMAND_HEAD], ack = ACK_ERR;

			if (take(&command, head, sizeof(head))) {
				command.class = head[0];
				command.number = head[1];
				ack = carry_out(net, &command) ? ACK_OK : ACK_ERR;
			}
			virtq_push(vd, queue, chain.token,
				   (uint32_t)virtq_write(&chain, 0, &ack, sizeof(ack)));
		}
	} while (virtq_kicks_on(vd, queue));
	virtq_notify(vd, queue);
}
