/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two cores: what happens on one because of the other. The test itself runs on core 0, and sleeps while
 * it waits: under emulation, a core that spins takes its time from those that work.
 */
#include "test/kernel/guests.h"
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr endpoint, reply, ntfn, ready;
	volatile seL4_Word count, done;
} s;

static void start(void)
{
	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.ntfn = kt_new(seL4_NotificationObject, 0);
	s.ready = kt_new(seL4_NotificationObject, 0);
	s.count = 0;
	s.done = 0;
}

static struct kt_thread spawn_on(unsigned core, kt_entry entry, seL4_Word argument,
				 seL4_Word priority)
{
	struct kt_thread t = kt_thread_new(entry, argument, priority);

	kt_set_sc(t.sc, core, 5000, 5000);
	kt_start(&t);
	return t;
}

static void spin(seL4_Word unused)
{
	(void)unused;
	for (;;)
		s.count++;
}

static void smp_runs_in_parallel(void)
{
	start();
	spawn_on(1, spin, 0, 250); /* of higher priority than us, but elsewhere */
	kt_until(&s.count, 1000);
}

static void waiter(seL4_Word unused)
{
	(void)unused;
	for (;;) {
		seL4_Wait(s.ntfn, seL4_Null);
		s.count++;
	}
}

static void smp_signal(void)
{
	start();
	spawn_on(1, waiter, 0, KT_PRIO);
	for (seL4_Word i = 1; i <= 20; i++) {
		seL4_Signal(s.ntfn);
		kt_until(&s.count, i);
	}
}

static void signaller(seL4_Word times)
{
	for (seL4_Word i = 0; i < times; i++) {
		seL4_Signal(s.ntfn);
		seL4_Wait(s.ready, seL4_Null);
	}
	s.done = 1;
}

static void smp_ping_pong(void)
{
	start();
	spawn_on(1, signaller, 20, KT_PRIO);
	for (int i = 0; i < 20; i++) {
		seL4_Wait(s.ntfn, seL4_Null);
		seL4_Signal(s.ready);
	}
	kt_until(&s.done, 1);
}

static void server(seL4_Word unused)
{
	(void)unused;
	seL4_Recv(s.endpoint, seL4_Null, s.reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 1);
		seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), seL4_Null, s.reply);
	}
}

static void smp_call(void)
{
	start();
	spawn_on(1, server, 0, KT_PRIO);
	for (seL4_Word i = 0; i < 20; i++) {
		seL4_SetMR(0, i);
		seL4_Call(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
		CHECK_EQ(seL4_GetMR(0), i + 1);
	}
}

static void passive_server(seL4_Word unused)
{
	(void)unused;
	seL4_NBSendRecv(s.ready, seL4_MessageInfo_new(0, 0, 0, 0), s.endpoint, seL4_Null, s.reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 1);
		seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), seL4_Null, s.reply);
	}
}

static void client(seL4_Word times)
{
	for (seL4_Word i = 0; i < times; i++) {
		seL4_SetMR(0, i);
		seL4_Call(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
		if (seL4_GetMR(0) != i + 1)
			return;
	}
	s.done = 1;
}

/* A passive server runs wherever its client's scheduling context belongs. */
static void smp_passive_server(void)
{
	struct kt_thread t;

	start();
	t = kt_spawn(passive_server, 0, KT_PRIO);
	seL4_Wait(s.ready, seL4_Null);
	CHECK_OK(seL4_SchedContext_Unbind(t.sc));
	spawn_on(1, client, 20, KT_PRIO);
	kt_until(&s.done, 1);
	s.done = 0;
	kt_spawn(client, 20, KT_PRIO + 1);
	CHECK_EQ(s.done, 1);
}

static void smp_suspend_remote(void)
{
	struct kt_thread t;
	seL4_Word before;

	start();
	t = spawn_on(1, spin, 0, KT_PRIO);
	kt_until(&s.count, 1000);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	before = s.count;
	kt_sleep(5);
	CHECK_EQ(s.count, before);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	kt_until(&s.count, before + 1000);
}

static void smp_delete_remote(void)
{
	struct kt_thread t;
	seL4_Word before;

	start();
	t = spawn_on(1, spin, 0, KT_PRIO);
	kt_until(&s.count, 1000);
	kt_delete(t.tcb);
	before = s.count;
	kt_sleep(5);
	CHECK_EQ(s.count, before);
}

static void smp_registers_of_remote(void)
{
	seL4_UserContext regs = { .pc = 0 };
	struct kt_thread t;

	start();
	t = spawn_on(1, spin, 0, KT_PRIO);
	kt_until(&s.count, 1000);
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, false, 0, 2, &regs));
	CHECK(regs.pc != 0 && regs.sp != 0);
}

static void smp_priority_of_remote(void)
{
	struct kt_thread a;

	start();
	a = spawn_on(1, spin, 0, KT_PRIO);
	spawn_on(1, waiter, 0, KT_PRIO - 1);
	kt_until(&s.count, 1000);
	CHECK_OK(seL4_TCB_SetPriority(a.tcb, seL4_CapInitThreadTCB, 1));
	CHECK_OK(seL4_TCB_Suspend(a.tcb));
	s.count = 0;
	seL4_Signal(s.ntfn);
	kt_until(&s.count, 1);
}

/* Reconfigured by another core's control capability, a thread moves, running or not. */
static void smp_migrate(void)
{
	struct kt_thread t;
	seL4_Word before;

	start();
	t = spawn_on(1, spin, 0, KT_PRIO - 1);
	kt_until(&s.count, 1000);
	for (int i = 0; i < 5; i++) {
		kt_set_sc(t.sc, 0, 5000, 5000);
		before = s.count;
		for (volatile int j = 0; j < 100000; j++)
			;
		CHECK(s.count <= before + 1); /* below us on our core: it cannot run */
		kt_set_sc(t.sc, 1, 5000, 5000);
		kt_until(&s.count, before + 1000);
	}
}

static void toucher(seL4_Word address)
{
	for (;;) {
		*(volatile uint64_t *)address += 1;
		s.count++;
	}
}

/* Translations that the other core has cached must go. */
static void smp_unmap_reaches_the_other_core(void)
{
	seL4_CPtr frame, faults = kt_new(seL4_EndpointObject, 0);
	struct kt_thread t;

	start();
	for (int i = 0; i < 5; i++) {
		frame = kt_map(KT_WINDOW);
		if (i == 0) {
			t = kt_thread_new(toucher, KT_WINDOW + 64, KT_PRIO);
			kt_set_sc(t.sc, 1, 5000, 5000);
			kt_fault_to(&t, faults);
			kt_start(&t);
		} else {
			seL4_Send(s.reply, seL4_MessageInfo_new(0, 0, 0, 0));
		}
		s.count = 0;
		kt_until(&s.count, 1000);
		CHECK_OK(seL4_ARM_Page_Unmap(frame));
		CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, s.reply)),
			 seL4_Fault_VMFault);
		CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), KT_WINDOW + 64);
	}
}

static void smp_timeout_on_other_core(void)
{
	struct kt_thread t;
	seL4_MessageInfo_t info;

	start();
	t = kt_thread_new(spin, 0, KT_PRIO);
	CHECK_OK(seL4_SchedControl_Configure(kt_bootinfo()->schedcontrol.start + 1, t.sc, 2000,
					     100000, 0, 0x71));
	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(t.tcb, s.endpoint));
	kt_start(&t);
	info = seL4_Recv(s.endpoint, seL4_Null, s.reply);
	CHECK_EQ(seL4_MessageInfo_get_label(info), seL4_Fault_Timeout);
	CHECK_EQ(seL4_GetMR(seL4_Timeout_Data), 0x71);
}

static void smp_sleeper_on_other_core(void)
{
	struct kt_thread t;

	start();
	t = kt_thread_new(signaller, 1, KT_PRIO);
	kt_set_sc(t.sc, 1, 1000, 10000);
	kt_start(&t);
	seL4_Wait(s.ntfn, seL4_Null);
	seL4_Signal(s.ready);
	kt_until(&s.done, 1);
}

static void arrive(seL4_Word core)
{
	(void)core;
	__atomic_fetch_add(&s.done, 1, __ATOMIC_SEQ_CST);
}

/* Creation and revocation on both cores at once. */
static void churn(seL4_Word slot)
{
	seL4_CPtr untyped = slot, first = slot + 1;

	for (seL4_Word i = 0; i < 100; i++) {
		if (seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, KT_ROOT, 0, 0, first,
					16) != seL4_NoError ||
		    seL4_CNode_Revoke(KT_ROOT, untyped, KT_DEPTH) != seL4_NoError)
			return;
	}
	arrive(0);
}

static void smp_revoke_on_both(void)
{
	seL4_CPtr slots[2];

	start();
	for (int i = 0; i < 2; i++) {
		slots[i] = kt_slots(17);
		CHECK_OK(seL4_Untyped_Retype(kt_memory(), seL4_UntypedObject, 12, KT_ROOT, 0, 0,
					     slots[i], 1));
	}
	spawn_on(1, churn, slots[1], KT_PRIO);
	churn(slots[0]);
	kt_until(&s.done, 2);
}

static struct kt_vm remote_vm(struct kt_vm vm)
{
	kt_set_sc(vm.sc, 1, 5000, 5000);
	return vm;
}

static void smp_guest_exits_to_other_core(void)
{
	struct kt_vm vm = remote_vm(NEW_VM(load));
	seL4_UserContext regs = { .pc = 0 };

	kt_vm_start(&vm, 0x0b000000, 0);
	kt_vm_exit(&vm, seL4_Fault_VMFault);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), 0x0b000000);
	CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
	regs.pc += 4;
	regs.x10 = 0x5a5a;
	CHECK_OK(seL4_TCB_WriteRegisters(vm.tcb, false, 0, 36, &regs));
	kt_vm_resume(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0x5a5a);
}

static void smp_guests_in_parallel(void)
{
	struct kt_vm a = NEW_VM(count), b = remote_vm(NEW_VM(count));
	volatile uint64_t *x = (volatile uint64_t *)(void *)(a.ram + 0xf00);
	volatile uint64_t *y = (volatile uint64_t *)(void *)(b.ram + 0xf00);

	kt_vm_start(&a, 0, 0);
	kt_vm_start(&b, 0, 0);
	kt_until(x, 1);
	kt_until(y, 1);
	CHECK_OK(seL4_TCB_Suspend(b.tcb));
	kt_delete(b.vcpu);
}

/* Why a VM's handlers run on its vCPUs' cores: from elsewhere, registers read as they were last saved,
 * and what is written is lost. */
static void smp_vcpu_registers_from_elsewhere(void)
{
	struct kt_vm vm = remote_vm(NEW_VM(sysregs));

	kt_vm_start(&vm, 0x50000, 0);
	kt_vm_result(&vm);
	CHECK_EQ(seL4_ARM_VCPU_ReadRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1).value, 0);
	CHECK_OK(seL4_ARM_VCPU_WriteRegs(vm.vcpu, seL4_VCPUReg_TPIDR_EL1, 0x77));
	kt_vm_next(&vm);
	CHECK_EQ(kt_vm_result(&vm), 0); /* of its registers that have changed */
}

/* Into a guest that runs on the other core: at once, by the kernel's own message between cores. */
static void smp_inject_into_running_guest(void)
{
	seL4_UserContext regs = { .pc = 0 };
	struct kt_vm vm;

	if (kt_gic() == 3) {
		vm = remote_vm(NEW_VM(irq3));
	} else {
		vm = remote_vm(NEW_VM(irq2));
		kt_map_in(vm.vspace, kt_device_frame(0x08040000, seL4_ARM_SmallPageObject, 12),
			  0x08010000, seL4_ReadWrite, (seL4_ARM_VMAttributes)0);
	}
	kt_vm_start(&vm, 0x08010000, 0);
	kt_vm_result(&vm);
	kt_vm_next(&vm);
	for (seL4_Word i = 1; i <= 10; i++) {
		CHECK_OK(seL4_ARM_VCPU_InjectIRQ(vm.vcpu, 70, 10, kt_gic() == 3, 0));
		kt_vm_exit(&vm, seL4_Fault_VGICMaintenance);
		CHECK_EQ(seL4_GetMR(0), 0);
		CHECK_OK(seL4_TCB_ReadRegisters(vm.tcb, false, 0, 36, &regs));
		CHECK_EQ(regs.x19, i);
		CHECK_EQ(regs.x20, 70);
		kt_vm_resume(&vm);
	}
}

/* All cores of the machine, as far as there are threads. */
static void smp_every_core(void)
{
	unsigned core;

	start();
	for (core = 1; core < kt_bootinfo()->numNodes && core < KT_THREADS - 3; core++)
		spawn_on(core, arrive, core, KT_PRIO);
	kt_until(&s.done, core - 1);
}

static const struct kt_test tests[] = {
	KT_ON(smp_runs_in_parallel, KT_SMP),
	KT_ON(smp_signal, KT_SMP),
	KT_ON(smp_ping_pong, KT_SMP),
	KT_ON(smp_call, KT_SMP),
	KT_ON(smp_passive_server, KT_SMP),
	KT_ON(smp_suspend_remote, KT_SMP),
	KT_ON(smp_delete_remote, KT_SMP),
	KT_ON(smp_registers_of_remote, KT_SMP),
	KT_ON(smp_priority_of_remote, KT_SMP),
	KT_ON(smp_migrate, KT_SMP),
	KT_ON(smp_unmap_reaches_the_other_core, KT_SMP),
	KT_ON(smp_timeout_on_other_core, KT_SMP),
	KT_ON(smp_sleeper_on_other_core, KT_SMP),
	KT_ON(smp_revoke_on_both, KT_SMP),
	KT_ON(smp_guest_exits_to_other_core, KT_SMP),
	KT_ON(smp_guests_in_parallel, KT_SMP),
	KT_ON(smp_vcpu_registers_from_elsewhere, KT_SMP),
	KT_ON(smp_inject_into_running_guest, KT_SMP),
	KT_ON(smp_every_core, KT_SMP),
};

KT_GROUP(smp);
