// SPDX-License-Identifier: BSD-2-Clause
/*
 * From device tree to struct system: for each kind of node one table of its properties and one
 * function that sets the defaults, reads, and resolves references. Relations are in check.c.
 */
#include "vmm/admin/system.h"

#include <string.h>

#include "vmm/admin/schema.h"
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

static const char *const image_kinds[] = {
	"linux", "elf", "raw", "initrd", "dtb", "overlay", NULL
};
static const char *const handlers[] = { "active", "passive", NULL };
static const char *const conduits[] = { "smc", "hvc", NULL };
static const char *const device_kinds[] = { "none", "pl011", "pl031", NULL };
static const char *const no_children[] = { NULL };

/* ---- board ---- */

static const struct schema_property board_table[] = {
	OPTIONAL(P_U32("cores", system_board, cores, 1, SYSTEM_CORES)),
	NEEDED(P_U32("gic-version", system_board, gic_version, 2, 3)),
	NEEDED(P_U32("list-registers", system_board, list_registers, 1, 16)),
	NEEDED(.name = "ram", .type = SCHEMA_RANGES, P_LIST(system_board, ram, ram_count)),
	NEEDED(P_RANGE("image-window", system_board, image_window)),
	NEEDED(P_RANGE("uart", system_board, uart)),
	NEEDED(P_U32("uart-interrupt", system_board, uart_interrupt, SYSTEM_FIRST_SPI, 1019)),
	OPTIONAL(P_U64("gicv", system_board, gicv, 0, ANY_ADDRESS)),
	NEEDED(P_U64("guest-gicd", system_board, guest_gicd, 0, ANY_ADDRESS)),
	NEEDED(P_U64("guest-gicr", system_board, guest_gicr, 0, ANY_ADDRESS)),
	NEEDED(P_U64("guest-gicc", system_board, guest_gicc, 0, ANY_ADDRESS)),
};

static void parse_board(struct system *system, const struct schema_node *node,
			struct report *report)
{
	struct system_board *board = &system->board;

	board->cores = 1;
	schema_read(report, node, board_table, ARRAY_SIZE(board_table), board);
	schema_only_children(report, node, no_children);
}

/* ---- images ---- */

static const struct schema_property image_table[] = {
	NEEDED(P_TEXT("file", system_image, file, FILE_NAME_MAX)),
	NEEDED(P_CHOICE("kind", system_image, kind, image_kinds)),
	OPTIONAL(P_U64("load-address", system_image, load_address, 0, ANY_ADDRESS)),
};

/* A name that a node gives to what it describes. */
static void check_name(struct report *report, const struct schema_node *node)
{
	if (!schema_name_ok(schema_name(node)))
		report_add(report, node->path.at, NULL, schema_name(node),
			   "a name of 1 to 31 of a-z, 0-9 and '-'");
}

static void report_limit(struct report *report, const struct schema_node *node, uint64_t limit)
{
	struct text allowed;

	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, limit);
	report_add(report, node->path.at, NULL, "one node too many", allowed.at);
}

static void parse_images(struct system *system, const struct schema_node *node,
			 struct report *report)
{
	struct schema_node child = { .offset = -1 };

	schema_read(report, node, NULL, 0, NULL);
	while (schema_next(node, &child)) {
		struct system_image *image = &system->images[system->image_count];

		if (system->image_count == SYSTEM_IMAGES) {
			report_limit(report, &child, SYSTEM_IMAGES);
			return;
		}
		check_name(report, &child);
		*image = (struct system_image){ .name = schema_name(&child), .file = "" };
		schema_read(report, &child, image_table, ARRAY_SIZE(image_table), image);
		schema_only_children(report, &child, no_children);
		system->image_count++;
	}
}

/* ---- programs ---- */

static const struct schema_property program_table[] = {
	OPTIONAL(P_NAME("file", system_program, file)),
	OPTIONAL(P_U32("core", system_program, sched.core, 0, SYSTEM_CORES - 1)),
	OPTIONAL(P_U32("priority", system_program, sched.priority, SYSTEM_PRIORITY_VM_MAX + 2,
		       SYSTEM_PRIORITY_ADMIN - 1)),
	OPTIONAL(P_U64("budget-us", system_program, sched.budget_us, BUDGET_MIN_US, PERIOD_MAX_US)),
	OPTIONAL(P_U64("period-us", system_program, sched.period_us, PERIOD_MIN_US, PERIOD_MAX_US)),
};

static const char *const program_names[SYSTEM_PROGRAM_COUNT + 1] = {
	[SYSTEM_SERIAL] = "serial",
	[SYSTEM_CONSOLE] = "console",
	[SYSTEM_TIMER] = "timer",
};

static const uint32_t program_priorities[SYSTEM_PROGRAM_COUNT] = {
	[SYSTEM_SERIAL] = SYSTEM_PRIORITY_SERIAL,
	[SYSTEM_CONSOLE] = SYSTEM_PRIORITY_CONSOLE,
	[SYSTEM_TIMER] = SYSTEM_PRIORITY_TIMER,
};

/* `node` is NULL where the description has no such node: the defaults stand. */
static void parse_program(struct system *system, unsigned id, const struct schema_node *node,
			  struct report *report)
{
	struct system_program *program = &system->programs[id];

	*program = (struct system_program){
		.name = program_names[id],
		.file = program_names[id],
		.sched = { .core = 0,
			   .priority = program_priorities[id],
			   .budget_us = id == SYSTEM_TIMER ? DEFAULT_SLICE : SERVER_BUDGET,
			   .period_us = id == SYSTEM_TIMER ? DEFAULT_SLICE : SERVER_PERIOD },
	};
	if (node == NULL)
		return;
	schema_read(report, node, program_table, ARRAY_SIZE(program_table), program);
	schema_only_children(report, node, no_children);
}

static void parse_programs(struct system *system, const struct schema_node *root,
			   struct report *report)
{
	struct schema_node node, child;
	bool given = schema_child(root, "programs", &node);

	for (unsigned id = 0; id < SYSTEM_PROGRAM_COUNT; id++) {
		bool described = given && schema_child(&node, program_names[id], &child);

		parse_program(system, id, described ? &child : NULL, report);
	}
	if (!given)
		return;
	schema_read(report, &node, NULL, 0, NULL);
	schema_only_children(report, &node, program_names);
}

/* ---- VMs ---- */

/* A VM's properties before they are resolved. */
struct vm_input {
	const char *kernel, *initrd, *dtb, *overlay, *cmdline, *file;
	uint32_t memory_mib;
	uint32_t ram_count;
	struct system_range ram[SYSTEM_RAM];
	uint32_t psci, handler, spis;
	uint32_t core_count;
	uint32_t cores[SYSTEM_VCPUS];
	struct system_sched sched;
};

static const struct schema_property vm_table[] = {
	NEEDED(P_NAME("kernel", vm_input, kernel)),
	OPTIONAL(P_NAME("initrd", vm_input, initrd)),
	OPTIONAL(P_NAME("dtb", vm_input, dtb)),
	OPTIONAL(P_NAME("overlay", vm_input, overlay)),
	OPTIONAL(P_TEXT("cmdline", vm_input, cmdline, VMM_CONFIG_CMDLINE - 1)),
	OPTIONAL(P_NAME("program", vm_input, file)),
	OPTIONAL(P_U32("memory-mib", vm_input, memory_mib, 2, MEMORY_MIB_MAX)),
	OPTIONAL(.name = "ram", .type = SCHEMA_RANGES, P_LIST(vm_input, ram, ram_count)),
	OPTIONAL(P_CHOICE("psci", vm_input, psci, conduits)),
	OPTIONAL(P_CHOICE("handler", vm_input, handler, handlers)),
	OPTIONAL(P_U32("spis", vm_input, spis, 32, SYSTEM_SPIS)),
	OPTIONAL(.name = "cores", .type = SCHEMA_CELLS, .max = SYSTEM_CORES - 1,
		 P_LIST(vm_input, cores, core_count)),
	OPTIONAL(P_U32("priority", vm_input, sched.priority, 1, SYSTEM_PRIORITY_VM_MAX)),
	OPTIONAL(P_U64("budget-us", vm_input, sched.budget_us, BUDGET_MIN_US, PERIOD_MAX_US)),
	OPTIONAL(P_U64("period-us", vm_input, sched.period_us, PERIOD_MIN_US, PERIOD_MAX_US)),
};

static const char *const vm_children[] = { "vcpus", "devices", NULL };

static const struct schema_property vcpu_table[] = {
	NEEDED(P_U32("core", system_vcpu, sched.core, 0, SYSTEM_CORES - 1)),
	OPTIONAL(P_U64("mpidr", system_vcpu, mpidr, 0, UINT64_C(0xff00ffffff))),
	OPTIONAL(P_U32("priority", system_vcpu, sched.priority, 1, SYSTEM_PRIORITY_VM_MAX)),
	OPTIONAL(P_U64("budget-us", system_vcpu, sched.budget_us, BUDGET_MIN_US, PERIOD_MAX_US)),
	OPTIONAL(P_U64("period-us", system_vcpu, sched.period_us, PERIOD_MIN_US, PERIOD_MAX_US)),
};

static const struct schema_property device_table[] = {
	NEEDED(P_CHOICE("kind", system_device, kind, device_kinds)),
	NEEDED(P_RANGE("reg", system_device, at)),
	NEEDED(P_U32("interrupt", system_device, interrupt, SYSTEM_FIRST_SPI,
		     SYSTEM_FIRST_SPI + SYSTEM_SPIS - 1)),
	OPTIONAL(P_NAME("console", system_device, console)),
};

static void default_vcpu(struct system_vm *vm, const struct vm_input *in, uint32_t core)
{
	struct system_vcpu *vcpu = &vm->vcpus[vm->vcpu_count];

	vcpu->sched = in->sched;
	vcpu->sched.core = core;
	vcpu->mpidr = vm->vcpu_count;
	vm->vcpu_count++;
}

static void parse_vcpus(struct system_vm *vm, const struct vm_input *in,
			const struct schema_node *node, struct report *report)
{
	struct schema_node list, child = { .offset = -1 };

	if (!schema_child(node, "vcpus", &list)) {
		for (uint32_t i = 0; i < in->core_count; i++)
			default_vcpu(vm, in, in->cores[i]);
		return;
	}
	if (schema_has(node, "cores"))
		report_add(report, node->path.at, "cores", "both \"cores\" and a node \"vcpus\"",
			   "one of the two");
	schema_read(report, &list, NULL, 0, NULL);
	while (schema_next(&list, &child)) {
		struct system_vcpu *vcpu = &vm->vcpus[vm->vcpu_count];

		if (vm->vcpu_count == SYSTEM_VCPUS) {
			report_limit(report, &child, SYSTEM_VCPUS);
			return;
		}
		check_name(report, &child);
		default_vcpu(vm, in, 0);
		schema_read(report, &child, vcpu_table, ARRAY_SIZE(vcpu_table), vcpu);
		schema_only_children(report, &child, no_children);
	}
	if (vm->vcpu_count == 0)
		report_add(report, list.path.at, NULL, "no node", "at least one vCPU");
}

static void default_devices(struct system_vm *vm)
{
	vm->device_count = 2;
	vm->devices[0] = (struct system_device){
		.name = "uart",
		.kind = VMM_DEVICE_PL011,
		.at = { .base = 0x09000000, .size = SYSTEM_PAGE },
		.interrupt = 33,
		.console = vm->name,
	};
	vm->devices[1] = (struct system_device){
		.name = "rtc",
		.kind = VMM_DEVICE_PL031,
		.at = { .base = 0x09010000, .size = SYSTEM_PAGE },
		.interrupt = 34,
	};
}

static void parse_devices(struct system_vm *vm, const struct schema_node *node,
			  struct report *report)
{
	struct schema_node list, child = { .offset = -1 };

	if (!schema_child(node, "devices", &list)) {
		default_devices(vm);
		return;
	}
	schema_read(report, &list, NULL, 0, NULL);
	while (schema_next(&list, &child)) {
		struct system_device *device = &vm->devices[vm->device_count];

		if (vm->device_count == SYSTEM_DEVICES) {
			report_limit(report, &child, SYSTEM_DEVICES);
			return;
		}
		check_name(report, &child);
		*device = (struct system_device){ .name = schema_name(&child) };
		schema_read(report, &child, device_table, ARRAY_SIZE(device_table), device);
		schema_only_children(report, &child, no_children);
		vm->device_count++;
	}
}

static int32_t find_image(const struct system *system, const struct schema_node *node,
			  const char *property, const char *name, struct report *report)
{
	struct text allowed;

	if (name == NULL)
		return -1;
	text_clear(&allowed);
	text_add(&allowed, "the name of a node in /images:");
	for (uint32_t i = 0; i < system->image_count; i++) {
		if (strcmp(system->images[i].name, name) == 0)
			return (int32_t)i;
		text_add(&allowed, " ");
		text_add(&allowed, system->images[i].name);
	}
	report_add(report, node->path.at, property, name, allowed.at);
	return -1;
}

static void parse_ram(struct system_vm *vm, const struct vm_input *in,
		      const struct schema_node *node, struct report *report)
{
	if (schema_has(node, "ram") == schema_has(node, "memory-mib"))
		report_add(report, node->path.at, "memory-mib",
			   schema_has(node, "ram") ? "both \"memory-mib\" and \"ram\"" : "nothing",
			   "either \"memory-mib\" or \"ram\"");
	if (in->ram_count > 0) {
		vm->ram_count = in->ram_count;
		memcpy(vm->ram, in->ram, sizeof(vm->ram));
	} else {
		vm->ram_count = 1;
		vm->ram[0].base = SYSTEM_GUEST_RAM;
		vm->ram[0].size = MIB(in->memory_mib);
	}
}

static void parse_vm(struct system *system, struct system_vm *vm, const struct schema_node *node,
		     struct report *report)
{
	struct vm_input in = {
		.cmdline = "",
		.file = "vmm",
		.spis = 64,
		.core_count = 1,
		.sched = { .priority = SYSTEM_PRIORITY_VM,
			   .budget_us = DEFAULT_SLICE,
			   .period_us = DEFAULT_SLICE },
	};

	*vm = (struct system_vm){ .name = schema_name(node) };
	check_name(report, node);
	schema_read(report, node, vm_table, ARRAY_SIZE(vm_table), &in);
	schema_only_children(report, node, vm_children);
	vm->file = in.file;
	vm->cmdline = in.cmdline;
	vm->psci = in.psci;
	vm->spis = in.spis;
	vm->kernel = find_image(system, node, "kernel", in.kernel, report);
	vm->initrd = find_image(system, node, "initrd", in.initrd, report);
	vm->dtb = find_image(system, node, "dtb", in.dtb, report);
	vm->overlay = find_image(system, node, "overlay", in.overlay, report);
	parse_ram(vm, &in, node, report);
	parse_vcpus(vm, &in, node, report);
	parse_devices(vm, node, report);

	/* A VM with a reservation pays for its emulation out of it, unless it says otherwise. */
	vm->handler = in.handler;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (!schema_has(node, "handler") && system_sched_limited(&vm->vcpus[i].sched))
			vm->handler = SYSTEM_HANDLER_PASSIVE;
	}
}

static void parse_vms(struct system *system, const struct schema_node *node, struct report *report)
{
	struct schema_node child = { .offset = -1 };

	schema_read(report, node, NULL, 0, NULL);
	while (schema_next(node, &child)) {
		if (system->vm_count == SYSTEM_VMS) {
			report_limit(report, &child, SYSTEM_VMS);
			return;
		}
		parse_vm(system, &system->vms[system->vm_count], &child, report);
		system->vm_count++;
	}
	if (system->vm_count == 0)
		report_add(report, node->path.at, NULL, "no node", "at least one VM");
}

/* ---- all ---- */

static const char *const compatibles[] = { "vessel,system-1", NULL };

static const struct schema_property root_table[] = {
	{ .name = "compatible", .type = SCHEMA_CHOICE, .required = true, .choices = compatibles },
};

static const char *const root_children[] = { "board", "images", "programs", "vms", NULL };

bool system_parse(struct system *system, const void *fdt, size_t size, struct report *report)
{
	struct schema_node root, node;
	uint32_t compatible;
	unsigned before = report->count;

	memset(system, 0, sizeof(*system));
	if (!schema_blob_ok(fdt, size)) {
		report_add(report, "/", NULL, "something else", "a device tree blob");
		return false;
	}
	schema_root(&root, fdt);
	schema_read(report, &root, root_table, ARRAY_SIZE(root_table), &compatible);
	schema_only_children(report, &root, root_children);
	if (schema_child(&root, "board", &node))
		parse_board(system, &node, report);
	else
		report_add(report, "/board", NULL, "nothing", "a node that describes the board");
	if (schema_child(&root, "images", &node))
		parse_images(system, &node, report);
	parse_programs(system, &root, report);
	if (schema_child(&root, "vms", &node))
		parse_vms(system, &node, report);
	else
		report_add(report, "/vms", NULL, "nothing", "a node with at least one VM");

	/* Relations make sense between things that are well formed. */
	if (report->count == before)
		system_check(system, report);
	return report->count == before;
}
