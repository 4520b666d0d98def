/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests: a thread with a VCPU, an address space of its own with one page of RAM, and our copy of
 * that page. Its CSpace is the null capability, as every guest's should be.
 */
#include "test/kernel/kt_state.h"

#include <string.h>

#define HOST_VIEW (KT_WINDOW + 0x8000000)

struct kt_vm kt_vm_new(const char *code, const char *end)
{
	struct kt_vm vm;
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0), view = kt_copy(frame);
	seL4_CPtr empty = kt_new(seL4_CapTableObject, 1);
	seL4_Word vaddr = HOST_VIEW + view * 4096;

	vm.ram = (unsigned char *)vaddr;
	vm.tcb = kt_new(seL4_TCBObject, 0);
	vm.sc = kt_new(seL4_SchedContextObject, 8);
	vm.vcpu = kt_new(seL4_ARM_VCPUObject, 0);
	vm.vspace = kt_new_vspace();
	vm.endpoint = kt_new(seL4_EndpointObject, 0);
	vm.reply = kt_new(seL4_ReplyObject, 0);
	kt_map_in(seL4_CapInitThreadVSpace, view, vaddr, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	memcpy(vm.ram, code, (size_t)(end - code));
	CHECK_OK(seL4_ARM_Page_Unify_Instruction(view, 0, 4096));
	kt_map_in(vm.vspace, frame, KT_GUEST_RAM, seL4_AllRights, seL4_ARM_Default_VMAttributes);
	kt_set_sc(vm.sc, 0, 5000, 5000);
	CHECK_OK(seL4_TCB_Configure(vm.tcb, empty, 0, vm.vspace, 0, 0, 0));
	CHECK_OK(seL4_TCB_SetSchedParams(vm.tcb, seL4_CapInitThreadTCB, 0, KT_PRIO - 10, vm.sc,
					 kt_mint(vm.endpoint, seL4_AllRights, KT_GUEST_BADGE)));
	CHECK_OK(seL4_ARM_VCPU_SetTCB(vm.vcpu, vm.tcb));
	return vm;
}

void kt_vm_start(struct kt_vm *vm, seL4_Word x0, seL4_Word x1)
{
	seL4_UserContext regs = {
		.pc = KT_GUEST_RAM,
		.spsr = KT_GUEST_EL1H,
		.x0 = x0,
		.x1 = x1,
	};

	CHECK_OK(seL4_TCB_WriteRegisters(vm->tcb, true, 0, 36, &regs));
}

void kt_vm_exit(struct kt_vm *vm, seL4_Word label)
{
	vm->info = seL4_Recv(vm->endpoint, &vm->badge, vm->reply);
	CHECK_EQ(vm->badge, KT_GUEST_BADGE);
	if (seL4_MessageInfo_get_label(vm->info) != label)
		kt_fail(__FILE__, __LINE__,
			"exit with label %lu, expected %lu; words %#lx %#lx %#lx %#lx",
			seL4_MessageInfo_get_label(vm->info), label, seL4_GetMR(0), seL4_GetMR(1),
			seL4_GetMR(2), seL4_GetMR(3));
}

seL4_Word kt_vm_result(struct kt_vm *vm)
{
	kt_vm_exit(vm, seL4_Fault_UnknownSyscall);
	return seL4_GetMR(seL4_UnknownSyscall_X0);
}

seL4_Word kt_vm_pc(struct kt_vm *vm)
{
	seL4_UserContext regs = { .pc = 0 };

	CHECK_OK(seL4_TCB_ReadRegisters(vm->tcb, false, 0, 1, &regs));
	return regs.pc;
}

void kt_vm_next(struct kt_vm *vm)
{
	seL4_UserContext regs = { .pc = kt_vm_pc(vm) + 4 };

	CHECK_OK(seL4_TCB_WriteRegisters(vm->tcb, false, 0, 1, &regs));
	kt_vm_resume(vm);
}

void kt_vm_resume(struct kt_vm *vm)
{
	seL4_Send(vm->reply, seL4_MessageInfo_new(0, 0, 0, 0));
}
