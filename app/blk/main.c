/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk driver: one virtio block device of the machine, one client. What it does is in
 * vmm/driver/virtio/blk.h; here are its interrupt and its signals.
 */
#include "app/lib/native.h"
#include "app/lib/probe.h"
#include "vmm/driver/virtio/blk.h"
#include "vmm/port/sel4/runtime.h"

static struct blkdrv driver;

static const struct vmm_channel *client_of(const struct native *n)
{
	uint32_t at = 0;
	const struct vmm_channel *client =
		native_channel(n, VMM_CHANNEL_BLOCK, VMM_ROLE_SERVER, &at);

	native_expect(client != NULL);
	return client;
}

static enum vmm_err open(struct native *n, const struct vmm_channel *client)
{
	const struct vmm_start_region *device = native_region(n, "device");
	const struct vmm_start_region *dma = native_region(n, "dma");
	const struct vmm_region *shared = client->region;
	const struct blkdrv_setup setup = {
		.ops = &vdrv_mmio_ops,
		.page = (void *)device->vaddr,
		.page_size = device->size,
		.dma = (void *)dma->vaddr,
		.dma_paddr = dma->paddr,
		.dma_size = dma->size,
		.requests = (void *)shared[VMM_BLOCK_REQUESTS].vaddr,
		.requests_size = shared[VMM_BLOCK_REQUESTS].size,
		.responses = (void *)shared[VMM_BLOCK_RESPONSES].vaddr,
		.responses_size = shared[VMM_BLOCK_RESPONSES].size,
		.medium = (void *)shared[VMM_BLOCK_INFO].vaddr,
		.confined = client->block.confined != 0,
		.read_only = client->block.read_only != 0,
		.data_paddr = shared[VMM_BLOCK_DATA].paddr,
		.data_size = shared[VMM_BLOCK_DATA].size,
	};

	native_expect(shared[VMM_BLOCK_INFO].size >= blkq_medium_bytes());
	return blkdrv_open(&driver, &setup);
}

/*
 * Tells whom it concerns, and waits; one kernel call less than one after the other. Interrupts stay as the
 * last one has left them, masked, until there is something to wait for: often a request is finished by then.
 */
static bool go_on(struct native *n, const struct vmm_channel *client, bool signal, bool masked)
{
	seL4_Word badge;

	if (masked && driver.in_flight > 0) {
		if (signal)
			seL4_Signal(client->notify);
		badge = native_ack_and_wait(n);
		masked = false;
	} else if (signal) {
		badge = native_signal_and_wait(n, client->notify);
	} else {
		badge = native_wait(n);
	}
	return masked || (badge & VMM_NATIVE_BADGE_IRQ) != 0;
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_channel *client;
	bool masked = true; /* as whoever was here before us may have left it */
	struct native n;
	enum vmm_err err;

	native_init(&n, page, thread);
	client = client_of(&n);
	err = open(&n, client);
	if (err != VMM_OK)
		native_stay_idle(&n, "no disk", err);
	native_say(&n, "disk of %lu KiB%s%s%s", (unsigned long)(driver.medium.sectors / 2),
		   driver.medium.read_only ? ", read-only" : "",
		   driver.medium.serial[0] != '\0' ? ", serial " : "", driver.medium.serial);
	seL4_Signal(client->notify);
	for (unsigned rounds = 0;; rounds++) {
		bool signal = blkdrv_run(&driver);

		/* Now before the client hears of its answers, now while more are on their way. */
		probe(driver.medium.generation,
		      driver.medium.generation % 2 == 0 ? signal : driver.in_flight > 0, rounds);
		masked = go_on(&n, client, signal, masked);
	}
}
