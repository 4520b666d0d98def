// SPDX-License-Identifier: BSD-2-Clause
/*
 * For tests: a server of any kind that was taken over, or a VMM. It writes noise into all it shares with its
 * clients, or a VMM's servers, now and then with some sense in it, and wakes them. In whose place it stands the
 * test's system says (test/system/hostile-server.dts). As a VMM it powers its VM off after a while.
 */
#include <vmm/config.h>

#include "app/lib/native.h"
#include "vmm/port/sel4/runtime.h"

enum { ROUND_US = 2000, WORDS_A_ROUND = 24, VMM_ROUNDS = 1500 };

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

static void spoil_all(const struct vmm_channel *channels, uint32_t count, uint32_t role)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct vmm_channel *c = &channels[i];

		if (c->role != role || c->kind == VMM_CHANNEL_SERIAL)
			continue;
		for (unsigned r = 0; r < VMM_CHANNEL_REGIONS; r++)
			spoil(&c->region[r]);
		seL4_Signal(c->notify);
	}
}

static void be_vmm(const struct vmm_config *config)
{
	seL4_Word now = 0, hz = 0, badge = 0;

	(void)seL4_CallWithMRs(config->vcpus[0].timer, seL4_MessageInfo_new(VMM_TIMER_NOW, 0, 0, 0),
			       &now, &hz, NULL, NULL);
	for (unsigned i = 0; i < VMM_ROUNDS; i++) {
		seL4_Word wait = hz / 1000000 * ROUND_US, mr1 = 0;

		spoil_all(config->channels, config->channel_count, VMM_ROLE_CLIENT);
		(void)seL4_CallWithMRs(config->vcpus[0].timer,
				       seL4_MessageInfo_new(VMM_TIMER_SET_IN, 0, 0, 1), &wait, &mr1,
				       NULL, NULL);
		if (wait == 0)
			(void)seL4_Wait(config->vcpus[0].fault_ep, &badge);
	}
	(void)seL4_CallWithMRs(config->admin, seL4_MessageInfo_new(VMM_ADMIN_OFF, 0, 0, 0), NULL,
			       NULL, NULL, NULL);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_config *config = (const struct vmm_config *)start->config;
	struct native n;

	if (config->magic == VMM_CONFIG_MAGIC)
		be_vmm(config);

	native_init(&n, page, thread);
	for (;;) {
		spoil_all(n.config->channels, n.config->channel_count, VMM_ROLE_SERVER);
		if (!native_alarm(&n, native_now(&n) + n.hz / 1000000 * ROUND_US))
			(void)native_wait(&n);
	}
}
