/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands before an index is there when the index is (VIRTIO 1.2, 2.7.13 and 2.7.8.2; 2.8.1): driver
 * and device are threads that have nothing in common but the ring. What is in buffers they read and write
 * plainly, so ThreadSanitizer sees a missing barrier as a race, whatever this host's order of memory is.
 *
 * And nobody waits for a word that was sent before he listened (2.7.7, 2.7.10, 2.8.21): each asks the other
 * for a word, looks once more, and then does nothing until it comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"

enum { SIZE = 8, ROUNDS = 20000, LATE = 60, LINGER = 997 };

static struct driver d;
static struct virtio_dev vd;
static struct virtq queue;
static unsigned kicks; /* that the driver was asked for */
static unsigned wrong; /* what the device's thread has to say: assertions belong to the other one */

static void on_notify(struct virtio_dev *device, unsigned index)
{
	(void)device;
	(void)index;
	__atomic_fetch_add(&kicks, 1, __ATOMIC_RELAXED);
}

static const struct virtio_ops ops = { .device_id = 42, .notify = on_notify };

static const uint64_t formats[] = {
	0,
	VIRTIO_F_EVENT_IDX,
	VIRTIO_F_RING_PACKED,
	VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX,
};

static uint64_t question, answer; /* guest-physical addresses of a word each */

static void begin(uint64_t features)
{
	driver_init(&d);
	driver_device(&d, &vd, &ops, &queue, 1, SIZE);
	assert_true(driver_start(&d, features, 1, SIZE));
	question = driver_alloc(&d, sizeof(uint64_t), sizeof(uint64_t));
	answer = driver_alloc(&d, sizeof(uint64_t), sizeof(uint64_t));
	kicks = 0;
	wrong = 0;
}

static void ask(uint64_t number)
{
	const struct driver_buffer buffers[] = {
		{ .gpa = question, .len = sizeof(number) },
		{ .gpa = answer, .len = sizeof(number), .writable = true },
	};

	*(uint64_t *)driver_host(&d, question) = number;
	assert_true(driver_add(&d, 0, buffers, ARRAY_SIZE(buffers), false) >= 0);
}

static bool answered(uint64_t number)
{
	uint32_t written;
	int id;

	if (!driver_used(&d, 0, &id, &written))
		return false;
	assert_int_equal(written, sizeof(number));
	assert_int_equal(*(uint64_t *)driver_host(&d, answer), ~number);
	return true;
}

/* The device: answers the chain that has this number, if there is one. */
static bool serve(uint64_t number)
{
	struct virtq_chain chain;
	uint64_t asked, inverse;

	if (virtq_pop(&vd, 0, &chain) != VIRTQ_GOT)
		return false;
	wrong += virtq_read(&chain, 0, &asked, sizeof(asked)) != sizeof(asked) || asked != number;
	inverse = ~asked;
	(void)virtq_write(&chain, 0, &inverse, sizeof(inverse));
	virtq_push(&vd, 0, chain.token, sizeof(inverse));
	virtq_notify(&vd, 0);
	return true;
}

/* ---- the device looks all the time ---- */

static void *look(void *unused)
{
	(void)unused;
	for (uint64_t n = 0; n < ROUNDS;) {
		if (serve(n))
			n++;
		else
			(void)sched_yield();
	}
	return NULL;
}

static void test_content_is_before_its_index(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		pthread_t device;

		begin(formats[i]);
		driver_interrupts(&d, 0, false);
		assert_int_equal(pthread_create(&device, NULL, look, NULL), 0);
		for (uint64_t n = 0; n < ROUNDS; n++) {
			ask(n);
			while (!answered(n))
				(void)sched_yield();
		}
		assert_int_equal(pthread_join(device, NULL), 0);
		assert_int_equal(wrong, 0);
		driver_fini(&d);
	}
}

/* ---- one of both sleeps ---- */

/* So that the other one's next word comes now before, now while, now after it is asked for. */
static void linger(uint64_t n)
{
	for (volatile uint64_t i = 0; i < n % LINGER; i++)
		;
}

/* Looks until there is nothing, asks for a notification, and sleeps until it comes. */
static void *sleep_and_serve(void *unused)
{
	(void)unused;
	for (uint64_t n = 0; n < ROUNDS;) {
		unsigned before = __atomic_load_n(&kicks, __ATOMIC_RELAXED);

		lock_take(&vd.lock);
		do {
			virtq_kicks_off(&vd, 0);
			while (serve(n))
				n++;
			linger(n);
		} while (virtq_kicks_on(&vd, 0));
		lock_give(&vd.lock);
		while (n < ROUNDS && __atomic_load_n(&kicks, __ATOMIC_RELAXED) == before)
			(void)sched_yield();
	}
	return NULL;
}

/* Waits for what is not coming once a minute is over. */
static bool in_time(time_t begun)
{
	(void)sched_yield();
	return time(NULL) - begun < LATE;
}

static void test_no_notification_is_missed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		pthread_t device;

		begin(formats[i]);
		driver_interrupts(&d, 0, false);
		assert_int_equal(pthread_create(&device, NULL, sleep_and_serve, NULL), 0);
		for (uint64_t n = 0; n < ROUNDS; n++) {
			time_t begun = time(NULL);

			ask(n);
			(void)driver_kick(&d, 0);
			while (!answered(n))
				assert_true(in_time(begun));
		}
		assert_int_equal(pthread_join(device, NULL), 0);
		assert_int_equal(wrong, 0);
		driver_fini(&d);
	}
}

static void *look_locked(void *unused)
{
	(void)unused;
	for (uint64_t n = 0; n < ROUNDS;) {
		bool served;

		lock_take(&vd.lock);
		served = serve(n);
		lock_give(&vd.lock);
		n += served;
	}
	return NULL;
}

static void test_no_interrupt_is_missed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		pthread_t device;

		begin(formats[i]);
		assert_int_equal(pthread_create(&device, NULL, look_locked, NULL), 0);
		for (uint64_t n = 0; n < ROUNDS; n++) {
			driver_interrupts(&d, 0, false);
			ask(n);
			linger(n);
			for (driver_interrupts(&d, 0, true); !answered(n);) {
				time_t begun = time(NULL);

				while (!__atomic_load_n(&d.level, __ATOMIC_RELAXED))
					assert_true(in_time(begun));
				(void)driver_acknowledge(&d);
			}
		}
		assert_int_equal(pthread_join(device, NULL), 0);
		assert_int_equal(wrong, 0);
		driver_fini(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content_is_before_its_index),
		cmocka_unit_test(test_no_notification_is_missed),
		cmocka_unit_test(test_no_interrupt_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
