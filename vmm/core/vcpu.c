/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of a vCPU's handler: wait, decode, act, refill the list registers, answer.
 *
 * One system call both answers the guest and waits for what comes next. Interrupts are put into list
 * registers just before the guest goes on, several in one exit. A guest that waits for an interrupt
 * is simply not answered; signals end that.
 *
 * A guest that waits for its own timer is woken some microseconds early, on purpose (vm.timer_lead).
 */
#include "vmm/core/vm.h"

#include <stddef.h>

#include "vmm/base/util.h"
#include "vmm/core/exits.h"

void vm_init(struct vm *vm)
{
	vm->round = 1;
	vm->request = VM_RESET;
	vm->parked = 0;
	vm->over = false;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vm->vcpu[i].vm = vm;
		vm->vcpu[i].index = i;
		vm->vcpu[i].work = irqchip_work(vm->irqchip, i);
		vm->vcpu[i].irqchip = vm->irqchip;
		vm->vcpu[i].irqchip_cpu = irqchip_cpu(vm->irqchip, i);
	}
}

void vm_kick(struct vm *vm, unsigned vcpu)
{
	port_kick(&vm->vcpu[vcpu].port);
}

void vm_request(struct vm *vm, enum vm_request request, enum vmm_err why)
{
	uint32_t expected = VM_RUN;

	if (!__atomic_compare_exchange_n(&vm->request, &expected, (uint32_t)request, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	/* Read when all are parked, and we are not yet. */
	__atomic_store_n(&vm->why, (uint32_t)why, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm_kick(vm, i);
}

void vm_again(struct vm *vm, unsigned self)
{
	vm->vcpu[self].again = true;
	vm_kick(vm, self);
}

bool vm_set_alarm(struct vm *vm, unsigned self, uint64_t ticks)
{
	__atomic_store_n(&vm->alarm, ticks, __ATOMIC_RELAXED);
	if (ticks == 0)
		return false;
	if (self == 0) /* its guest does not wait, so its timer is free */
		return port_timer_set(&vm->vcpu[0].port, ticks);
	__atomic_store_n(&vm->alarm_new, 1, __ATOMIC_RELEASE);
	vm_kick(vm, 0);
	return false;
}

/* vCPU 0 alone has alarms. */
static uint64_t vcpu_alarm(const struct vcpu *v)
{
	return v->index == 0 ? __atomic_load_n(&v->vm->alarm, __ATOMIC_RELAXED) : 0;
}

void vcpu_start(struct vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	vcpu->start_entry = entry;
	vcpu->start_argument = argument;
	__atomic_or_fetch(&vcpu->mail, VCPU_MAIL_START, __ATOMIC_RELEASE);
	vm_kick(vcpu->vm, vcpu->index);
}

/* The environment failed us: ends the VM. The guest of this vCPU is not answered any more. */
VMM_SELDOM enum port_answer vcpu_failed(struct vcpu *v, enum vmm_err err)
{
	vm_request(v->vm, VM_FAILED, err);
	return vcpu_attend(v);
}

/* The guest thread, which has an exit open (held) or must be started, goes on as `state`. */
static VMM_SELDOM enum port_answer vcpu_go(struct vcpu *v, enum vcpu_state state)
{
	enum vmm_err err;

	v->state = state;
	if (v->held) {
		v->held = false;
		return PORT_RESUME;
	}
	err = port_start(&v->port);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	return PORT_RUNNING;
}

/* The guest starts at start_entry, with the registers of a reset. */
static enum port_answer vcpu_enter(struct vcpu *v)
{
	enum vmm_err err = arch_reset(&v->port, v->cpu_id, v->start_entry, v->start_argument);

	if (err != VMM_OK)
		return vcpu_failed(v, err);
	irqchip_power_on(v->vm->irqchip, v->index);
	v->vm->ops->started(v);
	return vcpu_go(v, VCPU_RUNNING);
}

/* Leaves OFF. What an earlier guest left in the interrupt interface goes first. */
static enum port_answer vcpu_boot(struct vcpu *v)
{
	enum vmm_err err;

	if (!v->used) {
		v->used = true;
		return vcpu_enter(v);
	}
	/* Its timer may be masked although nobody knows: the exit that tells was lost as it stopped. */
	port_timer_ack(&v->port);
	err = arch_scrub(&v->port, v->vm->scrub_entry, v->vm->scrub_argument);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	return vcpu_go(v, VCPU_SCRUBBING);
}

/* A list register is empty, or the scrubber has come to its end. */
VMM_SELDOM enum port_answer vcpu_scrub_exit(struct vcpu *v, enum exit_kind kind)
{
	return kind == EXIT_IRQ_DONE ? PORT_RESUME : vcpu_enter(v);
}

/* vCPU 0, with all parked: carries the request out. */
static enum port_answer vm_act(struct vcpu *v)
{
	struct vm *vm = v->vm;
	uint32_t request = __atomic_load_n(&vm->request, __ATOMIC_ACQUIRE);
	uint64_t entry = 0, argument = 0;
	enum vmm_err err;

	if (vm->over)
		return PORT_HOLD;
	if (request != VM_RESET) {
		vm->over = true;
		vm->ops->ended(vm, (enum vm_request)request,
			       (enum vmm_err)__atomic_load_n(&vm->why, __ATOMIC_RELAXED));
		return PORT_HOLD;
	}
	err = vm->ops->reload(vm, &entry, &argument);
	if (err != VMM_OK) {
		vm->over = true;
		__atomic_store_n(&vm->request, (uint32_t)VM_FAILED, __ATOMIC_RELEASE);
		vm->ops->ended(vm, VM_FAILED, err);
		return PORT_HOLD;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		__atomic_store_n(&vm->vcpu[i].mail, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&vm->parked, 0, __ATOMIC_RELAXED);
	vm->round++;
	__atomic_store_n(&vm->request, (uint32_t)VM_RUN, __ATOMIC_RELEASE);
	v->start_entry = entry;
	v->start_argument = argument;
	return vcpu_boot(v);
}

VMM_SELDOM void vcpu_off(struct vcpu *v)
{
	v->state = VCPU_OFF;
	v->wake_boots = false;
	v->filled = false;
	if (v->timer_due) /* it is off with its vCPU, and so is its line */
		irqchip_set_ppi(v->irqchip, v->index, arch_timer_intid(), false);
	v->timer_due = false;
	irqchip_power_off(v->vm->irqchip, v->index);
}

/* A vCPU that is not to run while the VM changes. True if it is the last one. */
static bool vcpu_park(struct vcpu *v)
{
	if (v->state != VCPU_OFF && !v->held && port_stop(&v->port) != VMM_OK) {
		/* A guest that runs on while its VM ends: admin then ends the program. */
		__atomic_store_n(&v->vm->why, (uint32_t)VMM_ERR_KERNEL, __ATOMIC_RELAXED);
		__atomic_store_n(&v->vm->request, (uint32_t)VM_FAILED, __ATOMIC_RELEASE);
	}
	vcpu_off(v);
	v->parked_round = v->vm->round;
	return __atomic_add_fetch(&v->vm->parked, 1, __ATOMIC_ACQ_REL) == v->vm->vcpu_count;
}

VMM_SELDOM enum port_answer vcpu_attend(struct vcpu *v)
{
	struct vm *vm = v->vm;

	if (v->parked_round != vm->round && vcpu_park(v) && v->index != 0)
		vm_kick(vm, 0);
	if (v->index == 0 && __atomic_load_n(&vm->parked, __ATOMIC_ACQUIRE) == vm->vcpu_count)
		return vm_act(v);
	return PORT_HOLD;
}

static bool vcpu_has_work(const struct vcpu *v)
{
	return __atomic_load_n(v->work, __ATOMIC_RELAXED) != 0;
}

static inline void vcpu_inject(struct vcpu *v, const struct irq_slot *slot)
{
	v->filled = true;
	if (!slot->replaces)
		port_irq_inject(&v->port, slot->lr, slot->intid, slot->priority, slot->group);
	else if (port_irq_replace(&v->port, slot->lr, slot->intid, slot->priority, slot->group) !=
		 VMM_OK)
		irqchip_refused(v->vm->irqchip, v->index, slot->lr);
}

/* Puts what is deliverable into list registers. */
static VMM_SELDOM void vcpu_refill(struct vcpu *v)
{
	struct irq_slot slot;

	while (vcpu_has_work(v) && irqchip_next(v->vm->irqchip, v->index, &slot))
		vcpu_inject(v, &slot);
}

/* The guest's wait is over. */
static enum port_answer vcpu_wake(struct vcpu *v)
{
	v->state = VCPU_RUNNING;
	if (v->wake_boots) {
		v->wake_boots = false;
		return vcpu_enter(v); /* interrupts that are on their way are not lost */
	}
	v->held = false;
	return PORT_RESUME;
}

__attribute__((noinline)) enum port_answer vcpu_wait(struct vcpu *v)
{
	struct vm *vm = v->vm;
	uint64_t deadline = 0, alarm = vcpu_alarm(v), wake = UINT64_MAX;
	enum arch_timer timer;
	enum vmm_err err;

	if (__atomic_load_n(&vm->later, __ATOMIC_RELAXED) != 0 &&
	    __atomic_exchange_n(&vm->later, 0, __ATOMIC_ACQUIRE) != 0)
		vm->ops->again(vm, v->index);
	/*
	 * An interrupt in a list register ends a wait, but only the guest knows if it has taken it: it
	 * may have masked interrupts before this wait, or a signal may have filled the register while
	 * the exit of this very wait was queued behind it. So the first wait after a register was
	 * filled ends at once; further ones are within its handler, or the guest will never take it.
	 */
	if ((v->filled && irqchip_in_flight(vm->irqchip, v->index)) || vcpu_has_work(v)) {
		v->filled = false;
		return vcpu_wake(v);
	}
	v->filled = false;
	err = arch_timer_state(&v->port, &timer, &deadline);
	if (err != VMM_OK)
		return vcpu_failed(v, err);
	if (timer == ARCH_TIMER_DUE)
		return vcpu_wake(v);
	if (timer == ARCH_TIMER_SET)
		wake = deadline > vm->timer_lead ? deadline - vm->timer_lead : 0;
	if (alarm != 0 && alarm < wake)
		wake = alarm;
	if (wake != UINT64_MAX && port_timer_set(&v->port, wake)) {
		if (alarm != 0)
			vm->ops->signal(vm, vm->timer_badge);
		return vcpu_wake(v);
	}
	v->state = VCPU_WAITING;
	return PORT_HOLD;
}

VMM_SELDOM enum port_answer vcpu_mail(struct vcpu *v)
{
	if ((__atomic_exchange_n(&v->mail, 0, __ATOMIC_ACQUIRE) & VCPU_MAIL_START) == 0)
		return PORT_HOLD;
	return vcpu_boot(v);
}

/* Another vCPU has set the alarm, and whatever our guest does, it is ours to ask for it. */
static VMM_SELDOM void vcpu_take_alarm(struct vcpu *v)
{
	struct vm *vm = v->vm;
	uint64_t alarm;

	__atomic_exchange_n(&vm->alarm_new, 0, __ATOMIC_ACQUIRE);
	alarm = vcpu_alarm(v);
	if (alarm != 0 && port_timer_set(&v->port, alarm))
		vm->ops->signal(vm, vm->timer_badge);
}

static __attribute__((noinline)) enum port_answer vcpu_signal(struct vcpu *v, uint64_t badge)
{
	struct vm *vm = v->vm;
	uint64_t others = badge & ~vm->kick_badge;

	if (vcpu_alarm(v) == 0)
		others &= ~vm->timer_badge;

	if (others != 0 && v->index == 0 && !vm->over)
		vm->ops->signal(vm, others);
	if (v->index == 0 && !vm->over && __atomic_load_n(&vm->alarm_new, __ATOMIC_RELAXED) != 0)
		vcpu_take_alarm(v);
	if (v->again) {
		v->again = false;
		vm->ops->again(vm, v->index);
	}
	if (__atomic_load_n(&vm->request, __ATOMIC_ACQUIRE) != VM_RUN)
		return vcpu_attend(v);

	switch (v->state) {
	case VCPU_RUNNING:
	case VCPU_SCRUBBING:
		return PORT_RUNNING;
	case VCPU_WAITING:
		if ((badge & vm->timer_badge) != 0 || vcpu_has_work(v))
			return vcpu_wake(v);
		return vcpu_alarm(v) != 0 ? vcpu_wait(v) : PORT_HOLD;
	case VCPU_OFF:
		break;
	}
	return vcpu_mail(v);
}

/*
 * One event. PORT_BACK and PORT_DELIVER are the answers of exits after which this vCPU has no work, as
 * seen under the interrupt controller's lock; who gives it some from then on kicks it.
 */
static inline enum port_answer vcpu_act(struct vcpu *v, const struct port_event *event)
{
	enum port_answer answer;

	if (event->kind == PORT_EVENT_SIGNAL)
		answer = vcpu_signal(v, event->badge);
	else
		answer = vcpu_exit(v, event);
	if (answer != PORT_BACK && answer != PORT_DELIVER && answer != PORT_HOLD &&
	    vcpu_has_work(v))
		vcpu_refill(v);
	return answer;
}

void vcpu_step(struct vcpu *v, enum port_answer *answer)
{
	struct port_event event;

	port_wait(&v->port, *answer, v->result, &event);
	*answer = vcpu_act(v, &event);
}

__attribute__((noinline)) void vcpu_run(struct vcpu *v)
{
	enum port_answer answer;
	struct port_event event;

	port_attach(&v->port);
	answer = vcpu_attend(v);
	port_wait(&v->port, answer, v->result, &event);
	for (;;) {
		answer = vcpu_act(v, &event);
		/* Each with an answer the compiler knows. */
		if (answer == PORT_BACK)
			port_wait(&v->port, PORT_BACK, v->result, &event);
		else if (answer == PORT_DELIVER)
			port_wait(&v->port, PORT_DELIVER, v->result, &event);
		else
			port_wait(&v->port, answer, v->result, &event);
	}
}
