/* SPDX-License-Identifier: BSD-2-Clause */
/* Replenishments of the stand-in's scheduling contexts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "standin/sched/refill.h"

enum { BUDGET = 1000, PERIOD = 10000, LEAST = 20, MAX_REFILLS = 12 };

union sc_memory {
	struct sched_context sc;
	char bytes[1024];
};

static uint64_t total(struct sched_context *sc)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < sc->count; i++)
		sum += sc->refills[(sc->head + i) % sc->max].amount;
	return sum;
}

static void used_comes_back_a_period_later(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 2, 500);
	assert_true(refill_ready(&m.sc, 500));
	refill_charge(&m.sc, 300, LEAST);
	assert_int_equal(refill_head(&m.sc)->amount, 700);
	assert_int_equal(refill_head(&m.sc)->time, 800);
	assert_int_equal(m.sc.count, 2);
	assert_int_equal(m.sc.refills[1].time, 500 + PERIOD);
	assert_int_equal(m.sc.refills[1].amount, 300);
	assert_int_equal(total(&m.sc), BUDGET);
}

/* As many as an object of 2 MiB has room for. */
static void many_replenishments_are_not_few(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 65537, 0);
	refill_charge(&m.sc, 300, LEAST);
	assert_int_equal(m.sc.count, 2);
	assert_int_equal(refill_head(&m.sc)->amount, 700);
	assert_int_equal(refill_head(&m.sc)->time, 300);
	assert_int_equal(total(&m.sc), BUDGET);
}

static void all_used_is_not_ready(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 2, 0);
	refill_charge(&m.sc, BUDGET, LEAST);
	assert_false(refill_ready(&m.sc, PERIOD - 1));
	assert_true(refill_ready(&m.sc, PERIOD));
	assert_int_equal(total(&m.sc), BUDGET);
}

static void overrun_is_paid_back(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 2, 0);
	refill_charge(&m.sc, BUDGET + 400, LEAST);
	assert_false(refill_ready(&m.sc, PERIOD));
	assert_true(refill_ready(&m.sc, PERIOD + 400));
	assert_int_equal(total(&m.sc), BUDGET);
}

static void small_rest_is_joined(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 4, 0);
	refill_charge(&m.sc, BUDGET - LEAST + 1, LEAST);
	assert_int_equal(m.sc.count, 1);
	assert_int_equal(refill_head(&m.sc)->amount, BUDGET);
}

static void unblock_starts_now_and_joins(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 4, 0);
	refill_charge(&m.sc, 100, LEAST);
	refill_charge(&m.sc, 200, LEAST);
	refill_unblock(&m.sc, 5 * PERIOD);
	assert_int_equal(refill_head(&m.sc)->time, 5 * PERIOD);
	assert_int_equal(refill_head(&m.sc)->amount, BUDGET);
	refill_charge(&m.sc, BUDGET, LEAST);
	refill_unblock(&m.sc, 5 * PERIOD + 1); /* not ready: nothing changes */
	assert_int_equal(refill_head(&m.sc)->time, 6 * PERIOD);
}

static void round_robin_only_counts_down(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, BUDGET, 2, 0);
	assert_true(refill_round_robin(&m.sc));
	refill_charge(&m.sc, 400, LEAST);
	assert_int_equal(refill_head(&m.sc)->amount, 600);
	refill_charge(&m.sc, 590, LEAST);
	assert_int_equal(refill_head(&m.sc)->amount, 0);
}

static void change_keeps_what_was_used(void **state)
{
	union sc_memory m = { 0 };

	(void)state;
	refill_init(&m.sc, BUDGET, PERIOD, 4, 0);
	refill_charge(&m.sc, 900, LEAST);
	refill_change(&m.sc, 2 * BUDGET, 2 * PERIOD, 4, 1000);
	assert_int_equal(refill_head(&m.sc)->amount, 100);
	assert_int_equal(total(&m.sc), 2 * BUDGET);
}

/* Random bursts: never more than the budget in any window of one period that starts with a burst. */
static void no_period_gets_more_than_the_budget(void **state)
{
	enum { BURSTS = 4000 };
	static struct {
		uint64_t at, used;
	} log[BURSTS];
	union sc_memory m = { 0 };
	uint64_t now = 0;

	(void)state;
	srand(1);
	for (unsigned max = 2; max <= MAX_REFILLS; max++) {
		refill_init(&m.sc, BUDGET, PERIOD, max, now);
		for (unsigned i = 0; i < BURSTS; i++) {
			struct refill *head = refill_head(&m.sc);
			uint64_t used;

			now += (uint64_t)rand() % (PERIOD / 4);
			if (now < head->time)
				now = head->time;
			refill_unblock(&m.sc, now);
			head = refill_head(&m.sc);
			used = 1 + (uint64_t)rand() % head->amount;
			log[i].at = now;
			log[i].used = used;
			refill_charge(&m.sc, used, LEAST);
			now += used;
			assert_int_equal(total(&m.sc), BUDGET);
			assert_in_range(m.sc.count, 1, max);
		}
		for (unsigned i = 0; i < BURSTS; i++) {
			uint64_t sum = 0;

			for (unsigned j = i; j < BURSTS && log[j].at < log[i].at + PERIOD; j++) {
				uint64_t end = log[j].at + log[j].used;
				uint64_t limit = log[i].at + PERIOD;

				sum += (end < limit ? end : limit) - log[j].at;
			}
			assert_in_range(sum, 0, BUDGET);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_comes_back_a_period_later),
		cmocka_unit_test(many_replenishments_are_not_few),
		cmocka_unit_test(all_used_is_not_ready),
		cmocka_unit_test(overrun_is_paid_back),
		cmocka_unit_test(small_rest_is_joined),
		cmocka_unit_test(unblock_starts_now_and_joins),
		cmocka_unit_test(round_robin_only_counts_down),
		cmocka_unit_test(change_keeps_what_was_used),
		cmocka_unit_test(no_period_gets_more_than_the_budget),
	};

	return cmocka_run_group_tests_name("standin/refill", tests, NULL, NULL);
}
