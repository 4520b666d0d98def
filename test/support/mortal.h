/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that dies at any of its stores, for tests of what a successor makes of the memory it left.
 *
 * The code under test is compiled once more with -fsanitize=thread (test/death/meson.build), which calls
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

/** Runs `life(ctx)`, which dies in front of its `steps`-th step. True if it came to its end before. */
bool mortal_run(void (*life)(void *ctx), void *ctx, unsigned steps);

/** A step that is no store: what a test's device sees of the code. */
void mortal_step(void);

/** How many steps the last life has taken. */
unsigned mortal_steps(void);
