// SPDX-License-Identifier: BSD-2-Clause
/*
 * For tests: a server of any kind that was taken over. It writes noise into all it shares with its clients,
 * now and then with some sense in it, and wakes them. What it gives itself to the description as stands in
 * the test's system (test/system/hostile-server.dts).
 */
#include "app/lib/native.h"
#include "vmm/port/sel4/runtime.h"

enum { ROUND_MS = 2, WORDS_A_ROUND = 24 };

static uint64_t noise_state = 88172645463325252u;

static uint64_t noise(void)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state;
}

/* Small numbers, large ones, and what is there plus a little: an index that goes on. */
static uint32_t word(uint32_t there)
{
	switch (noise() % 4) {
	case 0:
		return (uint32_t)(noise() % 8);
	case 1:
		return there + (uint32_t)(noise() % 4);
	case 2:
		return there ^ UINT32_C(1) << noise() % 32;
	default:
		return (uint32_t)noise();
	}
}

/* Headers, which are at the start, are worth more than what is behind them. */
static void spoil(const struct vmm_region *region)
{
	volatile uint32_t *words = (volatile uint32_t *)region->vaddr;
	uint64_t count = region->size / sizeof(*words);

	if (region->vaddr == 0)
		return;
	for (unsigned i = 0; i < WORDS_A_ROUND; i++) {
		uint64_t at = noise() % (noise() % 2 == 0 ? 32 : count);

		words[at] = word(words[at]);
	}
}

void runtime_main(void *page, uint64_t thread)
{
	struct native n;

	native_init(&n, page, thread);
	for (;;) {
		for (uint32_t i = 0; i < n.config->channel_count; i++) {
			const struct vmm_channel *c = &n.config->channels[i];

			if (c->role != VMM_ROLE_SERVER || c->kind == VMM_CHANNEL_SERIAL)
				continue;
			for (unsigned r = 0; r < VMM_CHANNEL_REGIONS; r++)
				spoil(&c->region[r]);
			seL4_Signal(c->notify);
		}
		if (!native_alarm(&n, native_now(&n) + n.hz / 1000 * ROUND_MS))
			(void)native_wait(&n);
	}
}
