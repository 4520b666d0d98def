// SPDX-License-Identifier: BSD-2-Clause
/*
 * Hypercalls. On seL4 an HVC whose x7 is a system call number is that system call, made with the
 * vCPU thread's own capability space, which must be empty; everything else is the VMM's to answer.
 */
#include "test/guest/hostile/hostile.h"

enum {
	FIRST_SYSCALL = -1,
	/* Call to Yield; beyond are debugging ones, one of which halts a debug kernel */
	LAST_SYSCALL = -11,
	SLOTS = 24,
	RANDOM_CALLS = 3000,
	PSCI_CALLS = 3000,
	PSCI_FUNCTIONS = 0x20,
	FREE_RAM = 0x800000, /* zeroes: what starts there faults for ever */
};

static void fill(uint64_t regs[18])
{
	for (unsigned i = 0; i < 18; i++)
		regs[i] = noise();
}

/* Every system call on every low slot, as a caller would: message info with length and label. */
static void system_calls(void)
{
	uint64_t regs[18];

	for (int number = FIRST_SYSCALL; number >= LAST_SYSCALL; number--) {
		for (uint64_t slot = 0; slot < SLOTS; slot++) {
			fill(regs);
			regs[0] = slot;
			regs[1] = (noise() & 63) << 12 | (noise() & 3) << 7 | (noise() & 127);
			regs[6] = slot + 1;
			regs[7] = (uint64_t)number;
			regs[8] = slot;
			hvc_call(regs);
		}
	}
}

/* Function numbers with the PSCI ones that end the VM left out. */
static uint64_t harmless(uint64_t function)
{
	uint32_t f = (uint32_t)function & ~(UINT32_C(1) << 30);

	if (f == PSCI_CPU_OFF || f == PSCI_SYSTEM_OFF || f == PSCI_SYSTEM_RESET ||
	    f == (PSCI_SYSTEM_RESET2 & 0xbfffffff) || f == (PSCI_CPU_SUSPEND & 0xbfffffff))
		return PSCI_VERSION;
	return function;
}

void cruel_calls(void)
{
	uint64_t regs[18];

	catch_begin();
	system_calls();
	for (unsigned i = 0; i < RANDOM_CALLS; i++) {
		fill(regs);
		regs[0] = harmless(regs[0]);
		smc_call(regs);
		fill(regs);
		regs[0] = harmless(regs[0]);
		/* The debug kernel's calls again, -12 to -19, and the empty number. */
		if ((int64_t)regs[7] < 0 && (int64_t)regs[7] > -32)
			regs[7] = 0;
		hvc_call(regs);
	}
	catch_end();
}

void cruel_psci(void)
{
	catch_begin();
	for (unsigned i = 0; i < PSCI_CALLS; i++) {
		uint64_t function = PSCI_VERSION + noise() % PSCI_FUNCTIONS;
		uint64_t arguments[3] = { noise(), noise(), noise() };

		if (noise() & 1)
			function |= 1 << 30;
		/* Half of them nearly right: a CPU that may exist, an entry that is RAM, but no code. */
		if (noise() & 1) {
			arguments[0] &= 7;
			arguments[1] = machine.ram_base + FREE_RAM + (arguments[1] & 0xfffffc);
		}
		psci(harmless(function), arguments[0], arguments[1], arguments[2]);
	}
	catch_end();
}
