/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block backend over sDDF block queues shared with a multiplexer, ours or another, and a data region that
 * its owner's device writes and reads.
 *
 * A request moves in parts of up to BLOCK_SDDF_PART units, one after the other: most need one. Data are
 * copied between the guest's memory and the data region, once. A server that knows 4096-byte blocks only
 * (no BLKQ_F_SECTORS) still serves any sector: what is read is widened, what is written is read first, and
 * meanwhile nothing else is done to those blocks. Discarding is a hint, and dropped where the server cannot;
 * zeroes are written where it cannot do that otherwise.
 *
 * A server that was started again (blkq.h) gets everything again that it has not answered; the guest notices
 * a delay. If it has no such disk any more, or will not run again, everything fails: the device has no medium.
 *
 * The server is hostile: a response that answers nothing is counted and dropped; one with a wrong count
 * fails its request. It can keep or garble its own client's data and nothing else.
 */
#pragma once

#include "vmm/backend/block/block.h"
#include "vmm/backend/queue/blkq.h"
#include "vmm/backend/queue/server.h"

enum {
	BLOCK_SDDF_UNIT = 4096,
	BLOCK_SDDF_UNITS = 1024, /* of the data region that are used, at most */
	BLOCK_SDDF_PART = 32,    /* units a part takes at most */
	BLOCK_SDDF_SLOTS = BLKQ_CAPACITY,
};

/* How to wake the server. */
struct block_signal {
	void (*raise)(void *ctx);
	void *ctx;
};

struct block_sddf_setup {
	void *requests, *responses;
	const void *medium;
	size_t requests_size, responses_size, medium_size;
	void *data;
	size_t data_size;
	struct block_signal signal;
	struct server server;
};

/* Waiting for the end of what our predecessor had asked for (blkq.h). */
enum block_sddf_barrier { BLOCK_SDDF_FREE = 0, BLOCK_SDDF_BARRIER_OWED, BLOCK_SDDF_BARRIER_SENT };

struct block_sddf_slot {
	bool used;
	bool unsent;                   /* the server of now has not got it */
	bool filling;                  /* the part is being read so that it can be written */
	struct block_request *request; /* NULL: cancelled; nobody waits for the server's answer */
	uint32_t id;
	enum block_op op;
	uint64_t sector;  /* of the part, in the guest's count */
	uint32_t sectors; /* of the part */
	uint32_t done;    /* sectors of earlier parts */
	uint64_t block;   /* first, and how many, as the server was asked */
	uint32_t blocks;
	uint32_t unit, units; /* of the data region */
};

struct block_sddf {
	struct block_backend backend;
	struct blkq requests, responses;
	const void *medium_page;
	struct blkq_medium medium;
	struct server server;
	bool known;     /* there was a medium once */
	bool sync_owed; /* to a server that was started again */
	uint32_t unsent;
	uint32_t life; /* our own starts */
	enum block_sddf_barrier barrier;
	uint8_t *data;
	uint32_t units; /* there are */
	struct block_signal signal;
	uint32_t in_use; /* slots */
	uint32_t next_id;
	uint32_t strange; /* responses that answered nothing */
	uint64_t taken[BLOCK_SDDF_UNITS / 64];
	struct block_sddf_slot slot[BLOCK_SDDF_SLOTS];
};

/** VMM_ERR_INVALID: memory is missing, too small or not aligned. */
VMM_MUST_CHECK enum vmm_err block_sddf_init(struct block_sddf *sddf,
					    const struct block_sddf_setup *setup);
