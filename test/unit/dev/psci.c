/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/dev/psci/psci: every function, every error code, under both conventions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/psci/psci.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x10000000)
#define ENTRY    (RAM_BASE + 0x80000)

enum {
	VERSION = 0x00,
	CPU_SUSPEND = 0x01,
	CPU_OFF = 0x02,
	CPU_ON = 0x03,
	AFFINITY_INFO = 0x04,
	MIGRATE_INFO_TYPE = 0x06,
	SYSTEM_OFF = 0x08,
	SYSTEM_RESET = 0x09,
	FEATURES = 0x0a,
	SYSTEM_SUSPEND = 0x0e,
	SYSTEM_RESET2 = 0x12,
};

#define ID32(number)  (UINT64_C(0x84000000) | (number))
#define ID64(number)  (UINT64_C(0xc4000000) | (number))
#define SMCCC_VERSION UINT64_C(0x80000000)

static const uint64_t mpidr[] = { 0x80000000, 0x80000001, 0x80000100, UINT64_C(0x0180000000) };

static bool in_ram(void *ctx, uint64_t gpa)
{
	(void)ctx;
	return range_inside(gpa, 4, RAM_BASE, RAM_SIZE);
}

static struct psci_config four(void)
{
	return (struct psci_config){
		.vcpu_count = 4,
		.mpidr = { mpidr[0], mpidr[1], mpidr[2], mpidr[3] },
		.is_ram = in_ram,
	};
}

static int setup(void **state)
{
	static struct psci psci;
	struct psci_config config = four();

	assert_int_equal(psci_init(&psci, &config), VMM_OK);
	*state = &psci;
	return 0;
}

static struct psci_action call(struct psci *psci, unsigned vcpu, uint64_t x0, uint64_t x1,
			       uint64_t x2, uint64_t x3)
{
	const uint64_t regs[PSCI_REGS] = { x0, x1, x2, x3 };
	struct psci_action out;

	psci_call(psci, vcpu, regs, &out);
	return out;
}

static void returns(struct psci *psci, int64_t result, uint64_t x0, uint64_t x1, uint64_t x2,
		    uint64_t x3)
{
	struct psci_action out = call(psci, 0, x0, x1, x2, x3);

	assert_int_equal(out.kind, PSCI_ACTION_RETURN);
	assert_int_equal((int64_t)out.result, result);
}

static void init_refuses_bad_configurations(void **state)
{
	struct psci psci;
	struct psci_config config = four();

	(void)state;
	config.vcpu_count = 0;
	assert_int_equal(psci_init(&psci, &config), VMM_ERR_RANGE);
	config.vcpu_count = PSCI_VCPUS + 1;
	assert_int_equal(psci_init(&psci, &config), VMM_ERR_RANGE);
	config = four();
	config.is_ram = NULL;
	assert_int_equal(psci_init(&psci, &config), VMM_ERR_INVALID);
}

static void version_is_1_1(void **state)
{
	returns(*state, 0x10001, ID32(VERSION), 0, 0, 0);
	/* The upper half of x0 is not part of the identifier. */
	returns(*state, 0x10001, UINT64_C(0xdeadbeef00000000) | ID32(VERSION), 0, 0, 0);
	returns(*state, PSCI_NOT_SUPPORTED, ID64(VERSION), 0, 0, 0);
}

/*
 * peers' defect 8: FEATURES missing or wrong. What it says is what a call does, for all 2^16 low
 * bits.
 */
static void features_agree_with_calls(void **state)
{
	static const uint64_t offered[] = {
		ID32(VERSION),        ID32(CPU_SUSPEND),    ID64(CPU_SUSPEND),
		ID32(CPU_OFF),        ID32(CPU_ON),         ID64(CPU_ON),
		ID32(AFFINITY_INFO),  ID64(AFFINITY_INFO),  ID32(MIGRATE_INFO_TYPE),
		ID32(SYSTEM_OFF),     ID32(SYSTEM_RESET),   ID32(FEATURES),
		ID32(SYSTEM_SUSPEND), ID64(SYSTEM_SUSPEND), ID32(SYSTEM_RESET2),
		ID64(SYSTEM_RESET2),  SMCCC_VERSION,
	};
	size_t found = 0;

	for (uint64_t top = 0; top < 256; top++) {
		for (uint64_t low = 0; low < 0x10000; low++) {
			uint64_t id = top << 24 | low;
			struct psci_action out = call(*state, 0, ID32(FEATURES), id, 0, 0);

			if (out.result == 0) {
				bool known = false;

				for (size_t i = 0; i < ARRAY_SIZE(offered); i++)
					known = known || offered[i] == id;
				assert_true(known);
				found++;
			} else {
				assert_int_equal((int64_t)out.result, PSCI_NOT_SUPPORTED);
			}
		}
	}
	assert_int_equal(found, ARRAY_SIZE(offered));
}

static void unknown_functions_are_not_supported(void **state)
{
	static const uint64_t ids[] = {
		0,
		ID32(0x05),
		ID64(0x05),
		ID32(0x07),
		ID32(0x0b),
		ID32(0x0c),
		ID32(0x0d),
		ID32(0x0f),
		ID32(0x10),
		ID32(0x13),
		ID32(0x14),
		ID32(0x1f),
		ID32(0x20),
		ID64(0x00),
		ID64(0x02),
		ID64(0x08),
		ID64(0x09),
		ID64(0x0a),
		ID64(0x06),
		0x84000050 /* TRNG_VERSION */,
		0x04000000, /* a yielding call */
		0x8600ff01 /* vendor hypervisor UID */,
		0x80007fff /* ARCH_WORKAROUND_2 */,
		0x80008000 /* ARCH_WORKAROUND_1 */,
		0xc0000000,
		0xffffffff,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		returns(*state, PSCI_NOT_SUPPORTED, ids[i], ENTRY, ENTRY, ENTRY);
}

static void smccc_version_and_features(void **state)
{
	returns(*state, 0x10001, SMCCC_VERSION, 0, 0, 0);
	returns(*state, 0, 0x80000001, 0x80000000, 0, 0);
	returns(*state, 0, 0x80000001, 0x80000001, 0, 0);
	returns(*state, PSCI_NOT_SUPPORTED, 0x80000001, 0x80008000, 0, 0);
	returns(*state, PSCI_NOT_SUPPORTED, 0x80000001, ID32(CPU_ON), 0, 0);
	returns(*state, PSCI_NOT_SUPPORTED, 0xc0000001, 0x80000000, 0, 0);
}

static void cpu_on_starts_and_says_so(void **state)
{
	struct psci *psci = *state;
	struct psci_action out = call(psci, 0, ID64(CPU_ON), 0x100, ENTRY, UINT64_MAX - 1);

	assert_int_equal(out.kind, PSCI_ACTION_START);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.vcpu, 2);
	assert_int_equal(out.entry, ENTRY);
	assert_int_equal(out.context, UINT64_MAX - 1);
	assert_int_equal(psci_state(psci, 2), PSCI_STATE_ON_PENDING);
	returns(psci, PSCI_STATE_ON_PENDING, ID64(AFFINITY_INFO), 0x100, 0, 0);
	returns(psci, PSCI_ON_PENDING, ID64(CPU_ON), 0x100, ENTRY, 0);
	psci_started(psci, 2);
	returns(psci, PSCI_STATE_ON, ID64(AFFINITY_INFO), 0x100, 0, 0);
	returns(psci, PSCI_ALREADY_ON, ID64(CPU_ON), 0x100, ENTRY, 0);
	returns(psci, PSCI_ALREADY_ON, ID64(CPU_ON), 0, ENTRY, 0); /* the caller itself */
}

static void cpu_on_checks_its_arguments(void **state)
{
	struct psci *psci = *state;

	returns(psci, PSCI_INVALID_PARAMETERS, ID64(CPU_ON), 0x2, ENTRY, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(CPU_ON), 0x80000001, ENTRY,
		0); /* not affinity */
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(CPU_ON), UINT64_C(1) << 40 | 1, ENTRY, 0);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(CPU_ON), 1, 0, 0);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(CPU_ON), 1, RAM_BASE - 4, 0);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(CPU_ON), 1, RAM_BASE + RAM_SIZE, 0);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(CPU_ON), 1, UINT64_MAX, 0);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(CPU_ON), 1, ENTRY + 2, 0);
	assert_int_equal(psci_state(psci, 1), PSCI_STATE_OFF);
}

static void cpu_on_32_takes_the_low_halves(void **state)
{
	const uint64_t noise = UINT64_C(0xabcdef0100000000);
	struct psci_action out =
		call(*state, 0, ID32(CPU_ON), noise | 1, noise | ENTRY, noise | 0x1234);

	assert_int_equal(out.kind, PSCI_ACTION_START);
	assert_int_equal(out.vcpu, 1);
	assert_int_equal(out.entry, ENTRY);
	assert_int_equal(out.context, 0x1234);
	/* vCPU 3 has Aff3: only the 64-bit call can name it. */
	returns(*state, PSCI_ALREADY_ON, ID32(CPU_ON), UINT64_C(1) << 32, ENTRY, 0);
	assert_int_equal(call(*state, 0, ID64(CPU_ON), UINT64_C(1) << 32, ENTRY, 0).vcpu, 3);
}

static void cpu_off_and_on_again(void **state)
{
	struct psci *psci = *state;
	struct psci_action out;

	(void)call(psci, 0, ID64(CPU_ON), 1, ENTRY, 0);
	psci_started(psci, 1);
	out = call(psci, 1, ID32(CPU_OFF), 0, 0, 0);
	assert_int_equal(out.kind, PSCI_ACTION_PARK);
	assert_false(out.last);
	returns(psci, PSCI_STATE_OFF, ID64(AFFINITY_INFO), 1, 0, 0);
	assert_int_equal(call(psci, 0, ID64(CPU_ON), 1, ENTRY, 0).kind, PSCI_ACTION_START);
	/* One that is about to run can still start others. */
	assert_false(call(psci, 0, ID32(CPU_OFF), 0, 0, 0).last);
	psci_started(psci, 1);
	out = call(psci, 1, ID32(CPU_OFF), 0, 0, 0);
	assert_int_equal(out.kind, PSCI_ACTION_PARK);
	assert_true(out.last);
}

static void cpu_suspend_kinds(void **state)
{
	struct psci_action out = call(*state, 0, ID64(CPU_SUSPEND), 0, 0, 0);

	assert_int_equal(out.kind, PSCI_ACTION_STANDBY);
	assert_int_equal(out.result, 0);
	out = call(*state, 0, ID32(CPU_SUSPEND), 0xffff, 0, 0); /* any StateID */
	assert_int_equal(out.kind, PSCI_ACTION_STANDBY);
	out = call(*state, 0, ID64(CPU_SUSPEND), 0x10000, ENTRY, 77);
	assert_int_equal(out.kind, PSCI_ACTION_SUSPEND);
	assert_int_equal(out.entry, ENTRY);
	assert_int_equal(out.context, 77);
	assert_int_equal(psci_state(*state, 0), PSCI_STATE_ON);
	returns(*state, PSCI_INVALID_ADDRESS, ID64(CPU_SUSPEND), 0x10000, 0, 0);
	for (unsigned bit = 17; bit < 32; bit++)
		returns(*state, PSCI_INVALID_PARAMETERS, ID64(CPU_SUSPEND), UINT64_C(1) << bit,
			ENTRY, 0);
}

static void affinity_info_levels(void **state)
{
	struct psci *psci = *state;

	returns(psci, PSCI_STATE_ON, ID64(AFFINITY_INFO), 0, 0, 0);
	returns(psci, PSCI_STATE_OFF, ID64(AFFINITY_INFO), 1, 0, 0);
	returns(psci, PSCI_STATE_ON, ID64(AFFINITY_INFO), 1, 1, 0); /* cluster 0.0.0.* */
	returns(psci, PSCI_STATE_OFF, ID64(AFFINITY_INFO), 0x1ff, 1, 0);
	returns(psci, PSCI_STATE_ON, ID64(AFFINITY_INFO), 0x1ff, 2, 0);
	returns(psci, PSCI_STATE_ON, ID64(AFFINITY_INFO), 0xffffff, 3, 0);
	returns(psci, PSCI_STATE_OFF, ID64(AFFINITY_INFO), UINT64_C(1) << 32, 3, 0);
	(void)call(psci, 0, ID64(CPU_ON), 0x100, ENTRY, 0);
	returns(psci, PSCI_STATE_ON_PENDING, ID64(AFFINITY_INFO), 0x100, 1, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(AFFINITY_INFO), 2, 0, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(AFFINITY_INFO), 0, 4, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(AFFINITY_INFO), 0, UINT32_MAX, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID64(AFFINITY_INFO), 0x80000000, 3, 0);
	returns(psci, PSCI_INVALID_PARAMETERS, ID32(AFFINITY_INFO), 0xff000000, 3, 0);
}

static void migrate_info_type_is_not_needed(void **state)
{
	returns(*state, 2, ID32(MIGRATE_INFO_TYPE), 0, 0, 0);
}

/* peers' defect 8: SYSTEM_RESET missing. */
static void system_calls(void **state)
{
	assert_int_equal(call(*state, 0, ID32(SYSTEM_OFF), 0, 0, 0).kind, PSCI_ACTION_OFF);
	assert_int_equal(call(*state, 0, ID32(SYSTEM_RESET), 0, 0, 0).kind, PSCI_ACTION_RESET);
	assert_int_equal(call(*state, 0, ID32(SYSTEM_RESET2), 0, 9, 0).kind, PSCI_ACTION_RESET);
	assert_int_equal(call(*state, 0, ID64(SYSTEM_RESET2), 0, 9, 0).kind, PSCI_ACTION_RESET);
	returns(*state, PSCI_INVALID_PARAMETERS, ID64(SYSTEM_RESET2), 1, 0, 0);
	returns(*state, PSCI_INVALID_PARAMETERS, ID64(SYSTEM_RESET2), 0x80000000, 0, 0);
}

static void system_suspend_wants_the_others_off(void **state)
{
	struct psci *psci = *state;
	struct psci_action out = call(psci, 0, ID64(SYSTEM_SUSPEND), ENTRY, 5, 0);

	assert_int_equal(out.kind, PSCI_ACTION_SUSPEND);
	assert_int_equal(out.entry, ENTRY);
	assert_int_equal(out.context, 5);
	returns(psci, PSCI_INVALID_ADDRESS, ID64(SYSTEM_SUSPEND), 0, 5, 0);
	(void)call(psci, 0, ID64(CPU_ON), 1, ENTRY, 0);
	returns(psci, PSCI_DENIED, ID64(SYSTEM_SUSPEND), ENTRY, 5, 0);
	psci_started(psci, 1);
	returns(psci, PSCI_DENIED, ID64(SYSTEM_SUSPEND), ENTRY, 5, 0);
}

static void reset_turns_all_but_the_first_off(void **state)
{
	struct psci *psci = *state;

	(void)call(psci, 0, ID64(CPU_ON), 1, ENTRY, 0);
	psci_started(psci, 1);
	(void)call(psci, 0, ID32(CPU_OFF), 0, 0, 0);
	psci_reset(psci);
	assert_int_equal(psci_state(psci, 0), PSCI_STATE_ON);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(psci_state(psci, i), PSCI_STATE_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_bad_configurations),
		cmocka_unit_test_setup(version_is_1_1, setup),
		cmocka_unit_test_setup(features_agree_with_calls, setup),
		cmocka_unit_test_setup(unknown_functions_are_not_supported, setup),
		cmocka_unit_test_setup(smccc_version_and_features, setup),
		cmocka_unit_test_setup(cpu_on_starts_and_says_so, setup),
		cmocka_unit_test_setup(cpu_on_checks_its_arguments, setup),
		cmocka_unit_test_setup(cpu_on_32_takes_the_low_halves, setup),
		cmocka_unit_test_setup(cpu_off_and_on_again, setup),
		cmocka_unit_test_setup(cpu_suspend_kinds, setup),
		cmocka_unit_test_setup(affinity_info_levels, setup),
		cmocka_unit_test_setup(migrate_info_type_is_not_needed, setup),
		cmocka_unit_test_setup(system_calls, setup),
		cmocka_unit_test_setup(system_suspend_wants_the_others_off, setup),
		cmocka_unit_test_setup(reset_turns_all_but_the_first_off, setup),
	};

	return cmocka_run_group_tests_name("dev/psci", tests, NULL, NULL);
}
