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
#include "test/support/wakes.h"
#include "vmm/base/util.h"

enum {
	CLIENTS = STACK_CLIENTS,
	REQUESTS = VIRTIO_BLK_REQUESTS,
	HISTORIES = 200,
	TURNS = 400,     /* with deaths and requests */
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
	struct wakes wakes;
	struct slot slot[CLIENTS][REQUESTS];
} w;

static unsigned dice(unsigned sides)
{
	return wakes_dice(&w.wakes, sides);
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

static void start_one(unsigned who)
{
	start_client(who - FIRST_CLIENT);
}

static void run_client(unsigned who)
{
	event(who - FIRST_CLIENT);
}

static void start_driver(unsigned who)
{
	(void)who;
	assert_int_equal(stack_start_driver(w.s), VMM_OK);
	w.wakes.signalled[MUX] = true;
}

static void run_driver(unsigned who)
{
	(void)who;
	virtio_event(&w.s->model.vd, 0);
	if (blkdrv_run(&w.s->driver))
		w.wakes.signalled[MUX] = true;
}

static bool driver_is_busy(unsigned who)
{
	(void)who;
	return w.s->driver.in_flight > 0;
}

static void start_mux(unsigned who)
{
	(void)who;
	stack_restart_mux(w.s);
}

static void run_mux(unsigned who)
{
	struct blkmux_signals signals;

	w.s->signals = 0;
	signals = blkmux_run(&w.s->mux, 0);
	w.wakes.signalled[DRIVER] |= signals.driver;
	w.wakes.signalled[who] |= signals.again;
	for (unsigned c = 0; c < CLIENTS; c++)
		w.wakes.signalled[FIRST_CLIENT + c] |= (signals.clients >> c & 1) != 0;
}

/* Clients signal nobody else. */
static bool mux_is_busy(unsigned who)
{
	(void)who;
	return w.s->signals != 0;
}

static void make_actors(void)
{
	struct wakes *k = &w.wakes;

	k->death_in = DEATH_IN;
	k->steps_max = STEPS_MAX;
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_driver,
				   .run = run_driver,
				   .busy = driver_is_busy,
				   .own = &w.s->driver,
				   .size = sizeof(w.s->driver),
				   .neighbours = 1u << MUX,
			   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_mux,
				   .run = run_mux,
				   .busy = mux_is_busy,
				   .own = &w.s->mux,
				   .size = sizeof(w.s->mux),
				   .neighbours = (1u << PROGRAMS) - 1,
			   });
	for (unsigned c = 0; c < CLIENTS; c++)
		(void)wakes_add(k, (struct wakes_actor){
					   .start = start_one,
					   .run = run_client,
					   .own = &w.s->client[c],
					   .size = sizeof(w.s->client[c]),
					   .neighbours = 1u << MUX,
				   });
	for (unsigned who = MUX; who < PROGRAMS; who++)
		k->started[who] = true;
}

static void make(unsigned history)
{
	memset(&w, 0, sizeof(w));
	wakes_init(&w.wakes, history);
	w.s = stack_create(false);
	w.s->medium.late = true;
	for (unsigned c = 0; c < CLIENTS; c++)
		stack_add(w.s, &(struct blkmux_client_setup){ .first = c * 64, .count = 64 })
			->backend.done = done;
	mortal_keep(&w.s->driver_channel, sizeof(w.s->driver_channel));
	mortal_keep(w.s->channel, sizeof(w.s->channel));
	mortal_keep(w.s->memory, sizeof(*w.s->memory));
	make_actors();
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
		make(history);
		for (unsigned turns = 0; turns < TURNS; turns++) {
			w.s->medium.depth = 1 + dice(BLOCK_MEMORY_DEPTH);
			(void)wakes_next(&w.wakes, true);
			if (dice(4) == 0 && w.wakes.started[FIRST_CLIENT + turns % CLIENTS])
				guest_asks(turns % CLIENTS);
		}
		wakes_settle(&w.wakes);
		check(history);
		deaths += w.wakes.deaths;
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
