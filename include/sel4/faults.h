/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault messages: their labels, and which message word holds what. How to answer each is in the seL4
 * manual, chapter "Exceptions"; in short, label 0 restarts the thread, and for some faults the
 * first words of the reply replace its registers.
 */
#pragma once

#include <sel4/types.h>

enum seL4_Fault_tag {
	seL4_Fault_NullFault = 0,
	seL4_Fault_CapFault = 1,
	seL4_Fault_UnknownSyscall = 2,
	seL4_Fault_UserException = 3,
	seL4_Fault_DebugException = 4, /* never sent without the hardware debug API */
	seL4_Fault_Timeout = 5,
	seL4_Fault_VMFault = 6,
	seL4_Fault_VGICMaintenance = 7,
	seL4_Fault_VCPUFault = 8,
	seL4_Fault_VPPIEvent = 9,
};
typedef enum seL4_Fault_tag seL4_Fault_tag_t;

typedef enum {
	seL4_CapFault_IP = 0,
	seL4_CapFault_Addr = 1,
	seL4_CapFault_InRecvPhase = 2,
	seL4_CapFault_LookupFailureType = 3,
	seL4_CapFault_BitsLeft = 4,
	seL4_CapFault_DepthMismatch_BitsFound = 5,
	seL4_CapFault_GuardMismatch_GuardFound = 5,
	seL4_CapFault_GuardMismatch_BitsFound = 6,
} seL4_CapFault_Msg;

/* Replying with a length writes back that many words, at most the first twelve. FaultIP is the
 * address of the svc or hvc itself; LR is the address after it. */
typedef enum {
	seL4_UnknownSyscall_X0 = 0,
	seL4_UnknownSyscall_X1 = 1,
	seL4_UnknownSyscall_X2 = 2,
	seL4_UnknownSyscall_X3 = 3,
	seL4_UnknownSyscall_X4 = 4,
	seL4_UnknownSyscall_X5 = 5,
	seL4_UnknownSyscall_X6 = 6,
	seL4_UnknownSyscall_X7 = 7,
	seL4_UnknownSyscall_FaultIP = 8,
	seL4_UnknownSyscall_SP = 9,
	seL4_UnknownSyscall_LR = 10,
	seL4_UnknownSyscall_SPSR = 11,
	seL4_UnknownSyscall_Syscall = 12,
	seL4_UnknownSyscall_Length = 13,
} seL4_UnknownSyscall_Msg;

/* A reply writes back the first three at most. */
typedef enum {
	seL4_UserException_FaultIP = 0,
	seL4_UserException_SP = 1,
	seL4_UserException_SPSR = 2,
	seL4_UserException_Number = 3,
	seL4_UserException_Code = 4,
	seL4_UserException_Length = 5,
} seL4_UserException_Msg;

/* Addr is an IPA if the thread has a VCPU; FSR is ESR_EL2. */
typedef enum {
	seL4_VMFault_IP = 0,
	seL4_VMFault_Addr = 1,
	seL4_VMFault_PrefetchFault = 2,
	seL4_VMFault_FSR = 3,
	seL4_VMFault_Length = 4,
} seL4_VMFault_Msg;

#define seL4_DataFault        0
#define seL4_InstructionFault 1

/* IDX: the list register whose interrupt ended; all ones if none could be identified. */
typedef enum {
	seL4_VGICMaintenance_IDX = 0,
	seL4_VGICMaintenance_Length = 1,
} seL4_VGICMaintenance_Msg;

/* HSR: ESR_EL2 */
typedef enum {
	seL4_VCPUFault_HSR = 0,
	seL4_VCPUFault_Length = 1,
} seL4_VCPUFault_Msg;

typedef enum {
	seL4_VPPIEvent_IRQ = 0,
	seL4_VPPIEvent_Length = 1,
} seL4_VPPIEvent_Msg;

/* Data: the badge given to SchedControl_ConfigureFlags; Consumed: microseconds. */
typedef enum {
	seL4_Timeout_Data = 0,
	seL4_Timeout_Consumed = 1,
	seL4_Timeout_Length = 2,
} seL4_Timeout_Msg;

/* A reply to a timeout fault writes back the first words of seL4_UserContext, without the thread
 * registers: 34 at most. */
typedef enum {
	seL4_TimeoutReply_FaultIP = 0,
	seL4_TimeoutReply_SP = 1,
	seL4_TimeoutReply_SPSR_EL1 = 2,
	seL4_TimeoutReply_X0 = 3,
	seL4_TimeoutReply_Length = 34,
} seL4_TimeoutReply_Msg;

static inline seL4_Bool seL4_isCapFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_CapFault;
}

static inline seL4_Bool seL4_isUnknownSyscall_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_UnknownSyscall;
}

static inline seL4_Bool seL4_isUserException_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_UserException;
}

static inline seL4_Bool seL4_isTimeoutFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_Timeout;
}

static inline seL4_Bool seL4_isVMFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_VMFault;
}
