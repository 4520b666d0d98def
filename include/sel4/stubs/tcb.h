/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads. */
#pragma once

#include <sel4/stubs/common.h>

typedef struct seL4_TCB_SetFlags {
	int error;
	seL4_Word flags;
} seL4_TCB_SetFlags_t;

#define SEL4_CONTEXT_WORDS (sizeof(seL4_UserContext) / sizeof(seL4_Word))

/** Fills the first `count` words of `regs`; the rest, and all of it on error, stays as it was. */
SEL4_INLINE seL4_Error seL4_TCB_ReadRegisters(seL4_TCB service, seL4_Bool suspend_source,
					      seL4_Uint8 arch_flags, seL4_Word count,
					      seL4_UserContext *regs)
{
	struct sel4_regs r = {
		.cap = service,
		.info = seL4_MessageInfo_new(TCBReadRegisters, 0, 0, 2),
		.mr = { (seL4_Word)(suspend_source & 1) | (seL4_Word)arch_flags << 8, count },
	};
	seL4_Word *to = (seL4_Word *)regs;
	seL4_Error error = sel4_invoke_regs(&r);

	if (error != seL4_NoError)
		return error;
	for (seL4_Word i = 0; i < count && i < SEL4_CONTEXT_WORDS; i++)
		to[i] = i < 4 ? r.mr[i] : seL4_GetMR((int)i);
	return seL4_NoError;
}

/** Writes the first `count` words of `regs`. */
SEL4_INLINE seL4_Error seL4_TCB_WriteRegisters(seL4_TCB service, seL4_Bool resume_target,
					       seL4_Uint8 arch_flags, seL4_Word count,
					       seL4_UserContext *regs)
{
	const seL4_Word *from = (const seL4_Word *)regs;
	seL4_Word n = count < SEL4_CONTEXT_WORDS ? count : SEL4_CONTEXT_WORDS;

	for (seL4_Word i = 2; i < n; i++)
		seL4_SetMR((int)i + 2, from[i]);
	return sel4_invoke(service, TCBWriteRegisters, 0, n + 2,
			   (seL4_Word)(resume_target & 1) | (seL4_Word)arch_flags << 8, count,
			   n > 0 ? from[0] : 0, n > 1 ? from[1] : 0);
}

SEL4_INLINE seL4_Error seL4_TCB_CopyRegisters(seL4_TCB service, seL4_TCB source,
					      seL4_Bool suspend_source, seL4_Bool resume_target,
					      seL4_Bool transfer_frame, seL4_Bool transfer_integer,
					      seL4_Uint8 arch_flags)
{
	seL4_SetCap(0, source);
	return sel4_invoke(service, TCBCopyRegisters, 1, 1,
			   (seL4_Word)(suspend_source & 1) | (seL4_Word)(resume_target & 1) << 1 |
				   (seL4_Word)(transfer_frame & 1) << 2 |
				   (seL4_Word)(transfer_integer & 1) << 3 |
				   (seL4_Word)arch_flags << 8,
			   0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_Configure(seL4_TCB service, seL4_CNode cspace_root,
					  seL4_Word cspace_root_data, seL4_CPtr vspace_root,
					  seL4_Word vspace_root_data, seL4_Word buffer,
					  seL4_CPtr bufferFrame)
{
	seL4_SetCap(0, cspace_root);
	seL4_SetCap(1, vspace_root);
	seL4_SetCap(2, bufferFrame);
	return sel4_invoke(service, TCBConfigure, 3, 3, cspace_root_data, vspace_root_data, buffer,
			   0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetPriority(seL4_TCB service, seL4_TCB authority,
					    seL4_Word priority)
{
	seL4_SetCap(0, authority);
	return sel4_invoke(service, TCBSetPriority, 1, 1, priority, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetMCPriority(seL4_TCB service, seL4_TCB authority, seL4_Word mcp)
{
	seL4_SetCap(0, authority);
	return sel4_invoke(service, TCBSetMCPriority, 1, 1, mcp, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetSchedParams(seL4_TCB service, seL4_TCB authority, seL4_Word mcp,
					       seL4_Word priority, seL4_CPtr sched_context,
					       seL4_CPtr fault_ep)
{
	seL4_SetCap(0, authority);
	seL4_SetCap(1, sched_context);
	seL4_SetCap(2, fault_ep);
	return sel4_invoke(service, TCBSetSchedParams, 3, 2, mcp, priority, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetTimeoutEndpoint(seL4_TCB service, seL4_CPtr timeout_fault_ep)
{
	seL4_SetCap(0, timeout_fault_ep);
	return sel4_invoke(service, TCBSetTimeoutEndpoint, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetIPCBuffer(seL4_TCB service, seL4_Word buffer,
					     seL4_CPtr bufferFrame)
{
	seL4_SetCap(0, bufferFrame);
	return sel4_invoke(service, TCBSetIPCBuffer, 1, 1, buffer, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetSpace(seL4_TCB service, seL4_CPtr fault_ep,
					 seL4_CNode cspace_root, seL4_Word cspace_root_data,
					 seL4_CPtr vspace_root, seL4_Word vspace_root_data)
{
	seL4_SetCap(0, fault_ep);
	seL4_SetCap(1, cspace_root);
	seL4_SetCap(2, vspace_root);
	return sel4_invoke(service, TCBSetSpace, 3, 2, cspace_root_data, vspace_root_data, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_Suspend(seL4_TCB service)
{
	return sel4_invoke(service, TCBSuspend, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_Resume(seL4_TCB service)
{
	return sel4_invoke(service, TCBResume, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_BindNotification(seL4_TCB service, seL4_CPtr notification)
{
	seL4_SetCap(0, notification);
	return sel4_invoke(service, TCBBindNotification, 1, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_UnbindNotification(seL4_TCB service)
{
	return sel4_invoke(service, TCBUnbindNotification, 0, 0, 0, 0, 0, 0);
}

SEL4_INLINE seL4_Error seL4_TCB_SetTLSBase(seL4_TCB service, seL4_Word tls_base)
{
	return sel4_invoke(service, TCBSetTLSBase, 0, 1, tls_base, 0, 0, 0);
}

SEL4_INLINE seL4_TCB_SetFlags_t seL4_TCB_SetFlags(seL4_TCB service, seL4_Word clear, seL4_Word set)
{
	seL4_TCB_SetFlags_t result = { 0, 0 };

	result.error = (int)sel4_invoke_word(service, TCBSetFlags, 2, clear, set, &result.flags);
	return result;
}
