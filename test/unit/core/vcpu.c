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

#include "test/unit/core/irqchip.h"
#include "vmm/arch/fake/fake.h"
#include "vmm/core/exits.h"
#include "vmm/port/host/host.h"

enum {
	VCPUS = IRQCHIP_VCPUS,
	KICK = 1,
	TIMER = 2,
	CHANNEL = 256,
	ENTRY = 0x1000,
	ARGUMENT = 0x77,
	VECTOR = 0x2000,
	DEVICE = 0x9000,
	SCRUB = 0xa000,
	SCRUB_ARGUMENT = 0x55,
};

struct bench {
	struct host host;
	struct host_guest guest[VCPUS];
	struct irqchip chip;
	struct vm vm;
	enum port_answer answer[VCPUS];
	enum vm_call_outcome outcome; /* of the next call */
	uint64_t reg;                 /* the device's only register */
	uint8_t reg_width;
	unsigned reads, writes, reloads, endings, starts;
	uint64_t signals;
	enum vm_request ended_as;
	enum vmm_err ended_why, reload_result;
	_Alignas(8) uint8_t ram[0x4000];
};

static enum vm_call_outcome on_call(struct vcpu *vcpu, uint64_t reg[4], struct vm_start *start)
{
	struct bench *b = vcpu->vm->context;
	uint64_t what = reg[3];

	reg[0] += reg[1];
	*start = (struct vm_start){ .entry = 0x3000, .argument = 0x99 };
	if (b->outcome == VM_CALL_STOP)
		vm_request(vcpu->vm, what == 1 ? VM_RESET : VM_OFF, VMM_OK);
	if (b->outcome == VM_CALL_RETURN_ALL)
		reg[2] = 0x22;
	return b->outcome;
}

static void on_started(struct vcpu *vcpu)
{
	((struct bench *)vcpu->vm->context)->starts++;
}

static void on_signal(struct vm *vm, uint64_t badge)
{
	((struct bench *)vm->context)->signals |= badge;
}

static enum vmm_err on_reload(struct vm *vm, uint64_t *entry, uint64_t *argument)
{
	struct bench *b = vm->context;

	b->reloads++;
	*entry = ENTRY;
	*argument = ARGUMENT;
	return b->reload_result;
}

static void on_ended(struct vm *vm, enum vm_request request, enum vmm_err why)
{
	struct bench *b = vm->context;

	b->endings++;
	b->ended_as = request;
	b->ended_why = why;
}

static const struct vm_ops ops = {
	.call = on_call,
	.started = on_started,
	.signal = on_signal,
	.reload = on_reload,
	.ended = on_ended,
};

static void on_access(void *device, struct mmio_access *access)
{
	struct bench *b = device;

	b->reg_width = access->width;
	if (access->write) {
		b->reg = access->value;
		b->writes++;
	} else {
		access->value = b->reg;
		b->reads++;
	}
}

static bool is_blind(const void *device, uint64_t offset, unsigned width)
{
	(void)device;
	return offset == 0x50 && width == 4;
}

static struct bench bench;

/* One turn of vCPU `i`'s loop, in which `event` arrives. */
static void turn(struct bench *b, unsigned i, struct port_event event)
{
	publish(&b->chip, i); /* tests change the chip behind its back */
	b->guest[i].next = event;
	vcpu_step(&b->vm.vcpu[i], &b->answer[i]);
}

static void signal_turn(struct bench *b, unsigned i, uint64_t badge)
{
	turn(b, i, (struct port_event){ .kind = PORT_EVENT_SIGNAL, .badge = badge });
}

static void trap(struct bench *b, unsigned i, uint64_t syndrome)
{
	turn(b, i, (struct port_event){ .kind = PORT_EVENT_TRAP, .word = { syndrome } });
}

static void memory(struct bench *b, uint64_t gpa, uint64_t syndrome)
{
	turn(b, 0,
	     (struct port_event){
		     .kind = PORT_EVENT_MEMORY,
		     .word = { b->guest[0].frame.pc, gpa, 0, FAKE_MAGIC | syndrome } });
}

static void build(unsigned vcpus)
{
	struct bench *b = &bench;

	memset(b, 0, sizeof(*b));
	b->host.hz = 1000;
	b->vm.ops = &ops;
	b->vm.context = b;
	b->vm.irqchip = &b->chip;
	b->vm.vcpu_count = vcpus;
	b->vm.kick_badge = KICK;
	b->vm.timer_badge = TIMER;
	b->vm.timer_lead = 10;
	b->vm.scrub_entry = SCRUB;
	b->vm.scrub_argument = SCRUB_ARGUMENT;
	assert_int_equal(gmem_add(&b->vm.gmem, 0, (uintptr_t)b->ram, sizeof(b->ram)), VMM_OK);
	assert_int_equal(bus_add(&b->vm.bus, &(struct bus_region){ .gpa = DEVICE,
								   .size = 0x100,
								   .handler = on_access,
								   .blind = is_blind,
								   .device = b }),
			 VMM_OK);
	for (unsigned i = 0; i < vcpus; i++) {
		host_guest_init(&b->guest[i], &b->host);
		b->guest[i].sysreg[PORT_VBAR_EL1] = VECTOR;
		b->vm.vcpu[i].port = host_port(&b->guest[i]);
		b->vm.vcpu[i].cpu_id = 0x100 + i;
	}
	vm_init(&b->vm);
}

/* Boots: every handler enters its loop, and vCPU 0 starts when the last one is there. */
static struct bench *boot(unsigned vcpus)
{
	struct bench *b = &bench;

	build(vcpus);
	for (unsigned i = 0; i < vcpus; i++)
		b->answer[i] = vcpu_attend(&b->vm.vcpu[i]);
	if (vcpus > 1)
		signal_turn(b, 0, KICK);
	assert_int_equal(b->reloads, 1);
	assert_int_equal(b->answer[0], PORT_RUNNING);
	assert_int_equal(b->guest[0].frame.pc, ENTRY);
	assert_int_equal(b->guest[0].frame.gpr[0], ARGUMENT);
	return b;
}

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
	struct bench *b = &bench;

	(void)state;
	build(1);
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
	struct bench *b = &bench;
	unsigned calls;

	(void)state;
	build(VCPUS);
	whole_life(b);
	assert_int_equal(b->endings, 1);
	assert_int_equal(b->ended_as, VM_OFF);
	calls = b->host.calls;
	assert_true(calls > 30);
	for (unsigned n = 1; n <= calls; n++) {
		build(VCPUS);
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
		cmocka_unit_test(alarms_share_the_timer),
		cmocka_unit_test(calls_that_wait),
		cmocka_unit_test(second_vcpu_on_and_off),
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
