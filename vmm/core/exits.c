/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest did, and what it gets for it. The common exits (a described load or store, a call, an
 * inter-processor interrupt) come first and touch as little as possible; the others read the whole
 * frame and take their time.
 *
 * Everything in here may be provoked by a guest at will: whatever it does ends as a value, an
 * exception at its own vector, or a call to the program's ops.
 */
#include "vmm/core/exits.h"

#include <stddef.h>

#include "vmm/base/util.h"

static VMM_SELDOM enum port_answer exit_inject(struct vcpu *v, enum arch_fault fault, uint64_t gpa)
{
	enum vmm_err err = arch_inject(&v->port, fault, gpa);

	return err == VMM_OK ? PORT_RESUME : vcpu_failed(v, err);
}

static VMM_SELDOM enum port_answer exit_abort(struct vcpu *v, bool write, uint64_t gpa)
{
	return exit_inject(v, write ? ARCH_FAULT_STORE_ABORT : ARCH_FAULT_LOAD_ABORT, gpa);
}

/*
 * The three exits that are worth it are answered without a look at the vCPU's state. `held`, which says
 * that a guest nobody answers stands at an exit, is then set only where an answer may not come: by
 * these.
 */
static VMM_SELDOM enum port_answer held_failed(struct vcpu *v, enum vmm_err err)
{
	enum port_answer answer;

	v->held = true;
	answer = vcpu_failed(v, err);
	v->held = answer == PORT_HOLD;
	return answer;
}

static VMM_SELDOM enum port_answer held_abort(struct vcpu *v, bool write, uint64_t gpa)
{
	enum port_answer answer;

	v->held = true;
	answer = exit_abort(v, write, gpa);
	v->held = answer == PORT_HOLD;
	return answer;
}

static inline enum port_answer exit_load(struct vcpu *v, const struct vm_exit *ex)
{
	const struct bus_region *region = bus_find(&v->vm->bus, ex->gpa, ex->width, &v->bus_hint);
	struct mmio_access access;
	enum vmm_err err;

	if (region == NULL)
		return held_abort(v, false, ex->gpa);
	mmio_prepare(&access, ex->width, false, v->index);
	bus_access(region, ex->gpa, &access);
	if (ex->reg == EXIT_REG_ZERO) {
		port_pc_write(&v->port, ex->pc + ex->length);
		return PORT_COMPLETE;
	}
	err = port_gpr_load(&v->port, ex->reg, arch_load_value(ex, access.value),
			    ex->pc + ex->length);
	return err == VMM_OK ? PORT_COMPLETE : held_failed(v, err);
}

static uint64_t low_bytes(uint64_t value, unsigned width)
{
	unsigned unused = 64 - 8 * width;

	return value << unused >> unused;
}

static inline enum port_answer exit_store(struct vcpu *v, const struct vm_exit *ex)
{
	const struct bus_region *region = bus_find(&v->vm->bus, ex->gpa, ex->width, &v->bus_hint);
	struct mmio_access access;
	enum vmm_err err;
	uint64_t pc;

	if (region == NULL)
		return held_abort(v, true, ex->gpa);
	mmio_prepare(&access, ex->width, true, v->index);
	if (ex->reg != EXIT_REG_ZERO && !bus_blind(region, ex->gpa, ex->width)) {
		err = port_gpr_read(&v->port, ex->reg, &access.value, &pc);
		if (err != VMM_OK)
			return held_failed(v, err);
		access.value = low_bytes(access.value, ex->width);
	}
	bus_access(region, ex->gpa, &access);
	port_pc_write(&v->port, ex->pc + ex->length);
	return PORT_COMPLETE;
}

/* The transfers of an access the hardware did not describe. False: no device at one of them. */
static bool insn_transfers(struct vcpu *v, const struct vm_exit *ex, const struct arch_access *how,
			   struct port_frame *frame)
{
	const struct bus_region *region;
	struct vm_exit one = { .width = how->width,
			       .sign_extend = how->sign_extend,
			       .narrow = how->narrow };

	region = bus_find(&v->vm->bus, ex->gpa, (uint64_t)how->width * how->count, &v->bus_hint);
	if (region == NULL)
		return false;
	for (unsigned i = 0; i < how->count; i++) {
		struct mmio_access access;
		unsigned reg = how->reg[i];

		mmio_prepare(&access, how->width, how->write, v->index);
		if (how->write && reg != EXIT_REG_ZERO)
			access.value = low_bytes(frame->gpr[reg], how->width);
		bus_access(region, ex->gpa + (uint64_t)i * how->width, &access);
		if (!how->write && reg != EXIT_REG_ZERO)
			frame->gpr[reg] = arch_load_value(&one, access.value);
	}
	return true;
}

static VMM_SELDOM enum port_answer exit_insn(struct vcpu *v, bool write, uint64_t gpa,
					     unsigned length)
{
	const struct vm_exit ex = { .write = write, .gpa = gpa };
	struct port_frame frame;
	struct arch_access how;
	enum vmm_err err;

	err = port_frame_read(&v->port, PORT_FRAME_ALL, &frame);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	err = arch_insn_fetch(&v->port, &v->vm->gmem, &frame, &ex, &how);
	if (err == VMM_ERR_KERNEL)
		return vcpu_failed(v, err);
	if (err != VMM_OK || !insn_transfers(v, &ex, &how, &frame))
		return exit_abort(v, write, gpa);
	frame.pc += length;
	err = arch_insn_writeback(&v->port, &frame, &how);
	if (err == VMM_OK)
		err = port_frame_write(&v->port, PORT_FRAME_ALL, &frame);
	return err == VMM_OK ? PORT_RESUME : vcpu_failed(v, err);
}

/* After the program has looked at a call: all ways to go on but the plain return. */
static VMM_SELDOM enum port_answer call_outcome(struct vcpu *v, enum vm_call_outcome outcome,
						const struct vm_start *start)
{
	switch (outcome) {
	case VM_CALL_SUSPEND:
		v->wake_boots = true;
		v->start_entry = start->entry;
		v->start_argument = start->argument;
		return vcpu_wait(v);
	case VM_CALL_WAIT:
		return vcpu_wait(v);
	case VM_CALL_PARK:
		vcpu_off(v);
		return vcpu_mail(v);
	case VM_CALL_STOP:
		return vcpu_attend(v);
	case VM_CALL_RETURN:
	case VM_CALL_RETURN_ALL:
		break;
	}
	return PORT_RESUME;
}

/* A call whose registers are read and written by hand. */
static enum port_answer exit_call(struct vcpu *v, const struct vm_exit *ex)
{
	enum vm_call_outcome outcome;
	struct port_frame frame;
	struct vm_start start;
	enum vmm_err err;

	err = port_frame_read(&v->port, PORT_FRAME_LOW, &frame);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	outcome = v->vm->ops->call(v, frame.gpr, &start);
	if (outcome <= VM_CALL_WAIT) {
		frame.pc += ex->length;
		err = port_frame_write(
			&v->port, outcome == VM_CALL_RETURN_ALL ? PORT_FRAME_LOW : PORT_FRAME_HEAD,
			&frame);
		if (err != VMM_OK)
			return vcpu_failed(v, err);
	}
	return outcome == VM_CALL_RETURN ? PORT_RESUME : call_outcome(v, outcome, &start);
}

/* The result of a call that waits; the port cannot return it later, so it is written now. */
static VMM_SELDOM enum vmm_err write_result(struct vcpu *v, unsigned length, uint64_t result)
{
	struct port_frame frame;
	enum vmm_err err = port_frame_read(&v->port, PORT_FRAME_HEAD, &frame);

	if (err != VMM_OK)
		return err;
	frame.gpr[0] = result;
	frame.pc += length;
	return port_frame_write(&v->port, PORT_FRAME_HEAD, &frame);
}

/* A call that the port's answer returns from: two kernel entries in all. */
static enum port_answer exit_hypercall(struct vcpu *v, const struct vm_exit *ex,
				       const struct port_event *event)
{
	enum vm_call_outcome outcome;
	struct vm_start start;

	v->result[0] = event->word[0];
	v->result[1] = event->word[1];
	v->result[2] = event->word[2];
	v->result[3] = event->word[3];
	outcome = v->vm->ops->call(v, v->result, &start);
	if (outcome <= VM_CALL_RETURN_ALL)
		return PORT_RETURN;
	if (outcome == VM_CALL_WAIT) {
		enum vmm_err err = write_result(v, ex->length, v->result[0]);

		if (err != VMM_OK)
			return vcpu_failed(v, err);
	}
	return call_outcome(v, outcome, &start);
}

/* An inter-processor interrupt that is not just for its sender. */
static VMM_SELDOM enum port_answer send_ipi(struct vcpu *v, unsigned which, uint64_t value,
					    uint64_t pc)
{
	port_pc_write(&v->port, pc);
	irqchip_send_ipi(v->irqchip, v->index, which, value);
	return PORT_RESUME;
}

/* Any of the registers but the usual one, or the value 0: those who are named by it get it. */
static VMM_SELDOM enum port_answer exit_ipi_other(struct vcpu *v, unsigned which, unsigned reg,
						  unsigned length)
{
	uint64_t value, pc;
	enum vmm_err err;

	/* The zero register: any other one brings the pc along. */
	err = port_gpr_read(&v->port, reg == EXIT_REG_ZERO ? 0 : reg, &value, &pc);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	return send_ipi(v, which, reg == EXIT_REG_ZERO ? 0 : value, pc + length);
}

static inline enum port_answer exit_ipi(struct vcpu *v, unsigned reg, unsigned length)
{
	struct irq_slot slot;
	uint64_t value, pc;

	if (__builtin_expect(port_gpr_read(&v->port, reg, &value, &pc) != VMM_OK, 0))
		return held_failed(v, VMM_ERR_KERNEL);
	pc += length;
	if (__builtin_expect(!irqchip_self_ipi(v->irqchip, v->irqchip_cpu, value, &slot), 0))
		return send_ipi(v, EXIT_IPI_USUAL, value, pc);
	v->filled = true;
	port_deliver(&v->port, pc, slot.lr, slot.intid, slot.priority, slot.group);
	return PORT_DELIVER;
}

static VMM_SELDOM enum port_answer exit_sysreg(struct vcpu *v, uint32_t selector, bool write,
					       unsigned reg, unsigned length)
{
	const struct vm_exit ex = { .write = write, .selector = selector };
	struct port_frame frame;
	uint64_t value = 0, hz;
	enum vmm_err err;

	switch (arch_sysreg(&ex, &value)) {
	case ARCH_SYSREG_ABSENT:
		return exit_inject(v, ARCH_FAULT_UNDEFINED, 0);
	case ARCH_SYSREG_COUNTER:
		err = port_time(&v->port, &value, &hz);
		if (err != VMM_OK)
			return vcpu_failed(v, err);
		break;
	case ARCH_SYSREG_FIXED:
		break;
	}
	err = port_frame_read(&v->port, PORT_FRAME_HEAD, &frame);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	if (write || reg == EXIT_REG_ZERO) {
		port_pc_write(&v->port, frame.pc + length);
		return PORT_RESUME;
	}
	err = port_gpr_load(&v->port, reg, value, frame.pc + length);
	return err == VMM_OK ? PORT_RESUME : vcpu_failed(v, err);
}

/* Moves past an instruction whose exit does not tell the pc; `wait`: and blocks the guest there. */
static enum port_answer exit_advance(struct vcpu *v, unsigned length, bool wait)
{
	struct port_frame frame;
	enum vmm_err err = port_frame_read(&v->port, PORT_FRAME_HEAD, &frame);

	if (err != VMM_OK)
		return vcpu_failed(v, err);
	port_pc_write(&v->port, frame.pc + length);
	return wait ? vcpu_wait(v) : PORT_RESUME;
}

static VMM_SELDOM enum port_answer exit_irq_done(struct vcpu *v, unsigned lr)
{
	struct irqchip *chip = v->irqchip;

	/* The timer's line is sampled anew: if it is still up, the kernel tells us again at once. */
	if (v->timer_due && irqchip_holds(chip, v->index, lr, arch_timer_intid())) {
		irqchip_done_ppi(chip, v->index, lr, arch_timer_intid());
		v->timer_due = false;
		port_timer_ack(&v->port);
	} else {
		irqchip_done(chip, v->index, lr);
	}
	return PORT_RESUME;
}

static enum port_answer exit_timer(struct vcpu *v)
{
	v->timer_due = true;
	irqchip_set_ppi(v->vm->irqchip, v->index, arch_timer_intid(), true);
	return PORT_RESUME;
}

/* All that vcpu_exit() does not do itself. */
static inline enum port_answer exit_other(struct vcpu *v, const struct vm_exit *ex,
					  const struct port_event *event)
{
	switch (ex->kind) {
	case EXIT_HYPERCALL:
		return exit_hypercall(v, ex, event);
	case EXIT_IRQ_DONE:
		return exit_irq_done(v, ex->selector);
	case EXIT_CALL:
		return exit_call(v, ex);
	case EXIT_WAIT:
		return exit_advance(v, ex->length, true);
	case EXIT_PAUSE:
		return exit_advance(v, ex->length, false);
	case EXIT_TIMER:
		return exit_timer(v);
	case EXIT_SYSREG:
		return exit_sysreg(v, ex->selector, ex->write, ex->reg, ex->length);
	case EXIT_MMIO_INSN:
		return exit_insn(v, ex->write, ex->gpa, ex->length);
	case EXIT_SKIP:
		port_pc_write(&v->port, ex->pc + ex->length);
		return PORT_RESUME;
	case EXIT_ABORT:
		return exit_abort(v, ex->write, ex->gpa);
	case EXIT_FETCH:
		return exit_inject(v, ARCH_FAULT_FETCH_ABORT, ex->gpa);
	case EXIT_IPI:
		return exit_ipi_other(v, ex->selector, ex->reg, ex->length);
	case EXIT_MMIO:
	case EXIT_UNKNOWN:
	case EXIT_KIND_COUNT:
		break;
	}
	return exit_inject(v, ARCH_FAULT_UNDEFINED, 0);
}

/*
 * The common exits come first: a load or store, and those of an interrupt that is sent, delivered and
 * ended without anybody else. A scrubber has none of them: it touches no device and sends nothing, and
 * a vCPU that counts as off has no interrupt in flight.
 */
enum port_answer vcpu_exit(struct vcpu *v, const struct port_event *event)
{
	enum port_answer answer;
	struct vm_exit first, ex;

	arch_exit_decode(event, &first);
	v->exits[first.kind]++;
	if (first.kind == EXIT_MMIO)
		return first.write ? exit_store(v, &first) : exit_load(v, &first);
	if (first.kind == EXIT_IPI && first.selector == EXIT_IPI_USUAL &&
	    first.reg != EXIT_REG_ZERO)
		return exit_ipi(v, first.reg, first.length);
	if (first.kind == EXIT_IRQ_DONE &&
	    irqchip_done_plain(v->irqchip, v->irqchip_cpu, first.selector))
		return PORT_BACK;

	ex = first; /* in memory, which those above can do without */
	v->held = true;
	answer = __builtin_expect(v->state == VCPU_SCRUBBING, 0) ? vcpu_scrub_exit(v, ex.kind)
								 : exit_other(v, &ex, event);
	v->held = answer == PORT_HOLD;
	return answer;
}
