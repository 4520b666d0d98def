/* SPDX-License-Identifier: BSD-2-Clause */
/* The hooks of the invented instruction set: see fake.h. */
#include "vmm/arch/arch.h"

#include "vmm/arch/fake/fake.h"

static void decode_memory(const struct port_event *event, struct vm_exit *out)
{
	uint64_t syndrome = event->word[3];

	out->pc = event->word[0];
	out->gpa = event->word[1];
	out->write = (syndrome & FAKE_WRITE) != 0;
	if (event->word[2] != 0) {
		out->kind = EXIT_FETCH;
	} else if ((syndrome & 0xff000000) != FAKE_MAGIC) {
		out->kind = EXIT_ABORT;
	} else if ((syndrome & FAKE_UNDESCRIBED) != 0) {
		out->kind = EXIT_MMIO_INSN;
	} else {
		out->kind = EXIT_MMIO;
		out->width = (uint8_t)(1U << (syndrome >> 4 & 3));
		out->reg = (uint8_t)(syndrome >> 8 & 0x1f);
		out->sign_extend = (syndrome & FAKE_SIGNED) != 0;
		out->narrow = (syndrome & FAKE_NARROW) != 0;
	}
}

static void decode_trap(uint64_t syndrome, struct vm_exit *out)
{
	static const enum exit_kind kinds[] = { EXIT_UNKNOWN, EXIT_CALL,   EXIT_WAIT, EXIT_PAUSE,
						EXIT_IPI,     EXIT_SYSREG, EXIT_SKIP };
	unsigned op = syndrome & 0xff;

	if (op >= sizeof(kinds) / sizeof(kinds[0]))
		return;
	out->kind = kinds[op];
	out->reg = (uint8_t)(syndrome >> 8 & 0x1f);
	out->write = (syndrome >> 16 & FAKE_WRITE) != 0;
	out->selector = (uint32_t)(syndrome >> 24 & 0xff);
}

void arch_exit_decode(const struct port_event *event, struct vm_exit *out)
{
	*out = (struct vm_exit){ .kind = EXIT_UNKNOWN, .length = FAKE_LENGTH };
	switch (event->kind) {
	case PORT_EVENT_MEMORY:
		decode_memory(event, out);
		break;
	case PORT_EVENT_TRAP:
		decode_trap(event->word[0], out);
		break;
	case PORT_EVENT_HYPERCALL:
		out->kind = EXIT_HYPERCALL;
		break;
	case PORT_EVENT_IRQ_DONE:
		out->kind = EXIT_IRQ_DONE;
		out->selector = (uint32_t)event->word[0];
		break;
	case PORT_EVENT_TIMER:
		out->kind = EXIT_TIMER;
		break;
	case PORT_EVENT_SIGNAL:
	case PORT_EVENT_OTHER:
		break;
	}
}

enum arch_sysreg arch_sysreg(const struct vm_exit *exit, uint64_t *value)
{
	*value = FAKE_SYSREG_VALUE;
	if (exit->selector == FAKE_SYSREG_FIXED)
		return ARCH_SYSREG_FIXED;
	if (exit->selector == FAKE_SYSREG_COUNTER && !exit->write)
		return ARCH_SYSREG_COUNTER;
	return ARCH_SYSREG_ABSENT;
}

enum vmm_err arch_insn_fetch(const struct port_vcpu *vcpu, const struct gmem *gm,
			     const struct port_frame *frame, const struct vm_exit *exit,
			     struct arch_access *out)
{
	struct fake_insn insn;
	uint64_t ignored;
	enum vmm_err err = port_sysreg_read(vcpu, PORT_TTBR0_EL1, &ignored);

	if (err != VMM_OK)
		return err;
	if (gmem_read(gm, frame->pc, &insn, sizeof(insn)) != VMM_OK)
		return VMM_ERR_ABSENT;
	if (insn.opcode != FAKE_INSN_OP || (insn.writes != 0) != exit->write)
		return VMM_ERR_UNSUPPORTED;
	*out = (struct arch_access){
		.write = exit->write,
		.width = insn.width,
		.count = insn.count,
		.reg = { insn.reg[0], insn.reg[1] },
		.writeback = insn.step != 0,
		.base = insn.base,
		.base_value = frame->gpr[insn.base] + insn.step,
	};
	return VMM_OK;
}

enum vmm_err arch_insn_writeback(const struct port_vcpu *vcpu, struct port_frame *frame,
				 const struct arch_access *access)
{
	(void)vcpu;
	if (access->writeback)
		frame->gpr[access->base] = access->base_value;
	return VMM_OK;
}

enum vmm_err arch_inject(const struct port_vcpu *vcpu, enum arch_fault fault, uint64_t gpa)
{
	struct port_frame frame;
	uint64_t vbar = 0;
	enum vmm_err err = port_frame_read(vcpu, PORT_FRAME_HEAD, &frame);

	if (err == VMM_OK)
		err = port_sysreg_read(vcpu, PORT_VBAR_EL1, &vbar);
	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_ESR_EL1, (uint64_t)fault + 1);
	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_FAR_EL1, gpa);
	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_ELR_EL1, frame.pc);
	if (err != VMM_OK)
		return err;
	frame.pc = vbar;
	return port_frame_write(vcpu, PORT_FRAME_HEAD, &frame);
}

enum vmm_err arch_reset(const struct port_vcpu *vcpu, uint64_t cpu_id, uint64_t entry,
			uint64_t argument)
{
	struct port_frame frame = { .pc = entry, .gpr = { argument } };
	enum vmm_err err = port_sysreg_write(vcpu, PORT_VMPIDR_EL2, cpu_id);

	if (err == VMM_OK)
		err = port_sysreg_write(vcpu, PORT_CNTV_CTL, FAKE_TIMER_OFF);
	if (err != VMM_OK)
		return err;
	return port_frame_write(vcpu, PORT_FRAME_ALL, &frame);
}

const void *arch_scrubber(unsigned irqchip_version, size_t *size)
{
	static const uint8_t code[FAKE_LENGTH] = { FAKE_OP_CALL };

	(void)irqchip_version;
	*size = sizeof(code);
	return code;
}

enum vmm_err arch_scrub(const struct port_vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	struct port_frame frame = { .pc = entry, .gpr = { argument } };
	enum vmm_err err = port_sysreg_write(vcpu, PORT_CNTV_CTL, FAKE_TIMER_OFF);

	return err == VMM_OK ? port_frame_write(vcpu, PORT_FRAME_HEAD, &frame) : err;
}

enum vmm_err arch_timer_state(const struct port_vcpu *vcpu, enum arch_timer *state,
			      uint64_t *deadline)
{
	uint64_t ctl = 0;
	enum vmm_err err = port_sysreg_read(vcpu, PORT_CNTV_CTL, &ctl);

	if (err != VMM_OK)
		return err;
	*state = ctl == FAKE_TIMER_SET   ? ARCH_TIMER_SET
		 : ctl == FAKE_TIMER_DUE ? ARCH_TIMER_DUE
					 : ARCH_TIMER_OFF;
	return port_sysreg_read(vcpu, PORT_CNTV_CVAL, deadline);
}

unsigned arch_timer_intid(void)
{
	return FAKE_TIMER_INTID;
}
