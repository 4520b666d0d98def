/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/dev/rtc/pl031: the clock, the alarm and its interrupt, over a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/rtc/pl031.h"

enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c
};

#define EPOCH UINT64_C(1700000000)

struct fixture {
	struct pl031 rtc;
	uint64_t now;
	unsigned changes;
	bool level;
};

static uint64_t clock_now(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static void line(void *ctx, bool level)
{
	struct fixture *f = ctx;

	assert_true(f->level != level); /* only changes are told */
	f->level = level;
	f->changes++;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .now = EPOCH };
	pl031_init(&f.rtc, clock_now, line, &f);
	*state = &f;
	return 0;
}

static uint32_t get(struct fixture *f, unsigned offset)
{
	struct mmio_access access = { .offset = offset, .value = UINT64_MAX, .width = 4 };

	pl031_access(&f->rtc, &access);
	return (uint32_t)access.value;
}

static void set(struct fixture *f, unsigned offset, uint32_t value)
{
	struct mmio_access access = { .offset = offset, .value = value, .width = 4, .write = true };

	pl031_access(&f->rtc, &access);
}

static void shows_the_time_and_can_be_set(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, DR), EPOCH);
	f->now += 5;
	assert_int_equal(get(f, DR), EPOCH + 5);
	set(f, LR, 100);
	assert_int_equal(get(f, LR), 100);
	assert_int_equal(get(f, DR), 100);
	f->now += 7;
	assert_int_equal(get(f, DR), 107);
	set(f, DR, 1); /* read-only */
	assert_int_equal(get(f, DR), 107);
	set(f, LR, UINT32_MAX);
	f->now += 2;
	assert_int_equal(get(f, DR), 1); /* wraps */
}

static void reset_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, MR), 0);
	assert_int_equal(get(f, LR), 0);
	assert_int_equal(get(f, CR), 1);
	assert_int_equal(get(f, IMSC), 0);
	assert_int_equal(get(f, RIS), 0);
	assert_int_equal(get(f, MIS), 0);
	assert_int_equal(get(f, ICR), 0); /* write-only */
	set(f, CR, 0);
	assert_int_equal(get(f, CR), 1);
}

static void alarm_fires_once_and_is_cleared(void **state)
{
	struct fixture *f = *state;
	uint64_t when = 0;

	set(f, MR, (uint32_t)EPOCH + 10);
	assert_int_equal(get(f, MR), EPOCH + 10);
	assert_false(pl031_alarm(&f->rtc, &when)); /* masked: nobody would notice */
	set(f, IMSC, 1);
	assert_true(pl031_alarm(&f->rtc, &when));
	assert_int_equal(when, EPOCH + 10);
	f->now += 9;
	pl031_poll(&f->rtc);
	assert_false(f->level);
	f->now += 1;
	pl031_poll(&f->rtc);
	assert_true(f->level);
	assert_false(pl031_alarm(&f->rtc, &when));
	assert_int_equal(get(f, RIS), 1);
	assert_int_equal(get(f, MIS), 1);
	set(f, ICR, 0);
	assert_true(f->level);
	set(f, ICR, 1);
	assert_false(f->level);
	assert_int_equal(get(f, RIS), 0);
	f->now += 1000;
	pl031_poll(&f->rtc);
	assert_int_equal(f->changes, 2);
	assert_true(pl031_alarm(&f->rtc, &when));
	assert_int_equal(when, EPOCH + 10 + (UINT64_C(1) << 32)); /* the next round */
}

/* However late and however many rounds, one match is noticed. */
static void late_look_finds_the_alarm(void **state)
{
	struct fixture *f = *state;
	uint64_t when = 0;

	set(f, MR, (uint32_t)EPOCH + 10);
	set(f, IMSC, 1);
	f->now += (UINT64_C(5) << 32) + 11;
	assert_int_equal(get(f, MIS), 1);
	set(f, ICR, 1);
	assert_true(pl031_alarm(&f->rtc, &when));
	assert_int_equal(when, EPOCH + 10 + (UINT64_C(6) << 32));
}

static void masked_alarm_shows_in_ris_only(void **state)
{
	struct fixture *f = *state;

	set(f, MR, get(f, DR)); /* equal now */
	assert_int_equal(get(f, RIS), 1);
	assert_int_equal(get(f, MIS), 0);
	assert_false(f->level);
	set(f, IMSC, 0xffffffff);
	assert_int_equal(get(f, IMSC), 1);
	assert_true(f->level);
	set(f, IMSC, 0);
	assert_false(f->level);
}

static void setting_the_clock_moves_the_alarm(void **state)
{
	struct fixture *f = *state;
	uint64_t when = 0;

	set(f, IMSC, 1);
	set(f, MR, 200);
	set(f, LR, 150);
	assert_true(pl031_alarm(&f->rtc, &when));
	assert_int_equal(when, EPOCH + 50);
	set(f, LR, 201); /* past it: a whole round to go */
	assert_true(pl031_alarm(&f->rtc, &when));
	assert_int_equal(when, EPOCH + UINT32_MAX);
}

static void reset_keeps_the_guests_time(void **state)
{
	struct fixture *f = *state;

	set(f, LR, 1000);
	set(f, MR, 1000);
	set(f, IMSC, 1);
	assert_true(f->level);
	pl031_reset(&f->rtc);
	assert_false(f->level);
	assert_int_equal(get(f, DR), 1000);
	assert_int_equal(get(f, MR), 0);
	assert_int_equal(get(f, IMSC), 0);
}

static void identification(void **state)
{
	static const uint8_t id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		assert_int_equal(get(*state, 0xfe0 + 4 * i), id[i]);
}

static void other_widths_and_gaps_are_raz_wi(void **state)
{
	struct fixture *f = *state;

	for (unsigned width = 1; width <= 8; width *= 2) {
		struct mmio_access access = {
			.offset = MR, .value = 5, .width = (uint8_t)width, .write = true
		};

		if (width == 4)
			continue;
		pl031_access(&f->rtc, &access);
		assert_int_equal(get(f, MR), 0);
		access = (struct mmio_access){ .value = 9, .width = (uint8_t)width };
		pl031_access(&f->rtc, &access);
		assert_int_equal(access.value, 0);
	}
	assert_int_equal(get(f, 0x20), 0);
	assert_int_equal(get(f, 0xfdc), 0);
	set(f, 0xffc, 1);
}

static void an_alarm_to_come_is_not_shown(void **state)
{
	struct fixture *f = *state;

	set(f, ICR, 1);
	set(f, MR, get(f, DR) + 5);
	set(f, IMSC, 1);
	assert_int_equal(get(f, MIS), 0);
	f->now += 5;
	assert_int_equal(get(f, MIS), 1);
}

static void works_without_a_line(void **state)
{
	struct fixture *f = *state;

	pl031_init(&f->rtc, clock_now, NULL, f);
	set(f, IMSC, 1);
	set(f, MR, get(f, DR));
	assert_int_equal(get(f, MIS), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shows_the_time_and_can_be_set, setup),
		cmocka_unit_test_setup(reset_values, setup),
		cmocka_unit_test_setup(alarm_fires_once_and_is_cleared, setup),
		cmocka_unit_test_setup(late_look_finds_the_alarm, setup),
		cmocka_unit_test_setup(masked_alarm_shows_in_ris_only, setup),
		cmocka_unit_test_setup(setting_the_clock_moves_the_alarm, setup),
		cmocka_unit_test_setup(reset_keeps_the_guests_time, setup),
		cmocka_unit_test_setup(identification, setup),
		cmocka_unit_test_setup(other_widths_and_gaps_are_raz_wi, setup),
		cmocka_unit_test_setup(an_alarm_to_come_is_not_shown, setup),
		cmocka_unit_test_setup(works_without_a_line, setup),
	};

	return cmocka_run_group_tests_name("dev/pl031", tests, NULL, NULL);
}
