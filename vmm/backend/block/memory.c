// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/block/memory.h"

#include <string.h>

#include "vmm/base/util.h"

static enum block_status perform(struct block_memory *m, const struct block_request *r)
{
	uint8_t *at = m->bytes + r->sector * BLOCK_SECTOR;
	size_t size = (size_t)r->sectors * BLOCK_SECTOR;

	if (m->fail_next > 0) {
		m->fail_next--;
		return BLOCK_IO_ERROR;
	}
	if (r->op == BLOCK_FLUSH)
		return BLOCK_OK;
	if (!block_inside(&m->info, r->sector, r->sectors) ||
	    (m->info.read_only && r->op != BLOCK_READ))
		return BLOCK_IO_ERROR;
	switch (r->op) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		block_segments_copy(r->segments, r->segment_count, 0, at, size,
				    r->op == BLOCK_READ);
		return BLOCK_OK;
	case BLOCK_WRITE_ZEROES:
		memset(at, 0, size);
		return BLOCK_OK;
	default:
		return BLOCK_OK; /* nothing to be had from discarding */
	}
}

static enum block_submit memory_submit(struct block_backend *backend, struct block_request *request)
{
	struct block_memory *m = container_of(backend, struct block_memory, backend);

	if (!m->late) {
		backend->done(backend->ctx, request, perform(m, request));
		return BLOCK_ACCEPTED;
	}
	if (m->count >= m->depth || m->count == BLOCK_MEMORY_DEPTH)
		return BLOCK_FULL;
	m->waiting[m->count++] = request;
	return BLOCK_ACCEPTED;
}

static bool no_kick(struct block_backend *backend, bool look)
{
	(void)backend;
	(void)look;
	return false;
}

/* `done` may submit more: those wait for the next poll. */
static void memory_poll(struct block_backend *backend)
{
	struct block_memory *m = container_of(backend, struct block_memory, backend);

	for (unsigned left = m->count; left > 0 && m->count > 0; left--) {
		struct block_request *request = m->waiting[0];

		m->count--;
		for (unsigned i = 0; i < m->count; i++)
			m->waiting[i] = m->waiting[i + 1];
		backend->done(backend->ctx, request, perform(m, request));
	}
}

static void memory_cancel(struct block_backend *backend, struct block_request *request)
{
	struct block_memory *m = container_of(backend, struct block_memory, backend);
	unsigned kept = 0;

	for (unsigned i = 0; i < m->count; i++) {
		if (request != NULL && m->waiting[i] != request)
			m->waiting[kept++] = m->waiting[i];
	}
	m->count = kept;
}

static void memory_info(struct block_backend *backend, struct block_info *info)
{
	*info = container_of(backend, struct block_memory, backend)->info;
}

static const struct block_ops memory_ops = {
	.submit = memory_submit,
	.kick = no_kick,
	.poll = memory_poll,
	.cancel = memory_cancel,
	.info = memory_info,
};

void block_memory_init(struct block_memory *memory, uint8_t *bytes, uint64_t size, bool read_only)
{
	*memory = (struct block_memory){
		.backend = { .ops = &memory_ops },
		.bytes = bytes,
		.info = { .sectors = size / BLOCK_SECTOR,
			  .block_size = BLOCK_SECTOR,
			  .read_only = read_only,
			  .discard = true,
			  .write_zeroes = true },
		.depth = BLOCK_MEMORY_DEPTH,
	};
}

static enum block_submit null_submit(struct block_backend *backend, struct block_request *request)
{
	backend->done(backend->ctx, request, BLOCK_IO_ERROR);
	return BLOCK_ACCEPTED;
}

static void null_poll(struct block_backend *backend)
{
	(void)backend;
}

static void null_cancel(struct block_backend *backend, struct block_request *request)
{
	(void)backend;
	(void)request;
}

static void null_info(struct block_backend *backend, struct block_info *info)
{
	(void)backend;
	*info = (struct block_info){ .block_size = BLOCK_SECTOR };
}

static const struct block_ops null_ops = {
	.submit = null_submit,
	.kick = no_kick,
	.poll = null_poll,
	.cancel = null_cancel,
	.info = null_info,
};

void block_null_init(struct block_backend *backend)
{
	backend->ops = &null_ops;
}
