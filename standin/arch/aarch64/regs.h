/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers: access, and the bits the kernel uses (Arm ARM DDI 0487). */
#pragma once

#include "standin/lib/types.h"

#define READ_REG(name)                                             \
	__extension__({                                            \
		u64 value_;                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_)); \
		value_;                                            \
	})
#define WRITE_REG(name, v) __asm__ volatile("msr " #name ", %x0" : : "rZ"((u64)(v)) : "memory")

/* GIC CPU interface and virtual interface registers, by encoding: assemblers differ in the names. */
#define ICC_PMR_EL1       S3_0_C4_C6_0
#define ICC_IAR1_EL1      S3_0_C12_C12_0
#define ICC_EOIR1_EL1     S3_0_C12_C12_1
#define ICC_IGRPEN1_EL1   S3_0_C12_C12_7
#define ICC_CTLR_EL1      S3_0_C12_C12_4
#define ICC_SGI1R_EL1     S3_0_C12_C11_5
#define ICC_SRE_EL2       S3_4_C12_C9_5
#define ICC_SRE_EL1       S3_0_C12_C12_5
#define ICH_AP0R0_EL2     S3_4_C12_C8_0
#define ICH_AP1R0_EL2     S3_4_C12_C9_0
#define ICH_HCR_EL2       S3_4_C12_C11_0
#define ICH_VTR_EL2       S3_4_C12_C11_1
#define ICH_EISR_EL2      S3_4_C12_C11_3
#define ICH_VMCR_EL2      S3_4_C12_C11_7
#define READ_NAMED(n)     READ_REG(n)
#define WRITE_NAMED(n, v) WRITE_REG(n, v)

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void dsb_ish(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
}

enum {
	EC_SVC64 = 0x15,
	EC_HVC64 = 0x16,
	EC_IABT_LOWER = 0x20,
	EC_DABT_LOWER = 0x24,
};

#define HCR_VM  BIT(0)
#define HCR_FMO BIT(3)
#define HCR_IMO BIT(4)
#define HCR_AMO BIT(5)
#define HCR_DC  BIT(12)
#define HCR_TWI BIT(13)
#define HCR_TWE BIT(14)
#define HCR_TSC BIT(19)
#define HCR_TGE BIT(27)
#define HCR_RW  BIT(31)

/* A thread without a VCPU: EL0 straight below EL2, stage 1 off and cacheable. */
#define HCR_NATIVE (HCR_VM | HCR_FMO | HCR_IMO | HCR_AMO | HCR_DC | HCR_TSC | HCR_TGE | HCR_RW)
#define HCR_VCPU   (HCR_VM | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TWI | HCR_TWE | HCR_TSC | HCR_RW)

/* SCTLR_EL1 for native threads: RES1 bits, cache maintenance by user programs, no traps of WFx. */
#define SCTLR_NATIVE                                                                               \
	(BIT(29) | BIT(28) | BIT(23) | BIT(22) | BIT(20) | BIT(11) | BIT(26) | BIT(15) | BIT(14) | \
	 BIT(18) | BIT(16) | BIT(12) | BIT(2))
#define CPACR_FPEN (3ull << 20)
#define CPTR_RES1  0x33ffull
#define CPTR_TFP   BIT(10)

#define SPSR_MODE  0x1full /* and whether it is AArch32 */
#define SPSR_FLAGS 0xf0000000ull
#define SPSR_DAIF  0x3c0ull
#define MODE_EL0T  0x0ull
#define MODE_EL1T  0x4ull
#define MODE_EL1H  0x5ull
