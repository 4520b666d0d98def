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

const struct object_type *arch_object_type(u64 type)
{
	static const struct object_type types[] = {
#define FRAME_TYPE(size) \
	{ .cap = CAP_FRAME, .bits = (size), .rights = RIGHT_READ | RIGHT_WRITE, .of_device = true }
		[seL4_ARM_SmallPageObject] = FRAME_TYPE(seL4_PageBits),
		[seL4_ARM_LargePageObject] = FRAME_TYPE(seL4_LargePageBits),
		[seL4_ARM_HugePageObject] = FRAME_TYPE(seL4_HugePageBits),
		[seL4_ARM_VSpaceObject] = { .cap = CAP_VSPACE, .bits = seL4_VSpaceBits },
		[seL4_ARM_PageTableObject] = { .cap = CAP_PAGE_TABLE, .bits = seL4_PageBits },
		[seL4_ARM_VCPUObject] = { .cap = CAP_VCPU,
					  .bits = seL4_PageBits,
					  .init = vcpu_init },
	};

	return type < ARRAY_SIZE(types) && types[type].cap != CAP_NULL ? &types[type] : NULL;
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
static u64 get_trigger(struct invocation *inv)
{
	bool on_core = inv->label == ARMIRQIssueIRQHandlerTriggerCore;
	u64 irq = arg(inv, 0), trigger = arg(inv, 1), target = on_core ? arg(inv, 4) : 0, user;
	u64 err = arch_irq_check(irq);

	if (err != seL4_NoError)
		return err == seL4_RangeError ? fail_range(inv, 0, arch_irq_count() - 1) : err;
	if (!on_core && irq < IRQ_PER_CORE && kernel.core_count > 1)
		return seL4_IllegalOperation; /* as seL4: whose it is must be said */
	if (target >= kernel.core_count)
		return fail_argument(inv, 4);
	user = irq_of_user(target, irq);
	err = irq_make_handler(inv, user, arg(inv, 2), arg(inv, 3));
	if (err == seL4_NoError)
		arch_irq_configure(user, trigger != 0, (unsigned)target);
	return err;
}

/* [x0..x7] -> [x0..x7] */
static u64 smc_call(struct invocation *inv)
{
	u64 r[8];

	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = arg(inv, i);
	if (inv->cap.data != 0 && inv->cap.data != r[0])
		return seL4_IllegalOperation;
	arch_smc(r);
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		result(inv, i, r[i]);
	return seL4_NoError;
}

enum { FIRST = IRQIssueIRQHandler };

static const struct method irq_control_rows[] = {
	[IRQIssueIRQHandler - FIRST] = { .act = irq_get, .words = 3, .caps = 1 },
	[ARMIRQIssueIRQHandlerTrigger - FIRST] = { .act = get_trigger, .words = 4, .caps = 1 },
	[ARMIRQIssueIRQHandlerTriggerCore - FIRST] = { .act = get_trigger, .words = 5, .caps = 1 },
};
static const struct method smc_rows[] = { { .act = smc_call, .words = 8 } };
static const struct methods irq_control_methods = METHODS(FIRST, irq_control_rows);
static const struct methods smc_methods = METHODS(ARMSMCCall, smc_rows);

const struct methods *arch_methods(u64 type)
{
	static const struct methods *const kinds[] = {
		[CAP_IRQ_CONTROL] = &irq_control_methods,
		[CAP_FRAME] = &frame_methods,
		[CAP_PAGE_TABLE] = &page_table_methods,
		[CAP_VSPACE] = &vspace_methods,
		[CAP_ASID_CONTROL] = &asid_control_methods,
		[CAP_ASID_POOL] = &asid_pool_methods,
		[CAP_VCPU] = &vcpu_methods,
		[CAP_SMC] = &smc_methods,
	};

	return type < ARRAY_SIZE(kinds) ? kinds[type] : NULL;
}
