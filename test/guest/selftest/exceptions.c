// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the guest does wrong comes back to the guest: at its own vector, with a syndrome it can use
 * (DDI 0487, D17.2.37 ESR_ELx).
 */
#include "test/guest/selftest/selftest.h"

enum {
	EC_UNKNOWN = 0x00,
	EC_SVC = 0x15,
	EC_SYSREG = 0x18,
	EC_INSTRUCTION_ABORT = 0x21,
	EC_DATA_ABORT = 0x25,
	EC_BRK = 0x3c,
};

/* An address of the first GiB where no machine has anything. */
static const uint64_t nowhere = 0x07000000;

static void undefined(void)
{
	catch_begin();
	__asm__ volatile(".inst 0x00000000" : : : "memory");
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_UNKNOWN);
}

static void own_calls(void)
{
	catch_begin();
	__asm__ volatile("brk #7" : : : "memory");
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_BRK);
}

/* An svc returns past itself by definition: what follows it is executed. */
static void supervisor_call(void)
{
	uint64_t followed = 0;

	catch_begin();
	__asm__ volatile("svc #3\n\tadd %0, %0, #1" : "+r"(followed) : : "memory");
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(followed, 1);
	EXPECT_EQ(esr_class(caught.esr), EC_SVC);
	EXPECT_EQ(caught.esr & 0xffff, 3);
}

/* FAR_EL1 is right, or ESR_EL1.FnV says that it does not count (external aborts only). */
static bool far_is(uint64_t address)
{
	return caught.far == address || (caught.esr & 1 << 10) != 0;
}

static void load_of_nothing(void)
{
	uint64_t value;

	SKIP_IF(test_bare(), "QEMU's bus answers everywhere");
	catch_begin();
	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(nowhere) : "memory");
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_DATA_ABORT);
	EXPECT(far_is(nowhere));
	EXPECT_EQ(caught.esr & 1 << 6, 0);
}

static void store_to_nothing(void)
{
	SKIP_IF(test_bare(), "QEMU's bus answers everywhere");
	catch_begin();
	__asm__ volatile("str wzr, [%0, #8]" : : "r"(nowhere) : "memory");
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_DATA_ABORT);
	EXPECT(far_is(nowhere + 8));
	EXPECT_EQ(caught.esr & 1 << 6, 1 << 6);
}

static void jump_into_nothing(void)
{
	SKIP_IF(test_bare(), "QEMU's bus answers everywhere");
	catch_begin();
	((void (*)(void))(uintptr_t)nowhere)();
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_INSTRUCTION_ABORT);
}

static void jump_into_a_device(void)
{
	SKIP_IF(test_bare(), "QEMU executes what the registers hold");
	catch_begin();
	((void (*)(void))(uintptr_t)machine.gicd)();
	EXPECT_EQ(catch_end(), 1);
	EXPECT_EQ(esr_class(caught.esr), EC_INSTRUCTION_ABORT);
}

/* Registers that a guest may read on any core. */
static void id_registers(void)
{
	EXPECT(READ_SYSREG("midr_el1") != 0);
	EXPECT_EQ(READ_SYSREG("mpidr_el1") & 0xff00ffffff, machine.mpidr[0]);
	EXPECT_EQ(READ_SYSREG("mpidr_el1") >> 31 & 1, 1);
	EXPECT((READ_SYSREG("id_aa64pfr0_el1") & 0x0f) != 0); /* AArch64 at EL0 and EL1 */
	EXPECT((READ_SYSREG("id_aa64pfr0_el1") & 0xf0) != 0);
	EXPECT(counter_hz() != 0);
	EXPECT_EQ(READ_SYSREG("CurrentEL"), 1 << 2);
}

/* A value or an UNDEF of the guest's own: both will do, silence will not. */
#define TOUCH(name)                                                              \
	do {                                                                     \
		uint64_t value_;                                                 \
		__asm__ volatile("mrs %0, " name : "=r"(value_) : : "memory");   \
		__asm__ volatile("msr " name ", %0" : : "r"(value_) : "memory"); \
	} while (0)

static void odd_registers(void)
{
	catch_begin();
	TOUCH("cntp_ctl_el0");
	TOUCH("cntp_cval_el0");
	TOUCH("cntp_tval_el0");
	TOUCH("pmcr_el0");
	TOUCH("pmuserenr_el0");
	TOUCH("mdscr_el1");
	TOUCH("dbgbvr0_el1");
	TOUCH("actlr_el1");
	TOUCH("afsr0_el1");
	TOUCH("S3_0_C15_C0_0");
	TOUCH("S3_1_C15_C2_1");  /* CPUECTLR_EL1 of a Cortex-A53 */
	TOUCH("S3_0_C12_C11_7"); /* ICC_SGI0R_EL1 */
	TOUCH("S3_0_C12_C12_5"); /* ICC_SRE_EL1 */
	TOUCH("S3_4_C1_C1_0");   /* HCR_EL2 */
	TOUCH("S3_6_C1_C1_0");   /* SCR_EL3 */
	TOUCH("S1_0_C7_C14_2");  /* DC CISW */
	catch_end();
	EXPECT(caught.count >= 2); /* EL2's and EL3's at least */
}

static void wfe_goes_on(void)
{
	__asm__ volatile("sev\n\twfe" : : : "memory");
}

const struct test exception_tests[] = {
	{ "exception-undefined", undefined },
	{ "exception-brk", own_calls },
	{ "exception-svc", supervisor_call },
	{ "exception-load-of-nothing", load_of_nothing },
	{ "exception-store-to-nothing", store_to_nothing },
	{ "exception-jump-into-nothing", jump_into_nothing },
	{ "exception-jump-into-a-device", jump_into_a_device },
	{ "exception-id-registers", id_registers },
	{ "exception-odd-registers", odd_registers },
	{ "exception-wfe", wfe_goes_on },
	{ NULL, NULL },
};
