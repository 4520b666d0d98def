// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/net_stack.h"

#include <stdlib.h>

#include "vmm/base/util.h"

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	(void)up;
}

uint64_t net_stack_paddr(const struct net_stack *s, const void *at)
{
	return NET_STACK_PADDR + (uint64_t)((const uint8_t *)at - (const uint8_t *)s->memory);
}

enum vmm_err net_stack_open(struct net_stack *s, size_t dma_size)
{
	struct net_stack_memory *memory = s->memory;
	struct netpair *pair = &memory->pair;

	return netdrv_open(&s->driver,
			   &(struct netdrv_setup){
				   .ops = s->ops,
				   .page = vdrv_model_page,
				   .page_size = sizeof(vdrv_model_page),
				   .dma = memory->dma,
				   .dma_paddr = net_stack_paddr(s, memory->dma),
				   .dma_size = dma_size,
				   .rx_free = &pair->rx_free,
				   .rx_active = &pair->rx_active,
				   .tx_free = &pair->tx_free,
				   .tx_active = &pair->tx_active,
				   .capacity = NETPAIR_CAPACITY,
				   .rx_data = { net_stack_paddr(s, pair->rx_data), NETPAIR_BYTES },
				   .tx_data = { net_stack_paddr(s, pair->tx_data), NETPAIR_BYTES },
			   });
}

int net_stack_open_client(struct net_stack *s)
{
	struct netlink_config config = netpair_owner(&s->memory->pair, false);

	config.in.io_base = net_stack_paddr(s, s->memory->pair.rx_data);
	config.out.io_base = net_stack_paddr(s, s->memory->pair.tx_data);
	return netlink_init(&s->client, &config) == VMM_OK ? 0 : -1;
}

int net_stack_begin(struct net_stack *s)
{
	size_t size = align_up(sizeof(*s->memory), NET_STACK_PAGE);

	memset(s, 0, sizeof(*s));
	s->ops = &vdrv_model_ops;
	s->memory = aligned_alloc(NET_STACK_PAGE, size);
	s->wire = malloc(sizeof(*s->wire));
	if (s->memory == NULL || s->wire == NULL)
		return -1;
	memset(s->memory, 0, size);
	memset(s->memory->secret, 0x5a, sizeof(s->memory->secret));
	if (gmem_add(&s->gmem, NET_STACK_PADDR, (uint64_t)(uintptr_t)s->memory, size) != VMM_OK)
		return -1;
	net_memory_init(s->wire, 0, false);
	virtio_net_init(&s->model, &(struct virtio_setup){ .name = "host", .gmem = &s->gmem },
			&(struct virtio_net_params){
				.backend = &s->wire->backend,
				.mac = { 0x52, 0x54, 0, 1, 2, 3 },
				.mtu = 1500,
				.pairs = 1,
			});
	virtio_mmio_init(&s->mmio, &s->model.vd, irq, NULL, NULL);
	vdrv_model_set(&s->mmio, 0);
	return net_stack_open_client(s);
}

int net_stack_finish(struct net_stack *s)
{
	free(s->memory);
	free(s->wire);
	return 0;
}

const uint8_t *net_stack_contents(uint32_t len)
{
	static uint8_t bytes[NETDRV_FRAME_MAX];

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 3 + len);
	return bytes;
}

bool net_stack_send(struct net_stack *s, uint32_t len)
{
	if (!netlink_out(&s->client, NULL, len))
		return false;
	netlink_put(&s->client, net_stack_contents(len), len);
	netlink_send(&s->client);
	return true;
}

bool net_stack_sent(struct net_stack *s, uint32_t len)
{
	const struct net_memory_frame *out = net_memory_drain(s->wire);

	return out != NULL && out->len == len &&
	       memcmp(out->bytes, net_stack_contents(len), len) == 0;
}

bool net_stack_arrive(struct net_stack *s, uint32_t len)
{
	static const struct net_hdr none;
	bool room = net_memory_feed(s->wire, &none, net_stack_contents(len), len);

	virtio_event(&s->model.vd, 0);
	return room;
}

bool net_stack_received(struct net_stack *s, uint32_t len)
{
	uint8_t got[NETDRV_BUFFER];
	bool same;

	if (!netlink_in(&s->client, &s->frame))
		return false;
	same = s->frame.len == len && netpair_flatten(&s->frame, got) == len &&
	       memcmp(got, net_stack_contents(len), len) == 0;
	netlink_in_drop(&s->client, &s->frame);
	return same;
}
