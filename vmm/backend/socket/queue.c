// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/socket/queue.h"

#include <stddef.h>

#include "vmm/base/util.h"

static struct socket_queue *of(struct socket_backend *backend)
{
	return container_of(backend, struct socket_queue, backend);
}

/* Without a router all connections are lost, and what is sent on others goes nowhere. */
static bool is_over(struct socket_queue *q)
{
	if (q->from.broken)
		server_did(&q->server, SERVER_RECORD);
	return server_is_over(&q->server) || q->from.broken;
}

static bool pay(struct socket_queue *q, bool *owed, uint16_t op)
{
	const struct vsock_packet packet = { .type = VSOCK_TYPE_LINK, .op = op };

	if (*owed && sockq_room(&q->to, 0)) {
		sockq_send(&q->to, &packet);
		*owed = false;
	}
	return !*owed;
}

/* First that the old driver is gone, then that a new one is there. */
static bool pay_all(struct socket_queue *q)
{
	return pay(q, &q->down_owed, VSOCK_LINK_DOWN) && pay(q, &q->up_owed, VSOCK_LINK_UP);
}

static void set_up(struct socket_backend *backend, bool up)
{
	struct socket_queue *q = of(backend);

	q->up_owed = up;
	if (!up)
		q->down_owed = true;
	(void)pay_all(q);
}

static bool room(struct socket_backend *backend, uint32_t len)
{
	struct socket_queue *q = of(backend);

	return is_over(q) || (pay_all(q) && sockq_room(&q->to, len));
}

static void send(struct socket_backend *backend, const struct vsock_packet *packet)
{
	if (!is_over(of(backend)))
		sockq_send(&of(backend)->to, packet);
}

static void send_data(struct socket_backend *backend, const void *data, size_t len)
{
	if (!is_over(of(backend)))
		sockq_send_data(&of(backend)->to, data, len);
}

static bool peek(struct socket_backend *backend, struct vsock_packet *packet)
{
	struct socket_queue *q = of(backend);

	if (!is_over(q) && sockq_peek(&q->from, packet))
		return true;
	if (!serialq_consumer_is_sane(&q->from.queue) || !serialq_producer_is_sane(&q->to.queue))
		server_did(&q->server, SERVER_INDEX);
	if (!is_over(q))
		return false;
	*packet = (struct vsock_packet){ .type = VSOCK_TYPE_LINK, .op = VSOCK_LINK_RESET };
	q->telling = !q->lost;
	return q->telling;
}

static size_t read(struct socket_backend *backend, void *to, size_t len)
{
	return sockq_read(&of(backend)->from, to, len);
}

static void next(struct socket_backend *backend)
{
	struct socket_queue *q = of(backend);

	if (!q->telling)
		sockq_next(&q->from);
	else
		q->lost = true;
	q->telling = false;
}

static void flush(struct socket_backend *backend)
{
	struct socket_queue *q = of(backend);
	bool sent, freed;

	(void)pay_all(q);
	sent = sockq_sender_flush(&q->to);
	freed = sockq_receiver_flush(&q->from);
	if (sent || freed)
		q->signal(q->ctx);
}

static const struct socket_ops queue_ops = {
	.set_up = set_up,
	.room = room,
	.send = send,
	.send_data = send_data,
	.peek = peek,
	.read = read,
	.next = next,
	.flush = flush,
};

void socket_queue_init(struct socket_queue *q, void (*signal)(void *ctx), void *ctx)
{
	q->backend.ops = &queue_ops;
	q->down_owed = false;
	q->up_owed = false;
	q->server = (struct server){ .over = NULL };
	q->telling = false;
	q->lost = false;
	q->signal = signal;
	q->ctx = ctx;
}
