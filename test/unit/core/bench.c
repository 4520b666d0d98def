/* SPDX-License-Identifier: BSD-2-Clause */
/* See bench.h. One VM at a time, cleared for each test. */
#include "test/unit/core/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/arch/fake/fake.h"
#include "vmm/core/exits.h"

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

static void on_again(struct vm *vm, unsigned vcpu)
{
	(void)vcpu;
	((struct bench *)vm->context)->agains++;
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
	.again = on_again,
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

void turn(struct bench *b, unsigned i, struct port_event event)
{
	publish(&b->chip, i); /* tests change the chip behind its back */
	b->guest[i].next = event;
	vcpu_step(&b->vm.vcpu[i], &b->answer[i]);
}

void signal_turn(struct bench *b, unsigned i, uint64_t badge)
{
	turn(b, i, (struct port_event){ .kind = PORT_EVENT_SIGNAL, .badge = badge });
}

void trap(struct bench *b, unsigned i, uint64_t syndrome)
{
	turn(b, i, (struct port_event){ .kind = PORT_EVENT_TRAP, .word = { syndrome } });
}

void memory(struct bench *b, uint64_t gpa, uint64_t syndrome)
{
	turn(b, 0,
	     (struct port_event){
		     .kind = PORT_EVENT_MEMORY,
		     .word = { b->guest[0].frame.pc, gpa, 0, FAKE_MAGIC | syndrome } });
}

struct bench *build(unsigned vcpus)
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
	return b;
}

struct bench *boot(unsigned vcpus)
{
	struct bench *b = build(vcpus);

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
