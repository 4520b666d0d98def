/* SPDX-License-Identifier: BSD-2-Clause */
/* VCPU objects: what can be asked of them, and what is refused. */
#include "test/kernel/guests.h"
#include "test/kernel/kt.h"

static seL4_CPtr new_vcpu(void)
{
	return kt_new(seL4_ARM_VCPUObject, 0);
}

static void vcpu_registers_round_trip(void)
{
	seL4_CPtr vcpu = new_vcpu();

	for (unsigned field = 0; field < seL4_VCPUReg_Num; field++)
		CHECK_OK(seL4_ARM_VCPU_WriteRegs(vcpu, (seL4_VCPUReg)field, 0x1000 + field * 16));
	for (unsigned field = 0; field < seL4_VCPUReg_Num; field++) {
		seL4_ARM_VCPU_ReadRegs_t r = seL4_ARM_VCPU_ReadRegs(vcpu, (seL4_VCPUReg)field);

		CHECK_OK(r.error);
		CHECK_EQ(r.value, 0x1000 + field * 16);
	}
}

static void vcpu_register_errors(void)
{
	seL4_CPtr vcpu = new_vcpu();

	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vcpu, seL4_VCPUReg_Num).error, seL4_InvalidArgument);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_ARM_VCPU_WriteRegs(vcpu, seL4_VCPUReg_Num, 0), seL4_InvalidArgument);
	CHECK_EQ(kt_invoke_raw(vcpu, ARMVCPUReadReg, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(vcpu, ARMVCPUWriteReg, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(vcpu, ARMVCPUInjectIRQ, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(vcpu, ARMVCPUAckVPPI, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(vcpu, ARMVCPUSetTCB, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(vcpu, TCBSuspend, 0, 0), seL4_IllegalOperation);
}

static void vcpu_set_tcb(void)
{
	seL4_CPtr vcpu = new_vcpu(), a = kt_new(seL4_TCBObject, 0), b = kt_new(seL4_TCBObject, 0);

	CHECK_EQ(seL4_ARM_VCPU_SetTCB(vcpu, kt_new(seL4_EndpointObject, 0)), seL4_IllegalOperation);
	CHECK_OK(seL4_ARM_VCPU_SetTCB(vcpu, a));
	CHECK_OK(seL4_ARM_VCPU_SetTCB(vcpu, b));       /* moves */
	CHECK_OK(seL4_ARM_VCPU_SetTCB(new_vcpu(), b)); /* replaces */
	kt_delete(b);
	CHECK_OK(seL4_ARM_VCPU_SetTCB(vcpu, a));
	kt_delete(vcpu);
	CHECK_OK(seL4_TCB_Suspend(a));
}

static void vcpu_inject_ranges(void)
{
	seL4_CPtr vcpu = new_vcpu();

	CHECK_OK(seL4_ARM_VCPU_InjectIRQ(vcpu, 32, 0, 1, 0));
	CHECK_OK(seL4_ARM_VCPU_InjectIRQ(vcpu, 1023, 31, 0, 1));
	CHECK_EQ(seL4_ARM_VCPU_InjectIRQ(vcpu, 1024, 0, 1, 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), 1023);
	CHECK_EQ(seL4_ARM_VCPU_InjectIRQ(vcpu, 32, 32, 1, 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(1), 31);
	CHECK_EQ(seL4_ARM_VCPU_InjectIRQ(vcpu, 32, 0, 2, 0), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(1), 1);
	CHECK_EQ(seL4_ARM_VCPU_InjectIRQ(vcpu, 32, 0, 1, 255), seL4_RangeError);
	CHECK(seL4_GetMR(1) >= 1 && seL4_GetMR(1) <= 15); /* number of list registers - 1 */
	/* Over a pending one: replaces it. */
	CHECK_OK(seL4_ARM_VCPU_InjectIRQ(vcpu, 33, 0, 1, 0));
}

static void vcpu_ack_vppi_errors(void)
{
	seL4_CPtr vcpu = new_vcpu();

	CHECK_OK(seL4_ARM_VCPU_AckVPPI(vcpu, 27));
	CHECK_EQ(seL4_ARM_VCPU_AckVPPI(vcpu, 33), seL4_InvalidArgument);
	CHECK_EQ(seL4_ARM_VCPU_AckVPPI(vcpu, 100000), seL4_RangeError);
}

static void vcpu_copies_are_one_object(void)
{
	seL4_CPtr vcpu = new_vcpu(), copy = kt_copy(vcpu);

	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vcpu, seL4_VCPUReg_VBAR, 0x12345800));
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(copy, seL4_VCPUReg_VBAR).value, 0x12345800);
	kt_delete(vcpu);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(copy, seL4_VCPUReg_VBAR).value, 0x12345800);
}

/* What the VMM writes before the start is what the guest sees. */
static void vcpu_written_registers_reach_the_guest(void)
{
	struct kt_vm vm = NEW_VM(identity);

	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_VMPIDR_EL2, 0x80000102));
	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_VBAR, 0x40000800));
	kt_vm_start(&vm, 0, 0);
	CHECK_EQ(kt_vm_result(&vm), 0x80000102);
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0x40000800);
	/* Also in the middle of its life, from the same core. */
	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1, 0x77));
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1).value, 0x77);
	kt_vm_next(&vm);
	CHECK(kt_vm_result(&vm) != 0); /* MIDR: the hardware's */
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 4); /* EL1 */
}

/* What the guest writes is what the VMM reads while the guest waits for it. */
static void vcpu_guest_registers_can_be_read(void)
{
	struct kt_vm vm = NEW_VM(sysregs);

	kt_vm_start(&vm, 0x50000, 0);
	kt_vm_result(&vm);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1).value, 0x50000);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_CIDR).value, 0x50040);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_FAR).value, 0x50080);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_ELR_EL1).value, 0x50100);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_MAIR).value, 0x50000);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_VBAR).value, 0x50800);
}

/* Two guests on one core do not see each other's registers. */
static void vcpu_registers_are_switched(void)
{
	struct kt_vm a = NEW_VM(sysregs), b = NEW_VM(sysregs);

	kt_vm_start(&a, 0x50000, 0);
	kt_vm_start(&b, 0x60000, 0);
	kt_vm_result(&a);
	kt_vm_result(&b);
	for (int i = 0; i < 20; i++) {
		kt_vm_next(&a);
		CHECK_EQ(kt_vm_result(&a), 0);
		kt_vm_next(&b);
		CHECK_EQ(kt_vm_result(&b), 0);
	}
}

/* With another TCB it is as it was last saved: what only the core's registers held is gone. */
static void vcpu_with_another_tcb(void)
{
	struct kt_vm vm = NEW_VM(identity);
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);

	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_VBAR, 0x40000800));
	kt_vm_start(&vm, 0, 0);
	kt_vm_result(&vm);
	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1, 0x77));
	CHECK_OK(seL4_ARM_VCPU_SetTCB(vm.vcpu, tcb));
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_VBAR).value, 0x40000800);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1).value, 0);
}

static void vcpu_deleted_under_guest(void)
{
	struct kt_vm vm = NEW_VM(count), other = NEW_VM(hvc);

	kt_vm_start(&vm, 0, 0);
	kt_sleep(3);
	CHECK_OK(seL4_TCB_Suspend(vm.tcb));
	kt_delete(vm.vcpu);
	kt_vm_start(&other, 3, 0);
	CHECK_EQ(kt_vm_result(&other), 3);
}

static void vcpu_guest_deleted_while_ready(void)
{
	struct kt_vm vm = NEW_VM(count), other = NEW_VM(hvc);
	volatile uint64_t *counter = (volatile uint64_t *)(void *)(vm.ram + 0xf00);
	uint64_t before;

	kt_vm_start(&vm, 0, 0);
	kt_until(counter, 1);
	kt_delete(vm.tcb);
	before = *counter;
	kt_sleep(5);
	CHECK_EQ(*counter, before);
	kt_vm_start(&other, 3, 0);
	CHECK_EQ(kt_vm_result(&other), 3);
}

/* Modes that are no guest's, EL2 and AArch32 above all: EL0 instead, and nothing but the flags. */
static void vcpu_modes(void)
{
	static const seL4_Word good[] = { 0x3c0, 0x3c4, 0x3c5, 0x200005 };
	static const seL4_Word bad[] = { 0x9, 0x8, 0xd, 0xc, 0x1, 0x10, 0x13, 0x1f };
	struct kt_vm vm = NEW_VM(load);
	seL4_UserContext regs = { .pc = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		regs.spsr = good[i];
		CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 36, &regs));
		CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
		CHECK_EQ(regs.spsr, good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		regs.spsr = 0x60200000 | bad[i];
		CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 36, &regs));
		CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
		CHECK_EQ(regs.spsr & ~UINT64_C(0x3c0), 0x60000000);
	}
}

static volatile seL4_Word steps;

static void __attribute__((noinline)) step(seL4_Word unused)
{
	(void)unused;
	for (;;)
		steps++;
}

/* A guest's breakpoints and single steps (DDI 0487, D2) are its own: programs on its core go on. */
static void vcpu_debug_spares_programs(void)
{
	static const seL4_Word mdscr[] = { 1 /* SS */, 1 << 15 /* MDE */ };

	for (size_t i = 0; i < ARRAY_SIZE(mdscr); i++) {
		struct kt_vm vm = NEW_VM(debug);

		steps = 0;
		kt_vm_start(&vm, (seL4_Word)(uintptr_t)step, mdscr[i]);
		CHECK_EQ(kt_vm_result(&vm), mdscr[i]);
		kt_spawn(step, 0, KT_PRIO - 20);
		kt_until(&steps, 1000);
		kt_vm_next(&vm);
		CHECK_EQ(kt_vm_result(&vm), mdscr[i]);
	}
}

static const struct kt_test tests[] = {
	KT(vcpu_registers_round_trip),
	KT(vcpu_register_errors),
	KT(vcpu_modes),
	KT(vcpu_set_tcb),
	KT(vcpu_inject_ranges),
	KT(vcpu_ack_vppi_errors),
	KT_ON(vcpu_debug_spares_programs, KT_STANDIN),
	KT(vcpu_copies_are_one_object),
	KT(vcpu_written_registers_reach_the_guest),
	KT(vcpu_guest_registers_can_be_read),
	KT(vcpu_registers_are_switched),
	KT(vcpu_with_another_tcb),
	KT(vcpu_deleted_under_guest),
	KT(vcpu_guest_deleted_while_ready),
};

KT_GROUP(vcpu);
