/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket device between any guest and a server that sends packets, garbage and wild indices. */
#include <string.h>

#include "test/fuzz/virtio.h"
#include "test/support/sock_link.h"
#include "vmm/backend/socket/queue.h"
#include "vmm/dev/virtio/vsock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CID = 3, HEADER = sizeof(struct vsock_packet) };

static struct virtio_vsock vsock;
static struct socket_queue backend_queue;
static struct sock_link link;

static void signal_server(void *ctx)
{
	(void)ctx;
}

static void connect_link(void)
{
	sock_link_init(&link);
	backend_queue.to = link.client_to;
	backend_queue.from = link.client_from;
	backend_queue.down_owed = false;
	backend_queue.up_owed = false;
}

static struct virtio_dev *make(struct driver *d)
{
	socket_queue_init(&backend_queue, signal_server, NULL);
	connect_link();
	virtio_vsock_init(&vsock,
			  &(struct virtio_setup){
				  .name = "vsock",
				  .gmem = &d->gmem,
				  .packed = true,
				  .owner = driver_owner(d),
			  },
			  CID, &backend_queue.backend);
	return &vsock.vd;
}

/* What the guest's packets look like when they leave. */
static void take(void)
{
	struct vsock_packet p;

	if (!sockq_peek(&link.server_from, &p))
		return;
	fuzz_expect(p.len <= VSOCK_PAYLOAD_MAX);
	if (p.type == VSOCK_TYPE_LINK)
		fuzz_expect(p.op == VSOCK_LINK_UP || p.op == VSOCK_LINK_DOWN);
	else
		fuzz_expect(p.type == VSOCK_TYPE_STREAM && p.src_cid == CID);
	sockq_next(&link.server_from);
	(void)sockq_receiver_flush(&link.server_from);
}

static void backend(struct driver *d, struct input *in)
{
	uint8_t what = input_u8(in);
	uint64_t at;

	(void)d;
	switch (what % 8) {
	case 0:
		(void)sock_link_say(&link.server_to, (uint16_t)(what >> 4));
		break;
	case 1: /* its indices, which only it may harm itself with */
		memset(link.header[1] + what / 8 % 12, input_u8(in), 1);
		break;
	case 2:
		at = input_bytes(in, 2);
		memset(link.data[1] + at, input_u8(in), 3);
		break;
	case 3:
	case 4:
		take();
		break;
	default:
		(void)sock_link_send(&link.server_to, what >> 4, 9, 1, CID, 2,
				     (uint32_t)input_bytes(in, 2));
		break;
	}
}

static void works(struct driver *d)
{
	const struct vsock_packet p = {
		.src_cid = CID, .dst_cid = 4, .type = VSOCK_TYPE_STREAM, .op = VSOCK_OP_REQUEST
	};
	struct driver_buffer b = { .gpa = driver_alloc(d, HEADER, 1), .len = HEADER };
	struct vsock_packet got;
	uint32_t written;
	int id;

	/* Whatever the server did to the link stays; with a new one all is well. */
	connect_link();
	memcpy(driver_host(d, b.gpa), &p, HEADER);
	fuzz_expect(driver_add(d, 1, &b, 1, false) >= 0);
	(void)driver_kick(d, 1);
	virtio_event(&vsock.vd, 0);
	fuzz_expect(driver_used(d, 1, &id, &written));
	fuzz_expect(sock_link_take(&link.server_from, &got));
	fuzz_expect(memcmp(&got, &p, HEADER) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.features = VIRTIO_VSOCK_F_STREAM,
		.queues = VIRTIO_VSOCK_QUEUES,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
