/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 vCPU state on the fake port: exceptions, reset, timer, and undescribed accesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/arch/aarch64/a64.h"
#include "vmm/port/host/host.h"

static struct host host;
static struct host_guest guest;
static struct port_vcpu port;
static _Alignas(8) uint8_t ram[0x1000];
static struct gmem gm;

static int set_up(void **state)
{
	(void)state;
	host = (struct host){ .hz = 1000 };
	host_guest_init(&guest, &host);
	port = host_port(&guest);
	guest.frame.pc = 0x40000100;
	guest.frame.status = 0x60000005; /* EL1h, ZC */
	guest.sysreg[PORT_VBAR_EL1] = 0x40000800;
	guest.sysreg[PORT_SCTLR_EL1] = 0x30d00800; /* SPAN set, MMU off */
	memset(ram, 0, sizeof(ram));
	gm = (struct gmem){ 0 };
	return gmem_add(&gm, 0x40000000, (uintptr_t)ram, sizeof(ram)) == VMM_OK ? 0 : -1;
}

static void every_origin_has_its_vector(void **state)
{
	static const struct {
		uint64_t status, offset;
		bool lower;
	} cases[] = {
		{ .status = 0x4, .offset = 0x000 },
		{ .status = 0x5, .offset = 0x200 },
		{ .status = 0x0, .offset = 0x400, .lower = true },
		{ .status = 0x10, .offset = 0x600, .lower = true },
		{ .status = 0x30, .offset = 0x600, .lower = true }, /* T32 */
	};
	struct port_frame frame = { .pc = 0x1234 };
	struct a64_exception ex;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame.status = cases[i].status;
		a64_exception_make(ARCH_FAULT_UNDEFINED, 0x9000, &frame, 0, 0x800, &ex);
		assert_true(ex.pc == 0x800 + cases[i].offset);
		assert_true(ex.esr == 0x02000000);
		a64_exception_make(ARCH_FAULT_STORE_ABORT, 0x9000, &frame, 0, 0x800, &ex);
		assert_true((ex.esr & 0x47f) == 0x050 && ex.far_valid && ex.far == 0x9000);
		a64_exception_make(ARCH_FAULT_LOAD_ABORT, 0x9000, &frame, 1, 0x800, &ex);
		assert_true(ex.esr >> 26 == (cases[i].lower ? 0x24 : 0x25));
		assert_true((ex.esr & 0x43f) == 0x410); /* FnV, external abort */
		assert_false(ex.far_valid);
		a64_exception_make(ARCH_FAULT_FETCH_ABORT, 0x9000, &frame, 0, 0x800, &ex);
		assert_true(ex.esr >> 26 == (cases[i].lower ? 0x20 : 0x21));
		assert_true(ex.far_valid && ex.far == 0x1234);
	}
}

static void status_at_the_vector(void **state)
{
	struct port_frame frame = { .status = UINT64_C(0xf1000004) };
	struct a64_exception ex;

	(void)state;
	/* NZCV and DIT stay, SPAN clear sets PAN, DSSBS sets SSBS, mode EL1h with DAIF. */
	a64_exception_make(ARCH_FAULT_UNDEFINED, 0x9000, &frame, 0, 0, &ex);
	assert_true(ex.status == UINT64_C(0xf14003c5));
	a64_exception_make(ARCH_FAULT_UNDEFINED, 0x9000, &frame,
			   UINT64_C(1) << 23 | UINT64_C(1) << 44, 0, &ex);
	assert_true(ex.status == UINT64_C(0xf10013c5));
	frame.status = 0x400005;
	a64_exception_make(ARCH_FAULT_UNDEFINED, 0x9000, &frame, UINT64_C(1) << 23, 0, &ex);
	assert_true(ex.status == UINT64_C(0x4003c5));
}

static void inject_writes_it_all(void **state)
{
	(void)state;
	assert_int_equal(a64_inject(&port, ARCH_FAULT_FETCH_ABORT, 0), VMM_OK);
	assert_true(guest.frame.pc == 0x40000a00);
	assert_true(guest.frame.status == 0x600003c5);
	assert_true(guest.sysreg[PORT_ELR_EL1] == 0x40000100);
	assert_true(guest.sysreg[PORT_SPSR_EL1] == 0x60000005);
	assert_true(guest.sysreg[PORT_ESR_EL1] == (UINT64_C(0x21) << 26 | 1U << 25 | 0x10));
	assert_true(guest.sysreg[PORT_FAR_EL1] == 0x40000100);
}

/* With the MMU on, where the access went is not known, and FAR is not touched. */
static void an_address_that_is_not_known_is_not_told(void **state)
{
	(void)state;
	guest.sysreg[PORT_FAR_EL1] = 0x1111;
	assert_int_equal(a64_inject(&port, ARCH_FAULT_STORE_ABORT, 0x9000), VMM_OK);
	assert_true(guest.sysreg[PORT_FAR_EL1] == 0x9000);
	guest.sysreg[PORT_SCTLR_EL1] |= 1;
	guest.sysreg[PORT_FAR_EL1] = 0x1111;
	assert_int_equal(a64_inject(&port, ARCH_FAULT_STORE_ABORT, 0x9000), VMM_OK);
	assert_true(guest.sysreg[PORT_FAR_EL1] == 0x1111);
	assert_true((guest.sysreg[PORT_ESR_EL1] & 0x400) != 0); /* FnV */
}

static void inject_reports_each_failure(void **state)
{
	unsigned calls;

	(void)state;
	assert_int_equal(a64_inject(&port, ARCH_FAULT_FETCH_ABORT, 0), VMM_OK);
	calls = host.calls;
	for (unsigned n = 1; n <= calls; n++) {
		set_up(NULL);
		host.fail_at = n;
		assert_int_equal(a64_inject(&port, ARCH_FAULT_FETCH_ABORT, 0), VMM_ERR_KERNEL);
	}
}

static void reset_leaves_nothing_behind(void **state)
{
	unsigned calls;

	(void)state;
	memset(&guest.frame, 0xff, sizeof(guest.frame));
	memset(guest.sysreg, 0xff, sizeof(guest.sysreg));
	assert_int_equal(a64_reset(&port, 0x102, 0x40080000, 0x44000000), VMM_OK);
	calls = host.calls;
	assert_true(guest.frame.pc == 0x40080000);
	assert_true(guest.frame.status == 0x3c5);
	assert_true(guest.frame.gpr[0] == 0x44000000);
	for (unsigned i = 1; i < PORT_GPRS; i++)
		assert_true(guest.frame.gpr[i] == 0);
	for (unsigned i = 0; i < PORT_SYSREG_COUNT; i++) {
		uint64_t want = i == PORT_SCTLR_EL1    ? 0x30d00800
				: i == PORT_VMPIDR_EL2 ? 0x80000102
						       : 0;

		assert_true(guest.sysreg[i] == want);
	}
	for (unsigned n = 1; n <= calls; n++) {
		host.calls = 0;
		host.fail_at = n;
		assert_int_equal(a64_reset(&port, 0, 0, 0), VMM_ERR_KERNEL);
	}
}

static void scrubber_runs_with_everything_off(void **state)
{
	(void)state;
	memset(&guest.frame, 0xff, sizeof(guest.frame));
	memset(guest.sysreg, 0xff, sizeof(guest.sysreg));
	assert_int_equal(a64_scrub(&port, 0x0801f000, 0x08010000), VMM_OK);
	assert_true(guest.frame.pc == 0x0801f000);
	assert_true(guest.frame.status == 0x3c5);
	assert_true(guest.frame.gpr[0] == 0x08010000);
	assert_true(guest.sysreg[PORT_SCTLR_EL1] == 0x30d00800);
	assert_true(guest.sysreg[PORT_CNTV_CTL] == 0);
	for (unsigned n = 1; n <= 3; n++) {
		host.calls = 0;
		host.fail_at = n;
		assert_int_equal(a64_scrub(&port, 0, 0), VMM_ERR_KERNEL);
	}
}

static void timer_states(void **state)
{
	static const enum arch_timer want[8] = {
		ARCH_TIMER_OFF, ARCH_TIMER_SET, ARCH_TIMER_OFF, ARCH_TIMER_OFF,
		ARCH_TIMER_OFF, ARCH_TIMER_DUE, ARCH_TIMER_OFF, ARCH_TIMER_OFF,
	};
	enum arch_timer timer;
	uint64_t deadline = 0;

	(void)state;
	guest.sysreg[PORT_CNTV_CVAL] = 4711;
	for (unsigned ctl = 0; ctl < 8; ctl++) {
		guest.sysreg[PORT_CNTV_CTL] = ctl;
		assert_int_equal(a64_timer_state(&port, &timer, &deadline), VMM_OK);
		assert_int_equal(timer, want[ctl]);
	}
	assert_true(deadline == 4711);
	for (unsigned n = 1; n <= 2; n++) {
		guest.sysreg[PORT_CNTV_CTL] = 1;
		host.calls = 0;
		host.fail_at = n;
		assert_int_equal(a64_timer_state(&port, &timer, &deadline), VMM_ERR_KERNEL);
	}
}

static enum vmm_err fetch(uint32_t insn, bool write, uint64_t gpa, struct arch_access *out)
{
	struct vm_exit exit = { .kind = EXIT_MMIO_INSN, .write = write, .gpa = gpa };

	memcpy(&ram[0x100], &insn, sizeof(insn));
	return a64_insn_fetch(&port, &gm, &guest.frame, &exit, out);
}

static void fetch_finds_the_access(void **state)
{
	static const uint32_t ldp = 0xa9410861;
	struct arch_access a;

	(void)state;
	guest.frame.gpr[3] = 0x09000010;
	/* ldp x1, x2, [x3, #-16]! */
	assert_int_equal(fetch(0xa9ff0861, false, 0x09000000, &a), VMM_OK);
	assert_true(a.base_value == 0x09000000 && a.writeback && a.count == 2);
	assert_int_equal(a64_insn_writeback(&port, &guest.frame, &a), VMM_OK);
	assert_true(guest.frame.gpr[3] == 0x09000000);
	/* The syndrome says store, the instruction load: somebody changed it. */
	assert_int_equal(fetch(0xa9410861, true, 0x09000010, &a), VMM_ERR_UNSUPPORTED);
	/* The address disagrees with the instruction. */
	assert_int_equal(fetch(0xa9410861, false, 0x09000018, &a), VMM_ERR_UNSUPPORTED);
	assert_int_equal(fetch(0xa9410861, false, 0x09000010, &a), VMM_OK);
	/* A vector load. */
	assert_int_equal(fetch(0x3dc00060, false, 0x09000000, &a), VMM_ERR_UNSUPPORTED);
	guest.frame.pc = 0x40000102;
	memcpy(&ram[0x102], &ldp, sizeof(ldp));
	assert_int_equal(a64_insn_fetch(&port, &gm, &guest.frame,
					&(struct vm_exit){ .gpa = 0x09000010 }, &a),
			 VMM_ERR_UNSUPPORTED);
	guest.frame.pc = 0x50000000;
	assert_int_equal(fetch(0xa9410861, false, 0x09000010, &a), VMM_ERR_ABSENT);
	guest.frame.pc = 0x40000100;
	guest.frame.status = 0x10;
	assert_int_equal(fetch(0xa9410861, false, 0x09000010, &a), VMM_ERR_UNSUPPORTED);
}

/* Through the guest's own tables, of either half: 64 KiB granule, one level of 8 entries. */
static void fetch_goes_through_the_mmu(void **state)
{
	static const uint64_t page = UINT64_C(0x40000000) | 3;
	struct arch_access a;
	unsigned calls;

	(void)state;
	guest.frame.gpr[3] = 0x09000010;
	guest.sysreg[PORT_SCTLR_EL1] |= 1;
	guest.sysreg[PORT_TCR_EL1] = 45 | 1 << 14 | 45 << 16 | UINT64_C(3) << 30;
	guest.sysreg[PORT_TTBR0_EL1] = 0x40000800;
	guest.sysreg[PORT_TTBR1_EL1] = 0x40000840;
	memcpy(&ram[0x800 + 8], &page, sizeof(page));
	memcpy(&ram[0x840 + 16], &page, sizeof(page));
	guest.frame.pc = 0x10100;
	assert_int_equal(fetch(0xa9410861, false, 0x09000020, &a), VMM_OK);
	calls = host.calls;
	guest.frame.pc = 0x20100;
	assert_int_equal(fetch(0xa9410861, false, 0x09000020, &a), VMM_ERR_ABSENT);
	guest.frame.pc = UINT64_C(0xfffffffffffa0100);
	assert_int_equal(fetch(0xa9410861, false, 0x09000020, &a), VMM_OK);
	guest.frame.pc = UINT64_C(0xfffffffffff90100);
	assert_int_equal(fetch(0xa9410861, false, 0x09000020, &a), VMM_ERR_ABSENT);
	guest.frame.pc = 0x10100;
	for (unsigned n = 1; n <= calls; n++) {
		host.calls = 0;
		host.fail_at = n;
		assert_int_equal(fetch(0xa9410861, false, 0x09000020, &a), VMM_ERR_KERNEL);
	}
}

static void the_stack_pointer_in_use(void **state)
{
	struct arch_access a;

	(void)state;
	guest.sysreg[PORT_SP_EL1] = 0x09000000;
	guest.frame.sp = 0x0a000008;
	/* ldp x16, x17, [sp], #16 with SPSel 1, then 0, then at EL0 */
	assert_int_equal(fetch(0xa8c147f0, false, 0x09000000, &a), VMM_OK);
	assert_int_equal(a64_insn_writeback(&port, &guest.frame, &a), VMM_OK);
	assert_true(guest.sysreg[PORT_SP_EL1] == 0x09000010);
	guest.frame.status = 0x4;
	assert_int_equal(fetch(0xa8c147f0, false, 0x0a000008, &a), VMM_OK);
	assert_int_equal(a64_insn_writeback(&port, &guest.frame, &a), VMM_OK);
	assert_true(guest.frame.sp == 0x0a000018);
	guest.frame.status = 0x0;
	guest.frame.sp = 0x0b000000;
	assert_int_equal(fetch(0xa8c147f0, false, 0x0b000000, &a), VMM_OK);
	assert_true(guest.sysreg[PORT_SP_EL1] == 0x09000010);
	a.writeback = false;
	assert_int_equal(a64_insn_writeback(&port, &guest.frame, &a), VMM_OK);
	assert_true(guest.frame.sp == 0x0b000000);
}

static void fetch_reports_each_failure(void **state)
{
	struct arch_access a;
	unsigned calls;

	(void)state;
	assert_int_equal(fetch(0xa8c147f0, false, 0, &a), VMM_OK);
	calls = host.calls;
	for (unsigned n = 1; n <= calls; n++) {
		host.calls = 0;
		host.fail_at = n;
		assert_int_equal(fetch(0xa8c147f0, false, 0, &a), VMM_ERR_KERNEL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_origin_has_its_vector, set_up),
		cmocka_unit_test_setup(status_at_the_vector, set_up),
		cmocka_unit_test_setup(inject_writes_it_all, set_up),
		cmocka_unit_test_setup(an_address_that_is_not_known_is_not_told, set_up),
		cmocka_unit_test_setup(inject_reports_each_failure, set_up),
		cmocka_unit_test_setup(reset_leaves_nothing_behind, set_up),
		cmocka_unit_test_setup(scrubber_runs_with_everything_off, set_up),
		cmocka_unit_test_setup(timer_states, set_up),
		cmocka_unit_test_setup(fetch_finds_the_access, set_up),
		cmocka_unit_test_setup(fetch_goes_through_the_mmu, set_up),
		cmocka_unit_test_setup(the_stack_pointer_in_use, set_up),
		cmocka_unit_test_setup(fetch_reports_each_failure, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
