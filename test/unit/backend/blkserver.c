/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's block backend against a server that the test plays: one that lies, and one that knows blocks only. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "vmm/backend/block/sddf.h"
#include "vmm/base/util.h"

enum { UNITS = 32, SECTORS = 1024 };

static struct block_sddf b;
static struct blkq requests, responses;
static _Alignas(8) uint8_t request_page[8192], response_page[4096], medium_page[4096];
static uint8_t data[UNITS * BLOCK_SDDF_UNIT], memory[UNITS * BLOCK_SDDF_UNIT];
static struct block_segment all = { memory, sizeof(memory) };
static unsigned raised, answers;
static void (*server)(void); /* runs when it is signalled, or NULL */
static enum block_status last;

static void raise(void *ctx)
{
	(void)ctx;
	raised++;
	if (server != NULL)
		server();
}

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	(void)ctx;
	(void)request;
	answers++;
	last = status;
}

static void start(void)
{
	const struct block_sddf_setup setup = {
		.requests = request_page,
		.responses = response_page,
		.medium = medium_page,
		.requests_size = sizeof(request_page),
		.responses_size = sizeof(response_page),
		.medium_size = sizeof(medium_page),
		.data = data,
		.data_size = sizeof(data),
		.signal = { raise, NULL },
	};

	assert_int_equal(block_sddf_init(&b, &setup), VMM_OK);
	b.backend.done = done;
}

static void make(uint32_t features)
{
	struct block_info info;

	memset(request_page, 0, sizeof(request_page));
	memset(response_page, 0, sizeof(response_page));
	memset(medium_page, 0, sizeof(medium_page));
	memset(memory, 0x10, sizeof(memory));
	memset(data, 0, sizeof(data));
	raised = answers = 0;
	server = NULL;
	start();
	assert_int_equal(
		blkq_init(&requests, BLKQ_REQUESTS, false, request_page, sizeof(request_page)),
		VMM_OK);
	assert_int_equal(
		blkq_init(&responses, BLKQ_RESPONSES, true, response_page, sizeof(response_page)),
		VMM_OK);
	b.backend.ops->info(&b.backend, &info);
	assert_int_equal(info.sectors, 0);
	blkq_medium_show(medium_page, &(struct blkq_medium){ .sectors = SECTORS,
							     .block_size = 512,
							     .features = features });
	if (features == 0)
		memset(medium_page + 88, 0, 8); /* not one of ours */
	b.backend.ops->info(&b.backend, &info);
	assert_int_equal(info.sectors, SECTORS);
	assert_int_equal(info.block_size, features == 0 ? 4096 : 512);
}

static struct block_request ask(enum block_op op, uint64_t sector, uint32_t sectors)
{
	return (struct block_request){
		.op = op, .sector = sector, .sectors = sectors, .segments = &all, .segment_count = 1
	};
}

static enum block_submit submit(struct block_request *r)
{
	enum block_submit result = b.backend.ops->submit(&b.backend, r);

	(void)b.backend.ops->kick(&b.backend, false);
	return result;
}

static struct blkq_request received(void)
{
	struct blkq_request r;

	assert_true(blkq_take(&requests, &r));
	(void)blkq_show(&requests);
	return r;
}

static void respond(uint32_t id, uint32_t status, uint16_t count)
{
	assert_true(blkq_put(
		&responses, &(struct blkq_response){ .id = id, .status = status, .count = count }));
	(void)blkq_show(&responses);
	b.backend.ops->poll(&b.backend);
}

static void test_moves_data(void **state)
{
	struct block_request r = ask(BLOCK_WRITE, 5, 3);
	struct blkq_request got;

	(void)state;
	make(BLKQ_F_SECTORS);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	assert_int_equal(raised, 1);
	got = received();
	assert_int_equal(got.code, BLKQ_WRITE | BLKQ_SECTORS);
	assert_int_equal(got.block, 5);
	assert_int_equal(got.count, 3);
	assert_int_equal(data[got.offset + 3 * 512 - 1], 0x10);
	assert_int_equal(data[got.offset + 3 * 512], 0);
	respond(got.id, BLKQ_OK, 3);
	assert_int_equal(answers, 1);
	assert_int_equal(last, BLOCK_OK);
	r = ask(BLOCK_READ, 9, 1);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	got = received();
	memset(data + got.offset, 0x99, 1024);
	assert_int_equal(memory[0], 0x10);
	respond(got.id, BLKQ_OK, 1);
	assert_int_equal(memory[511], 0x99);
	assert_int_equal(memory[512], 0x10);
}

static void answer_at_once(void)
{
	struct blkq_request got = received();

	assert_true(
		blkq_put(&responses, &(struct blkq_response){ .id = got.id, .count = got.count }));
	assert_true(blkq_show(&responses));
	assert_true(blkq_is_quiet(&requests));
}

static void answer_later(void)
{
	assert_true(blkq_is_quiet(&requests));
}

/* Who looks for answers after its signal is quiet for just as long. */
static void test_looks(void **state)
{
	struct block_request r = ask(BLOCK_READ, 0, 1);

	(void)state;
	make(BLKQ_F_SECTORS);
	assert_false(b.backend.ops->kick(&b.backend, true));
	server = answer_at_once;
	assert_int_equal(b.backend.ops->submit(&b.backend, &r), BLOCK_ACCEPTED);
	assert_true(b.backend.ops->kick(&b.backend, true));
	assert_false(blkq_is_quiet(&requests));
	assert_int_equal(answers, 0);
	b.backend.ops->poll(&b.backend);
	assert_int_equal(answers, 1);
	server = answer_later;
	assert_int_equal(b.backend.ops->submit(&b.backend, &r), BLOCK_ACCEPTED);
	assert_false(b.backend.ops->kick(&b.backend, true));
	assert_false(blkq_is_quiet(&requests));
	respond(received().id, BLKQ_OK, 1);
	assert_int_equal(answers, 2);
	assert_int_equal(raised, 2);
	blkq_quiet(&b.requests, true); /* and dies */
	(void)blkq_life(&b.requests);
	assert_false(blkq_is_quiet(&requests));
}

/* ---- the server on another core ---- */

enum { ROUNDS = 20000 };

static sem_t to_server, to_client;
static unsigned served; /* the server's */

static void post_server(void)
{
	assert_int_equal(sem_post(&to_server), 0);
}

/* False after a minute: nobody will come. */
static bool wait_on(sem_t *sem)
{
	struct timespec limit;

	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 60;
	return sem_timedwait(sem, &limit) == 0;
}

static void *serve_all(void *unused)
{
	struct blkq_request got;

	(void)unused;
	while (served < ROUNDS && wait_on(&to_server)) {
		for (; blkq_take(&requests, &got); served++)
			(void)blkq_put(&responses,
				       &(struct blkq_response){ .id = got.id, .count = got.count });
		(void)blkq_show(&requests);
		if (blkq_show(&responses) && !blkq_is_quiet(&requests))
			(void)sem_post(&to_client);
	}
	return NULL;
}

/* An answer is seen by whoever looks, or told by a signal: whatever comes between, not neither. */
static void test_no_answer_is_missed(void **state)
{
	struct block_request r = ask(BLOCK_READ, 0, 1);
	pthread_t thread;

	(void)state;
	make(BLKQ_F_SECTORS);
	server = post_server;
	served = 0;
	assert_int_equal(sem_init(&to_server, 0, 0), 0);
	assert_int_equal(sem_init(&to_client, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_all, NULL), 0);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		assert_int_equal(b.backend.ops->submit(&b.backend, &r), BLOCK_ACCEPTED);
		if (b.backend.ops->kick(&b.backend, true))
			b.backend.ops->poll(&b.backend);
		while (answers < i) {
			assert_true(wait_on(&to_client));
			b.backend.ops->poll(&b.backend);
		}
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(served, ROUNDS);
}

static void test_outside(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
	} wrong[] = { { SECTORS, 1 }, { SECTORS - 1, 2 }, { UINT64_MAX, 2 }, { 0, 0 } };

	(void)state;
	make(BLKQ_F_SECTORS);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct block_request r = ask(BLOCK_READ, wrong[i].sector, wrong[i].sectors);

		assert_int_equal(submit(&r), BLOCK_ACCEPTED);
		assert_int_equal(answers, i + 1);
		assert_int_equal(last, BLOCK_IO_ERROR);
	}
	assert_int_equal(raised, 0);
}

/* Ids that name nothing, or what was answered before; counts that are short; statuses that are none. */
static void test_lies(void **state)
{
	struct block_request r = ask(BLOCK_READ, 0, 8), again = ask(BLOCK_READ, 8, 8);
	struct blkq_request first, second;

	(void)state;
	make(BLKQ_F_SECTORS);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	first = received();
	for (uint32_t i = 1; i < 500; i++)
		respond(first.id + i * 31, BLKQ_OK, 8);
	assert_int_equal(answers, 0);
	assert_int_equal(b.strange, 499);
	respond(first.id, BLKQ_OK, 7);
	assert_int_equal(answers, 1);
	assert_int_equal(last, BLOCK_IO_ERROR);
	respond(first.id, BLKQ_OK, 8);
	assert_int_equal(answers, 1);
	/* The same slot, used again: the old name does not fit. */
	assert_int_equal(submit(&again), BLOCK_ACCEPTED);
	second = received();
	assert_int_equal(first.id % BLOCK_SDDF_SLOTS, second.id % BLOCK_SDDF_SLOTS);
	respond(first.id, BLKQ_OK, 8);
	assert_int_equal(answers, 1);
	respond(second.id, 77, 8);
	assert_int_equal(answers, 2);
	assert_int_equal(last, BLOCK_IO_ERROR);
	assert_int_equal(memory[0], 0x10);
	assert_int_equal(b.in_use, 0);
}

/* Forgotten: the answer frees the place, writes nothing, and tells nobody. */
static void test_cancel(void **state)
{
	struct block_request r = ask(BLOCK_READ, 0, 8), other = ask(BLOCK_READ, 8, 8);
	struct blkq_request first, second;

	(void)state;
	make(BLKQ_F_SECTORS);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	assert_int_equal(submit(&other), BLOCK_ACCEPTED);
	first = received();
	second = received();
	b.backend.ops->cancel(&b.backend, &r);
	assert_int_equal(b.in_use, 2);
	memset(data + first.offset, 0x66, 4096);
	respond(first.id, BLKQ_OK, 8);
	assert_int_equal(answers, 0);
	assert_int_equal(memory[0], 0x10);
	assert_int_equal(b.in_use, 1);
	respond(second.id, BLKQ_OK, 8);
	assert_int_equal(answers, 1);
}

/* More than a part: one after the other, and the next request finds no place until then. */
static void test_parts(void **state)
{
	enum { WHOLE = 16 * UNITS / 2 };
	struct block_request r = ask(BLOCK_WRITE, 0, WHOLE), full = ask(BLOCK_READ, 0, WHOLE);
	uint32_t moved = 0;

	(void)state;
	memset(memory, 0, sizeof(memory));
	make(BLKQ_F_SECTORS);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	assert_int_equal(submit(&full), BLOCK_ACCEPTED);
	full = ask(BLOCK_READ, 0, 8);
	assert_int_equal(submit(&full), BLOCK_FULL);
	while (answers == 0) {
		struct blkq_request got = received();

		if (got.code == (BLKQ_READ | BLKQ_SECTORS))
			continue;
		assert_int_equal(got.block, moved);
		moved += got.count;
		respond(got.id, BLKQ_OK, got.count);
	}
	assert_int_equal(moved, WHOLE);
	assert_int_equal(submit(&full), BLOCK_ACCEPTED);
}

/* Sectors in the middle of a block: it is read, changed and written, and nobody comes in between. */
static void test_plain_write(void **state)
{
	struct block_request r = ask(BLOCK_WRITE, 3, 2), near = ask(BLOCK_WRITE, 6, 1),
			     far = ask(BLOCK_WRITE, 8, 8), reader = ask(BLOCK_READ, 0, 8);
	struct blkq_request got;

	(void)state;
	make(0);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	got = received();
	assert_int_equal(got.code, BLKQ_READ);
	assert_int_equal(got.block, 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(submit(&near), BLOCK_FULL);
	assert_int_equal(submit(&far), BLOCK_ACCEPTED);
	assert_int_equal(submit(&reader), BLOCK_ACCEPTED);
	assert_int_equal(received().code, BLKQ_WRITE);
	assert_int_equal(received().code, BLKQ_READ);
	memset(data + got.offset, 0x77, 4096);
	respond(got.id, BLKQ_OK, 1);
	assert_int_equal(answers, 0);
	assert_int_equal(submit(&near), BLOCK_FULL);
	got = received();
	assert_int_equal(got.code, BLKQ_WRITE);
	assert_int_equal(data[got.offset + 3 * 512 - 1], 0x77);
	assert_int_equal(data[got.offset + 3 * 512], 0x10);
	assert_int_equal(data[got.offset + 5 * 512 - 1], 0x10);
	assert_int_equal(data[got.offset + 5 * 512], 0x77);
	respond(got.id, BLKQ_OK, 1);
	assert_int_equal(answers, 1);
	assert_int_equal(submit(&near), BLOCK_ACCEPTED);
}

static void test_plain_read(void **state)
{
	struct block_request r = ask(BLOCK_READ, 7, 2);
	struct blkq_request got;

	(void)state;
	make(0);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
	got = received();
	assert_int_equal(got.block, 0);
	assert_int_equal(got.count, 2);
	memset(data + got.offset + 7 * 512, 0x21, 1024);
	respond(got.id, BLKQ_OK, 2);
	assert_int_equal(memory[0], 0x21);
	assert_int_equal(memory[1023], 0x21);
	assert_int_equal(memory[1024], 0x10);
}

/* What a plain server cannot do: discarding is dropped, zeroes are written. */
static void test_plain_ranges(void **state)
{
	struct block_request discard = ask(BLOCK_DISCARD, 0, 64);
	struct block_request zero = ask(BLOCK_WRITE_ZEROES, 8, 8);
	struct blkq_request got;

	(void)state;
	make(0);
	assert_int_equal(submit(&discard), BLOCK_ACCEPTED);
	assert_int_equal(answers, 1);
	assert_int_equal(last, BLOCK_OK);
	memset(data, 0x55, sizeof(data));
	assert_int_equal(submit(&zero), BLOCK_ACCEPTED);
	got = received();
	assert_int_equal(got.code, BLKQ_WRITE);
	assert_int_equal(data[got.offset], 0);
	assert_int_equal(data[got.offset + 4095], 0);
}

/* A server that could, but in blocks of its own: other sectors of theirs must stay as they are. */
static void test_coarse_ranges(void **state)
{
	struct block_request discard = ask(BLOCK_DISCARD, 3, 2);
	struct block_request zero = ask(BLOCK_WRITE_ZEROES, 3, 2);
	struct blkq_request got;

	(void)state;
	make(BLKQ_F_DISCARD | BLKQ_F_WRITE_ZEROES);
	assert_int_equal(submit(&discard), BLOCK_ACCEPTED);
	assert_int_equal(answers, 1);
	assert_int_equal(blkq_length(&requests), 0);
	assert_int_equal(submit(&zero), BLOCK_ACCEPTED);
	got = received();
	assert_int_equal(got.code, BLKQ_READ);
	memset(data + got.offset, 0x55, 4096);
	respond(got.id, BLKQ_OK, 1);
	got = received();
	assert_int_equal(got.code, BLKQ_WRITE);
	assert_int_equal(data[got.offset + 3 * 512 - 1], 0x55);
	assert_int_equal(data[got.offset + 3 * 512], 0);
	assert_int_equal(data[got.offset + 5 * 512 - 1], 0);
	assert_int_equal(data[got.offset + 5 * 512], 0x55);
	respond(got.id, BLKQ_OK, 1);
	assert_int_equal(answers, 2);
	assert_int_equal(last, BLOCK_OK);
}

/* Pages that say impossible things: no medium, or a sensible one. */
static void test_media(void **state)
{
	struct blkq_medium medium;

	(void)state;
	make(BLKQ_F_SECTORS);
	for (unsigned bit = 0; bit < 112 * 8; bit++) {
		medium_page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (blkq_medium_read(medium_page, &medium)) {
			assert_in_range(medium.sectors, 1, UINT64_C(1) << 48);
			assert_in_range(medium.block_size, 512, 65536);
			assert_int_equal(medium.serial[63], 0);
		}
		medium_page[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	blkq_medium_hide(medium_page);
	assert_false(blkq_medium_read(medium_page, &medium));
}

/* A client that begins while a server shows its medium, which dies at that, waits for the next one. */
static void test_dies_showing(void **state)
{
	enum { READY = 65 };
	static uint32_t over;
	const struct blkq_medium medium = { .sectors = SECTORS,
					    .block_size = 512,
					    .generation = 2 };
	struct block_info info;

	(void)state;
	make(BLKQ_F_SECTORS);
	blkq_medium_show(medium_page, &medium);
	for (unsigned given_up = 0; given_up < 2; given_up++) {
		medium_page[READY] = 0;
		b.known = false;
		b.medium = (struct blkq_medium){ .sectors = 0 };
		b.server.over = &over;
		b.backend.ops->info(&b.backend, &info);
		assert_int_equal(info.sectors, 0);
		assert_true(info.changing);
		over = given_up;
		if (given_up == 0)
			blkq_medium_show(medium_page, &medium);
		b.backend.ops->info(&b.backend, &info);
		assert_int_equal(info.sectors, given_up == 0 ? SECTORS : 0);
		assert_false(info.changing);
	}
	over = 0;
	blkq_medium_hide(medium_page);
	b.backend.ops->info(&b.backend, &info);
	assert_false(info.changing); /* nobody shows another one */
}

/* Answers to its predecessor can keep a server from taking the barrier: it hears when they are read. */
static void test_barrier_behind_answers(void **state)
{
	struct block_request r = ask(BLOCK_FLUSH, 0, 0);
	struct blkq_response response = { .status = BLKQ_OK };
	struct block_info info;

	(void)state;
	make(BLKQ_F_SECTORS);
	for (; response.id < BLKQ_CAPACITY; response.id++)
		assert_true(blkq_put(&responses, &response));
	(void)blkq_show(&responses);
	start();
	b.backend.ops->info(&b.backend, &info);
	assert_int_equal(submit(&r), BLOCK_FULL);
	assert_int_equal(raised, 1);
	b.backend.ops->poll(&b.backend);
	assert_int_equal(raised, 2);
	response.id = received().id;
	assert_int_equal(response.id, BLKQ_ID_LIFE | 2);
	respond(response.id, BLKQ_OK, 0);
	assert_int_equal(raised, 2);
	assert_int_equal(submit(&r), BLOCK_ACCEPTED);
}

static void test_bad_memory(void **state)
{
	struct block_sddf_setup setup = {
		.requests = request_page,
		.responses = response_page,
		.medium = medium_page,
		.requests_size = sizeof(request_page),
		.responses_size = sizeof(response_page),
		.medium_size = 16,
		.data = data,
		.data_size = sizeof(data),
	};

	(void)state;
	assert_int_equal(block_sddf_init(&b, &setup), VMM_ERR_INVALID);
	setup.medium_size = sizeof(medium_page);
	setup.data_size = BLOCK_SDDF_UNIT;
	assert_int_equal(block_sddf_init(&b, &setup), VMM_ERR_INVALID);
	setup.data_size = sizeof(data);
	setup.requests_size = 4096;
	assert_int_equal(block_sddf_init(&b, &setup), VMM_ERR_INVALID);
	setup.requests_size = sizeof(request_page);
	setup.responses = response_page + 4;
	assert_int_equal(block_sddf_init(&b, &setup), VMM_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_data),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_no_answer_is_missed),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_plain_write),
		cmocka_unit_test(test_plain_read),
		cmocka_unit_test(test_plain_ranges),
		cmocka_unit_test(test_coarse_ranges),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_dies_showing),
		cmocka_unit_test(test_barrier_behind_answers),
		cmocka_unit_test(test_bad_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
