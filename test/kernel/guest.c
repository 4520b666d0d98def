/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of a guest: what each message says, and the answers a VMM gives. */
#include "test/kernel/guests.h"
#include "test/kernel/kt.h"

#define DEVICE 0x0b000000ul

/* Fields of ESR_EL2 (Arm ARM DDI 0487, D17.2.37). */
static seL4_Word ec(seL4_Word esr)
{
	return esr >> 26;
}

static void expect_access(struct kt_vm *vm, seL4_Word address, bool write, seL4_Word log2_width,
			  seL4_Word reg)
{
	seL4_Word fsr;

	kt_vm_exit(vm, seL4_Fault_VMFault);
	fsr = seL4_GetMR(seL4_VMFault_FSR);
	CHECK_EQ(seL4_MessageInfo_get_length(vm->info), seL4_VMFault_Length);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), address);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_PrefetchFault), 0);
	CHECK_EQ(ec(fsr), 0x24);
	CHECK_EQ(fsr >> 24 & 1, 1); /* the syndrome below is valid */
	CHECK_EQ(fsr >> 22 & 3, log2_width);
	CHECK_EQ(fsr >> 16 & 31, reg);
	CHECK_EQ(fsr >> 6 & 1, write);
}

static void guest_load_faults(void)
{
	struct kt_vm vm = NEW_VM(load);
	seL4_UserContext regs = { .pc = 0 };

	kt_vm_start(&vm, DEVICE + 0x18, 0);
	expect_access(&vm, DEVICE + 0x18, false, 2, 10);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_IP), KT_GUEST_RAM);
	/* The VMM's answer: value and pc by WriteRegisters, then an empty reply. */
	CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
	regs.pc += 4;
	regs.x10 = 0xcafe;
	CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 36, &regs));
	kt_vm_resume(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0xcafe);
}

/* Exit-path strategy C: write and resume in one Send, no reply; then wait without a reply object. */
static void guest_load_answered_by_resume(void)
{
	struct kt_vm vm = NEW_VM(load);
	seL4_UserContext regs = { .pc = 0 };
	seL4_Word badge;

	kt_vm_start(&vm, DEVICE, 0);
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Wait(vm.endpoint, &badge)), seL4_Fault_VMFault);
	CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
	regs.pc += 4;
	regs.x10 = 0x123;
	CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, true, 0, 36, &regs));
	CHECK_EQ(kt_vm_result(&vm), 0x123);
}

/* Unanswered at the same pc, the access happens again. */
static void guest_reply_repeats_access(void)
{
	struct kt_vm vm = NEW_VM(load);

	kt_vm_start(&vm, DEVICE, 0);
	for (int i = 0; i < 3; i++) {
		expect_access(&vm, DEVICE, false, 2, 10);
		kt_vm_resume(&vm);
	}
	kt_vm_exit(&vm, seL4_Fault_VMFault);
	kt_map_in(vm.vspace, kt_new(seL4_ARM_SmallPageObject, 0), DEVICE, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	kt_vm_resume(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0);
}

static void guest_store_faults(void)
{
	struct kt_vm vm = NEW_VM(store);
	seL4_UserContext regs = { .pc = 0 };

	kt_vm_start(&vm, DEVICE + 4, 0xabcd);
	expect_access(&vm, DEVICE + 4, true, 2, 1);
	CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 5, &regs));
	CHECK_EQ(regs.x1, 0xabcd);
	/* The pc alone is enough. */
	regs.pc += 4;
	CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 1, &regs));
	kt_vm_resume(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0);
}

static void guest_access_widths(void)
{
	static const struct {
		seL4_Word offset;
		bool write;
		seL4_Word log2_width, reg;
	} want[] = {
		{ 1, false, 0, 1 },  { 2, false, 1, 2 },  { 4, false, 2, 3 },  { 8, false, 3, 4 },
		{ 16, false, 2, 5 }, { 20, false, 0, 6 }, { 24, true, 0, 11 }, { 26, true, 1, 12 },
		{ 28, true, 2, 13 }, { 32, true, 3, 14 }, { 40, true, 3, 31 },
	};
	struct kt_vm vm = NEW_VM(widths);

	kt_vm_start(&vm, DEVICE, 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		expect_access(&vm, DEVICE + want[i].offset, want[i].write, want[i].log2_width,
			      want[i].reg);
		if (want[i].offset == 16 || want[i].offset == 20)
			CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 21 & 1, 1); /* sign-extended */
		kt_vm_next(&vm);
	}
	kt_vm_result(&vm);
}

static void guest_access_without_syndrome(void)
{
	struct kt_vm vm = NEW_VM(pairs);

	kt_vm_start(&vm, DEVICE, 0);
	for (int i = 0; i < 2; i++) {
		kt_vm_exit(&vm, seL4_Fault_VMFault);
		CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 24 & 1, 0);
		CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), DEVICE + (i == 0 ? 0 : 8));
		kt_vm_next(&vm);
	}
	kt_vm_result(&vm);
}

static void guest_jump_to_nowhere(void)
{
	struct kt_vm vm = NEW_VM(jump);

	kt_vm_start(&vm, DEVICE + 0x100, 0);
	kt_vm_exit(&vm, seL4_Fault_VMFault);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_PrefetchFault), 1);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), DEVICE + 0x100);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_IP), DEVICE + 0x100);
	CHECK_EQ(ec(seL4_GetMR(seL4_VMFault_FSR)), 0x20);
}

/* Exit-path rule 3: reads of such a page cost nothing, stores exit. */
static void guest_read_only_page(void)
{
	struct kt_vm reader = NEW_VM(load), writer = NEW_VM(store);
	seL4_CPtr frame = kt_map(KT_WINDOW);

	*(volatile uint32_t *)KT_WINDOW = 0x74726976;
	kt_map_in(reader.vspace, kt_copy(frame), DEVICE, seL4_CanRead,
		  seL4_ARM_Default_VMAttributes);
	kt_map_in(writer.vspace, kt_copy(frame), DEVICE, seL4_CanRead,
		  seL4_ARM_Default_VMAttributes);
	kt_vm_start(&reader, DEVICE, 0);
	CHECK_EQ(kt_vm_result(&reader), 0x74726976);
	kt_vm_start(&writer, DEVICE + 8, 0);
	expect_access(&writer, DEVICE + 8, true, 2, 1);
}

/* Exit-path rule 5: one reply of nine words answers an HVC completely. */
static void guest_hvc(void)
{
	struct kt_vm vm = NEW_VM(hvc);

	kt_vm_start(&vm, 0x11, 0x22);
	kt_vm_exit(&vm, seL4_Fault_UnknownSyscall);
	CHECK_EQ(seL4_MessageInfo_get_length(vm.info), seL4_UnknownSyscall_Length);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X0), 0x11);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X1), 0x22);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X7), 0x1000);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_FaultIP), KT_GUEST_RAM + 4);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_SPSR) & 0xf, 5);
	seL4_SetMR(seL4_UnknownSyscall_X0, 0x100);
	seL4_SetMR(seL4_UnknownSyscall_FaultIP, KT_GUEST_RAM + 8);
	seL4_Send(vm.reply, seL4_MessageInfo_new(0, 0, 0, 9));
	CHECK_EQ(kt_vm_result(&vm), 0x101);
}

/* A number that the kernel knows is a system call of the guest's thread. Yield does no harm. */
static void guest_hvc_is_a_system_call(void)
{
	struct kt_vm vm = NEW_VM(hvc_number);

	kt_vm_start(&vm, (seL4_Word)seL4_SysYield, 0);
	CHECK_EQ(kt_vm_result(&vm), 5);
}

/* With an empty CSpace a receive is a capability fault, which the VMM gets. */
static void guest_hvc_receives_from_nothing(void)
{
	struct kt_vm vm = NEW_VM(hvc_number);

	kt_vm_start(&vm, (seL4_Word)seL4_SysRecv, 1);
	kt_vm_exit(&vm, seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), 1);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_IP), KT_GUEST_RAM + 16);
}

/* Without even that, the same, and the reason is that there is no root. */
static void guest_hvc_without_a_cspace(void)
{
	struct kt_vm vm = NEW_VM(hvc_number);
	seL4_CPtr cspace = kt_new(seL4_CapTableObject, 1);

	CHECK_OK(seL4_TCB_Configure(vm.tcb, cspace, 0, vm.vspace, 0, 0, 0));
	CHECK_OK(seL4_CNode_Revoke(KT_ROOT, cspace, KT_DEPTH));
	kt_vm_start(&vm, (seL4_Word)seL4_SysRecv, 0);
	kt_vm_exit(&vm, seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_InvalidRoot);
}

static void expect_vcpu_fault(struct kt_vm *vm, seL4_Word class)
{
	kt_vm_exit(vm, seL4_Fault_VCPUFault);
	CHECK_EQ(seL4_MessageInfo_get_length(vm->info), seL4_VCPUFault_Length);
	CHECK_EQ(ec(seL4_GetMR(seL4_VCPUFault_HSR)), class);
}

static void guest_smc(void)
{
	struct kt_vm vm = NEW_VM(smc);
	seL4_UserContext regs = { .pc = 0 };

	kt_vm_start(&vm, 0, 0);
	expect_vcpu_fault(&vm, 0x17);
	CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 4, &regs));
	CHECK_EQ(regs.pc, KT_GUEST_RAM + 4); /* at the smc */
	CHECK_EQ(regs.x0, 0x84000000);
	regs.pc += 4;
	regs.x0 = 0x10001;
	CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 4, &regs));
	kt_vm_resume(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0x10001);
}

static void guest_wfi(void)
{
	struct kt_vm vm = NEW_VM(wfi);

	kt_vm_start(&vm, 0, 0);
	expect_vcpu_fault(&vm, 0x01);
	CHECK_EQ(seL4_GetMR(0) & 1, 0); /* WFI, not WFE */
	CHECK_EQ(kt_vm_pc(&vm), KT_GUEST_RAM);
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 6);
}

static void guest_physical_timer(void)
{
	struct kt_vm vm = NEW_VM(cntp);

	kt_vm_start(&vm, 0, 0);
	expect_vcpu_fault(&vm, 0x18);
	CHECK_EQ(seL4_GetMR(0), 0x6232f805 | (seL4_GetMR(0) & 0x3e0)); /* op, CRn, CRm; Rt is any */
	CHECK_EQ(kt_vm_pc(&vm), KT_GUEST_RAM);
}

static void guest_sgi_register(void)
{
	struct kt_vm vm = NEW_VM(sgi);

	kt_vm_start(&vm, 0x3000001, 0);
	expect_vcpu_fault(&vm, 0x18);
	CHECK_EQ(seL4_GetMR(0), 0x623a3016 | (seL4_GetMR(0) & 0x3e0));
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 7);
}

/* Its own exceptions are its own business. */
static void guest_handles_its_exceptions(void)
{
	struct kt_vm vm = NEW_VM(exceptions);

	kt_vm_start(&vm, 0, 0);
	CHECK_EQ(ec(kt_vm_result(&vm)), 0x00);
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0x56000003);
}

/* Makes the next receive of this thread return at once. */
static void bind_and_signal(seL4_Word badge)
{
	seL4_CPtr ntfn = kt_new(seL4_NotificationObject, 0);

	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), ntfn));
	seL4_Signal(kt_mint(ntfn, seL4_AllRights, badge));
}

/* Exit-path rule 11: what the first phase of NBSendRecv takes and what it refuses. */
static void guest_nbsendrecv_refuses_tcbs(void)
{
	seL4_CPtr reply = kt_new(seL4_ReplyObject, 0);
	struct kt_vm vm = NEW_VM(load);
	seL4_Word badge;

	kt_vm_start(&vm, DEVICE, 0);
	kt_vm_exit(&vm, seL4_Fault_VMFault);
	bind_and_signal(0x99);
	seL4_SetMR(0, 0);
	seL4_SetMR(1, 1);
	seL4_SetMR(2, KT_GUEST_RAM + 0x20);
	seL4_NBSendRecv(vm.tcb, seL4_MessageInfo_new(TCBWriteRegisters, 0, 0, 3), vm.endpoint,
			&badge, reply);
	CHECK_EQ(badge, 0x99);
	CHECK_EQ(kt_vm_pc(&vm), KT_GUEST_RAM);
}

static void guest_nbsendrecv_takes_vcpus_and_replies(void)
{
	seL4_CPtr reply = kt_new(seL4_ReplyObject, 0);
	struct kt_vm vm = NEW_VM(hvc);
	seL4_Word badge;

	kt_vm_start(&vm, 1, 0);
	kt_vm_result(&vm);
	seL4_SetMR(0, 0);
	seL4_SetMR(seL4_UnknownSyscall_X0, 0x40);
	seL4_SetMR(seL4_UnknownSyscall_FaultIP, KT_GUEST_RAM + 8);
	vm.info = seL4_NBSendRecv(vm.reply, seL4_MessageInfo_new(0, 0, 0, 9), vm.endpoint, &badge,
				  vm.reply);
	CHECK_EQ(badge, KT_GUEST_BADGE);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X0), 0x41);
	/* A write to the VCPU, then a wait that the next exit does not end: the guest is blocked. */
	bind_and_signal(0x9a);
	seL4_SetMR(0, seL4_VCPUReg_TPIDR_EL1);
	seL4_SetMR(1, 0x5151);
	seL4_NBSendRecv(vm.vcpu, seL4_MessageInfo_new(ARMVCPUWriteReg, 0, 0, 2), vm.endpoint,
			&badge, reply);
	CHECK_EQ(badge, 0x9a);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1).value, 0x5151);
}

/* Exit-path strategy F: a passive handler above the guest, on the guest's time. */
static struct {
	struct kt_vm vm;
	seL4_CPtr ready;
	volatile seL4_Word exits, result;
} f;

static void passive_handler(seL4_Word unused)
{
	seL4_UserContext regs = { .pc = 0 };
	seL4_MessageInfo_t info;

	(void)unused;
	info = seL4_NBSendRecv(f.ready, seL4_MessageInfo_new(0, 0, 0, 0), f.vm.endpoint, seL4_Null,
			       f.vm.reply);
	while (seL4_MessageInfo_get_label(info) == seL4_Fault_VMFault) {
		f.exits++;
		regs.pc = seL4_GetMR(seL4_VMFault_IP) + 4;
		seL4_TCB_WriteRegisters(f.vm.tcb, false, 0, 1, &regs);
		info = seL4_ReplyRecv(f.vm.endpoint, seL4_MessageInfo_new(0, 0, 0, 0), seL4_Null,
				      f.vm.reply);
	}
	f.result = seL4_MessageInfo_get_label(info);
	seL4_Signal(f.ready);
	seL4_Wait(f.vm.endpoint, seL4_Null);
}

static void guest_passive_handler(void)
{
	struct kt_thread t;

	f.vm = NEW_VM(widths);
	f.ready = kt_new(seL4_NotificationObject, 0);
	f.exits = 0;
	t = kt_spawn(passive_handler, 0, KT_PRIO + 1);
	seL4_Wait(f.ready, seL4_Null);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	kt_vm_start(&f.vm, DEVICE, 0);
	seL4_Wait(f.ready, seL4_Null);
	CHECK_EQ(f.exits, 11);
	CHECK_EQ(f.result, seL4_Fault_UnknownSyscall);
}

static void guest_budget_timeout(void)
{
	struct kt_vm vm = NEW_VM(count);
	seL4_CPtr timeouts = kt_new(seL4_EndpointObject, 0);
	volatile uint64_t *counter = (volatile uint64_t *)(void *)(vm.ram + 0xf00);
	uint64_t before;

	CHECK_OK(seL4_SchedControl_Configure(kt_bootinfo()->schedcontrol.start, vm.sc, 2000, 100000,
					     0, 0x66));
	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(vm.tcb, timeouts));
	kt_vm_start(&vm, 0, 0);
	vm.info = seL4_Recv(timeouts, seL4_Null, vm.reply);
	CHECK_EQ(seL4_MessageInfo_get_label(vm.info), seL4_Fault_Timeout);
	CHECK_EQ(seL4_GetMR(seL4_Timeout_Data), 0x66);
	before = *counter;
	kt_set_sc(vm.sc, 0, 5000, 5000);
	kt_vm_resume(&vm);
	kt_until(counter, before + 1);
}

/* Preempted at any instruction and continued: nothing is lost. */
static void guest_is_preempted(void)
{
	struct kt_vm a = NEW_VM(count), b = NEW_VM(count);
	volatile uint64_t *x = (volatile uint64_t *)(void *)(a.ram + 0xf00);
	volatile uint64_t *y = (volatile uint64_t *)(void *)(b.ram + 0xf00);

	kt_set_sc(a.sc, 0, 1000, 1000);
	kt_set_sc(b.sc, 0, 1000, 1000);
	kt_vm_start(&a, 0, 0);
	kt_vm_start(&b, 0, 0);
	kt_until(x, 1);
	kt_until(y, 1);
}

static void guest_fpu_is_switched(void)
{
	struct kt_vm a = NEW_VM(fpu), b = NEW_VM(fpu);

	kt_vm_start(&a, 0x1111222233334444, 0);
	kt_vm_start(&b, 0x5555666677778888, 0);
	kt_vm_result(&a);
	kt_vm_result(&b);
	for (int i = 0; i < 5; i++) {
		kt_vm_next(&a);
		CHECK_EQ(kt_vm_result(&a), 0x1111222233334444);
		kt_vm_next(&b);
		CHECK_EQ(kt_vm_result(&b), 0x5555666677778888);
	}
}

static const struct kt_test tests[] = {
	KT(guest_load_faults),
	KT(guest_load_answered_by_resume),
	KT(guest_reply_repeats_access),
	KT(guest_store_faults),
	KT(guest_access_widths),
	KT(guest_access_without_syndrome),
	KT(guest_jump_to_nowhere),
	KT(guest_read_only_page),
	KT(guest_hvc),
	KT(guest_hvc_is_a_system_call),
	KT(guest_hvc_receives_from_nothing),
	KT(guest_hvc_without_a_cspace),
	KT(guest_smc),
	KT(guest_wfi),
	KT(guest_physical_timer),
	KT_ON(guest_sgi_register, KT_GIC3),
	KT(guest_handles_its_exceptions),
	KT(guest_nbsendrecv_refuses_tcbs),
	KT(guest_nbsendrecv_takes_vcpus_and_replies),
	KT(guest_passive_handler),
	KT(guest_budget_timeout),
	KT(guest_is_preempted),
	KT(guest_fpu_is_switched),
};

KT_GROUP(guest);
