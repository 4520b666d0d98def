/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls with any registers from any vCPU that is on. Every action must be one that the run loop
 * can carry out as it stands: a start only of a vCPU that was off, an entry only inside RAM, a
 * result only of those PSCI knows.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "test/fuzz/input.h"
#include "vmm/base/util.h"
#include "vmm/dev/psci/psci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool in_ram(void *ctx, uint64_t gpa)
{
	(void)ctx;
	return range_inside(gpa, 4, 0x40000000, 0x8000000);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Half of the registers are plausible, the others anything. */
static uint64_t some_register(struct input *in)
{
	static const uint64_t likely[] = { 0x40080000, 0,          1,          0x100,
					   0x10000,    0x84000000, 0xc4000003, 0x80000000 };
	uint8_t choice = input_u8(in);

	return choice < 128 ? likely[choice % ARRAY_SIZE(likely)] : input_bytes(in, choice % 9);
}

static void check(const struct psci *psci, const uint8_t before[PSCI_VCPUS], unsigned vcpu,
		  const struct psci_action *out)
{
	switch (out->kind) {
	case PSCI_ACTION_RETURN:
		must((int64_t)out->result >= PSCI_INVALID_ADDRESS &&
		     (int64_t)out->result <= 0x10001);
		break;
	case PSCI_ACTION_START:
		must(out->vcpu < psci->config.vcpu_count && out->result == 0);
		must(before[out->vcpu] == PSCI_STATE_OFF);
		must(psci_state(psci, out->vcpu) == PSCI_STATE_ON_PENDING);
		must(in_ram(NULL, out->entry) && out->entry % 4 == 0);
		break;
	case PSCI_ACTION_SUSPEND:
		must(in_ram(NULL, out->entry) && out->entry % 4 == 0);
		break;
	case PSCI_ACTION_PARK:
		must(psci_state(psci, vcpu) == PSCI_STATE_OFF);
		break;
	case PSCI_ACTION_STANDBY:
	case PSCI_ACTION_OFF:
	case PSCI_ACTION_RESET:
		break;
	default:
		abort();
	}
	/* Nothing else changed. */
	for (unsigned i = 0; i < psci->config.vcpu_count; i++)
		if (!(out->kind == PSCI_ACTION_START && i == out->vcpu) &&
		    !(out->kind == PSCI_ACTION_PARK && i == vcpu))
			must(psci->state[i] == before[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };
	struct psci_config config = {
		.vcpu_count = 1U + input_u8(&in) % PSCI_VCPUS,
		.is_ram = in_ram,
	};
	struct psci psci;

	for (unsigned i = 0; i < config.vcpu_count; i++)
		config.mpidr[i] = UINT64_C(0x80000000) | (i / 4) << 8 | i % 4;
	must(psci_init(&psci, &config) == VMM_OK);
	while (in.left > 0) {
		uint8_t before[PSCI_VCPUS], what = input_u8(&in);
		unsigned vcpu = what % config.vcpu_count;
		uint64_t regs[PSCI_REGS];
		struct psci_action out;

		if (psci_state(&psci, vcpu) == PSCI_STATE_ON_PENDING)
			psci_started(&psci, vcpu);
		if (psci_state(&psci, vcpu) != PSCI_STATE_ON)
			continue;
		regs[0] = what < 192 ? UINT64_C(0x84000000) | (input_u8(&in) & 0x1f) |
					       (uint64_t)(what & 64) << 24
				     : some_register(&in);
		for (unsigned i = 1; i < PSCI_REGS; i++)
			regs[i] = some_register(&in);
		for (unsigned i = 0; i < PSCI_VCPUS; i++)
			before[i] = psci.state[i];
		psci_call(&psci, vcpu, regs, &out);
		check(&psci, before, vcpu, &out);
	}
	return 0;
}
