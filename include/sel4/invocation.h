/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invocation labels of an SMP kernel.
 *
 * A single-core kernel differs in one number only: 61 is IssueSGISignal there instead of
 * IssueIRQHandlerTriggerCore. A program that means to run on both asks for a trigger with
 * IRQControl_GetTrigger (60) unless bootinfo says there are several nodes. The hardware debug API
 * and an SMMU shift the numbers behind them: such a kernel needs its own libsel4's headers.
 */
#pragma once

enum invocation_label {
	InvalidInvocation = 0,
	UntypedRetype = 1,
	TCBReadRegisters = 2,
	TCBWriteRegisters = 3,
	TCBCopyRegisters = 4,
	TCBConfigure = 5,
	TCBSetPriority = 6,
	TCBSetMCPriority = 7,
	TCBSetSchedParams = 8,
	TCBSetTimeoutEndpoint = 9,
	TCBSetIPCBuffer = 10,
	TCBSetSpace = 11,
	TCBSuspend = 12,
	TCBResume = 13,
	TCBBindNotification = 14,
	TCBUnbindNotification = 15,
	TCBSetTLSBase = 16,
	TCBSetFlags = 17,
	CNodeRevoke = 18,
	CNodeDelete = 19,
	CNodeCancelBadgedSends = 20,
	CNodeCopy = 21,
	CNodeMint = 22,
	CNodeMove = 23,
	CNodeMutate = 24,
	CNodeRotate = 25,
	IRQIssueIRQHandler = 26,
	IRQAckIRQ = 27,
	IRQSetIRQHandler = 28,
	IRQClearIRQHandler = 29,
	DomainSetSet = 30,
	DomainScheduleConfigure = 31,
	DomainScheduleSetStart = 32,
	SchedControlConfigureFlags = 33,
	SchedContextBind = 34,
	SchedContextUnbind = 35,
	SchedContextUnbindObject = 36,
	SchedContextConsumed = 37,
	SchedContextYieldTo = 38,
	nInvocationLabels = 39,
};

enum sel4_arch_invocation_label {
	ARMVSpaceClean_Data = 39,
	ARMVSpaceInvalidate_Data = 40,
	ARMVSpaceCleanInvalidate_Data = 41,
	ARMVSpaceUnify_Instruction = 42,
	ARMSMCCall = 43,
	nSeL4ArchInvocationLabels = 44,
};

enum arch_invocation_label {
	ARMPageTableMap = 44,
	ARMPageTableUnmap = 45,
	ARMPageMap = 46,
	ARMPageUnmap = 47,
	ARMPageClean_Data = 48,
	ARMPageInvalidate_Data = 49,
	ARMPageCleanInvalidate_Data = 50,
	ARMPageUnify_Instruction = 51,
	ARMPageGetAddress = 52,
	ARMASIDControlMakePool = 53,
	ARMASIDPoolAssign = 54,
	ARMVCPUSetTCB = 55,
	ARMVCPUInjectIRQ = 56,
	ARMVCPUReadReg = 57,
	ARMVCPUWriteReg = 58,
	ARMVCPUAckVPPI = 59,
	ARMIRQIssueIRQHandlerTrigger = 60,
	ARMIRQIssueIRQHandlerTriggerCore = 61, /* SMP kernels */
	ARMIRQIssueSGISignal = 61,             /* single-core kernels */
	nArchInvocationLabels = 62,
};
