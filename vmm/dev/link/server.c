/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's program's end of a link: takes the guest's stores to the very transport that the VMM
 * would have used, which keeps the page of registers current.
 */
#include "vmm/dev/link/link.h"

#include "vmm/base/util.h"

enum { STATUS = 0x070 };

static void irq(void *ctx, unsigned caller, bool level)
{
	struct link_server *server = ctx;

	(void)caller;
	(void)level;
	server->raised = true;
}

void link_server_init(struct link_server *server, struct virtio_dev *vd, uint8_t *registers,
		      struct link_ring *ring)
{
	uint32_t before =
		__atomic_load_n((uint32_t *)(void *)(registers + STATUS), __ATOMIC_RELAXED);

	*server = (struct link_server){
		.ring = ring,
		.head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED),
	};
	vd->status = (uint8_t)(before & (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
					 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK));
	virtio_mmio_init(&server->mmio, vd, irq, server, registers);
	if (vd->status != 0)
		virtio_needs_reset(vd, "its program was started again");
}

static void carry_out(struct link_server *server, const struct link_write *w)
{
	struct mmio_access access = {
		.offset = w->offset,
		.value = w->value,
		.width = (uint8_t)w->width,
		.write = true,
	};

	if (w->width == 0 || w->width > 8 || (w->width & (w->width - 1)) != 0 ||
	    !range_inside(w->offset, w->width, 0, VIRTIO_MMIO_SIZE))
		return;
	lock_take(&server->mmio.vd->lock);
	virtio_mmio_access(&server->mmio, &access);
	lock_give(&server->mmio.vd->lock);
}

bool link_server_run(struct link_server *server)
{
	struct link_ring *ring = server->ring;
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	bool raised;

	/* A tail that cannot be is the VMM's mistake: nothing is there. */
	while (server->head != tail && tail - server->head <= LINK_WRITES) {
		const volatile struct link_write *from = &ring->write[server->head % LINK_WRITES];
		struct link_write w = {
			.value = from->value,
			.offset = from->offset,
			.width = from->width,
		};

		carry_out(server, &w);
		server->head++;
		__atomic_store_n(&ring->head, server->head, __ATOMIC_RELEASE);
		if (server->head == tail)
			tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	}
	raised = server->raised || (__atomic_load_n(&ring->each, __ATOMIC_RELAXED) != 0 &&
				    server->told != server->mmio.interrupts);
	server->raised = false;
	server->told = server->mmio.interrupts;
	return raised;
}
