// SPDX-License-Identifier: BSD-2-Clause
/* A network in memory: one ring of frames a direction, or one for both. */
#include <string.h>

#include "vmm/backend/net/net.h"
#include "vmm/base/util.h"

static struct net_memory *memory_of(struct net_backend *backend)
{
	return container_of(backend, struct net_memory, backend);
}

static struct net_memory_ring *sends_to(struct net_memory *memory)
{
	return memory->loopback ? &memory->in : &memory->out;
}

static struct net_memory_frame *last_of(struct net_memory_ring *ring)
{
	return &ring->frame[(ring->first + ring->count) % NET_MEMORY_FRAMES];
}

static void drop_first(struct net_memory_ring *ring)
{
	ring->first = (ring->first + 1) % NET_MEMORY_FRAMES;
	ring->count--;
}

static void memory_accept(struct net_backend *backend, uint32_t offloads)
{
	memory_of(backend)->accepts = offloads;
}

static bool memory_link_up(struct net_backend *backend)
{
	return container_of(backend, const struct net_memory, backend)->up;
}

static bool memory_tx_begin(struct net_backend *backend, const struct net_hdr *hdr, uint32_t len)
{
	struct net_memory *memory = memory_of(backend);
	struct net_memory_ring *ring = sends_to(memory);
	struct net_memory_frame *frame = last_of(ring);

	if (ring->count >= memory->limit || len > sizeof(frame->bytes))
		return false;
	frame->hdr = *hdr;
	frame->len = len;
	memory->put = 0;
	return true;
}

static void memory_tx_put(struct net_backend *backend, const void *bytes, uint32_t len)
{
	struct net_memory *memory = memory_of(backend);

	memcpy(last_of(sends_to(memory))->bytes + memory->put, bytes, len);
	memory->put += len;
}

static void memory_tx_end(struct net_backend *backend)
{
	sends_to(memory_of(backend))->count++;
}

static bool memory_rx_begin(struct net_backend *backend, struct net_hdr *hdr, uint32_t *len)
{
	struct net_memory *memory = memory_of(backend);
	const struct net_memory_frame *frame = &memory->in.frame[memory->in.first];

	if (memory->in.count == 0)
		return false;
	*hdr = frame->hdr;
	*len = frame->len;
	memory->got = 0;
	return true;
}

static void memory_rx_get(struct net_backend *backend, void *to, uint32_t len)
{
	struct net_memory *memory = memory_of(backend);

	memcpy(to, memory->in.frame[memory->in.first].bytes + memory->got, len);
	memory->got += len;
}

static void memory_rx_end(struct net_backend *backend)
{
	drop_first(&memory_of(backend)->in);
}

static void memory_flush(struct net_backend *backend)
{
	memory_of(backend)->flushes++;
}

static const struct net_ops memory_ops = {
	.accept = memory_accept,
	.link_up = memory_link_up,
	.tx_begin = memory_tx_begin,
	.tx_put = memory_tx_put,
	.tx_end = memory_tx_end,
	.rx_begin = memory_rx_begin,
	.rx_get = memory_rx_get,
	.rx_end = memory_rx_end,
	.flush = memory_flush,
};

void net_memory_init(struct net_memory *memory, uint32_t offloads, bool loopback)
{
	memory->backend = (struct net_backend){
		.ops = &memory_ops,
		.offloads = offloads,
		.frame_max = NET_FRAME_MAX,
	};
	memory->accepts = 0;
	memory->up = true;
	memory->loopback = loopback;
	memory->flushes = 0;
	memory->limit = NET_MEMORY_FRAMES;
	/* The frames themselves, half a megabyte each way, need no beginning. */
	memory->out.first = memory->out.count = 0;
	memory->in.first = memory->in.count = 0;
}

bool net_memory_feed(struct net_memory *memory, const struct net_hdr *hdr, const void *bytes,
		     uint32_t len)
{
	struct net_memory_frame *frame = last_of(&memory->in);

	if (memory->in.count == NET_MEMORY_FRAMES || len > sizeof(frame->bytes))
		return false;
	frame->hdr = *hdr;
	frame->len = len;
	memcpy(frame->bytes, bytes, len);
	memory->in.count++;
	return true;
}

const struct net_memory_frame *net_memory_drain(struct net_memory *memory)
{
	const struct net_memory_frame *frame = &memory->out.frame[memory->out.first];

	if (memory->out.count == 0)
		return NULL;
	drop_first(&memory->out);
	return frame;
}
