/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of a single virtio device of a VM (`own-program` in the description): the model and its
 * backend as the VMM would have them, by the same table of kinds, at the end of a link to the VMM.
 *
 * It maps the guest's RAM and its backend's channel, and holds nothing else of the VM. If it faults it is
 * started again, and takes up the device from what its predecessor kept of it; what the backend has of
 * that one is put right by the backend.
 */
#include <string.h>

#include <sel4/sel4.h>

#include <vmm/config.h>
#include <vmm/start.h>

#include "app/lib/alive.h"
#include "app/lib/probe.h"
#include "app/vmm/machine.h"
#include "vmm/dev/link/link.h"
#include "vmm/port/sel4/runtime.h"

/* The program's only mutable state. Of the machine only memory, channels, heap and log are used. */
static struct machine machine;
static struct link_server server;

static void say(void *ctx, const struct virtio_dev *vd, const char *why)
{
	machine_say(ctx, "device %s needs a reset: %s", vd->setup.name, why);
}

static const struct vmm_channel *link_of(const struct vmm_config *config)
{
	for (uint32_t i = 0; i < config->channel_count; i++) {
		if (config->channels[i].kind == VMM_CHANNEL_DEVICE)
			return &config->channels[i];
	}
	return NULL;
}

static enum vmm_err build(const struct vmm_config *config, struct virtio_dev **vd)
{
	const struct virtio_owner owner = { .say = say, .ctx = &machine };

	machine.config = config;
	/* It is zero at first; a predecessor's devices were there. */
	memset((void *)config->heap_host, 0, config->heap_size);
	for (uint32_t i = 0; i < config->channel_count; i++)
		machine.signals[i] = config->channels[i].notify;
	machine_log_init(&machine);
	for (uint32_t i = 0; i < config->ram_count; i++) {
		const struct vmm_config_range *r = &config->ram[i];
		enum vmm_err err = gmem_add(&machine.vm.gmem, r->gpa, r->host, r->size);

		if (err != VMM_OK)
			return err;
	}
	return machine_virtio_create(&machine, &config->devices[0], &owner, vd);
}

/* The link, then the backend, until neither has anything left. */
static void serve(struct virtio_dev *vd, uint64_t link, uint64_t badge, unsigned rounds)
{
	bool raised = link_server_run(&server);

	if ((badge & ~link) != 0)
		virtio_event(vd, 0);
	while (vd->unfinished != 0) {
		virtio_resume(vd, 0, VIRTIO_RESUMED);
		raised |= link_server_run(&server);
	}
	probe(server.head, true, rounds);
	if (raised || link_server_run(&server))
		seL4_Signal(link_of(machine.config)->notify);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_config *config = (const struct vmm_config *)start->config;
	const struct vmm_channel *link;
	seL4_CPtr wake = vmm_start_cap(start, "wake");
	struct virtio_dev *vd;
	struct alive alive;
	unsigned rounds = 0;
	seL4_Word badge = ~UINT64_C(0); /* what a predecessor may have been signalled */
	enum vmm_err err;

	if (thread != 0 || config == NULL || start->config_size < sizeof(*config) ||
	    config->magic != VMM_CONFIG_MAGIC || config->channel_count > VMM_CONFIG_CHANNELS ||
	    config->ram_count > VMM_CONFIG_RAM || wake == 0)
		__builtin_trap();
	link = link_of(config);
	if (link == NULL)
		__builtin_trap();
	err = build(config, &vd);
	if (err != VMM_OK) {
		machine_say(&machine, "device %s: %s", config->devices[0].name, vmm_err_name(err));
		for (;;)
			(void)seL4_Wait(wake, NULL);
	}
	link_server_init(&server, vd,
			 (uint8_t *)(uintptr_t)link->region[VMM_DEVICE_REGISTERS].vaddr,
			 (struct link_ring *)(uintptr_t)link->region[VMM_DEVICE_WRITES].vaddr,
			 (struct virtio_kept *)(uintptr_t)link->region[VMM_DEVICE_KEPT].vaddr);
	alive_init(&alive, start);
	for (;; (void)seL4_Wait(wake, &badge)) {
		serve(vd, link->badge, badge, rounds++);
		alive_round(&alive);
	}
}
