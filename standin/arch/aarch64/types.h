/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch64: what objects and structures contain of the machine. The offsets that the trap code in
 * assembly uses are asserted in trap.c.
 */
#pragma once

#include "standin/lib/types.h"

enum arch_cap_type {
	CAP_FRAME = 13,      /* rights; device; data: address (48 bits) and ASID (16) */
	CAP_PAGE_TABLE = 14, /* data as a frame's */
	CAP_VSPACE = 15,     /* data: ASID << 48 */
	CAP_ASID_CONTROL = 16,
	CAP_ASID_POOL = 17, /* data: first ASID */
	CAP_VCPU = 18,
	CAP_SMC = 19, /* data: badge, the one function allowed, or 0 */
};

/* x0 to x30, then what else a thread's user mode sees. */
struct context {
	u64 x[31];
	u64 sp;
	u64 elr;
	u64 spsr;
	u64 tpidr_el0; /* this and the next: current only while the thread is on no core */
	u64 tpidrro_el0;
};

/** Message registers 0 to 3, and the registers beside them. */
static inline u64 *context_mr(struct context *ctx)
{
	return &ctx->x[2];
}

static inline u64 *context_cap_register(struct context *ctx)
{
	return &ctx->x[0];
}

static inline u64 *context_info_register(struct context *ctx)
{
	return &ctx->x[1];
}

struct fpu_state {
	u64 v[64];
	u64 fpsr;
	u64 fpcr;
} __attribute__((aligned(16)));

struct vcpu;

struct arch_tcb {
	struct fpu_state fpu;
	struct vcpu *vcpu;
	u64 fpu_core; /* 1 + the core whose FPU holds this thread's state; 0: it is in `fpu` */
};

enum { LR_MAX = 16, VCPU_REGS = 24 };

struct tcb;

struct vcpu {
	struct tcb *tcb;
	unsigned core;       /* where it ran last: interrupts are put into list registers there */
	u64 regs[VCPU_REGS]; /* seL4_VCPUReg */
	u64 lr[LR_MAX];
	u64 ich_hcr;
	u64 ich_vmcr;
	u64 ich_apr[2]; /* group 0 and 1 */
	u64 vppi_masked;
	u64 mdscr; /* which debug exceptions there are; the API has no number for it */
};

/* The part of struct core that the machine needs. */
struct arch_core {
	struct vcpu *vcpu;     /* whose EL1 registers are loaded */
	struct tcb *fpu_owner; /* whose registers the FPU holds */
	u64 vcpu_active; /* the loaded VCPU's thread runs: traps, timer, vGIC are the guest's */
	u64 vttbr;
	u64 fpu_trapped;  /* CPTR_EL2.TFP as set */
	u64 vppi_enabled; /* the virtual timer's interrupt, as set in the GIC */
	u64 mpidr;
	u64 gic_bank;   /* registers of the core's own interrupts, virtual address */
	u64 sgi_target; /* what addresses this core in an SGI: GICv2 mask or affinity */
};

static inline void *pa_to_va(u64 pa);
static inline u64 va_to_pa(const void *va);

#if __STDC_HOSTED__
/* Unit tests on the host: "physical" addresses are offsets into one arena. */
extern char *test_arena;
static inline void *pa_to_va(u64 pa)
{
	return test_arena + pa;
}
static inline u64 va_to_pa(const void *va)
{
	return (u64)((const char *)va - test_arena);
}
#else
#define KERNEL_WINDOW 0x8000000000ull
static inline void *pa_to_va(u64 pa)
{
	return (void *)(uintptr_t)(pa | KERNEL_WINDOW);
}
static inline u64 va_to_pa(const void *va)
{
	return (u64)(uintptr_t)va & ~KERNEL_WINDOW;
}
#endif
