/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few buffers, of which some are with the device while bytes of the others are handed out. Clients
 * are asked to signal when they have room again, so nobody polls.
 */
#include "vmm/driver/virtio/rng.h"

#include <string.h>

#include "vmm/base/util.h"

enum {
	RING_SIZE = 8,
	CHUNK = 64, /* bytes a client gets in its turn */
};

size_t rngdrv_dma_bytes(void)
{
	return vring_bytes(RING_SIZE) + (size_t)RNGDRV_BUFFERS * RNGDRV_BUFFER;
}

enum vmm_err rngdrv_open(struct rngdrv *d, const struct rngdrv_setup *setup)
{
	size_t ring = vring_bytes(RING_SIZE);
	enum vmm_err err;
	void *regs;

	if (setup->dma_size < rngdrv_dma_bytes())
		return VMM_ERR_INVALID;
	memset(d, 0, sizeof(*d));
	d->buffer = (void *)((uint8_t *)setup->dma + ring);
	d->buffer_paddr = setup->dma_paddr + ring;
	err = vdrv_find(setup->ops, setup->page, setup->page_size, VDRV_RNG, &regs);
	if (err == VMM_OK)
		err = vdrv_open(&d->device, setup->ops, regs, VDRV_RNG, VDRV_F_EVENT_IDX);
	if (err != VMM_OK)
		return err;
	/* The device does nothing for a former owner any more. */
	memset(setup->dma, 0, rngdrv_dma_bytes());
	err = vdrv_queue(&d->device, 0, &d->ring, setup->dma, setup->dma_paddr, RING_SIZE);
	if (err == VMM_OK)
		vdrv_ready(&d->device);
	return err;
}

enum vmm_err rngdrv_client(struct rngdrv *d, const struct serialq_producer *queue)
{
	if (d->client_count == RNGDRV_CLIENTS)
		return VMM_ERR_NOMEM;
	d->client[d->client_count++] = *queue;
	return VMM_OK;
}

static void ask(struct rngdrv *d)
{
	for (uint32_t i = 0; i < RNGDRV_BUFFERS; i++) {
		const struct vring_buffer buffer = {
			.paddr = d->buffer_paddr + (uint64_t)i * RNGDRV_BUFFER,
			.length = RNGDRV_BUFFER,
		};

		if (d->asked[i] || d->have[i] > 0 ||
		    vring_add(&d->ring, &buffer, 0, 1, i) != VMM_OK)
			continue;
		d->asked[i] = true;
	}
	if (vring_publish(&d->ring))
		vdrv_kick(&d->device, 0);
}

/* What the device says that it wrote is believed up to the buffer's size. */
static void take(struct rngdrv *d)
{
	enum vring_taken taken;
	uint32_t i, written;

	while ((taken = vring_take(&d->ring, &i, &written)) != VRING_EMPTY) {
		if (taken == VRING_BAD || i >= RNGDRV_BUFFERS)
			continue;
		d->asked[i] = false;
		d->have[i] = written < RNGDRV_BUFFER ? written : RNGDRV_BUFFER;
		d->at[i] = 0;
	}
}

/* The next client with room, which is then asked for nothing; or the number of clients. */
static unsigned find_client(struct rngdrv *d)
{
	for (unsigned n = 0; n < d->client_count; n++) {
		unsigned i = (d->next + n) % d->client_count;

		if (serialq_room(&d->client[i]) > 0)
			return i;
		serialq_want_signal(&d->client[i]);
		if (serialq_room(&d->client[i]) > 0)
			return i;
	}
	return d->client_count;
}

/* Hands out what there is; the clients that got something. */
static uint32_t give(struct rngdrv *d)
{
	uint32_t given = 0;

	for (unsigned b = 0; b < RNGDRV_BUFFERS; b++) {
		while (d->have[b] > 0) {
			unsigned client = find_client(d);
			uint8_t *bytes = d->buffer[b] + d->at[b];
			uint32_t n = d->have[b] < CHUNK ? d->have[b] : CHUNK;

			if (client == d->client_count)
				return given;
			n = (uint32_t)serialq_write(&d->client[client], bytes, n);
			memset(bytes, 0, n);
			d->at[b] += n;
			d->have[b] -= n;
			d->next = (client + 1) % d->client_count;
			given |= UINT32_C(1) << client;
		}
	}
	return given;
}

uint32_t rngdrv_run(struct rngdrv *d)
{
	uint32_t signal = 0;

	(void)vdrv_interrupt(&d->device);
	if (!d->broken && vdrv_broken(&d->device)) {
		d->broken = true;
		vdrv_stop(&d->device);
	}
	if (d->broken)
		return give(d);
	do {
		take(d);
		signal |= give(d);
		ask(d);
	} while (vring_listen(&d->ring));
	return signal;
}
