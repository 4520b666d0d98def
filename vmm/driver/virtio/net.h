/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a host's virtio network device (VIRTIO 1.2, 5.1): moves buffers between a link's four queues
 * (vmm/backend/queue/netq.h; entries say DMA addresses) and the device. It never looks into a frame.
 *
 *   netdrv_open() → netdrv_run() whenever the client or the device has signalled
 *
 * The client owns the buffers: it is hostile to us, so every address is checked to be in the region it
 * was given for, or the device would write for the client where that may not.
 *
 * A client that was started again (vmm/backend/net/link.h) owns all buffers anew: the device is reset, so that
 * it has none, and the client is answered.
 *
 * Which buffers the device has is noted in DMA memory. A driver that is started a second time in the
 * same memory, because its predecessor died, resets the device and finds them there, at whatever instruction
 * that was: what was to be sent goes back to the client (lost, as on a wire), what was to be filled goes to
 * the device again. No buffer is lost, and none has two owners.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/queue/netq.h"
#include "vmm/driver/virtio/mmio.h"

enum {
	NETDRV_RING = 256,
	NETDRV_SLOTS = NETDRV_RING / 2, /* a frame takes two descriptors: header, frame */
	NETDRV_MAC = 6,
	NETDRV_BUFFER = 2048,
	NETDRV_FRAME_MIN = 14,
	NETDRV_FRAME_MAX = 1518, /* with a VLAN tag */
};

/* Where the frames of a direction may be. */
struct netdrv_region {
	uint64_t paddr, size;
};

/* All shared with the client, but the DMA memory. `rx` is what the device receives. */
struct netdrv_setup {
	const struct vdrv_ops *ops;
	void *page; /* of virtio-mmio slots */
	size_t page_size;
	void *dma; /* memory in one piece, page-aligned, zeroed when it is used first */
	uint64_t dma_paddr;
	size_t dma_size;
	void *rx_free, *rx_active, *tx_free, *tx_active;
	uint32_t capacity; /* of each of them */
	struct netdrv_region rx_data, tx_data;
};

struct netdrv_notes;

/* One direction. */
struct netdrv_side {
	struct vring ring;
	struct netq_consumer in;  /* buffers to give to the device */
	struct netq_producer out; /* buffers it is done with */
	struct netdrv_region data;
	struct netdrv_notes *notes; /* in DMA memory: which slot holds which buffer */
	unsigned queue;             /* the device's number for it */
	uint16_t free[NETDRV_SLOTS], done[NETDRV_SLOTS];
	unsigned free_count, done_count;
};

struct netdrv {
	struct vdrv device;
	struct netdrv_side rx, tx;
	struct netdrv_setup setup;
	uint32_t client_life;
	bool apart;            /* the client was started again, and has not set up its queues */
	bool announce;         /* the client may wait for our answer */
	bool broken;           /* the device could not be started again */
	uint64_t header_paddr; /* tx: one of zeros for all; rx: one a slot behind it */
	uint8_t mac[NETDRV_MAC];
	uint64_t rx_frames, tx_frames;
	uint64_t bad; /* the client's buffers that were none, the device's completions likewise */
};

/** Bytes of DMA memory it needs. */
size_t netdrv_dma_bytes(void);

/**
 * Finds and starts the device. VMM_ERR_ABSENT: there is none of that kind in the page;
 * VMM_ERR_UNSUPPORTED: it cannot be used; VMM_ERR_INVALID: the memory or a queue is not as it must be.
 */
VMM_MUST_CHECK enum vmm_err netdrv_open(struct netdrv *d, const struct netdrv_setup *setup);

/** Moves whatever can be moved. True: the client must be signalled. */
bool netdrv_run(struct netdrv *d);
