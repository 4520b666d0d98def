/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/support/wakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/mortal.h"

enum { ENOUGH = 100000 };

/* Whose turn it is: a life takes no argument. */
static struct {
	struct wakes *w;
	unsigned who;
} turn;

void wakes_init(struct wakes *w, unsigned history)
{
	memset(w, 0, sizeof(*w));
	w->random = 0x9e3779b97f4a7c15 + history;
	mortal_forget();
}

unsigned wakes_add(struct wakes *w, struct wakes_actor actor)
{
	assert_true(w->count < WAKES_ACTORS);
	w->actor[w->count] = actor;
	w->signalled[w->count] = true;
	return w->count++;
}

unsigned wakes_dice(struct wakes *w, unsigned sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)(w->random >> 11) % sides;
}

/* One start, or one round of its loop. */
static void life(void)
{
	struct wakes *w = turn.w;
	unsigned who = turn.who;

	w->signalled[who] = false;
	if (w->started[who]) {
		w->actor[who].run(who);
		return;
	}
	w->actor[who].start(who);
	w->started[who] = true;
	w->signalled[who] = true; /* it looks before it waits */
}

static void take_turn(struct wakes *w, unsigned who, bool mortal)
{
	const struct wakes_actor *actor = &w->actor[who];
	struct mortal_fate fate = { 0 };

	turn.w = w;
	turn.who = who;
	if (actor->own == NULL) {
		life();
		return;
	}
	if (mortal && wakes_dice(w, w->death_in) == 0)
		fate.left = 1 + wakes_dice(w, w->steps_max);
	if (mortal_survives(&fate, life, actor->own, actor->size))
		return;
	/* Those signals that it had not made are not made. */
	w->deaths++;
	w->started[who] = false;
	for (unsigned i = 0; i < w->count; i++)
		w->signalled[i] |= i == who || (actor->neighbours >> i & 1) != 0;
}

bool wakes_next(struct wakes *w, bool mortal)
{
	unsigned first = wakes_dice(w, w->count);

	for (unsigned i = 0; i < w->count; i++) {
		unsigned who = (first + i) % w->count;
		const struct wakes_actor *actor = &w->actor[who];

		if (!w->signalled[who] &&
		    (!w->started[who] || actor->busy == NULL || !actor->busy(who)))
			continue;
		take_turn(w, who, mortal);
		return true;
	}
	return false;
}

void wakes_settle(struct wakes *w)
{
	for (unsigned turns = 0; wakes_next(w, false); turns++)
		assert_true(turns < ENOUGH);
}
