/* SPDX-License-Identifier: BSD-2-Clause */
/* CNodes: every operation names a slot by root, index and depth (bits of the index that count). */
#pragma once

#include <sel4/stubs/common.h>

SEL4_INLINE seL4_Error seL4_CNode_Revoke(seL4_CNode service, seL4_Word index, seL4_Uint8 depth)
{
	return sel4_invoke(service, CNodeRevoke, 0, 2, index, depth, 0, 0);
}

SEL4_INLINE seL4_Error seL4_CNode_Delete(seL4_CNode service, seL4_Word index, seL4_Uint8 depth)
{
	return sel4_invoke(service, CNodeDelete, 0, 2, index, depth, 0, 0);
}

SEL4_INLINE seL4_Error seL4_CNode_CancelBadgedSends(seL4_CNode service, seL4_Word index,
						    seL4_Uint8 depth)
{
	return sel4_invoke(service, CNodeCancelBadgedSends, 0, 2, index, depth, 0, 0);
}

SEL4_INLINE seL4_Error seL4_CNode_Copy(seL4_CNode service, seL4_Word dest_index,
				       seL4_Uint8 dest_depth, seL4_CNode src_root,
				       seL4_Word src_index, seL4_Uint8 src_depth,
				       seL4_CapRights_t rights)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, rights.words[0]);
	return sel4_invoke(service, CNodeCopy, 1, 5, dest_index, dest_depth, src_index, src_depth);
}

SEL4_INLINE seL4_Error seL4_CNode_Mint(seL4_CNode service, seL4_Word dest_index,
				       seL4_Uint8 dest_depth, seL4_CNode src_root,
				       seL4_Word src_index, seL4_Uint8 src_depth,
				       seL4_CapRights_t rights, seL4_Word badge)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, rights.words[0]);
	seL4_SetMR(5, badge);
	return sel4_invoke(service, CNodeMint, 1, 6, dest_index, dest_depth, src_index, src_depth);
}

SEL4_INLINE seL4_Error seL4_CNode_Move(seL4_CNode service, seL4_Word dest_index,
				       seL4_Uint8 dest_depth, seL4_CNode src_root,
				       seL4_Word src_index, seL4_Uint8 src_depth)
{
	seL4_SetCap(0, src_root);
	return sel4_invoke(service, CNodeMove, 1, 4, dest_index, dest_depth, src_index, src_depth);
}

SEL4_INLINE seL4_Error seL4_CNode_Mutate(seL4_CNode service, seL4_Word dest_index,
					 seL4_Uint8 dest_depth, seL4_CNode src_root,
					 seL4_Word src_index, seL4_Uint8 src_depth, seL4_Word badge)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, badge);
	return sel4_invoke(service, CNodeMutate, 1, 5, dest_index, dest_depth, src_index,
			   src_depth);
}

SEL4_INLINE seL4_Error seL4_CNode_Rotate(seL4_CNode service, seL4_Word dest_index,
					 seL4_Uint8 dest_depth, seL4_Word dest_badge,
					 seL4_CNode pivot_root, seL4_Word pivot_index,
					 seL4_Uint8 pivot_depth, seL4_Word pivot_badge,
					 seL4_CNode src_root, seL4_Word src_index,
					 seL4_Uint8 src_depth)
{
	seL4_SetCap(0, pivot_root);
	seL4_SetCap(1, src_root);
	seL4_SetMR(4, pivot_depth);
	seL4_SetMR(5, pivot_badge);
	seL4_SetMR(6, src_index);
	seL4_SetMR(7, src_depth);
	return sel4_invoke(service, CNodeRotate, 2, 8, dest_index, dest_depth, dest_badge,
			   pivot_index);
}
