/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ordering: bytes are written before the tail that shows them (release/acquire), and read before the
 * head that gives their room back (likewise). A wake-up cannot get lost because each side writes
 * first and looks second, with a full barrier between: the producer clears producer_signalled, then
 * looks for room; the consumer stores head, then looks at producer_signalled. One of the two sees
 * the other's store.
 */
#include "vmm/backend/queue/serialq.h"

#include <string.h>

enum { CAPACITY_MAX_BITS = 31 };

static uint32_t peer_index(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static enum vmm_err check(const void *header, const void *data, uint32_t capacity)
{
	if (header == NULL || data == NULL || ((uintptr_t)header & 3u) != 0)
		return VMM_ERR_INVALID;
	if (capacity == 0 || capacity > UINT32_C(1) << CAPACITY_MAX_BITS ||
	    (capacity & (capacity - 1)) != 0)
		return VMM_ERR_INVALID;
	return VMM_OK;
}

enum vmm_err serialq_producer_init(struct serialq_producer *p, void *header, void *data,
				   uint32_t capacity)
{
	struct serialq *shared = header;
	enum vmm_err err = check(header, data, capacity);

	if (err != VMM_OK)
		return err;
	*p = (struct serialq_producer){
		.shared = shared,
		.data = data,
		.capacity = capacity,
		.tail = peer_index(&shared->tail),
	};
	return VMM_OK;
}

enum vmm_err serialq_consumer_init(struct serialq_consumer *c, void *header, const void *data,
				   uint32_t capacity)
{
	struct serialq *shared = header;
	enum vmm_err err = check(header, data, capacity);

	if (err != VMM_OK)
		return err;
	*c = (struct serialq_consumer){
		.shared = shared,
		.data = data,
		.capacity = capacity,
		.head = peer_index(&shared->head),
	};
	c->released = c->head;
	return VMM_OK;
}

bool serialq_producer_is_sane(const struct serialq_producer *p)
{
	return p->tail - peer_index(&p->shared->head) <= p->capacity;
}

bool serialq_consumer_is_sane(const struct serialq_consumer *c)
{
	return peer_index(&c->shared->tail) - c->head <= c->capacity;
}

uint32_t serialq_room(const struct serialq_producer *p)
{
	uint32_t used = p->tail - peer_index(&p->shared->head);

	return used <= p->capacity ? p->capacity - used : 0;
}

bool serialq_drained(const struct serialq_producer *p)
{
	return peer_index(&p->shared->head) == p->tail;
}

size_t serialq_put(struct serialq_producer *p, const uint8_t *bytes, size_t len)
{
	uint32_t room = serialq_room(p);
	uint32_t n = len < room ? (uint32_t)len : room;
	uint32_t at = p->tail & (p->capacity - 1);
	uint32_t first = n < p->capacity - at ? n : p->capacity - at;

	memcpy(p->data + at, bytes, first);
	memcpy(p->data, bytes + first, n - first);
	p->tail += n;
	return n;
}

void serialq_show(struct serialq_producer *p)
{
	__atomic_store_n(&p->shared->tail, p->tail, __ATOMIC_RELEASE);
}

size_t serialq_write(struct serialq_producer *p, const uint8_t *bytes, size_t len)
{
	size_t n = serialq_put(p, bytes, len);

	serialq_show(p);
	return n;
}

void serialq_want_signal(struct serialq_producer *p)
{
	__atomic_store_n(&p->shared->producer_signalled, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint32_t serialq_length(const struct serialq_consumer *c)
{
	uint32_t length = peer_index(&c->shared->tail) - c->head;

	return length <= c->capacity ? length : 0;
}

size_t serialq_read(struct serialq_consumer *c, uint8_t *bytes, size_t len)
{
	uint32_t length = serialq_length(c);
	uint32_t n = len < length ? (uint32_t)len : length;
	uint32_t at = c->head & (c->capacity - 1);
	uint32_t first = n < c->capacity - at ? n : c->capacity - at;

	memcpy(bytes, c->data + at, first);
	memcpy(bytes + first, c->data, n - first);
	c->head += n;
	return n;
}

bool serialq_release(struct serialq_consumer *c)
{
	return serialq_release_to(c, c->head);
}

bool serialq_release_to(struct serialq_consumer *c, uint32_t head)
{
	bool moved = head != c->released;

	c->released = head;
	__atomic_store_n(&c->shared->head, head, __ATOMIC_RELEASE);
	if (!moved)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&c->shared->producer_signalled, __ATOMIC_RELAXED) != 0)
		return false;
	__atomic_store_n(&c->shared->producer_signalled, 1, __ATOMIC_RELAXED);
	return true;
}
