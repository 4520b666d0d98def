/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy driver: one virtio entropy device of the machine, a queue of bytes for each client. What
 * it does is in vmm/driver/virtio/rng.h; here are its interrupt and its signals.
 */
#include "app/lib/native.h"
#include "vmm/driver/virtio/rng.h"
#include "vmm/port/sel4/runtime.h"

static struct rngdrv driver;
static seL4_CPtr notify[RNGDRV_CLIENTS];

static enum vmm_err open(const struct native *n)
{
	const struct vmm_start_region *device = native_region(n, "device");
	const struct vmm_start_region *dma = native_region(n, "dma");

	return rngdrv_open(&driver, &(struct rngdrv_setup){
					    .ops = &vdrv_mmio_ops,
					    .page = (void *)device->vaddr,
					    .page_size = device->size,
					    .dma = (void *)dma->vaddr,
					    .dma_paddr = dma->paddr,
					    .dma_size = dma->size,
				    });
}

static void add_clients(const struct native *n)
{
	const struct vmm_channel *c;
	uint32_t at = 0;

	while ((c = native_channel(n, VMM_CHANNEL_ENTROPY, VMM_ROLE_SERVER, &at)) != NULL) {
		const struct vmm_region *data = &c->region[VMM_ENTROPY_DATA];
		struct serialq_producer queue;

		native_expect(
			serialq_producer_init(&queue, (void *)c->region[VMM_ENTROPY_QUEUE].vaddr,
					      (void *)data->vaddr, (uint32_t)data->size) == VMM_OK);
		notify[driver.client_count] = c->notify;
		native_expect(rngdrv_client(&driver, &queue) == VMM_OK);
	}
}

void runtime_main(void *page, uint64_t thread)
{
	struct native n;
	enum vmm_err err;

	native_init(&n, page, thread);
	err = open(&n);
	if (err != VMM_OK)
		native_stay_idle(&n, "no entropy device", err);
	add_clients(&n);
	native_say(&n, "entropy for %u clients", driver.client_count);
	for (;;) {
		uint32_t signals = rngdrv_run(&driver);

		for (unsigned i = 0; i < driver.client_count; i++) {
			if ((signals >> i & 1) != 0)
				seL4_Signal(notify[i]);
		}
		(void)seL4_IRQHandler_Ack(n.irq);
		(void)native_wait(&n);
	}
}
