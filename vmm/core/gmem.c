/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory. Ranges are few and searched in order; each check is made with arithmetic that cannot
 * wrap, because every address here may come from a guest.
 */
#include "vmm/core/gmem.h"

#include <string.h>

#include "vmm/base/util.h"

enum vmm_err gmem_add(struct gmem *gm, uint64_t gpa, uint64_t host, uint64_t size)
{
	uint64_t end, host_end;

	if (size == 0 || host == 0 || !add_u64(gpa, size, &end) || !add_u64(host, size, &host_end))
		return VMM_ERR_RANGE;
	if (gm->count == GMEM_RANGES)
		return VMM_ERR_NOMEM;
	for (unsigned i = 0; i < gm->count; i++) {
		const struct gmem_range *r = &gm->range[i];

		if (gpa < r->gpa + r->size && r->gpa < end)
			return VMM_ERR_EXISTS;
	}
	gm->range[gm->count++] = (struct gmem_range){ .gpa = gpa, .host = host, .size = size };
	return VMM_OK;
}

void *gmem_host(const struct gmem *gm, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < gm->count; i++) {
		const struct gmem_range *r = &gm->range[i];

		if (range_inside(gpa, len, r->gpa, r->size))
			return (void *)(uintptr_t)(r->host + (gpa - r->gpa));
	}
	return NULL;
}

void *gmem_piece(const struct gmem *gm, uint64_t gpa, uint64_t *len)
{
	for (unsigned i = 0; i < gm->count; i++) {
		const struct gmem_range *r = &gm->range[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size) {
			uint64_t left = r->size - (gpa - r->gpa);

			*len = *len < left ? *len : left;
			return (void *)(uintptr_t)(r->host + (gpa - r->gpa));
		}
	}
	return NULL;
}

enum vmm_err gmem_read(const struct gmem *gm, uint64_t gpa, void *to, size_t len)
{
	const void *from = gmem_host(gm, gpa, len);

	if (from == NULL)
		return VMM_ERR_RANGE;
	memcpy(to, from, len);
	return VMM_OK;
}

enum vmm_err gmem_write(const struct gmem *gm, uint64_t gpa, const void *from, size_t len)
{
	void *to = gmem_host(gm, gpa, len);

	if (to == NULL)
		return VMM_ERR_RANGE;
	memcpy(to, from, len);
	return VMM_OK;
}

enum vmm_err gmem_load64(const struct gmem *gm, uint64_t gpa, uint64_t *value)
{
	const uint64_t *from = gmem_host(gm, gpa, sizeof(*from));

	if (from == NULL || gpa % sizeof(*from) != 0 || (uintptr_t)from % sizeof(*from) != 0)
		return VMM_ERR_RANGE;
	*value = __atomic_load_n(from, __ATOMIC_RELAXED);
	return VMM_OK;
}
