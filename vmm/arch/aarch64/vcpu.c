/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What touches a stopped vCPU's registers through the port: reset, exceptions, the instruction behind
 * an undescribed access, and the state of its timer.
 */
#include "vmm/arch/aarch64/a64.h"

#include "vmm/base/util.h"

/* PSTATE and SPSR_EL1 (DDI 0487J.a, C5.2.19). */
#define PSTATE_EL1H    UINT64_C(0x5)
#define PSTATE_DAIF    UINT64_C(0x3c0)
#define PSTATE_AARCH32 (UINT64_C(1) << 4)
#define PSTATE_EL_MASK UINT64_C(0xc)
#define PSTATE_SPSEL   UINT64_C(1)
#define PSTATE_SSBS    (UINT64_C(1) << 12)
#define PSTATE_PAN     (UINT64_C(1) << 22)
#define PSTATE_DIT     (UINT64_C(1) << 24)
#define PSTATE_NZCV    UINT64_C(0xf0000000)

#define SCTLR_M     (UINT64_C(1) << 0)
#define SCTLR_SPAN  (UINT64_C(1) << 23)
#define SCTLR_DSSBS (UINT64_C(1) << 44)
#define SCTLR_RESET UINT64_C(0x30d00800) /* RES1 of ARMv8.0; MMU and caches off */

#define MPIDR_RES1 (UINT64_C(1) << 31)

#define TIMER_ENABLE  (UINT64_C(1) << 0)
#define TIMER_IMASK   (UINT64_C(1) << 1)
#define TIMER_ISTATUS (UINT64_C(1) << 2)

enum {
	VECTOR_CURRENT_SP0 = 0x000, /* D1.3.1.5 */
	VECTOR_CURRENT_SPX = 0x200,
	VECTOR_LOWER_A64 = 0x400,
	VECTOR_LOWER_A32 = 0x600,
	PAGE_OFFSET = 0xfff,
};

static bool from_el0(uint64_t status)
{
	return (status & PSTATE_AARCH32) != 0 || (status & PSTATE_EL_MASK) == 0;
}

static uint64_t vector_offset(uint64_t status)
{
	if ((status & PSTATE_AARCH32) != 0)
		return VECTOR_LOWER_A32;
	if (from_el0(status))
		return VECTOR_LOWER_A64;
	return (status & PSTATE_SPSEL) != 0 ? VECTOR_CURRENT_SPX : VECTOR_CURRENT_SP0;
}

/* D1.3.2: PSTATE on taking an exception to EL1. */
static uint64_t vector_status(uint64_t status, uint64_t sctlr)
{
	uint64_t next = PSTATE_EL1H | PSTATE_DAIF | (status & (PSTATE_DIT | PSTATE_PAN));

	if ((status & PSTATE_AARCH32) == 0)
		next |= status & PSTATE_NZCV;
	if ((sctlr & SCTLR_SPAN) == 0)
		next |= PSTATE_PAN;
	if ((sctlr & SCTLR_DSSBS) != 0)
		next |= PSTATE_SSBS;
	return next;
}

void a64_exception_make(enum arch_fault fault, uint64_t gpa, const struct port_frame *frame,
			uint64_t sctlr, uint64_t vbar, struct a64_exception *out)
{
	bool lower = from_el0(frame->status);
	uint64_t ec = ESR_EC_UNKNOWN, iss = 0;

	*out = (struct a64_exception){
		.pc = vbar + vector_offset(frame->status),
		.status = vector_status(frame->status, sctlr),
	};
	switch (fault) {
	case ARCH_FAULT_UNDEFINED:
		break;
	case ARCH_FAULT_LOAD_ABORT:
	case ARCH_FAULT_STORE_ABORT:
		/* With the MMU on the virtual address is not known, and need not be (FnV). */
		ec = lower ? ESR_EC_DATA_LOWER : ESR_EC_DATA_SAME;
		out->far = gpa;
		out->far_valid = (sctlr & SCTLR_M) == 0;
		iss = ESR_FSC_EXTERNAL | (out->far_valid ? 0 : ESR_FNV) |
		      (fault == ARCH_FAULT_STORE_ABORT ? ESR_WNR : 0);
		break;
	case ARCH_FAULT_FETCH_ABORT:
		ec = lower ? ESR_EC_FETCH_LOWER : ESR_EC_FETCH_SAME;
		iss = ESR_FSC_EXTERNAL;
		out->far = frame->pc;
		out->far_valid = true;
		break;
	}
	out->esr = ec << ESR_EC_SHIFT | ESR_IL | iss;
}

enum vmm_err a64_inject(const struct port_vcpu *vcpu, enum arch_fault fault, uint64_t gpa)
{
	struct a64_exception ex;
	struct port_frame frame;
	uint64_t sctlr = 0, vbar = 0;
	enum vmm_err err;

	err = port_frame_read(vcpu, PORT_FRAME_HEAD, &frame);
	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_SCTLR_EL1, &sctlr);
	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_VBAR_EL1, &vbar);
	if (err != VMM_OK)
		return err;
	a64_exception_make(fault, gpa, &frame, sctlr, vbar, &ex);
	err = port_sysreg_write(vcpu, PORT_ELR_EL1, frame.pc);
	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_SPSR_EL1, frame.status);
	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_ESR_EL1, ex.esr);
	if (err == VMM_OK && ex.far_valid)
		err = port_sysreg_write(vcpu, PORT_FAR_EL1, ex.far);
	if (err != VMM_OK)
		return err;
	frame.pc = ex.pc;
	frame.status = ex.status;
	return port_frame_write(vcpu, PORT_FRAME_HEAD, &frame);
}

enum vmm_err a64_reset(const struct port_vcpu *vcpu, uint64_t cpu_id, uint64_t entry,
		       uint64_t argument)
{
	struct port_frame frame = {
		.pc = entry,
		.status = PSTATE_EL1H | PSTATE_DAIF,
		.gpr = { argument },
	};

	for (unsigned reg = 0; reg < PORT_SYSREG_COUNT; reg++) {
		uint64_t value = 0;
		enum vmm_err err;

		if (reg == PORT_SCTLR_EL1)
			value = SCTLR_RESET;
		else if (reg == PORT_VMPIDR_EL2)
			value = cpu_id | MPIDR_RES1;
		err = port_sysreg_write(vcpu, (enum port_sysreg)reg, value);
		if (err != VMM_OK)
			return err;
	}
	return port_frame_write(vcpu, PORT_FRAME_ALL, &frame);
}

enum vmm_err a64_scrub(const struct port_vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	struct port_frame frame = {
		.pc = entry,
		.status = PSTATE_EL1H | PSTATE_DAIF,
		.gpr = { argument },
	};
	enum vmm_err err = port_sysreg_write(vcpu, PORT_SCTLR_EL1, SCTLR_RESET);

	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_CNTV_CTL, 0);
	return err == VMM_OK ? port_frame_write(vcpu, PORT_FRAME_HEAD, &frame) : err;
}

enum vmm_err a64_timer_state(const struct port_vcpu *vcpu, enum arch_timer *state,
			     uint64_t *deadline)
{
	uint64_t ctl = 0;
	enum vmm_err err = port_sysreg_read(vcpu, PORT_CNTV_CTL, &ctl);

	if (err != VMM_OK)
		return err;
	if ((ctl & TIMER_ENABLE) == 0 || (ctl & TIMER_IMASK) != 0) {
		*state = ARCH_TIMER_OFF;
		return VMM_OK;
	}
	if ((ctl & TIMER_ISTATUS) != 0) {
		*state = ARCH_TIMER_DUE;
		return VMM_OK;
	}
	/* CNTVOFF is zero from reset on, so the guest's time is the system counter's. */
	*state = ARCH_TIMER_SET;
	return port_sysreg_read(vcpu, PORT_CNTV_CVAL, deadline);
}

static enum vmm_err read_mmu(const struct port_vcpu *vcpu, struct a64_mmu *mmu)
{
	enum vmm_err err = port_sysreg_read(vcpu, PORT_SCTLR_EL1, &mmu->sctlr);

	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_TCR_EL1, &mmu->tcr);
	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_TTBR0_EL1, &mmu->ttbr0);
	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_TTBR1_EL1, &mmu->ttbr1);
	return err;
}

/* True if "sp" in an instruction means SP_EL1. */
static bool uses_sp_el1(const struct port_frame *frame)
{
	return !from_el0(frame->status) && (frame->status & PSTATE_SPSEL) != 0;
}

static enum vmm_err read_base(const struct port_vcpu *vcpu, const struct port_frame *frame,
			      unsigned base, uint64_t *value)
{
	if (base < PORT_GPRS) {
		*value = frame->gpr[base];
		return VMM_OK;
	}
	if (uses_sp_el1(frame))
		return port_sysreg_read(vcpu, PORT_SP_EL1, value);
	*value = frame->sp;
	return VMM_OK;
}

enum vmm_err a64_insn_fetch(const struct port_vcpu *vcpu, const struct gmem *gm,
			    const struct port_frame *frame, const struct vm_exit *exit,
			    struct arch_access *out)
{
	struct a64_mmu mmu = { 0 };
	struct a64_ldst ldst;
	uint64_t ipa, base = 0;
	uint32_t insn;
	enum vmm_err err;

	if ((frame->status & PSTATE_AARCH32) != 0 || frame->pc % sizeof(insn) != 0)
		return VMM_ERR_UNSUPPORTED;
	err = read_mmu(vcpu, &mmu);
	if (err != VMM_OK)
		return err;
	if (!a64_walk(&mmu, gm, frame->pc, &ipa) ||
	    gmem_read(gm, ipa, &insn, sizeof(insn)) != VMM_OK)
		return VMM_ERR_ABSENT;
	if (!a64_ldst_decode(insn, &ldst) || ldst.access.write != exit->write)
		return VMM_ERR_UNSUPPORTED;
	err = read_base(vcpu, frame, ldst.access.base, &base);
	if (err != VMM_OK)
		return err;
	/* Another vCPU may have changed the code, or the access began on another page. */
	if (((base + (uint64_t)ldst.offset) & PAGE_OFFSET) != (exit->gpa & PAGE_OFFSET))
		return VMM_ERR_UNSUPPORTED;
	ldst.access.base_value = base + (uint64_t)ldst.step;
	*out = ldst.access;
	return VMM_OK;
}

enum vmm_err a64_insn_writeback(const struct port_vcpu *vcpu, struct port_frame *frame,
				const struct arch_access *access)
{
	if (!access->writeback)
		return VMM_OK;
	if (access->base < PORT_GPRS) {
		frame->gpr[access->base] = access->base_value;
		return VMM_OK;
	}
	if (uses_sp_el1(frame))
		return port_sysreg_write(vcpu, PORT_SP_EL1, access->base_value);
	frame->sp = access->base_value;
	return VMM_OK;
}
