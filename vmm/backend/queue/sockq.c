// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/queue/sockq.h"

static enum vmm_err check_capacity(uint64_t capacity)
{
	return capacity < SOCKQ_CAPACITY_MIN || capacity > UINT32_MAX ? VMM_ERR_RANGE : VMM_OK;
}

enum vmm_err sockq_sender_init(struct sockq_sender *s, void *header, void *data, uint64_t capacity)
{
	enum vmm_err err = check_capacity(capacity);

	if (err != VMM_OK)
		return err;
	*s = (struct sockq_sender){ .sent = false };
	return serialq_producer_init(&s->queue, header, data, (uint32_t)capacity);
}

enum vmm_err sockq_receiver_init(struct sockq_receiver *r, void *header, const void *data,
				 uint64_t capacity)
{
	enum vmm_err err = check_capacity(capacity);

	if (err != VMM_OK)
		return err;
	*r = (struct sockq_receiver){ .begun = false };
	err = serialq_consumer_init(&r->queue, header, data, (uint32_t)capacity);
	r->ended = r->queue.head;
	return err;
}

bool sockq_room(struct sockq_sender *s, uint32_t len)
{
	uint32_t need = (uint32_t)sizeof(struct vsock_packet) + len;

	if (serialq_room(&s->queue) >= need)
		return true;
	serialq_want_signal(&s->queue);
	return serialq_room(&s->queue) >= need;
}

static void show_whole(struct sockq_sender *s)
{
	if (s->left > 0)
		return;
	serialq_show(&s->queue);
	s->sent = true;
}

void sockq_send(struct sockq_sender *s, const struct vsock_packet *packet)
{
	(void)serialq_put(&s->queue, (const uint8_t *)packet, sizeof(*packet));
	s->left = packet->len;
	show_whole(s);
}

void sockq_send_data(struct sockq_sender *s, const void *data, size_t len)
{
	uint32_t n = len < s->left ? (uint32_t)len : s->left;

	s->left -= (uint32_t)serialq_put(&s->queue, data, n);
	show_whole(s);
}

bool sockq_peek(struct sockq_receiver *r, struct vsock_packet *packet)
{
	if (r->broken)
		return false;
	if (!r->begun) {
		if (serialq_length(&r->queue) < sizeof(r->packet))
			return false;
		(void)serialq_read(&r->queue, (uint8_t *)&r->packet, sizeof(r->packet));
		r->left = r->packet.len;
		r->begun = true;
		r->broken = r->left > VSOCK_PAYLOAD_MAX;
	}
	if (r->broken || serialq_length(&r->queue) < r->left)
		return false;
	*packet = r->packet;
	return true;
}

size_t sockq_read(struct sockq_receiver *r, void *to, size_t len)
{
	size_t n = serialq_read(&r->queue, to, len < r->left ? len : r->left);

	r->left -= (uint32_t)n;
	return n;
}

/* Ends the record; its room is given back by sockq_receiver_flush(). */
static void end(struct sockq_receiver *r)
{
	r->begun = false;
	r->taken = true;
	r->ended = r->queue.head;
}

void sockq_next(struct sockq_receiver *r)
{
	r->queue.head += r->left; /* the peer wrote that much: sockq_peek() has seen it */
	r->left = 0;
	end(r);
}

void sockq_forward(struct sockq_receiver *r, struct sockq_sender *s)
{
	const struct serialq_consumer *from = &r->queue;

	sockq_send(s, &r->packet);
	while (r->left > 0) {
		uint32_t at = from->head & (from->capacity - 1);
		uint32_t piece = from->capacity - at;

		piece = piece < r->left ? piece : r->left;
		sockq_send_data(s, from->data + at, piece);
		r->queue.head += piece;
		r->left -= piece;
	}
	end(r);
}

bool sockq_sender_flush(struct sockq_sender *s)
{
	bool sent = s->sent;

	s->sent = false;
	return sent;
}

bool sockq_receiver_flush(struct sockq_receiver *r)
{
	bool taken = r->taken;

	r->taken = false;
	return taken && serialq_release_to(&r->queue, r->ended);
}
