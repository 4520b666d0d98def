/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues against the test driver: every case runs on both ring formats, with and without event
 * indices, with direct and indirect descriptors. The device under the queues does nothing by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"

enum { QUEUES = 2, SIZE = 16, CHAINS = 64 };

struct fixture {
	struct driver d;
	struct virtio_dev vd;
	struct virtq queues[QUEUES];
	unsigned notified, queue_resets;
};

static void on_notify(struct virtio_dev *vd, unsigned queue)
{
	(void)queue;
	container_of(vd, struct fixture, vd)->notified++;
}

static void on_queue_reset(struct virtio_dev *vd, unsigned queue)
{
	(void)queue;
	container_of(vd, struct fixture, vd)->queue_resets++;
}

static const struct virtio_ops ops = {
	.device_id = 42,
	.notify = on_notify,
	.queue_reset = on_queue_reset,
};

/* The four ways in which a queue can be. */
static const uint64_t formats[] = {
	0,
	VIRTIO_F_EVENT_IDX,
	VIRTIO_F_RING_PACKED,
	VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX,
};

static void make(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	driver_init(&f->d);
	driver_device(&f->d, &f->vd, &ops, f->queues, QUEUES, VIRTQ_SIZE_MAX);
}

static struct fixture *begin(uint64_t features, unsigned size)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	make(f);
	assert_true(driver_start(&f->d, features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_RING_RESET,
				 QUEUES, size));
	return f;
}

static void finish(struct fixture *f)
{
	driver_fini(&f->d);
	free(f);
}

/* Runs `test` once a format. */
static void each(void (*test)(struct fixture *f), unsigned size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		struct fixture *f = begin(formats[i], size);

		test(f);
		finish(f);
	}
}

static struct driver_buffer buffer(struct driver *d, uint32_t len, bool writable)
{
	return (struct driver_buffer){
		.gpa = driver_alloc(d, len, 1),
		.len = len,
		.writable = writable,
	};
}

static int add_one(struct fixture *f, uint32_t len, bool writable)
{
	struct driver_buffer b = buffer(&f->d, len, writable);

	return driver_add(&f->d, 0, &b, 1, false);
}

/* ---- chains ---- */

static void check_chain(struct fixture *f, bool table)
{
	struct driver_buffer b[] = { buffer(&f->d, 5, false), buffer(&f->d, 0, false),
				     buffer(&f->d, 3, false), buffer(&f->d, 2, true),
				     buffer(&f->d, 7, true) };
	struct virtq_chain chain;
	char text[16] = { 0 };
	uint32_t written;
	int id, used;

	memcpy(driver_host(&f->d, b[0].gpa), "hello", 5);
	memcpy(driver_host(&f->d, b[2].gpa), "you", 3);
	id = driver_add(&f->d, 0, b, ARRAY_SIZE(b), table);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	assert_int_equal(chain.readable_count, 2); /* the empty one is none */
	assert_int_equal(chain.readable_len, 8);
	assert_int_equal(chain.writable_count, 2);
	assert_int_equal(chain.writable_len, 9);
	assert_int_equal(chain.segment[1].gpa, b[2].gpa);
	assert_int_equal(chain.segment[1].len, 3);
	assert_ptr_equal(chain.segment[3].host, driver_host(&f->d, b[4].gpa));

	assert_int_equal(virtq_read(&chain, 0, text, sizeof(text)), 8);
	assert_string_equal(text, "helloyou");
	assert_int_equal(virtq_read(&chain, 4, text, 2), 2);
	assert_memory_equal(text, "oy", 2);
	assert_int_equal(virtq_read(&chain, 8, text, 1), 0);
	assert_int_equal(virtq_read(&chain, UINT64_MAX, text, 1), 0);
	assert_int_equal(virtq_write(&chain, 1, "abcdefghijkl", 12), 8);
	assert_memory_equal(driver_host(&f->d, b[3].gpa), "\0a", 2);
	assert_memory_equal(driver_host(&f->d, b[4].gpa), "bcdefgh", 7);

	assert_int_equal(virtq_pop(&f->vd, 0, &(struct virtq_chain){ 0 }), VIRTQ_EMPTY);
	virtq_push(&f->vd, 0, chain.token, 9);
	assert_false(driver_used(&f->d, 0, &used, &written)); /* not before virtq_notify() */
	virtq_notify(&f->vd, 0);
	assert_true(driver_used(&f->d, 0, &used, &written));
	assert_int_equal(used, id);
	assert_int_equal(written, 9);
	assert_false(driver_used(&f->d, 0, &used, &written));
}

static void chain_case(struct fixture *f)
{
	check_chain(f, false);
	check_chain(f, true);
}

static void test_chain(void **state)
{
	(void)state;
	each(chain_case, SIZE);
}

/* As long as the queue, and as long as an indirect table may be. */
static void long_case(struct fixture *f)
{
	static struct driver_buffer b[VIRTQ_SIZE_MAX];
	struct virtq_chain chain;
	uint32_t written;
	int used;

	for (unsigned i = 0; i < VIRTQ_SIZE_MAX; i++)
		b[i] = buffer(&f->d, 10, i >= 100);
	for (unsigned round = 0; round < 6; round++) {
		bool table = round % 2 != 0;

		assert_true(driver_add(&f->d, 0, b, VIRTQ_SIZE_MAX, table) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		assert_int_equal(chain.readable_count, 100);
		assert_int_equal(chain.writable_count, VIRTQ_SIZE_MAX - 100);
		assert_int_equal(chain.writable_len, 10 * (VIRTQ_SIZE_MAX - 100));
		virtq_push(&f->vd, 0, chain.token, 1);
		virtq_notify(&f->vd, 0);
		assert_true(driver_used(&f->d, 0, &used, &written));
	}
}

static void test_long(void **state)
{
	(void)state;
	each(long_case, VIRTQ_SIZE_MAX);
}

/* A split chain may end in an indirect table (2.7.5.3.2); a table need not be aligned. */
static void test_mixed(void **state)
{
	struct fixture *f = begin(0, SIZE);
	struct driver_buffer b[] = { buffer(&f->d, 4, false), buffer(&f->d, 6, true) };
	struct virtq_chain chain;
	uint8_t *desc, *table;

	(void)state;
	assert_int_equal(driver_add(&f->d, 0, b, 2, false), SIZE - 1);
	desc = driver_host(&f->d, f->d.queue[0].area[0]);
	table = driver_host(&f->d, driver_alloc(&f->d, 64, 16));
	for (unsigned shift = 0; shift < 2; shift++) {
		uint64_t gpa = DRIVER_GPA + (uint64_t)(table - f->d.ram) + shift;

		/* The second descriptor becomes a table that holds what it was. */
		if (shift == 0)
			memcpy(table, desc + 16 * (SIZE - 2), 16);
		else
			memmove(table + 1, table, 16);
		memcpy(desc + 16 * (SIZE - 2), &gpa, 8);
		memcpy(desc + 16 * (SIZE - 2) + 8, &(uint32_t){ 16 }, 4);
		memcpy(desc + 16 * (SIZE - 2) + 12, &(uint16_t){ 4 }, 2);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		assert_int_equal(chain.readable_len, 4);
		assert_int_equal(chain.writable_len, 6);
		assert_int_equal(chain.segment[1].gpa, b[1].gpa);
		virtq_unpop(&f->vd, 0, &chain);
	}
	finish(f);
}

/* Buffers that reach from one RAM range into the next, which lies elsewhere for us. */
static void test_ranges(void **state)
{
	struct fixture *f = begin(0, SIZE);
	static uint8_t more[4096];
	struct driver_buffer b = { .gpa = DRIVER_GPA + DRIVER_RAM - 3,
				   .len = 10,
				   .writable = true };
	struct virtq_chain chain;

	(void)state;
	memset(more, 0, sizeof(more));
	assert_int_equal(gmem_add(&f->d.gmem, DRIVER_GPA + DRIVER_RAM, (uint64_t)(uintptr_t)more,
				  sizeof(more)),
			 VMM_OK);
	assert_true(driver_add(&f->d, 0, &b, 1, false) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	assert_int_equal(chain.writable_count, 2);
	assert_int_equal(chain.writable_len, 10);
	assert_int_equal(virtq_write(&chain, 0, "0123456789", 10), 10);
	assert_memory_equal(f->d.ram + DRIVER_RAM - 3, "012", 3);
	assert_memory_equal(more, "3456789", 8);

	/* And over the end of the second one. */
	b.gpa = DRIVER_GPA + DRIVER_RAM + sizeof(more) - 1;
	assert_true(driver_add(&f->d, 0, &b, 1, false) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_BAD);
	finish(f);
}

/* Every buffer lies across the border of two ranges: twice as many pieces as descriptors. */
static void test_too_many_pieces(void **state)
{
	static const uint64_t rings[] = { 0, VIRTIO_F_RING_PACKED };
	static uint8_t more[4096];
	struct driver_buffer b[VIRTQ_SIZE_MAX];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = (struct driver_buffer){ .gpa = DRIVER_GPA + DRIVER_RAM - 1, .len = 2 };
	for (unsigned i = 0; i < ARRAY_SIZE(rings); i++) {
		struct fixture *f = begin(rings[i], SIZE);
		struct virtq_chain chain;

		assert_int_equal(gmem_add(&f->d.gmem, DRIVER_GPA + DRIVER_RAM,
					  (uint64_t)(uintptr_t)more, sizeof(more)),
				 VMM_OK);
		assert_true(driver_add(&f->d, 0, b, VIRTQ_SEGMENTS / 2, true) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		assert_int_equal(chain.readable_count, VIRTQ_SEGMENTS);
		assert_true(driver_add(&f->d, 0, b, VIRTQ_SEGMENTS / 2 + 1, true) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_BAD);
		finish(f);
	}
}

/* ---- order ---- */

static void out_of_order_case(struct fixture *f)
{
	static const unsigned order[] = { 2, 0, 3, 1 };
	struct virtq_chain chain[4];
	uint32_t written;
	int id[4], used;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 4; i++)
			id[i] = add_one(f, i + 1, true);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(virtq_pop(&f->vd, 0, &chain[i]), VIRTQ_GOT);
		for (unsigned i = 0; i < 4; i++) {
			virtq_push(&f->vd, 0, chain[order[i]].token, order[i] + 1);
			if (i % 2 != 0)
				virtq_notify(&f->vd, 0);
		}
		for (unsigned i = 0; i < 4; i++) {
			assert_true(driver_used(&f->d, 0, &used, &written));
			assert_int_equal(used, id[order[i]]);
			assert_int_equal(written, order[i] + 1);
		}
	}
}

static void test_out_of_order(void **state)
{
	(void)state;
	each(out_of_order_case, SIZE);
}

/* What is put back comes again, the same, also over the end of the ring and beside pushes. */
static void unpop_case(struct fixture *f)
{
	struct virtq_chain a, b, c;
	uint32_t written;
	int id, used;

	for (unsigned round = 0; round < 40; round++) {
		struct driver_buffer two[] = { buffer(&f->d, 8, false), buffer(&f->d, 8, true) };

		id = driver_add(&f->d, 0, two, 2, false);
		assert_true(add_one(f, 4, true) >= 0);
		assert_true(driver_add(&f->d, 0, two, 2, false) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &a), VIRTQ_GOT);
		assert_int_equal(virtq_pop(&f->vd, 0, &b), VIRTQ_GOT);
		assert_int_equal(virtq_pop(&f->vd, 0, &c), VIRTQ_GOT);
		virtq_unpop(&f->vd, 0, &c);
		virtq_push(&f->vd, 0, a.token, 3);
		virtq_notify(&f->vd, 0);
		virtq_unpop(&f->vd, 0, &b);
		assert_int_equal(virtq_pop(&f->vd, 0, &b), VIRTQ_GOT);
		assert_int_equal(b.writable_len, 4);
		assert_int_equal(virtq_pop(&f->vd, 0, &c), VIRTQ_GOT);
		assert_int_equal(c.readable_len, 8);
		virtq_push(&f->vd, 0, c.token, 0);
		virtq_push(&f->vd, 0, b.token, 0);
		virtq_notify(&f->vd, 0);
		assert_true(driver_used(&f->d, 0, &used, &written));
		assert_int_equal(used, id);
		assert_true(driver_used(&f->d, 0, &used, &written));
		assert_true(driver_used(&f->d, 0, &used, &written));
		assert_false(driver_used(&f->d, 0, &used, &written));
	}
	assert_int_equal(f->d.said, 0);
}

static void test_unpop(void **state)
{
	(void)state;
	each(unpop_case, SIZE);
}

/* Long enough for the split indices to go around their 16 bits. */
static void wrap_case(struct fixture *f)
{
	struct driver_buffer b[3] = { buffer(&f->d, 8, false), buffer(&f->d, 8, true),
				      buffer(&f->d, 8, true) };
	unsigned popped = 0, used_count = 0;

	for (unsigned round = 0; round < 70000; round++) {
		struct virtq_chain chain;
		uint32_t written;
		int used;

		assert_true(driver_add(&f->d, 0, b, 1 + round % 3, false) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		popped++;
		virtq_push(&f->vd, 0, chain.token, round);
		virtq_notify(&f->vd, 0);
		assert_true(driver_used(&f->d, 0, &used, &written));
		assert_int_equal(written, round);
		used_count++;
	}
	assert_int_equal(popped, used_count);
	assert_int_equal(f->d.said, 0);
}

static void test_wrap(void **state)
{
	(void)state;
	each(wrap_case, 4);
}

/* Packed queues may have any size (2.8.10.1). */
static void test_odd_size(void **state)
{
	struct fixture *f = begin(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX, 7);

	(void)state;
	wrap_case(f);
	finish(f);
}

/* ---- notifications ---- */

static void kicks_case(struct fixture *f)
{
	struct virtq_chain chain;

	(void)virtq_kicks_on(&f->vd, 0);
	for (unsigned round = 0; round < 100; round++) {
		uint32_t written;
		int used;

		/* Wanted: exactly the first one comes, and the device is told. */
		assert_true(add_one(f, 4, true) >= 0);
		assert_true(driver_kick(&f->d, 0));
		virtq_kicks_off(&f->vd, 0);
		virtq_kicks_off(&f->vd, 0);
		assert_true(add_one(f, 4, true) >= 0);
		assert_false(driver_kick(&f->d, 0));
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		virtq_push(&f->vd, 0, chain.token, 0);
		/* Asking again finds what came meanwhile. */
		assert_true(virtq_kicks_on(&f->vd, 0));
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		virtq_push(&f->vd, 0, chain.token, 0);
		assert_false(virtq_kicks_on(&f->vd, 0));
		virtq_notify(&f->vd, 0);
		while (driver_used(&f->d, 0, &used, &written))
			;
	}
	assert_int_equal(f->notified, 100);
}

static void test_kicks(void **state)
{
	(void)state;
	each(kicks_case, SIZE);
}

static void interrupts_case(struct fixture *f)
{
	struct virtq_chain chain;
	unsigned expected = 0;

	for (unsigned round = 0; round < 100; round++) {
		bool wanted = round % 3 != 0;
		uint32_t written;
		int used;

		driver_interrupts(&f->d, 0, wanted);
		for (unsigned i = 0; i < 3; i++)
			assert_true(add_one(f, 4, true) >= 0);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
			virtq_push(&f->vd, 0, chain.token, 1);
			if (i == 1)
				virtq_notify(&f->vd, 0); /* one interrupt for two */
		}
		expected += wanted;
		assert_int_equal(f->d.interrupts, expected);
		assert_int_equal(driver_acknowledge(&f->d), wanted ? 1 : 0);
		while (driver_used(&f->d, 0, &used, &written))
			;
		virtq_notify(&f->vd, 0);
		virtq_notify(&f->vd, 0); /* nothing new */
		(void)driver_acknowledge(&f->d);
		expected = f->d.interrupts;
		while (driver_used(&f->d, 0, &used, &written))
			;
	}
}

static void test_interrupts(void **state)
{
	(void)state;
	each(interrupts_case, SIZE);
}

/* With event indices the driver names the place; only passing it interrupts. */
static void test_event_place(void **state)
{
	(void)state;
	for (unsigned packed = 0; packed < 2; packed++) {
		struct fixture *f =
			begin(VIRTIO_F_EVENT_IDX | (packed ? VIRTIO_F_RING_PACKED : 0), 8);
		struct driver_queue *q = &f->d.queue[0];
		uint16_t *split = driver_host(&f->d, q->area[1] + 4 + 2 * 8);
		uint16_t *event = driver_host(&f->d, q->area[1]);

		for (unsigned n = 0; n < 50; n++) {
			struct virtq_chain chain;
			unsigned before = f->d.interrupts;
			uint32_t written;
			int used;

			if (n % 5 == 0 && !packed)
				*split = (uint16_t)(n + 3); /* interrupt after the 4th from here */
			if (n % 5 == 0 && packed) {
				event[0] = (uint16_t)((n + 3) % 8 |
						      ((n + 3) / 8 % 2 == 0 ? 1U << 15 : 0));
				event[1] = 2;
			}
			assert_true(add_one(f, 4, true) >= 0);
			assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
			virtq_push(&f->vd, 0, chain.token, 0);
			virtq_notify(&f->vd, 0);
			assert_int_equal(f->d.interrupts - before, n % 5 == 3);
			(void)driver_acknowledge(&f->d);
			assert_true(driver_used(&f->d, 0, &used, &written));
		}
		finish(f);
	}
}

/* A place that is not in the ring is never passed: every answer interrupts. */
static void test_event_nowhere(void **state)
{
	struct fixture *f = begin(VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED, 8);
	uint16_t *event = driver_host(&f->d, f->d.queue[0].area[1]);

	(void)state;
	event[0] = 8;
	event[1] = 2;
	for (unsigned n = 0; n < 20; n++) {
		struct virtq_chain chain;
		uint32_t written;
		int used;

		assert_true(add_one(f, 4, true) >= 0);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
		virtq_push(&f->vd, 0, chain.token, 0);
		virtq_notify(&f->vd, 0);
		assert_int_equal(f->d.interrupts, n + 1);
		(void)driver_acknowledge(&f->d);
		assert_true(driver_used(&f->d, 0, &used, &written));
	}
	finish(f);
}

/* ---- resets ---- */

static void reset_case(struct fixture *f)
{
	struct virtq_chain old, chain;
	uint32_t written;
	int id, used;

	assert_true(add_one(f, 4, true) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &old), VIRTQ_GOT);
	assert_true(virtq_alive(&f->vd, 0, old.token));

	/* Of the queue alone. */
	driver_write(&f->d, 0x030, 0);
	driver_write(&f->d, 0x0c0, 1);
	assert_int_equal(driver_read(&f->d, 0x0c0), 0);
	assert_int_equal(driver_read(&f->d, 0x044), 0);
	assert_int_equal(f->queue_resets, 1);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_EMPTY);
	driver_setup(&f->d, 0, SIZE);
	id = add_one(f, 4, true);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	assert_false(virtq_alive(&f->vd, 0, old.token));
	virtq_push(&f->vd, 0, old.token, 1); /* too late */
	virtq_unpop(&f->vd, 0, &old);
	virtq_notify(&f->vd, 0);
	assert_false(driver_used(&f->d, 0, &used, &written));
	virtq_push(&f->vd, 0, chain.token, 2);
	virtq_notify(&f->vd, 0);
	assert_true(driver_used(&f->d, 0, &used, &written));
	assert_int_equal(used, id);
	assert_int_equal(written, 2);

	/* Of the device. */
	assert_true(add_one(f, 4, true) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &old), VIRTQ_GOT);
	driver_write(&f->d, 0x070, 0);
	assert_false(virtq_alive(&f->vd, 0, old.token));
	assert_true(driver_start(&f->d, f->d.features, QUEUES, SIZE));
	assert_false(virtq_alive(&f->vd, 0, old.token));
	virtq_push(&f->vd, 0, old.token, 1);
	virtq_notify(&f->vd, 0);
	assert_false(driver_used(&f->d, 0, &used, &written));

	/* A chain that is given back twice: the second time is not heard. */
	assert_true(add_one(f, 4, true) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	virtq_push(&f->vd, 0, chain.token, 1);
	virtq_push(&f->vd, 0, chain.token, 1);
	virtq_notify(&f->vd, 0);
	assert_true(driver_used(&f->d, 0, &used, &written));
	assert_false(driver_used(&f->d, 0, &used, &written));
}

static void test_reset(void **state)
{
	(void)state;
	each(reset_case, SIZE);
}

/* Without RING_RESET the register does nothing; QueueReady = 0 stops a queue all the same. */
static void test_no_ring_reset(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	(void)state;
	assert_non_null(f);
	make(f);
	assert_true(driver_start(&f->d, 0, QUEUES, SIZE));
	driver_write(&f->d, 0x030, 1);
	driver_write(&f->d, 0x0c0, 1);
	assert_int_equal(driver_read(&f->d, 0x044), 1);
	assert_int_equal(f->queue_resets, 0);
	driver_write(&f->d, 0x044, 0);
	assert_int_equal(driver_read(&f->d, 0x044), 0);
	assert_int_equal(f->queue_resets, 1);
	assert_false(virtq_ready(&f->vd, 1));
	assert_true(virtq_ready(&f->vd, 0));
	finish(f);
}

static void test_keep(void **state)
{
	struct fixture *f = begin(0, SIZE);
	struct driver_buffer b[] = { buffer(&f->d, 4, false), buffer(&f->d, 4, true) };
	struct virtq_segment kept[2];
	struct virtq_chain first, second;
	char text[4];

	(void)state;
	memcpy(driver_host(&f->d, b[0].gpa), "abcd", 4);
	assert_true(driver_add(&f->d, 0, b, 2, false) >= 0);
	assert_true(add_one(f, 1, true) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &first), VIRTQ_GOT);
	assert_false(virtq_keep(&first, kept, 1));
	assert_true(virtq_keep(&first, kept, 2));
	assert_int_equal(virtq_pop(&f->vd, 0, &second), VIRTQ_GOT);
	assert_int_equal(virtq_read(&first, 0, text, 4), 4);
	assert_memory_equal(text, "abcd", 4);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),           cmocka_unit_test(test_long),
		cmocka_unit_test(test_mixed),           cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_too_many_pieces), cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_unpop),           cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_odd_size),        cmocka_unit_test(test_kicks),
		cmocka_unit_test(test_interrupts),      cmocka_unit_test(test_event_place),
		cmocka_unit_test(test_event_nowhere),   cmocka_unit_test(test_reset),
		cmocka_unit_test(test_no_ring_reset),   cmocka_unit_test(test_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
