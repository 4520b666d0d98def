// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each request has a slot: a header and a status byte in DMA memory, and for discard and write zeroes a
 * segment. The response queue always has room: no more requests are taken than it can answer.
 */
#include "vmm/driver/virtio/blk.h"

#include <string.h>

#include "vmm/base/util.h"

/* Features (5.2.3). */
#define F_RO           (UINT64_C(1) << 5)
#define F_BLK_SIZE     (UINT64_C(1) << 6)
#define F_FLUSH        (UINT64_C(1) << 9)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Request types and status (5.2.6). */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_UNWRITTEN = 0xff };

enum {
	CONFIG_CAPACITY = 0,
	CONFIG_BLK_SIZE = 20,
	RING_SIZE = 256,
	SECTORS_A_BLOCK = BLKQ_BLOCK / BLKQ_SECTOR,
	ID_BYTES = 20,
	FLAG_UNMAP = 1,
	POLLS = 100000000,
	OWN_SLOT = BLKDRV_SLOTS, /* for the driver's own request, which may be answered late */
};

/* Wire (5.2.6). */
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

struct blkdrv_headers {
	struct header header[BLKDRV_SLOTS + 1];
	struct range_segment segment[BLKDRV_SLOTS];
	uint8_t status[BLKDRV_SLOTS + 1];
	char id[ID_BYTES];
};

/* A request in the device's words. */
struct translated {
	uint32_t type;
	uint64_t sector;
	uint64_t data;  /* address of the request's data */
	uint64_t bytes; /* of them */
	bool segment;   /* a range segment instead of data */
};

size_t blkdrv_dma_bytes(void)
{
	return vring_bytes(RING_SIZE) + align_up(sizeof(struct blkdrv_headers), 8);
}

static uint64_t slot_paddr(const struct blkdrv *d, const void *at)
{
	return d->headers_paddr + (uint64_t)((const char *)at - (const char *)d->headers);
}

/* BLKQ_OK with `*t` filled in, or what is to be answered at once. */
static uint32_t translate(const struct blkdrv *d, const struct blkq_request *r,
			  struct translated *t)
{
	bool sectors = (r->code & BLKQ_SECTORS) != 0;
	uint32_t code = r->code & ~BLKQ_SECTORS;
	uint64_t unit = sectors ? 1 : SECTORS_A_BLOCK;

	*t = (struct translated){ .bytes = 0 };
	if (code == BLKQ_FLUSH) {
		t->type = T_FLUSH;
		return BLKQ_OK;
	}
	if (r->block >= UINT64_MAX / SECTORS_A_BLOCK || r->count == 0 ||
	    !range_inside(r->block * unit, r->count * unit, 0, d->medium.sectors))
		return BLKQ_INVALID;
	if (d->medium.read_only && code != BLKQ_READ)
		return BLKQ_INVALID;
	t->sector = r->block * unit;
	switch (code) {
	case BLKQ_READ:
		t->type = T_IN;
		break;
	case BLKQ_WRITE:
		t->type = T_OUT;
		break;
	case BLKQ_DISCARD:
		t->type = T_DISCARD;
		t->segment = true;
		return (d->medium.features & BLKQ_F_DISCARD) != 0 ? BLKQ_OK : BLKQ_INVALID;
	case BLKQ_WRITE_ZEROES:
	case BLKQ_WRITE_ZEROES_KEEP:
		t->type = T_WRITE_ZEROES;
		t->segment = true;
		return (d->medium.features & BLKQ_F_WRITE_ZEROES) != 0 ? BLKQ_OK : BLKQ_INVALID;
	default:
		return BLKQ_INVALID;
	}
	t->bytes = r->count * unit * BLKQ_SECTOR;
	t->data = r->offset;
	if (!d->confined)
		return BLKQ_OK;
	if (!range_inside(r->offset, t->bytes, 0, d->data_size))
		return BLKQ_INVALID;
	t->data = d->data_paddr + r->offset;
	return BLKQ_OK;
}

static void answer(struct blkdrv *d, uint32_t id, uint32_t status, uint16_t count)
{
	struct blkq_response response = { .status = status, .count = count, .id = id };

	(void)blkq_put(&d->responses, &response); /* there is room: see take() */
}

static unsigned free_slot(const struct blkdrv *d)
{
	unsigned i = 0;

	while (d->slot[i].used)
		i++;
	return i;
}

static enum vmm_err submit(struct blkdrv *d, unsigned slot, const struct translated *t)
{
	struct blkdrv_headers *h = d->headers;
	struct vring_buffer buffers[3];
	unsigned count = 0, readable;

	h->header[slot] = (struct header){ .type = t->type, .sector = t->segment ? 0 : t->sector };
	h->status[slot] = S_UNWRITTEN;
	buffers[count++] =
		(struct vring_buffer){ slot_paddr(d, &h->header[slot]), sizeof(h->header[slot]) };
	readable = 1;
	if (t->segment) {
		buffers[count++] = (struct vring_buffer){ slot_paddr(d, &h->segment[slot]),
							  sizeof(h->segment[slot]) };
		readable = 2;
	} else if (t->bytes > 0) {
		buffers[count++] = (struct vring_buffer){ t->data, (uint32_t)t->bytes };
		readable = t->type == T_OUT ? 2 : 1;
	}
	buffers[count++] = (struct vring_buffer){ slot_paddr(d, &h->status[slot]), 1 };
	return vring_add(&d->ring, buffers, readable, count - readable, slot);
}

static bool can_take(const struct blkdrv *d)
{
	enum { DESCRIPTORS = 3 };

	return d->ring.free_count >= DESCRIPTORS && d->in_flight < BLKDRV_SLOTS &&
	       blkq_room(&d->responses) > d->in_flight;
}

/* One request of the client's. */
static void begin(struct blkdrv *d, const struct blkq_request *r)
{
	struct translated t;
	uint32_t status = translate(d, r, &t);
	unsigned slot;

	if (d->broken)
		status = BLKQ_NO_DEVICE;
	if (status != BLKQ_OK) {
		answer(d, r->id, status, 0);
		return;
	}
	/* Without the feature nothing is cached: what was answered is durable (5.2.5.2). */
	if (t.type == T_FLUSH && (d->device.features & F_FLUSH) == 0) {
		answer(d, r->id, BLKQ_OK, r->count);
		return;
	}
	slot = free_slot(d);
	d->headers->segment[slot] = (struct range_segment){
		.sector = t.sector,
		.count = (uint32_t)r->count *
			 ((r->code & BLKQ_SECTORS) != 0 ? 1u : (uint32_t)SECTORS_A_BLOCK),
		.flags = (r->code & ~BLKQ_SECTORS) == BLKQ_WRITE_ZEROES ? FLAG_UNMAP : 0,
	};
	d->slot[slot] = (struct blkdrv_slot){
		.used = true, .code = r->code, .id = r->id, .count = r->count
	};
	d->in_flight++;
	if (submit(d, slot, &t) != VMM_OK) { /* can_take() has looked */
		d->slot[slot].used = false;
		d->in_flight--;
		answer(d, r->id, BLKQ_IO_ERROR, 0);
	}
}

/* True unless a barrier still holds what is behind it. */
static bool past_barrier(struct blkdrv *d)
{
	if (d->barrier && d->in_flight == 0) {
		d->barrier = false;
		answer(d, d->barrier_request.id, BLKQ_OK, d->barrier_request.count);
	}
	return !d->barrier;
}

static void take_request(struct blkdrv *d, const struct blkq_request *request)
{
	if (request->code == BLKQ_SYNC && request->block == d->medium.generation) {
		d->syncing = false;
	} else if (!d->syncing && request->code == BLKQ_BARRIER) {
		d->barrier = true;
		d->barrier_request = *request;
	} else if (!d->syncing) {
		begin(d, request);
	} else {
		d->dropped = true;
	}
}

static bool take_requests(struct blkdrv *d)
{
	struct blkq_request request;
	bool any = false;

	while (past_barrier(d) && can_take(d) && blkq_take(&d->requests, &request)) {
		any = true;
		take_request(d, &request);
	}
	(void)blkq_show(&d->requests);
	return any;
}

static uint32_t finished_status(uint8_t status)
{
	switch (status) {
	case S_OK:
		return BLKQ_OK;
	case S_UNSUPP:
		return BLKQ_INVALID;
	default:
		return BLKQ_IO_ERROR;
	}
}

static void finish(struct blkdrv *d, uint32_t slot, uint8_t status)
{
	uint32_t result = finished_status(status);

	d->slot[slot].used = false;
	d->in_flight--;
	answer(d, d->slot[slot].id, result, result == BLKQ_OK ? d->slot[slot].count : 0);
}

static bool take_completions(struct blkdrv *d)
{
	enum vring_taken taken;
	uint32_t slot, written;
	bool any = false;

	while ((taken = vring_take(&d->ring, &slot, &written)) != VRING_EMPTY) {
		any = true;
		if (taken == VRING_BAD)
			d->bad++;
		else if (slot != OWN_SLOT)
			finish(d, slot, d->headers->status[slot]);
	}
	return any;
}

/* Nothing more will come: after the reset no buffer is touched any more. */
static void fail_all(struct blkdrv *d)
{
	d->broken = true;
	vdrv_stop(&d->device);
	blkq_medium_hide(d->medium_page);
	for (uint32_t i = 0; i < BLKDRV_SLOTS; i++) {
		if (d->slot[i].used)
			finish(d, i, S_IOERR);
	}
}

bool blkdrv_run(struct blkdrv *d)
{
	bool again, signal;

	(void)vdrv_interrupt(&d->device);
	if (!d->broken && vdrv_broken(&d->device))
		fail_all(d);
	do {
		again = !d->broken && take_completions(d);
		again |= take_requests(d);
		if (vring_publish(&d->ring) && !d->broken)
			vdrv_kick(&d->device, 0);
		again |= !d->broken && vring_listen(&d->ring);
	} while (again);
	signal = blkq_show(&d->responses) && !blkq_is_quiet(&d->requests);
	signal |= d->dropped; /* a client that is quiet looks for answers only */
	d->dropped = false;
	return signal;
}

/* GET_ID (5.2.6), the only request the driver makes for itself; before there are any others. */
static void read_id(struct blkdrv *d)
{
	struct blkdrv_headers *h = d->headers;
	struct vring_buffer buffers[3] = {
		{ slot_paddr(d, &h->header[OWN_SLOT]), sizeof(h->header[OWN_SLOT]) },
		{ slot_paddr(d, h->id), ID_BYTES },
		{ slot_paddr(d, &h->status[OWN_SLOT]), 1 },
	};
	uint32_t token, written;

	h->header[OWN_SLOT] = (struct header){ .type = T_GET_ID };
	h->status[OWN_SLOT] = S_UNWRITTEN;
	if (vring_add(&d->ring, buffers, 1, 2, OWN_SLOT) != VMM_OK)
		return;
	if (vring_publish(&d->ring))
		vdrv_kick(&d->device, 0);
	for (unsigned i = 0; i < POLLS; i++) {
		if (vring_take(&d->ring, &token, &written) == VRING_EMPTY)
			continue;
		if (h->status[OWN_SLOT] == S_OK)
			memcpy(d->medium.serial, h->id, ID_BYTES);
		return;
	}
}

static void describe(struct blkdrv *d, bool read_only)
{
	uint64_t features = d->device.features;
	uint32_t block_size = BLKQ_SECTOR;

	vdrv_config(&d->device, CONFIG_CAPACITY, &d->medium.sectors, sizeof(d->medium.sectors));
	if ((features & F_BLK_SIZE) != 0)
		vdrv_config(&d->device, CONFIG_BLK_SIZE, &block_size, sizeof(block_size));
	d->medium.read_only = read_only || (features & F_RO) != 0;
	d->medium.block_size = block_size;
	d->medium.queue_depth = BLKDRV_SLOTS;
	d->medium.features = BLKQ_F_SECTORS;
	if ((features & F_DISCARD) != 0)
		d->medium.features |= BLKQ_F_DISCARD;
	if ((features & F_WRITE_ZEROES) != 0)
		d->medium.features |= BLKQ_F_WRITE_ZEROES;
	d->medium.generation = blkq_medium_generation(d->medium_page) + 1;
	d->syncing = d->medium.generation != 1;
}

enum vmm_err blkdrv_open(struct blkdrv *d, const struct blkdrv_setup *setup)
{
	size_t ring = vring_bytes(RING_SIZE);
	enum vmm_err err;
	void *regs;

	memset(d, 0, sizeof(*d));
	if (setup->dma_size < blkdrv_dma_bytes())
		return VMM_ERR_INVALID;
	err = blkq_init(&d->requests, BLKQ_REQUESTS, false, setup->requests, setup->requests_size);
	if (err == VMM_OK)
		err = blkq_init(&d->responses, BLKQ_RESPONSES, true, setup->responses,
				setup->responses_size);
	if (err == VMM_OK)
		err = vdrv_find(setup->ops, setup->page, setup->page_size, VDRV_BLK, &regs);
	if (err == VMM_OK)
		err = vdrv_open(&d->device, setup->ops, regs, VDRV_BLK,
				F_RO | F_BLK_SIZE | F_FLUSH | F_DISCARD | F_WRITE_ZEROES |
					VDRV_F_EVENT_IDX);
	if (err != VMM_OK)
		return err;
	/* The device is reset: the memory is ours again. */
	memset(setup->dma, 0, blkdrv_dma_bytes());
	d->headers = (struct blkdrv_headers *)(void *)((char *)setup->dma + ring);
	d->headers_paddr = setup->dma_paddr + ring;
	d->medium_page = setup->medium;
	d->confined = setup->confined;
	d->data_paddr = setup->data_paddr;
	d->data_size = setup->data_size;
	err = vdrv_queue(&d->device, 0, &d->ring, setup->dma, setup->dma_paddr, RING_SIZE);
	if (err != VMM_OK)
		return err;
	vdrv_ready(&d->device);
	describe(d, setup->read_only);
	read_id(d);
	blkq_medium_show(d->medium_page, &d->medium);
	return VMM_OK;
}
