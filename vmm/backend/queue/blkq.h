/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block queues in shared memory, in the format of sDDF 0.7: requests one way, responses the other, and
 * a page that describes the medium.
 *
 * Each queue is a header with two free-running indices and a ring of BLKQ_CAPACITY entries. The producer
 * signals after every batch. `plugged`, in the request queue, asks the consumer to leave the requests
 * alone for now.
 *
 * Beyond the format, where the server's page says so (it lies behind the format's own 88 bytes):
 * BLKQ_SECTORS in a request's code counts in sectors of 512 bytes instead of blocks of 4096, and codes for
 * discarding and zeroing.
 *
 * Either end may die and be started again in the memory it had.
 *   A server counts its starts in its page (blkq_medium.generation). One that is not the first drops
 *   requests until BLKQ_SYNC with its own generation, and signals, for that makes room; its client then sends
 *   again whatever was not answered.
 *   A client counts its starts behind its requests (blkq_life). One that is not the first sends
 *   BLKQ_BARRIER and uses no answer, and none of its data region, until that is answered: what its
 *   predecessor had asked for moves no more then. Until then it signals whenever it has taken answers:
 *   the barrier may be the one request that has to wait for the room of its own.
 *
 * A client that signals and then looks for answers by itself says so there, too (blkq_quiet): on one core
 * they are often there when the signal's call returns, and theirs would only wake it for nothing. A server
 * that knows nothing of it signals, which does no harm.
 *
 * The peer is hostile: each side keeps its own index privately, reads the peer's once an operation and
 * takes a count beyond the capacity for a full (producer) or empty (consumer) queue; an entry is copied
 * once, and the copy is checked by whoever uses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { BLKQ_CAPACITY = 128, BLKQ_BLOCK = 4096, BLKQ_SECTOR = 512 };

enum blkq_code {
	BLKQ_READ = 0,
	BLKQ_WRITE,
	BLKQ_FLUSH,
	BLKQ_BARRIER,         /* answered when all before it are; what comes behind it waits */
	BLKQ_DISCARD = 0x100, /* offset is not used */
	BLKQ_WRITE_ZEROES,    /* the same; the sectors may be deallocated */
	BLKQ_WRITE_ZEROES_KEEP,
	BLKQ_SYNC, /* block: the generation that it answers */
};

#define BLKQ_SECTORS (UINT32_C(1) << 31) /* a flag of the code */

/* Ids with this bit are those of barriers after a restart; the rest of it is the client's life. */
#define BLKQ_ID_LIFE (UINT32_C(1) << 31)

enum blkq_status {
	BLKQ_OK = 0,
	BLKQ_ERROR,
	BLKQ_INVALID,
	BLKQ_IO_ERROR,
	BLKQ_NO_DEVICE,
};

/* Wire. */
struct blkq_request {
	uint32_t code;
	uint32_t reserved;
	/* client to multiplexer: in the client's data region; to a driver: DMA address */
	uint64_t offset;
	uint64_t block; /* first */
	uint16_t count;
	uint16_t reserved2;
	uint32_t id; /* the producer's */
};

struct blkq_response {
	uint32_t status; /* enum blkq_status */
	uint16_t count;  /* that succeeded */
	uint16_t reserved;
	uint32_t id;
};

_Static_assert(sizeof(struct blkq_request) == 32, "sDDF 0.7 block request");
_Static_assert(sizeof(struct blkq_response) == 12, "sDDF 0.7 block response");

enum blkq_kind { BLKQ_REQUESTS, BLKQ_RESPONSES };

/* One end of a queue. */
struct blkq {
	uint8_t *entries; /* borrowed */
	uint32_t *mine, *theirs;
	const uint8_t *plugged; /* requests */
	uint32_t entry_size;
	uint32_t index; /* the truth of ours; what was put or taken, shown or not */
	uint32_t shown;
	bool producer;
};

/** Bytes a queue takes. */
size_t blkq_bytes(enum blkq_kind kind);

/**
 * Attaches one end to `bytes` of memory (8-byte aligned). VMM_ERR_INVALID if it is too small or not
 * aligned. Takes up our own index where a former owner of this end left it.
 */
VMM_MUST_CHECK enum vmm_err blkq_init(struct blkq *q, enum blkq_kind kind, bool producer,
				      void *memory, size_t bytes);

/** Producer: entries that can be put. Consumer: entries that can be taken; 0 while plugged. */
uint32_t blkq_room(const struct blkq *q);
uint32_t blkq_length(const struct blkq *q);

/** False if the peer's index cannot be: then there is no room, or nothing to take, until it can. */
bool blkq_is_sane(const struct blkq *q);

/** Counts the starts of the producer of requests, this one included; once a start. Ends its quiet. */
uint32_t blkq_life(const struct blkq *requests);

/**
 * Client: from now on it is not to be signalled for answers; or it is again, and has to look once more for
 * those that came meanwhile. Server: it is not, for the answers just shown.
 */
void blkq_quiet(const struct blkq *requests, bool quiet);
bool blkq_is_quiet(const struct blkq *requests);

/** Copies an entry in or out; false if there is no room, or none. */
bool blkq_put(struct blkq *q, const void *entry);
bool blkq_take(struct blkq *q, void *entry);

/** Shows the peer what was put, or gives it back the room of what was taken. True: it was anything. */
bool blkq_show(struct blkq *q);

/* Features of an extended server. */
enum {
	BLKQ_F_SECTORS = 1 << 0,
	BLKQ_F_DISCARD = 1 << 1,
	BLKQ_F_WRITE_ZEROES = 1 << 2,
};

struct blkq_medium {
	uint64_t sectors; /* of 512 bytes */
	bool read_only;
	uint16_t queue_depth;
	uint32_t block_size; /* bytes; a power of two from 512 to 65536 */
	uint32_t features;   /* BLKQ_F_*; 0: a server that knows the plain format only */
	uint32_t generation; /* the server's starts, from 1; 0: a plain server does not count */
	char serial[64];     /* printable, NUL-terminated */
};

/** Bytes of the page that are used. */
size_t blkq_medium_bytes(void);

/** Server: describes the medium; the client may use it from then on. */
void blkq_medium_show(void *page, const struct blkq_medium *medium);

/** Server: there is none, and no other will be shown soon. */
void blkq_medium_hide(void *page);

/** Server, started again: what the medium was is no more, and neither are the requests for it. */
void blkq_medium_end(void *page, uint32_t generation);

/** Client: a server has begun to show its medium, or another one, and has not finished; it may have died. */
bool blkq_medium_is_changing(const void *page);

/** The generation, by itself: whether the server is another one. */
uint32_t blkq_medium_generation(const void *page);

/**
 * Client: a checked copy. False if there is no (sensible) medium; `*medium` is zeroed then but for the
 * generation of a server that has ended it.
 */
bool blkq_medium_read(const void *page, struct blkq_medium *medium);
