/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest calls firmware: PSCI decides (dev/psci), the run loop carries out.
 */
#include "app/vmm/machine.h"

static bool is_ram(void *ctx, uint64_t gpa)
{
	const struct machine *m = ctx;

	return gmem_host(&m->vm.gmem, gpa, sizeof(uint32_t)) != NULL;
}

enum vmm_err machine_firmware_init(struct machine *m)
{
	struct psci_config config = {
		.vcpu_count = m->config->vcpu_count,
		.is_ram = is_ram,
		.ctx = m,
	};

	for (unsigned i = 0; i < m->config->vcpu_count; i++)
		config.mpidr[i] = m->config->vcpus[i].mpidr;
	return psci_init(&m->psci, &config);
}

void machine_started(struct vcpu *vcpu)
{
	struct machine *m = vcpu->vm->context;

	lock_take(&m->psci_lock);
	psci_started(&m->psci, vcpu->index);
	lock_give(&m->psci_lock);
}

/* Everything but a plain return. */
static __attribute__((noinline)) enum vm_call_outcome carry_out(struct vcpu *vcpu,
								const struct psci_action *action,
								struct vm_start *start)
{
	struct vm *vm = vcpu->vm;
	struct machine *m = vm->context;

	switch (action->kind) {
	case PSCI_ACTION_RETURN:
		break;
	case PSCI_ACTION_START:
		vcpu_start(&vm->vcpu[action->vcpu], action->entry, action->context);
		break;
	case PSCI_ACTION_STANDBY:
		return VM_CALL_WAIT;
	case PSCI_ACTION_SUSPEND:
		start->entry = action->entry;
		start->argument = action->context;
		return VM_CALL_SUSPEND;
	case PSCI_ACTION_PARK:
		if (!action->last)
			return VM_CALL_PARK;
		machine_say(m, "the last vCPU turned itself off: the VM is off");
		vm_request(vm, VM_OFF, VMM_OK);
		return VM_CALL_STOP;
	case PSCI_ACTION_OFF:
		vm_request(vm, VM_OFF, VMM_OK);
		return VM_CALL_STOP;
	case PSCI_ACTION_RESET:
		machine_say(m, "the guest asked for a reset");
		vm_request(vm, VM_RESET, VMM_OK);
		return VM_CALL_STOP;
	}
	return VM_CALL_RETURN;
}

enum vm_call_outcome machine_call(struct vcpu *vcpu, uint64_t reg[4], struct vm_start *start)
{
	struct machine *m = vcpu->vm->context;
	struct psci_action action;

	lock_take(&m->psci_lock);
	psci_call(&m->psci, vcpu->index, reg, &action);
	lock_give(&m->psci_lock);

	reg[0] = action.result;
	return action.kind == PSCI_ACTION_RETURN ? VM_CALL_RETURN : carry_out(vcpu, &action, start);
}
