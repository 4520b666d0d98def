// SPDX-License-Identifier: BSD-2-Clause
/*
 * A request is a chain: 16 bytes of header, data, one byte of status, however the driver cuts them into
 * descriptors (2.6.4). The header is read once; the data's places go to the backend; the status byte is
 * written when it answers, and only if the queue was not reset since.
 *
 * What the driver asks wrongly is answered with an error. Only a chain that has no room for an answer
 * breaks the device.
 */
#include "vmm/dev/virtio/blk.h"

#include <string.h>

#include "vmm/base/util.h"

/* Features (5.2.3). */
#define F_SEG_MAX      (UINT64_C(1) << 2)
#define F_RO           (UINT64_C(1) << 5)
#define F_BLK_SIZE     (UINT64_C(1) << 6)
#define F_FLUSH        (UINT64_C(1) << 9)
#define F_TOPOLOGY     (UINT64_C(1) << 10)
#define F_MQ           (UINT64_C(1) << 12)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Types and status (5.2.6). */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

enum {
	FLAG_UNMAP = 1,
	RANGE_SECTORS_MAX = 1 << 22, /* that one discard or write zeroes may name: 2 GiB */
};

struct header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

struct range_segment {
	uint64_t sector;
	uint32_t count;
	uint32_t flags;
};

_Static_assert(sizeof(struct header) == 16 && sizeof(struct range_segment) == 16, "5.2.6");

enum taken { TAKEN, NOT_NOW };

static struct virtio_blk *blk_of(struct virtio_dev *vd)
{
	return container_of(vd, struct virtio_blk, vd);
}

/* ---- requests ---- */

static struct virtio_blk_request *take_request(struct virtio_blk *blk)
{
	struct virtio_blk_request *r;

	if (blk->free == VIRTIO_BLK_NONE)
		return NULL;
	r = &blk->request[blk->free];
	blk->free = r->next_free;
	r->used = true;
	r->large = false;
	r->flush_owed = false;
	return r;
}

static void give_request(struct virtio_blk *blk, struct virtio_blk_request *r)
{
	if (r->large)
		blk->large_used = false;
	r->used = false;
	r->next_free = blk->free;
	blk->free = (uint16_t)(r - blk->request);
}

static void answer(struct virtio_blk *blk, struct virtio_blk_request *r, uint8_t status)
{
	/* A failed read has not written its data: then not even the first byte counts (2.7.8.2). */
	uint32_t written = status == S_OK || r->written == 0 ? r->written + 1 : 0;

	if (virtq_alive(&blk->vd, r->queue, r->token)) {
		*r->status = status;
		virtq_push(&blk->vd, r->queue, r->token, written);
		blk->answered |= 1u << r->queue;
	}
	give_request(blk, r);
}

/*
 * The backend's answer. Data that a driver without FLUSH has written must be stable when it hears so
 * (5.2.6.2): then a flush follows under the same request.
 */
static void done(void *ctx, struct block_request *request, enum block_status status)
{
	static const uint8_t as[] = {
		[BLOCK_OK] = S_OK, [BLOCK_IO_ERROR] = S_IOERR, [BLOCK_UNSUPPORTED] = S_UNSUPP
	};
	struct virtio_blk_request *r = container_of(request, struct virtio_blk_request, block);
	struct virtio_blk *blk = ctx;

	if (status == BLOCK_OK && !virtio_has(&blk->vd, F_FLUSH) &&
	    (request->op == BLOCK_WRITE || request->op == BLOCK_WRITE_ZEROES)) {
		request->op = BLOCK_FLUSH;
		r->flush_owed = true;
		blk->flushes_owed = true;
	} else {
		answer(blk, r, as[status]);
	}
}

/* As many as there is room for; the rest after the next answer. */
static void send_flushes(struct virtio_blk *blk)
{
	for (unsigned i = 0; blk->flushes_owed && i < VIRTIO_BLK_REQUESTS; i++) {
		struct virtio_blk_request *r = &blk->request[i];

		if (!r->used || !r->flush_owed)
			continue;
		r->flush_owed = false; /* it may be answered before submit() returns */
		if (blk->backend->ops->submit(blk->backend, &r->block) == BLOCK_FULL) {
			r->flush_owed = true;
			return;
		}
	}
	blk->flushes_owed = false;
}

/*
 * The places of bytes [at, at + length) of one part of the chain, into the request's own segments or the
 * large ones. False: somebody else has these.
 */
static bool keep_segments(struct virtio_blk *blk, struct virtio_blk_request *r,
			  const struct virtq_segment *from, unsigned count, uint64_t at,
			  uint64_t length)
{
	struct block_segment *to = r->segment;

	if (count > VIRTIO_BLK_OWN) {
		if (blk->large_used)
			return false;
		blk->large_used = true;
		r->large = true;
		to = blk->large;
	}
	r->block.segments = to;
	r->block.segment_count = 0;
	for (unsigned i = 0; i < count && length > 0; i++) {
		uint64_t n;

		if (at >= from[i].len) {
			at -= from[i].len;
			continue;
		}
		n = from[i].len - at < length ? from[i].len - at : length;
		to[r->block.segment_count++] =
			(struct block_segment){ from[i].host + at, (uint32_t)n };
		length -= n;
		at = 0;
	}
	return true;
}

/* Reading and writing. What the status is, or S_OK for "ask the backend". */
static uint8_t plan_data(struct virtio_blk *blk, struct virtio_blk_request *r, bool write,
			 uint64_t sector, uint64_t bytes)
{
	if (bytes == 0 || bytes % BLOCK_SECTOR != 0 || (write && blk->read_only) ||
	    sector > blk->config.capacity || bytes / BLOCK_SECTOR > blk->config.capacity - sector)
		return S_IOERR;
	r->block.op = write ? BLOCK_WRITE : BLOCK_READ;
	r->block.sector = sector;
	r->block.sectors = (uint32_t)(bytes / BLOCK_SECTOR);
	r->written = write ? 0 : (uint32_t)bytes;
	return S_OK;
}

/* Discarding and zeroing one range (5.2.6.2). */
static uint8_t plan_range(struct virtio_blk *blk, struct virtio_blk_request *r,
			  const struct virtq_chain *chain, bool zeroes)
{
	struct range_segment range;

	if (!virtio_has(&blk->vd, zeroes ? F_WRITE_ZEROES : F_DISCARD))
		return S_UNSUPP;
	if (chain->readable_len != sizeof(struct header) + sizeof(range))
		return S_IOERR;
	(void)virtq_read(chain, sizeof(struct header), &range, sizeof(range));
	if ((range.flags & (zeroes ? ~(uint32_t)FLAG_UNMAP : UINT32_MAX)) != 0)
		return S_UNSUPP;
	if (range.count == 0 || range.count > RANGE_SECTORS_MAX || blk->read_only ||
	    range.sector > blk->config.capacity ||
	    range.count > blk->config.capacity - range.sector)
		return S_IOERR;
	r->block.op = zeroes ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD;
	r->block.sector = range.sector;
	r->block.sectors = range.count;
	r->block.unmap = (range.flags & FLAG_UNMAP) != 0;
	return S_OK;
}

/* The serial number, not NUL-terminated if it has all 20 characters (5.2.6). */
static uint8_t give_id(struct virtio_blk *blk, struct virtio_blk_request *r,
		       const struct virtq_chain *chain)
{
	struct block_info info;

	if (chain->writable_len != BLOCK_SERIAL + 1)
		return S_IOERR;
	blk->backend->ops->info(blk->backend, &info);
	r->written = (uint32_t)virtq_write(chain, 0, info.serial, BLOCK_SERIAL);
	return S_OK;
}

static void set_status_place(struct virtio_blk_request *r, const struct virtq_chain *chain)
{
	const struct virtq_segment *last =
		&chain->segment[chain->readable_count + chain->writable_count - 1u];

	r->status = last->host + last->len - 1;
}

/* Asks the backend; false: it has no room. */
static bool submit(struct virtio_blk *blk, struct virtio_blk_request *r,
		   const struct virtq_chain *chain)
{
	const struct virtq_segment *from = chain->segment;
	unsigned count = chain->readable_count;
	uint64_t at = sizeof(struct header), length = 0;

	if (r->block.op == BLOCK_READ) {
		from += chain->readable_count;
		count = chain->writable_count;
		at = 0;
	}
	if (r->block.op == BLOCK_READ || r->block.op == BLOCK_WRITE)
		length = (uint64_t)r->block.sectors * BLOCK_SECTOR;
	if (length > 0 && !keep_segments(blk, r, from, count, at, length))
		return false;
	return blk->backend->ops->submit(blk->backend, &r->block) == BLOCK_ACCEPTED;
}

static enum taken take(struct virtio_blk *blk, unsigned queue, const struct virtq_chain *chain)
{
	struct virtio_blk_request *r = blk->changing ? NULL : take_request(blk);
	struct header header;
	uint8_t status;

	if (r == NULL)
		return NOT_NOW;
	(void)virtq_read(chain, 0, &header, sizeof(header));
	r->block = (struct block_request){ .op = BLOCK_FLUSH };
	r->token = chain->token;
	r->queue = (uint16_t)queue;
	r->written = 0;
	set_status_place(r, chain);
	switch (header.type) {
	case T_IN:
		status = plan_data(blk, r, false, header.sector, chain->writable_len - 1);
		break;
	case T_OUT:
		status = plan_data(blk, r, true, header.sector,
				   chain->readable_len - sizeof(header));
		break;
	case T_FLUSH:
		status = S_OK;
		break;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		status = plan_range(blk, r, chain, header.type == T_WRITE_ZEROES);
		break;
	case T_GET_ID:
		answer(blk, r, give_id(blk, r, chain));
		return TAKEN;
	default:
		status = S_UNSUPP;
		break;
	}
	if (status != S_OK) {
		answer(blk, r, status);
	} else if (!submit(blk, r, chain)) {
		give_request(blk, r);
		return NOT_NOW;
	}
	return TAKEN;
}

/* ---- queues ---- */

/* Takes what is there; one queue's length at most, so that a driver cannot keep us for ever. */
static void serve(struct virtio_blk *blk, unsigned queue)
{
	struct virtio_pace *pace = &blk->pace[queue];
	struct virtio_dev *vd = &blk->vd;
	struct virtq_chain chain;
	unsigned count = 0;
	bool judged = false;

	blk->waiting &= ~(1u << queue);
	do {
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			if (chain.readable_len < sizeof(struct header) || chain.writable_len == 0) {
				virtio_needs_reset(vd, "blk: a request without header or status");
				return;
			}
			if (take(blk, queue, &chain) == NOT_NOW) {
				/* Room comes with an answer, which is an event: no kick is needed. */
				virtq_unpop(vd, queue, &chain);
				virtq_kicks_off(vd, queue);
				blk->waiting |= 1u << queue;
				return;
			}
			count++;
		}
		if (!judged)
			virtio_pace_took(pace, vd, count);
		judged = true;
	} while (virtio_pace_listen(pace, vd, queue, count));
}

static void announce(struct virtio_blk *blk)
{
	for (unsigned i = 0; blk->answered != 0; i++) {
		if ((blk->answered & 1u << i) == 0)
			continue;
		blk->answered &= ~(1u << i);
		virtq_notify(&blk->vd, i);
	}
}

/* The medium may come after the device: then its size changes. */
static void look_at_medium(struct virtio_blk *blk)
{
	struct block_info info;

	blk->backend->ops->info(blk->backend, &info);
	blk->changing = info.changing;
	if (info.sectors == blk->config.capacity)
		return;
	blk->config.capacity = info.sectors;
	blk->config.blk_size = info.block_size;
	virtio_config_changed(&blk->vd);
}

static void blk_event(struct virtio_dev *vd)
{
	struct virtio_blk *blk = blk_of(vd);
	uint32_t waiting;

	blk->backend->ops->poll(blk->backend);
	send_flushes(blk);
	look_at_medium(blk);
	waiting = blk->waiting;
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if ((waiting & 1u << i) != 0)
			serve(blk, i);
	}
	send_flushes(blk);
	(void)blk->backend->ops->kick(blk->backend, false);
	announce(blk);
}

static void blk_notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_blk *blk = blk_of(vd);

	serve(blk, queue);
	send_flushes(blk);
	if (blk->backend->ops->kick(blk->backend, true))
		blk_event(vd);
	else
		announce(blk);
}

static void blk_go_on(struct virtio_dev *vd)
{
	if (vd->config_new && !blk_of(vd)->changing)
		virtio_config_changed(vd);
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		if (virtq_ready(vd, i))
			blk_notify(vd, i);
	}
}

/* ---- reset ---- */

static void free_all(struct virtio_blk *blk)
{
	blk->free = VIRTIO_BLK_NONE;
	for (unsigned i = VIRTIO_BLK_REQUESTS; i-- > 0;)
		give_request(blk, &blk->request[i]);
	for (unsigned i = 0; i < VIRTIO_BLK_QUEUES; i++)
		virtio_pace_init(&blk->pace[i]);
	blk->large_used = false;
	blk->flushes_owed = false;
	blk->waiting = 0;
	blk->answered = 0;
}

static void blk_reset(struct virtio_dev *vd)
{
	struct virtio_blk *blk = blk_of(vd);

	blk->backend->ops->cancel(blk->backend, NULL);
	free_all(blk);
}

static void blk_queue_reset(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_blk *blk = blk_of(vd);

	for (unsigned i = 0; i < VIRTIO_BLK_REQUESTS; i++) {
		struct virtio_blk_request *r = &blk->request[i];

		if (!r->used || r->queue != queue)
			continue;
		blk->backend->ops->cancel(blk->backend, &r->block);
		give_request(blk, r);
	}
	blk->waiting &= ~(1u << queue);
	blk->answered &= ~(1u << queue);
}

static const struct virtio_ops blk_ops = {
	.device_id = VIRTIO_ID_BLOCK,
	.notify = blk_notify,
	.event = blk_event,
	.go_on = blk_go_on,
	.reset = blk_reset,
	.queue_reset = blk_queue_reset,
};

void virtio_blk_init(struct virtio_blk *blk, const struct virtio_setup *common,
		     struct block_backend *backend, unsigned queues, bool read_only)
{
	struct virtio_setup setup = *common;
	struct block_info info;

	blk->backend = backend;
	blk->read_only = read_only;
	backend->done = done;
	backend->ctx = blk;
	backend->ops->info(backend, &info);
	blk->changing = info.changing;
	blk->config = (struct virtio_blk_config){
		.capacity = info.sectors,
		.seg_max = VIRTIO_BLK_SEGMENTS,
		.blk_size = info.block_size,
		.opt_io_size = 1,
		.min_io_size = 1,
		.num_queues = (uint16_t)queues,
		.max_discard_sectors = RANGE_SECTORS_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 1,
		.max_write_zeroes_sectors = RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};
	setup.ops = &blk_ops;
	setup.queues = blk->queues;
	setup.queue_count = queues;
	setup.queue_size_max = VIRTIO_BLK_QUEUE_SIZE;
	setup.features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | (queues > 1 ? F_MQ : 0);
	setup.features |= read_only ? F_RO : F_DISCARD | F_WRITE_ZEROES;
	setup.config = &blk->config;
	setup.config_size = VIRTIO_BLK_CONFIG_BYTES;
	free_all(blk);
	virtio_init(&blk->vd, &setup);
}
