/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device over a disk in memory, and a driver that also does what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/virtio_driver.h"
#include "vmm/backend/block/memory.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/blk.h"

enum { SECTORS = 256, SIZE = 64, OK = 0, IOERR = 1, UNSUPP = 2, UNTOUCHED = 0xee };
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };

#define F_RO           (UINT64_C(1) << 5)
#define F_FLUSH        (UINT64_C(1) << 9)
#define F_MQ           (UINT64_C(1) << 12)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)
#define F_ALL          (F_FLUSH | F_DISCARD | F_WRITE_ZEROES)

static struct driver d;
static struct virtio_blk *blk;
static struct block_memory disk;
static uint8_t bytes[SECTORS * 512], wanted[SECTORS * 512];

static void make(unsigned queues, bool read_only)
{
	driver_init(&d);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = wanted[i] = (uint8_t)(i / 512 + i);
	block_memory_init(&disk, bytes, sizeof(bytes), read_only);
	memcpy(disk.info.serial, "SN-12345678901234567", 20);
	blk = calloc(1, sizeof(*blk));
	assert_non_null(blk);
	virtio_blk_init(blk,
			&(struct virtio_setup){
				.name = "vda",
				.gmem = &d.gmem,
				.packed = true,
				.owner = driver_owner(&d),
			},
			&disk.backend, queues, read_only);
	driver_connect(&d, &blk->vd, NULL);
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	free(blk);
	return 0;
}

/* A request as a driver has it in memory. */
struct request {
	uint64_t header, data, status;
	int id;
};

static struct request ask_at(unsigned queue, uint32_t type, uint64_t sector, size_t data,
			     bool writable, bool table)
{
	struct request r = { .header = driver_alloc(&d, 16, 8),
			     .data = driver_alloc(&d, data + 1, 1),
			     .status = driver_alloc(&d, 1, 1) };
	struct driver_buffer b[3] = { { .gpa = r.header, .len = 16 } };
	unsigned count = 1;

	memcpy(driver_host(&d, r.header), &(uint32_t[4]){ type, 0 }, 16);
	memcpy((char *)driver_host(&d, r.header) + 8, &sector, 8);
	memset(driver_host(&d, r.status), UNTOUCHED, 1);
	if (data > 0)
		b[count++] = (struct driver_buffer){ r.data, (uint32_t)data, writable };
	b[count++] = (struct driver_buffer){ r.status, 1, true };
	r.id = driver_add(&d, queue, b, count, table);
	assert_true(r.id >= 0);
	return r;
}

static struct request ask(uint32_t type, uint64_t sector, size_t data)
{
	return ask_at(0, type, sector, data, type != OUT && type < DISCARD, false);
}

static uint8_t status_of(const struct request *r)
{
	return *(uint8_t *)driver_host(&d, r->status);
}

/* Does it and expects `status`, and `written` bytes. */
static void expect(struct request r, uint8_t status, uint32_t written)
{
	uint32_t len;
	int id;

	(void)driver_kick(&d, 0);
	assert_true(driver_used(&d, 0, &id, &len));
	assert_int_equal(id, r.id);
	assert_int_equal(status_of(&r), status);
	assert_int_equal(len, written);
}

static void read_and_write(uint64_t features, bool table)
{
	struct request r;

	make(1, false);
	assert_int_equal(driver_read(&d, 0x008), 2);
	assert_int_equal(driver_read(&d, 0x100), SECTORS);
	assert_true(driver_start(&d, F_ALL | features, 1, SIZE));
	r = ask_at(0, IN, 5, 1024, true, table);
	expect(r, OK, 1025);
	assert_memory_equal(driver_host(&d, r.data), wanted + 5 * 512, 1024);
	r = ask_at(0, OUT, 7, 1536, false, table);
	memset(driver_host(&d, r.data), 0x5a, 1536);
	memset(wanted + 7 * 512, 0x5a, 1536);
	expect(r, OK, 1);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
	expect(ask(FLUSH, 0, 0), OK, 1);
	r = ask(GET_ID, 0, 20);
	expect(r, OK, 21);
	assert_memory_equal(driver_host(&d, r.data), "SN-12345678901234567", 20);
	assert_int_equal(d.said, 0);
}

static void test_read_write(void **state)
{
	static const uint64_t features[] = {
		0,
		VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC,
		VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC,
		VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX,
	};

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		read_and_write(features[i], (features[i] & VIRTIO_F_INDIRECT_DESC) != 0);
		if (i + 1 < ARRAY_SIZE(features))
			(void)finish(state);
	}
}

/* However the driver cuts a request (2.6.4): all in pieces of three bytes. */
static void test_framing(void **state)
{
	enum { PIECE = 3, DATA = 512, PIECES_OUT = (16 + DATA + PIECE - 1) / PIECE };
	struct driver_buffer b[VIRTQ_SIZE_MAX];
	uint64_t out, in;
	unsigned count = 0;
	uint32_t written;
	int id;

	(void)state;
	make(1, false);
	assert_true(driver_start(&d, VIRTIO_F_INDIRECT_DESC, 1, 128));
	out = driver_alloc(&d, 16 + DATA, 1);
	in = driver_alloc(&d, 4, 1);
	memcpy(driver_host(&d, out), &(uint64_t[2]){ OUT, 3 }, 16);
	memset((char *)driver_host(&d, out) + 16, 0x77, DATA);
	/* 90 pieces, which fit in the queue, of all sizes, the data's far from sectors */
	for (unsigned at = 0; at < 16 + DATA;) {
		unsigned n = at < 30 ? PIECE : 6;

		n = at + n > 16 + DATA ? 16 + DATA - at : n;
		b[count++] = (struct driver_buffer){ out + at, n, false };
		at += n;
	}
	b[count++] = (struct driver_buffer){ in, 1, true };
	assert_true(driver_add(&d, 0, b, count, true) >= 0);
	(void)driver_kick(&d, 0);
	assert_true(driver_used(&d, 0, &id, &written));
	assert_int_equal(*(uint8_t *)driver_host(&d, in), OK);
	memset(wanted + 3 * 512, 0x77, DATA);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
}

/* More segments than a request has places for: one such at a time, the next waits. */
static void test_many_segments(void **state)
{
	enum { PIECES = VIRTIO_BLK_OWN + 6, PIECE = 64, DATA = PIECES * PIECE };
	struct driver_buffer b[PIECES + 2];
	uint64_t place[2];
	uint32_t written;
	int id;

	(void)state;
	make(1, false);
	disk.late = true;
	assert_true(driver_start(&d, VIRTIO_F_INDIRECT_DESC, 1, 64));
	for (unsigned k = 0; k < 2; k++) {
		uint64_t header = driver_alloc(&d, 16, 1);

		place[k] = driver_alloc(&d, DATA, 1);
		memcpy(driver_host(&d, header), &(uint64_t[2]){ IN, 8 + k }, 16);
		b[0] = (struct driver_buffer){ header, 16, false };
		for (unsigned i = 0; i < PIECES; i++)
			b[1 + i] = (struct driver_buffer){ place[k] + i * PIECE, PIECE, true };
		b[1 + PIECES] = (struct driver_buffer){ driver_alloc(&d, 1, 1), 1, true };
		assert_true(driver_add(&d, 0, b, PIECES + 2, true) >= 0);
	}
	(void)driver_kick(&d, 0);
	assert_int_equal(disk.count, 1);
	virtio_event(&blk->vd, 0);
	assert_int_equal(disk.count, 1);
	virtio_event(&blk->vd, 0);
	for (unsigned k = 0; k < 2; k++) {
		assert_true(driver_used(&d, 0, &id, &written));
		assert_memory_equal(driver_host(&d, place[k]), bytes + (8 + k) * 512, DATA);
	}
}

static struct request range(uint32_t type, uint64_t sector, uint32_t count, uint32_t flags)
{
	struct request r = ask(type, 0, 16);
	uint64_t *at = driver_host(&d, r.data);

	at[0] = sector;
	at[1] = count | (uint64_t)flags << 32;
	return r;
}

static void test_ranges(void **state)
{
	(void)state;
	make(1, false);
	assert_true(driver_start(&d, F_ALL, 1, SIZE));
	expect(range(WRITE_ZEROES, 10, 4, 0), OK, 1);
	memset(wanted + 10 * 512, 0, 4 * 512);
	expect(range(WRITE_ZEROES, 20, 1, 1), OK, 1);
	memset(wanted + 20 * 512, 0, 512);
	expect(range(DISCARD, 30, 4, 0), OK, 1);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
	/* 5.2.6.2: unknown flags, and "unmap" where it has no meaning */
	expect(range(WRITE_ZEROES, 10, 4, 2), UNSUPP, 1);
	expect(range(DISCARD, 10, 4, 1), UNSUPP, 1);
	expect(range(DISCARD, SECTORS, 1, 0), IOERR, 1);
	expect(range(DISCARD, SECTORS - 1, 2, 0), IOERR, 1);
	expect(range(WRITE_ZEROES, UINT64_MAX, 2, 0), IOERR, 1);
	expect(range(WRITE_ZEROES, 0, 0, 0), IOERR, 1);
	expect(ask(DISCARD, 0, 32), IOERR, 1); /* two ranges, where one is allowed */
	expect(ask(DISCARD, 0, 15), IOERR, 1);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
}

static void test_not_negotiated(void **state)
{
	(void)state;
	make(1, false);
	assert_true(driver_start(&d, 0, 1, SIZE));
	expect(range(WRITE_ZEROES, 10, 4, 0), UNSUPP, 1);
	expect(range(DISCARD, 10, 4, 0), UNSUPP, 1);
}

static void test_wrong_requests(void **state)
{
	(void)state;
	make(1, false);
	assert_true(driver_start(&d, F_ALL, 1, SIZE));
	expect(ask(IN, SECTORS - 1, 512), OK, 513);
	expect(ask(IN, SECTORS, 512), IOERR, 1);
	expect(ask(IN, SECTORS - 1, 1024), IOERR, 1);
	expect(ask(OUT, UINT64_MAX, 512), IOERR, 1);
	expect(ask(OUT, UINT64_MAX / 512, 1024), IOERR, 1);
	expect(ask(IN, 0, 511), IOERR, 1);
	expect(ask(IN, 0, 0), IOERR, 1);
	expect(ask(OUT, 0, 0), IOERR, 1);
	expect(ask(GET_ID, 0, 19), IOERR, 1);
	expect(ask(99, 0, 512), UNSUPP, 1);
	expect(ask(UINT32_MAX, 0, 0), UNSUPP, 1);
	/* Data in the wrong direction is no data. */
	expect(ask_at(0, IN, 0, 512, false, false), IOERR, 1);
	disk.fail_next = 2;
	expect(ask(IN, 0, 512), IOERR, 0); /* nothing of the data was written */
	expect(ask(OUT, 0, 512), IOERR, 1);
	assert_int_equal(d.said, 0);
}

static void test_read_only(void **state)
{
	struct request r;

	(void)state;
	make(1, true);
	assert_true((driver_read(&d, 0x010) & F_RO) != 0);
	assert_true(driver_start(&d, F_RO | F_FLUSH, 1, SIZE));
	expect(ask(IN, 0, 512), OK, 513);
	r = ask(OUT, 0, 512);
	expect(r, IOERR, 1);
	expect(ask(FLUSH, 0, 0), OK, 1);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
}

/* No place for an answer: the device needs a reset, says so once, and works after it. */
static void test_unanswerable(void **state)
{
	struct driver_buffer b = { .len = 16 };
	struct driver_buffer shorter[2] = { { .len = 15 }, { .len = 1, .writable = true } };

	(void)state;
	make(1, false);
	assert_true(driver_start(&d, 0, 1, SIZE));
	b.gpa = driver_alloc(&d, 16, 8);
	assert_true(driver_add(&d, 0, &b, 1, false) >= 0);
	(void)driver_kick(&d, 0);
	assert_true((driver_read(&d, 0x070) & VIRTIO_STATUS_NEEDS_RESET) != 0);
	assert_int_equal(d.said, 1);
	driver_write(&d, 0x070, 0);
	assert_true(driver_start(&d, 0, 1, SIZE));
	expect(ask(IN, 0, 512), OK, 513);
	shorter[0].gpa = shorter[1].gpa = driver_alloc(&d, 16, 8);
	assert_true(driver_add(&d, 0, shorter, 2, false) >= 0);
	(void)driver_kick(&d, 0);
	assert_true((driver_read(&d, 0x070) & VIRTIO_STATUS_NEEDS_RESET) != 0);
}

/* A backend that takes two at a time: all are done, in time, and none twice. */
static void test_backpressure(void **state)
{
	enum { COUNT = 15 };
	struct request r[COUNT];
	uint32_t written;
	unsigned done = 0;
	int id;

	(void)state;
	make(1, false);
	disk.late = true;
	disk.depth = 2;
	assert_true(driver_start(&d, VIRTIO_F_EVENT_IDX, 1, SIZE));
	for (unsigned i = 0; i < COUNT; i++)
		r[i] = ask(IN, i, 512);
	(void)driver_kick(&d, 0);
	assert_int_equal(disk.count, 2);
	for (unsigned i = 0; i < COUNT; i++) {
		virtio_event(&blk->vd, 0);
		assert_true(disk.count <= 2);
		while (driver_used(&d, 0, &id, &written))
			assert_int_equal(id, r[done++].id);
	}
	assert_int_equal(done, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		assert_memory_equal(driver_host(&d, r[i].data), bytes + i * 512, 512);
	/* The driver's next notification is wanted again. */
	(void)ask(FLUSH, 0, 0);
	assert_true(driver_kick(&d, 0));
}

/* What is answered after a reset reaches neither the old buffers nor the new ring. */
static void test_reset_in_flight(void **state)
{
	struct request old, fresh;
	uint32_t written;
	int id;

	(void)state;
	make(1, false);
	disk.late = true;
	for (unsigned i = 0; i < 1000; i++) {
		d.brk = DRIVER_GPA;
		assert_true(driver_start(&d, 0, 1, 16));
		old = ask(IN, 1, 512);
		memset(driver_host(&d, old.data), 0x11, 512);
		(void)driver_kick(&d, 0);
		assert_int_equal(disk.count, 1);
		driver_write(&d, 0x070, 0);
		assert_true(driver_start(&d, 0, 1, 16));
		fresh = ask(IN, 2, 512);
		virtio_event(&blk->vd, 0);
		assert_int_equal(status_of(&old), UNTOUCHED);
		assert_int_equal(*(uint8_t *)driver_host(&d, old.data), 0x11);
		assert_false(driver_used(&d, 0, &id, &written));
		(void)driver_kick(&d, 0);
		virtio_event(&blk->vd, 0);
		assert_true(driver_used(&d, 0, &id, &written));
		assert_int_equal(status_of(&fresh), OK);
		driver_write(&d, 0x070, 0);
	}
}

/* One queue is reset; the other one's request goes on. */
static void test_queue_reset(void **state)
{
	struct request one, two;
	uint32_t written;
	int id;

	(void)state;
	make(2, false);
	disk.late = true;
	assert_true(driver_start(&d, F_MQ | VIRTIO_F_RING_RESET, 2, SIZE));
	one = ask_at(0, IN, 1, 512, true, false);
	two = ask_at(1, IN, 2, 512, true, false);
	(void)driver_kick(&d, 0);
	(void)driver_kick(&d, 1);
	assert_int_equal(disk.count, 2);
	driver_write(&d, 0x030, 0); /* QueueSel */
	driver_write(&d, 0x0c0, 1); /* QueueReset */
	assert_int_equal(disk.count, 1);
	virtio_event(&blk->vd, 0);
	assert_int_equal(status_of(&one), UNTOUCHED);
	assert_true(driver_used(&d, 1, &id, &written));
	assert_int_equal(status_of(&two), OK);
}

/* ---- a driver without FLUSH ---- */

static unsigned flushes;
static const struct block_ops *counted_ops;

static enum block_submit count_flushes(struct block_backend *backend, struct block_request *request)
{
	enum block_submit got;
	bool flush = request->op == BLOCK_FLUSH;

	got = counted_ops->submit(backend, request);
	flushes += flush && got == BLOCK_ACCEPTED;
	return got;
}

static void make_counted(void)
{
	static struct block_ops ops;

	make(1, false);
	flushes = 0;
	counted_ops = disk.backend.ops;
	ops = *counted_ops;
	ops.submit = count_flushes;
	disk.backend.ops = &ops;
}

/* 5.2.6.2: to a driver that cannot ask for a flush, a write that is done is stable. */
static void test_write_through(void **state)
{
	(void)state;
	make_counted();
	assert_true(driver_start(&d, F_WRITE_ZEROES | F_DISCARD, 1, SIZE));
	expect(ask(IN, 1, 512), OK, 513);
	assert_int_equal(flushes, 0);
	expect(ask(OUT, 1, 512), OK, 1);
	assert_int_equal(flushes, 1);
	expect(range(WRITE_ZEROES, 2, 1, 0), OK, 1);
	assert_int_equal(flushes, 2);
	expect(range(DISCARD, 2, 1, 0), OK, 1);
	assert_int_equal(flushes, 2);
	/* A failed write is not made stable, and a failed flush is a failed write. */
	disk.fail_next = 1;
	expect(ask(OUT, 1, 512), IOERR, 1);
	assert_int_equal(flushes, 2);
	disk.late = true;
	disk.depth = 1;
	driver_write(&d, 0x070, 0);
	assert_true(driver_start(&d, F_FLUSH, 1, SIZE));
	(void)ask(OUT, 1, 512);
	(void)driver_kick(&d, 0);
	virtio_event(&blk->vd, 0);
	assert_int_equal(flushes, 2); /* this one can ask */
}

/* The flush waits for room, goes before what else waits, fails the write, and ends with the queue. */
static void test_write_through_waits(void **state)
{
	struct request r[3];
	uint32_t written;
	int id;

	(void)state;
	make_counted();
	disk.late = true;
	disk.depth = 2;
	assert_true(driver_start(&d, VIRTIO_F_RING_RESET, 1, SIZE));
	for (unsigned i = 0; i < 3; i++)
		r[i] = ask(OUT, i, 512);
	(void)driver_kick(&d, 0);
	virtio_event(&blk->vd, 0); /* the first two are written */
	assert_int_equal(flushes, 2);
	assert_false(driver_used(&d, 0, &id, &written));
	assert_int_equal(disk.count, 2);
	disk.fail_next = 1;
	virtio_event(&blk->vd, 0); /* and flushed, the first in vain */
	assert_int_equal(status_of(&r[0]), IOERR);
	assert_int_equal(status_of(&r[1]), OK);
	assert_int_equal(status_of(&r[2]), UNTOUCHED);
	disk.depth = 0; /* no room for the third's flush */
	virtio_event(&blk->vd, 0);
	assert_int_equal(disk.count, 0);
	driver_write(&d, 0x030, 0); /* QueueSel */
	driver_write(&d, 0x0c0, 1); /* QueueReset */
	disk.depth = 2;
	virtio_event(&blk->vd, 0);
	assert_int_equal(disk.count, 0);
	assert_int_equal(flushes, 2);
	assert_int_equal(status_of(&r[2]), UNTOUCHED);
}

static void test_queues(void **state)
{
	struct request r[4];
	uint32_t written;
	int id;

	(void)state;
	make(4, false);
	assert_int_equal(driver_read(&d, 0x100 + 34) & 0xffff, 0); /* not aligned */
	assert_int_equal(driver_access(&d, false, 0x100 + 34, 2, 0), 4);
	assert_true(driver_start(&d, F_MQ, 4, SIZE));
	for (unsigned i = 0; i < 4; i++) {
		r[i] = ask_at(i, IN, i, 512, true, false);
		(void)driver_kick(&d, i);
		assert_true(driver_used(&d, i, &id, &written));
		assert_int_equal(status_of(&r[i]), OK);
	}
}

/* A backend that has answered when it was kicked, as a server above us on the same core. */
static bool kick_late(struct block_backend *backend, bool look)
{
	return look && container_of(backend, struct block_memory, backend)->count > 0;
}

/* Answered within the notification, and what waited for room is not forgotten: no event comes. */
static void test_answers_at_once(void **state)
{
	static struct block_ops quick;
	struct request r[3];
	uint32_t len;
	int id;

	(void)state;
	make(1, false);
	quick = *disk.backend.ops;
	quick.kick = kick_late;
	disk.backend.ops = &quick;
	disk.late = true;
	disk.depth = 2;
	assert_true(driver_start(&d, VIRTIO_F_EVENT_IDX, 1, SIZE));
	for (unsigned i = 0; i < 3; i++)
		r[i] = ask(IN, i, 512);
	(void)driver_kick(&d, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(driver_used(&d, 0, &id, &len));
		assert_int_equal(id, r[i].id);
		assert_int_equal(status_of(&r[i]), OK);
	}
	assert_false(driver_used(&d, 0, &id, &len));
	assert_int_equal(disk.count, 1); /* the third has been taken */
	virtio_event(&blk->vd, 0);
	assert_true(driver_used(&d, 0, &id, &len));
	assert_int_equal(id, r[2].id);
}

/* What is stored there is the number of a queue, of which there is one or there are several. */
static void test_notifications_are_blind(void **state)
{
	(void)state;
	make(1, false);
	assert_true(virtio_mmio_blind(&d.mmio, 0x050, 4));
	assert_false(virtio_mmio_blind(&d.mmio, 0x050, 2));
	assert_false(virtio_mmio_blind(&d.mmio, 0x064, 4));
	(void)finish(state);
	make(2, false);
	assert_false(virtio_mmio_blind(&d.mmio, 0x050, 4));
}

/* The medium comes after the device. */
static void test_medium_changes(void **state)
{
	(void)state;
	make(1, false);
	disk.info.sectors = 0;
	virtio_event(&blk->vd, 0);
	assert_int_equal(driver_read(&d, 0x100), 0);
	assert_true(driver_start(&d, 0, 1, SIZE));
	expect(ask(IN, 0, 512), IOERR, 1);
	(void)driver_acknowledge(&d);
	disk.info.sectors = SECTORS;
	virtio_event(&blk->vd, 0);
	assert_int_equal(driver_acknowledge(&d), 2);
	assert_int_equal(driver_read(&d, 0x100), SECTORS);
	expect(ask(IN, 0, 512), OK, 513);
	/* It is what it was: nothing to tell. */
	(void)driver_acknowledge(&d);
	virtio_event(&blk->vd, 0);
	assert_int_equal(driver_acknowledge(&d), 0);
}

/* ---- notifications ---- */

static bool later(void *ctx, const struct virtio_dev *vd)
{
	(void)ctx;
	(void)vd;
	return true;
}

struct rounds {
	unsigned kicks, resumes;
};

/* Rounds of `depth` reads, all of which the driver waits for; what it waits in vain for is resumed. */
static struct rounds run_rounds(unsigned depth, unsigned count, enum virtio_resumed why)
{
	struct rounds r = { 0 };

	for (unsigned i = 0; i < count; i++) {
		unsigned answered = 0;
		uint32_t written;
		int id;

		for (unsigned k = 0; k < depth; k++) {
			(void)ask(IN, k, 512);
			r.kicks += driver_kick(&d, 0);
		}
		for (unsigned tries = 0; answered < depth; tries++) {
			assert_true(tries < 4);
			while (driver_used(&d, 0, &id, &written)) {
				assert_int_equal(written, 513);
				answered++;
			}
			if (answered == depth)
				break;
			r.resumes++;
			virtio_resume(&blk->vd, 0, why);
		}
	}
	return r;
}

static void start_paced(uint64_t features)
{
	make(1, false);
	blk->vd.setup.owner.later = later;
	assert_true(driver_start(&d, features, 1, SIZE));
}

/* Many at a time: told of a round, not of each request; and of no fewer after a pause. */
static void test_batches(void **state)
{
	static const uint64_t features[] = { VIRTIO_F_EVENT_IDX,
					     VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED };
	static const unsigned depths[] = { 16, 20, 2, 16, 3 };

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		struct rounds r;

		start_paced(features[i]);
		for (unsigned k = 0; k < ARRAY_SIZE(depths); k++) {
			unsigned rounds = 40;

			(void)run_rounds(depths[k], 10, VIRTIO_RESUMED); /* it gets used to it */
			r = run_rounds(depths[k], rounds, VIRTIO_RESUMED);
			assert_true(r.kicks + r.resumes <= 3 * rounds);
		}
		if (i + 1 < ARRAY_SIZE(features))
			(void)finish(state);
	}
}

/* One at a time: it is not kept waiting, but for a try now and then, however it waits. */
static void test_single_requests_go_at_once(void **state)
{
	static const enum virtio_resumed why[] = { VIRTIO_RESUMED, VIRTIO_OVERDUE };

	for (unsigned i = 0; i < ARRAY_SIZE(why); i++) {
		struct rounds r;

		start_paced(VIRTIO_F_EVENT_IDX);
		r = run_rounds(1, 500, why[i]);
		assert_true(r.resumes <= 12);
		assert_int_equal(r.kicks + r.resumes, 500);
		if (i + 1 < ARRAY_SIZE(why))
			(void)finish(state);
	}
}

/* Without event indices, or an owner that looks later, every chain is told of. */
static void test_no_batches(void **state)
{
	struct rounds r;

	start_paced(0);
	r = run_rounds(8, 20, VIRTIO_RESUMED);
	assert_int_equal(r.kicks, 160);
	assert_int_equal(r.resumes, 0);
	(void)finish(state);
	start_paced(VIRTIO_F_EVENT_IDX);
	blk->vd.setup.owner.later = NULL;
	r = run_rounds(8, 20, VIRTIO_RESUMED);
	assert_int_equal(r.kicks, 160);
	assert_int_equal(r.resumes, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_write),
		TEST(test_framing),
		TEST(test_many_segments),
		TEST(test_ranges),
		TEST(test_not_negotiated),
		TEST(test_wrong_requests),
		TEST(test_read_only),
		TEST(test_unanswerable),
		TEST(test_backpressure),
		TEST(test_reset_in_flight),
		TEST(test_queue_reset),
		TEST(test_write_through),
		TEST(test_write_through_waits),
		TEST(test_queues),
		TEST(test_medium_changes),
		TEST(test_batches),
		TEST(test_single_requests_go_at_once),
		TEST(test_no_batches),
		TEST(test_answers_at_once),
		TEST(test_notifications_are_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
