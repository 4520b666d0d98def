// SPDX-License-Identifier: BSD-2-Clause
/* xorshift64*: the same numbers in every run. */
#include "test/guest/lib/guest.h"

#define ODD UINT64_C(0x9e3779b97f4a7c15)

static uint64_t state = ODD;

void noise_begin(uint64_t seed)
{
	state = ODD * (2 * seed + 1); /* odd as well, so not 0 */
}

uint64_t noise(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}
