/* SPDX-License-Identifier: BSD-2-Clause */
/* What the root task finds in its first capability slots and in its bootinfo page (x0 at entry). */
#pragma once

#include <sel4/types.h>

enum seL4_RootCNodeCapSlots {
	seL4_CapNull = 0,
	seL4_CapInitThreadTCB = 1,
	seL4_CapInitThreadCNode = 2,
	seL4_CapInitThreadVSpace = 3,
	seL4_CapIRQControl = 4,
	seL4_CapASIDControl = 5,
	seL4_CapInitThreadASIDPool = 6,
	seL4_CapIOPortControl = 7, /* null on Arm */
	seL4_CapIOSpace = 8,       /* null without an SMMU */
	seL4_CapBootInfoFrame = 9,
	seL4_CapInitThreadIPCBuffer = 10,
	seL4_CapDomain = 11,
	seL4_CapSMMUSIDControl = 12, /* null without an SMMU */
	seL4_CapSMMUCBControl = 13,  /* null without an SMMU */
	seL4_CapInitThreadSC = 14,
	seL4_CapSMC = 15, /* null unless the kernel allows SMC calls */
	seL4_NumInitialCaps = 16,
};

/* Slots start to end - 1. */
typedef struct seL4_SlotRegion {
	seL4_SlotPos start;
	seL4_SlotPos end;
} seL4_SlotRegion;

typedef struct seL4_UntypedDesc {
	seL4_Word paddr;
	seL4_Uint8 sizeBits;
	seL4_Uint8 isDevice;
	seL4_Uint8 padding[6];
} seL4_UntypedDesc;

typedef struct seL4_BootInfo {
	seL4_Word extraLen; /* bytes of the chunks that start one page after this */
	seL4_NodeId nodeID;
	seL4_Word numNodes;
	seL4_Word numIOPTLevels;
	seL4_IPCBuffer *ipcBuffer;
	seL4_SlotRegion empty;
	seL4_SlotRegion sharedFrames;
	seL4_SlotRegion userImageFrames; /* one small page each, in address order */
	seL4_SlotRegion userImagePaging;
	seL4_SlotRegion ioSpaceCaps;
	seL4_SlotRegion extraBIPages;
	seL4_Word initThreadCNodeSizeBits;
	seL4_Domain initThreadDomain;
	seL4_SlotRegion schedcontrol; /* one a core */
	seL4_SlotRegion untyped;      /* described by untypedList, in the same order */
	seL4_UntypedDesc untypedList[CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS];
} seL4_BootInfo;

#define seL4_BootInfoFrameBits seL4_PageBits
#define seL4_BootInfoFrameSize (1ul << seL4_BootInfoFrameBits)

typedef enum {
	SEL4_BOOTINFO_HEADER_PADDING = 0,
	SEL4_BOOTINFO_HEADER_FDT = 6,
} seL4_BootInfoID;

/* Each chunk of extra information starts with this; len counts it too. */
typedef struct seL4_BootInfoHeader {
	seL4_Word id;
	seL4_Word len;
} seL4_BootInfoHeader;

_Static_assert(sizeof(seL4_UntypedDesc) == 16, "untyped description");
_Static_assert(sizeof(seL4_BootInfo) == 3864, "bootinfo");
