/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/mmio.h"

bool regs_table_ok(const struct reg_range *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].last < table[i].first || table[i].widths == 0 || table[i].widths > 15)
			return false;
		if (i > 0 && table[i].first <= table[i - 1].last)
			return false;
	}
	return count > 0 && count <= REGS_MAX;
}
