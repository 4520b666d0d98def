/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit decode: ESR_EL2 (DDI 0487J.a, D19.2.37) to the portable form. Pure; every field comes from
 * hardware but its values are the guest's choice, so each is taken for what it may be.
 */
#include "vmm/arch/aarch64/a64.h"

#include "vmm/base/util.h"

/* ISS of a data abort. */
#define ISS_ISV   (UINT64_C(1) << 24)
#define ISS_SSE   (UINT64_C(1) << 21)
#define ISS_SF    (UINT64_C(1) << 15)
#define ISS_CM    (UINT64_C(1) << 8)
#define ISS_S1PTW (UINT64_C(1) << 7)
#define ISS_WNR   (UINT64_C(1) << 6)

enum {
	INSN_LENGTH = 4,
	FSC_TRANSLATION = 0x04, /* to 0x0f: translation, access flag, permission; by level */
	FSC_PERMISSION_3 = 0x0f,
};

static unsigned bits(uint64_t v, unsigned high, unsigned low)
{
	return (unsigned)(v >> low) & ((1U << (high - low + 1)) - 1);
}

/* IL (bit 25): the instruction has 32 bits; else a 16-bit T32 one of a 32-bit process. */
static uint8_t insn_length(uint64_t esr)
{
	return (uint8_t)(2U << bits(esr, 25, 25));
}

static void decode_data(uint64_t esr, struct vm_exit *out)
{
	unsigned fsc = bits(esr, 5, 0);

	out->write = (esr & ISS_WNR) != 0;
	if (fsc < FSC_TRANSLATION || fsc > FSC_PERMISSION_3 || (esr & ISS_S1PTW) != 0) {
		out->kind = EXIT_ABORT;
	} else if ((esr & ISS_ISV) != 0) {
		out->kind = EXIT_MMIO;
		out->width = (uint8_t)(1U << bits(esr, 23, 22));
		out->reg = (uint8_t)bits(esr, 20, 16);
		out->sign_extend = (esr & ISS_SSE) != 0;
		out->narrow = (esr & ISS_SF) == 0;
	} else if ((esr & ISS_CM) != 0) {
		out->kind = EXIT_SKIP;
	} else {
		out->kind = EXIT_MMIO_INSN;
	}
}

static void decode_memory(const struct port_event *event, struct vm_exit *out)
{
	uint64_t esr = event->word[3];

	out->pc = event->word[0];
	out->gpa = event->word[1];
	if (event->word[2] != 0)
		out->kind = EXIT_FETCH;
	else
		decode_data(esr, out);
}

/* ISS of a trapped MSR, MRS or system instruction, but Rt: the register and, in bit 0, "it is read". */
#define SYSREG_ISS(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define SYSREG_ISS_RT UINT32_C(0x3e0)

/* All of the syndrome, but Rt, of a write to ICC_SGI1R_EL1. */
#define ESR_SGI1R ((uint64_t)ESR_EC_SYSREG << ESR_EC_SHIFT | ESR_IL | SYSREG_ISS(3, 0, 12, 11, 5))

static void decode_sysreg(uint64_t esr, struct vm_exit *out)
{
	uint32_t iss = bits(esr, 24, 0) & ~SYSREG_ISS_RT;

	out->reg = (uint8_t)bits(esr, 9, 5);
	out->write = (esr & 1) == 0;
	switch (iss) {
	case SYSREG_ISS(3, 0, 12, 11, 6):
		out->kind = EXIT_IPI;
		out->selector = A64_ICC_ASGI1R;
		return;
	case SYSREG_ISS(3, 0, 12, 11, 7):
		out->kind = EXIT_IPI;
		out->selector = A64_ICC_SGI0R;
		return;
	default:
		break;
	}
	out->kind = EXIT_SYSREG;
	out->selector = A64_SYSREG(bits(esr, 21, 20), bits(esr, 16, 14), bits(esr, 13, 10),
				   bits(esr, 4, 1), bits(esr, 19, 17));
}

static void decode_trap(uint64_t esr, struct vm_exit *out)
{
	/* By far the commonest, and all of it is known in one look. */
	if ((esr & ~(uint64_t)SYSREG_ISS_RT) == ESR_SGI1R) {
		out->kind = EXIT_IPI;
		out->selector = A64_ICC_SGI1R;
		out->reg = (uint8_t)bits(esr, 9, 5);
		out->write = true;
		return;
	}
	switch (bits(esr, 31, 26)) {
	case ESR_EC_WFX:
		/* TI, bits 1:0: WFI, WFE, WFIT, WFET. The timed forms may end early, so they do. */
		out->length = insn_length(esr);
		out->kind = bits(esr, 1, 0) == 0 ? EXIT_WAIT : EXIT_PAUSE;
		break;
	case ESR_EC_SMC64:
		/* SMCCC (DEN 0028E, 2.9) has immediate zero alone; without EL3 others do not exist. */
		out->kind = bits(esr, 15, 0) == 0 ? EXIT_CALL : EXIT_UNKNOWN;
		break;
	case ESR_EC_SYSREG:
		decode_sysreg(esr, out);
		break;
	default:
		break;
	}
}

void a64_exit_decode(const struct port_event *event, struct vm_exit *out)
{
	out->kind = EXIT_UNKNOWN;
	out->length = INSN_LENGTH;
	/* The common ones first. */
	if (event->kind == PORT_EVENT_MEMORY) {
		out->length = insn_length(event->word[3]);
		decode_memory(event, out);
	} else if (event->kind == PORT_EVENT_IRQ_DONE) {
		out->kind = EXIT_IRQ_DONE;
		out->selector = (uint32_t)event->word[0]; /* a small number, or all ones */
	} else if (event->kind == PORT_EVENT_TRAP) {
		decode_trap(event->word[0], out);
	} else if (event->kind == PORT_EVENT_HYPERCALL) {
		out->kind = EXIT_HYPERCALL;
	} else if (event->kind == PORT_EVENT_TIMER) {
		out->kind = EXIT_TIMER;
	}
}

/*
 * Registers a kernel may trap and what the guest finds there. The physical timer is not listed: the
 * guest's device tree names the virtual one, and without it a guest must not get silence for an
 * interrupt it waits for.
 */
static const struct {
	uint32_t selector;
	enum arch_sysreg meaning;
} sysregs[] = {
	{ .selector = A64_SYSREG(3, 3, 14, 0, 1), .meaning = ARCH_SYSREG_COUNTER }, /* CNTPCT_EL0 */
	{ .selector = A64_SYSREG(3, 3, 14, 0, 5),
	  .meaning = ARCH_SYSREG_COUNTER },                                       /* CNTPCTSS_EL0 */
	{ .selector = A64_SYSREG(3, 0, 1, 0, 1), .meaning = ARCH_SYSREG_FIXED },  /* ACTLR_EL1 */
	{ .selector = A64_SYSREG(1, 0, 7, 6, 2), .meaning = ARCH_SYSREG_FIXED },  /* DC ISW */
	{ .selector = A64_SYSREG(1, 0, 7, 10, 2), .meaning = ARCH_SYSREG_FIXED }, /* DC CSW */
	{ .selector = A64_SYSREG(1, 0, 7, 14, 2), .meaning = ARCH_SYSREG_FIXED }, /* DC CISW */
	{ .selector = A64_SYSREG(2, 0, 1, 0, 4), .meaning = ARCH_SYSREG_FIXED },  /* OSLAR_EL1 */
	{ .selector = A64_SYSREG(2, 0, 1, 1, 4), .meaning = ARCH_SYSREG_FIXED },  /* OSLSR_EL1 */
	{ .selector = A64_SYSREG(2, 0, 1, 3, 4), .meaning = ARCH_SYSREG_FIXED },  /* OSDLR_EL1 */
	{ .selector = A64_SYSREG(2, 0, 0, 2, 2), .meaning = ARCH_SYSREG_FIXED },  /* MDSCR_EL1 */
};

enum arch_sysreg a64_sysreg(const struct vm_exit *exit, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(sysregs); i++) {
		if (sysregs[i].selector != exit->selector)
			continue;
		/* The counter cannot be written. */
		if (sysregs[i].meaning == ARCH_SYSREG_COUNTER && exit->write)
			return ARCH_SYSREG_ABSENT;
		return sysregs[i].meaning;
	}
	return ARCH_SYSREG_ABSENT;
}
