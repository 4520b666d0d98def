/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translation tables the kernel is entered with (Arm ARM DDI 0487, D8): EL2 stage 1, 4 KiB
 * granule, 48-bit addresses, one level-0 table and two level-1 tables of 1 GiB blocks. The kernel
 * builds its own at once; these only have to cover it, the loader and the devices.
 */
#include "standin/loader/loader.h"

enum {
	ENTRIES = 512,
	GIB_SHIFT = 30,
	ROOT_SHIFT = 39,
	ATTR_DEVICE = 0,
	ATTR_NORMAL = 4,
};

#define MAIR_EL2   UINT64_C(0x0000aaff440c0400) /* nGnRnE nGnRE GRE NC WB WT */
#define TABLE      UINT64_C(3)
#define BLOCK(i)   (UINT64_C(0x401) | (UINT64_C(3) << 8) | (uint64_t)(i) << 2) /* AF, inner */
#define NO_EXECUTE (UINT64_C(1) << 54)
/* RES1, 40-bit physical, inner shareable, write-back, T0SZ = 16 */
#define TCR_EL2 UINT64_C(0x80823510)

struct tables {
	uint64_t root[ENTRIES];
	uint64_t identity[ENTRIES];
	uint64_t kernel[ENTRIES];
};

/* Written with the MMU off, read by every core's MMU. */
static struct tables tables __attribute__((aligned(4096)));

void mmu_build(const struct machine *machine, uint64_t kernel_offset, struct handover *handover)
{
	uint64_t first = machine->ram_start >> GIB_SHIFT;
	uint64_t last = (machine->ram_start + machine->ram_size - 1) >> GIB_SHIFT;

	for (uint64_t i = 0; i < ENTRIES; i++) {
		uint64_t block = i << GIB_SHIFT;

		if (i >= first && i <= last)
			block |= BLOCK(ATTR_NORMAL);
		else if (i < first)
			block |= BLOCK(ATTR_DEVICE) | NO_EXECUTE;
		else
			block = 0;
		tables.identity[i] = block;
		tables.kernel[i] = block;
	}
	tables.root[0] = (uint64_t)tables.identity | TABLE;
	tables.root[kernel_offset >> ROOT_SHIFT] = (uint64_t)tables.kernel | TABLE;
	handover->page_table = (uint64_t)tables.root;
	handover->mair = MAIR_EL2;
	handover->tcr = TCR_EL2;
}
