/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native network driver on top of our own model of the device, and a client as the switch is one: DMA
 * addresses in the entries, buffers that go round. One a test program; the parts are there to be looked at.
 */
#pragma once

#include "test/support/netpair.h"
#include "test/support/vdrv_model.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/virtio/net.h"
#include "vmm/driver/virtio/net.h"

enum { NET_STACK_PAGE = 0x1000, NET_STACK_DMA = 64 * 1024 };

#define NET_STACK_PADDR UINT64_C(0x60000000)

/* The machine's memory, of which the client has the pair's two regions, and the driver the rest. */
struct net_stack_memory {
	struct netpair pair;
	_Alignas(NET_STACK_PAGE) uint8_t dma[NET_STACK_DMA];
	uint8_t secret[NETDRV_BUFFER];
};

struct net_stack {
	struct net_stack_memory *memory;
	struct virtio_net model;
	struct virtio_mmio mmio;
	struct gmem gmem;
	struct net_memory *wire; /* the device's other side */
	struct netdrv driver;
	/* the driver's way to the device: vdrv_model_ops, if not changed */
	const struct vdrv_ops *ops;
	struct netlink client;
	struct netlink_frame frame;
};

/** A machine in which nobody runs but the client, in its first life; and its end. 0, as cmocka wants it. */
int net_stack_begin(struct net_stack *s);
int net_stack_finish(struct net_stack *s);

uint64_t net_stack_paddr(const struct net_stack *s, const void *at);

/** Starts a driver, or a client, in the memory of the former. */
enum vmm_err net_stack_open(struct net_stack *s, size_t dma_size);
int net_stack_open_client(struct net_stack *s);

/** What a frame of this length contains. */
const uint8_t *net_stack_contents(uint32_t len);

/** The client sends a frame of this length; one is on the wire; one comes; the client has one. */
bool net_stack_send(struct net_stack *s, uint32_t len);
bool net_stack_sent(struct net_stack *s, uint32_t len);
bool net_stack_arrive(struct net_stack *s, uint32_t len);
bool net_stack_received(struct net_stack *s, uint32_t len);
