/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache maintenance by virtual address, and zeroing. Line sizes come from CTR_EL0. */
#include <string.h>

#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"

static u64 data_line(void)
{
	return 4ull << (READ_REG(ctr_el0) >> 16 & 15);
}

#define FOR_LINES(op, from, size, line)                                             \
	do {                                                                        \
		u64 line_ = (line), end_ = (from) + (size);                         \
		for (u64 at_ = align_down((from), line_); at_ < end_; at_ += line_) \
			__asm__ volatile(op ", %0" : : "r"(at_) : "memory");        \
		__asm__ volatile("dsb sy" : : : "memory");                          \
	} while (0)

void cache_clean(u64 from, u64 size)
{
	FOR_LINES("dc cvac", from, size, data_line());
}

void cache_clean_invalidate(u64 from, u64 size)
{
	FOR_LINES("dc civac", from, size, data_line());
}

void cache_unify(u64 from, u64 size)
{
	FOR_LINES("dc cvau", from, size, data_line());
	FOR_LINES("ic ivau", from, size, 4ull << (READ_REG(ctr_el0) & 15));
	isb();
}

void arch_clear(void *at, u64 size)
{
	u64 zva = READ_REG(dczid_el0), block = 4ull << (zva & 15), from = (u64)(uintptr_t)at;

	if ((zva & 16) != 0 || (from & (block - 1)) != 0 || (size & (block - 1)) != 0)
		memset(at, 0, size);
	else
		FOR_LINES("dc zva", from, size, block);
	if (size >= BIT(seL4_PageBits))
		cache_clean(from, size);
}
