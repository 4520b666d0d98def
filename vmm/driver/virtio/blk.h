/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a host's virtio block device (VIRTIO 1.2, 5.2): takes requests from a block queue, hands them
 * to the device, answers when it has finished. The data never pass through it. Its client is a multiplexer,
 * which has checked what may be asked for, and whose requests carry DMA addresses; or a VM that has the
 * whole disk, and is checked here.
 *
 *   blkdrv_open() → blkdrv_run() whenever the client or the device has signalled
 *
 * Requests are in flight as the device's queue has room; what does not fit waits in the client's queue.
 * A device that breaks makes every request fail from then on, those in flight first.
 *
 * Started a second time in the same memory (its predecessor died), it resets the device, so that nothing
 * of the former requests moves any more, and tells the client by a new generation to send again what was
 * not answered (vmm/backend/queue/blkq.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/queue/blkq.h"
#include "vmm/driver/virtio/mmio.h"

enum { BLKDRV_SLOTS = BLKQ_CAPACITY };

struct blkdrv_setup {
	const struct vdrv_ops *ops;
	void *page; /* of virtio-mmio slots */
	size_t page_size;
	void *dma; /* memory in one piece, page-aligned */
	uint64_t dma_paddr;
	size_t dma_size;
	void *requests, *responses, *medium; /* shared with the client */
	size_t requests_size, responses_size;
	/*
	 * `confined`: the client is a VM's, whose word for an address counts for nothing. Its offsets are in
	 * its data region, in one piece at `data_paddr`, and it writes nothing if it is `read_only`.
	 */
	bool confined, read_only;
	uint64_t data_paddr, data_size;
};

struct blkdrv_slot {
	bool used;
	uint32_t code;
	uint32_t id; /* the client's */
	uint16_t count;
};

struct blkdrv {
	struct vdrv device;
	struct vring ring;
	struct blkq requests, responses;
	void *medium_page;
	struct blkq_medium medium;
	struct blkdrv_headers *headers; /* in DMA memory */
	uint64_t headers_paddr;
	bool confined;
	uint64_t data_paddr, data_size;
	bool broken;
	bool syncing; /* requests are dropped until BLKQ_SYNC */
	bool dropped; /* just now: the client may wait for their room */
	bool barrier; /* `barrier_request` was taken, and waits for those before it */
	struct blkq_request barrier_request;
	uint32_t in_flight;
	uint32_t bad; /* used entries that named nothing; the device's fault */
	struct blkdrv_slot slot[BLKDRV_SLOTS];
};

/** Bytes of DMA memory it needs. */
size_t blkdrv_dma_bytes(void);

/**
 * Finds and starts the device, and describes it to the client. VMM_ERR_ABSENT: there is none of that kind
 * in the page; VMM_ERR_UNSUPPORTED: it cannot be used; VMM_ERR_INVALID: the memory is too small.
 */
VMM_MUST_CHECK enum vmm_err blkdrv_open(struct blkdrv *d, const struct blkdrv_setup *setup);

/** Moves whatever can be moved. True: the client must be signalled. */
bool blkdrv_run(struct blkdrv *d);
