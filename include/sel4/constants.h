/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes and limits. Object sizes are powers of two, given as exponents. What is a macro is usable
 * from assembly.
 */
#pragma once

#include <sel4/config.h>

/* Objects, log2 of bytes. A CNode of n slots takes seL4_SlotBits + log2(n). */
#define seL4_SlotBits            5
#define seL4_TCBBits             11
#define seL4_EndpointBits        4
#define seL4_NotificationBits    6
#define seL4_ReplyBits           5
#define seL4_MinSchedContextBits 7
#define seL4_PageBits            12
#define seL4_LargePageBits       21
#define seL4_HugePageBits        30
#define seL4_PageTableBits       12
#define seL4_PageTableEntryBits  3
#define seL4_PageTableIndexBits  9
#define seL4_VSpaceBits          13 /* two concatenated level-1 tables: 40-bit IPA */
#define seL4_VSpaceEntryBits     3
#define seL4_VSpaceIndexBits     10
#define seL4_ARM_VCPUBits        12
#define seL4_VCPUBits            12
#define seL4_ASIDPoolBits        12
#define seL4_ASIDPoolIndexBits   9
#define seL4_NumASIDPoolsBits    7
#define seL4_IPCBufferSizeBits   10
#define seL4_MinUntypedBits      4
#define seL4_MaxUntypedBits      47

/* Words and capability pointers. */
#define seL4_WordSizeBits  3
#define seL4_WordBits      64
#define seL4_GuardSizeBits 6
#define seL4_GuardBits     58
#define seL4_BadgeBits     64
#define seL4_NilData       0

/* Last address that a VSpace can map. */
#define seL4_UserTop       0xffffffffff
#define seL4_UserVSpaceTop seL4_UserTop

/* Messages. The first four words travel in registers. */
#define seL4_FastMessageRegisters 4
#define seL4_MsgMaxExtraCaps      3

#define seL4_UntypedRetypeMaxObjects CONFIG_RETYPE_FAN_OUT_LIMIT

#ifndef __ASSEMBLER__

enum seL4_MsgLimits {
	seL4_MsgLengthBits = 7,
	seL4_MsgExtraCapBits = 2,
	seL4_MsgMaxLength = 120,
};

enum priorityConstants {
	seL4_InvalidPrio = -1,
	seL4_MinPrio = 0,
	seL4_MaxPrio = CONFIG_NUM_PRIORITIES - 1,
};

/* TCB_SetFlags */
typedef enum {
	seL4_TCBFlag_NoFlag = 0,
	seL4_TCBFlag_fpuDisabled = 1,
	seL4_TCBFlag_MASK = 1,
} seL4_TCBFlag;

/* SchedControl_ConfigureFlags */
typedef enum {
	seL4_SchedContext_NoFlag = 0,
	seL4_SchedContext_Sporadic = 1,
} seL4_SchedContextFlag;

/* A scheduling context: a fixed part with two refills, then 16 bytes a further refill. */
#define seL4_CoreSchedContextBytes 128ul
#define seL4_RefillSizeBytes       16ul

/** How many refills beyond two fit into a scheduling context of 2^size_bits bytes. */
static inline unsigned long seL4_MaxExtraRefills(unsigned long size_bits)
{
	return ((1ul << size_bits) - seL4_CoreSchedContextBytes) / seL4_RefillSizeBytes;
}

#endif
