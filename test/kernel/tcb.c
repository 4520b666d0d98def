/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: registers, configuration and its errors, priorities, life and death. */
#include "test/kernel/kt.h"

static struct {
	seL4_CPtr endpoint, reply;
	volatile seL4_Word done, count, order[8];
} s;

static void spin(seL4_Word unused)
{
	(void)unused;
	s.count = 0;
	for (;;)
		s.count++;
}

static void once(seL4_Word id)
{
	s.order[s.done++] = id;
}

static void tcb_registers_round_trip(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_UserContext in, out = { .pc = 0 };
	seL4_Word *a = (seL4_Word *)&in, *b = (seL4_Word *)&out;

	for (seL4_Word i = 0; i < 36; i++)
		a[i] = 0x1000000000000000ul + i * 0x11111111ul;
	in.spsr = 0;
	CHECK_OK(seL4_TCB_WriteRegisters(tcb, false, 0, 36, &in));
	CHECK_OK(seL4_TCB_ReadRegisters(tcb, false, 0, 36, &out));
	for (seL4_Word i = 0; i < 36; i++) {
		if (a + i == &in.spsr)
			CHECK_EQ(b[i] & 0xf, 0); /* EL0; the kernel sets the rest */
		else
			CHECK_EQ(b[i], a[i]);
	}
}

static void tcb_registers_in_part(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_UserContext in = { .pc = 0x1000, .sp = 0x2000, .x0 = 5, .x1 = 6 };
	seL4_UserContext out = { .x1 = 99 };

	CHECK_OK(seL4_TCB_WriteRegisters(tcb, false, 0, 36, &in));
	in.pc = 0x1004;
	CHECK_OK(seL4_TCB_WriteRegisters(tcb, false, 0, 1, &in));
	CHECK_OK(seL4_TCB_ReadRegisters(tcb, false, 0, 4, &out));
	CHECK_EQ(out.pc, 0x1004);
	CHECK_EQ(out.sp, 0x2000);
	CHECK_EQ(out.x0, 5);
	CHECK_EQ(out.x1, 99);
}

static void tcb_register_counts(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_UserContext regs = { .pc = 0 };

	CHECK_EQ(seL4_TCB_ReadRegisters(tcb, false, 0, 0, &regs), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_GetMR(1), 36);
	CHECK_EQ(seL4_TCB_ReadRegisters(tcb, false, 0, 37, &regs), seL4_RangeError);
	CHECK_OK(seL4_TCB_WriteRegisters(tcb, false, 0, 0, &regs));
	seL4_SetMR(0, 0);
	seL4_SetMR(1, 4);
	CHECK_EQ(kt_invoke_raw(tcb, TCBWriteRegisters, 0, 4), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBWriteRegisters, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBReadRegisters, 0, 1), seL4_TruncatedMessage);
}

static void tcb_own_registers(void)
{
	seL4_UserContext regs = { .pc = 0 };

	CHECK_EQ(seL4_TCB_ReadRegisters(kt_own_tcb(), false, 0, 1, &regs), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_WriteRegisters(kt_own_tcb(), false, 0, 1, &regs), seL4_IllegalOperation);
}

static void tcb_copy_registers(void)
{
	seL4_CPtr a = kt_new(seL4_TCBObject, 0), b = kt_new(seL4_TCBObject, 0);
	seL4_UserContext in = { .pc = 0x1000, .sp = 0x2000, .x0 = 5, .x19 = 7 }, out = { .pc = 0 };

	CHECK_OK(seL4_TCB_WriteRegisters(a, false, 0, 36, &in));
	CHECK_OK(seL4_TCB_CopyRegisters(b, a, false, false, true, false, 0));
	CHECK_OK(seL4_TCB_ReadRegisters(b, false, 0, 36, &out));
	CHECK_EQ(out.pc, 0x1000);
	CHECK_EQ(out.sp, 0x2000);
	CHECK_EQ(out.x0, 5);
	CHECK_EQ(out.x19, 0);
	CHECK_OK(seL4_TCB_CopyRegisters(b, a, false, false, false, true, 0));
	CHECK_OK(seL4_TCB_ReadRegisters(b, false, 0, 36, &out));
	CHECK_EQ(out.x19, 7);
	CHECK_EQ(seL4_TCB_CopyRegisters(b, kt_new(seL4_EndpointObject, 0), false, false, true, true,
					0),
		 seL4_InvalidCapability);
}

static void tcb_write_and_resume(void)
{
	struct kt_thread t = kt_thread_new(once, 7, KT_PRIO + 1);
	seL4_UserContext regs = { .pc = 0 };

	s.done = 0;
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, false, 0, 5, &regs));
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, true, 0, 5, &regs));
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.order[0], 7);
}

static void tcb_suspend_and_resume(void)
{
	struct kt_thread t = kt_spawn(spin, 0, KT_PRIO - 1);
	seL4_Word before;

	kt_until(&s.count, 1);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	before = s.count;
	CHECK(before > 0);
	kt_sleep(3);
	CHECK_EQ(s.count, before);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	kt_until(&s.count, before + 1);
}

static void tcb_read_and_suspend(void)
{
	struct kt_thread t = kt_spawn(spin, 0, KT_PRIO - 1);
	seL4_UserContext regs = { .pc = 0 };
	seL4_Word before;

	kt_until(&s.count, 1);
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, true, 0, 1, &regs));
	CHECK(regs.pc != 0);
	before = s.count;
	kt_sleep(3);
	CHECK_EQ(s.count, before);
}

static seL4_CPtr self;

static void suspend_self(seL4_Word unused)
{
	(void)unused;
	seL4_TCB_Suspend(self);
	s.done = 1;
}

/* What happens after a resume is not relied on: seL4 runs the suspending call again. */
static void tcb_suspends_itself(void)
{
	struct kt_thread t = kt_thread_new(suspend_self, 0, KT_PRIO + 1);

	s.done = 0;
	self = t.tcb;
	kt_start(&t);
	CHECK_EQ(s.done, 0);
	kt_sleep(3);
	CHECK_EQ(s.done, 0);
}

static void tcb_configure_errors(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);
	seL4_CPtr unassigned = kt_new(seL4_ARM_VSpaceObject, 0);
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);
	const seL4_CPtr vspace = seL4_CapInitThreadVSpace;

	CHECK_EQ(seL4_TCB_Configure(tcb, ep, 0, vspace, 0, 0, 0), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_Configure(tcb, KT_ROOT, 0, ep, 0, 0, 0), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_Configure(tcb, KT_ROOT, 0, unassigned, 0, 0, 0), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_Configure(tcb, KT_ROOT, 0, vspace, 0, 0x1000, ep), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_Configure(tcb, KT_ROOT, 0, vspace, 0, 0x1200, frame),
		 seL4_AlignmentError);
	CHECK_OK(seL4_TCB_Configure(tcb, KT_ROOT, 0, vspace, 0, 0x1400, frame));
	CHECK_OK(seL4_TCB_Configure(tcb, KT_ROOT, 0, vspace, 0, 0, 0));
}

static void tcb_device_frame_is_no_ipc_buffer(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_CPtr frame = kt_device_frame(0x5ff00000, seL4_ARM_SmallPageObject, 12);

	CHECK_EQ(seL4_TCB_SetIPCBuffer(tcb, 0x1000, frame), seL4_IllegalOperation);
}

static void tcb_set_ipc_buffer(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), frame = kt_new(seL4_ARM_SmallPageObject, 0);

	CHECK_OK(seL4_TCB_SetIPCBuffer(tcb, 0x1000, frame));
	CHECK_EQ(seL4_TCB_SetIPCBuffer(tcb, 0x1008, frame), seL4_AlignmentError);
	CHECK_EQ(seL4_TCB_SetIPCBuffer(tcb, 0x1000, kt_new(seL4_TCBObject, 0)),
		 seL4_IllegalOperation);
	CHECK_OK(seL4_TCB_SetIPCBuffer(tcb, 0, 0));
}

static void tcb_set_space_errors(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);
	const seL4_CPtr vspace = seL4_CapInitThreadVSpace;

	CHECK_OK(seL4_TCB_SetSpace(tcb, 0, KT_ROOT, 0, vspace, 0));
	CHECK_OK(seL4_TCB_SetSpace(tcb, ep, KT_ROOT, 0, vspace, 0));
	CHECK_EQ(seL4_TCB_SetSpace(tcb, KT_ROOT, KT_ROOT, 0, vspace, 0), seL4_InvalidCapability);
	/* A fault handler's endpoint must allow the kernel to send, and to be answered. */
	CHECK_EQ(seL4_TCB_SetSpace(tcb, kt_mint(ep, seL4_CanRead, 0), KT_ROOT, 0, vspace, 0),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_TCB_SetSpace(tcb, kt_mint(ep, seL4_CanWrite, 0), KT_ROOT, 0, vspace, 0),
		 seL4_InvalidCapability);
	CHECK_EQ(seL4_TCB_SetSpace(tcb, ep, ep, 0, vspace, 0), seL4_IllegalOperation);
	CHECK_EQ(seL4_TCB_SetSpace(tcb, ep, KT_ROOT, 0, KT_ROOT, 0), seL4_IllegalOperation);
}

static void tcb_timeout_endpoint_errors(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);

	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(tcb, ep));
	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(tcb, 0));
	CHECK_EQ(seL4_TCB_SetTimeoutEndpoint(tcb, KT_ROOT), seL4_InvalidCapability);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetTimeoutEndpoint, 0, 0), seL4_TruncatedMessage);
}

static void tcb_priority_limits(void)
{
	seL4_CPtr low = kt_new(seL4_TCBObject, 0), tcb = kt_new(seL4_TCBObject, 0);

	CHECK_OK(seL4_TCB_SetMCPriority(low, seL4_CapInitThreadTCB, 50));
	CHECK_EQ(seL4_TCB_SetPriority(tcb, low, 51), seL4_RangeError);
	CHECK_EQ(seL4_GetMR(0), 0);
	CHECK_EQ(seL4_GetMR(1), 50);
	CHECK_OK(seL4_TCB_SetPriority(tcb, low, 50));
	CHECK_EQ(seL4_TCB_SetMCPriority(tcb, low, 51), seL4_RangeError);
	CHECK_EQ(seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 256), seL4_RangeError);
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, low, 51, 10, 0, 0), seL4_RangeError);
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, low, 10, 51, 0, 0), seL4_RangeError);
	CHECK_OK(seL4_TCB_SetSchedParams(tcb, low, 10, 50, 0, 0));
}

static void tcb_priority_authority_is_a_tcb(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);

	CHECK_EQ(seL4_TCB_SetPriority(tcb, ep, 1), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 1);
	CHECK_EQ(seL4_TCB_SetMCPriority(tcb, ep, 1), seL4_InvalidCapability);
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, ep, 1, 1, 0, 0), seL4_InvalidCapability);
}

static void tcb_sched_params_errors(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0), ep = kt_new(seL4_EndpointObject, 0);
	seL4_CPtr sc = kt_new(seL4_SchedContextObject, 8), sc2 = kt_new(seL4_SchedContextObject, 8);
	const seL4_CPtr auth = seL4_CapInitThreadTCB;

	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, ep, 0), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 2);
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, 0, tcb), seL4_InvalidCapability);
	CHECK_EQ(seL4_GetMR(0), 3);
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, kt_own_sc(), 0), seL4_IllegalOperation);
	CHECK_OK(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, sc, 0));
	CHECK_OK(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, sc, 0));
	CHECK_EQ(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, sc2, 0), seL4_IllegalOperation);
	CHECK_OK(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, 0, ep)); /* takes it away */
	CHECK_OK(seL4_TCB_SetSchedParams(tcb, auth, 1, 1, sc2, ep));
	CHECK_EQ(seL4_TCB_SetSchedParams(kt_own_tcb(), auth, 1, 1, 0, 0), seL4_IllegalOperation);
}

static void tcb_higher_priority_runs_at_once(void)
{
	s.done = 0;
	kt_spawn(once, 1, KT_PRIO - 1);
	CHECK_EQ(s.done, 0);
	kt_spawn(once, 2, KT_PRIO + 1);
	CHECK_EQ(s.done, 1);
	CHECK_EQ(s.order[0], 2);
	kt_until(&s.done, 2);
	CHECK_EQ(s.done, 2);
}

static void tcb_raised_priority_runs_at_once(void)
{
	struct kt_thread t;

	s.done = 0;
	t = kt_spawn(once, 1, KT_PRIO - 1);
	CHECK_EQ(s.done, 0);
	CHECK_OK(seL4_TCB_SetPriority(t.tcb, seL4_CapInitThreadTCB, KT_PRIO + 1));
	CHECK_EQ(s.done, 1);
}

static void tcb_lowered_priority_gives_way(void)
{
	s.done = 0;
	kt_spawn(once, 1, KT_PRIO - 1);
	CHECK_OK(seL4_TCB_SetPriority(kt_own_tcb(), seL4_CapInitThreadTCB, KT_PRIO - 2));
	CHECK_EQ(s.done, 1);
}

static void tcb_outlives_a_copy_of_its_capability(void)
{
	struct kt_thread t = kt_thread_new(once, 7, KT_PRIO - 1);

	s.done = 0;
	kt_delete(kt_copy(t.tcb));
	kt_start(&t);
	kt_until(&s.done, 1);
	CHECK_EQ(s.order[0], 7);
}

static void tcb_deleted_while_ready(void)
{
	struct kt_thread t = kt_spawn(spin, 0, KT_PRIO - 1);
	seL4_Word before;

	kt_until(&s.count, 1);
	kt_delete(t.tcb);
	before = s.count;
	kt_sleep(3);
	CHECK_EQ(s.count, before);
	/* Its scheduling context is free again. */
	CHECK_OK(seL4_SchedContext_Bind(t.sc, kt_new(seL4_TCBObject, 0)));
}

static void tcb_set_tls_base(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_UserContext regs = { .pc = 0 };

	CHECK_OK(seL4_TCB_SetTLSBase(tcb, 0x123456789ab0));
	CHECK_OK(seL4_TCB_ReadRegisters(tcb, false, 0, 36, &regs));
	CHECK_EQ(regs.tpidr_el0, 0x123456789ab0);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetTLSBase, 0, 0), seL4_TruncatedMessage);
}

static void tcb_set_flags(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);
	seL4_TCB_SetFlags_t r = seL4_TCB_SetFlags(tcb, 0, 0);

	CHECK_OK(r.error);
	CHECK_EQ(r.flags, 0);
	r = seL4_TCB_SetFlags(tcb, 0, seL4_TCBFlag_fpuDisabled);
	CHECK_OK(r.error);
	CHECK_EQ(r.flags, seL4_TCBFlag_fpuDisabled);
	/* Unknown flags are not kept. */
	r = seL4_TCB_SetFlags(tcb, seL4_TCBFlag_fpuDisabled, ~1ul);
	CHECK_OK(r.error);
	CHECK_EQ(r.flags, 0);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetFlags, 0, 1), seL4_TruncatedMessage);
}

static void tcb_malformed_calls(void)
{
	seL4_CPtr tcb = kt_new(seL4_TCBObject, 0);

	CHECK_EQ(kt_invoke_raw(tcb, TCBConfigure, 0, 3), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetSpace, 0, 2), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetPriority, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetSchedParams, 0, 2), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBSetIPCBuffer, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBBindNotification, 0, 0), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, TCBCopyRegisters, 0, 1), seL4_TruncatedMessage);
	CHECK_EQ(kt_invoke_raw(tcb, UntypedRetype, 0, 0), seL4_IllegalOperation);
}

/* A CSpace of its own, one slot, reached through a guard: what every program of ours gets. */
static void own_cspace(seL4_Word cap)
{
	seL4_Signal(cap);
	s.done = 1;
}

static void tcb_own_cspace(void)
{
	seL4_CPtr cnode = kt_new(seL4_CapTableObject, 4), ntfn = kt_new(seL4_NotificationObject, 0);
	struct kt_thread t = kt_thread_new(own_cspace, 5, KT_PRIO + 1);
	seL4_Word badge = 0;

	s.done = 0;
	CHECK_OK(seL4_CNode_Mint(cnode, 5, 4, KT_ROOT, ntfn, KT_DEPTH, seL4_CanWrite, 0x55));
	CHECK_OK(seL4_TCB_SetSpace(t.tcb, 0, cnode, seL4_CNode_CapData_new(0, 60).words[0],
				   seL4_CapInitThreadVSpace, 0));
	kt_start(&t);
	CHECK_EQ(s.done, 1);
	seL4_NBWait(ntfn, &badge);
	CHECK_EQ(badge, 0x55);
}

static const struct kt_test tests[] = {
	KT(tcb_registers_round_trip),
	KT(tcb_registers_in_part),
	KT(tcb_register_counts),
	KT(tcb_own_registers),
	KT(tcb_copy_registers),
	KT(tcb_write_and_resume),
	KT(tcb_suspend_and_resume),
	KT(tcb_read_and_suspend),
	KT(tcb_suspends_itself),
	KT(tcb_configure_errors),
	KT(tcb_device_frame_is_no_ipc_buffer),
	KT(tcb_set_ipc_buffer),
	KT(tcb_set_space_errors),
	KT(tcb_timeout_endpoint_errors),
	KT(tcb_priority_limits),
	KT(tcb_priority_authority_is_a_tcb),
	KT(tcb_sched_params_errors),
	KT(tcb_higher_priority_runs_at_once),
	KT(tcb_raised_priority_runs_at_once),
	KT(tcb_lowered_priority_gives_way),
	KT(tcb_outlives_a_copy_of_its_capability),
	KT(tcb_deleted_while_ready),
	KT(tcb_set_tls_base),
	KT(tcb_set_flags),
	KT(tcb_malformed_calls),
	KT(tcb_own_cspace),
};

KT_GROUP(tcb);
