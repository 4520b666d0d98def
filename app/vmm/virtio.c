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

const uint32_t *machine_over(const struct vmm_channel *channel)
{
	const struct vmm_fate *fate = (const struct vmm_fate *)(uintptr_t)channel->fate;

	return fate != NULL ? &fate->over : NULL;
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

static enum vmm_err add_region(struct machine *m, const struct vmm_config_device *device,
			       const struct bus_region *how)
{
	struct bus_region region = *how;

	region.gpa = device->gpa;
	region.size = device->size;
	return bus_add(&m->vm.bus, &region);
}

static enum vmm_err connect_pci(struct machine *m, struct machine_virtio *v)
{
	enum vmm_err err = virtio_pci_init(&v->pci, v->vd);

	v->place = MACHINE_PCI;
	return err == VMM_OK ? machine_pci_add(m, &v->pci.function) : err;
}

/* ---- in a program of its own ---- */

enum {
	PATIENCE = 1000000, /* looks at the ring; far more than an answer takes on a busy core */
	YIELD_EVERY = 16,
};

static void wake(void *ctx)
{
	const struct machine_virtio *v = ctx;

	port_signal(*v->wake);
}

static bool wait(void *ctx, unsigned attempt)
{
	(void)ctx;
	if (attempt % YIELD_EVERY == YIELD_EVERY - 1)
		port_yield();
	else
		port_pause();
	return attempt < PATIENCE;
}

static void lost(void *ctx, const char *why)
{
	const struct machine_virtio *v = ctx;

	machine_say(v->machine, "device %s: its program %s %s; the device fails", v->name,
		    v->program, why);
}

_Static_assert(sizeof(struct machine_virtio) + sizeof(struct link_front) +
			       2 * (size_t)MACHINE_HEAP_ALIGN <=
		       (size_t)VMM_HEAP_KIB_FRONT << 10,
	       "<vmm/config.h>, VMM_HEAP_KIB");

static enum vmm_err connect_front(struct machine *m, struct machine_virtio *v,
				  const struct vmm_config_device *device,
				  const struct link_setup *link)
{
	const struct virtio_setup common = {
		.name = device->name,
		.gmem = &m->vm.gmem,
		.owner = { .say = say, .ctx = m },
	};
	struct link_front *front = machine_take(m, sizeof(*front));
	enum vmm_err err;

	if (front == NULL)
		return VMM_ERR_NOMEM;
	err = link_front_init(front, &common, link);
	if (err == VMM_ERR_ABSENT)
		return VMM_OK; /* and no device: lost() has said so */
	if (err != VMM_OK)
		return err;
	v->vd = &front->vd;
	return connect_pci(m, v);
}

static enum vmm_err connect_remote(struct machine *m, struct machine_virtio *v,
				   const struct vmm_config_device *device)
{
	const struct vmm_channel *channel;
	struct link_setup link;

	if (device->channel >= m->config->channel_count)
		return VMM_ERR_RANGE;
	channel = &m->config->channels[device->channel];
	if (channel->kind != VMM_CHANNEL_DEVICE ||
	    channel->region[VMM_DEVICE_REGISTERS].size < LINK_REGISTERS ||
	    channel->region[VMM_DEVICE_WRITES].size < LINK_RING)
		return VMM_ERR_RANGE;
	v->kind = NULL;
	v->wake = &m->signals[device->channel];
	v->program = channel->name;
	link = (struct link_setup){
		.registers =
			(const uint8_t *)(uintptr_t)channel->region[VMM_DEVICE_REGISTERS].vaddr,
		.ring = (struct link_ring *)(uintptr_t)channel->region[VMM_DEVICE_WRITES].vaddr,
		.wake = wake,
		.wait = wait,
		.irq = drive_line,
		.lost = lost,
		.over = machine_over(channel),
		.ctx = v,
	};
	if (device->transport == VMM_TRANSPORT_PCI)
		return connect_front(m, v, device, &link);
	v->place = MACHINE_REMOTE;
	link_remote_init(&v->remote, &link);
	return add_region(m, device,
			  &(struct bus_region){ .handler = link_remote_access,
						.device = &v->remote,
						.lock = &v->remote.lock });
}

/* ---- here ---- */

static bool later(void *ctx, const struct virtio_dev *vd)
{
	struct machine *m = ctx;

	if (!machine_poll_later(m, vd->caller))
		return false;
	vm_later(&m->vm);
	return true;
}

/* The caller's handler counts its own exits. */
static uint64_t pauses(void *ctx, const struct virtio_dev *vd)
{
	const struct machine *m = ctx;

	return m->vm.vcpu[vd->caller].exits[EXIT_WAIT];
}

static enum vmm_err connect(struct machine *m, struct machine_virtio *v,
			    const struct vmm_config_device *device)
{
	if (device->transport == VMM_TRANSPORT_PCI)
		return connect_pci(m, v);
	virtio_mmio_init(&v->mmio, v->vd, drive_line, v, (uint8_t *)(uintptr_t)device->page_host);
	return add_region(m, device,
			  &(struct bus_region){ .handler = virtio_mmio_access,
						.blind = virtio_mmio_blind,
						.device = &v->mmio,
						.lock = &v->vd->lock });
}

static const struct machine_virtio_kind *kind_of(uint32_t kind)
{
	for (size_t i = 0; i < machine_virtio_kind_count; i++) {
		if (machine_virtio_kinds[i].kind == kind)
			return &machine_virtio_kinds[i];
	}
	return NULL;
}

enum vmm_err machine_virtio_create(struct machine *m, const struct vmm_config_device *device,
				   const struct virtio_owner *owner, struct virtio_dev **vd)
{
	const struct virtio_setup common = {
		.name = device->name,
		.gmem = &m->vm.gmem,
		.packed = (device->flags & VMM_DEVICE_PACKED) != 0,
		.owner = *owner,
	};
	const struct machine_virtio_kind *kind = kind_of(device->kind);

	return kind != NULL ? kind->create(m, device, &common, vd) : VMM_ERR_UNSUPPORTED;
}

/* Badge bits that mean the device's backend or program, or the backends of its ports. */
static uint64_t signals_of(const struct vmm_config *config, const struct vmm_config_device *device)
{
	uint64_t bits = 0;

	if (device->channel < config->channel_count)
		bits = VMM_BADGE_CHANNEL(device->channel);
	for (unsigned i = device->first_port;
	     i < (unsigned)device->first_port + device->port_count && i < VMM_CONFIG_PORTS; i++) {
		if (config->ports[i].channel < config->channel_count)
			bits |= VMM_BADGE_CHANNEL(config->ports[i].channel);
	}
	return bits;
}

enum vmm_err machine_virtio_add(struct machine *m, const struct vmm_config_device *device)
{
	const struct virtio_owner owner = {
		.say = say, .again = again, .later = later, .pauses = pauses, .ctx = m
	};
	struct machine_virtio *v = machine_take(m, sizeof(*v));
	enum vmm_err err;

	if (v == NULL || m->virtio_count == MACHINE_VIRTIOS)
		return VMM_ERR_NOMEM;
	*v = (struct machine_virtio){
		.machine = m,
		.name = device->name,
		.kind = kind_of(device->kind),
		.intid = device->intid,
	};
	v->signals = signals_of(m->config, device);
	if ((device->flags & VMM_DEVICE_REMOTE) != 0) {
		err = connect_remote(m, v, device);
	} else {
		err = machine_virtio_create(m, device, &owner, &v->vd);
		if (err == VMM_OK)
			err = connect(m, v, device);
	}
	if (err == VMM_OK && (v->vd != NULL || v->place == MACHINE_REMOTE))
		m->virtio[m->virtio_count++] = v;
	return err;
}

void machine_virtio_reset(struct machine *m)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		struct machine_virtio *v = m->virtio[i];

		if (v->place == MACHINE_REMOTE)
			link_remote_power_on(&v->remote);
		else
			virtio_power_on(v->vd);
		if (v->place == MACHINE_PCI)
			virtio_pci_power_on(&v->pci);
	}
}

void machine_virtio_say_figures(struct machine *m)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		const struct machine_virtio *v = m->virtio[i];

		if (v->kind != NULL && v->kind->say_figures != NULL)
			v->kind->say_figures(m, v->vd);
	}
}

/* Signals come to vCPU 0's handler. */
void machine_virtio_signal(struct machine *m, uint64_t badge)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		struct machine_virtio *v = m->virtio[i];

		if ((badge & v->signals) == 0)
			continue;
		if (v->place == MACHINE_REMOTE)
			link_remote_event(&v->remote, 0);
		else
			virtio_event(v->vd, 0);
	}
}

void machine_virtio_again(struct machine *m, unsigned vcpu, enum virtio_resumed why)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		if (m->virtio[i]->vd != NULL)
			virtio_resume(m->virtio[i]->vd, vcpu, why);
	}
}
