// SPDX-License-Identifier: BSD-2-Clause
/*
 * /programs: the three that every system has, with defaults that a node may change, and the others,
 * each with the kind whose row in native.c says the rest.
 */
#include <string.h>

#include "vmm/admin/parse.h"

#define COMMON_PROPERTIES                                                                   \
	OPTIONAL(P_NAME("file", system_program, file)),                                     \
		OPTIONAL(P_U32("core", system_program, sched.core, 0, SYSTEM_CORES - 1)),   \
		OPTIONAL(P_U32("priority", system_program, sched.priority,                  \
			       SYSTEM_PRIORITY_VM_MAX + 2, SYSTEM_PRIORITY_ADMIN - 1)),     \
		OPTIONAL(P_U64("budget-us", system_program, sched.budget_us, BUDGET_MIN_US, \
			       PERIOD_MAX_US)),                                             \
		OPTIONAL(P_U64("period-us", system_program, sched.period_us, PERIOD_MIN_US, \
			       PERIOD_MAX_US))

static const struct schema_property fixed_table[] = { COMMON_PROPERTIES };

static const struct schema_property native_table[] = {
	NEEDED(P_CHOICE("kind", system_program, kind, native_kind_names)),
	OPTIONAL(P_NAME("driver", system_program, driver_name)),
	OPTIONAL(P_RANGE("reg", system_program, device)),
	OPTIONAL(P_U32("cid", system_program, cid, 2, UINT32_MAX - 1)),
	OPTIONAL(P_U32("interrupt", system_program, interrupt, SYSTEM_FIRST_SPI, 1019)),
	COMMON_PROPERTIES,
};

static const char *const fixed_names[SYSTEM_FIXED_PROGRAMS] = {
	[SYSTEM_SERIAL] = "serial",
	[SYSTEM_CONSOLE] = "console",
	[SYSTEM_TIMER] = "timer",
};

static const uint32_t fixed_priorities[SYSTEM_FIXED_PROGRAMS] = {
	[SYSTEM_SERIAL] = SYSTEM_PRIORITY_SERIAL,
	[SYSTEM_CONSOLE] = SYSTEM_PRIORITY_CONSOLE,
	[SYSTEM_TIMER] = SYSTEM_PRIORITY_TIMER,
};

static bool is_fixed(const char *name)
{
	for (unsigned id = 0; id < SYSTEM_FIXED_PROGRAMS; id++) {
		if (strcmp(name, fixed_names[id]) == 0)
			return true;
	}
	return false;
}

/* `node` is NULL where the description has no such node: the defaults stand. */
static void parse_fixed(struct system *system, unsigned id, const struct schema_node *node,
			struct report *report)
{
	struct system_program *program = &system->programs[id];

	*program = (struct system_program){
		.name = fixed_names[id],
		.file = fixed_names[id],
		.sched = { .core = 0,
			   .priority = fixed_priorities[id],
			   .budget_us = id == SYSTEM_TIMER ? DEFAULT_SLICE : SERVER_BUDGET,
			   .period_us = id == SYSTEM_TIMER ? DEFAULT_SLICE : SERVER_PERIOD },
		.driver = -1,
	};
	if (node == NULL)
		return;
	schema_read(report, node, fixed_table, ARRAY_SIZE(fixed_table), program);
	schema_only_children(report, node, parse_no_children);
}

static void parse_native(struct system *system, const struct schema_node *node,
			 struct report *report)
{
	struct system_program *program = &system->programs[system->program_count];
	const struct native_kind *kind;

	*program = (struct system_program){
		.name = schema_name(node),
		.kind = NATIVE_KINDS, /* less one, as the choice is */
		.sched = { .budget_us = DEFAULT_SLICE, .period_us = DEFAULT_SLICE },
		.driver = -1,
	};
	parse_name(report, node);
	schema_read(report, node, native_table, ARRAY_SIZE(native_table), program);
	schema_only_children(report, node, parse_no_children);
	program->kind++;
	kind = native_kind(program->kind);
	if (kind == NULL)
		return; /* reported */
	if (program->file == NULL)
		program->file = kind->file;
	if (program->sched.priority == 0)
		program->sched.priority = kind->priority;
	system->program_count++;
}

int32_t parse_program_name(const struct system *system, const struct schema_node *node,
			   const char *property, const char *name, struct report *report)
{
	struct text allowed;

	if (name == NULL)
		return -1;
	text_clear(&allowed);
	text_add(&allowed, "the name of a node in /programs with a kind:");
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++) {
		if (strcmp(system->programs[i].name, name) == 0)
			return (int32_t)i;
		text_add(&allowed, " ");
		text_add(&allowed, system->programs[i].name);
	}
	report_add(report, node->path.at, property, name, allowed.at);
	return -1;
}

/* References may go to nodes further down. */
static void resolve(struct system *system, const struct schema_node *list, struct report *report)
{
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < system->program_count; i++) {
		struct system_program *program = &system->programs[i];
		struct schema_node node = *list;

		(void)schema_child(list, program->name, &node);
		program->driver =
			parse_program_name(system, &node, "driver", program->driver_name, report);
	}
}

void parse_programs(struct system *system, const struct schema_node *root, struct report *report)
{
	struct schema_node list, child;
	bool given = schema_child(root, "programs", &list);

	for (unsigned id = 0; id < SYSTEM_FIXED_PROGRAMS; id++) {
		bool described = given && schema_child(&list, fixed_names[id], &child);

		parse_fixed(system, id, described ? &child : NULL, report);
	}
	system->program_count = SYSTEM_FIXED_PROGRAMS;
	if (!given)
		return;
	schema_read(report, &list, NULL, 0, NULL);
	child.offset = -1;
	while (schema_next(&list, &child)) {
		if (is_fixed(schema_name(&child)))
			continue;
		if (system->program_count == SYSTEM_PROGRAMS) {
			parse_limit(report, &child, SYSTEM_PROGRAMS);
			return;
		}
		parse_native(system, &child, report);
	}
	resolve(system, &list, report);
}
