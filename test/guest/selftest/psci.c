// SPDX-License-Identifier: BSD-2-Clause
/* PSCI 1.1 (DEN0022, issue D) and SMCCC (DEN0028, issue C), less what ends or resets the VM. */
#include "test/guest/selftest/selftest.h"

enum {
	NOT_SUPPORTED = -1,
	INVALID_PARAMETERS = -2,
	ALREADY_ON = -4,
	INVALID_ADDRESS = -9,
	AFFINITY_ON = 0,
	AFFINITY_OFF = 1,
};
static const uint64_t no_such_cpu = 0x00ff00;

/* Results are 32 or 64 bits wide; errors are negative in both. */
#define EXPECT_RESULT(call, want) EXPECT_EQ((uint32_t)(call), (uint32_t)(want))

static void version(void)
{
	EXPECT_RESULT(psci(PSCI_VERSION, 0, 0, 0), 0x00010001);
}

static void features(void)
{
	static const uint64_t offered[] = {
		PSCI_VERSION,       PSCI_CPU_SUSPEND,         PSCI_CPU_OFF,
		PSCI_CPU_ON,        PSCI_CPU_ON & 0xbfffffff, /* the 32-bit form */
		PSCI_AFFINITY_INFO, PSCI_SYSTEM_OFF,          PSCI_SYSTEM_RESET,
		PSCI_FEATURES,
	};

	for (unsigned i = 0; i < sizeof(offered) / sizeof(offered[0]); i++)
		EXPECT((int32_t)psci(PSCI_FEATURES, offered[i], 0, 0) >= 0);
	EXPECT_RESULT(psci(PSCI_FEATURES, 0x8400001f, 0, 0), NOT_SUPPORTED);
	EXPECT_RESULT(psci(PSCI_FEATURES, 0, 0, 0), NOT_SUPPORTED);
}

static void features_of_1_1(void)
{
	SKIP_IF(test_bare(), "not in QEMU's own PSCI");
	EXPECT((int32_t)psci(PSCI_FEATURES, PSCI_SYSTEM_RESET2, 0, 0) >= 0);
	EXPECT((int32_t)psci(PSCI_FEATURES, SMCCC_VERSION, 0, 0) >= 0);
}

static void unknown_functions(void)
{
	static const uint64_t unknown[] = { 0x8400001f, 0xc400001f, 0x84000fff, 0x95000000,
					    0xbf00ff01 };

	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		EXPECT_RESULT(psci(unknown[i], 1, 2, 3), NOT_SUPPORTED);
}

static void affinity_info(void)
{
	EXPECT_RESULT(psci(PSCI_AFFINITY_INFO, machine.mpidr[0], 0, 0), AFFINITY_ON);
	EXPECT_RESULT(psci(PSCI_AFFINITY_INFO, no_such_cpu, 0, 0), INVALID_PARAMETERS);
	if (machine.cpu_count > 1)
		EXPECT_RESULT(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0), AFFINITY_OFF);
}

static void cpu_on_errors(void)
{
	uint64_t entry = (uintptr_t)secondary_start;

	EXPECT_RESULT(psci(PSCI_CPU_ON, machine.mpidr[0], entry, 0), ALREADY_ON);
	EXPECT_RESULT(psci(PSCI_CPU_ON, no_such_cpu, entry, 0), INVALID_PARAMETERS);
	EXPECT_RESULT(psci(PSCI_CPU_ON, UINT64_MAX, entry, 0), INVALID_PARAMETERS);
	if (machine.cpu_count > 1 && !test_bare()) {
		EXPECT_RESULT(psci(PSCI_CPU_ON, machine.mpidr[1], 0, 0), INVALID_ADDRESS);
		EXPECT_RESULT(psci(PSCI_CPU_ON, machine.mpidr[1], machine.gicd, 0),
			      INVALID_ADDRESS);
		EXPECT_RESULT(psci(PSCI_CPU_ON, machine.mpidr[1], UINT64_MAX - 3, 0),
			      INVALID_ADDRESS);
		EXPECT_RESULT(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0), AFFINITY_OFF);
	}
}

static void migrate_info(void)
{
	int32_t type = (int32_t)psci(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0);

	EXPECT(type == 2 || type == NOT_SUPPORTED);
}

/* A standby state: returns success once an interrupt is pending. */
static void cpu_suspend(void)
{
	uint64_t deadline = counter() + counter_hz() / 500;
	uint32_t iar;

	vtimer_set(deadline);
	EXPECT_RESULT(psci(PSCI_CPU_SUSPEND, 0, (uintptr_t)secondary_start, 0), 0);
	iar = ack_within(SOON_MS);
	EXPECT_EQ(iar & 0x3ff, VTIMER_INTID);
	EXPECT(counter() >= deadline);
	vtimer_off();
	test_eoi(iar);
}

static void smccc_version(void)
{
	SKIP_IF(test_bare(), "not in QEMU's own firmware");
	EXPECT((int32_t)psci(SMCCC_VERSION, 0, 0, 0) >= 0x10001);
	EXPECT_RESULT(psci(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), 0);
	EXPECT_RESULT(psci(SMCCC_ARCH_FEATURES, 0x8000ffff, 0, 0), NOT_SUPPORTED);
}

/* DEN0028 2.6: a call changes x0 to x3 at most. */
static void preserves(void (*call)(uint64_t regs[18]))
{
	uint64_t regs[18];

	for (unsigned i = 0; i < 18; i++)
		regs[i] = UINT64_C(0x0101010101010101) * i;
	regs[0] = PSCI_VERSION;
	call(regs);
	EXPECT_EQ(regs[0], 0x00010001);
	for (unsigned i = 4; i < 18; i++)
		EXPECT_EQ(regs[i], UINT64_C(0x0101010101010101) * i);
}

static void both_conduits(void)
{
	SKIP_IF(test_bare(), "one conduit on a bare machine");
	EXPECT_RESULT(psci_smc(PSCI_VERSION, 0, 0, 0), 0x00010001);
	EXPECT_RESULT(psci_hvc(PSCI_VERSION, 0, 0, 0), 0x00010001);
	EXPECT_RESULT(psci_smc(0x8400001f, 0, 0, 0), NOT_SUPPORTED);
	EXPECT_RESULT(psci_hvc(0x8400001f, 0, 0, 0), NOT_SUPPORTED);
}

static void registers_are_kept(void)
{
	preserves(machine.hvc == 1 ? hvc_call : smc_call);
	if (!test_bare())
		preserves(machine.hvc == 1 ? smc_call : hvc_call);
}

const struct test psci_tests[] = {
	{ "psci-version", version },
	{ "psci-features", features },
	{ "psci-features-1.1", features_of_1_1 },
	{ "psci-unknown", unknown_functions },
	{ "psci-affinity-info", affinity_info },
	{ "psci-cpu-on-errors", cpu_on_errors },
	{ "psci-migrate-info", migrate_info },
	{ "psci-cpu-suspend", cpu_suspend },
	{ "psci-smccc", smccc_version },
	{ "psci-both-conduits", both_conduits },
	{ "psci-registers-kept", registers_are_kept },
	{ NULL, NULL },
};
