// SPDX-License-Identifier: BSD-2-Clause
/*
 * From device tree to struct system: for each kind of node one table of its properties and one
 * function that sets the defaults, reads, and resolves references. Programs are in programs.c, devices
 * in devices.c, relations in check.c.
 */
#include "vmm/admin/system.h"

#include <string.h>

#include "vmm/admin/parse.h"
#include "vmm/base/util.h"

static const char *const image_kinds[] = {
	"linux", "elf", "raw", "initrd", "dtb", "overlay", NULL
};
static const char *const handlers[] = { "active", "passive", NULL };
static const char *const conduits[] = { "smc", "hvc", NULL };

const char *const parse_no_children[] = { NULL };

void parse_name(struct report *report, const struct schema_node *node)
{
	if (!schema_name_ok(schema_name(node)))
		report_add(report, node->path.at, NULL, schema_name(node),
			   "a name of 1 to 31 of a-z, 0-9 and '-'");
}

void parse_limit(struct report *report, const struct schema_node *node, uint64_t limit)
{
	struct text allowed;

	text_clear(&allowed);
	text_add(&allowed, "at most ");
	text_add_number(&allowed, limit);
	report_add(report, node->path.at, NULL, "one node too many", allowed.at);
}

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
	schema_only_children(report, node, parse_no_children);
}

/* ---- images ---- */

static const struct schema_property image_table[] = {
	NEEDED(P_TEXT("file", system_image, file, FILE_NAME_MAX)),
	NEEDED(P_CHOICE("kind", system_image, kind, image_kinds)),
	OPTIONAL(P_U64("load-address", system_image, load_address, 0, ANY_ADDRESS)),
};

static void parse_images(struct system *system, const struct schema_node *node,
			 struct report *report)
{
	struct schema_node child = { .offset = -1 };

	schema_read(report, node, NULL, 0, NULL);
	while (schema_next(node, &child)) {
		struct system_image *image = &system->images[system->image_count];

		if (system->image_count == SYSTEM_IMAGES) {
			parse_limit(report, &child, SYSTEM_IMAGES);
			return;
		}
		parse_name(report, &child);
		*image = (struct system_image){ .name = schema_name(&child), .file = "" };
		schema_read(report, &child, image_table, ARRAY_SIZE(image_table), image);
		schema_only_children(report, &child, parse_no_children);
		system->image_count++;
	}
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

static const char *const vm_children[] = { "vcpus", "devices", "pci", NULL };

static const struct schema_property vcpu_table[] = {
	NEEDED(P_U32("core", system_vcpu, sched.core, 0, SYSTEM_CORES - 1)),
	OPTIONAL(P_U64("mpidr", system_vcpu, mpidr, 0, UINT64_C(0xff00ffffff))),
	OPTIONAL(P_U32("priority", system_vcpu, sched.priority, 1, SYSTEM_PRIORITY_VM_MAX)),
	OPTIONAL(P_U64("budget-us", system_vcpu, sched.budget_us, BUDGET_MIN_US, PERIOD_MAX_US)),
	OPTIONAL(P_U64("period-us", system_vcpu, sched.period_us, PERIOD_MIN_US, PERIOD_MAX_US)),
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
			parse_limit(report, &child, SYSTEM_VCPUS);
			return;
		}
		parse_name(report, &child);
		default_vcpu(vm, in, 0);
		schema_read(report, &child, vcpu_table, ARRAY_SIZE(vcpu_table), vcpu);
		schema_only_children(report, &child, parse_no_children);
	}
	if (vm->vcpu_count == 0)
		report_add(report, list.path.at, NULL, "no node", "at least one vCPU");
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
		vm->ram[0].size = align_up(MIB(in->memory_mib), SYSTEM_LARGE_PAGE);
		if (in->memory_mib % 2 != 0) {
			struct text found;

			text_clear(&found);
			text_add_number(&found, in->memory_mib);
			report_add(report, node->path.at, "memory-mib", found.at,
				   "an even number: RAM is in pages of 2 MiB");
		}
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
	parse_name(report, node);
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
	parse_devices(system, vm, node, report);
	parse_pci(vm, node, report);

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
			parse_limit(report, &child, SYSTEM_VMS);
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
