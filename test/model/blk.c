/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of block requests (test/support/blk_stack.h) against a plain array. Batches of random
 * requests of three clients that do not overlap run in random interleavings, on a disk that answers late,
 * while the driver, the multiplexer and the clients' programs die and are started again and clients forget what
 * they asked for. Every request is
 * answered once, reads give what was written, and no byte changes that nobody wrote. Again with a driver
 * that knows blocks of 4096 bytes only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/blk_stack.h"
#include "vmm/base/util.h"

enum { BATCH = 24, ROUNDS = 1500, SPAN = 1000, LONGEST = 300, PIECES = 5 };

struct asked {
	struct block_request request;
	struct block_segment piece[PIECES];
	uint8_t *bytes;
	unsigned client;
	bool given, forgotten;
	unsigned answers;
	enum block_status status;
};

struct world {
	struct blk_stack *stack;
	uint64_t seed;
	uint8_t *reference; /* of the machine's disk */
	uint64_t first[STACK_CLIENTS], deaths, mux_deaths, client_deaths, forgotten, full;
	bool peaceful;
	bool plain; /* a driver that knows the plain format only */
	bool read_only[STACK_CLIENTS];
	struct asked asked[BATCH];
	unsigned count;
};

static uint32_t roll(struct world *w, uint32_t below)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((w->seed >> 33) % below);
}

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	struct asked *a = container_of(request, struct asked, request);

	(void)ctx;
	assert_true(a->given);
	assert_false(a->forgotten);
	a->answers++;
	a->status = status;
}

static bool overlaps_any(const struct world *w, unsigned client, uint64_t sector, uint32_t sectors)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct block_request *r = &w->asked[i].request;

		if (w->asked[i].client == client && sector < r->sector + r->sectors &&
		    r->sector < sector + sectors)
			return true;
	}
	return false;
}

/* Cuts the request's memory into pieces of any length. */
static void cut(struct world *w, struct asked *a)
{
	uint32_t left = a->request.sectors * BLOCK_SECTOR, at = 0;
	unsigned n = 0;

	while (left > 0) {
		uint32_t length = n + 1 == PIECES ? left : 1 + roll(w, left);

		a->piece[n++] = (struct block_segment){ a->bytes + at, length };
		at += length;
		left -= length;
	}
	a->request.segments = a->piece;
	a->request.segment_count = n;
}

static void plan(struct world *w)
{
	static const enum block_op ops[] = { BLOCK_READ,    BLOCK_READ,         BLOCK_READ,
					     BLOCK_WRITE,   BLOCK_WRITE,        BLOCK_WRITE,
					     BLOCK_DISCARD, BLOCK_WRITE_ZEROES, BLOCK_FLUSH };
	struct asked *a = &w->asked[w->count];
	uint32_t sectors = roll(w, 4) == 0 ? 1 + roll(w, LONGEST) : 1 + roll(w, 16);
	uint64_t sector = roll(w, SPAN - sectors);
	enum block_op op = ops[roll(w, 9)];
	unsigned client = roll(w, STACK_CLIENTS);

	if (w->read_only[client] && op != BLOCK_READ)
		op = BLOCK_FLUSH;
	if (op == BLOCK_FLUSH)
		sector = sectors = 0;
	else if (overlaps_any(w, client, sector, sectors))
		return;
	*a = (struct asked){ .client = client };
	a->request = (struct block_request){
		.op = op, .sector = sector, .sectors = sectors, .unmap = roll(w, 2) == 0
	};
	a->bytes = malloc(sectors * (size_t)BLOCK_SECTOR + 1);
	assert_non_null(a->bytes);
	for (size_t i = 0; i < sectors * (size_t)BLOCK_SECTOR; i++)
		a->bytes[i] = (uint8_t)(w->seed >> (i % 8 * 8));
	cut(w, a);
	w->count++;
}

static void offer(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct asked *a = &w->asked[i];
		struct block_backend *b = &w->stack->client[a->client].backend;

		if (a->given || roll(w, 3) == 0)
			continue;
		a->given = true;
		if (b->ops->submit(b, &a->request) == BLOCK_FULL) {
			a->given = false;
			w->full++;
		}
	}
	for (unsigned i = 0; i < STACK_CLIENTS; i++)
		(void)w->stack->client[i].backend.ops->kick(&w->stack->client[i].backend, false);
}

/* What a client has asked for is nobody's any more: a guest was reset, or its device's program died. */
static void forget(struct world *w, bool dies)
{
	unsigned client = roll(w, STACK_CLIENTS);
	struct block_backend *b = &w->stack->client[client].backend;

	if (dies)
		stack_restart_client(w->stack, client);
	else
		b->ops->cancel(b, NULL);
	for (unsigned i = 0; i < w->count; i++) {
		struct asked *a = &w->asked[i];

		if (a->client != client || !a->given || a->answers > 0 || a->forgotten)
			continue;
		a->forgotten = true;
		w->forgotten++;
		/* Its memory is somebody else's now: nothing may be written there (ASan). */
		free(a->bytes);
		a->bytes = NULL;
	}
}

/*
 * The multiplexer dies within a round: of the indices that it showed in it, any may not have been shown yet.
 * They are shown in one order (mux.c): its own answers' room, requests to the driver, then by client.
 */
static void die_inside(struct world *w)
{
	struct blk_stack *s = w->stack;
	uint32_t *shown[2 + 2 * STACK_CLIENTS], before[2 + 2 * STACK_CLIENTS];
	unsigned count = 0, alive;

	shown[count++] = s->mux.responses.mine;
	shown[count++] = s->mux.requests.mine;
	for (unsigned i = 0; i < STACK_CLIENTS; i++) {
		shown[count++] = s->mux.client[i].requests.mine;
		shown[count++] = s->mux.client[i].responses.mine;
	}
	for (unsigned i = 0; i < count; i++)
		before[i] = *shown[i];
	stack_run_mux(s);
	alive = roll(w, count);
	for (unsigned i = alive; i < count; i++)
		*shown[i] = before[i];
	stack_restart_mux(s);
}

static void disturb(struct world *w)
{
	if (w->peaceful)
		return;
	switch (roll(w, 40)) {
	case 0:
		/* The driver dies where it stands; what it had in flight is gone. */
		if (w->stack->mux.fruitless == 2)
			break; /* a third one in a row may fail a request: test/unit/backend/blkmux.c */
		assert_int_equal(stack_start_driver(w->stack), VMM_OK);
		w->deaths++;
		if (w->plain || roll(w, 3) != 0)
			break;
		stack_restart_mux(w->stack); /* and the other one with it */
		w->mux_deaths++;
		break;
	case 1:
		forget(w, false);
		break;
	case 2:
		if (w->plain)
			break; /* its driver's barrier is not to be relied on */
		stack_restart_mux(w->stack);
		w->mux_deaths++;
		break;
	case 3:
		forget(w, true);
		w->client_deaths++;
		break;
	case 4: /* in the middle of what it does: nothing of it was shown yet */
		if (w->plain)
			break;
		die_inside(w);
		w->mux_deaths++;
		break;
	default:
		break;
	}
}

static bool finished(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		if (w->asked[i].answers == 0 && !w->asked[i].forgotten)
			return false;
	}
	return true;
}

/* What a forgotten request did, it did to its own sectors. */
static void check(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct asked *a = &w->asked[i];
		const struct block_request *r = &a->request;
		size_t at = (w->first[a->client] + r->sector) * BLOCK_SECTOR;
		size_t size = (size_t)r->sectors * BLOCK_SECTOR;

		if (a->forgotten) {
			if (r->op != BLOCK_READ && r->op != BLOCK_FLUSH)
				memcpy(w->reference + at, w->stack->disk + at, size);
			continue;
		}
		assert_int_equal(a->answers, 1);
		assert_int_equal(a->status, BLOCK_OK);
		if (r->op == BLOCK_READ)
			assert_memory_equal(a->bytes, w->reference + at, size);
		else if (r->op == BLOCK_WRITE)
			memcpy(w->reference + at, a->bytes, size);
		else if (r->op == BLOCK_WRITE_ZEROES)
			memset(w->reference + at, 0, size);
	}
	assert_memory_equal(w->stack->disk, w->reference, STACK_SECTORS * BLOCK_SECTOR);
}

static void round_of_all(struct world *w)
{
	unsigned client = roll(w, STACK_CLIENTS);
	struct block_backend *b = &w->stack->client[client].backend;

	offer(w);
	if (roll(w, 3) != 0)
		stack_run_mux(w->stack);
	w->stack->medium.depth = 1 + roll(w, 8);
	if (roll(w, 3) != 0)
		stack_run_driver(w->stack);
	b->ops->poll(b);
	w->stack->now += 500;
	disturb(w);
}

static void batch(struct world *w)
{
	uint32_t calm = roll(w, 100);

	w->count = 0;
	for (unsigned i = 0; i < BATCH; i++)
		plan(w);
	for (unsigned i = 0; !finished(w); i++) {
		assert_true(i < 100000);
		/* What stands still must not be put right by the next death. */
		w->peaceful = i > calm;
		round_of_all(w);
	}
	stack_settle(w->stack); /* what was forgotten as well */
	check(w);
	for (unsigned i = 0; i < w->count; i++)
		free(w->asked[i].bytes);
}

/* What lies behind the format's own 88 bytes makes the server one of ours. */
static void make_plain(struct blk_stack *s)
{
	memset(s->driver_channel.medium + 88, 0, 8);
}

static void run(uint64_t seed, bool plain)
{
	struct world w = { .seed = seed, .plain = plain, .stack = stack_create(false) };

	w.reference = malloc(STACK_SECTORS * BLOCK_SECTOR);
	assert_non_null(w.reference);
	for (size_t i = 0; i < STACK_SECTORS * BLOCK_SECTOR; i++)
		w.stack->disk[i] = w.reference[i] = (uint8_t)(i / BLOCK_SECTOR * 7 + i);
	for (unsigned i = 0; i < STACK_CLIENTS; i++) {
		w.first[i] = i * 1024 + 8; /* a multiple of eight, for the plain server */
		w.read_only[i] = i == 2;
		stack_add(w.stack,
			  &(struct blkmux_client_setup){
				  .first = w.first[i],
				  .count = SPAN,
				  .read_only = w.read_only[i],
				  .rate = i == 1 ? 4 << 20 : 0,
			  })
			->backend.done = done;
	}
	assert_int_equal(stack_start_driver(w.stack), VMM_OK);
	if (plain)
		make_plain(w.stack);
	stack_settle(w.stack);
	w.stack->medium.late = true;
	for (unsigned i = 0; i < ROUNDS / BATCH; i++) {
		batch(&w);
		w.stack->now += 1000;
	}
	assert_true(w.full > 0);
	assert_true(w.forgotten > 0);
	if (!plain) {
		assert_true(w.deaths > 10);
		assert_true(w.mux_deaths > 20);
	}
	assert_true(w.client_deaths > 10);
	assert_int_equal(w.stack->mux.strange, 0);
	for (unsigned i = 0; i < STACK_CLIENTS; i++)
		assert_int_equal(w.stack->client[i].strange, 0);
	free(w.reference);
	stack_destroy(w.stack);
}

static void test_ours(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run(seed, false);
}

static void test_plain(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
