// SPDX-License-Identifier: BSD-2-Clause
/* xorshift64*: the same numbers in every run. */
#include "test/guest/lib/guest.h"

uint64_t noise(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}
