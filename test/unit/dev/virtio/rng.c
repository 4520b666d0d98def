/* SPDX-License-Identifier: BSD-2-Clause */
/* The entropy device, its backends, and a driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/backend/entropy/sddf.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/rng.h"

enum { SIZE = 16 };

static struct driver d;
static struct virtio_rng rng;
static struct entropy_fixed fixed;

static void make(struct entropy_backend *source)
{
	driver_init(&d);
	virtio_rng_init(&rng,
			&(struct virtio_setup){
				.name = "rng",
				.gmem = &d.gmem,
				.packed = true,
				.owner = driver_owner(&d),
			},
			source);
	driver_connect(&d, &rng.vd, NULL);
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

static uint64_t offer(uint32_t len, bool writable)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, len, 1),
				   .len = len,
				   .writable = writable };

	assert_true(driver_add(&d, 0, &b, 1, false) >= 0);
	return b.gpa;
}

static void check_bytes(uint64_t features)
{
	struct entropy_fixed same;
	uint8_t expected[300];
	uint64_t gpa[3];
	uint32_t written;
	int id;

	entropy_fixed_init(&fixed, 7, UINT64_MAX);
	entropy_fixed_init(&same, 7, UINT64_MAX);
	make(&fixed.backend);
	assert_int_equal(driver_read(&d, 0x008), 4);
	assert_true(driver_start(&d, features, 1, SIZE));
	for (unsigned i = 0; i < 3; i++)
		gpa[i] = offer(100, true);
	assert_true(driver_kick(&d, 0));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(driver_used(&d, 0, &id, &written));
		assert_int_equal(written, 100);
	}
	assert_int_equal(d.interrupts, 1);
	assert_int_equal(same.backend.ops->fill(&same.backend, expected, sizeof(expected)), 300);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(driver_host(&d, gpa[i]), expected + 100 * (size_t)i, 100);
}

static void test_bytes(void **state)
{
	check_bytes(0);
	(void)finish(state);
	check_bytes(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
}

/* The source runs dry: a short answer, then none until there is more (5.4.6.2). */
static void test_dry(void **state)
{
	uint32_t written;
	int id;

	(void)state;
	entropy_fixed_init(&fixed, 7, 30);
	make(&fixed.backend);
	assert_true(driver_start(&d, VIRTIO_F_EVENT_IDX, 1, SIZE));
	(void)offer(20, true);
	(void)offer(20, true);
	(void)offer(20, true);
	assert_true(driver_kick(&d, 0));
	assert_true(driver_used(&d, 0, &id, &written));
	assert_int_equal(written, 20);
	assert_true(driver_used(&d, 0, &id, &written));
	assert_int_equal(written, 10);
	assert_false(driver_used(&d, 0, &id, &written));
	(void)offer(20, true);
	assert_false(driver_kick(&d, 0)); /* of no use now */
	virtio_event(&rng.vd, 0);
	assert_false(driver_used(&d, 0, &id, &written));
	fixed.left = 40;
	virtio_event(&rng.vd, 0);
	assert_true(driver_used(&d, 0, &id, &written));
	assert_true(driver_used(&d, 0, &id, &written));
	assert_int_equal(written, 20);
	(void)offer(1, true);
	assert_true(driver_kick(&d, 0)); /* wanted again */
}

static void test_not_writable(void **state)
{
	(void)state;
	entropy_fixed_init(&fixed, 7, UINT64_MAX);
	make(&fixed.backend);
	assert_true(driver_start(&d, 0, 1, SIZE));
	(void)offer(8, false);
	(void)driver_kick(&d, 0);
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
	assert_int_equal(d.said, 1);
	assert_true(driver_start(&d, 0, 1, SIZE));
}

static void count(void *ctx)
{
	(*(unsigned *)ctx)++;
}

/* Over a queue from a driver, with its wake-ups. */
static void test_sddf(void **state)
{
	static struct serialq header;
	static uint8_t data[64];
	struct serialq_producer producer;
	struct serialq_consumer consumer;
	struct entropy_sddf sddf;
	unsigned wakes = 0;
	uint64_t gpa;
	uint32_t written;
	int id;

	(void)state;
	memset(&header, 0, sizeof(header));
	assert_int_equal(serialq_producer_init(&producer, &header, data, sizeof(data)), VMM_OK);
	assert_int_equal(serialq_consumer_init(&consumer, &header, data, sizeof(data)), VMM_OK);
	entropy_sddf_init(&sddf, &consumer, count, &wakes);
	make(&sddf.backend);
	assert_true(driver_start(&d, 0, 1, SIZE));
	gpa = offer(16, true);
	(void)driver_kick(&d, 0);
	assert_false(driver_used(&d, 0, &id, &written));

	assert_int_equal(serialq_write(&producer, (const uint8_t *)"random!", 7), 7);
	serialq_want_signal(&producer);
	virtio_event(&rng.vd, 0);
	assert_true(driver_used(&d, 0, &id, &written));
	assert_int_equal(written, 7);
	assert_memory_equal(driver_host(&d, gpa), "random!", 7);
	assert_int_equal(wakes, 1);
	assert_int_equal(serialq_room(&producer), sizeof(data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_bytes, finish),
		cmocka_unit_test_teardown(test_dry, finish),
		cmocka_unit_test_teardown(test_not_writable, finish),
		cmocka_unit_test_teardown(test_sddf, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
