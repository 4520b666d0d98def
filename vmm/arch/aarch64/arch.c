/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target's hooks: names for the functions of a64.h, which are tested under their own.
 */
#include "vmm/arch/aarch64/a64.h"

enum {
	INTID_VTIMER = 27, /* Server Base System Architecture (DEN 0029), PPI of CNTV */
};

void arch_exit_decode(const struct port_event *event, struct vm_exit *out)
{
	a64_exit_decode(event, out);
}

enum arch_sysreg arch_sysreg(const struct vm_exit *exit, uint64_t *value)
{
	return a64_sysreg(exit, value);
}

enum vmm_err arch_insn_fetch(const struct port_vcpu *vcpu, const struct gmem *gm,
			     const struct port_frame *frame, const struct vm_exit *exit,
			     struct arch_access *out)
{
	return a64_insn_fetch(vcpu, gm, frame, exit, out);
}

enum vmm_err arch_insn_writeback(const struct port_vcpu *vcpu, struct port_frame *frame,
				 const struct arch_access *access)
{
	return a64_insn_writeback(vcpu, frame, access);
}

enum vmm_err arch_inject(const struct port_vcpu *vcpu, enum arch_fault fault, uint64_t gpa)
{
	return a64_inject(vcpu, fault, gpa);
}

enum vmm_err arch_reset(const struct port_vcpu *vcpu, uint64_t cpu_id, uint64_t entry,
			uint64_t argument)
{
	return a64_reset(vcpu, cpu_id, entry, argument);
}

enum vmm_err arch_scrub(const struct port_vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	return a64_scrub(vcpu, entry, argument);
}

/* scrub.S */
extern const char a64_scrub_v2[], a64_scrub_v2_end[], a64_scrub_v3[], a64_scrub_v3_end[];

const void *arch_scrubber(unsigned irqchip_version, size_t *size)
{
	if (irqchip_version == 2) {
		*size = (size_t)(a64_scrub_v2_end - a64_scrub_v2);
		return a64_scrub_v2;
	}
	*size = (size_t)(a64_scrub_v3_end - a64_scrub_v3);
	return a64_scrub_v3;
}

enum vmm_err arch_timer_state(const struct port_vcpu *vcpu, enum arch_timer *state,
			      uint64_t *deadline)
{
	return a64_timer_state(vcpu, state, deadline);
}

unsigned arch_timer_intid(void)
{
	return INTID_VTIMER;
}
