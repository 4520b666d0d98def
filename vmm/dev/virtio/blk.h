/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio block device (VIRTIO 1.2, 5.2), with one queue or several, over any block backend.
 *
 * A request keeps its chain and the places of its data until the backend has answered. When the backend
 * is full, the queue waits; nothing is dropped. After a reset the backend is told to forget: what it still
 * does reaches neither guest memory nor a ring.
 */
#pragma once

#include "vmm/backend/block/block.h"
#include "vmm/dev/virtio/pace.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_BLK_QUEUES = 8,
	VIRTIO_BLK_QUEUE_SIZE = 128,
	VIRTIO_BLK_REQUESTS = 64, /* with the backend at a time, of all queues */
	/* of data, that a driver should use for a request at most (seg_max) */
	VIRTIO_BLK_SEGMENTS = 32,
	/* places of a request; one with more takes `large` */
	VIRTIO_BLK_OWN = VIRTIO_BLK_SEGMENTS + 2,
	VIRTIO_BLK_NONE = 0xffff,
};

/* Configuration space (5.2.4). */
struct virtio_blk_config {
	uint64_t capacity;
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp, alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback, unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};

enum { VIRTIO_BLK_CONFIG_BYTES = 60 }; /* without the padding */

_Static_assert(offsetof(struct virtio_blk_config, unused1) + 3 == VIRTIO_BLK_CONFIG_BYTES,
	       "VIRTIO 1.2, 5.2.4");

struct virtio_blk_request {
	struct block_request block;
	uint8_t *status; /* the last byte of the chain, in guest memory */
	struct virtq_token token;
	uint32_t written; /* bytes of data that a success has written */
	uint16_t queue;
	uint16_t next_free;
	bool used, large;
	bool flush_owed; /* it has written, and is answered after a flush */
	struct block_segment segment[VIRTIO_BLK_OWN];
};

struct virtio_blk {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_BLK_QUEUES];
	struct virtio_pace pace[VIRTIO_BLK_QUEUES];
	struct virtio_blk_config config;
	struct block_backend *backend; /* borrowed; outlives the device */
	bool read_only;                /* as the driver was told */
	bool changing;                 /* the medium: requests wait */
	uint32_t waiting;  /* bit i: queue i may have something that the backend had no room for */
	uint32_t answered; /* bit i: queue i has answers to announce */
	uint16_t free;     /* first free request, or VIRTIO_BLK_NONE */
	bool large_used;
	bool flushes_owed; /* by one request or more */
	struct block_segment large[VIRTQ_SEGMENTS];
	struct virtio_blk_request request[VIRTIO_BLK_REQUESTS];
};

/**
 * `common`: name, gmem, packed and owner are taken from it. `queues`: 1 to VIRTIO_BLK_QUEUES. `read_only`:
 * the driver is told so; what the medium itself says is only known later.
 */
void virtio_blk_init(struct virtio_blk *blk, const struct virtio_setup *common,
		     struct block_backend *backend, unsigned queues, bool read_only);
