/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI bus of a VM: host bridge, message frame and the four lines, from the configuration. Functions
 * are added by who makes the devices, into slots by their order.
 */
#include "app/vmm/machine.h"

static void message(void *ctx, unsigned caller, uint64_t address, uint32_t data)
{
	struct machine *m = ctx;

	gicv2m_message(&m->pci.msi, caller, address, data);
}

static void line(void *ctx, unsigned caller, unsigned number, bool level)
{
	struct machine *m = ctx;

	gic_chip_set_level(&m->chip, caller, m->config->pci.intx_first + number, level);
}

/* Parts of the bus that lock for themselves. */
static enum vmm_err add_region(struct machine *m, const struct bus_region *region)
{
	return region->size != 0 ? bus_add(&m->vm.bus, region) : VMM_OK;
}

enum vmm_err machine_pci_init(struct machine *m)
{
	const struct vmm_config_pci *c = &m->config->pci;
	const struct pci_host_config config = {
		.window_gpa = { c->low_gpa, c->high_gpa },
		.window_size = { c->low_size, c->high_size },
		.message = message,
		.line = line,
		.ctx = m,
	};
	struct machine_pci *pci = &m->pci;
	enum vmm_err err;

	if (c->ecam_gpa == 0)
		return VMM_OK;
	if (c->ecam_size != PCI_ECAM_SIZE)
		return VMM_ERR_RANGE;
	err = pci_host_init(&pci->host, &config);
	if (err == VMM_OK)
		err = gicv2m_init(&pci->msi, &m->chip, c->msi_gpa, c->msi_first, c->msi_count);
	if (err == VMM_OK)
		err = add_region(m, &(struct bus_region){ .gpa = c->ecam_gpa,
							  .size = c->ecam_size,
							  .handler = pci_ecam_access,
							  .device = &pci->host });
	if (err == VMM_OK)
		err = add_region(m, &(struct bus_region){ .gpa = c->msi_gpa,
							  .size = GICV2M_SIZE,
							  .handler = gicv2m_access,
							  .device = &pci->msi });
	for (unsigned i = 0; i < PCI_WINDOWS && err == VMM_OK; i++) {
		struct pci_window *window = &pci->host.window[i];

		err = add_region(m, &(struct bus_region){ .gpa = window->gpa,
							  .size = window->size,
							  .handler = pci_window_access,
							  .blind = pci_window_blind,
							  .device = window });
	}
	if (err != VMM_OK)
		machine_say(m, "PCI: %s", vmm_err_name(err));
	return err;
}

enum vmm_err machine_pci_add(struct machine *m, struct pci_function *function)
{
	if (m->config->pci.ecam_gpa == 0)
		return VMM_ERR_ABSENT;
	return pci_host_add(&m->pci.host, m->pci.slot_count++, function);
}
