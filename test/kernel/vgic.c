/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual interrupts: list registers, maintenance, and the virtual timer. The guest counts what comes
 * in x19, keeps the last INTID in x20 and the last eight, a byte each, in x21.
 */
#include "test/kernel/guests.h"
#include "test/kernel/kt.h"

enum {
	GICV_PADDR = 0x08040000,
	GICC_IPA = 0x08010000,
	TIMER = 27,
	TICKS = 6250000, /* 100 ms: the guest must get to its report first */
};

static seL4_Uint8 group(void)
{
	return kt_gic() == 3;
}

static seL4_Error inject(const struct kt_vm *vm, seL4_Uint16 intid, seL4_Uint8 priority,
			 seL4_Uint8 index)
{
	return seL4_ARM_VCPU_InjectIRQ(vm->vcpu, intid, priority, group(), index);
}

/* A guest that has set its interrupt interface up, stopped before it unmasks interrupts; `reports`:
 * it stops in its handler as well. */
static struct kt_vm new_vm_that(bool reports)
{
	struct kt_vm vm;

	if (kt_gic() == 3) {
		vm = NEW_VM(irq3);
	} else {
		vm = NEW_VM(irq2);
		kt_map_in(vm.vspace,
			  kt_device_frame(GICV_PADDR, seL4_ARM_SmallPageObject, seL4_PageBits),
			  GICC_IPA, seL4_ReadWrite, (seL4_ARM_VMAttributes)0);
	}
	kt_vm_start(&vm, GICC_IPA, reports);
	kt_vm_result(&vm);
	return vm;
}

static struct kt_vm new_irq_vm(void)
{
	return new_vm_that(false);
}

static seL4_UserContext registers(const struct kt_vm *vm)
{
	seL4_UserContext regs = { .pc = 0 };

	CHECK_OK(seL4_TCB_ReadRegisters(vm->tcb, false, 0, 36, &regs));
	return regs;
}

/* One end of interrupt: which list register it was. */
static seL4_Word maintenance(struct kt_vm *vm)
{
	kt_vm_exit(vm, seL4_Fault_VGICMaintenance);
	CHECK_EQ(seL4_MessageInfo_get_length(vm->info), seL4_VGICMaintenance_Length);
	return seL4_GetMR(seL4_VGICMaintenance_IDX);
}

static void vgic_interrupt_is_taken(void)
{
	struct kt_vm vm = new_irq_vm();

	CHECK_OK(inject(&vm, 40, 10, 0));
	kt_vm_next(&vm);
	CHECK_EQ(maintenance(&vm), 0);
	CHECK_EQ(registers(&vm).x19, 1);
	CHECK_EQ(registers(&vm).x20, 40);
}

static void vgic_maintenance_names_the_list_register(void)
{
	struct kt_vm vm = new_irq_vm();

	for (seL4_Uint8 index = 0; index < 4; index++) {
		CHECK_OK(inject(&vm, (seL4_Uint16)(50 + index), 10, index));
		if (index == 0)
			kt_vm_next(&vm);
		else
			kt_vm_resume(&vm);
		CHECK_EQ(maintenance(&vm), index);
		CHECK_EQ(registers(&vm).x20, 50u + index);
	}
}

/*
 * All four filled in one exit; taken in the order of priority. Steps of 8: on GICv3 the number goes into
 * the list register's 8-bit field as it is, of which hardware may have the upper five bits only.
 */
static void vgic_priorities(void)
{
	struct kt_vm vm = new_irq_vm();

	CHECK_OK(inject(&vm, 41, 24, 0));
	CHECK_OK(inject(&vm, 42, 0, 1));
	CHECK_OK(inject(&vm, 43, 16, 2));
	CHECK_OK(inject(&vm, 44, 8, 3));
	kt_vm_next(&vm);
	for (int i = 0; i < 4; i++) {
		kt_vm_exit(&vm, seL4_Fault_VGICMaintenance);
		if (registers(&vm).x19 == 4)
			break;
		kt_vm_resume(&vm);
	}
	CHECK_EQ(registers(&vm).x19, 4);
	CHECK_EQ(registers(&vm).x21, 42u << 24 | 44 << 16 | 43 << 8 | 41);
}

static void vgic_injected_while_running(void)
{
	struct kt_vm vm = new_irq_vm();

	kt_vm_next(&vm);
	kt_sleep(3); /* it spins now, with interrupts on */
	for (seL4_Word i = 1; i <= 5; i++) {
		CHECK_OK(inject(&vm, 60, 10, 0));
		CHECK_EQ(maintenance(&vm), 0);
		CHECK_EQ(registers(&vm).x19, i);
		kt_vm_resume(&vm);
	}
}

/* Exit-path rule 7: inject by the first phase of NBSendRecv, receive the next exit in the second. */
static void vgic_injected_by_nbsendrecv(void)
{
	struct kt_vm vm = new_irq_vm();
	seL4_Word badge;

	kt_vm_next(&vm);
	kt_sleep(3);
	seL4_SetMR(0, 61 | 10 << 16 | (seL4_Word)group() << 24 | 2ul << 32);
	vm.info = seL4_NBSendRecv(vm.vcpu, seL4_MessageInfo_new(ARMVCPUInjectIRQ, 0, 0, 1),
				  vm.endpoint, &badge, vm.reply);
	CHECK_EQ(seL4_MessageInfo_get_label(vm.info), seL4_Fault_VGICMaintenance);
	CHECK_EQ(seL4_GetMR(0), 2);
	CHECK_EQ(registers(&vm).x20, 61);
}

/* Another guest has this core for a while: what its registers held is in the kernel's objects then. */
static void other_guest(void)
{
	struct kt_vm other = NEW_VM(hvc);

	kt_vm_start(&other, 9, 0);
	CHECK_EQ(kt_vm_result(&other), 9);
}

/* Kept in the object while another guest has the core. */
static void vgic_state_is_switched(void)
{
	struct kt_vm a = new_irq_vm();

	CHECK_OK(inject(&a, 45, 10, 1));
	other_guest();
	kt_vm_next(&a);
	CHECK_EQ(maintenance(&a), 1);
	CHECK_EQ(registers(&a).x20, 45);
}

/* Injected before the guest's first instruction. */
static void vgic_injected_before_start(void)
{
	struct kt_vm vm;

	if (kt_gic() == 3) {
		vm = NEW_VM(irq3);
	} else {
		vm = NEW_VM(irq2);
		kt_map_in(vm.vspace,
			  kt_device_frame(GICV_PADDR, seL4_ARM_SmallPageObject, seL4_PageBits),
			  GICC_IPA, seL4_ReadWrite, (seL4_ARM_VMAttributes)0);
	}
	CHECK_OK(inject(&vm, 46, 10, 3));
	kt_vm_start(&vm, GICC_IPA, 0);
	kt_vm_result(&vm);
	kt_vm_next(&vm);
	CHECK_EQ(maintenance(&vm), 3);
	CHECK_EQ(registers(&vm).x20, 46);
}

/*
 * Exit-path rule 7: whether a list register is active is looked up in the kernel's copy, which dates
 * from the last change of guests on the core, or the last end of its interrupt.
 */
static void vgic_injected_over_active(void)
{
	struct kt_vm vm = new_vm_that(true);

	CHECK_OK(inject(&vm, 40, 10, 0));
	kt_vm_next(&vm);
	kt_vm_result(&vm);
	CHECK_EQ(registers(&vm).x20, 40);
	CHECK_OK(inject(&vm, 41, 10, 0)); /* active, but the kernel does not know: replaced */
	kt_vm_next(&vm);
	kt_vm_result(&vm);
	CHECK_EQ(registers(&vm).x20, 41);
	other_guest();
	CHECK_EQ(inject(&vm, 42, 10, 0), seL4_DeleteFirst);
	CHECK_OK(inject(&vm, 43, 10, 1));
	kt_vm_next(&vm);
	CHECK_EQ(maintenance(&vm), 0);
	CHECK_OK(inject(&vm, 44, 0, 0));
	kt_vm_resume(&vm);
	kt_vm_result(&vm);
	CHECK_EQ(registers(&vm).x20, 44);
}

/*
 * The timer guest's report that it has armed its timer. On a slow machine the timer may be faster: the
 * event is left unacknowledged, thus masked, until the guest has come to its report.
 */
static void timer_report(struct kt_vm *vm)
{
	vm->info = seL4_Recv(vm->endpoint, &vm->badge, vm->reply);
	if (seL4_MessageInfo_get_label(vm->info) == seL4_Fault_VPPIEvent) {
		kt_vm_resume(vm);
		kt_vm_result(vm);
		CHECK_OK(seL4_ARM_VCPU_AckVPPI(vm->vcpu, TIMER));
		return;
	}
	CHECK_EQ(seL4_MessageInfo_get_label(vm->info), seL4_Fault_UnknownSyscall);
}

/* x0 decides whether the guest arms its timer again (1) or spins (0). */
static void answer_timer_guest(struct kt_vm *vm, seL4_Word again)
{
	seL4_UserContext regs = { .pc = 0 };

	CHECK_OK(seL4_TCB_ReadRegisters(vm->tcb, false, 0, 4, &regs));
	regs.pc += 4;
	regs.x0 = again;
	CHECK_OK(seL4_TCB_WriteRegisters(vm->tcb, false, 0, 4, &regs));
	kt_vm_resume(vm);
}

static void vgic_timer_event(void)
{
	struct kt_vm vm = NEW_VM(timer);

	kt_vm_start(&vm, TICKS, 0);
	timer_report(&vm);
	answer_timer_guest(&vm, 0);
	kt_vm_exit(&vm, seL4_Fault_VPPIEvent);
	CHECK_EQ(seL4_MessageInfo_get_length(vm.info), seL4_VPPIEvent_Length);
	CHECK_EQ(seL4_GetMR(seL4_VPPIEvent_IRQ), TIMER);
}

/* Masked until acknowledged; with the timer still expired it comes again at once. */
static void vgic_timer_acknowledge(void)
{
	struct kt_vm vm = NEW_VM(timer);

	kt_vm_start(&vm, TICKS, 0);
	timer_report(&vm);
	answer_timer_guest(&vm, 0);
	for (int i = 0; i < 3; i++) {
		kt_vm_exit(&vm, seL4_Fault_VPPIEvent);
		CHECK_OK(seL4_ARM_VCPU_AckVPPI(vm.vcpu, TIMER));
		kt_vm_resume(&vm);
	}
	kt_vm_exit(&vm, seL4_Fault_VPPIEvent);
	kt_vm_resume(&vm); /* without acknowledgement */
	CHECK_OK(seL4_TCB_BindNotification(kt_own_tcb(), kt_new(seL4_NotificationObject, 0)));
	kt_sleep(5);
	seL4_NBRecv(vm.endpoint, &vm.badge, vm.reply);
	CHECK_EQ(vm.badge, 0);
	/* Late, it makes up for what was missed when the guest runs again. */
	CHECK_OK(seL4_ARM_VCPU_AckVPPI(vm.vcpu, TIMER));
	CHECK_OK(seL4_TCB_Suspend(vm.tcb));
	CHECK_OK(seL4_TCB_Resume(vm.tcb));
	kt_vm_exit(&vm, seL4_Fault_VPPIEvent);
}

static void vgic_timer_rearmed(void)
{
	struct kt_vm vm = NEW_VM(timer);

	kt_vm_start(&vm, TICKS, 0);
	for (int i = 0; i < 3; i++) {
		timer_report(&vm);
		answer_timer_guest(&vm, i < 2);
	}
	kt_vm_exit(&vm, seL4_Fault_VPPIEvent);
}

/* What the VMM reads of the timer is what the guest set. Exit-path rule 8 masks it there. */
static void vgic_timer_registers(void)
{
	struct kt_vm vm = NEW_VM(timer);
	seL4_ARM_VCPU_ReadRegs_t r;

	kt_vm_start(&vm, TICKS, 0);
	timer_report(&vm);
	r = seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_CNTV_CVAL);
	CHECK_OK(r.error);
	CHECK(r.value > 100);
	r = seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_CNTV_CTL);
	CHECK_OK(r.error);
	CHECK_EQ(r.value & 3, 1);
	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_CNTV_CTL, 3));
	answer_timer_guest(&vm, 0);
	kt_sleep(200);
	seL4_NBRecv(vm.endpoint, &vm.badge, vm.reply);
	CHECK_EQ(vm.badge, 0); /* masked: no event */
}

static const struct kt_test tests[] = {
	KT(vgic_interrupt_is_taken),
	KT(vgic_maintenance_names_the_list_register),
	KT(vgic_priorities),
	KT(vgic_injected_while_running),
	KT(vgic_injected_by_nbsendrecv),
	KT(vgic_state_is_switched),
	KT(vgic_injected_before_start),
	KT(vgic_injected_over_active),
	KT(vgic_timer_event),
	KT(vgic_timer_acknowledge),
	KT(vgic_timer_rearmed),
	KT(vgic_timer_registers),
};

KT_GROUP(vgic);
