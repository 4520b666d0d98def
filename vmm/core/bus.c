/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus: a sorted table and a binary search.
 */
#include "vmm/core/bus.h"

#include <stddef.h>

#include "vmm/base/util.h"

enum vmm_err bus_add(struct bus *bus, const struct bus_region *region)
{
	unsigned at = bus->count;
	uint64_t end;

	if (region->size < BUS_ACCESS || !add_u64(region->gpa, region->size, &end))
		return VMM_ERR_RANGE;
	if (bus->count == BUS_REGIONS)
		return VMM_ERR_NOMEM;
	for (unsigned i = 0; i < bus->count; i++) {
		const struct bus_region *r = &bus->region[i];

		if (region->gpa < r->gpa + r->size && r->gpa < end)
			return VMM_ERR_EXISTS;
	}
	while (at > 0 && bus->region[at - 1].gpa > region->gpa) {
		bus->region[at] = bus->region[at - 1];
		at--;
	}
	bus->region[at] = *region;
	bus->count++;
	return VMM_OK;
}

const struct bus_region *bus_search(const struct bus *bus, uint64_t gpa, uint64_t len)
{
	unsigned low = 0, high = bus->count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct bus_region *r = &bus->region[mid];

		if (range_inside(gpa, len, r->gpa, r->size))
			return r;
		if (gpa < r->gpa)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
