/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network device with two pairs of queues, and a far end that lies about its frames and comes and
 * goes. What reaches the far end is a frame, with a header that asks for nothing impossible.
 */
#include <string.h>

#include "test/fuzz/virtio.h"
#include "vmm/dev/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PAIRS = 2,
	QUEUES = 2 * PAIRS + 1,
	HEADER = sizeof(struct net_hdr),
	FRAME = 60,
	FEATURES = 0x00ffffff, /* all that the device may have; it offers fewer */
};

static struct virtio_net net;
static struct net_memory memory;
static uint8_t bytes[NET_FRAME_MAX];

static struct virtio_dev *make(struct driver *d)
{
	const struct virtio_setup common = {
		.name = "net",
		.gmem = &d->gmem,
		.packed = true,
		.owner = driver_owner(d),
	};
	const struct virtio_net_params params = {
		.backend = &memory.backend,
		.mac = { 2 },
		.mtu = 1500,
		.pairs = PAIRS,
	};

	net_memory_init(&memory, NET_OFFLOAD_ALL, false);
	virtio_net_init(&net, &common, &params);
	return &net.vd;
}

/* A header and some first bytes as the input says; the rest of `bytes` is what it was. */
static void far_end(struct input *in)
{
	uint8_t raw[HEADER];
	struct net_hdr hdr;
	uint32_t len = 1 + (uint32_t)input_bytes(in, 2) % NET_FRAME_MAX;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = input_u8(in);
	memcpy(&hdr, raw, sizeof(hdr));
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = input_u8(in);
	(void)net_memory_feed(&memory, &hdr, bytes, len);
}

static void take_sent(void)
{
	const struct net_memory_frame *frame;

	while ((frame = net_memory_drain(&memory)) != NULL) {
		fuzz_expect(frame->len >= NET_ETH_HEADER && frame->len <= NET_FRAME_MAX);
		fuzz_expect(net_hdr_ok(&frame->hdr, frame->len, NET_OFFLOAD_ALL));
	}
}

static void backend(struct driver *d, struct input *in)
{
	(void)d;
	switch (input_u8(in) % 4) {
	case 0:
	case 1:
		far_end(in);
		break;
	case 2:
		take_sent();
		break;
	default:
		memory.up = !memory.up;
		virtio_net_announce(&net);
		break;
	}
}

/* A frame each way, byte for byte. */
static void works(struct driver *d)
{
	struct driver_buffer b = { .gpa = driver_alloc(d, HEADER + FRAME, 4),
				   .len = HEADER + FRAME };
	static const struct net_hdr none;
	const struct net_memory_frame *frame;
	uint8_t *at = driver_host(d, b.gpa);
	uint32_t written;
	int id;

	take_sent();
	memory.in.count = 0;
	for (unsigned i = 0; i < FRAME; i++)
		at[HEADER + i] = (uint8_t)(i + 2);
	fuzz_expect(driver_add(d, 1, &b, 1, false) >= 0);
	(void)driver_kick(d, 1);
	virtio_resume(d->vd, 0, VIRTIO_RESUMED);
	fuzz_expect(driver_used(d, 1, &id, &written));
	frame = net_memory_drain(&memory);
	fuzz_expect(frame != NULL && frame->len == FRAME);
	fuzz_expect(memcmp(frame->bytes, at + HEADER, FRAME) == 0);

	memset(bytes, 0xff, NET_MAC); /* to everybody */
	memset(bytes + NET_MAC, 0x5a, FRAME - NET_MAC);
	b.writable = true;
	fuzz_expect(driver_add(d, 0, &b, 1, false) >= 0);
	fuzz_expect(net_memory_feed(&memory, &none, bytes, FRAME));
	virtio_event(d->vd, 0);
	fuzz_expect(driver_used(d, 0, &id, &written));
	fuzz_expect(written == HEADER + FRAME && memcmp(at + HEADER, bytes, FRAME) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.features = FEATURES,
		.queues = QUEUES,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
