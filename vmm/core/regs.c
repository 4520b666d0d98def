/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/mmio.h"

/*
 * The first range that does not end before `offset`: a binary search without a branch to
 * mispredict.
 */
static const struct reg_range *find(const struct reg_range *table, size_t count, uint64_t offset)
{
	while (count > 1) {
		size_t half = count / 2;

		table = table[half - 1].last < offset ? table + half : table;
		count -= half;
	}
	return table;
}

bool regs_dispatch(const struct reg_range *table, size_t count, void *device,
		   struct mmio_access *access)
{
	const struct reg_range *r = find(table, count, access->offset);
	uint64_t offset = access->offset;

	if (offset < r->first || offset + access->width - 1 > r->last ||
	    (access->width & r->widths) == 0 || (offset & (access->width - 1U)) != 0)
		goto nothing;
	if (access->write) {
		if (r->write == NULL)
			goto nothing;
		r->write(device, access, access->value);
	} else {
		if (r->read == NULL)
			goto nothing;
		access->value = r->read(device, access);
	}
	return true;
nothing:
	if (!access->write)
		access->value = 0;
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
