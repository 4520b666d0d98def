/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run loop on the fake port and the invented instruction set: each exit and what the guest finds
 * afterwards, waiting and signals, the life of vCPUs and of the VM, and every kernel call failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/core/bench.h"
#include "vmm/arch/fake/fake.h"
#include "vmm/core/exits.h"

static void first_boot(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	assert_true(b->chip.on[0]);
	assert_int_equal(b->starts, 1);
	assert_int_equal(b->answer[1], PORT_HOLD);
	assert_int_equal(b->guest[0].sysreg[PORT_VMPIDR_EL2], 0x100);
	assert_false(b->guest[1].running);
}

static void load_extends_and_advances(void **state)
{
	static const struct {
		unsigned flags;
		uint64_t value, want;
	} cases[] = {
		{ .flags = 0 << 4, .value = 0x80, .want = 0x80 },
		{ .flags = 0 << 4 | FAKE_SIGNED,
		  .value = 0x80,
		  .want = UINT64_C(0xffffffffffffff80) },
		{ .flags = 0 << 4 | FAKE_SIGNED | FAKE_NARROW, .value = 0x80, .want = 0xffffff80 },
		{ .flags = 1 << 4 | FAKE_SIGNED, .value = 0x7fff, .want = 0x7fff },
		{ .flags = 2 << 4, .value = UINT64_C(0x1ffffffff), .want = 0xffffffff },
		{ .flags = 2 << 4 | FAKE_SIGNED,
		  .value = 0x80000000,
		  .want = UINT64_C(0xffffffff80000000) },
		{ .flags = 3 << 4 | FAKE_SIGNED, .value = UINT64_MAX - 1, .want = UINT64_MAX - 1 },
	};
	struct bench *b = boot(1);

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t pc = b->guest[0].frame.pc;

		b->reg = cases[i].value;
		memory(b, DEVICE + 8, 30 << 8 | cases[i].flags);
		assert_true(b->guest[0].frame.gpr[30] == cases[i].want);
		assert_int_equal(b->guest[0].frame.pc, pc + FAKE_LENGTH);
		assert_int_equal(b->answer[0], PORT_COMPLETE);
		assert_int_equal(b->reg_width, 1 << (cases[i].flags >> 4));
	}
	memory(b, DEVICE, 31 << 8);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + 8 * FAKE_LENGTH);
	assert_int_equal(b->reads, 8);
}

static void store_truncates_and_advances(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->guest[0].frame.gpr[4] = UINT64_C(0x1122334455667788);
	memory(b, DEVICE, 4 << 8 | 0 << 4 | FAKE_WRITE);
	assert_true(b->reg == 0x88);
	memory(b, DEVICE, 4 << 8 | 1 << 4 | FAKE_WRITE);
	assert_true(b->reg == 0x7788);
	memory(b, DEVICE, 4 << 8 | 3 << 4 | FAKE_WRITE);
	assert_true(b->reg == UINT64_C(0x1122334455667788));
	memory(b, DEVICE, 31 << 8 | 3 << 4 | FAKE_WRITE);
	assert_true(b->reg == 0);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + 4 * FAKE_LENGTH);
}

/* Where the value says nothing, it is not fetched: the one call less is the point. */
static void blind_stores_fetch_nothing(void **state)
{
	struct bench *b = boot(1);
	unsigned before;

	(void)state;
	b->guest[0].frame.gpr[4] = 7;
	before = b->host.calls;
	memory(b, DEVICE + 0x50, 4 << 8 | 2 << 4 | FAKE_WRITE);
	assert_int_equal(b->host.calls, before);
	assert_int_equal(b->writes, 1);
	assert_true(b->reg == 0);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	memory(b, DEVICE + 0x50, 4 << 8 | 1 << 4 | FAKE_WRITE);
	memory(b, DEVICE + 0x54, 4 << 8 | 2 << 4 | FAKE_WRITE);
	assert_int_equal(b->host.calls, before + 2);
	assert_true(b->reg == 7);
}

static void nobody_there_is_an_abort(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	memory(b, DEVICE + 0xfd, 2 << 4);
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_LOAD_ABORT + 1);
	assert_int_equal(b->guest[0].sysreg[PORT_ELR_EL1], ENTRY);
	assert_int_equal(b->guest[0].frame.pc, VECTOR);
	memory(b, 0xdead0000, 2 << 4 | FAKE_WRITE);
	assert_int_equal(b->guest[0].sysreg[PORT_ELR_EL1], VECTOR);
	assert_int_equal(b->guest[0].sysreg[PORT_FAR_EL1], 0xdead0000);
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_STORE_ABORT + 1);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_MEMORY, .word = { 0, 0x5000, 1, 0 } });
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_FETCH_ABORT + 1);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_MEMORY, .word = { 0, DEVICE, 0, 0 } });
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_LOAD_ABORT + 1);
	assert_int_equal(b->answer[0], PORT_RESUME);
}

static void unknown_is_undefined(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	trap(b, 0, 99);
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_UNDEFINED + 1);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_OTHER, .word = { 1 } });
	assert_int_equal(b->guest[0].sysreg[PORT_ELR_EL1], VECTOR);
	assert_int_equal(b->vm.vcpu[0].exits[EXIT_UNKNOWN], 2);
}

static void undescribed_access(void **state)
{
	struct bench *b = boot(1);
	struct fake_insn pair = { .opcode = FAKE_INSN_OP,
				  .width = 4,
				  .count = 2,
				  .reg = { 6, 31 },
				  .base = 7,
				  .step = 8 };

	(void)state;
	memcpy(&b->ram[ENTRY], &pair, sizeof(pair));
	b->guest[0].frame.gpr[7] = DEVICE;
	b->reg = 0x1234;
	memory(b, DEVICE, FAKE_UNDESCRIBED);
	assert_int_equal(b->guest[0].frame.gpr[6], 0x1234);
	assert_int_equal(b->guest[0].frame.gpr[7], DEVICE + 8);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	assert_int_equal(b->reads, 2);

	pair.writes = 1;
	memcpy(&b->ram[ENTRY + FAKE_LENGTH], &pair, sizeof(pair));
	memory(b, DEVICE, FAKE_UNDESCRIBED | FAKE_WRITE);
	assert_int_equal(b->writes, 2);
	assert_int_equal(b->reg, 0); /* the second transfer's zero register */

	/* The low half of what is stored, of which the register keeps all. */
	pair = (struct fake_insn){ .opcode = FAKE_INSN_OP,
				   .width = 4,
				   .writes = 1,
				   .count = 2,
				   .reg = { 31, 6 },
				   .base = 7 };
	memcpy(&b->ram[ENTRY + 2 * FAKE_LENGTH], &pair, sizeof(pair));
	b->guest[0].frame.gpr[6] = UINT64_C(0xaaaaaaaa12345678);
	memory(b, DEVICE, FAKE_UNDESCRIBED | FAKE_WRITE);
	assert_int_equal(b->writes, 4);
	assert_true(b->reg == 0x12345678);
	assert_true(b->guest[0].frame.gpr[6] == UINT64_C(0xaaaaaaaa12345678));
	b->writes = 2;

	/* Half of a pair outside the device: none of it happens. */
	b->guest[0].frame.pc = ENTRY + FAKE_LENGTH;
	memory(b, DEVICE + 0xfc, FAKE_UNDESCRIBED | FAKE_WRITE);
	assert_int_equal(b->writes, 2);
	assert_int_equal(b->guest[0].frame.pc, VECTOR);
	/* Not an access, and not in memory. */
	memory(b, DEVICE, FAKE_UNDESCRIBED);
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_LOAD_ABORT + 1);
	b->guest[0].frame.pc = 0x100000;
	memory(b, DEVICE, FAKE_UNDESCRIBED);
	assert_int_equal(b->guest[0].sysreg[PORT_ELR_EL1], 0x100000);
}

static void calls_return(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->guest[0].frame.gpr[0] = 3;
	b->guest[0].frame.gpr[1] = 4;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->guest[0].frame.gpr[0], 7);
	assert_int_equal(b->guest[0].frame.gpr[1], 4);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	b->outcome = VM_CALL_RETURN_ALL;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->guest[0].frame.gpr[2], 0x22);

	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_HYPERCALL, .word = { 20, 30, 40, 2 } });
	assert_int_equal(b->answer[0], PORT_RETURN);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].result[0], 50);
	assert_int_equal(b->guest[0].result[1], 30);
	assert_int_equal(b->guest[0].result[2], 0x22);
	assert_int_equal(b->answer[0], PORT_RUNNING);
}

static void small_exits(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	trap(b, 0, FAKE_OP_PAUSE);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	assert_int_equal(b->answer[0], PORT_RESUME);

	b->guest[0].frame.gpr[9] = 0x1234;
	trap(b, 0, FAKE_OP_IPI | 9 << 8 | 2 << 24);
	assert_int_equal(b->chip.ipi_value, 0x1234);
	assert_int_equal(b->chip.ipi_which, 2);
	assert_int_equal(b->guest[0].injection_count, 1);
	assert_int_equal(b->guest[0].injection[0].intid, 5);
	assert_false(b->guest[0].injection[0].replaced);
	assert_int_equal(b->guest[0].injection[0].lr, 3);
	trap(b, 0, FAKE_OP_IPI | 31 << 8);
	assert_int_equal(b->chip.ipi_value, 0);
	assert_int_equal(b->guest[0].injection_count, 1); /* the list register is taken */
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->guest[0].injection_count, 2);

	b->host.ticks = 4711;
	trap(b, 0, FAKE_OP_SYSREG | 2 << 8 | FAKE_SYSREG_COUNTER << 24);
	assert_int_equal(b->guest[0].frame.gpr[2], 4711);
	trap(b, 0, FAKE_OP_SYSREG | 2 << 8 | FAKE_SYSREG_FIXED << 24);
	assert_int_equal(b->guest[0].frame.gpr[2], FAKE_SYSREG_VALUE);
	b->guest[0].frame.gpr[2] = 1;
	trap(b, 0, FAKE_OP_SYSREG | 2 << 8 | FAKE_WRITE << 16 | FAKE_SYSREG_FIXED << 24);
	trap(b, 0, FAKE_OP_SYSREG | 31 << 8 | FAKE_SYSREG_FIXED << 24);
	assert_int_equal(b->guest[0].frame.gpr[2], 1);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + 7 * FAKE_LENGTH);
	trap(b, 0, FAKE_OP_SYSREG | 2 << 8 | 9 << 24);
	assert_int_equal(b->guest[0].sysreg[PORT_ESR_EL1], ARCH_FAULT_UNDEFINED + 1);
}

/* Sent, delivered and ended without the loop's slow parts. */
static void an_interrupt_to_oneself(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.quick = true;
	b->guest[0].frame.gpr[9] = IPI_SELF;
	trap(b, 0, FAKE_OP_IPI | 9 << 8);
	assert_int_equal(b->answer[0], PORT_DELIVER);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	assert_int_equal(b->guest[0].injection_count, 1);
	assert_int_equal(b->guest[0].injection[0].intid, 7);
	assert_int_equal(b->guest[0].injection[0].priority, 9);

	/* A second one while it is in flight takes the other way; a wait ends, once, for the first. */
	trap(b, 0, FAKE_OP_IPI | 9 << 8);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->chip.ipi_value, IPI_SELF);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + 2 * FAKE_LENGTH);
	b->chip.pending[0] = 0;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
	b->chip.pending[0] = 33;
	b->chip.loaded[0] = 0;
	signal_turn(b, 0, KICK);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].injection[1].intid, 33);

	/* Its end leaves nothing to do; that of one behind which another waits does. */
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->answer[0], PORT_BACK);
	trap(b, 0, FAKE_OP_IPI | 9 << 8);
	b->chip.pending[0] = 34;
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].injection_count, 4);
	assert_int_equal(b->guest[0].injection[3].intid, 34);

	/* A kernel that fails ends the VM, at an exit that is not answered. */
	b->host.fail_at = b->host.calls + 1;
	trap(b, 0, FAKE_OP_IPI | 9 << 8);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->endings, 1);
}

static void a_stale_register_may_be_refused(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.stale = true;
	b->chip.pending[0] = 40;
	signal_turn(b, 0, KICK);
	assert_true(b->guest[0].injection[0].replaced);
	assert_false(b->chip.refuse_seen);
	b->chip.loaded[0] = 0;
	b->chip.pending[0] = 41;
	b->host.fail_at = b->host.calls + 1;
	signal_turn(b, 0, KICK);
	assert_true(b->chip.refuse_seen);
	assert_int_equal(b->guest[0].injection_count, 1);
	assert_int_equal(b->endings, 0);
}

static void waiting_ends_with_an_interrupt(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	assert_int_equal(b->guest[0].timer_sets, 0);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->answer[0], PORT_HOLD);
	b->chip.pending[0] = 33;
	signal_turn(b, 0, KICK);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].injection[0].intid, 33);

	/* Something pending already: no wait at all. */
	b->chip.loaded[0] = 0;
	b->chip.pending[0] = 34;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].injection_count, 2);
}

/*
 * From another core, the kick may reach the handler before the exit of a WFI that the guest has made
 * meanwhile. The interrupt is in a list register then, and a wait would never end.
 */
static void a_kick_before_the_wait_is_not_lost(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.pending[0] = 33;
	signal_turn(b, 0, KICK);
	assert_int_equal(b->answer[0], PORT_RUNNING);
	assert_int_equal(b->guest[0].injection_count, 1);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);
	/* Later waits are the guest's own again, also within its handler or with interrupts off. */
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
}

/*
 * A guest may mask interrupts, cause an exit that fills a list register, and then wait: it has not
 * taken that interrupt, which must end the wait. One that it has ended (EOI) does not.
 */
static void an_interrupt_not_taken_ends_the_wait(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.pending[0] = 33;
	trap(b, 0, FAKE_OP_PAUSE);
	assert_int_equal(b->guest[0].injection_count, 1);
	trap(b, 0, FAKE_OP_PAUSE);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
}

static void an_interrupt_ended_does_not_end_the_wait(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.pending[0] = 33;
	trap(b, 0, FAKE_OP_PAUSE);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
}

static void waiting_for_the_timer(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->guest[0].sysreg[PORT_CNTV_CTL] = FAKE_TIMER_SET;
	b->guest[0].sysreg[PORT_CNTV_CVAL] = 1000;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->guest[0].deadline, 990);
	signal_turn(b, 0, TIMER);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].injection_count, 0);

	/* The guest waits again within the lead: not held. */
	b->host.ticks = 995;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);

	/* Its own timer interrupts it; acknowledged at the end of that interrupt alone. */
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_TIMER });
	assert_int_equal(b->guest[0].injection[0].intid, FAKE_TIMER_INTID);
	assert_int_equal(b->guest[0].acks, 0);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 1 } });
	assert_int_equal(b->guest[0].acks, 0);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->guest[0].acks, 1);
	assert_false(b->chip.ppi[0]);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->guest[0].acks, 1);

	b->guest[0].sysreg[PORT_CNTV_CTL] = FAKE_TIMER_DUE;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->answer[0], PORT_RESUME);

	/* A deadline within the lead of zero does not wrap around. */
	b->guest[0].sysreg[PORT_CNTV_CTL] = FAKE_TIMER_SET;
	b->guest[0].sysreg[PORT_CNTV_CVAL] = 5;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->guest[0].deadline, 0);
	assert_int_equal(b->answer[0], PORT_RESUME);
}

/* The timer's interrupt without the timer: pending by the guest's own doing, so nothing is owed. */
static void a_timer_that_did_not_fire_is_not_acknowledged(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->chip.pending[0] = arch_timer_intid();
	signal_turn(b, 0, KICK);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });
	assert_int_equal(b->chip.loaded[0], 0);
	assert_int_equal(b->guest[0].acks, 0);
}

/* A kernel that fails as any of the registers for interrupts to others is read ends the VM. */
static void an_ipi_that_cannot_be_read_is_not_sent(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->host.fail_at = b->host.calls + 1;
	trap(b, 0, FAKE_OP_IPI | 9 << 8 | 2 << 24);
	assert_int_equal(b->chip.ipi_which, 0);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->endings, 1);
}

static void alarms_share_the_timer(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	/* While the guest runs: asked for at once; the program gets the timer's signal. */
	assert_false(vm_set_alarm(&b->vm, 0, 500));
	assert_int_equal(b->guest[0].deadline, 500);
	signal_turn(b, 0, TIMER);
	assert_int_equal(b->signals, TIMER);
	assert_int_equal(b->answer[0], PORT_RUNNING);
	/* While it waits: the earlier of the two. */
	b->guest[0].sysreg[PORT_CNTV_CTL] = FAKE_TIMER_SET;
	b->guest[0].sysreg[PORT_CNTV_CVAL] = 400;
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->guest[0].deadline, 390);
	/* Set by another vCPU: the waiting one is told and asks anew. */
	assert_false(vm_set_alarm(&b->vm, 1, 300));
	assert_int_equal(b->guest[0].deadline, 390);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].deadline, 300);
	assert_int_equal(b->answer[0], PORT_HOLD);
	/* Passed already. */
	b->signals = 0;
	b->host.ticks = 350;
	signal_turn(b, 0, KICK);
	assert_int_equal(b->signals, TIMER);
	assert_int_equal(b->answer[0], PORT_RESUME);
	/* Gone: the timer's signals are the loop's again. */
	assert_false(vm_set_alarm(&b->vm, 0, 0));
	b->signals = 0;
	signal_turn(b, 0, TIMER);
	assert_int_equal(b->signals, 0);
}

/* Its handler hears of it, although its guest does not wait: it runs, is being emptied, or is off. */
static void an_alarm_of_another_vcpu_is_set(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	assert_false(vm_set_alarm(&b->vm, 1, 500));
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].deadline, 500);
	assert_int_equal(b->answer[0], PORT_RUNNING);
	/* Once: a kick for another reason asks for nothing. */
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].timer_sets, 1);
	/* Taken back before the handler looked. */
	assert_false(vm_set_alarm(&b->vm, 1, 600));
	assert_false(vm_set_alarm(&b->vm, 1, 0));
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].timer_sets, 1);
	/* Passed already: the program is told, with no signal to come. */
	b->host.ticks = 350;
	assert_false(vm_set_alarm(&b->vm, 1, 300));
	signal_turn(b, 0, KICK);
	assert_int_equal(b->signals, TIMER);

	b->signals = 0;
	b->outcome = VM_CALL_PARK;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_false(vm_set_alarm(&b->vm, 1, 900));
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].deadline, 900);
	assert_int_equal(b->answer[0], PORT_HOLD);
	signal_turn(b, 0, TIMER);
	assert_int_equal(b->signals, TIMER);
}

/* Work put off: once, by the vCPU that asked or by the first that waits. */
static void work_put_off_is_done_once(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	vm_again(&b->vm, 0);
	assert_int_equal(b->agains, 0);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->agains, 1);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->agains, 1);
	vm_later(&b->vm);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->agains, 1);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->agains, 2);
	b->chip.pending[0] = 50;
	signal_turn(b, 0, KICK);
	trap(b, 0, FAKE_OP_WAIT);
	assert_int_equal(b->agains, 2);
}

static void calls_that_wait(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	b->outcome = VM_CALL_WAIT;
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_HYPERCALL, .word = { 1, 2, 3, 4 } });
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->guest[0].frame.gpr[0], 3);
	assert_int_equal(b->guest[0].frame.pc, ENTRY + FAKE_LENGTH);
	b->chip.pending[0] = 33;
	signal_turn(b, 0, KICK);
	assert_int_equal(b->answer[0], PORT_RESUME);
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 3 } });

	b->outcome = VM_CALL_SUSPEND;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->answer[0], PORT_HOLD);
	signal_turn(b, 0, TIMER);
	assert_int_equal(b->answer[0], PORT_RESUME);
	assert_int_equal(b->guest[0].frame.pc, 0x3000);
	assert_int_equal(b->guest[0].frame.gpr[0], 0x99);
	assert_int_equal(b->starts, 2);
}

/* vCPU `i`, which ran before, is about to start: first in the scrubber, which ends by an exit. */
static void scrubs(struct bench *b, unsigned i, enum port_answer answer)
{
	unsigned starts = b->starts;

	assert_int_equal(b->answer[i], answer);
	assert_int_equal(b->guest[i].frame.pc, SCRUB);
	assert_int_equal(b->guest[i].frame.gpr[0], SCRUB_ARGUMENT);
	turn(b, i, (struct port_event){ .kind = PORT_EVENT_IRQ_DONE, .word = { 1 } });
	assert_int_equal(b->answer[i], PORT_RESUME);
	signal_turn(b, i, KICK);
	assert_int_equal(b->answer[i], PORT_RUNNING);
	assert_false(b->chip.on[i]);
	assert_int_equal(b->starts, starts);
	trap(b, i, FAKE_OP_CALL);
	assert_int_equal(b->answer[i], PORT_RESUME);
	assert_true(b->chip.on[i]);
	assert_int_equal(b->starts, starts + 1);
}

static void second_vcpu_on_and_off(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	vcpu_start(&b->vm.vcpu[1], 0x3000, 5);
	assert_int_equal(b->guest[1].kicks, 1);
	signal_turn(b, 1, KICK);
	assert_int_equal(b->answer[1], PORT_RUNNING);
	assert_int_equal(b->guest[1].frame.pc, 0x3000);
	assert_int_equal(b->guest[1].frame.gpr[0], 5);
	assert_true(b->chip.on[1]);

	/* Off with an interrupt in its list register. */
	b->chip.pending[1] = 50;
	signal_turn(b, 1, KICK);
	b->outcome = VM_CALL_PARK;
	trap(b, 1, FAKE_OP_CALL);
	assert_int_equal(b->answer[1], PORT_HOLD);
	assert_false(b->chip.on[1]);
	signal_turn(b, 1, KICK | TIMER | CHANNEL);
	assert_int_equal(b->answer[1], PORT_HOLD);
	assert_int_equal(b->signals, 0);

	/* And on again, now by an answer to the exit it stands at. */
	vcpu_start(&b->vm.vcpu[1], 0x3100, 6);
	signal_turn(b, 1, KICK);
	scrubs(b, 1, PORT_RESUME);
	assert_int_equal(b->guest[1].frame.pc, 0x3100);
	assert_int_equal(b->guest[1].frame.gpr[0], 6);

	/* Told to start between its decision and its parking. */
	vcpu_start(&b->vm.vcpu[1], 0x3200, 7);
	trap(b, 1, FAKE_OP_CALL);
	scrubs(b, 1, PORT_RESUME);
	assert_int_equal(b->guest[1].frame.pc, 0x3200);
}

/* A timer that fired and was not served is a new one when the vCPU starts again: its line is low. */
static void a_vcpu_that_goes_off_lowers_its_timer(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	vcpu_start(&b->vm.vcpu[1], 0x3000, 5);
	signal_turn(b, 1, KICK);
	turn(b, 1, (struct port_event){ .kind = PORT_EVENT_TIMER });
	assert_true(b->chip.ppi[1]);
	b->outcome = VM_CALL_PARK;
	trap(b, 1, FAKE_OP_CALL);
	assert_int_equal(b->answer[1], PORT_HOLD);
	assert_false(b->chip.ppi[1]);
	vcpu_start(&b->vm.vcpu[1], 0x3100, 6);
	signal_turn(b, 1, KICK);
	scrubs(b, 1, PORT_RESUME);
	assert_false(b->chip.ppi[1]);
	assert_int_equal(b->guest[1].acks, 1);
	/* And it fires anew. */
	turn(b, 1, (struct port_event){ .kind = PORT_EVENT_TIMER });
	assert_true(b->chip.ppi[1]);
}

static void signals_go_to_the_program(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	signal_turn(b, 0, CHANNEL | KICK);
	assert_int_equal(b->signals, CHANNEL);
	assert_int_equal(b->answer[0], PORT_RUNNING);
}

static void reset_stops_and_starts_everything(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	vcpu_start(&b->vm.vcpu[1], 0x3000, 5);
	signal_turn(b, 1, KICK);
	signal_turn(b, 1, KICK); /* it runs */
	b->outcome = VM_CALL_STOP;
	b->guest[0].frame.gpr[3] = 1;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->reloads, 1);
	/* A second request does not overtake the first; mail of the old life is dropped. */
	vm_request(&b->vm, VM_OFF, VMM_OK);
	vcpu_start(&b->vm.vcpu[1], 0x3300, 5);
	signal_turn(b, 1, KICK);
	assert_int_equal(b->answer[1], PORT_HOLD);
	assert_false(b->guest[1].running);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->reloads, 2);
	scrubs(b, 0, PORT_RESUME);
	assert_int_equal(b->guest[0].frame.pc, ENTRY);
	signal_turn(b, 1, KICK);
	assert_int_equal(b->answer[1], PORT_HOLD);
	vcpu_start(&b->vm.vcpu[1], 0x3400, 5);
	signal_turn(b, 1, KICK);
	scrubs(b, 1, PORT_RUNNING);
	assert_int_equal(b->guest[1].frame.pc, 0x3400);
	assert_int_equal(b->endings, 0);
}

/* The scrubber is a guest like another: it is stopped, and begins anew. */
static void reset_while_scrubbing(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	signal_turn(b, 0, KICK);
	for (unsigned i = 0; i < 3; i++) {
		vm_request(&b->vm, VM_RESET, VMM_OK);
		signal_turn(b, 0, KICK);
		assert_int_equal(b->reloads, 2 + i);
		assert_int_equal(b->vm.vcpu[0].state, VCPU_SCRUBBING);
		assert_false(b->chip.on[0]);
	}
	scrubs(b, 0, PORT_RUNNING);
	assert_int_equal(b->guest[0].frame.pc, ENTRY);
	vm_request(&b->vm, VM_OFF, VMM_OK);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->ended_as, VM_OFF);
}

static void reset_acknowledges_the_timer(void **state)
{
	struct bench *b = boot(1);

	(void)state;
	turn(b, 0, (struct port_event){ .kind = PORT_EVENT_TIMER });
	b->outcome = VM_CALL_STOP;
	b->guest[0].frame.gpr[3] = 1;
	trap(b, 0, FAKE_OP_CALL);
	assert_int_equal(b->reloads, 2);
	assert_int_equal(b->guest[0].acks, 1);
	/* Also when nobody knows that it fired: the exit was on its way as the guest was stopped. */
	signal_turn(b, 0, KICK);
	vm_request(&b->vm, VM_RESET, VMM_OK);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->guest[0].acks, 2);
}

static void off_ends_once(void **state)
{
	struct bench *b = boot(VCPUS);

	(void)state;
	b->outcome = VM_CALL_STOP;
	trap(b, 0, FAKE_OP_CALL);
	signal_turn(b, 1, KICK);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->endings, 1);
	assert_int_equal(b->ended_as, VM_OFF);
	signal_turn(b, 0, KICK | CHANNEL);
	assert_int_equal(b->endings, 1);
	assert_int_equal(b->signals, 0);
	assert_int_equal(b->answer[0], PORT_HOLD);
}

static void a_failed_reload_ends(void **state)
{
	struct bench *b = build(1);

	(void)state;
	b->reload_result = VMM_ERR_INVALID;
	b->answer[0] = vcpu_attend(&b->vm.vcpu[0]);
	assert_int_equal(b->answer[0], PORT_HOLD);
	assert_int_equal(b->ended_as, VM_FAILED);
	assert_int_equal(b->ended_why, VMM_ERR_INVALID);
	signal_turn(b, 0, KICK);
	assert_int_equal(b->endings, 1);
}

/* A life with every kind of exit in it. Stops early if the VM ends. */
static void whole_life(struct bench *b)
{
	static const uint64_t traps[] = { FAKE_OP_CALL,
					  FAKE_OP_PAUSE,
					  FAKE_OP_IPI | 3 << 8,
					  FAKE_OP_SYSREG | FAKE_SYSREG_COUNTER << 24,
					  FAKE_OP_SYSREG | FAKE_SYSREG_FIXED << 24,
					  99 };
	struct fake_insn insn = { .opcode = FAKE_INSN_OP, .width = 4, .count = 1 };

	b->answer[0] = vcpu_attend(&b->vm.vcpu[0]);
	b->answer[1] = vcpu_attend(&b->vm.vcpu[1]);
	signal_turn(b, 0, KICK);
	for (unsigned i = 0; i < sizeof(traps) / sizeof(traps[0]) && b->answer[0] != PORT_HOLD; i++)
		trap(b, 0, traps[i]);
	if (b->answer[0] != PORT_HOLD)
		memory(b, DEVICE, 1 << 8 | 2 << 4);
	if (b->answer[0] != PORT_HOLD)
		memory(b, DEVICE, 1 << 8 | 2 << 4 | FAKE_WRITE);
	memcpy(&b->ram[VECTOR], &insn, sizeof(insn));
	b->guest[0].frame.pc = VECTOR;
	if (b->answer[0] != PORT_HOLD)
		memory(b, DEVICE, FAKE_UNDESCRIBED);
	if (b->answer[0] != PORT_HOLD)
		memory(b, 0xdead0000, 0);
	vcpu_start(&b->vm.vcpu[1], 0x3000, 5);
	signal_turn(b, 1, KICK);
	b->outcome = VM_CALL_PARK;
	if (b->answer[1] != PORT_HOLD)
		trap(b, 1, FAKE_OP_CALL);
	vcpu_start(&b->vm.vcpu[1], 0x3000, 5);
	signal_turn(b, 1, KICK);
	if (b->answer[1] != PORT_HOLD)
		trap(b, 1, FAKE_OP_CALL);
	b->outcome = VM_CALL_WAIT;
	if (b->answer[0] != PORT_HOLD)
		turn(b, 0, (struct port_event){ .kind = PORT_EVENT_HYPERCALL });
	if (b->vm.request == VM_RUN)
		signal_turn(b, 0, TIMER);
	b->outcome = VM_CALL_RETURN;
	if (b->answer[0] != PORT_HOLD)
		trap(b, 0, FAKE_OP_WAIT);
	vm_request(&b->vm, VM_OFF, VMM_OK);
	signal_turn(b, 0, KICK);
	signal_turn(b, 1, KICK);
	signal_turn(b, 0, KICK);
}

static void every_kernel_call_may_fail(void **state)
{
	struct bench *b = build(VCPUS);
	unsigned calls;

	(void)state;
	whole_life(b);
	assert_int_equal(b->endings, 1);
	assert_int_equal(b->ended_as, VM_OFF);
	calls = b->host.calls;
	assert_true(calls > 30);
	for (unsigned n = 1; n <= calls; n++) {
		b = build(VCPUS);
		b->host.fail_at = n;
		whole_life(b);
		/* Whatever failed: the VM ended, once; and as a failure, unless we can do without. */
		assert_int_equal(b->endings, 1);
		if (b->chip.refuse_seen)
			continue;
		assert_int_equal(b->ended_as, VM_FAILED);
		assert_int_equal(b->ended_why, VMM_ERR_KERNEL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_boot),
		cmocka_unit_test(load_extends_and_advances),
		cmocka_unit_test(store_truncates_and_advances),
		cmocka_unit_test(blind_stores_fetch_nothing),
		cmocka_unit_test(nobody_there_is_an_abort),
		cmocka_unit_test(unknown_is_undefined),
		cmocka_unit_test(undescribed_access),
		cmocka_unit_test(calls_return),
		cmocka_unit_test(small_exits),
		cmocka_unit_test(an_interrupt_to_oneself),
		cmocka_unit_test(a_stale_register_may_be_refused),
		cmocka_unit_test(waiting_ends_with_an_interrupt),
		cmocka_unit_test(a_kick_before_the_wait_is_not_lost),
		cmocka_unit_test(an_interrupt_not_taken_ends_the_wait),
		cmocka_unit_test(an_interrupt_ended_does_not_end_the_wait),
		cmocka_unit_test(waiting_for_the_timer),
		cmocka_unit_test(a_timer_that_did_not_fire_is_not_acknowledged),
		cmocka_unit_test(an_ipi_that_cannot_be_read_is_not_sent),
		cmocka_unit_test(alarms_share_the_timer),
		cmocka_unit_test(an_alarm_of_another_vcpu_is_set),
		cmocka_unit_test(work_put_off_is_done_once),
		cmocka_unit_test(calls_that_wait),
		cmocka_unit_test(second_vcpu_on_and_off),
		cmocka_unit_test(a_vcpu_that_goes_off_lowers_its_timer),
		cmocka_unit_test(signals_go_to_the_program),
		cmocka_unit_test(reset_stops_and_starts_everything),
		cmocka_unit_test(reset_while_scrubbing),
		cmocka_unit_test(reset_acknowledges_the_timer),
		cmocka_unit_test(off_ends_once),
		cmocka_unit_test(a_failed_reload_ends),
		cmocka_unit_test(every_kernel_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
