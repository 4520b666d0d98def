/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block multiplexer: many clients, one driver. Each client sees a disk of its own, which is a range or
 * a GPT partition of the driver's. Everything a client says is checked: it can name sectors of its own
 * range and memory of its own data region, and nothing else.
 *
 *   blkmux_init() → blkmux_add() for each client → blkmux_run() at every signal
 *
 * Requests are taken from the clients in turn, one each. None is taken whose response might not find room in
 * the client's queue, so a client that does not read its responses stops itself and nobody else. Sectors that
 * somebody may write are given to one client alone: whoever asks second for them gets no disk.
 *
 * What was sent to the driver is kept until it is answered. A driver that was started again (blkq.h) gets
 * all of it again, in the old order; clients notice nothing. Drivers that die one after the other and answer
 * nothing get one request at a time, and one that three have died of fails. A multiplexer that was started
 * again first waits until the driver is done with what its predecessor had sent, then is another server to its
 * clients, which send again what was not answered.
 *
 * One thread; no time but what it is told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/block/gpt.h"
#include "vmm/backend/queue/blkq.h"

enum {
	BLKMUX_BUDGET = 2 * BLKQ_CAPACITY, /* requests that are taken in one run */
	BLKMUX_CLIENTS = 32,
	BLKMUX_SLOTS = BLKQ_CAPACITY,
	BLKMUX_OWN_DATA = GPT_ENTRIES_BYTES, /* data region it needs for itself */
};

/* Bytes a second: times the ticks of a second, up to 10^9, it fits into 64 bits. */
#define BLKMUX_RATE_MAX ((UINT64_C(1) << 34) - 1)

/* The shared memory of one channel, as mapped here. */
struct blkmux_link {
	void *requests, *responses, *medium;
	size_t requests_size, responses_size, medium_size;
};

struct blkmux_client_setup {
	struct blkmux_link link;
	uint64_t data_paddr, data_size; /* of the client's data region, which is not mapped here */
	uint64_t first, count;          /* sectors; count 0: to the end */
	uint32_t partition;             /* instead; 0: none */
	bool read_only;
	uint64_t rate; /* bytes a second, up to BLKMUX_RATE_MAX; 0: no limit */
	const char *serial;
};

/* Why a client has no disk; for the log. */
enum blkmux_state {
	BLKMUX_WAITING = 0, /* for the driver, or for the partition table */
	BLKMUX_OPEN,
	BLKMUX_NO_TABLE,
	BLKMUX_NO_PARTITION,
	BLKMUX_OUTSIDE, /* its range is not on the disk */
	BLKMUX_TAKEN,   /* another writes there, or it would */
	BLKMUX_LOST, /* the driver is no more, or a predecessor's requests cannot be told from ours */
};

struct blkmux_client {
	struct blkq requests, responses;
	void *medium_page;
	struct blkmux_client_setup setup;
	enum blkmux_state state;
	uint64_t first, sectors;
	uint32_t in_flight;
	bool syncing; /* what its queue holds was for our predecessor, up to BLKQ_SYNC */
	bool held;    /* `request` was taken and waits for its turn */
	struct blkq_request request;
	int64_t allowance; /* bytes it may still move; negative: in debt */
	uint64_t filled;   /* when it was last filled up */
	uint64_t part;     /* of a byte that it has gained beyond that, in hz-ths */
	uint32_t refused;  /* requests that broke a rule */
};

struct blkmux_slot {
	bool used, sent;
	uint8_t lost;       /* drivers that died while they had nothing else */
	uint8_t client;     /* BLKMUX_CLIENTS: the multiplexer's own */
	uint32_t client_id; /* of the request, the client's */
	uint16_t client_count;
	uint64_t order;
	struct blkq_request request; /* as the driver gets it */
};

/* Waiting for the end of what our predecessor had sent. */
enum blkmux_drain {
	BLKMUX_DRAINED = 0,
	BLKMUX_DRAIN_OWED, /* the barrier is still to be sent */
	BLKMUX_DRAIN_SENT,
	BLKMUX_DRAIN_REFUSED,
};

enum blkmux_table {
	BLKMUX_TABLE_NONE = 0, /* not wanted */
	BLKMUX_TABLE_HEADER,
	BLKMUX_TABLE_ENTRIES,
	BLKMUX_TABLE_DONE,
};

/* What became of what we read for ourselves. */
enum blkmux_own { BLKMUX_OWN_NONE = 0, BLKMUX_OWN_GOOD, BLKMUX_OWN_BAD };

struct blkmux {
	struct blkq requests, responses; /* driver's */
	void *medium_page;
	struct blkq_medium medium;
	uint32_t life; /* our starts, this one included */
	enum blkmux_drain drain;
	bool started; /* the driver was there once */
	bool sync;    /* a driver that was started again waits for BLKQ_SYNC */
	uint32_t restarts;
	uint32_t fruitless; /* of them since it last answered */
	bool careful;       /* the driver gets one request at a time */
	uint32_t failed;    /* requests that drivers died of */
	uint32_t strange;   /* responses of the driver's that answer nothing */
	uint64_t hz;
	const uint8_t *own_data; /* data region of our own */
	uint64_t own_paddr;
	enum blkmux_table table;
	enum blkmux_own own;
	bool table_backup, table_good;
	struct gpt gpt;
	uint8_t entries[GPT_ENTRIES_BYTES];
	uint64_t order;
	uint32_t unsent; /* slots that the driver has not got yet */
	uint32_t client_count, turn;
	struct blkmux_client client[BLKMUX_CLIENTS];
	struct blkmux_slot slot[BLKMUX_SLOTS];
};

struct blkmux_setup {
	struct blkmux_link driver;
	const void *own_data; /* BLKMUX_OWN_DATA bytes */
	uint64_t own_paddr;
	uint64_t hz; /* of the time it is told; 0: rates are not limited */
};

VMM_MUST_CHECK enum vmm_err blkmux_init(struct blkmux *m, const struct blkmux_setup *setup);

/** Adds a client, before the first run. VMM_ERR_NOMEM: too many; VMM_ERR_RANGE: its rate is too high. */
VMM_MUST_CHECK enum vmm_err blkmux_add(struct blkmux *m, const struct blkmux_client_setup *setup);

/** The driver will not run again: nobody has a disk any more. True: its clients must be signalled. */
bool blkmux_driver_over(struct blkmux *m);

/* Whom to signal, and when to run again. */
struct blkmux_signals {
	uint64_t clients; /* bit i: client i */
	bool driver;
	bool opened;       /* clients were given their disks: their states are settled */
	bool again;        /* it has done enough for once: run again without waiting */
	uint64_t deadline; /* 0: none */
};

/** Moves everything that can be moved at time `now`. */
struct blkmux_signals blkmux_run(struct blkmux *m, uint64_t now);
