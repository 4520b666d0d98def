/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `vmm` program: one VM. Thread i is the handler of vCPU i.
 *
 * Thread 0 builds the VM; the others wait on their own notification until it is built. From then on
 * each runs its vCPU's loop and never returns.
 */
#include <sel4/sel4.h>

#include <vmm/config.h>
#include <vmm/start.h>

#include "app/vmm/machine.h"
#include "vmm/port/sel4/runtime.h"

/* The program's only mutable state. */
static struct machine machine;
static uint32_t built; /* atomic */

static void tell_admin(uint64_t admin, seL4_Word label, seL4_Word value)
{
	(void)seL4_CallWithMRs(admin, seL4_MessageInfo_new(label, 0, 0, 1), &value, seL4_Null,
			       seL4_Null, seL4_Null);
}

static void ended(struct machine *m, enum vm_request request, enum vmm_err why)
{
	tell_admin(m->config->admin, request == VM_FAILED ? VMM_ADMIN_FAILED : VMM_ADMIN_OFF,
		   (seL4_Word)why);
}

static _Noreturn void stay(seL4_CPtr source)
{
	for (;;)
		(void)seL4_Wait(source, NULL);
}

static void build(const struct vmm_config *config)
{
	enum vmm_err err;

	machine.ended = ended;
	err = machine_init(&machine, config);
	if (err != VMM_OK) {
		tell_admin(config->admin, VMM_ADMIN_FAILED, (seL4_Word)err);
		stay(config->vcpus[0].fault_ep);
	}
	__atomic_store_n(&built, 1, __ATOMIC_RELEASE);
	for (unsigned i = 1; i < machine.vm.vcpu_count; i++)
		vm_kick(&machine.vm, i);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_config *config = (const struct vmm_config *)start->config;

	if (config == NULL || start->config_size < sizeof(*config) || thread >= VMM_CONFIG_VCPUS)
		__builtin_trap();
	if (thread == 0)
		build(config);
	while (__atomic_load_n(&built, __ATOMIC_ACQUIRE) == 0)
		(void)seL4_Wait(config->vcpus[thread].fault_ep, NULL);
	if (thread >= machine.vm.vcpu_count)
		stay(config->vcpus[thread].fault_ep);
	vcpu_run(&machine.vm.vcpu[thread]);
}
