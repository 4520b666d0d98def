/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of block requests (test/support/blk_stack.h), where everybody runs when signalled and not
 * otherwise, in any order, and dies in front of any store; then admin signals the neighbours. A signal that is
 * missing leaves requests that are never answered: when nobody has anything to do any more, none may be left.
 *
 * Guests ask for as much as queues hold: what waits for room waits for a signal, too. What becomes of data is
 * blk_dies.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/blk_stack.h"
#include "test/support/mortal.h"
#include "vmm/base/util.h"

enum {
	CLIENTS = STACK_CLIENTS,
	REQUESTS = VIRTIO_BLK_REQUESTS,
	HISTORIES = 200,
	TURNS = 400, /* with deaths and requests */
	ENOUGH = 100000,
	DEATH_IN = 12,   /* one turn in so many is a death, if it is long enough */
	STEPS_MAX = 300, /* stores until then */
	DRIVER = 0,
	MUX = 1,
	FIRST_CLIENT = 2,
	PROGRAMS = FIRST_CLIENT + CLIENTS,
};

struct slot {
	struct block_request request;
	bool busy, given;
};

static struct {
	struct blk_stack *s;
	uint64_t random;
	bool signalled[PROGRAMS], started[PROGRAMS];
	unsigned turn; /* whose */
	unsigned deaths;
	struct slot slot[CLIENTS][REQUESTS];
} w;

static unsigned dice(unsigned sides)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return (unsigned)(w.random >> 11) % sides;
}

/* ---- clients: a device and its guest ---- */

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	struct slot *slot = container_of(request, struct slot, request);

	(void)ctx;
	assert_true(slot->busy && slot->given);
	assert_int_equal(status, BLOCK_OK);
	slot->busy = slot->given = false;
}

static void serve(unsigned c)
{
	struct block_backend *b = &w.s->client[c].backend;
	struct block_info info;

	b->ops->info(b, &info);
	for (unsigned i = 0; i < REQUESTS && info.sectors != 0; i++) {
		struct slot *slot = &w.slot[c][i];

		if (!slot->busy || slot->given)
			continue;
		slot->given = true;
		if (b->ops->submit(b, &slot->request) == BLOCK_FULL) {
			slot->given = false;
			return;
		}
	}
}

static void event(unsigned c)
{
	struct block_backend *b = &w.s->client[c].backend;

	b->ops->poll(b);
	serve(c);
	(void)b->ops->kick(b, false);
}

/* What the device does for its guest's notification, and when it goes on for a predecessor. */
static void notify(unsigned c)
{
	struct block_backend *b = &w.s->client[c].backend;

	serve(c);
	if (b->ops->kick(b, true))
		event(c);
}

static void guest_asks(unsigned c)
{
	unsigned count = 1 + dice(REQUESTS);

	for (unsigned i = 0; i < REQUESTS && count > 0; i++) {
		struct slot *slot = &w.slot[c][i];

		if (slot->busy)
			continue;
		slot->busy = true;
		slot->request = (struct block_request){ .op = BLOCK_FLUSH };
		count--;
	}
	notify(c);
}

static void start_client(unsigned c)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		w.slot[c][i].given = false;
	stack_restart_client(w.s, c);
	w.s->client[c].backend.done = done;
	notify(c);
}

/* ---- who runs, and whom that signals ---- */

static void signal_all(uint64_t clients)
{
	for (unsigned c = 0; c < CLIENTS; c++)
		w.signalled[FIRST_CLIENT + c] |= (clients >> c & 1) != 0;
}

static void run_driver(void)
{
	virtio_event(&w.s->model.vd, 0);
	if (blkdrv_run(&w.s->driver))
		w.signalled[MUX] = true;
}

static void run_mux(void)
{
	struct blkmux_signals signals = blkmux_run(&w.s->mux, 0);

	w.signalled[DRIVER] |= signals.driver;
	w.signalled[MUX] |= signals.again;
	signal_all(signals.clients);
}

static void start(unsigned who)
{
	if (who == DRIVER) {
		assert_int_equal(stack_start_driver(w.s), VMM_OK);
		w.signalled[MUX] = true;
	} else if (who == MUX) {
		stack_restart_mux(w.s);
	} else {
		start_client(who - FIRST_CLIENT);
	}
}

/* One start, or one round of its loop. */
static void life(void)
{
	unsigned who = w.turn;

	w.signalled[who] = false;
	if (!w.started[who]) {
		w.started[who] = true;
		w.signalled[who] = true;
		start(who);
	} else if (who == DRIVER) {
		run_driver();
	} else if (who == MUX) {
		run_mux();
	} else {
		event(who - FIRST_CLIENT);
	}
}

static void take_turn(unsigned who, bool mortal)
{
	void *own[PROGRAMS] = { &w.s->driver, &w.s->mux };
	size_t size[PROGRAMS] = { sizeof(w.s->driver), sizeof(w.s->mux) };
	struct mortal_fate fate = { .left = mortal && dice(DEATH_IN) == 0 ? 1 + dice(STEPS_MAX)
									  : 0 };

	for (unsigned c = 0; c < CLIENTS; c++) {
		own[FIRST_CLIENT + c] = &w.s->client[c];
		size[FIRST_CLIENT + c] = sizeof(w.s->client[c]);
	}
	w.turn = who;
	if (mortal_survives(&fate, life, own[who], size[who]))
		return;
	/* Those signals that it had not made are not made. */
	w.deaths++;
	w.started[who] = false;
	w.signalled[who] = true;
	for (unsigned c = 0; who == MUX && c < CLIENTS; c++)
		w.signalled[FIRST_CLIENT + c] = true;
	if (who == MUX)
		w.signalled[DRIVER] = true;
	else
		w.signalled[MUX] = true;
}

static bool runnable(unsigned who)
{
	return w.signalled[who] || (who == DRIVER && w.started[who] && w.s->driver.in_flight > 0);
}

/* False if nobody has anything to do. */
static bool next(bool mortal)
{
	unsigned first = dice(PROGRAMS);

	w.signalled[MUX] |= w.s->signals != 0; /* clients signal nobody else */
	w.s->signals = 0;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		unsigned who = (first + i) % PROGRAMS;

		if (!runnable(who))
			continue;
		take_turn(who, mortal);
		return true;
	}
	return false;
}

static void make(unsigned history)
{
	memset(&w, 0, sizeof(w));
	w.random = 0x9e3779b97f4a7c15 + history;
	w.s = stack_create(false);
	w.s->medium.late = true;
	for (unsigned c = 0; c < CLIENTS; c++)
		stack_add(w.s, &(struct blkmux_client_setup){ .first = c * 64, .count = 64 })
			->backend.done = done;
	mortal_forget();
	mortal_keep(&w.s->driver_channel, sizeof(w.s->driver_channel));
	mortal_keep(w.s->channel, sizeof(w.s->channel));
	mortal_keep(w.s->memory, sizeof(*w.s->memory));
	for (unsigned who = 0; who < PROGRAMS; who++)
		w.signalled[who] = true;
	for (unsigned who = MUX; who < PROGRAMS; who++)
		w.started[who] = true;
}

static void check(unsigned history)
{
	unsigned left = 0;

	for (unsigned c = 0; c < CLIENTS; c++) {
		assert_int_equal(w.s->client[c].strange, 0);
		for (unsigned i = 0; i < REQUESTS; i++)
			left += w.slot[c][i].busy;
	}
	if (left > 0)
		fail_msg("history %u: %u requests are never answered", history, left);
}

static void nobody_waits_for_ever(void **state)
{
	unsigned deaths = 0;

	(void)state;
	for (unsigned history = 0; history < HISTORIES; history++) {
		unsigned turns = 0;

		make(history);
		for (; turns < TURNS; turns++) {
			w.s->medium.depth = 1 + dice(BLOCK_MEMORY_DEPTH);
			(void)next(true);
			if (dice(4) == 0 && w.started[FIRST_CLIENT + turns % CLIENTS])
				guest_asks(turns % CLIENTS);
		}
		while (next(false))
			assert_true(turns++ < ENOUGH);
		check(history);
		deaths += w.deaths;
		stack_destroy(w.s);
	}
	assert_true(deaths > HISTORIES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
