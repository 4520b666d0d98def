/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VCPUs. A VCPU's EL1 registers stay loaded while other threads run on the core; only another VCPU
 * of the same core replaces them. Between a guest and a native thread just what would affect the
 * native thread is exchanged: HCR_EL2, five EL1 registers, the virtual timer and the virtual
 * interrupts. (MDSCR_EL1 is one that seL4 16.0.0 does not exchange: there, a guest's breakpoints and
 * single steps stop native threads. The breakpoints themselves stay: they match nothing without it.)
 *
 * Memory is right for the exchanged registers whenever the VCPU does not run, and for all others only
 * if it is not loaded. As in seL4, nobody looks at another core's registers: there, a loaded VCPU
 * reads as it was last saved, writes to it are lost, and a list register counts as it was when the
 * VCPU was last saved or the kernel last reported the end of its interrupt.
 */
#include "standin/ipc/ipc.h"
#include "standin/object/tcb.h"
#include "standin/sched/lock.h"

#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

#include <sel4/errors.h>
#include <sel4/invocation.h>

enum { ICH_ENABLE = 1, PRIORITY_MAX = 31, VIRQ_MAX = 1023 };

/* SCTLR_EL1 at reset of a guest: RES1 bits, MMU and caches off. */
#define SCTLR_GUEST 0x30c50838ull

void vcpu_init(void *vcpu)
{
	struct vcpu *v = vcpu;

	v->regs[seL4_VCPUReg_SCTLR] = SCTLR_GUEST;
	v->ich_hcr = ICH_ENABLE;
}

void vcpu_init_core(struct core *c)
{
	WRITE_REG(hcr_el2, HCR_NATIVE);
	WRITE_REG(sctlr_el1, SCTLR_NATIVE);
	WRITE_REG(cpacr_el1, CPACR_FPEN);
	WRITE_REG(cntkctl_el1, 0);
	WRITE_REG(mdscr_el1, 0);
	WRITE_REG(cntv_ctl_el0, 0);
	WRITE_REG(cnthctl_el2, 0);
	WRITE_REG(cntvoff_el2, 0);
	WRITE_REG(vmpidr_el2, 0);
	c->arch.vppi_enabled = false;
	isb();
}

/* ---- the registers that are only exchanged between VCPUs ---- */

#define LAZY_REGS(X)                \
	X(TTBR0, ttbr0_el1)         \
	X(TTBR1, ttbr1_el1)         \
	X(TCR, tcr_el1)             \
	X(MAIR, mair_el1)           \
	X(AMAIR, amair_el1)         \
	X(CIDR, contextidr_el1)     \
	X(ACTLR, actlr_el1)         \
	X(AFSR0, afsr0_el1)         \
	X(AFSR1, afsr1_el1)         \
	X(ESR, esr_el1)             \
	X(FAR, far_el1)             \
	X(PAR, par_el1)             \
	X(VBAR, vbar_el1)           \
	X(TPIDR_EL1, tpidr_el1)     \
	X(VMPIDR_EL2, vmpidr_el2)   \
	X(SP_EL1, sp_el1)           \
	X(ELR_EL1, elr_el1)         \
	X(SPSR_EL1, spsr_el1)       \
	X(CNTV_CVAL, cntv_cval_el0) \
	X(CNTVOFF, cntvoff_el2)

static void save_lazy(struct vcpu *v)
{
#define SAVE_REG(field, name) v->regs[seL4_VCPUReg_##field] = READ_REG(name);
	LAZY_REGS(SAVE_REG)
	gic.ops->save(v);
	for (unsigned i = 0; i < gic.lr_count; i++)
		v->lr[i] = gic.ops->lr_read(i);
}

static void load_lazy(struct core *c, struct vcpu *v)
{
#define LOAD_REG(field, name) WRITE_REG(name, v->regs[seL4_VCPUReg_##field]);
	LAZY_REGS(LOAD_REG)
	gic.ops->load(v);
	for (unsigned i = 0; i < gic.lr_count; i++)
		gic.ops->lr_write(i, v->lr[i]);
	v->core = (unsigned)c->id;
	c->arch.vcpu = v;
}

/* False: the field is not one of them. */
static bool access_lazy(u64 field, bool write, u64 *value)
{
#define ACCESS_CASE(field, name)                 \
	case seL4_VCPUReg_##field:               \
		if (write)                       \
			WRITE_REG(name, *value); \
		else                             \
			*value = READ_REG(name); \
		return true;
	switch (field) {
		LAZY_REGS(ACCESS_CASE)
	default:
		return false;
	}
}

/* Whatever of the VCPU is only in this core's registers is lost. */
static void drop_here(struct core *c, void *vcpu, u64 value)
{
	(void)value;
	if (c->arch.vcpu != vcpu)
		return;
	vcpu_leave(c);
	c->arch.vcpu = NULL;
}

/* ---- running and not running ---- */

void vcpu_enter(struct core *c, struct vcpu *v)
{
	if (UNLIKELY(c->arch.vcpu != v)) {
		vcpu_leave(c);
		if (c->arch.vcpu != NULL)
			save_lazy(c->arch.vcpu);
		load_lazy(c, v);
	}
	if (c->arch.vcpu_active)
		return;
	c->arch.vcpu_active = true;
	WRITE_REG(hcr_el2, HCR_VCPU);
	WRITE_REG(sctlr_el1, v->regs[seL4_VCPUReg_SCTLR]);
	WRITE_REG(cpacr_el1, v->regs[seL4_VCPUReg_CPACR]);
	WRITE_REG(cntkctl_el1, v->regs[seL4_VCPUReg_CNTKCTL_EL1]);
	if (UNLIKELY(v->mdscr != 0))
		WRITE_REG(mdscr_el1, v->mdscr);
	WRITE_REG(cntv_ctl_el0, v->regs[seL4_VCPUReg_CNTV_CTL]);
	gic.ops->enable(v->ich_hcr);
	if (UNLIKELY(c->arch.vppi_enabled == v->vppi_masked)) {
		c->arch.vppi_enabled = !v->vppi_masked;
		gic_mask(c, IRQ_VIRTUAL_TIMER, v->vppi_masked != 0);
	}
}

void vcpu_leave(struct core *c)
{
	struct vcpu *v = c->arch.vcpu;

	if (!c->arch.vcpu_active)
		return;
	c->arch.vcpu_active = false;
	v->regs[seL4_VCPUReg_SCTLR] = READ_REG(sctlr_el1);
	v->regs[seL4_VCPUReg_CPACR] = READ_REG(cpacr_el1);
	v->regs[seL4_VCPUReg_CNTKCTL_EL1] = READ_REG(cntkctl_el1);
	v->regs[seL4_VCPUReg_CNTV_CTL] = READ_REG(cntv_ctl_el0);
	v->mdscr = READ_REG(mdscr_el1);
	if (UNLIKELY(v->mdscr != 0))
		WRITE_REG(mdscr_el1, 0);
	WRITE_REG(cntv_ctl_el0, 0);
	WRITE_REG(sctlr_el1, SCTLR_NATIVE);
	WRITE_REG(cpacr_el1, CPACR_FPEN);
	WRITE_REG(cntkctl_el1, 0);
	v->ich_hcr = gic.ops->disable();
	WRITE_REG(hcr_el2, HCR_NATIVE);
	isb();
}

void vcpu_dissociate(struct vcpu *v)
{
	if (v->tcb == NULL)
		return;
	drop_here(arch_this_core(), v, 0);
	v->tcb->arch.vcpu = NULL;
	thread_set_spsr(v->tcb, v->tcb->ctx.spsr);
	v->tcb = NULL;
}

void vcpu_destroy(struct vcpu *v)
{
	struct tcb *t = v->tcb;

	if (t != NULL)
		core_stall(t);
	for (unsigned i = 0; i < kernel.core_count; i++)
		if (kernel.cores[i].arch.vcpu == v)
			core_call(i, drop_here, v, 0);
	vcpu_dissociate(v);
	if (t != NULL)
		sched_wake(t);
}

/* ---- interrupts while it runs ---- */

static void fault(struct tcb *t, u64 label, u64 word)
{
	t->fault.label = label;
	t->fault.w[0] = word;
	fault_send(t);
}

void vcpu_maintenance(struct core *c)
{
	struct tcb *t = c->current;
	u64 ended, index = ~0ull, lr;

	if (t == NULL || !c->arch.vcpu_active)
		return;
	ended = gic.ops->ended() & MASK(gic.lr_count);
	if (ended != 0) {
		index = (u64)__builtin_ctzll(ended);
		/* Reported once. */
		lr = gic.ops->lr_read((unsigned)index) & ~BIT(gic.ops->lr_eoi);
		gic.ops->lr_write((unsigned)index, lr);
		c->arch.vcpu->lr[index] = lr;
	}
	fault(t, seL4_Fault_VGICMaintenance, index);
}

void vcpu_virtual_timer(struct core *c)
{
	struct tcb *t = c->current;

	gic_mask(c, IRQ_VIRTUAL_TIMER, true);
	c->arch.vppi_enabled = false;
	if (t == NULL || !c->arch.vcpu_active)
		return;
	c->arch.vcpu->vppi_masked = true;
	fault(t, seL4_Fault_VPPIEvent, IRQ_VIRTUAL_TIMER);
}

/* ---- invocations ---- */

static u64 set_tcb(struct invocation *inv)
{
	struct vcpu *v = cap_object(inv->cap);
	struct tcb *t;

	if (cap_type(inv->extra[0]->cap) != CAP_TCB)
		return seL4_IllegalOperation;
	t = cap_object(inv->extra[0]->cap);
	if (t->arch.vcpu == v)
		return seL4_NoError;
	core_stall(t);
	if (v->tcb != NULL) {
		struct tcb *old = v->tcb;

		core_stall(old);
		vcpu_dissociate(v);
		sched_wake(old);
	}
	if (t->arch.vcpu != NULL)
		vcpu_dissociate(t->arch.vcpu);
	t->arch.vcpu = v;
	v->tcb = t;
	/* From now on its modes are a guest's, and before they were a program's: EL0 fits both. */
	sched_wake(t);
	return seL4_NoError;
}

struct injection {
	struct vcpu *v;
	u64 lr;
};

static void inject_here(struct core *c, void *arg, u64 index)
{
	const struct injection *in = arg;

	if (c->arch.vcpu == in->v)
		gic.ops->lr_write((unsigned)index, in->lr);
	else
		in->v->lr[index] = in->lr;
}

/* [virq | prio << 16 | group << 24 | lr << 32] */
static u64 inject(struct invocation *inv)
{
	struct vcpu *v = cap_object(inv->cap);
	struct injection in = { .v = v };
	u64 word = arg(inv, 0), virq = word & 0xffff, prio = word >> 16 & 0xff;
	u64 group = word >> 24 & 0xff, index = word >> 32 & 0xff;

	if (virq > VIRQ_MAX)
		return fail_range(inv, 0, VIRQ_MAX);
	if (prio > PRIORITY_MAX)
		return fail_range(inv, 0, PRIORITY_MAX);
	if (group > 1)
		return fail_range(inv, 0, 1);
	if (index >= gic.lr_count)
		return fail_range(inv, 0, gic.lr_count - 1);
	if ((v->lr[index] >> gic.ops->lr_state & 3) == LR_ACTIVE)
		return seL4_DeleteFirst;
	in.lr = virq | prio << gic.ops->lr_prio | group << gic.ops->lr_group |
		BIT(gic.ops->lr_eoi) | (u64)LR_PENDING << gic.ops->lr_state;
	core_call(v->core, inject_here, &in, index);
	return seL4_NoError;
}

/* ReadReg [field] -> value, WriteReg [field, value]. In this core's registers, or in memory. */
static u64 access_field(struct invocation *inv)
{
	struct vcpu *v = cap_object(inv->cap);
	bool write = inv->label == ARMVCPUWriteReg;
	u64 field = arg(inv, 0), value = write ? arg(inv, 1) : 0;

	if (field >= VCPU_REGS)
		return fail_argument(inv, 1);
	if (inv->core->arch.vcpu != v || !access_lazy(field, write, &value)) {
		if (write)
			v->regs[field] = value;
		else
			value = v->regs[field];
	}
	if (!write)
		result(inv, 0, value);
	return seL4_NoError;
}

static u64 ack_vppi(struct invocation *inv)
{
	struct vcpu *v = cap_object(inv->cap);

	if (arg(inv, 0) >= gic.irq_count)
		return fail_range(inv, 0, gic.irq_count - 1);
	if (arg(inv, 0) != IRQ_VIRTUAL_TIMER)
		return fail_argument(inv, 0);
	v->vppi_masked = false;
	return seL4_NoError;
}

enum { FIRST = ARMVCPUSetTCB };

static const struct method rows[] = {
	[ARMVCPUSetTCB - FIRST] = { .act = set_tcb, .caps = 1 },
	[ARMVCPUInjectIRQ - FIRST] = { .act = inject, .words = 1, .quiet = true },
	[ARMVCPUReadReg - FIRST] = { .act = access_field, .words = 1, .quiet = true },
	[ARMVCPUWriteReg - FIRST] = { .act = access_field, .words = 2, .quiet = true },
	[ARMVCPUAckVPPI - FIRST] = { .act = ack_vppi, .words = 1, .quiet = true },
};
const struct methods vcpu_methods = METHODS(FIRST, rows);
