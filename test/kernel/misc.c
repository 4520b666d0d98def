/* SPDX-License-Identifier: BSD-2-Clause */
/* FPU, SMC, debugging. */
#include "test/kernel/kt.h"

/* guest.S: d0 of the calling thread, without the compiler's help. */
void fpu_set(seL4_Word value);
seL4_Word fpu_get(void);

static volatile seL4_Word done, wrong;

static void fpu_user(seL4_Word value)
{
	fpu_set(value);
	for (int i = 0; i < 50; i++) {
		seL4_Yield();
		if (fpu_get() != value)
			wrong++;
	}
	done++;
}

static void fpu_is_switched(void)
{
	done = 0;
	wrong = 0;
	fpu_set(0x1234);
	kt_spawn(fpu_user, 0x1111, KT_PRIO);
	kt_spawn(fpu_user, 0x2222, KT_PRIO);
	kt_spawn(fpu_user, 0x3333, KT_PRIO);
	while (done < 3)
		seL4_Yield();
	CHECK_EQ(wrong, 0);
	CHECK_EQ(fpu_get(), 0x1234);
}

/* A handler without FPU between two users of it costs them nothing and changes nothing. */
static void fpu_less(seL4_Word unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++)
		seL4_Yield();
	done++;
}

static void fpu_disabled_thread(void)
{
	struct kt_thread t = kt_thread_new(fpu_less, 0, KT_PRIO);

	done = 0;
	wrong = 0;
	CHECK_OK(seL4_TCB_SetFlags(t.tcb, 0, seL4_TCBFlag_fpuDisabled).error);
	kt_spawn(fpu_user, 0x1111, KT_PRIO);
	kt_start(&t);
	kt_spawn(fpu_user, 0x2222, KT_PRIO);
	while (done < 3)
		seL4_Yield();
	CHECK_EQ(wrong, 0);
}

static void fpu_toucher(seL4_Word value)
{
	fpu_set(value);
	done = 1;
}

static void fpu_disabled_thread_faults(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0), reply = kt_new(seL4_ReplyObject, 0);
	struct kt_thread t = kt_thread_new(fpu_toucher, 1, KT_PRIO + 1);
	seL4_MessageInfo_t info;

	done = 0;
	kt_fault_to(&t, faults);
	CHECK_OK(seL4_TCB_SetFlags(t.tcb, 0, seL4_TCBFlag_fpuDisabled).error);
	kt_start(&t);
	info = seL4_Recv(faults, seL4_Null, reply);
	/* Not a user exception: what the kernel does not handle at EL2 is a VCPU fault there. */
	CHECK_EQ(seL4_MessageInfo_get_label(info), seL4_Fault_VCPUFault);
	CHECK_EQ(seL4_GetMR(seL4_VCPUFault_HSR) >> 26, 0x07);
	CHECK_EQ(done, 0);
	/* Allowed again, the same instruction goes through. */
	CHECK_OK(seL4_TCB_SetFlags(t.tcb, seL4_TCBFlag_fpuDisabled, 0).error);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK_EQ(done, 1);
}

#define PSCI_VERSION  0x84000000ul
#define PSCI_FEATURES 0x8400000aul

static void smc_call(void)
{
	seL4_ARM_SMCContext call = { .x0 = PSCI_VERSION }, answer = { .x0 = ~0ul };

	CHECK_OK(seL4_ARM_SMC_Call(seL4_CapSMC, &call, &answer));
	CHECK(answer.x0 >= 2 && answer.x0 < 0x20000);
}

/* A badge allows one function only. */
static void smc_badge(void)
{
	seL4_CPtr version = kt_mint(seL4_CapSMC, seL4_AllRights, PSCI_VERSION);
	seL4_ARM_SMCContext call = { .x0 = PSCI_VERSION }, answer = { .x0 = 0 };

	CHECK_OK(seL4_ARM_SMC_Call(version, &call, &answer));
	call.x0 = PSCI_FEATURES;
	CHECK_EQ(seL4_ARM_SMC_Call(version, &call, &answer), seL4_IllegalOperation);
	CHECK_EQ(kt_invoke_raw(version, ARMSMCCall, 0, 7), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(version, TCBSuspend, 0, 8), seL4_IllegalOperation);
}

static void debug_cap_identify(void)
{
	CHECK_EQ(seL4_DebugCapIdentify(kt_slots(1)), 0);
	CHECK(seL4_DebugCapIdentify(seL4_CapInitThreadTCB) != 0);
	CHECK(seL4_DebugCapIdentify(seL4_CapInitThreadTCB) !=
	      seL4_DebugCapIdentify(seL4_CapInitThreadCNode));
}

static void debug_name_thread(void)
{
	seL4_DebugNameThread(kt_own_tcb(), "kernel test");
	seL4_DebugPutChar('\n');
}

static void debug_caller(seL4_Word unused)
{
	(void)unused;
	seL4_DebugPutChar('\n');
	done = 1;
}

/* Either it prints, or it is an unknown system call: nothing else. */
static void debug_put_char_or_fault(void)
{
	seL4_CPtr faults = kt_new(seL4_EndpointObject, 0), reply = kt_new(seL4_ReplyObject, 0);
	struct kt_thread t = kt_thread_new(debug_caller, 0, KT_PRIO + 1);

	done = 0;
	kt_fault_to(&t, faults);
	kt_start(&t);
	if (kt_debug_kernel()) {
		CHECK_EQ(done, 1);
		return;
	}
	CHECK_EQ(seL4_MessageInfo_get_label(seL4_Recv(faults, seL4_Null, reply)),
		 seL4_Fault_UnknownSyscall);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_Syscall), (seL4_Word)seL4_SysDebugPutChar);
}

static const struct kt_test tests[] = {
	KT(fpu_is_switched),
	KT(fpu_disabled_thread),
	KT(fpu_disabled_thread_faults),
	KT_ON(smc_call, KT_SMC),
	KT_ON(smc_badge, KT_SMC),
	KT_ON(debug_cap_identify, KT_DEBUG),
	KT_ON(debug_name_thread, KT_DEBUG),
	KT(debug_put_char_or_fault),
};

KT_GROUP(misc);
