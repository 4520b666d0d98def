/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/support/virtio_driver.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

enum {
	NEXT = 1,
	WRITE = 2,
	INDIRECT = 4,
	AVAIL = 1 << 7,
	USED = 1 << 15,
};

struct split_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

struct packed_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t id, flags;
};

static bool has(const struct driver *d, uint64_t feature)
{
	return (d->features & feature) != 0;
}

static bool packed(const struct driver *d)
{
	return has(d, VIRTIO_F_RING_PACKED);
}

/* ---- the machine ---- */

static void irq(void *ctx, unsigned caller, bool level)
{
	struct driver *d = ctx;

	(void)caller;
	if (level && !d->level)
		d->interrupts++;
	d->level = level;
}

static void say(void *ctx, const struct virtio_dev *vd, const char *why)
{
	struct driver *d = ctx;

	(void)vd;
	d->said++;
	d->why = why;
}

static void again(void *ctx, const struct virtio_dev *vd)
{
	struct driver *d = ctx;

	(void)vd;
	d->again++;
}

void driver_init(struct driver *d)
{
	driver_init_sized(d, DRIVER_RAM);
}

void driver_init_sized(struct driver *d, size_t ram_size)
{
	memset(d, 0, sizeof(*d));
	d->ram = aligned_alloc(4096, ram_size);
	if (d->ram == NULL)
		abort();
	d->ram_size = ram_size;
	memset(d->ram, 0, ram_size);
	if (gmem_add(&d->gmem, DRIVER_GPA, (uint64_t)(uintptr_t)d->ram, ram_size) != VMM_OK)
		abort();
	d->brk = DRIVER_GPA;
}

void driver_fini(struct driver *d)
{
	free(d->ram);
}

struct virtio_owner driver_owner(struct driver *d)
{
	return (struct virtio_owner){ .say = say, .again = again, .ctx = d };
}

void driver_connect(struct driver *d, struct virtio_dev *vd, uint8_t *page)
{
	d->vd = vd;
	d->handler = virtio_mmio_access;
	d->device = &d->mmio;
	d->lock = &vd->lock;
	virtio_mmio_init(&d->mmio, vd, irq, d, page);
}

void driver_device(struct driver *d, struct virtio_dev *vd, const struct virtio_ops *ops,
		   struct virtq *queues, unsigned count, uint16_t size)
{
	virtio_init(vd, &(struct virtio_setup){
				.name = "test",
				.ops = ops,
				.gmem = &d->gmem,
				.queues = queues,
				.queue_count = count,
				.queue_size_max = size,
				.packed = true,
				.owner = driver_owner(d),
			});
	driver_connect(d, vd, NULL);
}

uint64_t driver_access(struct driver *d, bool write, uint64_t offset, unsigned width,
		       uint64_t value)
{
	struct mmio_access access = {
		.offset = offset,
		.value = value,
		.width = (uint8_t)width,
		.write = write,
	};

	if (d->reg != NULL)
		return d->reg(d, write, offset, width, value);
	lock_take(d->lock);
	d->handler(d->device, &access);
	lock_give(d->lock);
	return access.value;
}

uint32_t driver_read(struct driver *d, uint32_t offset)
{
	return (uint32_t)driver_access(d, false, offset, 4, 0);
}

void driver_write(struct driver *d, uint32_t offset, uint32_t value)
{
	(void)driver_access(d, true, offset, 4, value);
}

uint64_t driver_alloc(struct driver *d, size_t len, size_t align)
{
	uint64_t at = align_up(d->brk, align);

	if (at + len > DRIVER_GPA + d->ram_size)
		abort(); /* the test asks for too much */
	d->brk = at + len;
	memset(driver_host(d, at), 0, len);
	return at;
}

void *driver_host(struct driver *d, uint64_t gpa)
{
	return d->ram + (gpa - DRIVER_GPA);
}

/* ---- 3.1.1 ---- */

bool driver_negotiate(struct driver *d, uint64_t features)
{
	driver_write(d, 0x070, 0);
	driver_write(d, 0x070, 1);
	driver_write(d, 0x070, 1 | 2);
	d->features = features;
	for (uint32_t word = 0; word < 2; word++) {
		driver_write(d, 0x024, word);
		driver_write(d, 0x020, (uint32_t)(features >> (32 * word)));
	}
	driver_write(d, 0x070, 1 | 2 | 8);
	return (driver_read(d, 0x070) & 8) != 0;
}

void driver_layout(struct driver *d, unsigned queue, unsigned size)
{
	struct driver_queue *q = &d->queue[queue];

	memset(q, 0, sizeof(*q));
	q->size = size;
	q->avail_wrap = true;
	q->used_wrap = true;
	q->free_count = size;
	for (unsigned i = 0; i < size; i++)
		q->free_list[i] = (uint16_t)i;
	q->area[0] = driver_alloc(d, 16 * (size_t)size, 16);
	q->area[1] = driver_alloc(d, packed(d) ? 4 : 6 + 2 * (size_t)size, 4);
	q->area[2] = driver_alloc(d, packed(d) ? 4 : 6 + 8 * (size_t)size, 4);
}

void driver_setup(struct driver *d, unsigned queue, unsigned size)
{
	struct driver_queue *q = &d->queue[queue];

	driver_layout(d, queue, size);
	driver_write(d, 0x030, queue);
	driver_write(d, 0x038, size);
	for (uint32_t area = 0; area < 3; area++) {
		driver_write(d, 0x080 + 0x10 * area, (uint32_t)q->area[area]);
		driver_write(d, 0x084 + 0x10 * area, (uint32_t)(q->area[area] >> 32));
	}
	driver_write(d, 0x044, 1);
}

bool driver_start(struct driver *d, uint64_t features, unsigned queues, unsigned size)
{
	if (!driver_negotiate(d, features | VIRTIO_F_VERSION_1))
		return false;
	for (unsigned i = 0; i < queues; i++)
		driver_setup(d, i, size);
	driver_write(d, 0x070, 1 | 2 | 8 | 4);
	return driver_read(d, 0x070) == (1 | 2 | 8 | 4);
}

/* ---- words of the rings; another thread may be the device ---- */

static uint16_t get16(struct driver *d, uint64_t gpa)
{
	return __atomic_load_n((uint16_t *)driver_host(d, gpa), __ATOMIC_ACQUIRE);
}

static uint32_t get32(struct driver *d, uint64_t gpa)
{
	return __atomic_load_n((uint32_t *)driver_host(d, gpa), __ATOMIC_RELAXED);
}

static void put16(struct driver *d, uint64_t gpa, uint16_t value)
{
	__atomic_store_n((uint16_t *)driver_host(d, gpa), value, __ATOMIC_RELEASE);
}

static uint16_t flags_of(const struct driver_buffer *buffer)
{
	return buffer->writable ? WRITE : 0;
}

/* ---- split: 2.7 ---- */

static void put_split(struct driver *d, uint64_t at, const struct driver_buffer *b, uint16_t flags,
		      uint16_t next)
{
	*(struct split_desc *)driver_host(d, at) = (struct split_desc){
		.gpa = b->gpa,
		.len = b->len,
		.flags = (uint16_t)(flags_of(b) | flags),
		.next = next,
	};
}

static uint64_t split_table(struct driver *d, const struct driver_buffer *buffers, unsigned count)
{
	uint64_t table = driver_alloc(d, 16 * (size_t)count, 16);

	for (unsigned i = 0; i < count; i++)
		put_split(d, table + 16 * (uint64_t)i, &buffers[i], i + 1 < count ? NEXT : 0,
			  (uint16_t)(i + 1));
	return table;
}

static int split_add(struct driver *d, struct driver_queue *q, const struct driver_buffer *buffers,
		     unsigned count, uint16_t flags)
{
	uint16_t head = q->free_list[q->free_count - 1];

	for (unsigned i = 0; i < count; i++) {
		uint16_t index = q->free_list[--q->free_count];
		bool last = i + 1 == count;
		uint16_t next = last ? 0 : q->free_list[q->free_count - 1];

		put_split(d, q->area[0] + 16 * (uint64_t)index, &buffers[i],
			  (uint16_t)(flags | (last ? 0 : NEXT)), next);
		q->next[index] = next;
	}
	q->count[head] = (uint16_t)count;
	put16(d, q->area[1] + 4 + 2 * (uint64_t)(q->next_avail % q->size), head);
	q->next_avail++;
	put16(d, q->area[1] + 2, q->next_avail);
	return head;
}

/* The descriptors of a chain go back in reverse, which is as good as any order. */
static void split_free(struct driver_queue *q, unsigned head)
{
	for (unsigned left = q->count[head], at = head; left > 0; left--) {
		q->free_list[q->free_count++] = (uint16_t)at;
		at = q->next[at];
	}
	q->count[head] = 0;
}

static bool split_wants_kick(struct driver *d, struct driver_queue *q)
{
	uint16_t old = q->kicked, event;

	q->kicked = q->next_avail;
	if (!has(d, VIRTIO_F_EVENT_IDX))
		return (get16(d, q->area[2]) & 1) == 0;
	event = get16(d, q->area[2] + 4 + 8 * (uint64_t)q->size);
	return (uint16_t)(q->next_avail - event - 1) < (uint16_t)(q->next_avail - old);
}

static bool split_used(struct driver *d, struct driver_queue *q, int *id, uint32_t *written)
{
	uint64_t entry = q->area[2] + 4 + 8 * (uint64_t)(q->last_used % q->size);

	if (get16(d, q->area[2] + 2) == q->last_used)
		return false;
	*id = (int)get32(d, entry);
	*written = get32(d, entry + 4);
	q->last_used++;
	split_free(q, (unsigned)*id);
	return true;
}

/* ---- packed: 2.8 ---- */

static uint64_t packed_table(struct driver *d, const struct driver_buffer *buffers, unsigned count)
{
	uint64_t table = driver_alloc(d, 16 * (size_t)count, 16);

	for (unsigned i = 0; i < count; i++)
		*(struct packed_desc *)driver_host(d, table + 16 * (uint64_t)i) =
			(struct packed_desc){
				.gpa = buffers[i].gpa,
				.len = buffers[i].len,
				.flags = flags_of(&buffers[i]),
			};
	return table;
}

static int packed_add(struct driver *d, struct driver_queue *q, const struct driver_buffer *buffers,
		      unsigned count, uint16_t flags)
{
	uint64_t first = q->area[0] + 16 * (uint64_t)q->next_avail;
	uint16_t first_flags = 0;
	unsigned id = 0;

	while (q->count[id] != 0)
		id++;
	for (unsigned i = 0; i < count; i++) {
		struct packed_desc *desc =
			driver_host(d, q->area[0] + 16 * (uint64_t)q->next_avail);
		uint16_t own =
			(uint16_t)(flags_of(&buffers[i]) | flags | (i + 1 < count ? NEXT : 0) |
				   (q->avail_wrap ? AVAIL : USED));

		desc->gpa = buffers[i].gpa;
		desc->len = buffers[i].len;
		desc->id = (uint16_t)id;
		if (i == 0)
			first_flags = own;
		else
			desc->flags = own;
		if (++q->next_avail == q->size) {
			q->next_avail = 0;
			q->avail_wrap = !q->avail_wrap;
		}
	}
	put16(d, first + 14, first_flags);
	q->count[id] = (uint16_t)count;
	q->free_count -= count;
	q->kicked_count += count;
	return (int)id;
}

static bool packed_wants_kick(struct driver *d, struct driver_queue *q)
{
	uint16_t event = get16(d, q->area[2]), flags = get16(d, q->area[2] + 2);
	unsigned added = q->kicked_count;
	unsigned place = q->next_avail + (q->avail_wrap ? 0 : q->size);

	q->kicked_count = 0;
	if (flags != 2)
		return flags == 0;
	/* Was the place that the device asked for among those added since? One by one. */
	while (added-- > 0) {
		place = place == 0 ? 2 * q->size - 1 : place - 1;
		if (place == (event & 0x7fffU) + (event >> 15 != 0 ? 0 : q->size))
			return true;
	}
	return false;
}

static bool packed_used(struct driver *d, struct driver_queue *q, int *id, uint32_t *written)
{
	uint64_t at = q->area[0] + 16 * (uint64_t)q->last_used;
	uint16_t flags = get16(d, at + 14);

	if (((flags & AVAIL) != 0) != q->used_wrap || ((flags & USED) != 0) != q->used_wrap)
		return false;
	*id = get16(d, at + 12);
	*written = get32(d, at + 8);
	q->last_used = (uint16_t)(q->last_used + q->count[*id]);
	q->free_count += q->count[*id];
	q->count[*id] = 0;
	if (q->last_used >= q->size) {
		q->last_used = (uint16_t)(q->last_used - q->size);
		q->used_wrap = !q->used_wrap;
	}
	return true;
}

/* ---- either ---- */

int driver_add(struct driver *d, unsigned queue, const struct driver_buffer *buffers,
	       unsigned count, bool table)
{
	struct driver_queue *q = &d->queue[queue];
	struct driver_buffer indirect = { .len = 16 * count };

	if (count == 0 || q->free_count < (table ? 1 : count))
		return -1;
	if (table) {
		indirect.gpa = packed(d) ? packed_table(d, buffers, count)
					 : split_table(d, buffers, count);
		buffers = &indirect;
		count = 1;
	}
	return (packed(d) ? packed_add : split_add)(d, q, buffers, count, table ? INDIRECT : 0);
}

bool driver_kick(struct driver *d, unsigned queue)
{
	struct driver_queue *q = &d->queue[queue];

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(packed(d) ? packed_wants_kick : split_wants_kick)(d, q))
		return false;
	driver_write(d, 0x050, queue);
	return true;
}

bool driver_used(struct driver *d, unsigned queue, int *id, uint32_t *written)
{
	struct driver_queue *q = &d->queue[queue];

	return (packed(d) ? packed_used : split_used)(d, q, id, written);
}

void driver_interrupts(struct driver *d, unsigned queue, bool wanted)
{
	struct driver_queue *q = &d->queue[queue];

	if (packed(d) && has(d, VIRTIO_F_EVENT_IDX) && wanted) {
		put16(d, q->area[1], (uint16_t)(q->last_used | (q->used_wrap ? 1U << 15 : 0U)));
		put16(d, q->area[1] + 2, 2);
	} else if (packed(d)) {
		put16(d, q->area[1] + 2, wanted ? 0 : 1);
	} else if (has(d, VIRTIO_F_EVENT_IDX)) {
		/* An index that was passed long ago keeps the device quiet. */
		put16(d, q->area[1] + 4 + 2 * (uint64_t)q->size,
		      (uint16_t)(wanted ? q->last_used : q->last_used - 1));
	} else {
		put16(d, q->area[1], wanted ? 0 : 1);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint32_t driver_acknowledge(struct driver *d)
{
	uint32_t status = driver_read(d, 0x060);

	driver_write(d, 0x064, status);
	return status;
}
