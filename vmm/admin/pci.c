// SPDX-License-Identifier: BSD-2-Clause
/*
 * A VM's PCI bus: there if a device is behind it or the description has a node for it. Where things are
 * has defaults that leave the rest of the guest's map alone; a guest that expects them elsewhere (one
 * with a device tree of its own) can be given that.
 */
#include "vmm/admin/parse.h"

enum {
	LINES = 4,
	MSIS = 64,
	SPIS_WITH_PCI = 128,
	FIRST_LINE = 35,
};

static const struct schema_property pci_table[] = {
	OPTIONAL(P_U64("ecam", system_pci, ecam, SYSTEM_PAGE, ANY_ADDRESS)),
	OPTIONAL(P_RANGE("memory", system_pci, low)),
	OPTIONAL(P_RANGE("memory-64", system_pci, high)),
	OPTIONAL(P_U64("msi-frame", system_pci, msi_frame, SYSTEM_PAGE, ANY_ADDRESS)),
	OPTIONAL(P_U32("msis", system_pci, msis, 1, SYSTEM_SPIS)),
	OPTIONAL(P_U32("interrupt", system_pci, interrupt, SYSTEM_FIRST_SPI,
		       SYSTEM_FIRST_SPI + SYSTEM_SPIS - LINES)),
};

static bool has_pci_device(const struct system_vm *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		if (vm->devices[i].transport == VMM_TRANSPORT_PCI)
			return true;
	}
	return false;
}

void parse_pci(struct system_vm *vm, const struct schema_node *node, struct report *report)
{
	struct schema_node child;
	bool described = schema_child(node, "pci", &child);

	if (!described && !has_pci_device(vm))
		return;
	vm->pci = (struct system_pci){
		.present = true,
		.ecam = 0x3f000000,
		.low = { 0x10000000, 0x01000000 },
		.high = { UINT64_C(0x8000000000), 0x40000000 },
		.msi_frame = 0x08020000,
		.msis = MSIS,
		.interrupt = FIRST_LINE,
	};
	if (!schema_has(node, "spis"))
		vm->spis = SPIS_WITH_PCI;
	if (!described)
		return;
	schema_read(report, &child, pci_table, ARRAY_SIZE(pci_table), &vm->pci);
	schema_only_children(report, &child, parse_no_children);
}

uint32_t system_pci_first_msi(const struct system_vm *vm)
{
	return SYSTEM_FIRST_SPI + vm->spis - vm->pci.msis;
}

const char *system_pci_interrupt(const struct system_vm *vm, uint32_t intid)
{
	if (!vm->pci.present)
		return NULL;
	if (intid - vm->pci.interrupt < LINES)
		return "the PCI bus's lines";
	return intid >= system_pci_first_msi(vm) ? "the PCI bus's messages" : NULL;
}

static void path_of(struct text *path, const struct system_vm *vm)
{
	text_clear(path);
	text_add(path, "/vms/");
	text_add(path, vm->name);
	text_add(path, "/pci");
}

static void check_window(const char *path, const char *property, const struct system_range *range,
			 uint64_t limit, const char *allowed, struct report *report)
{
	struct text found;

	if (((range->base | range->size) & (SYSTEM_PCI_ALIGN - 1)) == 0 &&
	    range_inside(range->base, range->size, 0, limit))
		return;
	text_clear(&found);
	text_add_range(&found, range->base, range->size);
	report_add(report, path, property, found.at, allowed);
}

static void check_address(const char *path, const char *property, uint64_t at, uint64_t align,
			  const char *allowed, struct report *report)
{
	struct text found;

	if ((at & (align - 1)) == 0 && at < SYSTEM_ADDRESS_LIMIT - align)
		return;
	text_clear(&found);
	text_add_hex(&found, at);
	report_add(report, path, property, found.at, allowed);
}

void system_check_pci(const struct system_vm *vm, struct report *report)
{
	const struct system_pci *pci = &vm->pci;
	struct text path, found, allowed;

	if (!pci->present)
		return;
	path_of(&path, vm);
	check_address(path.at, "ecam", pci->ecam, SYSTEM_PCI_ECAM_SIZE, "a multiple of 0x100000",
		      report);
	check_address(path.at, "msi-frame", pci->msi_frame, SYSTEM_PAGE, "a multiple of 0x1000",
		      report);
	check_window(path.at, "memory", &pci->low, UINT64_C(1) << 32,
		     "a range below 4 GiB, in multiples of 0x10000", report);
	check_window(path.at, "memory-64", &pci->high, SYSTEM_ADDRESS_LIMIT,
		     "a range below 0x10000000000, in multiples of 0x10000", report);

	/* The messages are the last interrupts, the lines anywhere before them. */
	text_clear(&allowed);
	text_add(&allowed, "less than the VM's property \"spis\", which is ");
	text_add_number(&allowed, vm->spis);
	text_clear(&found);
	text_add_number(&found, pci->msis);
	if (pci->msis >= vm->spis) {
		report_add(report, path.at, "msis", found.at, allowed.at);
		return;
	}
	text_clear(&found);
	text_add_number(&found, pci->interrupt);
	text_clear(&allowed);
	text_add(&allowed, "four interrupts from 32 to ");
	text_add_number(&allowed, system_pci_first_msi(vm) - 1);
	text_add(&allowed, ", below the messages'");
	if (pci->interrupt + LINES > system_pci_first_msi(vm))
		report_add(report, path.at, "interrupt", found.at, allowed.at);
}
