// SPDX-License-Identifier: BSD-2-Clause
/*
 * The relations a system must keep: who may not share what, and what must fit where. Each part is
 * well formed by itself when this runs (system.c).
 */
#include <string.h>

#include "vmm/admin/system.h"
#include "vmm/base/util.h"

#define GICD_SIZE       UINT64_C(0x10000)
#define GICR_FRAME_SIZE UINT64_C(0x20000) /* of one vCPU */
#define GICC_SIZE       UINT64_C(0x2000)

enum { AREAS_MAX = SYSTEM_RAM + SYSTEM_DEVICES + 7 };

/* A piece of a guest's address space and who it belongs to, for messages. */
struct area {
	const char *owner;
	struct system_range at;
};

static void vm_path(struct text *path, const struct system_vm *vm, const char *list,
		    const char *child)
{
	text_clear(path);
	text_add(path, "/vms/");
	text_add(path, vm->name);
	if (list != NULL) {
		text_add(path, list);
		text_add(path, child);
	}
}

static bool overlaps(const struct system_range *a, const struct system_range *b)
{
	return a->base < b->base + b->size && b->base < a->base + a->size;
}

uint64_t system_vm_ram(const struct system_vm *vm)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < vm->ram_count; i++)
		sum += vm->ram[i].size;
	return sum;
}

bool system_sched_limited(const struct system_sched *sched)
{
	return sched->budget_us < sched->period_us;
}

/* ---- one VM ---- */

static size_t vm_areas(const struct system_board *board, const struct system_vm *vm,
		       struct area *areas)
{
	size_t count = 0;

	areas[count++] =
		(struct area){ "the interrupt distributor", { board->guest_gicd, GICD_SIZE } };
	if (board->gic_version == 3)
		areas[count++] =
			(struct area){ "the redistributors",
				       { board->guest_gicr, vm->vcpu_count * GICR_FRAME_SIZE } };
	else
		areas[count++] = (struct area){ "the interrupt CPU interface",
						{ board->guest_gicc, GICC_SIZE } };
	areas[count++] =
		(struct area){ "the firmware page",
			       { board->guest_gicc + SYSTEM_FIRMWARE_OFFSET, SYSTEM_PAGE } };
	for (uint32_t i = 0; i < vm->ram_count; i++)
		areas[count++] = (struct area){ "RAM", vm->ram[i] };
	for (uint32_t i = 0; i < vm->device_count; i++) {
		if (vm->devices[i].at.size > 0)
			areas[count++] = (struct area){ vm->devices[i].name, vm->devices[i].at };
	}
	if (vm->pci.present) {
		areas[count++] = (struct area){ "PCI configuration space",
						{ vm->pci.ecam, SYSTEM_PCI_ECAM_SIZE } };
		areas[count++] = (struct area){ "PCI memory", vm->pci.low };
		areas[count++] = (struct area){ "PCI memory above 4 GiB", vm->pci.high };
		areas[count++] =
			(struct area){ "the message frame", { vm->pci.msi_frame, SYSTEM_PAGE } };
	}
	return count;
}

static void check_areas(const struct system_board *board, const struct system_vm *vm,
			struct report *report)
{
	struct area areas[AREAS_MAX];
	size_t count = vm_areas(board, vm, areas);
	struct text path, found, allowed;

	vm_path(&path, vm, NULL, NULL);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!overlaps(&areas[i].at, &areas[j].at))
				continue;
			text_clear(&found);
			text_add(&found, areas[i].owner);
			text_add(&found, " at ");
			text_add_range(&found, areas[i].at.base, areas[i].at.size);
			text_clear(&allowed);
			text_add(&allowed, "no overlap with ");
			text_add(&allowed, areas[j].owner);
			text_add(&allowed, " at ");
			text_add_range(&allowed, areas[j].at.base, areas[j].at.size);
			report_add(report, path.at, "reg", found.at, allowed.at);
		}
	}
}

static void check_ram(const struct system_vm *vm, struct report *report)
{
	struct text path, found;

	vm_path(&path, vm, NULL, NULL);
	for (uint32_t i = 0; i < vm->ram_count; i++) {
		const struct system_range *ram = &vm->ram[i];

		text_clear(&found);
		text_add_range(&found, ram->base, ram->size);
		if (((ram->base | ram->size) & (SYSTEM_LARGE_PAGE - 1)) != 0)
			report_add(report, path.at, "ram", found.at,
				   "address and size in multiples of 0x200000 (2 MiB)");
		if (!range_inside(ram->base, ram->size, 0, SYSTEM_ADDRESS_LIMIT))
			report_add(report, path.at, "ram", found.at,
				   "addresses below 0x10000000000");
	}
}

static void taken(const char *path, uint32_t interrupt, const char *owner, struct report *report)
{
	struct text found, allowed;

	text_clear(&found);
	text_add_number(&found, interrupt);
	text_clear(&allowed);
	text_add(&allowed, "an interrupt that is not already owned by ");
	text_add(&allowed, owner);
	report_add(report, path, "interrupt", found.at, allowed.at);
}

static void check_interrupt(const struct system_vm *vm, uint32_t index, const char *path,
			    struct report *report)
{
	const struct system_device *device = &vm->devices[index];
	struct text found, allowed;
	const char *owner;

	if (device->interrupt >= SYSTEM_FIRST_SPI + vm->spis) {
		text_clear(&found);
		text_add_number(&found, device->interrupt);
		text_clear(&allowed);
		text_add(&allowed, "32 to ");
		text_add_number(&allowed, SYSTEM_FIRST_SPI + vm->spis - 1);
		text_add(&allowed, ", by the VM's property \"spis\"");
		report_add(report, path, "interrupt", found.at, allowed.at);
	}
	for (uint32_t j = 0; j < index; j++) {
		if (device->interrupt == vm->devices[j].interrupt && device->interrupt != 0)
			taken(path, device->interrupt, vm->devices[j].name, report);
	}
	owner = system_pci_interrupt(vm, device->interrupt);
	if (owner != NULL && device->interrupt < SYSTEM_FIRST_SPI + vm->spis)
		taken(path, device->interrupt, owner, report);
}

static void check_devices(const struct system_vm *vm, struct report *report)
{
	struct text path, found;

	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct system_device *device = &vm->devices[i];
		const struct device_kind *kind = device_kind(device->kind);
		bool pci = device->transport == VMM_TRANSPORT_PCI;

		vm_path(&path, vm, "/devices/", device->name);
		if (device->console != NULL && !kind->console)
			report_add(report, path.at, "console", device->console,
				   "only on a device that has a console");
		if (pci && !kind->virtio)
			report_add(report, path.at, "transport", "\"pci\"",
				   "only on a virtio device");
		if (!pci && !kind->virtio && device->at.size == 0)
			report_add(report, path.at, "reg", "nothing", "a range");
		if (!pci && !kind->virtio && device->interrupt == 0)
			report_add(report, path.at, "interrupt", "nothing", "an INTID");
		if (pci && (device->at.size != 0 || device->interrupt != 0))
			report_add(report, path.at, device->at.size != 0 ? "reg" : "interrupt",
				   "a value", "nothing: with PCI the guest decides");
		if (device->own_program && !kind->virtio)
			report_add(report, path.at, "own-program", "the property",
				   "only on a virtio device");
		check_interrupt(vm, i, path.at, report);
	}
	if (system_own_programs(vm) > SYSTEM_OWN_PROGRAMS) {
		vm_path(&path, vm, "/devices", "");
		text_clear(&found);
		text_add_number(&found, system_own_programs(vm));
		report_add(report, path.at, "own-program", found.at, "at most 4 devices of a VM");
	}
	if (vm->spis % 32 != 0) {
		vm_path(&path, vm, NULL, NULL);
		text_clear(&found);
		text_add_number(&found, vm->spis);
		report_add(report, path.at, "spis", found.at, "a multiple of 32");
	}
}

static bool kind_is(const struct system *system, int32_t image, enum system_image_kind kind)
{
	return image >= 0 && system->images[image].kind == (uint32_t)kind;
}

static void check_images(const struct system *system, const struct system_vm *vm,
			 struct report *report)
{
	struct text path;
	bool kernel = kind_is(system, vm->kernel, SYSTEM_IMAGE_LINUX) ||
		      kind_is(system, vm->kernel, SYSTEM_IMAGE_ELF) ||
		      kind_is(system, vm->kernel, SYSTEM_IMAGE_RAW);
	const struct {
		const char *property;
		int32_t image;
		enum system_image_kind kind;
		const char *allowed;
	} others[] = {
		{ "initrd", vm->initrd, SYSTEM_IMAGE_INITRD, "an image of kind \"initrd\"" },
		{ "dtb", vm->dtb, SYSTEM_IMAGE_DTB, "an image of kind \"dtb\"" },
		{ "overlay", vm->overlay, SYSTEM_IMAGE_OVERLAY, "an image of kind \"overlay\"" },
	};

	vm_path(&path, vm, NULL, NULL);
	if (!kernel)
		report_add(report, path.at, "kernel", system->images[vm->kernel].name,
			   "an image of kind \"linux\", \"elf\" or \"raw\"");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].image >= 0 && !kind_is(system, others[i].image, others[i].kind))
			report_add(report, path.at, others[i].property,
				   system->images[others[i].image].name, others[i].allowed);
	}
	if (vm->dtb >= 0 && vm->overlay >= 0)
		report_add(report, path.at, "overlay", "both \"dtb\" and \"overlay\"",
			   "one of the two: an overlay goes onto the generated tree");
}

/* ---- cores and time ---- */

static void check_sched(const struct system *system, const char *path,
			const struct system_sched *sched, struct report *report)
{
	struct text found, allowed;

	if (sched->core >= system->board.cores) {
		text_clear(&found);
		text_add_number(&found, sched->core);
		text_clear(&allowed);
		text_add(&allowed, "0 to ");
		text_add_number(&allowed, system->board.cores - 1);
		text_add(&allowed, ": the board has ");
		text_add_number(&allowed, system->board.cores);
		text_add(&allowed, system->board.cores == 1 ? " core" : " cores");
		report_add(report, path, "core", found.at, allowed.at);
	}
	if (sched->budget_us > sched->period_us) {
		text_clear(&found);
		text_add_number(&found, sched->budget_us);
		text_clear(&allowed);
		text_add(&allowed, "at most the period, ");
		text_add_number(&allowed, sched->period_us);
		report_add(report, path, "budget-us", found.at, allowed.at);
	}
}

static void check_vcpus(const struct system *system, const struct system_vm *vm,
			struct report *report)
{
	struct text path, number, found;

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		text_clear(&number);
		text_add_number(&number, i);
		vm_path(&path, vm, "/vcpus/", number.at);
		check_sched(system, path.at, &vm->vcpus[i].sched, report);
		text_clear(&found);
		text_add_hex(&found, vm->vcpus[i].mpidr);
		if ((vm->vcpus[i].mpidr & ~UINT64_C(0xff00ffffff)) != 0)
			report_add(report, path.at, "mpidr", found.at,
				   "affinity fields only: bits 0 to 23 and 32 to 39");
		if ((vm->vcpus[i].mpidr & 0xff) > 15)
			report_add(report, path.at, "mpidr", found.at,
				   "affinity 0 of at most 15: an SGI reaches no other");
		for (uint32_t j = 0; j < i; j++) {
			if (vm->vcpus[i].mpidr == vm->vcpus[j].mpidr)
				report_add(report, path.at, "mpidr", found.at,
					   "a value of its own for each vCPU");
		}
	}
}

/* Shares of a core in parts of a million, rounded up. */
static uint64_t share(const struct system_sched *sched, uint32_t core)
{
	if (sched->core != core || !system_sched_limited(sched) || sched->period_us == 0)
		return 0;
	return (sched->budget_us * 1000000 + sched->period_us - 1) / sched->period_us;
}

static void check_utilisation(const struct system *system, struct report *report)
{
	struct text found;

	for (uint32_t core = 0; core < system->board.cores; core++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < system->program_count; i++)
			sum += share(&system->programs[i].sched, core);
		for (uint32_t i = 0; i < system->vm_count; i++) {
			for (uint32_t j = 0; j < system->vms[i].vcpu_count; j++)
				sum += share(&system->vms[i].vcpus[j].sched, core);
		}
		if (sum <= 1000000)
			continue;
		text_clear(&found);
		text_add_number(&found, (sum + 9999) / 10000);
		text_add(&found, " % reserved on core ");
		text_add_number(&found, core);
		report_add(report, "/", "budget-us", found.at,
			   "a sum of budget-us / period-us of at most 100 % a core");
	}
}

/* ---- between VMs ---- */

/* How many of the device's consoles, of the first `count` it may have, have that name. */
static uint32_t consoles_named(const struct system_device *device, uint32_t count, const char *name)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++) {
		const char *console = system_console(device, i);

		found += console != NULL && strcmp(console, name) == 0;
	}
	return found;
}

static void check_console(const struct system *system, uint32_t vm, uint32_t device, uint32_t port,
			  struct report *report)
{
	const struct system_vm *mine = &system->vms[vm];
	const char *console = system_console(&mine->devices[device], port);
	struct text path;
	uint32_t before = 0;

	if (console == NULL)
		return;
	for (uint32_t i = 0; i <= vm; i++) {
		const struct system_vm *other = &system->vms[i];

		for (uint32_t j = 0; j < (i == vm ? device : other->device_count); j++)
			before += consoles_named(&other->devices[j], SYSTEM_PORTS + 1, console);
	}
	before += consoles_named(&mine->devices[device], port, console);
	if (before == 0)
		return;
	vm_path(&path, mine, "/devices/", mine->devices[device].name);
	if (port > 0) {
		text_add(&path, "/ports/");
		text_add(&path, mine->devices[device].ports[port - 1].name);
	}
	report_add(report, path.at, "console", console, "a name of its own for each console");
}

static void check_names(const struct system *system, struct report *report)
{
	struct text path;

	for (uint32_t i = 0; i < system->vm_count; i++) {
		vm_path(&path, &system->vms[i], NULL, NULL);
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(system->vms[i].name, system->vms[j].name) == 0)
				report_add(report, path.at, NULL, system->vms[i].name,
					   "a name of its own for each VM");
		}
		for (uint32_t j = 0; j < system->program_count; j++) {
			if (strcmp(system->vms[i].name, system->programs[j].name) == 0)
				report_add(report, path.at, NULL, system->vms[i].name,
					   "a name that is not a native program's");
		}
	}
	for (uint32_t i = 0; i < system->image_count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(system->images[i].name, system->images[j].name) == 0)
				report_add(report, "/images", NULL, system->images[i].name,
					   "a name of its own for each image");
		}
	}
}

static void check_board(const struct system_board *board, struct report *report)
{
	struct text found;

	for (uint32_t i = 0; i < board->ram_count; i++) {
		text_clear(&found);
		text_add_range(&found, board->ram[i].base, board->ram[i].size);
		if (overlaps(&board->ram[i], &board->image_window))
			report_add(report, "/board", "ram", found.at,
				   "no overlap with \"image-window\"");
		if (overlaps(&board->ram[i], &board->uart))
			report_add(report, "/board", "ram", found.at, "no overlap with \"uart\"");
		for (uint32_t j = 0; j < i; j++) {
			if (overlaps(&board->ram[i], &board->ram[j]))
				report_add(report, "/board", "ram", found.at,
					   "ranges that do not overlap");
		}
	}
	if (board->gic_version == 2 && (board->gicv == 0 || board->gicv % SYSTEM_PAGE != 0))
		report_add(report, "/board", "gicv",
			   board->gicv == 0 ? "nothing" : "an odd address",
			   "with gic-version 2: the address of the virtual CPU interface");
	if ((board->guest_gicd | board->guest_gicr | board->guest_gicc) % GICD_SIZE != 0)
		report_add(report, "/board", "guest-gicd", "an odd address",
			   "guest-gicd, guest-gicr, guest-gicc in multiples of 0x10000");
}

uint32_t system_own_programs(const struct system_vm *vm)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm->device_count; i++)
		count += vm->devices[i].own_program;
	return count;
}

uint64_t system_vm_heap(const struct system_vm *vm)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct device_kind *kind = device_kind(vm->devices[i].kind);

		if (vm->devices[i].own_program)
			bytes += vm->devices[i].transport == VMM_TRANSPORT_PCI
					 ? KIB(VMM_HEAP_KIB_FRONT)
					 : KIB(VMM_HEAP_KIB_REMOTE);
		else
			bytes += kind != NULL ? KIB(kind->heap_kib) : 0;
	}
	return align_up(bytes, SYSTEM_PAGE);
}

/*
 * Guests' RAM comes from the image window first, behind the image, which the firmware may put one large
 * page into it; the rest, and everything else, from the kernel's memory.
 */
void system_check_memory(const struct system *system, uint64_t image_bytes, struct report *report)
{
	uint64_t window = system->board.image_window.size, guests = 0, have = 0;
	uint64_t used =
		image_bytes == 0 ? 0 : align_up(image_bytes, SYSTEM_LARGE_PAGE) + SYSTEM_LARGE_PAGE;
	uint64_t others = SYSTEM_BASE_OVERHEAD + system_channels_bytes(system);
	struct text found, allowed;

	for (uint32_t i = 0; i < system->board.ram_count; i++)
		have += system->board.ram[i].size;
	for (uint32_t i = 0; i < system->vm_count; i++) {
		guests += system_vm_ram(&system->vms[i]);
		others += SYSTEM_VM_OVERHEAD + system_vm_heap(&system->vms[i]) +
			  system_own_programs(&system->vms[i]) * SYSTEM_OWN_OVERHEAD;
	}
	window = window > used ? window - used : 0;
	if (others + (guests > window ? guests - window : 0) <= have)
		return;
	text_clear(&found);
	text_add_number(&found, (guests + others) >> 20);
	text_add(&found, " MiB for all VMs and the system");
	text_clear(&allowed);
	text_add_number(&allowed, (have + window) >> 20);
	text_add(&allowed, " MiB: /board ram, and what the images leave of its image-window");
	report_add(report, "/vms", "memory-mib", found.at, allowed.at);
}

void system_check(const struct system *system, struct report *report)
{
	struct text path;

	check_board(&system->board, report);
	check_names(system, report);
	for (uint32_t i = 0; i < system->program_count; i++) {
		text_clear(&path);
		text_add(&path, "/programs/");
		text_add(&path, system->programs[i].name);
		check_sched(system, path.at, &system->programs[i].sched, report);
	}
	for (uint32_t i = 0; i < system->vm_count; i++) {
		const struct system_vm *vm = &system->vms[i];

		check_ram(vm, report);
		check_areas(&system->board, vm, report);
		check_devices(vm, report);
		system_check_pci(vm, report);
		check_images(system, vm, report);
		check_vcpus(system, vm, report);
		for (uint32_t j = 0; j < vm->device_count; j++) {
			for (uint32_t p = 0; p <= vm->devices[j].port_count; p++)
				check_console(system, i, j, p, report);
		}
	}
	check_utilisation(system, report);
	system_check_native(system, report);
	system_check_memory(system, 0, report);
}
