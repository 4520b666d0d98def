/* SPDX-License-Identifier: BSD-2-Clause */
/* What every instruction set with sign-extending loads does alike. */
#include "vmm/arch/arch.h"

uint64_t arch_load_value(const struct vm_exit *exit, uint64_t value)
{
	unsigned unused = 64 - 8U * exit->width;

	value <<= unused;
	if (!exit->sign_extend)
		return value >> unused;
	value = (uint64_t)((int64_t)value >> unused);
	return exit->narrow ? (uint32_t)value : value;
}
