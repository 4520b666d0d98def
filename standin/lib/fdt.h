/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a flattened device tree (Devicetree Specification v0.4, ch. 5): a walk over all nodes, and
 * properties by name. The blob comes from the loader and is checked for bounds all the same.
 */
#pragma once

#include "standin/lib/types.h"

struct fdt_node {
	const char *name;
	const struct fdt *fdt;
	u32 at;            /* of the first property, in the structure block */
	u32 address_cells; /* of the parent: how `reg` is to be read */
	u32 size_cells;
};

struct fdt {
	const u8 *base;
	u32 size, struct_at, struct_size, strings_at, strings_size;
};

/** False: not a device tree, or its header promises more than `max` bytes. */
bool fdt_open(struct fdt *f, const void *blob, u64 max);

/** Calls `visit` for every node, parents first. */
void fdt_walk(const struct fdt *f, void (*visit)(const struct fdt_node *n, void *arg), void *arg);

/** NULL if the node has no such property. */
const void *fdt_prop(const struct fdt_node *n, const char *name, u32 *length);

/** The i-th entry of `reg`. */
bool fdt_reg(const struct fdt_node *n, unsigned i, u64 *address, u64 *size);

/** Whether one of the strings of `compatible` is this one. */
bool fdt_compatible(const struct fdt_node *n, const char *what);
