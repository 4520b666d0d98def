/* SPDX-License-Identifier: BSD-2-Clause */
/* Untyped memory. */
#pragma once

#include <sel4/stubs/common.h>

SEL4_INLINE seL4_Error seL4_Untyped_Retype(seL4_Untyped service, seL4_Word type,
					   seL4_Word size_bits, seL4_CNode root,
					   seL4_Word node_index, seL4_Word node_depth,
					   seL4_Word node_offset, seL4_Word num_objects)
{
	seL4_SetCap(0, root);
	seL4_SetMR(4, node_offset);
	seL4_SetMR(5, num_objects);
	return sel4_invoke(service, UntypedRetype, 1, 6, type, size_bits, node_index, node_depth);
}
