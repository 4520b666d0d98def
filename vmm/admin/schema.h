/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One node of a description, read by a table of the properties it may have.
 *
 * A table is the whole truth about a node: what is not in it is an error, what has the wrong type or
 * range is an error, and each error says what would have been right. Values go into a structure of
 * the caller's, which holds the defaults beforehand; strings stay in the device tree blob.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/admin/report.h"

enum schema_type {
	SCHEMA_U32,    /* one cell → uint32_t */
	SCHEMA_U64,    /* one cell or one 64-bit number → uint64_t */
	SCHEMA_CELLS,  /* cells → uint32_t[max_count], and their number */
	SCHEMA_RANGE,  /* two 64-bit numbers, address and size → struct system_range */
	SCHEMA_RANGES, /* the same, several → struct system_range[max_count], and their number */
	SCHEMA_NAME,   /* a name: lower case letters, digits, '-', at most 31 → const char * */
	SCHEMA_STRING, /* printable text of at most `max` bytes → const char * */
	SCHEMA_FLAG,   /* there or not, without a value → uint32_t */
	SCHEMA_BYTES,  /* exactly `max_count` bytes → uint8_t[] */
	SCHEMA_CHOICE, /* one of `choices` → uint32_t, the index */
};

struct schema_property {
	const char *name;
	enum schema_type type;
	bool required;
	uint8_t max_count;          /* lists: places in the array */
	uint16_t offset;            /* of the value in the caller's structure */
	uint16_t count_offset;      /* lists: of the uint32_t count */
	uint64_t min, max;          /* numbers, inclusive; strings: max is the length */
	const char *const *choices; /* SCHEMA_CHOICE: ends with NULL; "": not to be chosen */
};

/* A position in a description: where it is and how it is called in messages. */
struct schema_node {
	const void *fdt;
	int offset;
	struct text path;
};

/**
 * True if the `size` bytes are a sound device tree blob: after that libfdt's reading functions can be
 * used on it.
 */
bool schema_blob_ok(const void *fdt, size_t size);

/** The node's own name: the last part of its path. Borrowed from the blob. */
const char *schema_name(const struct schema_node *node);

/** The root of a checked blob. */
void schema_root(struct schema_node *root, const void *fdt);

/** Finds child `name` of `parent`. False, and `*child` untouched, if there is none. */
bool schema_child(const struct schema_node *parent, const char *name, struct schema_node *child);

/** For loops: the first child when `*child` has offset < 0, then the next. False after the last. */
bool schema_next(const struct schema_node *parent, struct schema_node *child);

/**
 * Reads the properties of `node` into `out` by the table. Every property that is unknown, missing,
 * of the wrong type or out of range is reported; `out` keeps its default there.
 */
void schema_read(struct report *report, const struct schema_node *node,
		 const struct schema_property *table, size_t table_count, void *out);

/** Reports every child of `node` whose name is not in `names` (which ends with NULL). */
void schema_only_children(struct report *report, const struct schema_node *node,
			  const char *const *names);

/** True if `node` has the property; its value is not looked at. */
bool schema_has(const struct schema_node *node, const char *property);

/** True if `name` is what SCHEMA_NAME allows. */
bool schema_name_ok(const char *name);
