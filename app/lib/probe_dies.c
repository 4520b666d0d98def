// SPDX-License-Identifier: BSD-2-Clause
/* Dies in the midst of its work, after some rounds of it. How many differs from life to life. */
#include "app/lib/probe.h"

enum { LIFE = 300, SPREAD = 31 };

void probe(unsigned life, bool busy, unsigned rounds)
{
	if (busy && rounds >= LIFE + life % 7 * SPREAD)
		__builtin_trap();
}
