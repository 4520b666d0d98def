/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding capabilities and regions by name in the start page (include/vmm/start.h). Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <vmm/start.h>

/* `stored` is an array of VMM_START_NAME bytes, NUL-terminated by admin. */
static bool same(const char *stored, const char *name)
{
	for (size_t i = 0; i < VMM_START_NAME; i++) {
		if (stored[i] != name[i])
			return false;
		if (name[i] == '\0')
			return true;
	}
	return false;
}

uint64_t vmm_start_cap(const struct vmm_start *start, const char *name)
{
	for (uint32_t i = 0; i < start->cap_count && i < VMM_START_CAPS; i++) {
		if (same(start->caps[i].name, name))
			return start->caps[i].cptr;
	}
	return 0;
}

const struct vmm_start_region *vmm_start_region(const struct vmm_start *start, const char *name)
{
	for (uint32_t i = 0; i < start->region_count && i < VMM_START_REGIONS; i++) {
		if (same(start->regions[i].name, name))
			return &start->regions[i];
	}
	return NULL;
}
