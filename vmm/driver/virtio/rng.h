/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a host's virtio entropy device (VIRTIO 1.2, 5.4), for several clients: each has a queue of
 * bytes of its own, kept full. A byte goes to one client only, and nothing of it stays here.
 *
 *   rngdrv_open() → rngdrv_client() for each → rngdrv_run() whenever the device or a client has signalled
 *
 * Clients are served in turn, a little at a time: one that empties its queue as fast as it can takes
 * no more than its share. A client that breaks its queue garbles its own bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/queue/serialq.h"
#include "vmm/driver/virtio/mmio.h"

enum {
	RNGDRV_BUFFERS = 4,
	RNGDRV_BUFFER = 1024, /* bytes asked for at once */
	RNGDRV_CLIENTS = 32,
};

struct rngdrv_setup {
	const struct vdrv_ops *ops;
	void *page; /* of virtio-mmio slots */
	size_t page_size;
	void *dma; /* memory in one piece, page-aligned */
	uint64_t dma_paddr;
	size_t dma_size;
};

struct rngdrv {
	struct vdrv device;
	struct vring ring;
	uint8_t (*buffer)[RNGDRV_BUFFER]; /* in DMA memory */
	uint64_t buffer_paddr;
	bool broken;
	bool asked[RNGDRV_BUFFERS];    /* the device has it */
	uint32_t have[RNGDRV_BUFFERS]; /* bytes in it */
	uint32_t at[RNGDRV_BUFFERS];   /* of these, given away */
	unsigned client_count;
	unsigned next; /* client whose turn it is */
	struct serialq_producer client[RNGDRV_CLIENTS];
};

/** Bytes of DMA memory it needs. */
size_t rngdrv_dma_bytes(void);

/**
 * Finds and starts the device. VMM_ERR_ABSENT: there is none in the page; VMM_ERR_UNSUPPORTED: it cannot be
 * used; VMM_ERR_INVALID: the memory is too small.
 */
VMM_MUST_CHECK enum vmm_err rngdrv_open(struct rngdrv *d, const struct rngdrv_setup *setup);

/** Adds a client; its number is the next one from 0 on. VMM_ERR_NOMEM: too many. */
VMM_MUST_CHECK enum vmm_err rngdrv_client(struct rngdrv *d, const struct serialq_producer *queue);

/** Moves whatever can be moved. The clients that must be signalled, a bit each. */
uint32_t rngdrv_run(struct rngdrv *d);
