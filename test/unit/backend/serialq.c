/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial queue: order, wrap, a hostile peer, and no lost wake-up between two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "vmm/backend/queue/serialq.h"

enum { CAPACITY = 16 };

struct pair {
	struct serialq header;
	uint8_t data[CAPACITY];
	struct serialq_producer p;
	struct serialq_consumer c;
};

/* Both ends at index `start`, so that a test can cross 2^32. */
static void pair_init(struct pair *q, uint32_t start)
{
	memset(q, 0, sizeof(*q));
	q->header.tail = start;
	q->header.head = start;
	assert_int_equal(serialq_producer_init(&q->p, &q->header, q->data, CAPACITY), VMM_OK);
	assert_int_equal(serialq_consumer_init(&q->c, &q->header, q->data, CAPACITY), VMM_OK);
}

static void init_refuses_bad_sizes(void **state)
{
	static const uint32_t bad[] = { 0, 3, 12, 4095, 0x80000001u, UINT32_MAX };
	struct serialq_producer p;
	struct serialq_consumer c;
	struct serialq header = { 0 };
	uint8_t data[4];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(serialq_producer_init(&p, &header, data, bad[i]), VMM_ERR_INVALID);
		assert_int_equal(serialq_consumer_init(&c, &header, data, bad[i]), VMM_ERR_INVALID);
	}
	assert_int_equal(serialq_producer_init(&p, NULL, data, 4), VMM_ERR_INVALID);
	assert_int_equal(serialq_producer_init(&p, &header, NULL, 4), VMM_ERR_INVALID);
	assert_int_equal(serialq_consumer_init(&c, (uint8_t *)&header + 1, data, 4),
			 VMM_ERR_INVALID);
	assert_int_equal(serialq_producer_init(&p, &header, data, 1), VMM_OK);
}

static void bytes_keep_their_order_across_both_wraps(void **state)
{
	struct pair q;
	uint8_t next_in = 0, next_out = 0;

	(void)state;
	pair_init(&q, UINT32_MAX - 20);
	for (unsigned round = 0; round < 40; round++) {
		uint8_t in[CAPACITY], out[CAPACITY];
		size_t n = 1 + round % CAPACITY;

		for (size_t i = 0; i < n; i++)
			in[i] = next_in++;
		assert_int_equal(serialq_write(&q.p, in, n), n);
		assert_int_equal(serialq_length(&q.c), n);
		assert_int_equal(serialq_room(&q.p), CAPACITY - n);
		assert_int_equal(serialq_read(&q.c, out, sizeof(out)), n);
		(void)serialq_release(&q.c);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(out[i], next_out++);
	}
	assert_true(serialq_drained(&q.p));
}

static void full_and_empty_are_short_counts(void **state)
{
	struct pair q;
	uint8_t buf[CAPACITY + 4] = { 1, 2, 3 };

	(void)state;
	pair_init(&q, 0);
	assert_int_equal(serialq_read(&q.c, buf, sizeof(buf)), 0);
	assert_int_equal(serialq_write(&q.p, buf, sizeof(buf)), CAPACITY);
	assert_int_equal(serialq_write(&q.p, buf, 1), 0);
	assert_int_equal(serialq_room(&q.p), 0);
	assert_int_equal(serialq_read(&q.c, buf, 5), 5);
	/* Read, but not released: the producer may not reuse it yet. */
	assert_int_equal(serialq_room(&q.p), 0);
	assert_false(serialq_drained(&q.p));
	(void)serialq_release(&q.c);
	assert_int_equal(serialq_room(&q.p), 5);
}

static void a_producer_that_asked_is_signalled_once(void **state)
{
	struct pair q;
	uint8_t byte = 0;

	(void)state;
	pair_init(&q, 0);
	assert_int_equal(serialq_write(&q.p, (const uint8_t[3]){ 0 }, 3), 3);
	/* sDDF: zeroed memory means "asked". But for room only. */
	for (unsigned i = 0; i < 2; i++) {
		assert_false(serialq_release(&q.c));
		assert_int_equal(serialq_read(&q.c, &byte, 1), 1);
		assert_true(serialq_release(&q.c));
		assert_false(serialq_release(&q.c));
		serialq_want_signal(&q.p);
	}
	assert_false(serialq_release(&q.c));
	(void)serialq_read(&q.c, &byte, 1);
	assert_true(serialq_release(&q.c));
	/* What the producer wrote over our index does not stay, and is no reason for a signal. */
	serialq_want_signal(&q.p);
	q.header.head = 77;
	assert_false(serialq_release(&q.c));
	assert_int_equal(q.header.head, 3);
}

static void a_hostile_consumer_only_makes_it_look_full(void **state)
{
	struct pair q;
	uint8_t buf[CAPACITY] = { 0 };

	(void)state;
	pair_init(&q, 100);
	assert_int_equal(serialq_write(&q.p, buf, 4), 4);
	q.header.head = 105; /* beyond the tail */
	assert_int_equal(serialq_room(&q.p), 0);
	assert_int_equal(serialq_write(&q.p, buf, 4), 0);
	q.header.head = 104 - CAPACITY - 1; /* more than the capacity behind it */
	assert_int_equal(serialq_room(&q.p), 0);
	/* Our own index is not believed when it comes back from shared memory. */
	q.header.head = 100;
	q.header.tail = 0xdeadbeef;
	assert_int_equal(serialq_room(&q.p), CAPACITY - 4);
	assert_int_equal(serialq_write(&q.p, buf, 1), 1);
	assert_int_equal(q.header.tail, 105);
}

static void a_hostile_producer_only_makes_it_look_empty(void **state)
{
	struct pair q;
	uint8_t buf[2 * CAPACITY];

	(void)state;
	pair_init(&q, 100);
	q.header.tail = 100 + CAPACITY + 1;
	assert_int_equal(serialq_length(&q.c), 0);
	assert_int_equal(serialq_read(&q.c, buf, sizeof(buf)), 0);
	q.header.tail = 99;
	assert_int_equal(serialq_read(&q.c, buf, sizeof(buf)), 0);
	q.header.tail = 100 + CAPACITY;
	q.header.head = 7;
	assert_int_equal(serialq_read(&q.c, buf, sizeof(buf)), CAPACITY);
	(void)serialq_release(&q.c);
	assert_int_equal(q.header.head, 100 + CAPACITY);
}

/* Two threads that sleep on semaphores exactly as programs sleep on notifications. */
struct stress {
	struct pair q;
	sem_t to_consumer, to_producer;
	bool ok;
};

enum { STRESS_BYTES = 300000 };

static void *stress_producer(void *arg)
{
	struct stress *s = arg;
	uint32_t sent = 0;

	while (sent < STRESS_BYTES) {
		uint8_t bytes[7];
		size_t want = 1 + sent % sizeof(bytes), n;

		if (want > STRESS_BYTES - sent)
			want = STRESS_BYTES - sent;
		for (size_t i = 0; i < want; i++)
			bytes[i] = (uint8_t)((sent + i) * 31);
		n = serialq_write(&s->q.p, bytes, want);
		sent += (uint32_t)n;
		if (n > 0)
			sem_post(&s->to_consumer);
		if (n == want)
			continue;
		serialq_want_signal(&s->q.p);
		if (serialq_room(&s->q.p) == 0)
			sem_wait(&s->to_producer);
	}
	return NULL;
}

static void *stress_consumer(void *arg)
{
	struct stress *s = arg;
	uint32_t seen = 0;

	s->ok = true;
	while (seen < STRESS_BYTES) {
		uint8_t bytes[5];
		size_t n = serialq_read(&s->q.c, bytes, sizeof(bytes));

		for (size_t i = 0; i < n; i++)
			s->ok = s->ok && bytes[i] == (uint8_t)((seen + i) * 31);
		seen += (uint32_t)n;
		if (serialq_release(&s->q.c))
			sem_post(&s->to_producer);
		if (n == 0)
			sem_wait(&s->to_consumer);
	}
	return NULL;
}

/* A lost wake-up would hang it: the test's time limit is the assertion. */
static void two_threads_lose_no_byte_and_no_wakeup(void **state)
{
	static struct stress s;
	pthread_t producer, consumer;

	(void)state;
	pair_init(&s.q, UINT32_MAX - 1000);
	sem_init(&s.to_consumer, 0, 0);
	sem_init(&s.to_producer, 0, 0);
	assert_int_equal(pthread_create(&consumer, NULL, stress_consumer, &s), 0);
	assert_int_equal(pthread_create(&producer, NULL, stress_producer, &s), 0);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	assert_true(s.ok);
	assert_int_equal(serialq_length(&s.q.c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_bad_sizes),
		cmocka_unit_test(bytes_keep_their_order_across_both_wraps),
		cmocka_unit_test(full_and_empty_are_short_counts),
		cmocka_unit_test(a_producer_that_asked_is_signalled_once),
		cmocka_unit_test(a_hostile_consumer_only_makes_it_look_full),
		cmocka_unit_test(a_hostile_producer_only_makes_it_look_empty),
		cmocka_unit_test(two_threads_lose_no_byte_and_no_wakeup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
