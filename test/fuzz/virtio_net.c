/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network device behind virtio-mmio, driven by a guest that does anything: registers, rings, buffers
 * and control commands from the input, frames from a far end that lies about them.
 *
 * What must hold: nothing outside guest RAM and the frames is touched (the sanitizer watches), the
 * device can always be reset, and works after that.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/virtio_driver.h"
#include "vmm/dev/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 16, PAIRS = 2, QUEUES = 2 * PAIRS + 1, STATUS = 0x70 };

struct world {
	struct driver d;
	struct virtio_net net;
	struct net_memory memory;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void far_end(struct world *w, struct input *in)
{
	static uint8_t bytes[NET_FRAME_MAX];
	struct net_hdr hdr;
	uint32_t len = 1 + (uint32_t)input_bytes(in, 2) % NET_FRAME_MAX;
	uint8_t *at = (uint8_t *)&hdr;

	for (size_t i = 0; i < sizeof(hdr); i++)
		at[i] = input_u8(in);
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = input_u8(in);
	(void)net_memory_feed(&w->memory, &hdr, bytes, len);
	virtio_event(&w->net.vd, 0);
}

static void sent(struct world *w)
{
	const struct net_memory_frame *frame;

	while ((frame = net_memory_drain(&w->memory)) != NULL) {
		require(frame->len >= NET_ETH_HEADER && frame->len <= NET_FRAME_MAX);
		require(net_hdr_ok(&frame->hdr, frame->len, NET_OFFLOAD_ALL));
	}
	virtio_event(&w->net.vd, 0);
}

/* A chain with contents from the input, as a driver that means it would make it available. */
static void chain(struct world *w, struct input *in)
{
	unsigned queue = input_u8(in) % QUEUES, count = 1 + input_u8(in) % 4;
	struct driver_buffer buffers[4];
	bool table = input_u8(in) % 2 != 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t kind = input_u8(in);

		buffers[i] = (struct driver_buffer){
			.gpa = DRIVER_GPA +
			       (kind % 3 == 0 ? input_bytes(in, 3) : (uint64_t)kind << 10),
			.len = (uint32_t)input_bytes(in, 1 + kind % 2),
			.writable = queue % 2 == 0 && (queue < 4 || i == count - 1),
		};
		if (kind >> 7 != 0)
			buffers[i].writable = !buffers[i].writable;
	}
	if (w->d.brk < DRIVER_GPA + DRIVER_RAM / 2)
		(void)driver_add(&w->d, queue, buffers, count, table);
	if (input_u8(in) % 2 != 0 && w->d.queue[queue].size != 0)
		driver_kick(&w->d, queue);
}

static void start(struct world *w, uint64_t features)
{
	driver_write(&w->d, STATUS, 0);
	require(driver_read(&w->d, STATUS) == 0);
	w->d.brk = DRIVER_GPA;
	(void)driver_start(&w->d, features, QUEUES, SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	static struct world *w; /* large: the frames of a former run do no harm */
	struct virtio_setup common;
	struct virtio_net_params params;

	if (w == NULL)
		w = malloc(sizeof(*w));
	require(w != NULL);
	memset(&w->d, 0, sizeof(w->d));
	driver_init(&w->d);
	net_memory_init(&w->memory, NET_OFFLOAD_ALL, false);
	common = (struct virtio_setup){
		.name = "net",
		.gmem = &w->d.gmem,
		.packed = true,
		.owner = driver_owner(&w->d),
	};
	params = (struct virtio_net_params){
		.backend = &w->memory.backend,
		.mac = { 2 },
		.mtu = 1500,
		.pairs = PAIRS,
	};
	virtio_net_init(&w->net, &common, &params);
	driver_connect(&w->d, &w->net.vd, NULL);
	start(w, input_bytes(&in, 6) & w->net.vd.offered);
	while (in.left > 0) {
		uint8_t what = input_u8(&in);
		uint32_t value;

		switch (what % 10) {
		case 0:
			driver_write(&w->d, (uint32_t)input_bytes(&in, 1) * 4,
				     (uint32_t)input_bytes(&in, 4));
			break;
		case 1:
			w->d.ram[input_bytes(&in, 2)] = input_u8(&in);
			break;
		case 2:
			value = (uint32_t)input_bytes(&in, 1) % QUEUES;
			driver_write(&w->d, 0x50, value);
			break;
		case 3:
		case 4:
			far_end(w, &in);
			break;
		case 5:
			sent(w);
			break;
		case 6:
			w->memory.up = !w->memory.up;
			virtio_net_announce(&w->net);
			break;
		case 7:
			/* What is used is never taken back: the rings may hold anything by now. */
			start(w, input_bytes(&in, 6) & w->net.vd.offered);
			break;
		default:
			chain(w, &in);
			break;
		}
	}
	/* Whatever happened: a reset, and it works. */
	w->memory.in.count = 0;
	start(w, 0);
	require(driver_read(&w->d, STATUS) == 15);
	driver_fini(&w->d);
	return 0;
}
