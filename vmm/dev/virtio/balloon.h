/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio balloon device (VIRTIO 1.2, 5.5): the guest is asked to do without some of its memory, and
 * says which pages it does not use.
 *
 * What it is told, it accounts for, and nothing more: in a system whose parts are fixed when it is
 * built, a VM's RAM stays its own (docs/decisions/0025-balloon-accounts.md). So a page is never taken
 * from under a guest, whatever it says, and its content stays.
 */
#pragma once

#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_BALLOON_QUEUES = 4,
	VIRTIO_BALLOON_QUEUE_SIZE = 64,
	VIRTIO_BALLOON_PAGE = 4096, /* the unit, whatever the guest's own */
};

#define VIRTIO_BALLOON_F_STATS_VQ       (UINT64_C(1) << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM (UINT64_C(1) << 2)
#define VIRTIO_BALLOON_F_REPORTING      (UINT64_C(1) << 5)

/* Memory statistics by tag (5.5.6.3): what the guest last said; UINT64_MAX: nothing. */
enum virtio_balloon_stat {
	VIRTIO_BALLOON_SWAP_IN,
	VIRTIO_BALLOON_SWAP_OUT,
	VIRTIO_BALLOON_MAJOR_FAULTS,
	VIRTIO_BALLOON_MINOR_FAULTS,
	VIRTIO_BALLOON_FREE,
	VIRTIO_BALLOON_TOTAL,
	VIRTIO_BALLOON_AVAILABLE,
	VIRTIO_BALLOON_CACHES,
	VIRTIO_BALLOON_HUGE_PAGES,
	VIRTIO_BALLOON_HUGE_FAILURES,
	VIRTIO_BALLOON_STATS,
};

struct virtio_balloon {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_BALLOON_QUEUES];
	struct {
		uint32_t num_pages; /* what is wanted */
		uint32_t actual;    /* what the guest says it has reached */
	} config;
	uint64_t held;     /* pages in the balloon, by what went in and out */
	uint64_t most;     /* the most it ever held */
	uint64_t reported; /* bytes reported as free, ever */
	uint64_t strange;  /* pages named that are not RAM */
	uint64_t stat[VIRTIO_BALLOON_STATS];
	struct virtq_token stats_token; /* the buffer kept to ask for new ones, if `stats_kept` */
	bool stats_kept;
};

/** `pages`: how many the guest is asked to give up. */
void virtio_balloon_init(struct virtio_balloon *balloon, const struct virtio_setup *common,
			 uint32_t pages);
