/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces, frames, ASIDs, VCPUs and the SMC capability of Arm. */
#pragma once

#include <sel4/stubs/common.h>

typedef struct seL4_ARM_Page_GetAddress {
	int error;
	seL4_Word paddr;
} seL4_ARM_Page_GetAddress_t;

typedef struct seL4_ARM_VCPU_ReadRegs {
	int error;
	seL4_Word value;
} seL4_ARM_VCPU_ReadRegs_t;

/* Cache maintenance by address, over [start, end) of a mapped region. */

SEL4_INLINE seL4_Error seL4_ARM_VSpace_Clean_Data(seL4_ARM_VSpace service, seL4_Word start,
						  seL4_Word end)
{
	return sel4_invoke(service, ARMVSpaceClean_Data, 0, 2, start, end, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VSpace_Invalidate_Data(seL4_ARM_VSpace service, seL4_Word start,
						       seL4_Word end)
{
	return sel4_invoke(service, ARMVSpaceInvalidate_Data, 0, 2, start, end, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VSpace_CleanInvalidate_Data(seL4_ARM_VSpace service,
							    seL4_Word start, seL4_Word end)
{
	return sel4_invoke(service, ARMVSpaceCleanInvalidate_Data, 0, 2, start, end, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VSpace_Unify_Instruction(seL4_ARM_VSpace service, seL4_Word start,
							 seL4_Word end)
{
	return sel4_invoke(service, ARMVSpaceUnify_Instruction, 0, 2, start, end, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_PageTable_Map(seL4_ARM_PageTable service, seL4_CPtr vspace,
					      seL4_Word vaddr, seL4_ARM_VMAttributes attr)
{
	seL4_SetCap(0, vspace);
	return sel4_invoke(service, ARMPageTableMap, 1, 2, vaddr, (seL4_Word)attr, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_PageTable_Unmap(seL4_ARM_PageTable service)
{
	return sel4_invoke(service, ARMPageTableUnmap, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_Page_Map(seL4_ARM_Page service, seL4_CPtr vspace, seL4_Word vaddr,
					 seL4_CapRights_t rights, seL4_ARM_VMAttributes attr)
{
	seL4_SetCap(0, vspace);
	return sel4_invoke(service, ARMPageMap, 1, 3, vaddr, rights.words[0], (seL4_Word)attr, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_Page_Unmap(seL4_ARM_Page service)
{
	return sel4_invoke(service, ARMPageUnmap, 0, 0, 0, 0, 0, 0);
}

/* Cache maintenance by offset into a frame. */

SEL4_INLINE seL4_Error seL4_ARM_Page_Clean_Data(seL4_ARM_Page service, seL4_Word start_offset,
						seL4_Word end_offset)
{
	return sel4_invoke(service, ARMPageClean_Data, 0, 2, start_offset, end_offset, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_Page_Invalidate_Data(seL4_ARM_Page service, seL4_Word start_offset,
						     seL4_Word end_offset)
{
	return sel4_invoke(service, ARMPageInvalidate_Data, 0, 2, start_offset, end_offset, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_Page_CleanInvalidate_Data(seL4_ARM_Page service,
							  seL4_Word start_offset,
							  seL4_Word end_offset)
{
	return sel4_invoke(service, ARMPageCleanInvalidate_Data, 0, 2, start_offset, end_offset, 0,
			   0);
}

SEL4_INLINE seL4_Error seL4_ARM_Page_Unify_Instruction(seL4_ARM_Page service,
						       seL4_Word start_offset, seL4_Word end_offset)
{
	return sel4_invoke(service, ARMPageUnify_Instruction, 0, 2, start_offset, end_offset, 0, 0);
}

SEL4_INLINE seL4_ARM_Page_GetAddress_t seL4_ARM_Page_GetAddress(seL4_ARM_Page service)
{
	seL4_ARM_Page_GetAddress_t result = { 0, 0 };

	result.error = (int)sel4_invoke_word(service, ARMPageGetAddress, 0, 0, 0, &result.paddr);
	return result;
}

SEL4_INLINE seL4_Error seL4_ARM_ASIDControl_MakePool(seL4_ARM_ASIDControl service,
						     seL4_Untyped untyped, seL4_CNode root,
						     seL4_Word index, seL4_Uint8 depth)
{
	seL4_SetCap(0, untyped);
	seL4_SetCap(1, root);
	return sel4_invoke(service, ARMASIDControlMakePool, 2, 2, index, depth, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_ASIDPool_Assign(seL4_ARM_ASIDPool service, seL4_CPtr vspace)
{
	seL4_SetCap(0, vspace);
	return sel4_invoke(service, ARMASIDPoolAssign, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VCPU_SetTCB(seL4_ARM_VCPU service, seL4_TCB tcb)
{
	seL4_SetCap(0, tcb);
	return sel4_invoke(service, ARMVCPUSetTCB, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VCPU_InjectIRQ(seL4_ARM_VCPU service, seL4_Uint16 virq,
					       seL4_Uint8 priority, seL4_Uint8 group,
					       seL4_Uint8 index)
{
	return sel4_invoke(service, ARMVCPUInjectIRQ, 0, 1,
			   (seL4_Word)virq | (seL4_Word)priority << 16 | (seL4_Word)group << 24 |
				   (seL4_Word)index << 32,
			   0, 0, 0);
}

SEL4_INLINE seL4_ARM_VCPU_ReadRegs_t seL4_ARM_VCPU_ReadRegs(seL4_ARM_VCPU service,
							    seL4_VCPUReg field)
{
	seL4_ARM_VCPU_ReadRegs_t result = { 0, 0 };

	result.error = (int)sel4_invoke_word(service, ARMVCPUReadReg, 1, (seL4_Word)field, 0,
					     &result.value);
	return result;
}

SEL4_INLINE seL4_Error seL4_ARM_VCPU_WriteRegs(seL4_ARM_VCPU service, seL4_VCPUReg field,
					       seL4_Word value)
{
	return sel4_invoke(service, ARMVCPUWriteReg, 0, 2, (seL4_Word)field, value, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_VCPU_AckVPPI(seL4_ARM_VCPU service, seL4_Word irq)
{
	return sel4_invoke(service, ARMVCPUAckVPPI, 0, 1, irq, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_ARM_SMC_Call(seL4_ARM_SMC service, seL4_ARM_SMCContext *smc_args,
					 seL4_ARM_SMCContext *smc_response)
{
	struct sel4_regs r = {
		.cap = service,
		.info = seL4_MessageInfo_new(ARMSMCCall, 0, 0, 8),
		.mr = { smc_args->x0, smc_args->x1, smc_args->x2, smc_args->x3 },
	};
	seL4_Error error;

	seL4_SetMR(4, smc_args->x4);
	seL4_SetMR(5, smc_args->x5);
	seL4_SetMR(6, smc_args->x6);
	seL4_SetMR(7, smc_args->x7);
	error = sel4_invoke_regs(&r);
	if (error == seL4_NoError)
		*smc_response = (seL4_ARM_SMCContext){ .x0 = r.mr[0],
						       .x1 = r.mr[1],
						       .x2 = r.mr[2],
						       .x3 = r.mr[3],
						       .x4 = seL4_GetMR(4),
						       .x5 = seL4_GetMR(5),
						       .x6 = seL4_GetMR(6),
						       .x7 = seL4_GetMR(7) };
	return error;
}
