// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/block/sddf.h"

#include <string.h>

#include "vmm/base/util.h"

enum {
	SECTORS_A_UNIT = BLOCK_SDDF_UNIT / BLOCK_SECTOR,
	SLOT_BITS = 7,
	WORD = 64,
	/* What one request may name: its count has 16 bits. */
	RANGE_SECTORS = 0x8000,
};

_Static_assert(BLOCK_SDDF_SLOTS == 1 << SLOT_BITS, "slot numbers");
_Static_assert((int)BLOCK_SDDF_UNIT == (int)BLKQ_BLOCK && (int)BLOCK_SECTOR == (int)BLKQ_SECTOR,
	       "units");

static struct block_sddf *of(struct block_backend *backend)
{
	return container_of(backend, struct block_sddf, backend);
}

static bool fine(const struct block_sddf *b)
{
	return (b->medium.features & BLKQ_F_SECTORS) != 0;
}

/* In whole blocks only it would also be done to sectors that were not meant. */
static bool can(const struct block_sddf *b, uint32_t feature)
{
	return fine(b) && (b->medium.features & feature) != 0;
}

/* ---- the data region ---- */

static bool is_taken(const struct block_sddf *b, uint32_t unit)
{
	return (b->taken[unit / WORD] >> unit % WORD & 1) != 0;
}

static void mark(struct block_sddf *b, uint32_t unit, uint32_t count)
{
	for (uint32_t i = unit; i < unit + count; i++)
		b->taken[i / WORD] ^= UINT64_C(1) << i % WORD;
}

/* `count` units in a row; false if there are none. */
static bool take_units(struct block_sddf *b, uint32_t count, uint32_t *unit)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < b->units; i++) {
		if (run == 0 && b->taken[i / WORD] == UINT64_MAX) {
			i |= WORD - 1;
			continue;
		}
		run = is_taken(b, i) ? 0 : run + 1;
		if (run < count)
			continue;
		*unit = i + 1 - count;
		mark(b, *unit, count);
		return true;
	}
	return false;
}

static uint32_t part_units(const struct block_sddf *b)
{
	return b->units / 2 < BLOCK_SDDF_PART ? b->units / 2 : BLOCK_SDDF_PART;
}

static uint8_t *data_of(const struct block_sddf *b, const struct block_sddf_slot *slot)
{
	return b->data + (size_t)slot->unit * BLOCK_SDDF_UNIT;
}

/* ---- parts ---- */

/* Operations as this server can do them. */
static enum block_op possible(const struct block_sddf *b, enum block_op op)
{
	if (op == BLOCK_WRITE_ZEROES && !can(b, BLKQ_F_WRITE_ZEROES))
		return BLOCK_WRITE;
	return op;
}

static bool moves(enum block_op op)
{
	return op == BLOCK_READ || op == BLOCK_WRITE;
}

/*
 * The part that starts where the request has come to: how many sectors, and what the server is asked
 * for. With a plain server the first block may begin before the first sector.
 */
static void plan_part(const struct block_sddf *b, struct block_sddf_slot *slot)
{
	const struct block_request *r = slot->request;
	uint64_t sector = r->sector + slot->done;
	uint32_t left = r->sectors - slot->done, most;
	uint32_t lead = fine(b) ? 0 : (uint32_t)(sector % SECTORS_A_UNIT);

	most = moves(slot->op) ? part_units(b) * SECTORS_A_UNIT - lead : RANGE_SECTORS - lead;
	slot->sector = sector;
	slot->sectors = left < most ? left : most;
	if (fine(b)) {
		slot->block = sector;
		slot->blocks = slot->sectors;
	} else {
		slot->block = sector / SECTORS_A_UNIT;
		slot->blocks = (lead + slot->sectors + SECTORS_A_UNIT - 1) / SECTORS_A_UNIT;
	}
}

static uint32_t lead_bytes(const struct block_sddf *b, const struct block_sddf_slot *slot)
{
	return fine(b) ? 0 : (uint32_t)(slot->sector % SECTORS_A_UNIT) * BLOCK_SECTOR;
}

/* A plain server's blocks are not all ours to write. */
static bool is_partial(const struct block_sddf *b, const struct block_sddf_slot *slot)
{
	return !fine(b) && slot->op == BLOCK_WRITE &&
	       ((slot->sector | slot->sectors) % SECTORS_A_UNIT) != 0;
}

static void copy_part(struct block_sddf *b, const struct block_sddf_slot *slot, bool to_guest)
{
	const struct block_request *r = slot->request;
	uint8_t *data = data_of(b, slot) + lead_bytes(b, slot);
	size_t size = (size_t)slot->sectors * BLOCK_SECTOR;

	if (r->op == BLOCK_WRITE_ZEROES)
		memset(data, 0, size);
	else
		block_segments_copy(r->segments, r->segment_count,
				    (uint64_t)slot->done * BLOCK_SECTOR, data, size, to_guest);
}

static uint32_t code_of(const struct block_sddf_slot *slot)
{
	switch (slot->op) {
	case BLOCK_READ:
		return BLKQ_READ;
	case BLOCK_WRITE:
		return slot->filling ? BLKQ_READ : BLKQ_WRITE;
	case BLOCK_FLUSH:
		return BLKQ_FLUSH;
	case BLOCK_DISCARD:
		return BLKQ_DISCARD;
	default:
		return slot->request->unmap ? BLKQ_WRITE_ZEROES : BLKQ_WRITE_ZEROES_KEEP;
	}
}

/* There is room: a slot is an entry, and the queue has as many. */
static void ask(struct block_sddf *b, struct block_sddf_slot *slot)
{
	struct blkq_request request = {
		.code = code_of(slot),
		.offset = (uint64_t)slot->unit * BLOCK_SDDF_UNIT,
		.block = slot->block,
		.count = (uint16_t)slot->blocks,
	};

	if (fine(b) && slot->op != BLOCK_FLUSH)
		request.code |= BLKQ_SECTORS;
	slot->id = ((uint32_t)(slot - b->slot) | b->next_id++ << SLOT_BITS) & ~BLKQ_ID_LIFE;
	request.id = slot->id;
	(void)blkq_put(&b->requests, &request);
}

/* Plans and asks for the next part; its units are there. */
static void begin_part(struct block_sddf *b, struct block_sddf_slot *slot)
{
	plan_part(b, slot);
	slot->filling = is_partial(b, slot);
	if (slot->op == BLOCK_WRITE && !slot->filling)
		copy_part(b, slot, false);
	ask(b, slot);
}

static void free_slot(struct block_sddf *b, struct block_sddf_slot *slot)
{
	b->unsent -= slot->unsent;
	mark(b, slot->unit, slot->units);
	slot->used = false;
	b->in_use--;
}

/* ---- a server, or a client, that was started again ---- */

/*
 * Sends what such a start leaves owed: the mark between a server's lives, the barrier between our own, what
 * was not answered. False while some of it is, or the barrier is not answered.
 */
static bool settled(struct block_sddf *b)
{
	const struct blkq_request sync = { .code = BLKQ_SYNC,
					   .block = b->medium.generation,
					   .id = UINT32_MAX };
	const struct blkq_request barrier = { .code = BLKQ_BARRIER, .id = BLKQ_ID_LIFE | b->life };

	if (b->sync_owed && !blkq_put(&b->requests, &sync))
		return false;
	b->sync_owed = false;
	if (b->barrier == BLOCK_SDDF_BARRIER_OWED && blkq_put(&b->requests, &barrier))
		b->barrier = BLOCK_SDDF_BARRIER_SENT;
	if (b->barrier != BLOCK_SDDF_FREE)
		return false;
	for (uint32_t i = 0; i < BLOCK_SDDF_SLOTS && b->unsent > 0; i++) {
		struct block_sddf_slot *slot = &b->slot[i];

		if (!slot->unsent)
			continue;
		if (blkq_room(&b->requests) == 0)
			return false;
		slot->unsent = false;
		b->unsent--;
		ask(b, slot);
	}
	return true;
}

/* True if the server is another one than it was, or there is a server for the first time. */
static bool changed(struct block_sddf *b, struct blkq_medium *medium)
{
	if (server_is_over(&b->server)) {
		*medium = (struct blkq_medium){ .generation = 0 };
		return b->medium.sectors != 0;
	}
	if (b->known && blkq_medium_generation(b->medium_page) == b->medium.generation)
		return false;
	if (blkq_medium_read(b->medium_page, medium))
		return true;
	return b->known && medium->generation != 0 && medium->generation != b->medium.generation;
}

static bool same_disk(const struct blkq_medium *a, const struct blkq_medium *b)
{
	return a->sectors == b->sectors && a->read_only == b->read_only &&
	       a->block_size == b->block_size && a->features == b->features;
}

static void finish(struct block_sddf *b, struct block_sddf_slot *slot, enum block_status status);

/* Nothing of what the old server had moves any more. */
static void turn_to(struct block_sddf *b, const struct blkq_medium *medium)
{
	bool same = same_disk(&b->medium, medium);

	if (b->known && !same && !server_is_over(&b->server))
		server_did(&b->server, SERVER_MEDIUM);
	b->medium = *medium;
	b->known = true;
	b->sync_owed = medium->sectors != 0 && medium->generation > 1;
	if (b->barrier == BLOCK_SDDF_BARRIER_SENT)
		b->barrier = BLOCK_SDDF_BARRIER_OWED;
	for (uint32_t i = 0; i < BLOCK_SDDF_SLOTS; i++) {
		struct block_sddf_slot *slot = &b->slot[i];

		if (!slot->used)
			continue;
		if (slot->request == NULL || !same) {
			finish(b, slot, BLOCK_IO_ERROR);
		} else if (!slot->unsent) {
			slot->unsent = true;
			b->unsent++;
		}
	}
}

/* ---- submission ---- */

/* The blocks a write may still touch: all of its request's, not only the present part's. */
static void blocks_of(const struct block_sddf_slot *slot, uint64_t *first, uint64_t *end)
{
	const struct block_request *r = slot->request;

	*first = slot->block;
	*end = slot->block + slot->blocks;
	if (r == NULL)
		return;
	*first = r->sector / SECTORS_A_UNIT;
	*end = (r->sector + r->sectors + SECTORS_A_UNIT - 1) / SECTORS_A_UNIT;
}

/*
 * With a plain server a block may have to be read before it is written. What another write puts there in
 * between would be lost, so that two writes to the same block wait for each other.
 */
static bool clashes(const struct block_sddf *b, const struct block_sddf_slot *mine)
{
	uint64_t first, end, other_first, other_end;

	if (fine(b) || mine->op != BLOCK_WRITE)
		return false;
	blocks_of(mine, &first, &end);
	for (uint32_t i = 0; i < BLOCK_SDDF_SLOTS; i++) {
		if (!b->slot[i].used || b->slot[i].op != BLOCK_WRITE)
			continue;
		blocks_of(&b->slot[i], &other_first, &other_end);
		if (first < other_end && other_first < end)
			return true;
	}
	return false;
}

static uint32_t units_for(const struct block_sddf *b, const struct block_sddf_slot *slot)
{
	uint32_t lead = fine(b) ? 0 : (uint32_t)(slot->request->sector % SECTORS_A_UNIT);
	uint64_t sectors = lead + (uint64_t)slot->request->sectors;
	uint64_t units = (sectors + SECTORS_A_UNIT - 1) / SECTORS_A_UNIT;

	if (!moves(slot->op))
		return 0;
	return units < part_units(b) ? (uint32_t)units : part_units(b);
}

static struct block_sddf_slot *find_slot(struct block_sddf *b)
{
	if (b->in_use == BLOCK_SDDF_SLOTS || blkq_room(&b->requests) == 0)
		return NULL;
	for (uint32_t i = 0; i < BLOCK_SDDF_SLOTS; i++) {
		if (!b->slot[i].used)
			return &b->slot[i];
	}
	return NULL;
}

static bool acceptable(const struct block_sddf *b, const struct block_request *r)
{
	if (b->medium.sectors == 0)
		return false;
	if (r->op == BLOCK_FLUSH)
		return true;
	return r->sectors > 0 && r->sector <= b->medium.sectors &&
	       r->sectors <= b->medium.sectors - r->sector &&
	       (r->op == BLOCK_READ || !b->medium.read_only);
}

static enum block_submit sddf_submit(struct block_backend *backend, struct block_request *request)
{
	struct block_sddf *b = of(backend);
	struct block_sddf_slot *slot, fresh = { .used = true, .request = request };

	if (!acceptable(b, request)) {
		backend->done(backend->ctx, request, BLOCK_IO_ERROR);
		return BLOCK_ACCEPTED;
	}
	fresh.op = possible(b, request->op);
	if (fresh.op == BLOCK_DISCARD && !can(b, BLKQ_F_DISCARD)) {
		backend->done(backend->ctx, request, BLOCK_OK);
		return BLOCK_ACCEPTED;
	}
	if (!settled(b))
		return BLOCK_FULL;
	slot = find_slot(b);
	if (slot == NULL || clashes(b, &fresh))
		return BLOCK_FULL;
	fresh.units = units_for(b, &fresh);
	if (fresh.units > 0 && !take_units(b, fresh.units, &fresh.unit))
		return BLOCK_FULL;
	*slot = fresh;
	b->in_use++;
	begin_part(b, slot);
	return BLOCK_ACCEPTED;
}

/* A server above us on this core has often answered when raise() returns. */
static bool sddf_kick(struct block_backend *backend, bool look)
{
	struct block_sddf *b = of(backend);

	if (!blkq_show(&b->requests))
		return false;
	if (look)
		blkq_quiet(&b->requests, true);
	b->signal.raise(b->signal.ctx);
	if (!look)
		return false;
	blkq_quiet(&b->requests, false);
	return blkq_length(&b->responses) > 0;
}

/* ---- completion ---- */

static enum block_status status_of(uint32_t status)
{
	return status == BLKQ_OK ? BLOCK_OK : BLOCK_IO_ERROR;
}

static void finish(struct block_sddf *b, struct block_sddf_slot *slot, enum block_status status)
{
	struct block_request *request = slot->request;

	free_slot(b, slot);
	if (request != NULL)
		b->backend.done(b->backend.ctx, request, status);
}

/* One part is through. */
static void advance(struct block_sddf *b, struct block_sddf_slot *slot)
{
	if (slot->op == BLOCK_READ)
		copy_part(b, slot, true);
	if (slot->filling) {
		slot->filling = false;
		copy_part(b, slot, false);
		ask(b, slot);
		return;
	}
	slot->done += slot->sectors;
	if (slot->op == BLOCK_FLUSH || slot->done >= slot->request->sectors)
		finish(b, slot, BLOCK_OK);
	else
		begin_part(b, slot);
}

static void take_response(struct block_sddf *b, const struct blkq_response *response)
{
	struct block_sddf_slot *slot = &b->slot[response->id & (BLOCK_SDDF_SLOTS - 1)];
	bool whole = response->count >= slot->blocks || slot->op == BLOCK_FLUSH;

	if (b->barrier != BLOCK_SDDF_FREE) {
		/* All others answer what our predecessor asked. */
		if (b->barrier == BLOCK_SDDF_BARRIER_SENT &&
		    response->id == (BLKQ_ID_LIFE | b->life))
			b->barrier = BLOCK_SDDF_FREE;
		return;
	}
	if (!slot->used || slot->unsent || slot->id != response->id) {
		b->strange++;
		server_did(&b->server, SERVER_ANSWER);
	} else if (slot->request == NULL) {
		free_slot(b, slot); /* cancelled: only now the data region is ours again */
	} else if (status_of(response->status) != BLOCK_OK) {
		finish(b, slot, BLOCK_IO_ERROR);
	} else if (!whole) {
		server_did(&b->server, SERVER_COUNT);
		finish(b, slot, BLOCK_IO_ERROR);
	} else {
		advance(b, slot);
	}
}

static void sddf_poll(struct block_backend *backend)
{
	struct block_sddf *b = of(backend);
	struct blkq_medium medium;
	struct blkq_response response;
	bool other = changed(b, &medium); /* before its predecessor's last answers are taken */
	bool taken;

	/* No more than a queue of them: a server that answers for ever must not hold us. */
	for (uint32_t left = BLKQ_CAPACITY; left > 0 && blkq_take(&b->responses, &response); left--)
		take_response(b, &response);
	taken = blkq_show(&b->responses);
	if (!blkq_is_sane(&b->responses) || !blkq_is_sane(&b->requests))
		server_did(&b->server, SERVER_INDEX);
	if (other)
		turn_to(b, &medium);
	(void)settled(b);
	/* There is room for an answer to each slot; only a barrier may have waited for others to be taken. */
	if (blkq_show(&b->requests) || (taken && b->barrier != BLOCK_SDDF_FREE))
		b->signal.raise(b->signal.ctx);
}

static void sddf_cancel(struct block_backend *backend, struct block_request *request)
{
	struct block_sddf *b = of(backend);

	for (uint32_t i = 0; i < BLOCK_SDDF_SLOTS; i++) {
		struct block_sddf_slot *slot = &b->slot[i];

		if (!slot->used || (request != NULL && slot->request != request))
			continue;
		slot->request = NULL;
		if (slot->unsent)
			free_slot(b, slot);
	}
}

static void sddf_info(struct block_backend *backend, struct block_info *info)
{
	struct block_sddf *b = of(backend);
	struct blkq_medium medium;
	bool changing = false;

	/* A server may begin to change it, or end, between any two looks; then one more tells. */
	for (unsigned looks = 2; looks > 0 && !b->known; looks--) {
		changing = blkq_medium_is_changing(b->medium_page);
		if (changed(b, &medium))
			turn_to(b, &medium);
	}
	*info = (struct block_info){
		.sectors = b->medium.sectors,
		.block_size = b->medium.sectors != 0 ? b->medium.block_size : BLOCK_SECTOR,
		.read_only = b->medium.read_only,
		.discard = true,
		.write_zeroes = true,
		.changing = !b->known && changing && !server_is_over(&b->server),
	};
	memcpy(info->serial, b->medium.serial, BLOCK_SERIAL);
}

static const struct block_ops sddf_ops = {
	.submit = sddf_submit,
	.kick = sddf_kick,
	.poll = sddf_poll,
	.cancel = sddf_cancel,
	.info = sddf_info,
};

enum vmm_err block_sddf_init(struct block_sddf *sddf, const struct block_sddf_setup *setup)
{
	enum { UNITS_MIN = 2 };
	size_t units = setup->data_size / BLOCK_SDDF_UNIT;
	enum vmm_err err;

	if (setup->data == NULL || units < UNITS_MIN || setup->medium == NULL ||
	    setup->medium_size < blkq_medium_bytes() || ((uintptr_t)setup->medium & 7u) != 0)
		return VMM_ERR_INVALID;
	memset(sddf, 0, sizeof(*sddf));
	sddf->backend.ops = &sddf_ops;
	sddf->medium_page = setup->medium;
	sddf->data = setup->data;
	sddf->units = units < BLOCK_SDDF_UNITS ? (uint32_t)units : BLOCK_SDDF_UNITS;
	sddf->signal = setup->signal;
	sddf->server = setup->server;
	err = blkq_init(&sddf->requests, BLKQ_REQUESTS, true, setup->requests,
			setup->requests_size);
	if (err != VMM_OK)
		return err;
	sddf->life = blkq_life(&sddf->requests);
	if (sddf->life > 1)
		sddf->barrier = BLOCK_SDDF_BARRIER_OWED;
	return blkq_init(&sddf->responses, BLKQ_RESPONSES, false, setup->responses,
			 setup->responses_size);
}
