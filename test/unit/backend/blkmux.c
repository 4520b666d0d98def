/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block multiplexer: partitions and ranges, what clients and the driver may not do, rates and fairness.
 * The driver here is the real one, over a disk in memory, where it matters that it works; where it is
 * hostile, the test writes into its queues.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/blk_stack.h"
#include "test/support/gpt_disk.h"
#include "vmm/base/util.h"

enum { LAST_USABLE = STACK_SECTORS - GPT_DISK_LAST };

static struct blk_stack *s;

static int begin(void **state)
{
	(void)state;
	s = stack_create(false);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	stack_destroy(s);
	return 0;
}

/* ---- a client that writes its queue by hand ---- */

struct raw {
	struct blkq requests, responses;
	unsigned index;
};

static struct raw raw_client(unsigned index)
{
	struct raw r = { .index = index };
	struct stack_channel *c = &s->channel[index];

	assert_int_equal(
		blkq_init(&r.requests, BLKQ_REQUESTS, true, c->requests, sizeof(c->requests)),
		VMM_OK);
	assert_int_equal(
		blkq_init(&r.responses, BLKQ_RESPONSES, false, c->responses, sizeof(c->responses)),
		VMM_OK);
	return r;
}

static void put(struct raw *r, uint32_t code, uint64_t block, uint16_t count, uint64_t offset,
		uint32_t id)
{
	const struct blkq_request request = {
		.code = code, .block = block, .count = count, .offset = offset, .id = id
	};

	assert_true(blkq_put(&r->requests, &request));
	(void)blkq_show(&r->requests);
}

/* Settles without the client's own backend. */
static void turn(void)
{
	for (unsigned i = 0; i < 4; i++) {
		stack_run_mux(s);
		stack_run_driver(s);
	}
	stack_run_mux(s);
}

static uint32_t outcome(struct raw *r, uint32_t id)
{
	struct blkq_response response;

	turn();
	assert_true(blkq_take(&r->responses, &response));
	assert_int_equal(response.id, id);
	(void)blkq_show(&r->responses);
	return response.status;
}

static void open_all(void)
{
	assert_int_equal(stack_start_driver(s), VMM_OK);
	turn();
}

/* ---- partition tables ---- */

/* Two partitions, and one that says more than there is. */
static void make_table(void)
{
	static const struct gpt_disk_partition partitions[] = { { 100, 199 },
								{ 200, 1199 },
								{ 2000, LAST_USABLE + 1 } };

	gpt_disk_make(s->disk, STACK_SECTORS, partitions, ARRAY_SIZE(partitions));
}

static void test_partitions(void **state)
{
	(void)state;
	make_table();
	stack_add(s, &(struct blkmux_client_setup){ .partition = 1, .serial = "one" });
	stack_add(s, &(struct blkmux_client_setup){ .partition = 2 });
	stack_add(s, &(struct blkmux_client_setup){ .partition = 3 });
	open_all();
	assert_int_equal(s->mux.client[0].state, BLKMUX_OPEN);
	assert_int_equal(s->mux.client[0].first, 100);
	assert_int_equal(s->mux.client[0].sectors, 100);
	assert_int_equal(s->mux.client[1].first, 200);
	assert_int_equal(s->mux.client[1].sectors, 1000);
	assert_int_equal(s->mux.client[2].state, BLKMUX_NO_PARTITION);
	assert_false(s->mux.table_backup);
}

static void broken_primary(void **state)
{
	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .partition = 1 });
	open_all();
	assert_int_equal(s->mux.client[0].state, BLKMUX_OPEN);
	assert_true(s->mux.table_backup);
	assert_int_equal(s->mux.client[0].first, 100);
}

static void test_header_damaged(void **state)
{
	make_table();
	s->disk[512 + 40] ^= 1;
	broken_primary(state);
}

static void test_entries_damaged(void **state)
{
	make_table();
	s->disk[GPT_DISK_ENTRIES_AT * 512 + 5000] ^= 1;
	broken_primary(state);
}

static void test_header_unreadable(void **state)
{
	make_table();
	assert_int_equal(stack_start_driver(s), VMM_OK);
	s->medium.fail_next = 1;
	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .partition = 1 });
	turn();
	assert_int_equal(s->mux.client[0].state, BLKMUX_OPEN);
	assert_true(s->mux.table_backup);
}

/* Fields that are well summed and make no sense. */
static void test_headers_refused(void **state)
{
	static const struct {
		unsigned at;
		uint64_t value;
	} wrong[] = {
		{ 12, 91 },              /* header size, sum that follows it */
		{ 24, 7 },               /* it says that it stands elsewhere */
		{ 40, LAST_USABLE + 1 }, /* first behind last */
		{ 48, STACK_SECTORS },   /* beyond the disk */
		/* A partition could be where a table is, and who has it change the table. */
		{ 40, 1 },
		{ 40, GPT_DISK_FIRST_USABLE - 1 },
		{ 48, LAST_USABLE + 1 },
		{ 48, STACK_SECTORS - 1 },
		{ 72, GPT_DISK_FIRST_USABLE - 31 },
		{ 72, 1000 },
		{ 72, LAST_USABLE },
		{ 72, STACK_SECTORS - 5 },
		{ 72, 1 },
		{ 72, UINT64_MAX - 3 },
		{ 80, UINT64_C(128) << 32 },       /* no entries */
		{ 80, 129 | UINT64_C(128) << 32 }, /* more than are read */
		{ 80, UINT32_MAX | UINT64_C(128) << 32 },
		{ 80, 128 | UINT64_C(64) << 32 },
		{ 80, 128 },
	};
	struct gpt gpt;

	(void)state;
	make_table();
	assert_true(gpt_header(&gpt, s->disk + 512, 1, STACK_SECTORS));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		uint8_t header[512];

		memcpy(header, s->disk + 512, sizeof(header));
		memcpy(header + wrong[i].at, &wrong[i].value, sizeof(wrong[i].value));
		gpt_disk_seal(header);
		assert_false(gpt_header(&gpt, header, 1, STACK_SECTORS));
	}
	/* Too small for both tables, however it is counted. */
	for (uint64_t sectors = 0; sectors < 2 * GPT_DISK_FIRST_USABLE; sectors++)
		assert_false(gpt_header(&gpt, s->disk + 512, 1, sectors));
}

/* Few entries leave more room, and they may be anywhere that is not for partitions. */
static void test_header_of_a_small_table(void **state)
{
	static const uint64_t first = 3, count = 4 | UINT64_C(128) << 32, entries[] = { 2, 20, 49 };
	uint8_t header[512];
	struct gpt gpt;

	(void)state;
	make_table();
	memcpy(header, s->disk + 512, sizeof(header));
	memcpy(header + 40, &first, sizeof(first));
	memcpy(header + 80, &count, sizeof(count));
	gpt_disk_seal(header);
	assert_true(gpt_header(&gpt, header, 1, STACK_SECTORS));
	memcpy(header + 40, &(uint64_t){ 50 }, sizeof(uint64_t));
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		memcpy(header + 72, &entries[i], sizeof(entries[i]));
		gpt_disk_seal(header);
		assert_true(gpt_header(&gpt, header, 1, STACK_SECTORS));
	}
}

static void test_no_table(void **state)
{
	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .partition = 1 });
	stack_add(s, &(struct blkmux_client_setup){ .count = 10 });
	open_all();
	assert_int_equal(s->mux.client[0].state, BLKMUX_NO_TABLE);
	assert_int_equal(s->mux.client[1].state, BLKMUX_OPEN);
}

/* ---- who gets what ---- */

static void test_ranges(void **state)
{
	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .first = 100, .count = 100 });
	stack_add(s, &(struct blkmux_client_setup){ .first = STACK_SECTORS - 10, .count = 11 });
	stack_add(s, &(struct blkmux_client_setup){ .first = 1000, .serial = "tail" });
	open_all();
	assert_int_equal(s->mux.client[0].state, BLKMUX_OPEN);
	assert_int_equal(s->mux.client[1].state, BLKMUX_OUTSIDE);
	assert_int_equal(s->mux.client[2].state, BLKMUX_OPEN);
	assert_int_equal(s->mux.client[2].sectors, STACK_SECTORS - 1000);
}

static void test_sharing(void **state)
{
	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100, .read_only = true });
	stack_add(s, &(struct blkmux_client_setup){ .first = 50, .count = 100, .read_only = true });
	stack_add(s, &(struct blkmux_client_setup){ .first = 149, .count = 10 });
	open_all();
	assert_int_equal(s->mux.client[0].state, BLKMUX_OPEN);
	assert_int_equal(s->mux.client[1].state, BLKMUX_OPEN);
	assert_int_equal(s->mux.client[2].state, BLKMUX_TAKEN);
}

static void test_medium(void **state)
{
	struct blkq_medium medium;

	(void)state;
	stack_add(s,
		  &(struct blkmux_client_setup){ .count = 99, .read_only = true, .serial = "abc" });
	assert_false(blkq_medium_read(s->channel[0].medium, &medium));
	open_all();
	assert_true(blkq_medium_read(s->channel[0].medium, &medium));
	assert_int_equal(medium.sectors, 99);
	assert_true(medium.read_only);
	assert_string_equal(medium.serial, "abc");
	assert_int_equal(medium.features, BLKQ_F_SECTORS);
}

/* ---- hostile clients ---- */

static void test_refused(void **state)
{
	static const struct {
		uint32_t code;
		uint64_t block, offset;
		uint16_t count;
	} wrong[] = {
		{ BLKQ_READ | BLKQ_SECTORS, 100, 0, 1 },
		{ BLKQ_READ | BLKQ_SECTORS, 99, 0, 2 },
		{ BLKQ_READ | BLKQ_SECTORS, UINT64_MAX, 0, 1 },
		{ BLKQ_READ | BLKQ_SECTORS, 0, 0, 0 },
		{ BLKQ_READ, 12, 0, 1 }, /* sectors 96 to 103 */
		{ BLKQ_READ, UINT64_MAX / 8, 0, 1 },
		{ BLKQ_READ, UINT64_C(1) << 61, 0, 1 }, /* times eight is none */
		{ BLKQ_WRITE | BLKQ_SECTORS, 0, STACK_DATA, 1 },
		{ BLKQ_WRITE | BLKQ_SECTORS, 0, STACK_DATA - 511, 1 },
		{ BLKQ_WRITE | BLKQ_SECTORS, 0, UINT64_MAX - 100, 1 },
		{ BLKQ_WRITE | BLKQ_SECTORS, 0, (uint64_t)0 - STACK_DATA, 1 },
		{ 99, 0, 0, 1 },
		{ BLKQ_SYNC, 7, 0, 1 }, /* of a life that is not ours */
		{ BLKQ_SYNC | BLKQ_SECTORS, 1, 0, 1 },
	};
	struct raw r;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .first = 100, .count = 100 });
	open_all();
	r = raw_client(0);
	for (uint32_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		put(&r, wrong[i].code, wrong[i].block, wrong[i].count, wrong[i].offset, i);
		assert_int_equal(outcome(&r, i), BLKQ_INVALID);
	}
	assert_int_equal(s->mux.client[0].refused, ARRAY_SIZE(wrong));
	for (size_t i = 0; i < STACK_SECTORS * BLOCK_SECTOR; i++)
		assert_int_equal(s->disk[i], 0);
	put(&r, BLKQ_READ | BLKQ_SECTORS, 99, 1, STACK_DATA - 512, 77);
	assert_int_equal(outcome(&r, 77), BLKQ_OK);
}

static void test_read_only_client(void **state)
{
	static const uint32_t codes[] = { BLKQ_WRITE, BLKQ_DISCARD, BLKQ_WRITE_ZEROES,
					  BLKQ_WRITE_ZEROES_KEEP };
	struct raw r;

	(void)state;
	memset(s->disk, 0x33, 512);
	stack_add(s, &(struct blkmux_client_setup){ .read_only = true });
	open_all();
	r = raw_client(0);
	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++) {
		put(&r, codes[i] | BLKQ_SECTORS, 0, 1, 0, i);
		assert_int_equal(outcome(&r, i), BLKQ_INVALID);
	}
	assert_int_equal(s->disk[0], 0x33);
	put(&r, BLKQ_FLUSH, 0, 0, 0, 9);
	assert_int_equal(outcome(&r, 9), BLKQ_OK);
}

/* One that does not take its responses: none is lost, and others go on. */
static void test_does_not_read(void **state)
{
	struct raw lazy, other;
	struct blkq_response response;
	unsigned answers = 0, sent = 0;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	stack_add(s, &(struct blkmux_client_setup){ .first = 100, .count = 100 });
	open_all();
	lazy = raw_client(0);
	other = raw_client(1);
	for (unsigned i = 0; i < 4 * BLKQ_CAPACITY; i++) {
		if (blkq_room(&lazy.requests) > 0) {
			put(&lazy, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, i);
			sent++;
		}
		put(&other, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, i);
		assert_int_equal(outcome(&other, i), BLKQ_OK);
	}
	assert_int_equal(sent, 2 * BLKQ_CAPACITY);
	while (answers < sent) {
		while (blkq_take(&lazy.responses, &response))
			assert_int_equal(response.id, answers++);
		(void)blkq_show(&lazy.responses);
		turn();
	}
}

/* Indices out of any order: it gets nothing, or garbage of its own; the multiplexer goes on. */
static void test_wild_indices(void **state)
{
	struct raw other;
	uint32_t *head, *tail;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	stack_add(s, &(struct blkmux_client_setup){ .first = 100, .count = 100 });
	open_all();
	other = raw_client(1);
	head = (uint32_t *)(void *)s->channel[0].responses;
	tail = (uint32_t *)(void *)(s->channel[0].requests + 4);
	for (uint32_t i = 0; i < 1000; i++) {
		*tail = i * 2654435761u;
		*head = i * 40503u;
		put(&other, BLKQ_WRITE | BLKQ_SECTORS, i % 100, 1, 0, i);
		assert_int_equal(outcome(&other, i), BLKQ_OK);
	}
}

/*
 * It asks for nonsense without end, and says of every answer that it has read it: as another thread could,
 * while the multiplexer runs. Here its indices lie over the multiplexer's own. Each run comes to its end, and
 * the neighbour is served.
 */
static void test_without_end(void **state)
{
	struct blkmux_client *c = &s->mux.client[0];
	struct raw other;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	stack_add(s, &(struct blkmux_client_setup){ .first = 100, .count = 100 });
	open_all();
	other = raw_client(1);
	for (uint32_t i = 0; i < BLKQ_CAPACITY; i++)
		s->channel[0].requests[16 + i * 32] = 99; /* no such code */
	c->responses.index = c->requests.index + 1;
	c->requests.theirs = &c->responses.index;  /* one more with every answer */
	c->responses.theirs = &c->responses.index; /* all are read */
	for (uint32_t i = 1; i <= 10; i++) {
		assert_true(blkmux_run(&s->mux, 0).again);
		assert_in_range(c->refused, i * (BLKMUX_BUDGET - 10), i * BLKMUX_BUDGET);
	}
	put(&other, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 5);
	assert_int_equal(outcome(&other, 5), BLKQ_OK);
}

static void test_plugged(void **state)
{
	struct raw r;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	open_all();
	r = raw_client(0);
	s->channel[0].requests[8] = 1;
	put(&r, BLKQ_FLUSH, 0, 0, 0, 1);
	turn();
	assert_int_equal(blkq_length(&r.responses), 0);
	s->channel[0].requests[8] = 0;
	assert_int_equal(outcome(&r, 1), BLKQ_OK);
}

/* A barrier is answered when all before it are, and nothing after it is begun before. */
static void test_barrier(void **state)
{
	struct blkq_response response;
	struct raw r;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	open_all();
	s->medium.late = true;
	s->medium.depth = 8;
	r = raw_client(0);
	put(&r, BLKQ_WRITE | BLKQ_SECTORS, 0, 1, 0, 1);
	put(&r, BLKQ_BARRIER, 0, 0, 0, 2);
	put(&r, BLKQ_WRITE | BLKQ_SECTORS, 0, 1, 0, 3);
	stack_run_mux(s);
	assert_int_equal(s->mux.client[0].in_flight, 1);
	turn();
	for (uint32_t i = 1; i <= 3; i++) {
		turn();
		assert_true(blkq_take(&r.responses, &response));
		assert_int_equal(response.id, i);
	}
}

/*
 * A driver that has as many answers to give as its queue holds cannot take the barrier behind them, so it
 * hears of it when there is room again.
 */
static void test_drain_behind_answers(void **state)
{
	struct blkmux_signals signals;
	struct raw r;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	open_all();
	s->medium.late = true;
	s->medium.depth = 1;
	r = raw_client(0);
	for (uint32_t i = 0; i < BLKQ_CAPACITY; i++)
		put(&r, BLKQ_FLUSH, 0, 0, 0, i);
	stack_run_mux(s);
	stack_run_driver(s);
	assert_true(s->driver.in_flight > 1);
	stack_restart_mux(s);
	assert_true(blkmux_run(&s->mux, 0).driver);
	for (unsigned i = 0; i < 2 * BLKQ_CAPACITY; i++)
		stack_run_driver(s);
	assert_int_equal(blkq_room(&s->driver.responses), 0);
	assert_false(s->driver.barrier);
	signals = blkmux_run(&s->mux, 0);
	assert_true(signals.driver);
	assert_false(signals.opened);
	stack_run_driver(s);
	assert_true(blkmux_run(&s->mux, 0).opened);
}

/* ---- rates and turns ---- */

static void test_rate(void **state)
{
	enum { RATE = 512 * 1000 };
	struct blkq_response response;
	struct raw r;
	unsigned sectors = 0;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100, .rate = RATE });
	open_all();
	r = raw_client(0);
	for (unsigned ms = 0; ms < 2000; ms++) {
		while (blkq_room(&r.requests) > 0)
			put(&r, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 0);
		s->now += 1000;
		turn();
		assert_true(s->wants > s->now && s->wants < s->now + 3000);
		for (; blkq_take(&r.responses, &response); sectors++)
			assert_int_equal(response.status, BLKQ_OK);
		(void)blkq_show(&r.responses);
	}
	/* A sector a millisecond, and what may be moved at once. */
	assert_in_range(sectors, 1990, 2000 + RATE / 512 / 16 + 2);
}

/* However often it is looked at: 3 us are worth a byte and a half, and the half is not lost. */
static void test_rate_of_a_busy_disk(void **state)
{
	enum { RATE = 512 * 1000, STEP_US = 3, STEPS = 30000 };
	struct blkq_response response;
	struct raw r;
	unsigned sectors = 0;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100, .rate = RATE });
	open_all();
	r = raw_client(0);
	for (unsigned i = 0; i < STEPS; i++) {
		if (blkq_room(&r.requests) == BLKQ_CAPACITY)
			put(&r, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 0);
		s->now += STEP_US;
		stack_run_mux(s);
		stack_run_driver(s);
		for (; blkq_take(&r.responses, &response); sectors++)
			assert_int_equal(response.status, BLKQ_OK);
		(void)blkq_show(&r.responses);
	}
	assert_in_range(sectors, STEPS * STEP_US / 1000 - 2, STEPS * STEP_US / 1000 + 2);
}

/* What a gigahertz counter makes of the highest rate still fits: all that was gained is there. */
static void test_highest_rate(void **state)
{
	enum { GIGAHERTZ = 1000000000 };
	struct raw r;

	(void)state;
	s->mux.hz = GIGAHERTZ;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100, .rate = BLKMUX_RATE_MAX });
	open_all();
	r = raw_client(0);
	s->now += GIGAHERTZ - 1;
	put(&r, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 1);
	assert_int_equal(outcome(&r, 1), BLKQ_OK);
	assert_int_equal(s->mux.client[0].allowance, BLKMUX_RATE_MAX / 16 + 1 - 512);
}

static void test_turns(void **state)
{
	struct raw r[STACK_CLIENTS];

	(void)state;
	for (unsigned i = 0; i < STACK_CLIENTS; i++)
		stack_add(s, &(struct blkmux_client_setup){ .first = 100 * i, .count = 100 });
	open_all();
	for (unsigned i = 0; i < STACK_CLIENTS; i++)
		r[i] = raw_client(i);
	for (unsigned i = 0; i < BLKQ_CAPACITY; i++)
		put(&r[0], BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, i);
	put(&r[1], BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 0);
	put(&r[2], BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 0);
	stack_run_mux(s);
	/* All who asked are among the first three, however much the first one asked for. */
	for (unsigned i = 0; i < BLKMUX_SLOTS; i++) {
		const struct blkmux_slot *slot = &s->mux.slot[i];

		if (slot->used && slot->client != 0)
			assert_true(slot->order < 3);
	}
	assert_int_equal(s->mux.client[1].in_flight, 1);
	assert_int_equal(s->mux.client[2].in_flight, 1);
}

/* ---- a driver that lies, or dies ---- */

static void test_strange_responses(void **state)
{
	struct blkq responses;
	struct raw r;
	uint32_t id;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	open_all();
	r = raw_client(0);
	s->driver_open = false; /* it is us from now on */
	assert_int_equal(blkq_init(&responses, BLKQ_RESPONSES, true, s->driver_channel.responses,
				   sizeof(s->driver_channel.responses)),
			 VMM_OK);
	put(&r, BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 5);
	stack_run_mux(s);
	id = s->mux.slot[0].request.id;
	for (uint32_t i = 0; i < 100; i++) {
		const struct blkq_response wrong = { .count = 1, .id = id + 1 + i * 977 };

		assert_true(blkq_put(&responses, &wrong));
	}
	(void)blkq_show(&responses);
	stack_run_mux(s);
	assert_int_equal(s->mux.strange, 100);
	assert_int_equal(blkq_length(&r.responses), 0);
	/* A status that is none, for the right one: an error. Again: nobody asked. */
	for (unsigned i = 0; i < 2; i++)
		assert_true(blkq_put(&responses, &(struct blkq_response){
							 .status = 1234, .count = 1, .id = id }));
	(void)blkq_show(&responses);
	assert_int_equal(outcome(&r, 5), BLKQ_IO_ERROR);
	assert_int_equal(s->mux.strange, 101);
	/* Success of fewer than were asked for is none. */
	put(&r, BLKQ_READ | BLKQ_SECTORS, 0, 3, 0, 6);
	stack_run_mux(s);
	assert_true(blkq_put(&responses, &(struct blkq_response){
						 .count = 2, .id = s->mux.slot[0].request.id }));
	(void)blkq_show(&responses);
	assert_int_equal(outcome(&r, 6), BLKQ_IO_ERROR);
}

/* What is answered at once and what the driver answers: no signal to a client that looks by itself. */
static void test_quiet(void **state)
{
	struct raw r[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		stack_add(s, &(struct blkmux_client_setup){ .first = i * 100u, .count = 100 });
	open_all();
	for (unsigned i = 0; i < 2; i++) {
		r[i] = raw_client(i);
		put(&r[i], BLKQ_READ | BLKQ_SECTORS, 100, 1, 0, 1); /* not there */
		put(&r[i], BLKQ_READ | BLKQ_SECTORS, 0, 1, 0, 2);
	}
	blkq_quiet(&r[0].requests, true);
	assert_int_equal(blkmux_run(&s->mux, 0).clients, 1u << 1);
	stack_run_driver(s);
	assert_int_equal(blkmux_run(&s->mux, 0).clients, 1u << 1);
	assert_int_equal(blkq_length(&r[0].responses), 2);
	blkq_quiet(&r[0].requests, false);
	put(&r[0], BLKQ_READ | BLKQ_SECTORS, 100, 1, 0, 3);
	assert_int_equal(blkmux_run(&s->mux, 0).clients, 1u << 0);
}

/* It dies with requests in flight, some of them taken, some not, some answered. */
static void test_restart(void **state)
{
	struct blkq_response response;
	struct raw r;
	unsigned answers = 0;

	(void)state;
	stack_add(s, &(struct blkmux_client_setup){ .count = 100 });
	open_all();
	s->medium.late = true;
	s->medium.depth = 4;
	r = raw_client(0);
	for (uint32_t i = 0; i < 20; i++) {
		memset(s->memory->data[0] + i * 512, (int)i + 1, 512);
		put(&r, BLKQ_WRITE | BLKQ_SECTORS, i, 1, i * 512, i);
	}
	stack_run_mux(s);
	stack_run_driver(s);
	stack_run_driver(s); /* four are answered */
	assert_int_equal(stack_start_driver(s), VMM_OK);
	stack_run_driver(s); /* what it finds in its queue is not for it */
	assert_int_equal(s->driver.in_flight, 0);
	for (unsigned i = 0; i < 10; i++) {
		turn();
		for (; blkq_take(&r.responses, &response); answers++)
			assert_int_equal(response.status, BLKQ_OK);
	}
	assert_int_equal(answers, 20);
	assert_int_equal(s->mux.restarts, 1);
	assert_int_equal(s->mux.strange, 0);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(s->disk[i * 512], i + 1);
}

/* ---- a request that drivers die of ---- */

enum { POISON = 5 }; /* sector */

static struct {
	const struct block_ops *was;
	bool dead;
	unsigned deaths;
} poison;

static enum block_submit poison_submit(struct block_backend *backend, struct block_request *request)
{
	poison.dead |= request->op == BLOCK_READ && request->sector == POISON;
	return poison.was->submit(backend, request);
}

/* One who never stops asking; all it hears is good. */
static void ask_on(struct raw *r)
{
	struct blkq_response response;

	put(r, BLKQ_READ | BLKQ_SECTORS, 1, 1, 0, 100);
	while (blkq_take(&r->responses, &response))
		assert_int_equal(response.status, BLKQ_OK);
	(void)blkq_show(&r->responses);
}

/* Deaths come before anything is answered that the driver had taken with what it dies of. */
static void mortal_turns(struct raw *busy)
{
	for (unsigned i = 0; i < 100; i++) {
		ask_on(busy);
		stack_run_mux(s);
		stack_run_driver(s);
		if (poison.dead) {
			poison.deaths++;
			assert_int_equal(stack_start_driver(s), VMM_OK);
		}
		poison.dead = false;
	}
}

static void open_poisoned(void)
{
	static struct block_ops ops;

	for (unsigned i = 0; i < STACK_CLIENTS; i++)
		stack_add(s, &(struct blkmux_client_setup){ .first = i * 100, .count = 100 });
	open_all();
	memset(&poison, 0, sizeof(poison));
	poison.was = s->medium.backend.ops;
	ops = *poison.was;
	ops.submit = poison_submit;
	s->medium.backend.ops = &ops;
	s->medium.late = true;
	s->medium.depth = BLOCK_MEMORY_DEPTH;
}

static void test_poison_fails_alone(void **state)
{
	struct blkq_response response;
	struct raw r[3];

	(void)state;
	open_poisoned();
	for (unsigned c = 0; c < 3; c++)
		r[c] = raw_client(c);
	for (uint32_t i = 0; i < 10; i++) {
		put(&r[0], BLKQ_READ | BLKQ_SECTORS, i, 1, i * 512, i);
		put(&r[1], BLKQ_READ | BLKQ_SECTORS, i, 1, i * 512, i);
	}
	mortal_turns(&r[2]);
	for (uint32_t i = 0; i < 20; i++) {
		bool bad;

		assert_true(blkq_take(&r[i / 10].responses, &response));
		bad = i < 10 && response.id == POISON;
		assert_int_equal(response.status, bad ? BLKQ_IO_ERROR : BLKQ_OK);
	}
	assert_int_equal(s->mux.failed, 1);
	assert_int_equal(s->mux.strange, 0);
	assert_in_range(poison.deaths, 2, 7); /* admin gives up after eight in a row */
	assert_false(s->mux.careful);         /* and it goes on as ever */
}

/* Two starts again are no proof of anything. */
static void test_unlucky_is_not_failed(void **state)
{
	struct raw r;

	(void)state;
	open_poisoned();
	r = raw_client(0);
	for (uint32_t id = 0; id < 2; id++) {
		put(&r, BLKQ_READ | BLKQ_SECTORS, 1, 1, 0, id);
		for (unsigned deaths = 0; deaths < 2; deaths++) {
			for (unsigned i = 0; i < 2; i++) {
				stack_run_mux(s);
				if (s->driver.in_flight == 0)
					(void)blkdrv_run(&s->driver);
			}
			assert_int_equal(s->driver.in_flight, 1);
			assert_int_equal(stack_start_driver(s), VMM_OK);
		}
		assert_int_equal(outcome(&r, id), BLKQ_OK);
	}
	assert_int_equal(s->mux.failed, 0);
}

/* Each life answers one, and dies with all the others. */
static void test_slow_progress_is_progress(void **state)
{
	struct blkq_response response;
	unsigned answers = 0;
	struct raw r;

	(void)state;
	open_poisoned();
	s->medium.depth = 1;
	r = raw_client(0);
	for (uint32_t i = 0; i < 20; i++)
		put(&r, BLKQ_WRITE | BLKQ_SECTORS, i, 1, i * 512, i);
	for (unsigned rounds = 0; rounds < 40 && answers < 20; rounds++) {
		stack_run_mux(s);
		stack_run_driver(s);
		stack_run_mux(s);
		stack_run_driver(s);
		stack_run_driver(s);
		assert_int_equal(stack_start_driver(s), VMM_OK);
		stack_run_mux(s);
		assert_false(s->mux.careful);
		for (; blkq_take(&r.responses, &response); answers++)
			assert_int_equal(response.status, BLKQ_OK);
		(void)blkq_show(&r.responses);
	}
	assert_int_equal(answers, 20);
	assert_true(s->mux.restarts > 4);
	assert_int_equal(s->mux.failed, 0);
}

static void test_bad_memory(void **state)
{
	struct stack_channel *c = &s->channel[0];
	struct blkmux_client_setup setup = {
		.link = { .requests = c->requests,
			  .responses = c->responses,
			  .medium = c->medium,
			  .requests_size = sizeof(c->requests),
			  .responses_size = sizeof(c->responses),
			  .medium_size = 16 },
	};

	(void)state;
	assert_int_equal(blkmux_add(&s->mux, &setup), VMM_ERR_INVALID);
	setup.link.medium_size = 4096;
	setup.link.requests = c->requests + 4;
	assert_int_equal(blkmux_add(&s->mux, &setup), VMM_ERR_INVALID);
	setup.link.requests = c->requests;
	setup.link.responses_size = 100;
	assert_int_equal(blkmux_add(&s->mux, &setup), VMM_ERR_INVALID);
	setup.link.responses_size = sizeof(c->responses);
	setup.rate = BLKMUX_RATE_MAX + 1;
	assert_int_equal(blkmux_add(&s->mux, &setup), VMM_ERR_RANGE);
	setup.rate = BLKMUX_RATE_MAX;
	for (unsigned i = 0; i < BLKMUX_CLIENTS; i++)
		assert_int_equal(blkmux_add(&s->mux, &setup), VMM_OK);
	assert_int_equal(blkmux_add(&s->mux, &setup), VMM_ERR_NOMEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_partitions),
		TEST(test_header_damaged),
		TEST(test_entries_damaged),
		TEST(test_header_unreadable),
		TEST(test_headers_refused),
		TEST(test_header_of_a_small_table),
		TEST(test_no_table),
		TEST(test_ranges),
		TEST(test_sharing),
		TEST(test_medium),
		TEST(test_refused),
		TEST(test_read_only_client),
		TEST(test_does_not_read),
		TEST(test_wild_indices),
		TEST(test_without_end),
		TEST(test_plugged),
		TEST(test_barrier),
		TEST(test_drain_behind_answers),
		TEST(test_rate),
		TEST(test_rate_of_a_busy_disk),
		TEST(test_highest_rate),
		TEST(test_turns),
		TEST(test_strange_responses),
		TEST(test_quiet),
		TEST(test_restart),
		TEST(test_poison_fails_alone),
		TEST(test_unlucky_is_not_failed),
		TEST(test_slow_progress_is_progress),
		TEST(test_bad_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
