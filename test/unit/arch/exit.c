/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 exit decode: syndromes as seen on hardware, and every class of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/arch/aarch64/a64.h"

static struct vm_exit decode_memory(uint64_t esr)
{
	struct port_event event = { .kind = PORT_EVENT_MEMORY,
				    .word = { 0x40080000, 0x0b000018, 0, esr } };
	struct vm_exit exit;

	a64_exit_decode(&event, &exit);
	return exit;
}

static struct vm_exit decode_trap(uint64_t esr)
{
	struct port_event event = { .kind = PORT_EVENT_TRAP, .word = { esr } };
	struct vm_exit exit;

	a64_exit_decode(&event, &exit);
	return exit;
}

/* ISS of a data abort with a valid syndrome, translation fault at level 3. */
static uint64_t data(unsigned sas, bool sse, unsigned srt, bool sf, bool wnr)
{
	return UINT64_C(0x24) << 26 | 1U << 25 | 1U << 24 | (uint64_t)sas << 22 |
	       (uint64_t)sse << 21 | (uint64_t)srt << 16 | (uint64_t)sf << 15 | (uint64_t)wnr << 6 |
	       0x07;
}

static void seen_on_the_running_kernel(void **state)
{
	struct vm_exit exit = decode_memory(0x938a0005);

	(void)state;
	/* ldr w10 from an unmapped address */
	assert_int_equal(exit.kind, EXIT_MMIO);
	assert_int_equal(exit.reg, 10);
	assert_int_equal(exit.width, 4);
	assert_false(exit.write);
	assert_true(exit.narrow);
	assert_int_equal(exit.length, 4);
	assert_int_equal(exit.pc, 0x40080000);
	assert_int_equal(exit.gpa, 0x0b000018);
	assert_int_equal(decode_trap(0x5e000000).kind, EXIT_CALL);
	assert_int_equal(decode_trap(0x07e00000).kind, EXIT_WAIT);
	assert_int_equal(decode_trap(0x07e00001).kind, EXIT_PAUSE);

	exit = decode_trap(0x6232f965); /* mrs x11, cntp_ctl_el0 */
	assert_int_equal(exit.kind, EXIT_SYSREG);
	assert_int_equal(exit.selector, A64_SYSREG(3, 3, 14, 2, 1));
	assert_int_equal(exit.reg, 11);
	assert_false(exit.write);
	exit = decode_trap(0x623a3176); /* msr icc_sgi1r_el1, x11 */
	assert_int_equal(exit.kind, EXIT_IPI);
	assert_int_equal(exit.selector, A64_ICC_SGI1R);
	assert_int_equal(exit.reg, 11);
}

static void every_described_access(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4 * 2 * 32 * 2 * 2; n++) {
		unsigned sas = n & 3, srt = n >> 3 & 31;
		bool sse = (n >> 2 & 1) != 0, sf = (n >> 8 & 1) != 0, wnr = (n >> 9 & 1) != 0;
		struct vm_exit exit = decode_memory(data(sas, sse, srt, sf, wnr));

		assert_int_equal(exit.kind, EXIT_MMIO);
		assert_int_equal(exit.width, 1 << sas);
		assert_int_equal(exit.reg, srt);
		assert_int_equal(exit.sign_extend, sse);
		assert_int_equal(exit.narrow, !sf);
		assert_int_equal(exit.write, wnr);
	}
}

static void only_translation_and_permission_are_mmio(void **state)
{
	(void)state;
	for (unsigned fsc = 0; fsc < 64; fsc++) {
		uint64_t esr = (data(2, false, 1, false, false) & ~UINT64_C(0x3f)) | fsc;
		enum exit_kind want = fsc >= 4 && fsc <= 15 ? EXIT_MMIO : EXIT_ABORT;

		assert_int_equal(decode_memory(esr).kind, want);
	}
	/* A fault on the walk of the guest's own tables. */
	assert_int_equal(decode_memory(data(2, false, 1, false, false) | 1U << 7).kind, EXIT_ABORT);
}

static void undescribed_accesses(void **state)
{
	uint64_t esr = data(2, false, 1, false, false) & ~(UINT64_C(1) << 24);
	struct port_event fetch = { .kind = PORT_EVENT_MEMORY,
				    .word = { 0x1000, 0x1000, 1, UINT64_C(0x20) << 26 | 7 } };
	struct vm_exit exit;

	(void)state;
	assert_int_equal(decode_memory(esr).kind, EXIT_MMIO_INSN);
	assert_int_equal(decode_memory(esr | 1U << 8).kind, EXIT_SKIP);
	a64_exit_decode(&fetch, &exit);
	assert_int_equal(exit.kind, EXIT_FETCH);
}

static void short_instructions_advance_by_two(void **state)
{
	(void)state;
	assert_int_equal(
		decode_memory(data(2, false, 1, false, false) & ~(UINT64_C(1) << 25)).length, 2);
	assert_int_equal(decode_trap(UINT64_C(0x01) << 26).length, 2);
}

static void other_events(void **state)
{
	static const struct {
		enum port_event_kind event;
		enum exit_kind exit;
	} cases[] = {
		{ PORT_EVENT_HYPERCALL, EXIT_HYPERCALL }, { PORT_EVENT_TIMER, EXIT_TIMER },
		{ PORT_EVENT_IRQ_DONE, EXIT_IRQ_DONE },   { PORT_EVENT_OTHER, EXIT_UNKNOWN },
		{ PORT_EVENT_SIGNAL, EXIT_UNKNOWN },
	};
	struct vm_exit exit;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port_event event = { .kind = cases[i].event, .word = { 3 } };

		a64_exit_decode(&event, &exit);
		assert_int_equal(exit.kind, cases[i].exit);
	}
	a64_exit_decode(&(struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { UINT64_MAX } },
			&exit);
	assert_true(exit.selector == UINT32_MAX);
}

static void every_exception_class(void **state)
{
	(void)state;
	for (uint64_t ec = 0; ec < 64; ec++) {
		enum exit_kind want = ec == 0x01   ? EXIT_WAIT
				      : ec == 0x17 ? EXIT_CALL
				      : ec == 0x18 ? EXIT_SYSREG
						   : EXIT_UNKNOWN;

		assert_int_equal(decode_trap(ec << 26 | 1U << 25).kind, want);
	}
	/* SMC with an immediate is no SMCCC call. */
	assert_int_equal(decode_trap(0x5e000001).kind, EXIT_UNKNOWN);
}

static uint64_t sysreg_esr(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
			   unsigned rt, bool read)
{
	return UINT64_C(0x18) << 26 | 1U << 25 | (uint64_t)op0 << 20 | (uint64_t)op2 << 17 |
	       (uint64_t)op1 << 14 | (uint64_t)crn << 10 | (uint64_t)rt << 5 | (uint64_t)crm << 1 |
	       (uint64_t)read;
}

static void sgi_registers_are_write_only(void **state)
{
	(void)state;
	for (unsigned op2 = 5; op2 <= 7; op2++) {
		struct vm_exit exit = decode_trap(sysreg_esr(3, 0, 12, 11, op2, 3, false));
		uint64_t value;

		assert_int_equal(exit.kind, EXIT_IPI);
		assert_int_equal(exit.selector, op2 - 5);
		exit = decode_trap(sysreg_esr(3, 0, 12, 11, op2, 3, true));
		assert_int_equal(exit.kind, EXIT_SYSREG);
		assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_ABSENT);
	}
}

static void what_system_registers_mean(void **state)
{
	struct vm_exit exit = decode_trap(sysreg_esr(3, 3, 14, 0, 1, 3, true));
	uint64_t value = 1;

	(void)state;
	assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_COUNTER);
	exit.write = true;
	assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_ABSENT);
	exit = decode_trap(sysreg_esr(1, 0, 7, 14, 2, 3, false)); /* dc cisw */
	assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_FIXED);
	exit = decode_trap(sysreg_esr(3, 0, 1, 0, 1, 3, true)); /* actlr_el1 */
	assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_FIXED);
	assert_int_equal(value, 0);
	exit = decode_trap(sysreg_esr(3, 3, 14, 2, 1, 3, false)); /* cntp_ctl_el0 */
	assert_int_equal(a64_sysreg(&exit, &value), ARCH_SYSREG_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seen_on_the_running_kernel),
		cmocka_unit_test(every_described_access),
		cmocka_unit_test(only_translation_and_permission_are_mmio),
		cmocka_unit_test(undescribed_accesses),
		cmocka_unit_test(short_instructions_advance_by_two),
		cmocka_unit_test(other_events),
		cmocka_unit_test(every_exception_class),
		cmocka_unit_test(sgi_registers_are_write_only),
		cmocka_unit_test(what_system_registers_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
