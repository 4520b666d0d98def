// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ordering: an entry is written before the tail that shows it (release/acquire), and read before the
 * head that gives its room back (likewise). A wake-up cannot get lost because each side writes first
 * and looks second, with a full barrier between: the consumer clears consumer_signalled, then looks
 * for entries; the producer stores tail, then looks at consumer_signalled. One of the two sees the
 * other's store.
 */
#include "vmm/backend/queue/netq.h"

static uint16_t peer_index(const uint16_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static enum vmm_err check(const void *memory, uint32_t capacity)
{
	if (memory == NULL || ((uintptr_t)memory & 7u) != 0)
		return VMM_ERR_INVALID;
	if (capacity == 0 || capacity > NETQ_CAPACITY_MAX || (capacity & (capacity - 1)) != 0)
		return VMM_ERR_INVALID;
	return VMM_OK;
}

enum vmm_err netq_producer_init(struct netq_producer *p, void *memory, uint32_t capacity)
{
	enum vmm_err err = check(memory, capacity);
	struct netq *shared = memory;

	if (err != VMM_OK)
		return err;
	*p = (struct netq_producer){
		.shared = shared,
		.capacity = capacity,
		.tail = peer_index(&shared->tail),
	};
	return VMM_OK;
}

enum vmm_err netq_consumer_init(struct netq_consumer *c, void *memory, uint32_t capacity)
{
	enum vmm_err err = check(memory, capacity);
	struct netq *shared = memory;

	if (err != VMM_OK)
		return err;
	*c = (struct netq_consumer){
		.shared = shared,
		.capacity = capacity,
		.head = peer_index(&shared->head),
	};
	return VMM_OK;
}

/* The peer stands still: its index says where it goes on. */
void netq_producer_restart(struct netq_producer *p)
{
	p->tail = peer_index(&p->shared->head);
	netq_show(p);
}

void netq_consumer_restart(struct netq_consumer *c)
{
	c->head = peer_index(&c->shared->tail);
	netq_take(c, 0);
}

bool netq_producer_is_sane(const struct netq_producer *p)
{
	return (uint16_t)(p->tail - peer_index(&p->shared->head)) <= p->capacity;
}

bool netq_consumer_is_sane(const struct netq_consumer *c)
{
	return (uint16_t)(peer_index(&c->shared->tail) - c->head) <= c->capacity;
}

uint32_t netq_room(const struct netq_producer *p)
{
	uint32_t used = (uint16_t)(p->tail - peer_index(&p->shared->head));

	return used <= p->capacity ? p->capacity - used : 0;
}

void netq_put(struct netq_producer *p, uint64_t io_or_offset, uint16_t len, uint16_t flags)
{
	p->shared->entries[p->tail & (p->capacity - 1)] = (struct netq_entry){
		.io_or_offset = io_or_offset,
		.len = len,
		.flags = flags,
	};
	p->tail++;
	p->dirty = true;
}

void netq_show(struct netq_producer *p)
{
	__atomic_store_n(&p->shared->tail, p->tail, __ATOMIC_RELEASE);
}

bool netq_publish(struct netq_producer *p)
{
	if (!p->dirty)
		return false;
	p->dirty = false;
	netq_show(p);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&p->shared->consumer_signalled, __ATOMIC_RELAXED) != 0)
		return false;
	__atomic_store_n(&p->shared->consumer_signalled, 1, __ATOMIC_RELAXED);
	return true;
}

uint32_t netq_length(const struct netq_consumer *c)
{
	uint32_t length = (uint16_t)(peer_index(&c->shared->tail) - c->head);

	return length <= c->capacity ? length : 0;
}

struct netq_entry netq_peek(const struct netq_consumer *c, uint32_t index)
{
	const struct netq_entry *from = &c->shared->entries[(c->head + index) & (c->capacity - 1)];

	return (struct netq_entry){
		.io_or_offset = __atomic_load_n(&from->io_or_offset, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&from->len, __ATOMIC_RELAXED),
		.flags = __atomic_load_n(&from->flags, __ATOMIC_RELAXED),
	};
}

void netq_take(struct netq_consumer *c, uint32_t count)
{
	c->head = (uint16_t)(c->head + count);
	__atomic_store_n(&c->shared->head, c->head, __ATOMIC_RELEASE);
}

void netq_want_signal(struct netq_consumer *c)
{
	__atomic_store_n(&c->shared->consumer_signalled, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
