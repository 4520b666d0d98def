// SPDX-License-Identifier: BSD-2-Clause
/*
 * A packet of the guest is sent whole, or goes back into its queue until the backend has room for it.
 * A packet for the guest may be longer than the buffer it finds: then the rest follows with the same
 * header in the next one, as a stream allows.
 *
 * What only the guest's own mistake can bring about is answered here, by a reset of the connection.
 * There is one such answer at a time: until it has been delivered, no more of the guest's packets are
 * taken (5.10.6.1.2: whoever sends without receiving may have to wait).
 */
#include "vmm/dev/virtio/vsock.h"

#include "vmm/base/util.h"

enum {
	RX = 0,
	TX = 1,
	EVENT = 2,
	EVENT_TRANSPORT_RESET = 0,
	HEADER = sizeof(struct vsock_packet),
};

static struct virtio_vsock *of(struct virtio_dev *vd)
{
	return container_of(vd, struct virtio_vsock, vd);
}

/* ---- from the guest ---- */

static void send_payload(struct virtio_vsock *vs, const struct virtq_chain *chain, uint32_t len)
{
	uint32_t skip = HEADER;

	for (unsigned i = 0; i < chain->readable_count && len > 0; i++) {
		const struct virtq_segment *s = &chain->segment[i];
		uint32_t from = skip < s->len ? skip : s->len;
		uint32_t n = s->len - from < len ? s->len - from : len;

		skip -= from;
		if (n > 0)
			vs->backend->ops->send_data(vs->backend, s->host + from, n);
		len -= n;
	}
}

/* What may leave the VM: its own address, and nothing that only device and router say. */
static bool may_leave(struct virtio_vsock *vs, const struct vsock_packet *packet)
{
	if (packet->src_cid != vs->config.guest_cid) {
		vs->dropped++;
		return false;
	}
	if (packet->type == VSOCK_TYPE_STREAM)
		return true;
	if (packet->op != VSOCK_OP_RST) { /* 5.10.6.3: an unknown type is answered by a reset */
		vs->answer = vsock_reset_for(packet);
		vs->answer.type = packet->type;
		vs->answer_owed = true;
	}
	return false;
}

enum sent { SENT, NO_ROOM, WRONG };

static enum sent send_one(struct virtio_vsock *vs, const struct virtq_chain *chain)
{
	struct vsock_packet packet;

	if (virtq_read(chain, 0, &packet, HEADER) < HEADER ||
	    packet.len > chain->readable_len - HEADER || packet.len > VSOCK_PAYLOAD_MAX) {
		virtio_needs_reset(&vs->vd, "vsock: a packet that is not as long as it says");
		return WRONG;
	}
	if (!may_leave(vs, &packet))
		return SENT;
	if (!vs->backend->ops->room(vs->backend, packet.len))
		return NO_ROOM;
	vs->backend->ops->send(vs->backend, &packet);
	send_payload(vs, chain, packet.len);
	return SENT;
}

static void transmit(struct virtio_vsock *vs)
{
	struct virtio_dev *vd = &vs->vd;
	struct virtq_chain chain;

	do {
		while (!vs->answer_owed && virtq_pop(vd, TX, &chain) == VIRTQ_GOT) {
			switch (send_one(vs, &chain)) {
			case SENT:
				virtq_push(vd, TX, chain.token, 0);
				break;
			case NO_ROOM: /* the backend's event goes on from here */
				virtq_unpop(vd, TX, &chain);
				virtq_kicks_off(vd, TX);
				virtq_notify(vd, TX);
				return;
			case WRONG:
				return;
			}
		}
	} while (!vs->answer_owed && virtq_kicks_on(vd, TX));
	virtq_notify(vd, TX);
}

/* ---- to the guest ---- */

/* Finds what to deliver next. Without a driver, packets have nowhere to go. */
static bool begin(struct virtio_vsock *vs)
{
	while (!vs->delivering) {
		if (vs->answer_owed) {
			vs->packet = vs->answer;
			vs->answer_owed = false;
			vs->delivering = true;
			vs->own = true;
			break;
		}
		if (!vs->backend->ops->peek(vs->backend, &vs->packet))
			return false;
		if (vs->up && vs->packet.type != VSOCK_TYPE_LINK) {
			vs->delivering = true;
			vs->own = false;
			break;
		}
		if (vs->up && vs->packet.op == VSOCK_LINK_RESET) {
			vs->event_owed = true;
			vs->backend->ops->set_up(vs->backend, true); /* this router has not heard */
		}
		vs->backend->ops->next(vs->backend);
	}
	return true;
}

static void end(struct virtio_vsock *vs)
{
	if (!vs->own)
		vs->backend->ops->next(vs->backend);
	vs->delivering = false;
}

/* Up to `len` bytes of payload behind the header's place. */
static uint32_t write_payload(struct virtio_vsock *vs, const struct virtq_chain *chain,
			      uint32_t len)
{
	uint32_t skip = HEADER, done = 0;

	for (unsigned i = 0; i < chain->writable_count && done < len; i++) {
		const struct virtq_segment *s = &chain->segment[chain->readable_count + i];
		uint32_t from = skip < s->len ? skip : s->len;
		uint32_t n = s->len - from < len - done ? s->len - from : len - done;

		skip -= from;
		if (n > 0)
			done += (uint32_t)vs->backend->ops->read(vs->backend, s->host + from, n);
	}
	return done;
}

static bool deliver_one(struct virtio_vsock *vs, const struct virtq_chain *chain)
{
	struct vsock_packet header = vs->packet;
	uint32_t space = chain->writable_len;

	if (space < HEADER || (header.len > 0 && space == HEADER)) {
		virtio_needs_reset(&vs->vd, "vsock: a buffer too small for a packet");
		return false;
	}
	header.len = header.len < space - HEADER ? header.len : space - HEADER;
	header.len = header.len > 0 ? write_payload(vs, chain, header.len) : 0;
	(void)virtq_write(chain, 0, &header, HEADER);
	virtq_push(&vs->vd, RX, chain->token, HEADER + header.len);
	/* A backend that gives less than it said has no more of this one. */
	vs->packet.len = header.len > 0 ? vs->packet.len - header.len : 0;
	if (vs->packet.len == 0)
		end(vs);
	return true;
}

static void receive(struct virtio_vsock *vs)
{
	struct virtio_dev *vd = &vs->vd;
	struct virtq_chain chain;

	while (begin(vs)) {
		if (virtq_pop(vd, RX, &chain) == VIRTQ_GOT) {
			if (!deliver_one(vs, &chain))
				return;
		} else if (!virtq_kicks_on(vd, RX)) {
			break; /* the driver's notification goes on from here */
		}
	}
	if (!vs->delivering)
		virtq_kicks_off(vd, RX);
	virtq_notify(vd, RX);
}

static void tell_reset(struct virtio_vsock *vs)
{
	const uint32_t event = EVENT_TRANSPORT_RESET;
	struct virtq_chain chain;

	if (!vs->event_owed)
		return;
	while (virtq_pop(&vs->vd, EVENT, &chain) != VIRTQ_GOT) {
		if (!virtq_kicks_on(&vs->vd, EVENT))
			return; /* the driver's notification goes on from here */
	}
	if (virtq_write(&chain, 0, &event, sizeof(event)) < sizeof(event)) {
		virtio_needs_reset(&vs->vd, "vsock: a buffer too small for an event");
		return;
	}
	vs->event_owed = false;
	virtq_push(&vs->vd, EVENT, chain.token, sizeof(event));
	virtq_notify(&vs->vd, EVENT);
}

/* ---- the device ---- */

static void serve(struct virtio_dev *vd)
{
	struct virtio_vsock *vs = of(vd);

	receive(vs);
	transmit(vs);
	while (vs->answer_owed) {
		receive(vs);
		if (vs->delivering)
			break; /* the driver's notification goes on from here */
		transmit(vs);
	}
	tell_reset(vs);
	vs->backend->ops->flush(vs->backend);
}

static void notify(struct virtio_dev *vd, unsigned queue)
{
	(void)queue; /* each may be what another waits for */
	serve(vd);
}

static void start(struct virtio_dev *vd)
{
	struct virtio_vsock *vs = of(vd);

	vs->up = true;
	vs->backend->ops->set_up(vs->backend, true);
	serve(vd);
}

static void reset(struct virtio_dev *vd)
{
	struct virtio_vsock *vs = of(vd);

	if (vs->delivering)
		end(vs);
	if (vs->up)
		vs->backend->ops->set_up(vs->backend, false);
	vs->up = false;
	vs->answer_owed = false;
	vs->event_owed = false;
	vs->backend->ops->flush(vs->backend);
}

static const struct virtio_ops vsock_ops = {
	.device_id = VIRTIO_ID_VSOCK,
	.notify = notify,
	.event = serve,
	.start = start,
	.reset = reset,
};

void virtio_vsock_init(struct virtio_vsock *vs, const struct virtio_setup *common, uint32_t cid,
		       struct socket_backend *backend)
{
	struct virtio_setup setup = *common;

	vs->config.guest_cid = cid;
	vs->backend = backend;
	vs->up = false;
	vs->delivering = false;
	vs->answer_owed = false;
	vs->event_owed = false;
	vs->dropped = 0;
	setup.ops = &vsock_ops;
	setup.queues = vs->queues;
	setup.queue_count = VIRTIO_VSOCK_QUEUES;
	setup.queue_size_max = VIRTIO_VSOCK_QUEUE_SIZE;
	setup.features = VIRTIO_VSOCK_F_STREAM;
	setup.config = &vs->config;
	setup.config_size = sizeof(vs->config);
	virtio_init(&vs->vd, &setup);
}
