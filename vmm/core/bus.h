/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest-physical bus: which device answers at an address.
 *
 * Filled once at start, sorted, then only read: no lock is needed to search it. The bus takes the
 * device's lock around each access, so a model is plain sequential code.
 */
#pragma once

#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/core/lock.h"
#include "vmm/core/mmio.h"

enum {
	BUS_REGIONS = 48,
	BUS_ACCESS = 16, /* the longest access: a pair of registers */
};

struct bus_region {
	uint64_t gpa;
	uint64_t size;
	mmio_handler handler;
	void *device;      /* borrowed; outlives the bus */
	struct lock *lock; /* borrowed; NULL: the handler locks for itself */
	/**
	 * True if a store at `offset` does the same whatever is stored: fetching the value from the guest
	 * costs a kernel call, and the handler then gets 0 instead. May be NULL; the lock is not held.
	 */
	bool (*blind)(const void *device, uint64_t offset, unsigned width);
};

struct bus {
	struct bus_region region[BUS_REGIONS]; /* ascending, disjoint */
	unsigned count;
};

/**
 * VMM_ERR_RANGE: smaller than BUS_ACCESS or wraps around; VMM_ERR_EXISTS: overlaps; VMM_ERR_NOMEM:
 * full.
 */
VMM_MUST_CHECK enum vmm_err bus_add(struct bus *bus, const struct bus_region *region);

/** The region that holds all of [gpa, gpa + len), or NULL. `len` is 1 to BUS_ACCESS. */
const struct bus_region *bus_search(const struct bus *bus, uint64_t gpa, uint64_t len);

/**
 * The same, with the caller's own memory of where its last access went: a device is usually accessed
 * several times in a row. `*hint` starts as NULL.
 */
static inline const struct bus_region *bus_find(const struct bus *bus, uint64_t gpa, uint64_t len,
						const struct bus_region **hint)
{
	const struct bus_region *r = *hint;

	/* No access is longer than a region, so the difference cannot wrap. */
	if (r == NULL || gpa - r->gpa > r->size - len)
		*hint = r = bus_search(bus, gpa, len);
	return r;
}

static inline bool bus_blind(const struct bus_region *region, uint64_t gpa, unsigned width)
{
	return region->blind != NULL && region->blind(region->device, gpa - region->gpa, width);
}

/** Performs an access; `access->offset` and, for a read, `access->value` are filled in. */
static inline void bus_access(const struct bus_region *region, uint64_t gpa,
			      struct mmio_access *access)
{
	access->offset = gpa - region->gpa;
	if (region->lock != NULL)
		lock_take(region->lock);
	region->handler(region->device, access);
	if (region->lock != NULL)
		lock_give(region->lock);
}
