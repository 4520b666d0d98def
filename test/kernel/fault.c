/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of ordinary threads, what their messages say, and how they are answered. */
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr endpoint, reply;
	volatile seL4_Word done, value;
	seL4_MessageInfo_t info;
	seL4_Word badge;
} s;

enum { BADGE = 0xfa };

extern char fault_udf_pc[], fault_svc_pc[], fault_load_pc[], fault_store_pc[];

/* The faulting instructions have names, so that a test can say where a fault must be. */
__asm__(".text\n"
	".global fault_udf_pc, fault_svc_pc, fault_load_pc, fault_store_pc\n"
	"fault_udf: fault_udf_pc: udf #7\n mov x0, #17\n ret\n"
	"fault_svc: mov x7, x0\n mov x0, #0x10\n mov x1, #0x11\n mov x2, #0x12\n mov x6, #0x16\n"
	"fault_svc_pc: svc #0\n ret\n"
	"fault_load: fault_load_pc: ldr x0, [x0]\n ret\n"
	"fault_store: fault_store_pc: str w1, [x0]\n ret\n");

seL4_Word fault_udf(void) __asm__("fault_udf");
seL4_Word fault_svc(seL4_Word number) __asm__("fault_svc");
seL4_Word fault_load(seL4_Word address) __asm__("fault_load");
void fault_store(seL4_Word address, seL4_Word value) __asm__("fault_store");

static struct kt_thread provoke(kt_entry entry, seL4_Word argument)
{
	struct kt_thread t = kt_thread_new(entry, argument, KT_PRIO - 1);

	s.endpoint = kt_new(seL4_EndpointObject, 0);
	s.reply = kt_new(seL4_ReplyObject, 0);
	s.done = 0;
	kt_fault_to(&t, kt_mint(s.endpoint, seL4_AllRights, BADGE));
	kt_start(&t);
	s.info = seL4_Recv(s.endpoint, &s.badge, s.reply);
	CHECK_EQ(s.badge, BADGE);
	return t;
}

static void expect(seL4_Word label, seL4_Word length)
{
	CHECK_EQ(seL4_MessageInfo_get_label(s.info), label);
	CHECK_EQ(seL4_MessageInfo_get_length(s.info), length);
}

static void answer(seL4_Word label, seL4_Word length)
{
	seL4_Send(s.reply, seL4_MessageInfo_new(label, 0, 0, length));
}

static void run_udf(seL4_Word unused)
{
	(void)unused;
	s.value = fault_udf();
	s.done = 1;
}

static void fault_undefined_instruction(void)
{
	provoke(run_udf, 0);
	expect(seL4_Fault_UserException, seL4_UserException_Length);
	CHECK_EQ(seL4_GetMR(seL4_UserException_FaultIP), fault_udf_pc);
	CHECK(seL4_GetMR(seL4_UserException_SP) != 0);
	CHECK_EQ(seL4_GetMR(seL4_UserException_SPSR) & 0xf, 0);
	/* The reply's first words replace the pc. */
	seL4_SetMR(0, (seL4_Word)fault_udf_pc + 4);
	answer(0, 1);
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.value, 17);
}

/* A reply of length 0 restarts the instruction: the same fault again. */
static void fault_reply_restarts(void)
{
	provoke(run_udf, 0);
	for (int i = 0; i < 3; i++) {
		s.info = seL4_ReplyRecv(s.endpoint, seL4_MessageInfo_new(0, 0, 0, 0), &s.badge,
					s.reply);
		expect(seL4_Fault_UserException, seL4_UserException_Length);
		CHECK_EQ(seL4_GetMR(seL4_UserException_FaultIP), fault_udf_pc);
	}
}

/* Any other label leaves the thread stopped. */
static void fault_reply_with_label_stops(void)
{
	struct kt_thread t = provoke(run_udf, 0);

	seL4_SetMR(0, (seL4_Word)fault_udf_pc + 4);
	answer(1, 1);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1); /* the words were taken all the same */
}

static void run_svc(seL4_Word number)
{
	s.value = fault_svc(number);
	s.done = 1;
}

static void fault_unknown_syscall(void)
{
	provoke(run_svc, 1234);
	expect(seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X0), 0x10);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X1), 0x11);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X2), 0x12);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X6), 0x16);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_X7), 1234);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_FaultIP), fault_svc_pc);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_LR), fault_svc_pc + 4);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_Syscall), 1234);
	seL4_SetMR(seL4_UnknownSyscall_X0, 0xabc);
	seL4_SetMR(seL4_UnknownSyscall_FaultIP, (seL4_Word)fault_svc_pc + 4);
	answer(0, seL4_UnknownSyscall_FaultIP + 1);
	kt_until(&s.done, 1);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.value, 0xabc);
}

static void fault_unknown_syscall_zero(void)
{
	provoke(run_svc, 0);
	expect(seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	CHECK_EQ(seL4_GetMR(seL4_UnknownSyscall_Syscall), 0);
}

static void run_load(seL4_Word address)
{
	s.value = fault_load(address);
	s.done = 1;
}

static void fault_load_from_nowhere(void)
{
	struct kt_thread t = provoke(run_load, KT_WINDOW + 0x1238);
	seL4_UserContext regs = { .pc = 0 };

	expect(seL4_Fault_VMFault, seL4_VMFault_Length);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_IP), fault_load_pc);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), KT_WINDOW + 0x1238);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_PrefetchFault), 0);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 26, 0x24); /* EC: data abort from below */
	/* The page appears; a plain reply starts the load again. */
	kt_map(KT_WINDOW + 0x1000);
	*(volatile seL4_Word *)(KT_WINDOW + 0x1238) = 0x5ca1ab1e;
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, false, 0, 4, &regs));
	CHECK_EQ(regs.pc, fault_load_pc);
	answer(0, 0);
	kt_until(&s.done, 1);
	CHECK_EQ(s.value, 0x5ca1ab1e);
}

static void run_store(seL4_Word address)
{
	fault_store(address, 1);
	s.done = 1;
}

static void fault_store_to_read_only(void)
{
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);

	kt_map_in(seL4_CapInitThreadVSpace, frame, KT_WINDOW, seL4_CanRead,
		  seL4_ARM_Default_VMAttributes);
	CHECK_EQ(*(volatile uint32_t *)KT_WINDOW, 0);
	provoke(run_store, KT_WINDOW + 4);
	expect(seL4_Fault_VMFault, seL4_VMFault_Length);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_IP), fault_store_pc);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), KT_WINDOW + 4);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 6 & 1, 1);   /* WnR */
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 2 & 0xf, 3); /* permission */
}

static void run_jump(seL4_Word address)
{
	((void (*)(void))address)();
	s.done = 1;
}

static void fault_jump_to_nowhere(void)
{
	provoke(run_jump, KT_WINDOW + 0x4000);
	expect(seL4_Fault_VMFault, seL4_VMFault_Length);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_IP), KT_WINDOW + 0x4000);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_Addr), KT_WINDOW + 0x4000);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_PrefetchFault), 1);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 26, 0x20);
}

static void fault_jump_to_execute_never(void)
{
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);

	kt_map_in(seL4_CapInitThreadVSpace, frame, KT_WINDOW, seL4_AllRights,
		  (seL4_ARM_VMAttributes)(seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever));
	provoke(run_jump, KT_WINDOW);
	expect(seL4_Fault_VMFault, seL4_VMFault_Length);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_PrefetchFault), 1);
	CHECK_EQ(seL4_GetMR(seL4_VMFault_FSR) >> 2 & 0xf, 3);
}

static void run_recv(seL4_Word cap)
{
	seL4_Recv(cap, seL4_Null, 0);
	s.done = 1;
}

/* Outside the root CNode: its 52-bit guard is zero. */
static void fault_capability_lookup(void)
{
	const seL4_Word bad = 0x123000ul << 12;

	provoke(run_recv, bad);
	CHECK_EQ(seL4_MessageInfo_get_label(s.info), seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), bad);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_GuardMismatch);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_BitsLeft), 64);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_GuardMismatch_GuardFound), 0);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_GuardMismatch_BitsFound), 52);
}

static void run_send(seL4_Word cap)
{
	seL4_Send(cap, seL4_MessageInfo_new(0, 0, 0, 0));
	s.done = 1;
}

static void fault_send_lookup(void)
{
	provoke(run_send, 1ul << 40);
	CHECK_EQ(seL4_MessageInfo_get_label(s.info), seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), 1ul << 40);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_InRecvPhase), 0);
}

static void run_nbsend(seL4_Word cap)
{
	seL4_NBSend(cap, seL4_MessageInfo_new(0, 0, 0, 0));
	s.done = 1;
}

/* A non-blocking send reports nothing, whatever is wrong. */
static void fault_none_by_nbsend(void)
{
	kt_spawn(run_nbsend, 1ul << 40, KT_PRIO + 1);
	CHECK_EQ(s.done, 1);
}

static void run_call_with_bad_extra_cap(seL4_Word cap)
{
	seL4_SetCap(0, 1ul << 40);
	seL4_Call(cap, seL4_MessageInfo_new(CNodeCopy, 0, 1, 5));
	s.done = 1;
}

static void fault_extra_cap_lookup(void)
{
	provoke(run_call_with_bad_extra_cap, KT_ROOT);
	CHECK_EQ(seL4_MessageInfo_get_label(s.info), seL4_Fault_CapFault);
	CHECK_EQ(seL4_GetMR(seL4_CapFault_Addr), 1ul << 40);
}

/* Nobody to tell: the thread stops, the others go on. */
static void fault_without_handler(void)
{
	struct kt_thread t = kt_thread_new(run_udf, 0, KT_PRIO + 1);

	s.done = 0;
	kt_fault_to(&t, 0);
	kt_start(&t);
	kt_sleep(3);
	CHECK_EQ(s.done, 0);
}

/* The handler may write the registers instead, then answer. */
static void fault_answered_by_write_registers(void)
{
	struct kt_thread t = provoke(run_load, KT_WINDOW + 8);
	seL4_UserContext regs = { .pc = 0 };

	expect(seL4_Fault_VMFault, seL4_VMFault_Length);
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, false, 0, 4, &regs));
	regs.pc += 4;
	regs.x0 = 0xfeed;
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, false, 0, 4, &regs));
	answer(0, 0);
	kt_until(&s.done, 1);
	CHECK_EQ(s.value, 0xfeed);
}

/* Exit-path strategy C: writing with "resume" starts the thread without any reply. */
static void fault_answered_by_resume(void)
{
	struct kt_thread t = provoke(run_load, KT_WINDOW + 8);
	seL4_UserContext regs = { .pc = 0 };

	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, false, 0, 4, &regs));
	regs.pc += 4;
	regs.x0 = 0xbead;
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, true, 0, 4, &regs));
	kt_until(&s.done, 1);
	CHECK_EQ(s.value, 0xbead);
}

/* A suspended thread's fault is forgotten; the late reply answers nobody. */
static void fault_reply_to_suspended(void)
{
	struct kt_thread t = provoke(run_udf, 0);

	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	seL4_SetMR(0, (seL4_Word)fault_udf_pc + 4);
	answer(0, 1);
	kt_sleep(5);
	CHECK_EQ(s.done, 0);
}

static const struct kt_test tests[] = {
	KT(fault_undefined_instruction),
	KT(fault_reply_restarts),
	KT(fault_reply_with_label_stops),
	KT(fault_unknown_syscall),
	KT(fault_unknown_syscall_zero),
	KT(fault_load_from_nowhere),
	KT(fault_store_to_read_only),
	KT(fault_jump_to_nowhere),
	KT(fault_jump_to_execute_never),
	KT(fault_capability_lookup),
	KT(fault_send_lookup),
	KT(fault_none_by_nbsend),
	KT(fault_extra_cap_lookup),
	KT(fault_without_handler),
	KT(fault_answered_by_write_registers),
	KT(fault_answered_by_resume),
	KT(fault_reply_to_suspended),
};

KT_GROUP(fault);
