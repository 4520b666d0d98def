// SPDX-License-Identifier: BSD-2-Clause
/*
 * What admin does for the rest of the system's life: names programs that fault, counts VMs that end,
 * takes their time away, and powers off after the last VM.
 *
 * A thread that faulted is never answered, so it stays where it is; its VM counts as failed, and
 * neither its VMM's other threads nor its vCPUs run on.
 * Everything received is checked: a message is from whom the kernel's badge says, and can at most
 * end its own sender's VM.
 */
#include <vmm/config.h>

#include "app/admin/admin.h"
#include "vmm/base/err.h"

#define PSCI_SYSTEM_OFF 0x84000008ul /* PSCI 1.1, DEN0022D, 5.9 */

static void power_off(struct admin *a)
{
	seL4_ARM_SMCContext out, off = { .x0 = PSCI_SYSTEM_OFF };

	if (a->smc)
		(void)seL4_ARM_SMC_Call(seL4_CapSMC, &off, &out);
}

/* None of its threads runs again. One that waits for us or for another program stays there. */
static void vm_stop(struct admin *a, uint32_t vm)
{
	for (uint32_t i = 0; i < a->vms[vm].sc_count; i++)
		(void)seL4_SchedContext_Unbind(a->vms[vm].scs[i]);
}

static void vm_ended(struct admin *a, uint32_t vm, bool failed)
{
	unsigned status = 0;

	vm_stop(a, vm);
	a->vms[vm].ended = true;
	a->vms[vm].failed = a->vms[vm].failed || failed;
	for (uint32_t i = 0; i < a->system.vm_count; i++) {
		if (!a->vms[i].ended)
			return;
		if (a->vms[i].failed)
			status = 1;
	}
	admin_say(a, "all VMs are off, status %u", status);
	log_drain(a);
	power_off(a);
}

static void on_vm(struct admin *a, uint32_t vm, seL4_Word label, seL4_Word reason)
{
	if (vm >= a->system.vm_count || a->vms[vm].ended)
		return;
	if (label == VMM_ADMIN_OFF) {
		admin_say(a, "VM %s is off", a->system.vms[vm].name);
	} else {
		admin_say(a, "VM %s failed: %s", a->system.vms[vm].name,
			  vmm_err_name((enum vmm_err)(reason & 0xff)));
	}
	vm_ended(a, vm, label != VMM_ADMIN_OFF);
}

static void say_fault(struct admin *a, const char *program, unsigned thread, seL4_Word label)
{
	unsigned long long mr[5];

	for (int i = 0; i < 5; i++)
		mr[i] = seL4_GetMR(i);
	switch (label) {
	case seL4_Fault_VMFault:
		admin_say(a, "%s, thread %u: %s fault at address 0x%llx, pc 0x%llx, ESR 0x%llx",
			  program, thread,
			  mr[seL4_VMFault_PrefetchFault] != 0 ? "instruction" : "data",
			  mr[seL4_VMFault_Addr], mr[seL4_VMFault_IP], mr[seL4_VMFault_FSR]);
		break;
	case seL4_Fault_CapFault:
		admin_say(a, "%s, thread %u: capability fault at cptr 0x%llx, pc 0x%llx", program,
			  thread, mr[seL4_CapFault_Addr], mr[seL4_CapFault_IP]);
		break;
	case seL4_Fault_UnknownSyscall:
		admin_say(a, "%s, thread %u: unknown system call", program, thread);
		break;
	case seL4_Fault_UserException:
		admin_say(a, "%s, thread %u: exception, pc 0x%llx, ESR 0x%llx", program, thread,
			  mr[seL4_UserException_FaultIP], mr[seL4_UserException_Code]);
		break;
	case seL4_Fault_VCPUFault: /* what no other fault describes: BRK, a trapped register ... */
		admin_say(a, "%s, thread %u: exception, ESR 0x%llx", program, thread,
			  mr[seL4_VCPUFault_HSR]);
		break;
	default:
		admin_say(a, "%s, thread %u: fault %llu", program, thread,
			  (unsigned long long)label);
	}
}

static void on_fault(struct admin *a, seL4_Word badge, seL4_Word label)
{
	uint32_t program = badge >> 8 & 0xff, thread = badge & 0xff;

	if (program >= a->program_count)
		return;
	say_fault(a, a->programs[program].name, thread, label);
	for (uint32_t i = 0; i < a->system.vm_count; i++) {
		if (a->vms[i].program != program)
			continue;
		if (!a->vms[i].ended) {
			admin_say(a, "VM %s failed: its VMM faulted", a->system.vms[i].name);
			vm_ended(a, i, true);
		}
		return;
	}
	if (!restart(a, &a->programs[program]))
		admin_say(a, "%s has stopped; the rest goes on", a->programs[program].name);
}

void serve_until_up(struct admin *a)
{
	seL4_Word badge = 0;
	seL4_MessageInfo_t info;

	do {
		info = seL4_Recv(a->receive, &badge, a->reply);
		if ((badge & BADGE_FAULT(0, 0)) == 0)
			continue;
		say_fault(a, a->programs[badge >> 8 & 0xff].name, badge & 0xff,
			  seL4_MessageInfo_get_label(info));
		admin_die(a, "a program did not start");
	} while ((badge & BADGE_UP) == 0);
}

_Noreturn void serve(struct admin *a)
{
	for (;;) {
		seL4_Word badge;
		/* Nobody is ever answered, so no reply object: who called or faulted stays stopped. */
		seL4_MessageInfo_t info = seL4_Wait(a->receive, &badge);
		seL4_Word label = seL4_MessageInfo_get_label(info);

		if ((badge & BADGE_ALIVE) != 0)
			restart_alive(a, badge & BADGE_ALIVE_PROGRAMS);
		else if ((badge & BADGE_VM(0)) != 0)
			on_vm(a, (uint32_t)badge, label, seL4_GetMR(0));
		else if ((badge & BADGE_FAULT(0, 0)) != 0)
			on_fault(a, badge, label);
	}
}
