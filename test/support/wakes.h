/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that run when signalled and not otherwise, in any order, and die in front of any store (mortal.h);
 * whoever starts them again signals their neighbours. A signal that is missing leaves somebody waiting
 * when nobody has anything to do any more: so a test brings traffic, lets them settle, and looks.
 *
 * Seeded: a history can be repeated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WAKES_ACTORS = 8 };

struct wakes_actor {
	void (*start)(unsigned who); /* its first steps, in the memory that its predecessor left */
	void (*run)(unsigned who);   /* once round its loop */
	bool (*busy)(unsigned who);  /* something else than a signal lets it run; or NULL */
	void *own;                   /* what dies with it; NULL: it does not die */
	size_t size;
	uint32_t neighbours; /* a bit each */
};

struct wakes {
	struct wakes_actor actor[WAKES_ACTORS];
	unsigned count;
	unsigned death_in;  /* one turn in so many is a death, if it is long enough */
	unsigned steps_max; /* stores until then */
	bool signalled[WAKES_ACTORS], started[WAKES_ACTORS];
	uint64_t random;
	unsigned deaths;
};

/** A new history: nobody has started, everybody is signalled. To be filled in: actors and odds. */
void wakes_init(struct wakes *w, unsigned history);

/** Adds an actor; its number. */
unsigned wakes_add(struct wakes *w, struct wakes_actor actor);

/** 0 to sides - 1. */
unsigned wakes_dice(struct wakes *w, unsigned sides);

/** Somebody's turn, who dies in it or not. False: nobody has anything to do. */
bool wakes_next(struct wakes *w, bool mortal);

/** Turns, without deaths, until nobody has anything to do; the test fails if that takes too many. */
void wakes_settle(struct wakes *w);
