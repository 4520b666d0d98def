/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AArch64 side of arch.h, as functions that any host can compile: arch.c names them as the
 * target's hooks, unit tests and fuzz targets call them directly. Arm ARM: DDI 0487J.a.
 */
#pragma once

#include "vmm/arch/arch.h"

/* ESR_ELx fields (D19.2.37). */
#define ESR_EC_SHIFT 26
#define ESR_IL       (UINT64_C(1) << 25)
#define ESR_WNR      (UINT64_C(1) << 6)
#define ESR_FNV      (UINT64_C(1) << 10)

enum {
	ESR_EC_UNKNOWN = 0x00,
	ESR_EC_WFX = 0x01,
	ESR_EC_SMC64 = 0x17,
	ESR_EC_SYSREG = 0x18,
	ESR_EC_FETCH_LOWER = 0x20,
	ESR_EC_FETCH_SAME = 0x21,
	ESR_EC_DATA_LOWER = 0x24,
	ESR_EC_DATA_SAME = 0x25,
	ESR_FSC_EXTERNAL = 0x10, /* synchronous external abort, not on a translation table walk */
};

/* Which SGI register, as vm_exit.selector of EXIT_IPI and irqchip_send_ipi() have it. */
enum a64_sgi {
	A64_ICC_SGI1R,
	A64_ICC_ASGI1R,
	A64_ICC_SGI0R,
};

/* A system register's encoding: op0, op1, CRn, CRm, op2. */
#define A64_SYSREG(op0, op1, crn, crm, op2) \
	((uint32_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

void a64_exit_decode(const struct port_event *event, struct vm_exit *out);
enum arch_sysreg a64_sysreg(const struct vm_exit *exit, uint64_t *value);

/* What an instruction says about its access, before registers are known. */
struct a64_ldst {
	struct arch_access access; /* base_value is not yet known */
	int64_t offset;            /* of the first transfer from the base register */
	int64_t step;              /* what writeback adds to the base register */
};

/** Decodes a load or store of general registers. False: it is none, or one we do not emulate. */
bool a64_ldst_decode(uint32_t insn, struct a64_ldst *out);

/* The guest's stage 1 translation regime at EL1 and EL0. */
struct a64_mmu {
	uint64_t sctlr, tcr, ttbr0, ttbr1;
};

/** Translates for a fetch; permissions are not looked at. False: not mapped, or a form unknown. */
bool a64_walk(const struct a64_mmu *mmu, const struct gmem *gm, uint64_t va, uint64_t *ipa);

/* An exception as the hardware would deliver it. */
struct a64_exception {
	uint64_t pc;     /* of the vector */
	uint64_t status; /* PSTATE there */
	uint64_t esr;
	uint64_t far;
	bool far_valid;
};

/** Works out an exception to EL1 from what the guest was doing. Pure. */
void a64_exception_make(enum arch_fault fault, uint64_t gpa, const struct port_frame *frame,
			uint64_t sctlr, uint64_t vbar, struct a64_exception *out);

enum vmm_err a64_insn_fetch(const struct port_vcpu *vcpu, const struct gmem *gm,
			    const struct port_frame *frame, const struct vm_exit *exit,
			    struct arch_access *out);
enum vmm_err a64_insn_writeback(const struct port_vcpu *vcpu, struct port_frame *frame,
				const struct arch_access *access);
enum vmm_err a64_inject(const struct port_vcpu *vcpu, enum arch_fault fault, uint64_t gpa);
enum vmm_err a64_reset(const struct port_vcpu *vcpu, uint64_t cpu_id, uint64_t entry,
		       uint64_t argument);
enum vmm_err a64_scrub(const struct port_vcpu *vcpu, uint64_t entry, uint64_t argument);
enum vmm_err a64_timer_state(const struct port_vcpu *vcpu, enum arch_timer *state,
			     uint64_t *deadline);
