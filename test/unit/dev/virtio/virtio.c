/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device core, by way of virtio-mmio: what a driver may do and in which order, and everything that
 * it must not. Whatever breaks a rule leaves the device in need of a reset, says so once, and a reset
 * makes it work again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"

enum {
	QUEUES = 2,
	SIZE = 16,
	MAX = 64,
	/* Registers (VIRTIO 1.2, 4.2.2). */
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	GENERATION = 0x0fc,
	CONFIG = 0x100,
	NEEDS_RESET = 64,
	RUNNING = 1 | 2 | 8 | 4,
};

#define OWN_FEATURE (UINT64_C(1) << 5)
#define BAD_FEATURE (UINT64_C(1) << 6) /* offered, and features_ok() refuses it */

struct fixture {
	struct driver d;
	struct virtio_dev vd;
	struct virtq queues[QUEUES];
	uint8_t config[20];
	unsigned notified, taken, starts, resets, events, writes;
	unsigned write_offset, write_len;
	uint32_t write_value;
};

static struct fixture fixture;
static struct fixture *const f = &fixture;

/* Takes all chains, as a device does. */
static void on_notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtq_chain chain;

	f->notified++;
	while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT)
		virtq_push(vd, queue, chain.token, 0);
	virtq_notify(vd, queue);
}

/* Another vCPU of the guest, which adds a chain for each that is taken. */
static void on_notify_refilled(struct virtio_dev *vd, unsigned queue)
{
	struct virtq_chain chain;

	do {
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			uint32_t written;
			int id;

			f->taken++;
			virtq_push(vd, queue, chain.token, 0);
			virtq_notify(vd, queue);
			assert_true(driver_used(&f->d, queue, &id, &written));
			assert_true(
				driver_add(&f->d, queue,
					   &(struct driver_buffer){ .gpa = DRIVER_GPA, .len = 1 },
					   1, false) >= 0);
		}
	} while (virtq_kicks_on(vd, queue));
}

static void on_start(struct virtio_dev *vd)
{
	(void)vd;
	f->starts++;
}

static void on_reset(struct virtio_dev *vd)
{
	(void)vd;
	f->resets++;
}

static void on_event(struct virtio_dev *vd)
{
	assert_int_equal(vd->lock.held, 1);
	assert_int_equal(vd->caller, 3);
	f->events++;
}

static bool on_features(struct virtio_dev *vd)
{
	return !virtio_has(vd, BAD_FEATURE);
}

static void on_config_write(struct virtio_dev *vd, unsigned offset, unsigned len, uint32_t value)
{
	(void)vd;
	f->writes++;
	f->write_offset = offset;
	f->write_len = len;
	f->write_value = value;
}

static const struct virtio_ops ops = {
	.device_id = 42,
	.notify = on_notify,
	.event = on_event,
	.start = on_start,
	.reset = on_reset,
	.features_ok = on_features,
	.config_write = on_config_write,
};

static int begin(void **state)
{
	(void)state;
	memset(f, 0, sizeof(*f));
	driver_init(&f->d);
	for (unsigned i = 0; i < sizeof(f->config); i++)
		f->config[i] = (uint8_t)(0xa0 + i);
	virtio_init(&f->vd, &(struct virtio_setup){
				    .name = "test",
				    .ops = &ops,
				    .gmem = &f->d.gmem,
				    .queues = f->queues,
				    .queue_count = QUEUES,
				    .queue_size_max = MAX,
				    .features = OWN_FEATURE | BAD_FEATURE,
				    .config = f->config,
				    .config_size = sizeof(f->config),
				    .packed = true,
				    .owner = driver_owner(&f->d),
			    });
	driver_connect(&f->d, &f->vd, NULL);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&f->d);
	return 0;
}

static uint32_t rd(uint32_t offset)
{
	return driver_read(&f->d, offset);
}

static void wr(uint32_t offset, uint32_t value)
{
	driver_write(&f->d, offset, value);
}

static void start(uint64_t features)
{
	assert_true(driver_start(&f->d, features, QUEUES, SIZE));
}

/* The device is broken, has told the driver if it was running, and works again after a reset. */
static void broken(const char *why)
{
	uint32_t status = rd(STATUS);
	unsigned notified = f->notified;

	assert_true((status & NEEDS_RESET) != 0);
	assert_int_equal(f->d.said, 1);
	assert_string_equal(f->d.why, why);
	assert_int_equal(driver_acknowledge(&f->d) & 2, (status & 4) != 0 ? 2 : 0);
	wr(QUEUE_NOTIFY, 0);
	wr(QUEUE_NOTIFY, 1);
	assert_int_equal(f->notified, notified);

	f->d.said = 0;
	f->vd.complaints = 0;
	start(0);
	assert_true(driver_add(&f->d, 0, &(struct driver_buffer){ .gpa = DRIVER_GPA, .len = 1 }, 1,
			       false) >= 0);
	assert_true(driver_kick(&f->d, 0));
	assert_int_equal(f->notified, notified + 1);
	assert_int_equal(driver_acknowledge(&f->d), 1);
	assert_int_equal(f->d.said, 0);
	wr(STATUS, 0);
}

/* ---- features and status ---- */

static void test_features(void **state)
{
	uint64_t offered = 0;

	(void)state;
	for (uint32_t word = 0; word < 4; word++) {
		wr(DEVICE_FEATURES_SEL, word);
		if (word < 2)
			offered |= (uint64_t)rd(DEVICE_FEATURES) << (32 * word);
		else
			assert_int_equal(rd(DEVICE_FEATURES), 0);
	}
	assert_int_equal(offered, OWN_FEATURE | BAD_FEATURE | VIRTIO_F_INDIRECT_DESC |
					  VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 |
					  VIRTIO_F_RING_PACKED | VIRTIO_F_RING_RESET);
	assert_true(driver_negotiate(&f->d, offered & ~BAD_FEATURE));
	assert_int_equal(f->vd.features, offered & ~BAD_FEATURE);
	/* What is agreed stays (3.1.1). */
	wr(DRIVER_FEATURES_SEL, 0);
	wr(DRIVER_FEATURES, 0);
	assert_int_equal(f->vd.features, offered & ~BAD_FEATURE);
	assert_int_equal(f->vd.driver_features, offered & ~BAD_FEATURE);
}

static void test_features_refused(void **state)
{
	(void)state;
	assert_false(driver_negotiate(&f->d, VIRTIO_F_VERSION_1 | 1)); /* not offered */
	assert_int_equal(f->vd.features, 0);
	assert_false(driver_negotiate(&f->d, OWN_FEATURE)); /* a legacy driver */
	assert_false(driver_negotiate(&f->d, VIRTIO_F_VERSION_1 | BAD_FEATURE));
	wr(STATUS, RUNNING);
	assert_int_equal(rd(STATUS), 1 | 2); /* no DRIVER_OK without FEATURES_OK */
	assert_int_equal(f->starts, 0);
	assert_int_equal(f->d.said, 0);
	assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
	wr(STATUS, 0);

	/* Bits that nobody can have. */
	wr(DRIVER_FEATURES_SEL, 7);
	wr(DRIVER_FEATURES, 0);
	assert_int_equal(rd(STATUS), 0);
	wr(DRIVER_FEATURES, 1);
	broken("a feature that does not exist");
}

static void test_status(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(f->starts, 1);
	wr(STATUS, 1); /* bits are only ever added (2.1.1) */
	assert_int_equal(rd(STATUS), RUNNING);
	wr(STATUS, RUNNING | NEEDS_RESET | 0xffffff00); /* not the driver's to set */
	assert_int_equal(rd(STATUS), RUNNING);
	wr(STATUS, RUNNING | 128);
	assert_int_equal(rd(STATUS), RUNNING | 128);
	assert_int_equal(f->starts, 1);
	wr(STATUS, 0);
	assert_int_equal(rd(STATUS), 0);
	assert_int_equal(f->resets, 2); /* driver_start() has one, too */
}

/* After a reset nothing is left of what the driver wrote. */
static void test_reset(void **state)
{
	(void)state;
	start(OWN_FEATURE);
	wr(DEVICE_FEATURES_SEL, 1);
	wr(QUEUE_SEL, 1);
	assert_int_equal(rd(QUEUE_READY), 1);
	wr(STATUS, 0);
	assert_int_equal(f->vd.features, 0);
	assert_int_equal(f->vd.driver_features, 0);
	assert_int_equal(f->vd.queue_select, 0);
	assert_int_equal(f->vd.device_features_select, 0);
	for (uint32_t q = 0; q < QUEUES; q++) {
		wr(QUEUE_SEL, q);
		assert_int_equal(rd(QUEUE_READY), 0);
		assert_int_equal(f->queues[q].size, MAX);
		assert_int_equal(f->queues[q].area[0], 0);
	}
	assert_false(f->d.level);
}

static void test_events(void **state)
{
	(void)state;
	start(0);
	virtio_event(&f->vd, 3);
	assert_int_equal(f->events, 1);
	assert_int_equal(f->vd.lock.held, 0);
	virtio_power_on(&f->vd);
	assert_int_equal(rd(STATUS), 0);
	assert_int_equal(f->vd.lock.held, 0);
}

/* ---- queue registers ---- */

/* Defect 1: the selector is used unchecked. */
static void test_queue_select(void **state)
{
	static const uint32_t out[] = { QUEUES, QUEUES + 1, 0xffff, 0x80000000, UINT32_MAX };

	(void)state;
	start(0);
	for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
		wr(QUEUE_SEL, out[i]);
		assert_int_equal(rd(QUEUE_NUM_MAX), 0);
		assert_int_equal(rd(QUEUE_READY), 0);
		wr(QUEUE_NUM, 4);
		wr(QUEUE_DESC, 0x1000);
		wr(QUEUE_READY, 1);
		wr(QUEUE_READY, 0);
		wr(0x0c0, 1);
		wr(QUEUE_NOTIFY, out[i]);
	}
	assert_int_equal(rd(STATUS), RUNNING);
	assert_int_equal(f->notified, 0);
	wr(QUEUE_SEL, 1);
	assert_int_equal(rd(QUEUE_NUM_MAX), MAX);
	assert_int_equal(rd(QUEUE_READY), 1);
}

/* Defect 2: sizes of nothing, over the maximum, and no power of two. */
static void test_queue_size(void **state)
{
	static const uint32_t out[] = { 0, MAX + 1, 0x10000, 0x10010, UINT32_MAX };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
		assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
		wr(QUEUE_NUM, out[i]);
		assert_int_equal(f->queues[0].size, MAX);
		broken("queue size out of range");
	}
	assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
	driver_setup(&f->d, 0, 24);
	assert_int_equal(rd(QUEUE_READY), 0);
	broken("queue size not a power of two");

	assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED));
	driver_setup(&f->d, 0, 24);
	assert_int_equal(rd(QUEUE_READY), 1);
}

/* Defect 3: halves that are OR-ed into what was there. */
static void test_queue_address(void **state)
{
	(void)state;
	assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
	for (uint32_t area = 0; area < 3; area++) {
		uint32_t at = QUEUE_DESC + 0x10 * area;

		wr(at, 0xffffffff);
		wr(at + 4, 0xffffffff);
		assert_int_equal(f->queues[0].area[area], UINT64_MAX);
		wr(at, 0x1230);
		assert_int_equal(f->queues[0].area[area], 0xffffffff00001230);
		wr(at + 4, 0x5);
		assert_int_equal(f->queues[0].area[area], 0x500001230);
		assert_int_equal(virtio_queue_address(&f->vd, area, false), 0x1230);
		assert_int_equal(virtio_queue_address(&f->vd, area, true), 5);
	}
}

/* Defect 4: rings outside of RAM, over its end, around the end of the address space. */
static void test_queue_outside(void **state)
{
	static const uint64_t out[] = {
		0,
		DRIVER_GPA - 16,
		DRIVER_GPA + DRIVER_RAM,
		DRIVER_GPA + DRIVER_RAM - 16,
		UINT64_MAX - 15,
		UINT64_C(1) << 63,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
		for (uint32_t area = 0; area < 3; area++) {
			assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
			driver_layout(&f->d, 0, SIZE);
			wr(QUEUE_NUM, SIZE);
			for (uint32_t k = 0; k < 3; k++) {
				uint64_t at = k == area ? out[i] : f->d.queue[0].area[k];

				wr(QUEUE_DESC + 0x10 * k, (uint32_t)at);
				wr(QUEUE_DESC + 0x10 * k + 4, (uint32_t)(at >> 32));
			}
			wr(QUEUE_READY, 1);
			assert_int_equal(rd(QUEUE_READY), 0);
			broken("queue outside of RAM");
		}
	}
}

static void test_queue_alignment(void **state)
{
	static const uint64_t aligns[2][3] = { { 16, 2, 4 }, { 16, 4, 4 } };

	(void)state;
	for (unsigned packed = 0; packed < 2; packed++) {
		for (uint32_t area = 0; area < 3; area++) {
			assert_true(driver_negotiate(
				&f->d, VIRTIO_F_VERSION_1 | (packed ? VIRTIO_F_RING_PACKED : 0)));
			driver_setup(&f->d, 0, SIZE);
			assert_int_equal(rd(QUEUE_READY), 1);
			wr(QUEUE_READY, 0);
			driver_layout(&f->d, 0, SIZE);
			for (uint32_t k = 0; k < 3; k++) {
				uint64_t at = f->d.queue[0].area[k];

				at += k == area ? aligns[packed][k] / 2 : 0;
				wr(QUEUE_DESC + 0x10 * k, (uint32_t)at);
				wr(QUEUE_DESC + 0x10 * k + 4, (uint32_t)(at >> 32));
			}
			wr(QUEUE_READY, 1);
			assert_int_equal(rd(QUEUE_READY), 0);
			broken("queue not aligned");
		}
	}
}

static void test_queue_too_early(void **state)
{
	(void)state;
	wr(STATUS, 1 | 2);
	wr(QUEUE_NUM, 4);
	broken("queue set up before FEATURES_OK");
}

/* A queue in use keeps its place. */
static void test_queue_in_use(void **state)
{
	struct virtq before;

	(void)state;
	start(0);
	wr(QUEUE_SEL, 0);
	before = f->queues[0];
	wr(QUEUE_NUM, 4);
	wr(QUEUE_DESC, 0);
	wr(QUEUE_DRIVER + 4, 0xffffffff);
	wr(QUEUE_DEVICE, 0);
	wr(QUEUE_READY, 1);
	assert_memory_equal(&before, &f->queues[0], sizeof(before));
	assert_int_equal(rd(STATUS), RUNNING);
}

/* ---- rings: each thing a driver must not do, on both formats where both have it ---- */

static const uint64_t both[] = { 0, VIRTIO_F_RING_PACKED };

static uint8_t *desc(unsigned index)
{
	return driver_host(&f->d, f->d.queue[0].area[0] + 16 * (uint64_t)index);
}

static unsigned flags_at(uint64_t features)
{
	return (features & VIRTIO_F_RING_PACKED) != 0 ? 14 : 12;
}

/* Adds `count` buffers and lets `spoil` at the descriptors before the device sees them. */
static void spoiled(uint64_t features, const struct driver_buffer *b, unsigned count, bool table,
		    void (*spoil)(uint64_t features), const char *why)
{
	start(features);
	assert_true(driver_add(&f->d, 0, b, count, table) >= 0);
	if (spoil != NULL)
		spoil(features);
	(void)driver_kick(&f->d, 0);
	broken(why);
}

static void test_buffer_outside(void **state)
{
	static const struct driver_buffer b[] = {
		{ .gpa = DRIVER_GPA + DRIVER_RAM - 1, .len = 2 },
		{ .gpa = DRIVER_GPA - 1, .len = 2 },
		{ .gpa = 0, .len = 1 },
		{ .gpa = UINT64_MAX, .len = 1 },
		{ .gpa = UINT64_MAX - 3, .len = 16 },
		{ .gpa = DRIVER_GPA, .len = DRIVER_RAM + 1, .writable = true },
	};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(b) * ARRAY_SIZE(both); i++)
		spoiled(VIRTIO_F_INDIRECT_DESC | both[i % 2], &b[i / 4], 1, i / 2 % 2 != 0, NULL,
			"buffer outside of RAM");
}

static void test_buffer_order(void **state)
{
	static const struct driver_buffer b[] = {
		{ .gpa = DRIVER_GPA, .len = 4, .writable = true },
		{ .gpa = DRIVER_GPA, .len = 4 },
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		spoiled(VIRTIO_F_INDIRECT_DESC | both[i % 2], b, 2, i / 2 != 0, NULL,
			"readable buffer after a writable one");
}

/* 2.7.5.2: less than 4 GiB together, though all of it is the same RAM. */
static void test_chain_too_large(void **state)
{
	static struct driver_buffer b[64];
	static uint8_t *huge;
	static struct gmem_range *range;

	(void)state;
	/* RAM that is not there; the device only looks where it would be. */
	huge = f->d.ram;
	range = &f->d.gmem.range[1];
	*range = (struct gmem_range){ .gpa = UINT64_C(1) << 40,
				      .host = (uint64_t)(uintptr_t)huge,
				      .size = UINT64_C(1) << 32 };
	f->d.gmem.count = 2;
	for (unsigned i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = (struct driver_buffer){ .gpa = range->gpa,
					       .len = 1U << 26,
					       .writable = i > 8 };
	for (unsigned i = 0; i < 2; i++)
		spoiled(VIRTIO_F_INDIRECT_DESC | both[i], b, 64, true, NULL,
			"descriptor chain of 4 GiB or more");
}

static void make_loop(uint64_t features)
{
	(void)features;
	/* The last descriptor's `next` is the first one. */
	memcpy(desc(SIZE - 3) + 12, &(uint16_t){ 1 }, 2);
	memcpy(desc(SIZE - 3) + 14, &(uint16_t){ SIZE - 1 }, 2);
}

static void make_wild_next(uint64_t features)
{
	(void)features;
	memcpy(desc(SIZE - 1) + 14, &(uint16_t){ SIZE }, 2);
}

static void make_wild_head(uint64_t features)
{
	(void)features;
	memcpy(driver_host(&f->d, f->d.queue[0].area[1] + 4), &(uint16_t){ SIZE }, 2);
}

static void make_index_jump(uint64_t features)
{
	(void)features;
	memcpy(driver_host(&f->d, f->d.queue[0].area[1] + 2), &(uint16_t){ SIZE + 1 }, 2);
}

static const struct driver_buffer three[] = {
	{ .gpa = DRIVER_GPA, .len = 4 },
	{ .gpa = DRIVER_GPA, .len = 4 },
	{ .gpa = DRIVER_GPA, .len = 4 },
};

static void test_split_walk(void **state)
{
	(void)state;
	spoiled(0, three, 3, false, make_loop, "loop in a descriptor chain");
	spoiled(0, three, 3, false, make_wild_next, "descriptor outside of the table");
	spoiled(0, three, 3, false, make_wild_head, "descriptor outside of the table");
	spoiled(0, three, 3, false, make_index_jump, "available index beyond the ring");
}

/* Every descriptor says that another one follows. */
static void make_endless(uint64_t features)
{
	(void)features;
	for (unsigned i = 0; i < SIZE; i++) {
		uint16_t flags = (1 << 7) | 1;

		memcpy(desc(i), &(uint64_t){ DRIVER_GPA }, 8);
		memcpy(desc(i) + 14, &flags, 2);
	}
}

static void test_packed_walk(void **state)
{
	(void)state;
	spoiled(VIRTIO_F_RING_PACKED, three, 3, false, make_endless,
		"descriptor chain longer than the ring");
}

/* As long as the ring, over a descriptor that is still ours. */
static void test_packed_walk_over_what_is_in_flight(void **state)
{
	struct virtq_chain chain;

	(void)state;
	start(VIRTIO_F_RING_PACKED);
	assert_true(driver_add(&f->d, 0, three, 1, false) >= 0);
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	make_endless(VIRTIO_F_RING_PACKED);
	memcpy(desc(0) + 14, &(uint16_t){ 1 << 7 }, 2); /* the chain's last one */
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_BAD);
	broken("descriptor chain longer than the ring");
}

/* The first descriptor, whose place depends on the format. */
static uint8_t *first(uint64_t features)
{
	return desc((features & VIRTIO_F_RING_PACKED) != 0 ? 0 : SIZE - 1);
}

static uint8_t *table(uint64_t features)
{
	uint64_t gpa;

	memcpy(&gpa, first(features), 8);
	return driver_host(&f->d, gpa);
}

static void or_flags(uint8_t *at, uint64_t features, uint16_t bits)
{
	uint16_t flags;

	memcpy(&flags, at + flags_at(features), 2);
	flags |= bits;
	memcpy(at + flags_at(features), &flags, 2);
}

static void make_nested(uint64_t features)
{
	or_flags(table(features) + 16, features, 4);
}

static void make_table_next(uint64_t features)
{
	or_flags(first(features), features, 1);
}

static void make_table_odd(uint64_t features)
{
	memcpy(first(features) + 8, &(uint32_t){ 17 }, 4);
}

static void make_table_empty(uint64_t features)
{
	memcpy(first(features) + 8, &(uint32_t){ 0 }, 4);
}

static void make_table_long(uint64_t features)
{
	memcpy(first(features) + 8, &(uint32_t){ 16 * (VIRTQ_SIZE_MAX + 1) }, 4);
}

static void make_table_outside(uint64_t features)
{
	memcpy(first(features), &(uint64_t){ DRIVER_GPA + DRIVER_RAM - 16 }, 8);
	memcpy(f->d.ram + DRIVER_RAM - 16 + 12, (uint16_t[]){ 1, 1 },
	       4); /* split: goes on behind */
}

/* Of the same length; wraps around the end of the address space. */
static void make_table_wild(uint64_t features)
{
	memcpy(first(features), &(uint64_t){ UINT64_MAX - 15 }, 8);
}

static void make_table_loop(uint64_t features)
{
	(void)features;
	memcpy(table(0) + 32 + 12, &(uint16_t){ 1 }, 2);
	memcpy(table(0) + 32 + 14, &(uint16_t){ 0 }, 2);
}

static void make_table_wild_next(uint64_t features)
{
	(void)features;
	memcpy(table(0) + 14, &(uint16_t){ 3 }, 2);
}

static void test_indirect(void **state)
{
	static const struct {
		void (*spoil)(uint64_t features);
		const char *why;
	} bad[] = {
		{ make_nested, "indirect table within an indirect table" },
		{ make_table_next, "indirect descriptor where none may be" },
		{ make_table_odd, "indirect table of an odd length" },
		{ make_table_empty, "indirect table of an odd length" },
		{ make_table_long, "indirect table longer than the queue" },
		{ make_table_outside, "indirect table outside of RAM" },
		{ make_table_wild, "indirect table outside of RAM" },
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(bad); k++)
			spoiled(VIRTIO_F_INDIRECT_DESC | both[i], three, 3, true, bad[k].spoil,
				bad[k].why);
		/* Not negotiated. */
		spoiled(both[i], three, 3, true, NULL, "indirect descriptor where none may be");
	}
	spoiled(VIRTIO_F_INDIRECT_DESC, three, 3, true, make_table_loop,
		"loop in an indirect table");
	spoiled(VIRTIO_F_INDIRECT_DESC, three, 3, true, make_table_wild_next,
		"next descriptor outside of the indirect table");
}

/* More chains than descriptors: the same one again and again, none of them answered. */
static void test_too_many_in_flight(void **state)
{
	struct virtq_chain chain;
	uint16_t *avail;

	(void)state;
	start(0);
	assert_true(driver_add(&f->d, 0, three, 1, false) >= 0);
	avail = driver_host(&f->d, f->d.queue[0].area[1]);
	for (unsigned i = 0; i < SIZE; i++) {
		avail[2 + i] = avail[2];
		avail[1] = (uint16_t)(i + 1);
		assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_GOT);
	}
	avail[1]++;
	assert_int_equal(virtq_pop(&f->vd, 0, &chain), VIRTQ_BAD);
	broken("available index beyond the ring");
}

/* ---- notifications of the driver before its time ---- */

static void test_too_early(void **state)
{
	(void)state;
	assert_true(driver_negotiate(&f->d, VIRTIO_F_VERSION_1));
	driver_setup(&f->d, 0, SIZE);
	assert_true(driver_add(&f->d, 0, three, 1, false) >= 0);
	wr(QUEUE_NOTIFY, 0);
	wr(QUEUE_NOTIFY, 1); /* not set up */
	assert_int_equal(f->notified, 0);
	wr(STATUS, RUNNING);
	assert_int_equal(f->notified, 1); /* then it counts */
	wr(QUEUE_NOTIFY, 0);
	assert_int_equal(f->notified, 2);
	wr(QUEUE_NOTIFY, 1);
	assert_int_equal(f->notified, 2);
}

/* A guest that breaks its device over and over does not fill the log. */
static void test_log_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		wr(STATUS, 0);
		wr(QUEUE_NUM, 0);
		assert_true((rd(STATUS) & NEEDS_RESET) != 0);
	}
	assert_int_equal(f->d.said, 10);
}

/* What a driver breaks further in a device that needs a reset already is not told again. */
static void test_broken_once(void **state)
{
	(void)state;
	wr(STATUS, 0);
	wr(DRIVER_FEATURES_SEL, 2);
	for (unsigned i = 0; i < 3; i++)
		wr(DRIVER_FEATURES, 1);
	assert_int_equal(f->d.said, 1);
	assert_int_equal(f->vd.complaints, 1);
}

/* A queue that never gets empty does not keep the handler. */
static void test_bounded_work(void **state)
{
	struct virtio_ops refilled = ops;

	(void)state;
	refilled.notify = on_notify_refilled;
	f->vd.setup.ops = &refilled;
	for (unsigned i = 0; i < 2; i++) {
		start(i == 0 ? 0 : VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
		f->taken = 0;
		f->d.again = 0;
		assert_true(driver_add(&f->d, 1,
				       &(struct driver_buffer){ .gpa = DRIVER_GPA, .len = 1 }, 1,
				       false) >= 0);
		assert_true(driver_kick(&f->d, 1));
		assert_int_equal(f->taken, VIRTIO_BUDGET);
		assert_int_equal(f->d.again, 1);
		virtio_resume(&f->vd, 2, VIRTIO_RESUMED);
		assert_int_equal(f->vd.caller, 2);
		assert_int_equal(f->taken, 2 * VIRTIO_BUDGET);
		assert_int_equal(f->d.again, 2);
	}
	/* A reset in between: there is nothing to go on with. */
	wr(STATUS, 0);
	virtio_resume(&f->vd, 2, VIRTIO_RESUMED);
	assert_int_equal(f->taken, 2 * VIRTIO_BUDGET);
	f->vd.setup.ops = &ops;
}

/* ---- configuration space ---- */

/* Defect 15: everything at and over its end, every width, every alignment. */
static void test_config(void **state)
{
	(void)state;
	for (unsigned width = 1; width <= 8; width *= 2) {
		for (uint64_t at = 0; at + width <= 256; at++) {
			bool inside = at % width == 0 && at + width <= sizeof(f->config);
			uint64_t expected = 0;
			unsigned writes = f->writes;

			if (inside)
				memcpy(&expected, f->config + at, width);
			assert_int_equal(driver_access(&f->d, false, CONFIG + at, width, 0),
					 expected);
			(void)driver_access(&f->d, true, CONFIG + at, width,
					    UINT64_C(0x1122334455667788));
			assert_int_equal(f->writes - writes, inside && width <= 4);
			if (f->writes == writes)
				continue;
			assert_int_equal(f->write_offset, at);
			assert_int_equal(f->write_len, width);
			assert_int_equal(f->write_value,
					 0x55667788 & (UINT32_MAX >> (32 - 8 * width)));
		}
	}
	assert_int_equal(rd(STATUS), 0);
}

static void test_config_changes(void **state)
{
	uint32_t generation = rd(GENERATION);

	(void)state;
	virtio_config_changed(&f->vd); /* nobody to tell yet */
	assert_int_not_equal(rd(GENERATION), generation);
	assert_int_equal(driver_acknowledge(&f->d), 0);
	start(0);
	f->config[0] = 1;
	virtio_config_changed(&f->vd);
	assert_true(f->d.level);
	assert_int_equal(driver_acknowledge(&f->d), 2);
	assert_false(f->d.level);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_features),        TEST(test_features_refused),
		TEST(test_status),          TEST(test_reset),
		TEST(test_events),          TEST(test_queue_select),
		TEST(test_queue_size),      TEST(test_queue_address),
		TEST(test_queue_outside),   TEST(test_queue_alignment),
		TEST(test_queue_too_early), TEST(test_queue_in_use),
		TEST(test_buffer_outside),  TEST(test_buffer_order),
		TEST(test_chain_too_large), TEST(test_split_walk),
		TEST(test_packed_walk),     TEST(test_packed_walk_over_what_is_in_flight),
		TEST(test_indirect),        TEST(test_too_many_in_flight),
		TEST(test_too_early),       TEST(test_log_is_bounded),
		TEST(test_broken_once),     TEST(test_config),
		TEST(test_config_changes),  TEST(test_bounded_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
