// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ordering (VIRTIO 1.2, 2.7.13): descriptors are written before the index that shows them; the index
 * before the device's wish to be told is looked at; and what the device wrote is read after its index.
 * The device is outside the CPU's inner shareable domain at worst, hence the full barriers.
 */
#include "vmm/driver/virtio/vring.h"

#include <string.h>

#include "vmm/base/util.h"

enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	AVAIL_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
	PAGE = 4096,
};

/* Wire (2.7.5, 2.7.6, 2.7.8). */
struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct vring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[]; /* and used_event behind it */
};

struct vring_used_elem {
	uint32_t id;
	uint32_t len;
};

struct vring_used {
	uint16_t flags;
	uint16_t idx;
	struct vring_used_elem ring[]; /* and avail_event behind it */
};

_Static_assert(sizeof(struct vring_desc) == 16 && sizeof(struct vring_used_elem) == 8, "2.7");

static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

size_t vring_driver_offset(uint16_t size)
{
	return size * sizeof(struct vring_desc);
}

size_t vring_device_offset(uint16_t size)
{
	size_t avail = sizeof(struct vring_avail) + (size + 1u) * sizeof(uint16_t);

	return align_up(vring_driver_offset(size) + avail, sizeof(uint64_t));
}

size_t vring_bytes(uint16_t size)
{
	size_t used = sizeof(struct vring_used) + size * sizeof(struct vring_used_elem) +
		      sizeof(uint16_t);

	return align_up(vring_device_offset(size) + used, PAGE);
}

/* The device must not see an access torn or repeated. */
static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store16(uint16_t *p, uint16_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static uint16_t *used_event(struct vring *r)
{
	return &r->avail->ring[r->size];
}

static const uint16_t *avail_event(const struct vring *r)
{
	return (const uint16_t *)(const void *)&r->used->ring[r->size];
}

void vring_init(struct vring *r, void *memory, uint16_t size, bool event_idx)
{
	uint8_t *at = memory;

	memset(r, 0, sizeof(*r));
	r->desc = (struct vring_desc *)(void *)at;
	r->avail = (struct vring_avail *)(void *)(at + vring_driver_offset(size));
	r->used = (struct vring_used *)(void *)(at + vring_device_offset(size));
	r->size = size;
	r->free_count = size;
	r->event_idx = event_idx;
	for (uint16_t i = 0; i < size; i++)
		r->next[i] = (uint16_t)(i + 1);
}

enum vmm_err vring_add(struct vring *r, const struct vring_buffer *buffers, unsigned readable,
		       unsigned writable, uint32_t token)
{
	unsigned count = readable + writable;
	uint16_t head = r->free_head, at = head;

	if (count == 0)
		return VMM_ERR_INVALID;
	if (count > r->free_count)
		return VMM_ERR_NOMEM;
	for (unsigned i = 0; i < count; i++) {
		bool last = i + 1 == count;

		r->desc[at] = (struct vring_desc){
			.addr = buffers[i].paddr,
			.len = buffers[i].length,
			.flags = (uint16_t)((last ? 0 : DESC_NEXT) |
					    (i >= readable ? DESC_WRITE : 0)),
			.next = last ? 0 : r->next[at],
		};
		at = r->next[at];
	}
	r->free_head = at;
	r->free_count = (uint16_t)(r->free_count - count);
	r->chain[head] = (uint16_t)count;
	r->token[head] = token;
	store16(&r->avail->ring[r->avail_index & (r->size - 1)], head);
	r->avail_index++;
	return VMM_OK;
}

bool vring_publish(struct vring *r)
{
	uint16_t old = r->told_index, now = r->avail_index;

	if (old == now)
		return false;
	barrier();
	store16(&r->avail->idx, now);
	barrier();
	r->told_index = now;
	/* 2.7.10: the index just passed is among those that were added. */
	if (r->event_idx)
		return (uint16_t)(now - load16(avail_event(r)) - 1) < (uint16_t)(now - old);
	return (load16(&r->used->flags) & USED_NO_NOTIFY) == 0;
}

static void give_back(struct vring *r, uint16_t head)
{
	uint16_t last = head;

	for (uint16_t i = 1; i < r->chain[head]; i++)
		last = r->next[last];
	r->free_count = (uint16_t)(r->free_count + r->chain[head]);
	r->next[last] = r->free_head;
	r->free_head = head;
	r->chain[head] = 0;
}

enum vring_taken vring_take(struct vring *r, uint32_t *token, uint32_t *written)
{
	struct vring_used_elem used;

	if (load16(&r->used->idx) == r->used_index)
		return VRING_EMPTY;
	barrier();
	used = r->used->ring[r->used_index & (r->size - 1)];
	r->used_index++;
	if (used.id >= r->size || r->chain[used.id] == 0)
		return VRING_BAD;
	*token = r->token[used.id];
	*written = used.len;
	give_back(r, (uint16_t)used.id);
	return VRING_TAKEN;
}

void vring_quiet(struct vring *r)
{
	if (!r->event_idx)
		store16(&r->avail->flags, AVAIL_NO_INTERRUPT);
	/* With event indices nothing is to be done: the one we named has passed. */
}

bool vring_listen(struct vring *r)
{
	if (r->event_idx)
		store16(used_event(r), r->used_index);
	else
		store16(&r->avail->flags, 0);
	barrier();
	return load16(&r->used->idx) != r->used_index;
}
