/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network link whose peer writes anything anywhere, at any time: the owner's end (a VMM's, the
 * switch's towards the driver) and the other one (the switch's towards a VM), with and without chains,
 * and the VMM's backend on top. All of it must stay inside the regions (the sanitizer watches), and show
 * frames within their limits.
 *
 * Input: first byte, what kind of link; then operations of one byte with what they need.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "vmm/backend/net/sddf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAPACITY = 64, BUFFER = 2048, DATA = CAPACITY * BUFFER };

/* The four queues, each an allocation of its own, so that a step beyond is seen. */
struct world {
	uint8_t *queue[4];
	uint8_t *in_data, *out_data;
	struct net_sddf sddf;
	unsigned signals;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void count_signal(void *ctx)
{
	++*(unsigned *)ctx;
}

static void *take(size_t size)
{
	void *memory = calloc(1, size);

	require(memory != NULL);
	return memory;
}

static void look_at_frame(struct netlink *link)
{
	static uint8_t bytes[NET_FRAME_MAX];
	struct netlink_frame frame;
	uint32_t len = 0;

	if (!netlink_in(link, &frame))
		return;
	require(frame.len > 0 && frame.len <= NET_FRAME_MAX);
	require(frame.entries <= NETLINK_PIECES && frame.piece_count <= NETLINK_PIECES);
	for (uint32_t i = 0; i < frame.piece_count; i++) {
		memcpy(bytes + len, frame.bytes[i], frame.lens[i]);
		len += frame.lens[i];
	}
	require(len == frame.len);
	netlink_in_drop(link, &frame);
}

static void send_frame(struct netlink *link, struct input *in)
{
	static const uint8_t bytes[NET_FRAME_MAX];
	struct net_hdr hdr = { .flags = NET_HDR_F_NEEDS_CSUM };
	uint8_t kind = input_u8(in);
	uint32_t len = 1 + (uint32_t)input_bytes(in, 2) % NET_FRAME_MAX;
	uint16_t patch = 0x1234;

	if (!netlink_out(link, kind % 2 != 0 ? &hdr : NULL, len))
		return;
	for (uint32_t left = len, n; left > 0; left -= n) {
		n = 1 + kind * 100U < left ? 1 + kind * 100U : left;
		netlink_put(link, bytes, n);
	}
	if (kind % 2 == 0 && len >= 2)
		netlink_patch(link, len - 2, &patch, sizeof(patch));
	netlink_send(link);
}

static void use_backend(struct net_sddf *sddf, struct input *in)
{
	static uint8_t bytes[NET_FRAME_MAX];
	struct net_backend *be = &sddf->backend;
	uint32_t len = 1 + (uint32_t)input_bytes(in, 2) % be->frame_max;
	struct net_hdr hdr = { .flags = input_u8(in) & sddf->link.chains };

	if (be->ops->tx_begin(be, &hdr, len)) {
		be->ops->tx_put(be, bytes, len);
		be->ops->tx_end(be);
	}
	if (be->ops->rx_begin(be, &hdr, &len)) {
		require(len > 0 && len <= NET_FRAME_MAX);
		be->ops->rx_get(be, bytes, len);
		be->ops->rx_end(be);
	}
	(void)be->ops->link_up(be);
	be->ops->flush(be);
}

/* The peer: any bytes anywhere in what it shares. */
static void interfere(struct world *w, struct input *in)
{
	uint8_t *queue = w->queue[input_u8(in) % 4];
	size_t at = input_bytes(in, 2) % NETLINK_QUEUE_BYTES(CAPACITY);

	queue[at] = input_u8(in);
}

/* An entry as a peer that means it would write it, and its index. */
static void interfere_well(struct world *w, struct input *in)
{
	struct netq *queue = (struct netq *)(void *)w->queue[input_u8(in) % 4];
	struct netq_entry *entry = &queue->entries[queue->tail % CAPACITY];

	entry->io_or_offset = input_bytes(in, 2) * 8;
	entry->len = (uint16_t)(input_bytes(in, 2) % (BUFFER + 1));
	entry->flags = input_u8(in) & 3;
	queue->tail++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t kind = input_u8(&in);
	struct world *w = take(sizeof(*w));
	struct netlink_config config;

	for (unsigned i = 0; i < 4; i++)
		w->queue[i] = take(NETLINK_QUEUE_BYTES(CAPACITY));
	w->in_data = take(DATA);
	w->out_data = take(DATA);
	config = (struct netlink_config){
		.in_active = w->queue[0],
		.in_free = w->queue[1],
		.out_active = w->queue[2],
		.out_free = w->queue[3],
		.in_capacity = CAPACITY,
		.out_capacity = CAPACITY,
		.in = { .data = w->in_data, .size = DATA },
		.out = { .data = w->out_data, .size = DATA },
		.buffer_size = BUFFER,
		.owner = (kind & 1) != 0,
		.chains = (kind & 2) != 0,
	};
	require(net_sddf_init(&w->sddf, &config,
			      (struct net_signal){ count_signal, &w->signals }) == VMM_OK);
	while (in.left > 0) {
		switch (input_u8(&in) % 8) {
		case 0:
			interfere(w, &in);
			break;
		case 1:
		case 2:
			interfere_well(w, &in);
			break;
		case 3:
			if (!w->sddf.received)
				look_at_frame(&w->sddf.link);
			break;
		case 4:
			send_frame(&w->sddf.link, &in);
			break;
		case 5:
			use_backend(&w->sddf, &in);
			break;
		case 6:
			(void)netlink_flush(&w->sddf.link);
			(void)netlink_in_wait(&w->sddf.link);
			(void)netlink_out_wait(&w->sddf.link, 1514);
			break;
		default:
			(void)netlink_told(&w->sddf.link);
			netlink_tell(&w->sddf.link, kind, true);
			break;
		}
	}
	for (unsigned i = 0; i < 4; i++)
		free(w->queue[i]);
	free(w->in_data);
	free(w->out_data);
	free(w);
	return 0;
}
