/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk of the guest's stage 1 tables (DDI 0487J.a, D8.2 and D8.3): VMSAv8-64, granules of 4, 16 and
 * 64 KiB, 48-bit addresses. Everything read is the guest's and may change meanwhile; each step is
 * bounded by the level, each table word is loaded once, and every address goes through gmem.
 */
#include "vmm/arch/aarch64/a64.h"

#define SCTLR_M  (UINT64_C(1) << 0)
#define SCTLR_EE (UINT64_C(1) << 25)

#define ADDRESS_48 UINT64_C(0x0000ffffffffffff)

enum {
	LEVEL_LAST = 3,
	TSZ_MIN = 16,
	TSZ_MAX = 48, /* with small translation tables; 39 without */
};

/* One half of the address space. */
struct half {
	uint64_t table;      /* TTBR */
	unsigned tsz;        /* its size is 2^(64 - tsz) */
	unsigned page_shift; /* 12, 14, 16; 0: reserved */
	bool off;            /* no walks: EPD */
	bool ignore_top;     /* TBI */
};

static unsigned field(uint64_t v, unsigned high, unsigned low)
{
	return (unsigned)(v >> low) & ((1U << (high - low + 1)) - 1);
}

static struct half half_of(const struct a64_mmu *mmu, bool upper)
{
	/* TG0 and TG1 number the granules differently. */
	static const uint8_t tg0[4] = { 12, 16, 14, 0 };
	static const uint8_t tg1[4] = { 0, 14, 12, 16 };
	uint64_t tcr = mmu->tcr;

	if (upper)
		return (struct half){
			.table = mmu->ttbr1,
			.tsz = field(tcr, 21, 16),
			.page_shift = tg1[field(tcr, 31, 30)],
			.off = field(tcr, 23, 23) != 0,
			.ignore_top = field(tcr, 38, 38) != 0,
		};
	return (struct half){
		.table = mmu->ttbr0,
		.tsz = field(tcr, 5, 0),
		.page_shift = tg0[field(tcr, 15, 14)],
		.off = field(tcr, 7, 7) != 0,
		.ignore_top = field(tcr, 37, 37) != 0,
	};
}

/* The bits above the half's size must all be equal to bit 55, but for an ignored top byte. */
static bool canonical(const struct half *h, bool upper, uint64_t va)
{
	uint64_t top = ~UINT64_C(0) << (64 - h->tsz);

	if (h->ignore_top)
		top &= ~UINT64_C(0) >> 8;
	return (va & top) == (upper ? top : 0);
}

/* May a descriptor at this level map memory by itself? */
static bool block_allowed(unsigned level, unsigned page_shift)
{
	return level == 2 || (level == 1 && page_shift == 12);
}

static bool load_descriptor(const struct a64_mmu *mmu, const struct gmem *gm, uint64_t at,
			    uint64_t *desc)
{
	if (gmem_load64(gm, at, desc) != VMM_OK)
		return false;
	if ((mmu->sctlr & SCTLR_EE) != 0)
		*desc = __builtin_bswap64(*desc);
	return true;
}

bool a64_walk(const struct a64_mmu *mmu, const struct gmem *gm, uint64_t va, uint64_t *ipa)
{
	bool upper = (va >> 55 & 1) != 0;
	struct half h = half_of(mmu, upper);
	unsigned stride, size, level, shift, index_bits;
	uint64_t table, desc;

	if ((mmu->sctlr & SCTLR_M) == 0) {
		*ipa = va;
		return va <= ADDRESS_48;
	}
	/* A half of one 64 KiB page (TSZ 48) has no level left to walk; the architecture stops at 47. */
	if (h.off || h.page_shift == 0 || h.tsz < TSZ_MIN || h.tsz > TSZ_MAX ||
	    64 - h.tsz <= h.page_shift || !canonical(&h, upper, va))
		return false;

	stride = h.page_shift - 3;
	size = 64 - h.tsz;
	/* Levels needed to resolve size - page_shift bits, stride bits each. */
	level = LEVEL_LAST + 1 - (size - h.page_shift + stride - 1) / stride;
	shift = h.page_shift + stride * (LEVEL_LAST - level);
	index_bits = size - shift; /* the first level may be smaller than a page */
	table = h.table & ADDRESS_48 & ~((UINT64_C(8) << index_bits) - 1);

	for (;; level++, shift -= stride, index_bits = stride) {
		uint64_t index = va >> shift & ((UINT64_C(1) << index_bits) - 1);
		bool table_or_page;

		if (!load_descriptor(mmu, gm, table + index * 8, &desc) || (desc & 1) == 0)
			return false;
		table_or_page = (desc & 2) != 0;
		if (level == LEVEL_LAST && !table_or_page)
			return false;
		if (level == LEVEL_LAST || !table_or_page)
			break;
		table = desc & ADDRESS_48 & ~((UINT64_C(1) << h.page_shift) - 1);
	}
	if (level != LEVEL_LAST && !block_allowed(level, h.page_shift))
		return false;
	*ipa = (desc & ADDRESS_48 & ~((UINT64_C(1) << shift) - 1)) |
	       (va & ((UINT64_C(1) << shift) - 1));
	return true;
}
