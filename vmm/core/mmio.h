/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One access of a guest to an emulated device, as every device model sees it, and the table form of
 * a register file. A device sees offsets relative to its own region, never absolute addresses, and
 * is never told which bus or ISA it came from.
 *
 * Locking: the bus holds the device's lock around the call, so a model is plain sequential code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/util.h"

struct mmio_access {
	/* bytes from the start of the device's region; the access lies inside it */
	uint64_t offset;
	uint64_t value; /* write: the low `width` bytes; read: the model's answer, higher bits 0 */
	uint8_t width;  /* 1, 2, 4 or 8 bytes; not necessarily aligned */
	bool write;
	uint16_t vcpu; /* index of the accessing vCPU within the VM */
};

/** All but the offset, which the bus knows, and the value of a write, which is 0 so far. */
static inline void mmio_prepare(struct mmio_access *access, uint8_t width, bool write,
				unsigned vcpu)
{
	access->value = 0;
	access->width = width;
	access->write = write;
	access->vcpu = (uint16_t)vcpu;
}

/** Handles every access, legal or not: what is not a register reads as zero and ignores writes. */
typedef void (*mmio_handler)(void *device, struct mmio_access *access);

/*
 * A register file as data: ascending, gaps are RAZ/WI. `access->offset` stays relative to the device;
 * the handler finds its register from it.
 */
struct reg_range {
	uint32_t first; /* offset of the first byte */
	uint32_t last;  /* offset of the last byte, inclusive */
	uint8_t widths; /* OR of the widths allowed: 1 | 2 | 4 | 8; others are RAZ/WI. Naturally aligned only */
	uint64_t (*read)(void *device, const struct mmio_access *access); /* NULL: RAZ */
	void (*write)(void *device, const struct mmio_access *access,
		      uint64_t value); /* NULL: WI */
};

/* A row of a table: REG_RANGE(0x000, 0x003, 4, .read = ctlr_read, .write = ctlr_write). */
#define REG_RANGE(first_, last_, widths_, ...)                                       \
	{                                                                            \
		.first = (first_), .last = (last_), .widths = (widths_), __VA_ARGS__ \
	}

enum {
	REGS_MAX = 64, /* rows of a table: what six halvings search */
};

/**
 * True if the table has 1..REGS_MAX rows, is ascending and without overlap, and the widths are sane.
 * For unit tests.
 */
bool regs_table_ok(const struct reg_range *table, size_t count);

/* One step of a binary search, without a branch to mispredict. */
VMM_INLINE const struct reg_range *regs_halve(const struct reg_range *table, size_t *count,
					      uint64_t offset)
{
	size_t half = *count / 2;

	*count -= half;
	return half != 0 && table[half - 1].last < offset ? table + half : table;
}

/**
 * Finds the range that holds the access, checks width and alignment, and calls it. Returns false if
 * the access hit a gap or was refused (it was RAZ/WI then): for the caller's statistics only.
 *
 * Inline because `count` is a constant for each device: the search is then a few compares in a row.
 */
VMM_INLINE bool regs_dispatch(const struct reg_range *table, size_t count, void *device,
			      struct mmio_access *access)
{
	uint64_t offset = access->offset, within = access->width - 1U;
	const struct reg_range *r = table;

	r = regs_halve(r, &count, offset);
	r = regs_halve(r, &count, offset);
	r = regs_halve(r, &count, offset);
	r = regs_halve(r, &count, offset);
	r = regs_halve(r, &count, offset);
	r = regs_halve(r, &count, offset);
	/* Aligned, so that the last byte is offset | within. */
	if (offset < r->first || (offset | within) > r->last || (offset & within) != 0 ||
	    (access->width & r->widths) == 0)
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
