/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words, packed words (message info, rights, CNode data), register sets and the IPC buffer.
 *
 * A packed type is a structure of one word, as in libsel4, so that it cannot be mixed up with a
 * plain number; the bit positions are in one place each, in the functions below.
 */
#pragma once

#include <sel4/config.h>
#include <sel4/constants.h>
#include <sel4/errors.h>
#include <sel4/objecttype.h>

typedef signed char seL4_Int8;
typedef unsigned char seL4_Uint8;
typedef short seL4_Int16;
typedef unsigned short seL4_Uint16;
typedef int seL4_Int32;
typedef unsigned int seL4_Uint32;
typedef long seL4_Int64;
typedef unsigned long seL4_Uint64;

typedef seL4_Uint64 seL4_Word;
typedef seL4_Word seL4_CPtr;
typedef seL4_Int8 seL4_Bool;

#define seL4_True  1
#define seL4_False 0
#define seL4_Null  ((void *)0)

typedef seL4_Word seL4_NodeId;
typedef seL4_Word seL4_PAddr;
typedef seL4_Word seL4_Domain;
typedef seL4_Word seL4_SlotPos;
typedef seL4_Uint64 seL4_Time; /* microseconds */

/* Capability pointers by the kind of object they are meant for: documentation, not checked. */
typedef seL4_CPtr seL4_CNode;
typedef seL4_CPtr seL4_TCB;
typedef seL4_CPtr seL4_Untyped;
typedef seL4_CPtr seL4_SchedContext;
typedef seL4_CPtr seL4_SchedControl;
typedef seL4_CPtr seL4_IRQHandler;
typedef seL4_CPtr seL4_IRQControl;
typedef seL4_CPtr seL4_DomainSet;
typedef seL4_CPtr seL4_ARM_VSpace;
typedef seL4_CPtr seL4_ARM_Page;
typedef seL4_CPtr seL4_ARM_PageTable;
typedef seL4_CPtr seL4_ARM_ASIDControl;
typedef seL4_CPtr seL4_ARM_ASIDPool;
typedef seL4_CPtr seL4_ARM_VCPU;
typedef seL4_CPtr seL4_ARM_SMC;

typedef enum {
	seL4_ARM_PageCacheable = 1,
	seL4_ARM_ParityEnabled = 2,
	seL4_ARM_Default_VMAttributes = 3,
	seL4_ARM_ExecuteNever = 4,
} seL4_ARM_VMAttributes;

/* Message info: 6:0 length, 8:7 extra capabilities, 11:9 capabilities unwrapped, 63:12 label. */
struct seL4_MessageInfo {
	seL4_Uint64 words[1];
};
typedef struct seL4_MessageInfo seL4_MessageInfo_t;

static inline seL4_MessageInfo_t seL4_MessageInfo_new(seL4_Uint64 label, seL4_Uint64 capsUnwrapped,
						      seL4_Uint64 extraCaps, seL4_Uint64 length)
{
	return (seL4_MessageInfo_t){ { label << 12 | (capsUnwrapped & 7) << 9 |
				       (extraCaps & 3) << 7 | (length & 0x7f) } };
}

static inline seL4_Uint64 seL4_MessageInfo_get_label(seL4_MessageInfo_t info)
{
	return info.words[0] >> 12;
}

static inline seL4_Uint64 seL4_MessageInfo_get_capsUnwrapped(seL4_MessageInfo_t info)
{
	return info.words[0] >> 9 & 7;
}

static inline seL4_Uint64 seL4_MessageInfo_get_extraCaps(seL4_MessageInfo_t info)
{
	return info.words[0] >> 7 & 3;
}

static inline seL4_Uint64 seL4_MessageInfo_get_length(seL4_MessageInfo_t info)
{
	return info.words[0] & 0x7f;
}

static inline seL4_MessageInfo_t seL4_MessageInfo_set_label(seL4_MessageInfo_t info, seL4_Uint64 v)
{
	return (seL4_MessageInfo_t){ { v << 12 | (info.words[0] & 0xfff) } };
}

static inline seL4_MessageInfo_t seL4_MessageInfo_set_capsUnwrapped(seL4_MessageInfo_t info,
								    seL4_Uint64 v)
{
	return (seL4_MessageInfo_t){ { (info.words[0] & ~0xe00ul) | (v & 7) << 9 } };
}

static inline seL4_MessageInfo_t seL4_MessageInfo_set_extraCaps(seL4_MessageInfo_t info,
								seL4_Uint64 v)
{
	return (seL4_MessageInfo_t){ { (info.words[0] & ~0x180ul) | (v & 3) << 7 } };
}

static inline seL4_MessageInfo_t seL4_MessageInfo_set_length(seL4_MessageInfo_t info, seL4_Uint64 v)
{
	return (seL4_MessageInfo_t){ { (info.words[0] & ~0x7ful) | (v & 0x7f) } };
}

/* Rights: 0 write, 1 read, 2 grant, 3 grant reply. */
struct seL4_CapRights {
	seL4_Uint64 words[1];
};
typedef struct seL4_CapRights seL4_CapRights_t;

#define seL4_CapRightsBits 4

static inline seL4_CapRights_t seL4_CapRights_new(seL4_Uint64 grantReply, seL4_Uint64 grant,
						  seL4_Uint64 read, seL4_Uint64 write)
{
	return (seL4_CapRights_t){ { (grantReply & 1) << 3 | (grant & 1) << 2 | (read & 1) << 1 |
				     (write & 1) } };
}

static inline seL4_Uint64 seL4_CapRights_get_capAllowGrantReply(seL4_CapRights_t rights)
{
	return rights.words[0] >> 3 & 1;
}

static inline seL4_Uint64 seL4_CapRights_get_capAllowGrant(seL4_CapRights_t rights)
{
	return rights.words[0] >> 2 & 1;
}

static inline seL4_Uint64 seL4_CapRights_get_capAllowRead(seL4_CapRights_t rights)
{
	return rights.words[0] >> 1 & 1;
}

static inline seL4_Uint64 seL4_CapRights_get_capAllowWrite(seL4_CapRights_t rights)
{
	return rights.words[0] & 1;
}

#define seL4_NoRights      seL4_CapRights_new(0, 0, 0, 0)
#define seL4_CanWrite      seL4_CapRights_new(0, 0, 0, 1)
#define seL4_CanRead       seL4_CapRights_new(0, 0, 1, 0)
#define seL4_ReadWrite     seL4_CapRights_new(0, 0, 1, 1)
#define seL4_CanGrant      seL4_CapRights_new(0, 1, 0, 0)
#define seL4_CanGrantReply seL4_CapRights_new(1, 0, 0, 0)
#define seL4_NoRead        seL4_CapRights_new(1, 1, 0, 1)
#define seL4_NoWrite       seL4_CapRights_new(1, 1, 1, 0)
#define seL4_AllRights     seL4_CapRights_new(1, 1, 1, 1)

/* CNode data: 5:0 guard size, 63:6 guard. */
struct seL4_CNode_CapData {
	seL4_Uint64 words[1];
};
typedef struct seL4_CNode_CapData seL4_CNode_CapData_t;

static inline seL4_CNode_CapData_t seL4_CNode_CapData_new(seL4_Uint64 guard, seL4_Uint64 guardSize)
{
	return (seL4_CNode_CapData_t){ { guard << 6 | (guardSize & 0x3f) } };
}

static inline seL4_Uint64 seL4_CNode_CapData_get_guard(seL4_CNode_CapData_t data)
{
	return data.words[0] >> 6;
}

static inline seL4_Uint64 seL4_CNode_CapData_get_guardSize(seL4_CNode_CapData_t data)
{
	return data.words[0] & 0x3f;
}

/* TCB_ReadRegisters and TCB_WriteRegisters transfer a prefix of this, in this order. */
typedef struct seL4_UserContext_ {
	seL4_Word pc, sp, spsr, x0, x1, x2, x3, x4, x5, x6, x7, x8, x16, x17, x18, x29, x30;
	seL4_Word x9, x10, x11, x12, x13, x14, x15;
	seL4_Word x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
	seL4_Word tpidr_el0, tpidrro_el0;
} seL4_UserContext;

typedef struct seL4_ARM_SMCContext_ {
	seL4_Word x0, x1, x2, x3, x4, x5, x6, x7;
} seL4_ARM_SMCContext;

/* VCPU_ReadRegs and VCPU_WriteRegs */
typedef enum {
	seL4_VCPUReg_SCTLR = 0,
	seL4_VCPUReg_CPACR = 1,
	seL4_VCPUReg_TTBR0 = 2,
	seL4_VCPUReg_TTBR1 = 3,
	seL4_VCPUReg_TCR = 4,
	seL4_VCPUReg_MAIR = 5,
	seL4_VCPUReg_AMAIR = 6,
	seL4_VCPUReg_CIDR = 7,
	seL4_VCPUReg_ACTLR = 8,
	seL4_VCPUReg_AFSR0 = 9,
	seL4_VCPUReg_AFSR1 = 10,
	seL4_VCPUReg_ESR = 11,
	seL4_VCPUReg_FAR = 12,
	seL4_VCPUReg_PAR = 13,
	seL4_VCPUReg_VBAR = 14,
	seL4_VCPUReg_TPIDR_EL1 = 15,
	seL4_VCPUReg_VMPIDR_EL2 = 16,
	seL4_VCPUReg_SP_EL1 = 17,
	seL4_VCPUReg_ELR_EL1 = 18,
	seL4_VCPUReg_SPSR_EL1 = 19,
	seL4_VCPUReg_CNTV_CTL = 20,
	seL4_VCPUReg_CNTV_CVAL = 21,
	seL4_VCPUReg_CNTVOFF = 22,
	seL4_VCPUReg_CNTKCTL_EL1 = 23,
	seL4_VCPUReg_Num = 24,
} seL4_VCPUReg;

/* One a thread, at its own multiple of 1 KiB inside one frame. Message words 0 to 3 are not here
 * while they travel, but in registers. */
typedef struct seL4_IPCBuffer_ {
	seL4_MessageInfo_t tag;
	seL4_Word msg[seL4_MsgMaxLength];
	seL4_Word userData;
	seL4_Word caps_or_badges[seL4_MsgMaxExtraCaps];
	seL4_CPtr receiveCNode;
	seL4_CPtr receiveIndex;
	seL4_Word receiveDepth;
} seL4_IPCBuffer __attribute__((__aligned__(1024)));

_Static_assert(sizeof(seL4_IPCBuffer) == 1 << seL4_IPCBufferSizeBits, "IPC buffer");
_Static_assert(sizeof(seL4_UserContext) == 36 * sizeof(seL4_Word), "register set");
