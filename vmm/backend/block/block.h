/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a block device's sectors go and come from. The device (vmm/dev/virtio/blk.c) submits requests;
 * the backend accepts each or says that it is full, never blocks, and answers every accepted request
 * exactly once by `done`, in any order, from within submit() or poll().
 *
 * A request and its segments belong to the backend from acceptance until `done` or cancel(). Data are
 * copied once, between the segments (guest memory) and wherever the backend keeps them. Sectors are 512
 * bytes whatever the medium's block size is.
 *
 * After cancel() the backend touches no segment and calls no `done` for anything submitted before, also
 * when the server answers later; what the server may still write to stays reserved until it has answered.
 *
 * One caller at a time: the device's lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { BLOCK_SECTOR = 512, BLOCK_SERIAL = 20 };

enum block_op {
	BLOCK_READ = 0,
	BLOCK_WRITE,
	BLOCK_FLUSH, /* everything answered before it was submitted is durable when it is answered */
	BLOCK_DISCARD,
	BLOCK_WRITE_ZEROES,
};

enum block_status {
	BLOCK_OK = 0,
	BLOCK_IO_ERROR,
	BLOCK_UNSUPPORTED,
};

/* A piece of guest memory, whose content nobody looks at. */
struct block_segment {
	void *host;
	uint32_t length; /* any number of bytes */
};

/* Embedded in whatever the device keeps for a request; found again with container_of. */
struct block_request {
	enum block_op op;
	uint64_t sector;
	uint32_t sectors; /* FLUSH: 0. READ, WRITE: the segments hold exactly as many */
	bool unmap;       /* WRITE_ZEROES: the sectors may be deallocated */
	unsigned segment_count;
	const struct block_segment *segments;
};

struct block_info {
	uint64_t sectors; /* 0: no medium (yet, or any more) */
	/* bytes; a power of two, at least 512: what is written without reading */
	uint32_t block_size;
	bool read_only;
	bool discard, write_zeroes; /* can be submitted */
	bool changing; /* there are 0 sectors only until a later poll(): requests can wait */
	char serial[BLOCK_SERIAL + 1];
};

enum block_submit {
	BLOCK_ACCEPTED = 0, /* `done` was called or will be */
	BLOCK_FULL,         /* nothing was taken; a later poll() makes room */
};

struct block_backend;

struct block_ops {
	/** Never fails: what cannot be done is accepted and answered with an error. */
	enum block_submit (*submit)(struct block_backend *backend, struct block_request *request);
	/**
	 * Makes the server see what was submitted since the last kick. `look`: true is returned if there
	 * are answers already, for which no signal may come: poll() has to follow.
	 */
	bool (*kick)(struct block_backend *backend, bool look);
	/** Answers what is finished. Called when the server has signalled. */
	void (*poll)(struct block_backend *backend);
	/** Forgets this request, which it has, or every one (NULL). */
	void (*cancel)(struct block_backend *backend, struct block_request *request);
	/** The medium as it is now. */
	void (*info)(struct block_backend *backend, struct block_info *info);
};

struct block_backend {
	const struct block_ops *ops;
	/* The device's; set by whoever connects the two, before the first request. */
	void (*done)(void *ctx, struct block_request *request, enum block_status status);
	void *ctx;
};

/** Bytes of all segments together. */
uint64_t block_segments_bytes(const struct block_segment *segments, unsigned count);

/**
 * Copies `length` bytes between `flat` and the segments, from byte `at` of them on; as much as there is.
 * `to_segments`: the direction.
 */
void block_segments_copy(const struct block_segment *segments, unsigned count, uint64_t at,
			 void *flat, size_t length, bool to_segments);

/** True if [sector, sector + sectors) lies on the medium. */
static inline bool block_inside(const struct block_info *info, uint64_t sector, uint64_t sectors)
{
	return sector <= info->sectors && sectors <= info->sectors - sector;
}
