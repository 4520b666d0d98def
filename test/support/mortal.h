/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that dies at any of its stores, for tests of what a successor makes of the memory it left.
 *
 * The code under test is compiled once more with -fsanitize=thread (test/model/meson.build), which calls
 * out before each load and store; mortal.c answers these calls in place of that sanitizer's runtime, and
 * counts the stores to memory that survives. A death is a jump out of the code, in front of a store, so that
 * running it for each number of stores shows every state that can be left. Precise, since a program
 * and its successor run on the same core, one after the other: there is only the order of instructions.
 *
 * One thread, and one life at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Adds to what survives, up to 8 ranges; or forgets them all. */
void mortal_keep(const void *at, size_t size);
void mortal_forget(void);

/* When a program dies, and how often it has. */
struct mortal_fate {
	unsigned left, next; /* steps until it does, and then its successor; 0: never */
	unsigned deaths;
};

/**
 * Runs a part of a program's life. False if it died there, in front of the step that was its last: `own`,
 * of `size` bytes, is what dies with it, and is overwritten.
 */
bool mortal_survives(struct mortal_fate *fate, void (*life)(void), void *own, size_t size);

/** Another program: runs in front of the code's `loads`-th atomic load from now on; or never, if there are fewer. */
void mortal_meanwhile(unsigned loads, void (*other)(void));

/** A step that is no store: what a test's device sees of the code. */
void mortal_step(void);
