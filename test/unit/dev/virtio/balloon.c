/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon device and a driver: sizes, pages in and out, reports and statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/balloon.h"

enum { INFLATE, DEFLATE, THIRD, FOURTH, SIZE = 16, WANTED = 5000, STAT = 10 };

#define PFN (DRIVER_GPA >> 12)

static struct driver d;
static struct virtio_balloon balloon;

static int make(void **state)
{
	(void)state;
	driver_init(&d);
	memset(&balloon, 0, sizeof(balloon));
	virtio_balloon_init(&balloon,
			    &(struct virtio_setup){
				    .name = "balloon",
				    .gmem = &d.gmem,
				    .packed = true,
				    .owner = driver_owner(&d),
			    },
			    WANTED);
	driver_connect(&d, &balloon.vd, NULL);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

static void give(unsigned queue, const uint32_t *numbers, unsigned count, uint32_t bytes)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, bytes, 4), .len = bytes };
	uint32_t written;
	int id;

	if (count > 0)
		memcpy(driver_host(&d, b.gpa), numbers, count * sizeof(*numbers));
	assert_true(driver_add(&d, queue, &b, 1, false) >= 0);
	(void)driver_kick(&d, queue);
	if (balloon.vd.broken)
		return;
	assert_true(driver_used(&d, queue, &id, &written));
	assert_int_equal(written, 0);
}

static void pages_go_in_and_out(void **state)
{
	uint32_t numbers[200];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i] = PFN + i;
	assert_int_equal(driver_read(&d, 0x008), VIRTIO_ID_BALLOON);
	assert_true(driver_start(&d, VIRTIO_F_EVENT_IDX, 2, SIZE));
	assert_int_equal(driver_read(&d, 0x100), WANTED);
	give(INFLATE, numbers, 200, sizeof(numbers));
	assert_int_equal(balloon.held, 200);
	give(DEFLATE, numbers, 60, 60 * 4 + 3); /* a number that is cut short is none */
	assert_int_equal(balloon.held, 140);
	give(INFLATE, NULL, 0, 2);
	assert_int_equal(balloon.held, 140);
	/* Out more than was ever in: nothing is below nothing. */
	give(DEFLATE, numbers, 200, sizeof(numbers));
	assert_int_equal(balloon.held, 0);
	assert_int_equal(balloon.most, 200);
	assert_int_equal(balloon.strange, 0);
}

static void pages_that_are_not_ram_are_strange(void **state)
{
	const uint32_t numbers[] = { 0, PFN - 1, PFN + DRIVER_RAM / 4096, UINT32_MAX, PFN };

	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	give(INFLATE, numbers, 5, sizeof(numbers));
	assert_int_equal(balloon.strange, 4);
	assert_int_equal(balloon.held, 1);
}

static void more_than_is_reasonable_needs_a_reset(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	give(INFLATE, NULL, 0, 65536);
	assert_false(balloon.vd.broken);
	give(INFLATE, NULL, 0, 65540);
	assert_true(balloon.vd.broken);
}

static void the_driver_says_what_it_has_reached(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	(void)driver_access(&d, true, 0x104, 4, 77);
	assert_int_equal(driver_read(&d, 0x104), 77);
	(void)driver_access(&d, true, 0x100, 4, 1); /* not what is wanted */
	assert_int_equal(driver_read(&d, 0x100), WANTED);
	(void)driver_access(&d, true, 0x104, 2, 1);
	(void)driver_access(&d, true, 0x106, 2, 1);
	(void)driver_access(&d, true, 0x108, 4, 1);
	assert_int_equal(driver_read(&d, 0x104), 77);
	driver_write(&d, 0x070, 0);
	assert_int_equal(driver_read(&d, 0x104), 0);
	assert_int_equal(balloon.held, 0);
}

static void report(unsigned queue)
{
	struct driver_buffer b[2] = {
		{ .gpa = DRIVER_GPA, .len = 8192, .writable = true },
		{ .gpa = DRIVER_GPA + 0x10000, .len = 4096, .writable = true },
	};
	uint8_t *page = driver_host(&d, DRIVER_GPA + 0x10000);
	uint32_t written;
	int id;

	page[5] = 0x77;
	assert_true(driver_add(&d, queue, b, 2, false) >= 0);
	(void)driver_kick(&d, queue);
	assert_true(driver_used(&d, queue, &id, &written));
	assert_int_equal(balloon.reported, 8192 + 4096);
	assert_int_equal(page[5], 0x77); /* not touched */
}

/* The optional queues follow each other: alone, reports are the third; with statistics the fourth. */
static void free_pages_are_reported(void **state)
{
	(void)state;
	d.brk += 0x20000;
	assert_true(driver_start(&d, VIRTIO_BALLOON_F_REPORTING, 3, SIZE));
	report(THIRD);
	(void)finish(state);
	(void)make(state);
	d.brk += 0x20000;
	assert_true(driver_start(
		&d, VIRTIO_BALLOON_F_REPORTING | VIRTIO_BALLOON_F_STATS_VQ | VIRTIO_F_RING_PACKED,
		4, SIZE));
	report(FOURTH);
}

static uint64_t say_stats(uint64_t free, unsigned tag)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, 2 * STAT + 4, 1), .len = 2 * STAT + 4 };
	uint8_t *bytes = driver_host(&d, b.gpa);
	uint16_t tags[2] = { VIRTIO_BALLOON_FREE, (uint16_t)tag };

	for (unsigned i = 0; i < 2; i++) {
		memcpy(bytes + (size_t)i * STAT, &tags[i], 2);
		memcpy(bytes + (size_t)i * STAT + 2, &free, 8);
	}
	assert_true(driver_add(&d, THIRD, &b, 1, false) >= 0);
	(void)driver_kick(&d, THIRD);
	return free;
}

static void statistics_are_kept_and_asked_for_again(void **state)
{
	uint32_t written;
	int id;

	(void)state;
	assert_true(driver_start(&d, VIRTIO_BALLOON_F_STATS_VQ, 3, SIZE));
	assert_true(balloon.stat[VIRTIO_BALLOON_FREE] == UINT64_MAX);
	(void)driver_access(&d, true, 0x104, 4, 1); /* nothing to ask with yet */
	say_stats(UINT64_C(0x123456789), 500);
	assert_true(balloon.stat[VIRTIO_BALLOON_FREE] == UINT64_C(0x123456789));
	assert_true(balloon.stat[VIRTIO_BALLOON_TOTAL] == UINT64_MAX);
	assert_false(driver_used(&d, THIRD, &id, &written)); /* kept */
	(void)driver_access(&d, true, 0x104, 4, 2);
	assert_true(driver_used(&d, THIRD, &id, &written));
	say_stats(5, VIRTIO_BALLOON_TOTAL);
	assert_int_equal(balloon.stat[VIRTIO_BALLOON_FREE], 5);
	assert_int_equal(balloon.stat[VIRTIO_BALLOON_TOTAL], 5);
	say_stats(6, VIRTIO_BALLOON_TOTAL); /* one too many: the first one goes back */
	assert_true(driver_used(&d, THIRD, &id, &written));
	assert_false(driver_used(&d, THIRD, &id, &written));
	/* What was kept is stale after a reset. */
	assert_true(driver_start(&d, VIRTIO_BALLOON_F_STATS_VQ, 3, SIZE));
	(void)driver_access(&d, true, 0x104, 4, 3);
	assert_false(driver_used(&d, THIRD, &id, &written));
	assert_true(balloon.stat[VIRTIO_BALLOON_FREE] == UINT64_MAX);
}

/* As Linux does it. */
static void statistics_come_before_the_driver_is_ready(void **state)
{
	uint32_t written;
	int id;

	(void)state;
	for (unsigned starts = 0; starts < 2; starts++) {
		assert_true(driver_negotiate(&d, VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_STATS_VQ));
		for (unsigned i = 0; i < 3; i++)
			driver_setup(&d, i, SIZE);
		say_stats(7, VIRTIO_BALLOON_TOTAL);
		assert_true(balloon.stat[VIRTIO_BALLOON_FREE] == UINT64_MAX); /* 2.1.2 */
		driver_write(&d, 0x070, 1 | 2 | 8 | 4);
		assert_int_equal(balloon.stat[VIRTIO_BALLOON_FREE], 7);
		(void)driver_access(&d, true, 0x104, 4, 1);
		assert_true(driver_used(&d, THIRD, &id, &written));
		assert_int_equal(balloon.vd.early, 0);
		driver_write(&d, 0x070, 0);
	}
	/* Nothing stays of it over a reset. */
	assert_true(driver_negotiate(&d, VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_STATS_VQ));
	driver_setup(&d, THIRD, SIZE);
	say_stats(8, VIRTIO_BALLOON_TOTAL);
	driver_write(&d, 0x070, 0);
	assert_int_equal(balloon.vd.early, 0);
}

static void queues_that_nobody_asked_for_do_nothing(void **state)
{
	struct driver_buffer b = { .gpa = DRIVER_GPA + 0x1000, .len = 100, .writable = true };

	(void)state;
	d.brk += 0x20000;
	assert_true(driver_start(&d, 0, 4, SIZE));
	for (unsigned queue = THIRD; queue <= FOURTH; queue++) {
		assert_true(driver_add(&d, queue, &b, 1, false) >= 0);
		(void)driver_kick(&d, queue);
	}
	assert_int_equal(balloon.reported, 0);
	assert_false(balloon.stats_kept);
	assert_false(balloon.vd.broken);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pages_go_in_and_out),
		CASE(pages_that_are_not_ram_are_strange),
		CASE(more_than_is_reasonable_needs_a_reset),
		CASE(the_driver_says_what_it_has_reached),
		CASE(free_pages_are_reported),
		CASE(statistics_are_kept_and_asked_for_again),
		CASE(statistics_come_before_the_driver_is_ready),
		CASE(queues_that_nobody_asked_for_do_nothing),
	};

	return cmocka_run_group_tests_name("dev/virtio/balloon", tests, NULL, NULL);
}
