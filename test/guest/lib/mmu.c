// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stage 1 for the tests that need it: unaligned accesses, and code that runs at an address which is
 * not its physical one. 39-bit addresses, 4 KiB granule, one level-1 table of 1 GiB blocks.
 *
 *   [0, 4 GiB)                 the physical address; the first GiB is Device, the rest Normal
 *   MMU_ALIAS + [0, 4 GiB)     the same again, all of it Normal, so that no alignment is asked for
 *
 * Normal is non-cacheable and the caches stay off, so that switching needs no maintenance.
 */
#include "test/guest/lib/guest.h"

enum {
	ENTRIES = 512,
	GIB_SHIFT = 30,
	MAPPED = 4,
	BLOCK = 1,
	ACCESS_FLAG = 1 << 10,
	INNER_SHAREABLE = 3 << 8,
	ATTR_DEVICE = 0 << 2,
	ATTR_NORMAL = 1 << 2,
	MAIR = 0x4404,                /* 0: Device-nGnRE, 1: Normal non-cacheable */
	TCR = 25 | 1 << 23 | 3 << 12, /* T0SZ, EPD1, inner shareable */
	SCTLR_M = 1,
};
#define TCR_IPS_40 (UINT64_C(2) << 32)

static uint64_t table[ENTRIES] __attribute__((aligned(4096)));

void mmu_on(void)
{
	for (uint64_t i = 0; i < MAPPED; i++) {
		uint64_t block = i << GIB_SHIFT | BLOCK | ACCESS_FLAG | INNER_SHAREABLE;

		table[i] = block | (i == 0 ? ATTR_DEVICE : ATTR_NORMAL);
		table[(MMU_ALIAS >> GIB_SHIFT) + i] = block | ATTR_NORMAL;
	}
	barrier();
	WRITE_SYSREG("mair_el1", MAIR);
	WRITE_SYSREG("tcr_el1", TCR | TCR_IPS_40);
	WRITE_SYSREG("ttbr0_el1", (uintptr_t)table);
	__asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
	WRITE_SYSREG("sctlr_el1", READ_SYSREG("sctlr_el1") | SCTLR_M);
}

void mmu_off(void)
{
	WRITE_SYSREG("sctlr_el1", READ_SYSREG("sctlr_el1") & ~(uint64_t)SCTLR_M);
	__asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
}
