/* SPDX-License-Identifier: BSD-2-Clause */
/* The native disk driver against our own model of the device (test/support/blk_stack.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/blk_stack.h"
#include "test/support/vdrv_model.h"
#include "vmm/base/util.h"

static struct blk_stack *s;
static struct blkq requests, responses;

static void attach(void)
{
	struct stack_channel *c = &s->driver_channel;

	assert_int_equal(
		blkq_init(&requests, BLKQ_REQUESTS, true, c->requests, sizeof(c->requests)),
		VMM_OK);
	assert_int_equal(
		blkq_init(&responses, BLKQ_RESPONSES, false, c->responses, sizeof(c->responses)),
		VMM_OK);
}

static int begin(void **state)
{
	(void)state;
	s = stack_create(false);
	attach();
	return 0;
}

static int finish(void **state)
{
	(void)state;
	stack_destroy(s);
	return 0;
}

static void put(uint32_t code, uint64_t block, uint16_t count, uint64_t address, uint32_t id)
{
	const struct blkq_request request = {
		.code = code, .block = block, .count = count, .offset = address, .id = id
	};

	assert_true(blkq_put(&requests, &request));
	(void)blkq_show(&requests);
}

static void expect(uint32_t id, uint32_t status, uint16_t count)
{
	struct blkq_response response;

	assert_true(blkq_take(&responses, &response));
	assert_int_equal(response.id, id);
	assert_int_equal(response.status, status);
	assert_int_equal(response.count, count);
	(void)blkq_show(&responses);
}

static uint64_t data(size_t at)
{
	return STACK_PADDR + offsetof(struct stack_memory, data) + at;
}

static void test_medium(void **state)
{
	struct blkq_medium medium;

	(void)state;
	memcpy(s->medium.info.serial, "12345678901234567890", 20);
	assert_int_equal(stack_start_driver(s), VMM_OK);
	assert_true(blkq_medium_read(s->driver_channel.medium, &medium));
	assert_int_equal(medium.sectors, STACK_SECTORS);
	assert_int_equal(medium.generation, 1);
	assert_int_equal(medium.features, BLKQ_F_SECTORS | BLKQ_F_DISCARD | BLKQ_F_WRITE_ZEROES);
	assert_string_equal(medium.serial, "12345678901234567890");
	assert_false(medium.read_only);
}

static void test_moves(void **state)
{
	(void)state;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	memset(s->memory->data[0], 0x41, 4096);
	put(BLKQ_WRITE, 3, 1, data(0), 1);                /* a block */
	put(BLKQ_WRITE | BLKQ_SECTORS, 7, 1, data(0), 2); /* a sector */
	put(BLKQ_READ | BLKQ_SECTORS, 24, 8, data(4096), 3);
	put(BLKQ_FLUSH, 0, 0, 0, 4);
	put(BLKQ_WRITE_ZEROES | BLKQ_SECTORS, 25, 1, 0, 5);
	put(BLKQ_WRITE_ZEROES_KEEP | BLKQ_SECTORS, 26, 1, 0, 6);
	put(BLKQ_DISCARD, 3, 1, 0, 7);
	assert_true(blkdrv_run(&s->driver));
	expect(1, BLKQ_OK, 1);
	expect(2, BLKQ_OK, 1);
	expect(3, BLKQ_OK, 8);
	expect(4, BLKQ_OK, 0);
	expect(5, BLKQ_OK, 1);
	expect(6, BLKQ_OK, 1);
	expect(7, BLKQ_OK, 1);
	assert_int_equal(s->disk[24 * 512], 0x41);
	assert_int_equal(s->disk[7 * 512], 0x41);
	assert_int_equal(s->disk[6 * 512], 0);
	assert_int_equal(s->disk[25 * 512], 0);
	assert_int_equal(s->disk[26 * 512], 0);
	assert_int_equal(s->disk[27 * 512], 0x41);
	assert_int_equal(s->memory->data[0][4096 + 4095], 0x41);
	assert_false(blkdrv_run(&s->driver));
}

enum { QUEUE_NOTIFY = 0x050 };

static void *unheard; /* registers of a device that was told to look, and has not */

static void write_slowly(void *regs, unsigned offset, uint32_t value)
{
	if (offset == QUEUE_NOTIFY)
		unheard = regs;
	else
		vdrv_model_ops.write(regs, offset, value);
}

/* A disk that is too slow to say its serial number goes without, and its late answer is nobody's. */
static void test_slow_to_say_its_id(void **state)
{
	struct vdrv_ops ops = vdrv_model_ops;
	struct blkq_medium medium;
	struct blkq_response response;

	(void)state;
	s->ops = &ops;
	ops.write = write_slowly;
	memcpy(s->medium.info.serial, "12345678901234567890", 20);
	assert_int_equal(stack_start_driver(s), VMM_OK);
	assert_non_null(unheard);
	ops.write = vdrv_model_ops.write;
	ops.write(unheard, QUEUE_NOTIFY, 0);
	assert_true(blkq_medium_read(s->driver_channel.medium, &medium));
	assert_string_equal(medium.serial, "");
	s->disk[512] = 0x41;
	for (uint32_t id = 1; id <= 3; id++) {
		put(BLKQ_READ | BLKQ_SECTORS, 1, 1, data(0), id);
		assert_true(blkdrv_run(&s->driver));
		expect(id, BLKQ_OK, 1);
		assert_false(blkq_take(&responses, &response));
		assert_int_equal(s->memory->data[0][0], 0x41);
	}
	assert_int_equal(s->driver.in_flight, 0);
}

static void test_refuses(void **state)
{
	(void)state;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	put(BLKQ_READ | BLKQ_SECTORS, STACK_SECTORS, 1, data(0), 1);
	put(BLKQ_READ, STACK_SECTORS / 8 - 1, 2, data(0), 2);
	put(BLKQ_READ, UINT64_MAX / 8 + 1, 1, data(0), 3);
	put(BLKQ_WRITE, 0, 0, data(0), 4);
	put(55, 0, 1, data(0), 5);
	put(BLKQ_SYNC, 9, 1, data(0), 6);
	assert_true(blkdrv_run(&s->driver));
	for (uint32_t id = 1; id <= 6; id++)
		expect(id, BLKQ_INVALID, 0);
	s->medium.fail_next = 1;
	put(BLKQ_READ, 0, 1, data(0), 7);
	assert_true(blkdrv_run(&s->driver));
	expect(7, BLKQ_IO_ERROR, 0);
}

/* A VM's word is not taken for an address: it moves its own data and no others. */
static void test_confined(void **state)
{
	enum { SECTORS = STACK_DATA / 512 };
	uint32_t id = 0;

	(void)state;
	s->confined = true;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	memset(s->memory->data[0] + STACK_DATA - 512, 0x42, 512);
	memset(s->memory->data[1], 0x17, STACK_DATA);
	memset(s->memory->own, 0x17, sizeof(s->memory->own));
	put(BLKQ_WRITE | BLKQ_SECTORS, 5, 1, STACK_DATA - 512, 1);
	put(BLKQ_READ | BLKQ_SECTORS, 5, 1, 0, 2);
	assert_true(blkdrv_run(&s->driver));
	expect(1, BLKQ_OK, 1);
	expect(2, BLKQ_OK, 1);
	assert_int_equal(s->disk[5 * 512], 0x42);
	assert_int_equal(s->memory->data[0][0], 0x42);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, STACK_DATA - 511, ++id);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, STACK_DATA, ++id);
	put(BLKQ_READ | BLKQ_SECTORS, 0, SECTORS + 1, 0, ++id);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), ++id);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, UINT64_MAX - 511, ++id);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, UINT64_MAX, ++id);
	put(BLKQ_WRITE | BLKQ_SECTORS, 0, 1, 0 - UINT64_C(512), ++id);
	put(BLKQ_READ, 0, 17, 0, ++id);
	assert_true(blkdrv_run(&s->driver));
	for (uint32_t i = 1; i <= id; i++)
		expect(i, BLKQ_INVALID, 0);
	for (size_t i = 0; i < STACK_DATA; i++)
		assert_int_equal(s->memory->data[1][i], 0x17);
	for (size_t i = 0; i < sizeof(s->memory->own); i++)
		assert_int_equal(s->memory->own[i], 0x17);
	assert_int_equal(s->disk[0], 0);
}

static void test_confined_read_only(void **state)
{
	static const uint32_t codes[] = { BLKQ_WRITE, BLKQ_DISCARD, BLKQ_WRITE_ZEROES,
					  BLKQ_WRITE_ZEROES_KEEP };
	struct blkq_medium medium;

	(void)state;
	s->confined = s->confined_read_only = true;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	assert_true(blkq_medium_read(s->driver_channel.medium, &medium));
	assert_true(medium.read_only);
	memset(s->disk, 0x33, 4096);
	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++)
		put(codes[i], 0, 1, 0, i);
	put(BLKQ_READ, 0, 1, 0, 9);
	assert_true(blkdrv_run(&s->driver));
	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++)
		expect(i, BLKQ_INVALID, 0);
	expect(9, BLKQ_OK, 1);
	assert_int_equal(s->memory->data[0][4095], 0x33);
	assert_int_equal(s->disk[0], 0x33);
}

/* No more are taken than can be answered; the rest waits in the client's queue. */
static void test_room(void **state)
{
	uint32_t answered = 0;
	struct blkq_response response;

	(void)state;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	s->medium.late = true;
	s->medium.depth = 4;
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < BLKQ_CAPACITY / 2; i++)
			put(BLKQ_READ | BLKQ_SECTORS, i, 1, data(0), 0);
		for (unsigned i = 0; i < 40; i++)
			stack_run_driver(s);
	}
	/* Nobody took a response. */
	assert_int_equal(blkq_length(&responses), BLKQ_CAPACITY);
	for (unsigned i = 0; i < 100; i++) {
		for (; blkq_take(&responses, &response); answered++)
			assert_int_equal(response.status, BLKQ_OK);
		(void)blkq_show(&responses);
		stack_run_driver(s);
	}
	assert_int_equal(answered, 3 * BLKQ_CAPACITY / 2);
}

/* What was in flight fails, as does what comes later; the device is reset before the client hears of it. */
static void test_broken(void **state)
{
	struct blkq_medium medium;

	(void)state;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	s->medium.late = true;
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), 1);
	(void)blkdrv_run(&s->driver);
	assert_int_equal(s->driver.in_flight, 1);
	virtio_needs_reset(&s->model.vd, "test");
	assert_true(blkdrv_run(&s->driver));
	expect(1, BLKQ_IO_ERROR, 0);
	assert_int_equal(s->model.vd.status, 0);
	assert_int_equal(s->medium.count, 0);
	assert_false(blkq_medium_read(s->driver_channel.medium, &medium));
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), 2);
	assert_true(blkdrv_run(&s->driver));
	expect(2, BLKQ_NO_DEVICE, 0);
	/* Started again, with a device that works: after the sync. */
	assert_int_equal(stack_start_driver(s), VMM_OK);
	s->medium.late = false;
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), 3);
	put(BLKQ_SYNC, 2, 0, 0, 0);
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), 4);
	assert_true(blkdrv_run(&s->driver));
	expect(4, BLKQ_OK, 1);
	assert_int_equal(blkq_length(&responses), 0);
}

/* The device's used ring names what nobody asked for: dropped, and the right one is still answered. */
static void test_used_ring(void **state)
{
	struct used {
		uint16_t flags, index;
		uint32_t entry[2 * VRING_SIZE];
	} * used;

	(void)state;
	assert_int_equal(stack_start_driver(s), VMM_OK);
	s->medium.late = true;
	put(BLKQ_READ | BLKQ_SECTORS, 0, 1, data(0), 1);
	(void)blkdrv_run(&s->driver);
	used = (void *)(s->memory->dma + vring_device_offset(s->driver.ring.size));
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t ids[] = { 77, UINT32_MAX, 100000 };

		used->entry[2 * (used->index % s->driver.ring.size)] = ids[i];
		used->index++;
	}
	assert_false(blkdrv_run(&s->driver));
	assert_int_equal(s->driver.bad, 3);
	assert_int_equal(s->driver.in_flight, 1);
}

static void test_absent(void **state)
{
	static const struct virtio_ops other = { .device_id = VIRTIO_ID_NET };
	struct blkdrv_setup setup = { .dma_size = blkdrv_dma_bytes() - 1 };

	(void)state;
	assert_int_equal(blkdrv_open(&s->driver, &setup), VMM_ERR_INVALID);
	s->model.vd.setup.ops = &other;
	assert_int_equal(stack_start_driver(s), VMM_ERR_ABSENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_medium),
		TEST(test_moves),
		TEST(test_slow_to_say_its_id),
		TEST(test_refuses),
		TEST(test_room),
		TEST(test_broken),
		TEST(test_absent),
		TEST(test_used_ring),
		TEST(test_confined),
		TEST(test_confined_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
