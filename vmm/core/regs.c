/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/mmio.h"

bool regs_dispatch(const struct reg_range *table, size_t count, void *device,
		   struct mmio_access *access)
{
	size_t low = 0, high = count;

	if (!access->write)
		access->value = 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct reg_range *r = &table[mid];

		if (access->offset > r->last) {
			low = mid + 1;
		} else if (access->offset < r->first) {
			high = mid;
		} else {
			if ((access->width & r->widths) == 0 ||
			    (access->offset & (access->width - 1U)) != 0 ||
			    access->offset + access->width - 1 > r->last)
				return false;
			if (access->write) {
				if (r->write == NULL)
					return false;
				r->write(device, access, access->value);
			} else {
				if (r->read == NULL)
					return false;
				access->value = r->read(device, access);
			}
			return true;
		}
	}
	return false;
}

bool regs_table_ok(const struct reg_range *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].last < table[i].first || table[i].widths == 0 || table[i].widths > 15)
			return false;
		if (i > 0 && table[i].first <= table[i - 1].last)
			return false;
	}
	return count > 0;
}
