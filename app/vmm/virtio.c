/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices of a VM: the kind's row makes device and backend, and here they get their transport
 * and their place. Which kind it is does not matter to anything in this file.
 *
 * A device's lock is in the device: the bus, or the PCI bridge, holds it around accesses, and
 * virtio_event() and its like take it. The GIC's lock comes after it.
 */
#include "app/vmm/machine.h"

#include "vmm/base/util.h"

void *machine_take(struct machine *m, size_t size)
{
	uint64_t at = align_up(m->heap_used, MACHINE_HEAP_ALIGN);

	if (!range_inside(at, size, 0, m->config->heap_size))
		return NULL;
	m->heap_used = at + size;
	return (void *)(uintptr_t)(m->config->heap_host + at);
}

static void drive_line(void *ctx, unsigned caller, bool level)
{
	const struct machine_virtio *v = ctx;

	if (v->intid != 0)
		gic_chip_set_level(&v->machine->chip, caller, v->intid, level);
}

static void say(void *ctx, const struct virtio_dev *vd, const char *why)
{
	machine_say(ctx, "device %s needs a reset: %s", vd->setup.name, why);
}

static void again(void *ctx, const struct virtio_dev *vd)
{
	struct machine *m = ctx;

	vm_again(&m->vm, vd->caller);
}

static enum vmm_err connect(struct machine *m, struct machine_virtio *v,
			    const struct vmm_config_device *device)
{
	enum vmm_err err;

	if (device->transport == VMM_TRANSPORT_PCI) {
		v->on_pci = true;
		err = virtio_pci_init(&v->pci, v->vd);
		return err == VMM_OK ? machine_pci_add(m, &v->pci.function) : err;
	}
	virtio_mmio_init(&v->mmio, v->vd, drive_line, v, NULL);
	return bus_add(&m->vm.bus, &(struct bus_region){
					   .gpa = device->gpa,
					   .size = device->size,
					   .handler = virtio_mmio_access,
					   .device = &v->mmio,
					   .lock = &v->vd->lock,
				   });
}

enum vmm_err machine_virtio_add(struct machine *m, const struct vmm_config_device *device)
{
	const struct virtio_setup common = {
		.name = device->name,
		.gmem = &m->vm.gmem,
		.packed = (device->flags & VMM_DEVICE_PACKED) != 0,
		.owner = { .say = say, .again = again, .ctx = m },
	};
	struct machine_virtio *v = machine_take(m, sizeof(*v));

	if (v == NULL || m->virtio_count == MACHINE_VIRTIOS)
		return VMM_ERR_NOMEM;
	*v = (struct machine_virtio){ .machine = m, .intid = device->intid };
	if (device->channel < m->config->channel_count)
		v->signals = VMM_BADGE_CHANNEL(device->channel);
	for (size_t i = 0; i < machine_virtio_kind_count; i++) {
		enum vmm_err err;

		if (machine_virtio_kinds[i].kind != device->kind)
			continue;
		err = machine_virtio_kinds[i].create(m, device, &common, &v->vd);
		if (err != VMM_OK)
			return err;
		m->virtio[m->virtio_count++] = v;
		return connect(m, v, device);
	}
	return VMM_ERR_UNSUPPORTED;
}

void machine_virtio_reset(struct machine *m)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		struct machine_virtio *v = m->virtio[i];

		virtio_power_on(v->vd);
		if (v->on_pci)
			virtio_pci_power_on(&v->pci);
	}
}

/* Signals come to vCPU 0's handler. */
void machine_virtio_signal(struct machine *m, uint64_t badge)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		if ((badge & m->virtio[i]->signals) != 0)
			virtio_event(m->virtio[i]->vd, 0);
	}
}

void machine_virtio_again(struct machine *m, unsigned vcpu)
{
	for (unsigned i = 0; i < m->virtio_count; i++)
		virtio_resume(m->virtio[i]->vd, vcpu);
}
