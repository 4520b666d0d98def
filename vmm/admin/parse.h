/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the description's parser share (system.c, programs.c, devices.c, pci.c): how a line of a
 * property table is written, and messages about nodes.
 */
#pragma once

#include "vmm/admin/schema.h"
#include "vmm/admin/system.h"
#include "vmm/base/util.h"

#define PERIOD_MIN_US  UINT64_C(1000)
#define PERIOD_MAX_US  UINT64_C(1000000)
#define BUDGET_MIN_US  UINT64_C(100) /* well above the least that a kernel accepts */
#define DEFAULT_SLICE  UINT64_C(5000)
#define SERVER_BUDGET  UINT64_C(400) /* of serial and console: they work in batches */
#define SERVER_PERIOD  UINT64_C(2000)
#define MEMORY_MIB_MAX UINT64_C(0x80000)
#define ANY_ADDRESS    (SYSTEM_ADDRESS_LIMIT - 1)

/*
 * One line of a property table: name, structure, field, and what is allowed. A property is optional
 * unless it stands inside NEEDED().
 */
#define P_AT(tag, field) .offset = (uint16_t)offsetof(struct tag, field)
#define P_U32(n, tag, field, lo, hi) \
	.name = (n), .type = SCHEMA_U32, .min = (lo), .max = (hi), P_AT(tag, field)
#define P_U64(n, tag, field, lo, hi) \
	.name = (n), .type = SCHEMA_U64, .min = (lo), .max = (hi), P_AT(tag, field)
#define P_NAME(n, tag, field)  .name = (n), .type = SCHEMA_NAME, P_AT(tag, field)
#define P_RANGE(n, tag, field) .name = (n), .type = SCHEMA_RANGE, P_AT(tag, field)
#define P_TEXT(n, tag, field, longest) \
	.name = (n), .type = SCHEMA_STRING, .max = (longest), P_AT(tag, field)
#define P_CHOICE(n, tag, field, names) \
	.name = (n), .type = SCHEMA_CHOICE, .choices = (names), P_AT(tag, field)
#define P_LIST(tag, field, count)                          \
	.max_count = ARRAY_SIZE(((struct tag *)0)->field), \
	.count_offset = (uint16_t)offsetof(struct tag, count), P_AT(tag, field)
#define NEEDED(...)                           \
	{                                     \
		__VA_ARGS__, .required = true \
	}
#define OPTIONAL(...)       \
	{                   \
		__VA_ARGS__ \
	}
#define FILE_NAME_MAX 1000

extern const char *const parse_no_children[];

/** Checks the name that a node gives to what it describes. */
void parse_name(struct report *report, const struct schema_node *node);

/** `node` is one more than `limit`. */
void parse_limit(struct report *report, const struct schema_node *node, uint64_t limit);

/** programs.c: the fixed programs, then those described. */
void parse_programs(struct system *system, const struct schema_node *root, struct report *report);

/** devices.c: a VM's devices, or the default ones. After the programs. */
void parse_devices(const struct system *system, struct system_vm *vm,
		   const struct schema_node *node, struct report *report);

/** pci.c: a VM's PCI bus, if it has one. After the devices; changes the default of `spis`. */
void parse_pci(struct system_vm *vm, const struct schema_node *node, struct report *report);

/** Index of the program `name`, or -1, which is reported for `property` of `node`. NULL: -1. */
int32_t parse_program_name(const struct system *system, const struct schema_node *node,
			   const char *property, const char *name, struct report *report);
