/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place in a program's loop where a test can let it die (probe_dies.c); in the program itself nothing is
 * there (probe_none.c). The programs that die are called NAME-dies.
 */
#pragma once

#include <stdbool.h>

/** In each round: `busy` if dying now is worth it; `life` differs from life to life. */
void probe(unsigned life, bool busy, unsigned rounds);
