/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of block requests (test/support/blk_stack.h), of which the multiplexer, or the disk's driver,
 * dies in front of each of its stores, and its successor likewise. Clients with several requests each
 * notice nothing: each is answered once, without an error, and reads give what was written. Half of the
 * times they go on while nobody is there, and one of them is started again then, too: it must not take a
 * disk that is just being shown for none. The other one has a partition, so that a life reads the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/blk_stack.h"
#include "test/support/gpt_disk.h"
#include "test/support/mortal.h"
#include "vmm/base/util.h"

enum { CLIENTS = 2, SLOTS = 3, ROUNDS = 12, BEGIN = 100, SPAN = 64, ENOUGH = 200, SPREAD = 37 };

/* A request that its guest makes again and again: a new value is written, and read back. */
struct slot {
	struct block_request request;
	struct block_segment segment;
	uint8_t bytes[BLOCK_SECTOR];
	uint8_t value;
	bool busy; /* not answered */
	bool given;
};

static struct {
	struct blk_stack *s;
	struct slot slot[CLIENTS][SLOTS];
	bool seen[CLIENTS]; /* its disk */
	struct mortal_fate fate;
	bool driver;    /* is the one that dies */
	bool meanwhile; /* the others go on when it is dead */
} w;

/* ---- clients ---- */

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	struct slot *slot = container_of(request, struct slot, request);

	(void)ctx;
	assert_true(slot->given);
	assert_int_equal(status, BLOCK_OK);
	for (unsigned i = 0; request->op == BLOCK_READ && i < BLOCK_SECTOR; i++)
		assert_int_equal(slot->bytes[i], slot->value);
	slot->busy = slot->given = false;
}

/* False while there is nothing to be asked for; a disk that was seen never goes away. */
static bool look(unsigned c)
{
	struct block_backend *b = &w.s->client[c].backend;
	struct block_info info;

	b->ops->info(b, &info);
	if (w.seen[c])
		assert_true(info.sectors != 0 || info.changing);
	w.seen[c] |= info.sectors != 0;
	return info.sectors != 0;
}

static void ask(struct slot *slot)
{
	slot->request.op = slot->request.op == BLOCK_WRITE ? BLOCK_READ : BLOCK_WRITE;
	if (slot->request.op == BLOCK_WRITE)
		slot->value++;
	memset(slot->bytes, slot->request.op == BLOCK_WRITE ? slot->value : 0xff, BLOCK_SECTOR);
	slot->busy = true;
}

static void use(unsigned c, bool more)
{
	struct block_backend *b = &w.s->client[c].backend;

	b->ops->poll(b);
	for (unsigned i = 0; i < SLOTS && look(c); i++) {
		struct slot *slot = &w.slot[c][i];

		if (!slot->busy && more)
			ask(slot);
		if (!slot->busy || slot->given)
			continue;
		slot->given = true;
		slot->given = b->ops->submit(b, &slot->request) == BLOCK_ACCEPTED;
	}
	(void)b->ops->kick(b, false);
}

static void make_clients(void)
{
	static const struct blkmux_client_setup setup[CLIENTS] = {
		{ .first = BEGIN, .count = SPAN },
		{ .partition = 1 },
	};
	static const struct gpt_disk_partition partition = { BEGIN + SPAN, BEGIN + 2 * SPAN - 1 };

	gpt_disk_make(w.s->disk, STACK_SECTORS, &partition, 1);
	for (unsigned c = 0; c < CLIENTS; c++) {
		stack_add(w.s, &setup[c])->backend.done = done;
		for (unsigned i = 0; i < SLOTS; i++) {
			struct slot *slot = &w.slot[c][i];

			slot->segment = (struct block_segment){ slot->bytes, BLOCK_SECTOR };
			slot->request = (struct block_request){
				.op = BLOCK_READ,
				.sector = i,
				.sectors = 1,
				.segments = &slot->segment,
				.segment_count = 1,
			};
		}
	}
}

/* Its successor asks for all that was not answered, as a device does that goes on. */
static void restart_client(unsigned c)
{
	stack_restart_client(w.s, c);
	for (unsigned i = 0; i < SLOTS; i++)
		w.slot[c][i].given = false;
}

/* ---- the programs ---- */

static void run_one(bool driver)
{
	if (driver)
		stack_run_driver(w.s);
	else
		stack_run_mux(w.s);
}

static void run(void)
{
	run_one(w.driver);
}

static void begin(void)
{
	if (w.driver)
		(void)stack_start_driver(w.s);
	else
		stack_restart_mux(w.s);
	run();
}

static bool survives(void (*life)(void))
{
	if (w.driver)
		return mortal_survives(&w.fate, life, &w.s->driver, sizeof(w.s->driver));
	return mortal_survives(&w.fate, life, &w.s->mux, sizeof(w.s->mux));
}

static void mourn(void)
{
	restart_client(0);
	for (unsigned c = 0; c < CLIENTS; c++)
		use(c, true);
	run_one(!w.driver);
}

static void drive(void)
{
	bool alive = survives(run);

	while (!alive) {
		if (w.meanwhile)
			mourn();
		alive = survives(begin);
	}
}

static bool busy(void)
{
	for (unsigned c = 0; c < CLIENTS; c++) {
		for (unsigned i = 0; i < SLOTS; i++) {
			if (w.slot[c][i].busy)
				return true;
		}
	}
	return false;
}

static bool all_seen(void)
{
	bool all = true;

	for (unsigned c = 0; c < CLIENTS; c++)
		all &= w.seen[c];
	return all;
}

/* Until the last answer, if no more is asked for. */
static void go(bool more)
{
	for (unsigned i = 0; more ? i < ROUNDS || !all_seen() : busy(); i++) {
		assert_true(i < ENOUGH);
		w.s->medium.depth = 1 + i % 3;
		drive();
		run_one(!w.driver);
		drive();
		for (unsigned c = 0; c < CLIENTS; c++)
			use(c, more);
	}
}

static void keep(void)
{
	mortal_forget();
	mortal_keep(&w.s->driver_channel, sizeof(w.s->driver_channel));
	mortal_keep(w.s->channel, sizeof(w.s->channel));
	mortal_keep(w.s->memory, sizeof(*w.s->memory));
}

/* False if the program lived through it all. */
static bool one_history(bool driver, bool meanwhile, unsigned first, unsigned second)
{
	memset(&w, 0, sizeof(w));
	w.s = stack_create(false);
	w.driver = driver;
	w.meanwhile = meanwhile;
	make_clients();
	assert_int_equal(stack_start_driver(w.s), VMM_OK);
	w.s->medium.late = true;
	keep();
	w.fate.left = first;
	w.fate.next = second;
	go(true);
	go(false);
	for (unsigned c = 0; c < CLIENTS; c++) {
		assert_true(w.slot[c][0].value > 0);
		assert_int_equal(w.s->client[c].strange, 0);
		for (unsigned i = 0; i < SLOTS; i++)
			assert_int_equal(w.s->disk[(BEGIN + c * SPAN + i) * BLOCK_SECTOR],
					 w.slot[c][i].value);
	}
	stack_destroy(w.s);
	return w.fate.deaths > 0;
}

static void every_store(bool driver)
{
	unsigned at = 1;

	while (one_history(driver, at % 2 != 0, at, 0))
		at++;
	assert_true(at > 100);
	for (unsigned first = 1; first < at; first++)
		(void)one_history(driver, first % 2 == 0, first, 1 + first % SPREAD);
}

static void multiplexer(void **state)
{
	(void)state;
	every_store(false);
}

static void disks_driver(void **state)
{
	(void)state;
	every_store(true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(multiplexer),
		cmocka_unit_test(disks_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
