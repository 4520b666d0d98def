/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network switch. What it does is in vmm/backend/net/switch.h; here are its channels, its signals,
 * the time, and a line in the log when frames are dropped.
 *
 * Time is asked of the timer server only while there is traffic: a tick keeps the clock going, and one
 * that finds nothing moved since the last stops it. So an idle switch costs nothing.
 */
#include "app/lib/native.h"
#include "app/lib/probe.h"
#include "vmm/backend/net/switch.h"
#include "vmm/port/sel4/runtime.h"

enum {
	TICK_MS = 500,
	HELD_MS = 5, /* while a port has used its rate up */
};

static struct app {
	struct native native;
	struct net_switch sw;
	const struct vmm_channel *channel[SWITCH_PORTS];
	uint64_t reported[SWITCH_PORTS]; /* drops that the log knows of */
	uint64_t now;                    /* ms */
	bool ticking;
	bool due; /* the tick's time had come before it could be asked for: no signal will */
} app;

static struct netlink_region region_of(const struct vmm_region *region, bool dma)
{
	return (struct netlink_region){
		.data = (uint8_t *)region->vaddr,
		.size = region->size,
		.io_base = dma ? region->paddr : 0,
	};
}

/* Towards a VM we are the server: what it sends comes in. Towards the driver it is the other way. */
static struct netlink_config link_of(const struct vmm_channel *channel, bool uplink)
{
	const struct vmm_region *r = channel->region;
	unsigned in = uplink ? VMM_NET_RX_FREE : VMM_NET_TX_FREE;
	unsigned out = uplink ? VMM_NET_TX_FREE : VMM_NET_RX_FREE;

	for (unsigned i = VMM_NET_RX_FREE; i <= VMM_NET_TX_ACTIVE; i++)
		native_expect(r[i].size >= NETLINK_QUEUE_BYTES(VMM_NET_CAPACITY));
	return (struct netlink_config){
		.in_free = (void *)r[in].vaddr,
		.in_active = (void *)r[in + 1].vaddr,
		.out_free = (void *)r[out].vaddr,
		.out_active = (void *)r[out + 1].vaddr,
		.in_capacity = VMM_NET_CAPACITY,
		.out_capacity = VMM_NET_CAPACITY,
		.in = region_of(&r[uplink ? VMM_NET_RX_DATA : VMM_NET_TX_DATA], uplink),
		.out = region_of(&r[uplink ? VMM_NET_TX_DATA : VMM_NET_RX_DATA], uplink),
		.buffer_size = VMM_NET_BUFFER,
		.owner = uplink,
		.chains = !uplink,
	};
}

static void add_ports(struct app *a, uint32_t role)
{
	bool uplink = role == VMM_ROLE_CLIENT;
	const struct vmm_channel *channel;
	uint32_t at = 0;

	while ((channel = native_channel(&a->native, VMM_CHANNEL_NET, role, &at)) != NULL) {
		struct switch_port_config config = {
			.link = link_of(channel, uplink),
			.mac_count = uplink ? 0 : 1,
			.vlan = (uint16_t)channel->net.vlan,
			.trunk = uplink || channel->net.trunk != 0,
			.rate = channel->net.rate,
			.broadcast = channel->net.broadcast,
		};
		enum vmm_err err;

		for (unsigned i = 0; i < NET_MAC; i++)
			config.mac[0][i] = channel->net.mac[i];
		native_expect(a->sw.port_count < SWITCH_PORTS);
		a->channel[a->sw.port_count] = channel;
		err = switch_add(&a->sw, &config);
		if (err != VMM_OK)
			native_say(&a->native, "%s: no port: %s", channel->name, vmm_err_name(err));
	}
}

static void signal_all(struct app *a)
{
	for (uint32_t i = 0; i < a->sw.port_count; i++) {
		if (netlink_flush(&a->sw.port[i].link))
			seL4_Signal(a->channel[i]->notify);
	}
}

static void look_at_clock(struct app *a)
{
	uint64_t ticks = native_now(&a->native);

	a->now = ticks / (a->native.hz / 1000);
	a->due =
		native_alarm(&a->native, ticks + a->native.hz / 1000 *
							 (switch_held(&a->sw) ? HELD_MS : TICK_MS));
}

static void report(struct app *a, uint32_t index)
{
	static const char *const names[SWITCH_DROPS] = {
		[SWITCH_DROP_BAD] = "not frames",
		[SWITCH_DROP_VLAN] = "of other VLANs",
		[SWITCH_DROP_SPOOF] = "of others' names",
		[SWITCH_DROP_STORM] = "too many broadcasts",
		[SWITCH_DROP_NOWHERE] = NULL,
		[SWITCH_DROP_FULL] = "with no room",
		[SWITCH_DROP_SIZE] = "too long",
	};
	const struct switch_port *port = &a->sw.port[index];
	uint64_t total = 0;

	for (unsigned why = 0; why < SWITCH_DROPS; why++)
		total += names[why] != NULL ? port->stats.drops[why] : 0;
	if (total == a->reported[index])
		return;
	a->reported[index] = total;
	for (unsigned why = 0; why < SWITCH_DROPS; why++) {
		if (names[why] != NULL && port->stats.drops[why] > 0)
			native_say(&a->native, "%s: %lu frames dropped so far: %s",
				   a->channel[index]->name, (unsigned long)port->stats.drops[why],
				   names[why]);
	}
}

/* A tick: the clock, the log, and whether there is need for another one. */
static void tick(struct app *a, bool busy)
{
	a->due = false;
	a->ticking = busy || switch_held(&a->sw);
	if (a->ticking)
		look_at_clock(a);
	for (uint32_t i = 0; i < a->sw.port_count; i++)
		report(a, i);
}

void runtime_main(void *page, uint64_t thread)
{
	struct app *a = &app;
	unsigned rounds = 0;
	bool busy = false;

	native_init(&a->native, page, thread);
	native_expect(a->native.hz >= 1000);
	switch_init(&a->sw);
	add_ports(a, VMM_ROLE_SERVER);
	add_ports(a, VMM_ROLE_CLIENT);
	signal_all(a);
	for (;;) {
		bool any = switch_poll(&a->sw, a->now);

		rounds += any;
		probe(a->sw.port[0].link.life, any, rounds);
		signal_all(a);
		if (any && !a->ticking) {
			a->ticking = true;
			look_at_clock(a);
		}
		busy |= any;
		if (any || switch_wait(&a->sw))
			continue;
		signal_all(a); /* a peer may have to hear that we have seen it start again */
		if (switch_held(&a->sw))
			look_at_clock(a);
		if (a->due || (native_wait(&a->native) & VMM_NATIVE_BADGE_TIMER) != 0) {
			tick(a, busy);
			busy = false;
		}
	}
}
