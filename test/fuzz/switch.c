/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch with a hostile VM at port 0, beside two honest ones (1, 2) and the uplink (3). The hostile
 * one writes anything into its queues and data, and sends frames with headers of its choice.
 *
 * What must hold: nothing outside the regions is touched (the sanitizer watches); what comes out at
 * another port came from an address that port 0 may use; a frame between the honest ones always arrives,
 * as it was sent, however full the hostile one's queues are.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/netpair.h"
#include "vmm/backend/net/switch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORTS = 4, UPLINK = 3, POLLS = 64 };

struct world {
	struct net_switch sw;
	struct netpair pair[PORTS];
	struct netlink client[PORTS];
	uint8_t got[NET_FRAME_MAX + 64];
	uint64_t now;
};

static const uint8_t macs[3][NET_MAC] = { { 2, 0, 0, 0, 0, 0 },
					  { 2, 0, 0, 0, 0, 1 },
					  { 2, 0, 0, 0, 0, 2 } };

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void add_port(struct world *w, unsigned i, uint8_t kind)
{
	struct switch_port_config config = { .mac_count = i != UPLINK };
	struct netlink_config other;

	config.link =
		i == UPLINK ? netpair_owner(&w->pair[i], false) : netpair_peer(&w->pair[i], true);
	other = i == UPLINK ? netpair_peer(&w->pair[i], false) : netpair_owner(&w->pair[i], true);
	if (i != UPLINK)
		memcpy(config.mac[0], macs[i], NET_MAC);
	if (i == 0) {
		config.trunk = (kind & 1) != 0;
		config.vlan = (kind & 2) != 0 ? 7 : 0;
		config.rate = (kind & 4) != 0 ? 100000 : 0;
		config.broadcast = (kind & 8) != 0 ? 10 : 0;
	}
	config.trunk |= i == UPLINK;
	require(switch_add(&w->sw, &config) == VMM_OK);
	require(netlink_init(&w->client[i], &other) == VMM_OK);
	if ((kind & 16) != 0 && i != UPLINK)
		netlink_tell(&w->client[i], NET_OFFLOAD_ALL, true);
}

/* Empties a port; the source of every frame must be one of those. */
static unsigned drain(struct world *w, unsigned port, const uint8_t *expected, uint32_t len)
{
	struct netlink_frame frame;
	unsigned seen = 0;

	while (netlink_in(&w->client[port], &frame)) {
		require(netpair_flatten(&frame, w->got) == frame.len && frame.len >= 14);
		require(memcmp(w->got + NET_MAC, macs[0], NET_MAC) == 0 ||
			memcmp(w->got + NET_MAC, macs[1], NET_MAC) == 0);
		seen += expected != NULL && frame.len == len && memcmp(w->got, expected, len) == 0;
		netlink_in_drop(&w->client[port], &frame);
	}
	return seen;
}

static void poll(struct world *w)
{
	/* A hostile port cannot keep the switch busy beyond what its queue holds. */
	for (unsigned i = 0; i < POLLS && switch_poll(&w->sw, w->now); i++)
		;
	(void)switch_wait(&w->sw);
	for (unsigned i = 0; i < PORTS; i++)
		(void)netlink_flush(&w->sw.port[i].link);
}

static void honest(struct world *w)
{
	uint8_t frame[100];

	drain(w, 2, NULL, 0);
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i ^ w->now);
	memcpy(frame, macs[2], NET_MAC);
	memcpy(frame + NET_MAC, macs[1], NET_MAC);
	frame[12] = 0x88;
	require(netlink_out(&w->client[1], NULL, sizeof(frame)));
	netlink_put(&w->client[1], frame, sizeof(frame));
	netlink_send(&w->client[1]);
	poll(w);
	/* Port 0 may have filled port 2 in the same poll; then, and only then, it may be missing. */
	if (drain(w, 2, frame, sizeof(frame)) != 1)
		require(w->sw.port[2].stats.drops[SWITCH_DROP_FULL] > 0);
	drain(w, UPLINK, NULL, 0);
}

/* A frame of the hostile VM's, with contents from the input. */
static void send(struct world *w, struct input *in)
{
	struct net_hdr hdr = { 0 };
	uint8_t kind = input_u8(in), head[80];
	uint32_t len = 1 + (uint32_t)input_bytes(in, 2) % ((kind & 1) != 0 ? 70000 : 200);

	for (unsigned i = 0; i < sizeof(head); i++)
		head[i] = input_u8(in);
	if ((kind & 2) != 0)
		memcpy(head + NET_MAC, macs[0], NET_MAC);
	if ((kind & 4) != 0)
		memcpy(head, macs[1 + (kind >> 7)], NET_MAC);
	hdr.flags = (uint8_t)input_bytes(in, 1);
	hdr.gso_type = (uint8_t)input_bytes(in, 1);
	hdr.gso_size = (uint16_t)input_bytes(in, 2);
	hdr.csum_start = (uint16_t)input_bytes(in, 1);
	hdr.csum_offset = (uint16_t)input_bytes(in, 1);
	if (len > NET_FRAME_MAX || !netlink_out(&w->client[0], (kind & 8) != 0 ? &hdr : NULL, len))
		return;
	for (uint32_t at = 0, n; at < len; at += n) {
		n = len - at < sizeof(head) ? len - at : sizeof(head);
		netlink_put(&w->client[0], head, n);
	}
	netlink_send(&w->client[0]);
}

static void interfere(struct world *w, struct input *in)
{
	struct netpair_queue *queues[4] = { &w->pair[0].rx_free, &w->pair[0].rx_active,
					    &w->pair[0].tx_free, &w->pair[0].tx_active };
	uint8_t *queue = (uint8_t *)queues[input_u8(in) % 4];

	queue[input_bytes(in, 2) % sizeof(struct netpair_queue)] = input_u8(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *w;
	struct input in = { data, size };
	uint8_t kind = input_u8(&in);

	if (w == NULL)
		w = malloc(sizeof(*w));
	require(w != NULL);
	memset(w, 0, offsetof(struct world, got));
	w->now = 0;
	for (unsigned i = 0; i < PORTS; i++)
		add_port(w, i, kind);
	while (in.left > 0) {
		switch (input_u8(&in) % 6) {
		case 0:
			interfere(w, &in);
			break;
		case 1:
		case 2:
			send(w, &in);
			break;
		case 3:
			w->now += input_u8(&in);
			poll(w);
			break;
		case 4:
			drain(w, 1, NULL, 0);
			drain(w, UPLINK, NULL, 0);
			break;
		default:
			honest(w);
			break;
		}
	}
	honest(w);
	return 0;
}
