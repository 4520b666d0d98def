/* SPDX-License-Identifier: BSD-2-Clause */
/* Network queues: entries, indices that wrap, signals, and a peer that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "vmm/backend/queue/netq.h"

enum { CAPACITY = 8 };

struct pair {
	struct { /* struct netq, whose entries cannot be a member */
		uint16_t tail, head;
		uint32_t consumer_signalled;
		struct netq_entry entries[CAPACITY];
	} queue;
	struct netq_producer p;
	struct netq_consumer c;
};

static void pair_init(struct pair *q)
{
	memset(q, 0, sizeof(*q));
	assert_int_equal(netq_producer_init(&q->p, &q->queue, CAPACITY), VMM_OK);
	assert_int_equal(netq_consumer_init(&q->c, &q->queue, CAPACITY), VMM_OK);
}

static void nonsense_is_refused(void **state)
{
	static const uint32_t capacities[] = { 0, 3, 12, 2 * NETQ_CAPACITY_MAX, UINT32_MAX };
	struct netq_producer p;
	struct netq_consumer c;
	struct pair q;

	(void)state;
	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		assert_int_equal(netq_producer_init(&p, &q.queue, capacities[i]), VMM_ERR_INVALID);
		assert_int_equal(netq_consumer_init(&c, &q.queue, capacities[i]), VMM_ERR_INVALID);
	}
	assert_int_equal(netq_producer_init(&p, NULL, CAPACITY), VMM_ERR_INVALID);
	assert_int_equal(netq_consumer_init(&c, (uint8_t *)&q.queue + 4, CAPACITY),
			 VMM_ERR_INVALID);
}

static void entries_arrive_in_order_over_the_wrap_of_the_index(void **state)
{
	struct pair q;
	uint64_t next = 0, seen = 0;

	(void)state;
	pair_init(&q);
	q.queue.tail = q.queue.head = UINT16_MAX - 5;
	assert_int_equal(netq_producer_init(&q.p, &q.queue, CAPACITY), VMM_OK);
	assert_int_equal(netq_consumer_init(&q.c, &q.queue, CAPACITY), VMM_OK);
	for (unsigned round = 0; round < 40; round++) {
		uint32_t count = 1 + round % CAPACITY;

		for (uint32_t i = 0; i < count; i++, next++)
			netq_put(&q.p, next, (uint16_t)(next + 1), NETQ_MORE);
		assert_int_equal(netq_length(&q.c), 0); /* not shown yet */
		netq_show(&q.p);
		assert_int_equal(netq_length(&q.c), count);
		assert_int_equal(netq_room(&q.p), CAPACITY - count);
		for (uint32_t i = 0; i < count; i++, seen++) {
			struct netq_entry entry = netq_peek(&q.c, i);

			assert_int_equal(entry.io_or_offset, seen);
			assert_int_equal(entry.len, (uint16_t)(seen + 1));
			assert_int_equal(entry.flags, NETQ_MORE);
		}
		netq_take(&q.c, count);
		assert_int_equal(netq_room(&q.p), CAPACITY);
	}
}

static void the_consumer_is_signalled_once_for_each_time_it_asks(void **state)
{
	struct pair q;

	(void)state;
	pair_init(&q);
	assert_false(netq_publish(&q.p)); /* nothing new, nothing to say */
	netq_put(&q.p, 0, 1, 0);
	assert_true(netq_publish(&q.p)); /* zeroed memory asks */
	netq_put(&q.p, 0, 1, 0);
	assert_false(netq_publish(&q.p));
	netq_want_signal(&q.c);
	assert_int_equal(netq_length(&q.c), 2); /* it looks again, and sees both */
	assert_false(netq_publish(&q.p));
	netq_put(&q.p, 0, 1, 0);
	assert_true(netq_publish(&q.p));
	assert_false(netq_publish(&q.p));
}

static void what_was_shown_alone_still_signals(void **state)
{
	struct pair q;

	(void)state;
	pair_init(&q);
	netq_put(&q.p, 0, 1, 0);
	netq_show(&q.p);
	assert_true(netq_publish(&q.p));
}

static void a_lying_peer_sees_a_full_or_an_empty_queue(void **state)
{
	struct pair q;

	(void)state;
	pair_init(&q);
	q.queue.head = 1; /* ahead of our tail: 65535 in use */
	assert_int_equal(netq_room(&q.p), 0);
	q.queue.tail = CAPACITY + 1;
	assert_int_equal(netq_length(&q.c), 0);
	q.queue.tail = CAPACITY;
	assert_int_equal(netq_length(&q.c), CAPACITY);
	/* Our own index is not read back. */
	q.queue.head = 0;
	netq_put(&q.p, 0, 1, 0);
	netq_show(&q.p);
	assert_int_equal(q.queue.tail, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(entries_arrive_in_order_over_the_wrap_of_the_index),
		cmocka_unit_test(the_consumer_is_signalled_once_for_each_time_it_asks),
		cmocka_unit_test(what_was_shown_alone_still_signals),
		cmocka_unit_test(a_lying_peer_sees_a_full_or_an_empty_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
