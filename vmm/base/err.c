// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/base/err.h"

const char *vmm_err_name(enum vmm_err err)
{
	static const char *const names[] = {
		[VMM_OK] = "VMM_OK",
		[VMM_ERR_INVALID] = "VMM_ERR_INVALID",
		[VMM_ERR_RANGE] = "VMM_ERR_RANGE",
		[VMM_ERR_NOMEM] = "VMM_ERR_NOMEM",
		[VMM_ERR_EXISTS] = "VMM_ERR_EXISTS",
		[VMM_ERR_ABSENT] = "VMM_ERR_ABSENT",
		[VMM_ERR_UNSUPPORTED] = "VMM_ERR_UNSUPPORTED",
		[VMM_ERR_KERNEL] = "VMM_ERR_KERNEL",
		[VMM_ERR_AGAIN] = "VMM_ERR_AGAIN",
	};

	if ((unsigned)err >= sizeof(names) / sizeof(names[0]))
		return "VMM_ERR_?";
	return names[err];
}
