/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine-dependent capability types: making, copying, ending, invoking. */
#include "standin/object/cap.h"
#include "standin/object/irq.h"

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

#include <sel4/errors.h>
#include <sel4/invocation.h>
#include <sel4/objecttype.h>

_Static_assert(seL4_PageTableBits == seL4_PageBits && seL4_ASIDPoolBits == seL4_PageBits &&
		       seL4_VCPUBits == seL4_PageBits && sizeof(struct vcpu) <= 1 << seL4_VCPUBits,
	       "objects of a page each");

u64 arch_object_size(struct cap c)
{
	switch (cap_type(c)) {
	case CAP_FRAME:
		return BIT(cap_size(c));
	case CAP_VSPACE:
		return BIT(seL4_VSpaceBits);
	case CAP_PAGE_TABLE:
	case CAP_ASID_POOL:
	case CAP_VCPU:
		return BIT(seL4_PageBits);
	default:
		return 0;
	}
}

u64 arch_type_size(u64 type)
{
	switch (type) {
	case seL4_ARM_LargePageObject:
		return seL4_LargePageBits;
	case seL4_ARM_HugePageObject:
		return seL4_HugePageBits;
	case seL4_ARM_VSpaceObject:
		return seL4_VSpaceBits;
	case seL4_ARM_SmallPageObject:
	case seL4_ARM_PageTableObject:
	case seL4_ARM_VCPUObject:
		return seL4_PageBits;
	default:
		return 0;
	}
}

bool arch_type_is_frame(u64 type)
{
	return type == seL4_ARM_SmallPageObject || type == seL4_ARM_LargePageObject ||
	       type == seL4_ARM_HugePageObject;
}

struct cap arch_create(u64 type, u64 pa, bool device)
{
	struct cap cap;

	switch (type) {
	case seL4_ARM_VSpaceObject:
		return cap_new(CAP_VSPACE, 0, 0, pa, 0);
	case seL4_ARM_PageTableObject:
		return cap_new(CAP_PAGE_TABLE, 0, 0, pa, 0);
	case seL4_ARM_VCPUObject:
		vcpu_init(pa_to_va(pa));
		return cap_new(CAP_VCPU, 0, 0, pa, 0);
	default:
		cap = cap_new(CAP_FRAME, RIGHT_READ | RIGHT_WRITE, arch_type_size(type), pa, 0);
		return device ? cap_set_device(cap) : cap;
	}
}

unsigned arch_cap_derive(struct cap cap, struct cap *out)
{
	*out = cap;
	switch (cap_type(cap)) {
	case CAP_FRAME: /* a copy is not mapped */
		out->data = 0;
		return DERIVE_OK;
	case CAP_PAGE_TABLE:
	case CAP_VSPACE:
		return cap_asid(cap) != 0 ? DERIVE_OK : DERIVE_ILLEGAL;
	default:
		return DERIVE_OK;
	}
}

void arch_cap_finalise(struct cap cap, bool final)
{
	switch (cap_type(cap)) {
	case CAP_FRAME:
		vspace_unmap_frame(cap);
		break;
	case CAP_PAGE_TABLE:
		if (final)
			vspace_unmap_table(cap);
		break;
	case CAP_VSPACE:
		if (final && cap_asid(cap) != 0)
			asid_remove_vspace(cap_asid(cap), cap_pa(cap));
		break;
	case CAP_ASID_POOL:
		if (final)
			asid_remove_pool(cap);
		break;
	case CAP_VCPU:
		if (final)
			vcpu_destroy(cap_object(cap));
		break;
	default:
		break;
	}
}

/* ---- IPC buffers ---- */

u64 arch_check_ipc_buffer(struct cap cap, u64 address)
{
	if (cap_type(cap) != CAP_FRAME || cap_device(cap))
		return seL4_IllegalOperation;
	return (address & MASK(seL4_IPCBufferSizeBits)) == 0 ? seL4_NoError : seL4_AlignmentError;
}

u64 *arch_ipc_buffer(struct tcb *t, bool write)
{
	struct cap cap = t->slots[TCB_BUFFER].cap;

	if (cap_type(cap) != CAP_FRAME)
		return NULL;
	if (write ? (cap_rights(cap) & (RIGHT_READ | RIGHT_WRITE)) != (RIGHT_READ | RIGHT_WRITE)
		  : !(cap_rights(cap) & RIGHT_READ))
		return NULL;
	return pa_to_va(cap_pa(cap) + (t->buffer_address & MASK(cap_size(cap))));
}

/* ---- invocations ---- */

/* IRQControl_GetTrigger [irq, trigger, index, depth], GetTriggerCore [.., target]; caps{root} */
static u64 irq_control_arch(struct invocation *inv)
{
	bool on_core = inv->label == ARMIRQIssueIRQHandlerTriggerCore;
	u64 irq, user, trigger, target = 0, err;

	if (!on_core && inv->label != ARMIRQIssueIRQHandlerTrigger)
		return seL4_IllegalOperation;
	if (inv->length < (on_core ? 5 : 4) || inv->extra_count < 1)
		return seL4_TruncatedMessage;
	irq = arg(inv, 0);
	trigger = arg(inv, 1);
	if (on_core)
		target = arg(inv, 4);
	err = arch_irq_check(irq);
	if (err != seL4_NoError)
		return err == seL4_RangeError ? fail_range(inv, 0, arch_irq_count() - 1) : err;
	if (target >= kernel.core_count)
		return fail_argument(inv, 4);
	user = irq < IRQ_PER_CORE ? irq_own(target, irq) : irq;
	err = irq_make_handler(inv, user, arg(inv, 2), arg(inv, 3));
	if (err == seL4_NoError)
		arch_irq_configure(user, trigger != 0, (unsigned)target);
	return err;
}

/* [x0..x7] -> [x0..x7] */
static u64 smc_invoke(struct invocation *inv)
{
	u64 r[8];

	if (inv->label != ARMSMCCall)
		return seL4_IllegalOperation;
	if (inv->length < ARRAY_SIZE(r))
		return seL4_TruncatedMessage;
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = arg(inv, i);
	if (inv->cap.data != 0 && inv->cap.data != r[0])
		return seL4_IllegalOperation;
	arch_smc(r);
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		result(inv, i, r[i]);
	return seL4_NoError;
}

u64 arch_invoke(struct invocation *inv)
{
	switch (cap_type(inv->cap)) {
	case CAP_FRAME:
		return frame_invoke(inv);
	case CAP_PAGE_TABLE:
		return page_table_invoke(inv);
	case CAP_VSPACE:
		return vspace_invoke(inv);
	case CAP_ASID_CONTROL:
		return asid_control_invoke(inv);
	case CAP_ASID_POOL:
		return asid_pool_invoke(inv);
	case CAP_VCPU:
		return vcpu_invoke(inv);
	case CAP_SMC:
		return smc_invoke(inv);
	case CAP_IRQ_CONTROL:
		return irq_control_arch(inv);
	default:
		return fail_capability(inv, 0);
	}
}
