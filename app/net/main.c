/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver: one virtio network device of the machine, one client. What it does is in
 * vmm/driver/virtio/net.h; here are its interrupt and its signals.
 */
#include "app/lib/native.h"
#include "app/lib/probe.h"
#include "vmm/driver/virtio/net.h"
#include "vmm/port/sel4/runtime.h"

static struct netdrv driver;

static enum vmm_err open(const struct native *n, const struct vmm_channel *client)
{
	const struct vmm_start_region *device = native_region(n, "device");
	const struct vmm_start_region *dma = native_region(n, "dma");
	const struct vmm_region *shared = client->region;
	const struct netdrv_setup setup = {
		.ops = &vdrv_mmio_ops,
		.page = (void *)device->vaddr,
		.page_size = device->size,
		.dma = (void *)dma->vaddr,
		.dma_paddr = dma->paddr,
		.dma_size = dma->size,
		.rx_free = (void *)shared[VMM_NET_RX_FREE].vaddr,
		.rx_active = (void *)shared[VMM_NET_RX_ACTIVE].vaddr,
		.tx_free = (void *)shared[VMM_NET_TX_FREE].vaddr,
		.tx_active = (void *)shared[VMM_NET_TX_ACTIVE].vaddr,
		.capacity = VMM_NET_CAPACITY,
		.rx_data = { shared[VMM_NET_RX_DATA].paddr, shared[VMM_NET_RX_DATA].size },
		.tx_data = { shared[VMM_NET_TX_DATA].paddr, shared[VMM_NET_TX_DATA].size },
	};

	for (unsigned i = VMM_NET_RX_FREE; i <= VMM_NET_TX_ACTIVE; i++)
		native_expect(shared[i].size >=
			      NETQ_BYTES(VMM_NET_CAPACITY) + sizeof(struct netq_note));
	return netdrv_open(&driver, &setup);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_channel *client;
	const uint8_t *mac = driver.mac;
	seL4_Word badge = VMM_NATIVE_BADGE_IRQ;
	uint32_t at = 0;
	struct native n;
	enum vmm_err err;

	native_init(&n, page, thread);
	client = native_channel(&n, VMM_CHANNEL_NET, VMM_ROLE_SERVER, &at);
	native_expect(client != NULL);
	err = open(&n, client);
	if (err != VMM_OK)
		native_stay_idle(&n, "no network device", err);
	native_say(&n, "network device %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		   mac[3], mac[4], mac[5]);
	/* Whoever was here before us left the interrupt as it was: the first round is one, too. */
	for (unsigned rounds = 0;; rounds++) {
		bool moved = netdrv_run(&driver);

		/* Now before the client hears of what arrived, now while the card is still sending. */
		probe(driver.rx.out.tail,
		      driver.tx.out.tail % 2 == 0 ? moved : driver.tx.free_count < NETDRV_SLOTS,
		      rounds);
		if (moved)
			seL4_Signal(client->notify);
		if ((badge & VMM_NATIVE_BADGE_IRQ) != 0)
			(void)seL4_IRQHandler_Ack(n.irq);
		badge = native_wait(&n);
	}
}
