/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's program's end of a link: takes the guest's stores to the very transport that the VMM
 * would have used, which keeps the page of registers current.
 */
#include "vmm/dev/link/link.h"

#include <string.h>

#include "vmm/base/util.h"

enum { QUEUE_NOTIFY = 0x050 };

static void irq(void *ctx, unsigned caller, bool level)
{
	struct link_server *server = ctx;

	(void)caller;
	(void)level;
	server->raised = true;
}

void link_server_init(struct link_server *server, struct virtio_dev *vd, uint8_t *registers,
		      struct link_ring *ring, struct virtio_kept *kept)
{
	bool in_use;

	memset(server, 0, sizeof(*server));
	server->ring = ring;
	server->kept = kept;
	server->head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	in_use = virtio_keep(vd, kept, server->order);
	virtio_mmio_init(&server->mmio, vd, irq, server, registers);
	if (!in_use)
		return;
	virtio_go_on(vd);
	virtio_keep_registers(vd, kept);
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
	if (w->offset != QUEUE_NOTIFY)
		virtio_keep_registers(server->mmio.vd, server->kept);
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
