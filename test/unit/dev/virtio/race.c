/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings that change under the device's feet: another vCPU of the guest, here a thread, rewrites them
 * without a pause while the device works. Whatever happens to the device, it stays inside of guest RAM
 * (which is a heap block of its own, so that a sanitizer sees a step outside), and after a reset it works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"

enum { SIZE = 16, ROUNDS = 5000, WORDS = 2048 / 8 };

static struct driver d;
static struct virtio_dev vd;
static struct virtq queue;
static uint64_t popped, broken;
static bool stop;

/* What was counted and checked is what is used: lengths fetched again would be others by now. */
static void check_chain(const struct virtq_chain *chain)
{
	uint64_t len[2] = { 0, 0 };

	for (unsigned i = 0; i < chain->readable_count + chain->writable_count; i++) {
		const struct virtq_segment *s = &chain->segment[i];

		len[i >= chain->readable_count] += s->len;
		assert_true(s->host >= d.ram && s->len <= DRIVER_RAM);
		assert_true((size_t)(s->host - d.ram) <= DRIVER_RAM - s->len);
	}
	assert_int_equal(len[0], chain->readable_len);
	assert_int_equal(len[1], chain->writable_len);
}

static void on_notify(struct virtio_dev *device, unsigned index)
{
	struct virtq_chain chain;
	uint8_t bytes[64];

	do {
		while (virtq_pop(device, index, &chain) == VIRTQ_GOT) {
			size_t n;

			check_chain(&chain);
			n = virtq_read(&chain, 0, bytes, sizeof(bytes));
			popped++;
			virtq_push(device, index, chain.token,
				   (uint32_t)virtq_write(&chain, 0, bytes, n));
		}
	} while (virtq_kicks_on(device, index));
	virtq_notify(device, index);
}

static const struct virtio_ops ops = { .device_id = 42, .notify = on_notify };

/* Plausible words more often than not: a descriptor, a flag, an index. */
static uint64_t word(uint32_t seed)
{
	static const uint64_t some[] = {
		DRIVER_GPA + DRIVER_RAM - 8,
		DRIVER_GPA + 0x100000,
		UINT64_C(16) | UINT64_C(1) << 32, /* len 16, NEXT */
		UINT64_C(32) | UINT64_C(4) << 32,
		UINT64_C(8) | UINT64_C(3) << 32 | UINT64_C(5) << 48,
		UINT64_C(64) | UINT64_C(0x0080) << 48,
		UINT64_C(64) | UINT64_C(0x8084) << 48,
		UINT64_C(0x0001000100010001),
		0,
		UINT64_MAX,
	};

	return some[seed % ARRAY_SIZE(some)];
}

static void *rewrite(void *ram)
{
	uint64_t *words = ram;
	uint32_t seed = 1;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		seed = seed * 1103515245 + 12345;
		__atomic_store_n(&words[(seed >> 8) % WORDS], word(seed >> 16), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void run(uint64_t features)
{
	pthread_t thread;

	popped = broken = 0;
	stop = false;
	driver_init(&d);
	driver_device(&d, &vd, &ops, &queue, 1, SIZE);
	assert_int_equal(pthread_create(&thread, NULL, rewrite, d.ram), 0);
	/* However the host divides its cores, the two must have met. */
	for (unsigned i = 0; i < ROUNDS || broken == 0; i++) {
		if (i % 64 == 0)
			(void)sched_yield();
		d.brk = DRIVER_GPA; /* all of it within what the thread rewrites */
		assert_true(driver_start(&d, features, 1, SIZE));
		for (unsigned k = 0; k < SIZE; k++) {
			const struct driver_buffer b[] = {
				{ .gpa = DRIVER_GPA + 0x100000, .len = 64 },
				{ .gpa = DRIVER_GPA + 0x100000, .len = 64, .writable = true },
			};

			(void)driver_add(&d, 0, b, ARRAY_SIZE(b), k % 2 != 0);
			driver_write(&d, 0x050, 0);
		}
		broken += (driver_read(&d, 0x070) & 64) != 0;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(popped > 0);
	driver_fini(&d);
}

static void test_split(void **state)
{
	(void)state;
	run(VIRTIO_F_INDIRECT_DESC);
	run(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
}

static void test_packed(void **state)
{
	(void)state;
	run(VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC);
	run(VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
