// SPDX-License-Identifier: BSD-2-Clause
/*
 * Both directions are the same ring of (header, frame) chains; one device writes, of the other it reads.
 * No offloads are negotiated: the header is zero both ways, and frames are whole, as any sDDF peer has
 * them.
 *
 * Interrupts: wanted for every reception. Sent frames are collected whenever we run, and by interrupt
 * only when half of the slots are used, so that a client that waits for a buffer gets one. Likewise we are
 * signalled for frames to send, but for buffers to receive into only when the device has few left.
 *
 * A driver may die at any instruction, so each step that moves buffers ends with one store that makes it
 * count, and what is noted before tells a successor which side of that store we died on:
 *
 *   taken from the client   noted as held, then the queue's head: a held buffer that is still in the queue
 *                           was not taken.
 *   given back              noted as done, then the queue's tail, then the note is cleared: done buffers
 *                           were given back if the tail is not the one that was noted.
 */
#include "vmm/driver/virtio/net.h"

#include <string.h>

#include "vmm/base/util.h"

#define F_MAC (UINT64_C(1) << 5)

enum {
	QUEUE_RX = 0,
	QUEUE_TX = 1,
	CONFIG_MAC = 0,
	HEADER = 12, /* 5.1.6: num_buffers is there with VERSION_1 */
	HEADER_STRIDE = 16,
	MAGIC = 0x4e455431,
	RX_FEW = NETDRV_SLOTS / 4,
};

/* In a note: the buffer is being given back. No address has this bit. */
#define DONE (UINT64_C(1) << 63)

/* What a direction leaves to a successor. */
struct netdrv_notes {
	uint64_t held[NETDRV_SLOTS]; /* address by slot, with DONE; 0: the slot is free */
	uint16_t tail;               /* of `out`, before what is done was put there */
};

/* Behind the two rings in DMA memory. */
struct netdrv_kept {
	uint64_t magic; /* MAGIC: the notes are valid */
	struct netdrv_notes rx, tx;
	uint8_t headers[1 + NETDRV_SLOTS][HEADER_STRIDE];
};

size_t netdrv_dma_bytes(void)
{
	return 2 * vring_bytes(NETDRV_RING) + sizeof(struct netdrv_kept);
}

static uint64_t header_of(const struct netdrv *d, const struct netdrv_side *side, unsigned slot)
{
	return d->header_paddr + (side == &d->rx ? (1U + slot) * HEADER_STRIDE : 0);
}

/* All that was stored before is stored when this is. */
static void note(uint64_t *held, uint64_t value)
{
	__atomic_store_n(held, value, __ATOMIC_RELEASE);
}

/* To the device, from a slot that holds the buffer: the slot's two descriptors are free. */
static void offer(struct netdrv *d, struct netdrv_side *side, uint16_t slot, uint32_t len)
{
	bool receives = side == &d->rx;
	const struct vring_buffer buffers[2] = {
		{ .paddr = header_of(d, side, slot), .length = HEADER },
		{ .paddr = side->notes->held[slot], .length = len },
	};

	if (vring_add(&side->ring, buffers, receives ? 0 : 2, receives ? 2 : 0, slot) != VMM_OK)
		d->bad++;
}

static void give(struct netdrv *d, struct netdrv_side *side, uint64_t paddr, uint32_t len)
{
	uint16_t slot = side->free[--side->free_count];

	note(&side->notes->held[slot], paddr);
	offer(d, side, slot, len);
}

/* Back to the client; its queue is full only if it lies about that, and then the buffer is its loss. */
static void give_back(struct netdrv_side *side, uint64_t paddr, uint32_t len)
{
	if (netq_room(&side->out) > 0)
		netq_put(&side->out, paddr, (uint16_t)len, 0);
}

/* Around what gives back buffers that slots hold, each once; no note says DONE before or after. */
static void begin_giving_back(struct netdrv_side *side)
{
	side->done_count = 0;
	netq_show(&side->out);
	__atomic_store_n(&side->notes->tail, side->out.tail, __ATOMIC_RELEASE);
}

static void give_back_held(struct netdrv_side *side, uint16_t slot, uint32_t len)
{
	uint64_t *held = &side->notes->held[slot];

	note(held, *held | DONE);
	give_back(side, *held & ~DONE, len);
	side->done[side->done_count++] = slot;
}

static void end_giving_back(struct netdrv_side *side)
{
	netq_show(&side->out);
	for (unsigned i = 0; i < side->done_count; i++) {
		note(&side->notes->held[side->done[i]], 0);
		side->free[side->free_count++] = side->done[i];
	}
}

static bool frame_ok(const struct netdrv_side *side, const struct netq_entry *entry)
{
	return entry->len >= NETDRV_FRAME_MIN && entry->len <= NETDRV_FRAME_MAX &&
	       entry->flags == 0 &&
	       range_inside(entry->io_or_offset, entry->len, side->data.paddr, side->data.size);
}

/* The client's buffers to the device. */
static bool submit(struct netdrv *d, struct netdrv_side *side)
{
	uint32_t length = netq_length(&side->in), i;

	for (i = 0; i < length && side->free_count > 0; i++) {
		struct netq_entry entry = netq_peek(&side->in, i);

		if (side == &d->tx && !frame_ok(side, &entry)) {
			give_back(side, entry.io_or_offset, 0);
			d->bad++;
		} else if (side == &d->rx && !range_inside(entry.io_or_offset, NETDRV_BUFFER,
							   side->data.paddr, side->data.size)) {
			d->bad++;
		} else {
			give(d, side, entry.io_or_offset,
			     side == &d->rx ? (uint32_t)NETDRV_BUFFER : entry.len);
		}
	}
	if (i > 0)
		netq_take(&side->in, i);
	if (vring_publish(&side->ring))
		vdrv_kick(&d->device, side->queue);
	return i > 0;
}

static void received(struct netdrv *d, uint16_t slot, uint32_t written)
{
	uint32_t len = written - HEADER;

	if (written < HEADER + NETDRV_FRAME_MIN || len > NETDRV_BUFFER) {
		d->bad++; /* the device's mistake; the buffer goes round again */
		offer(d, &d->rx, slot, NETDRV_BUFFER);
		return;
	}
	d->rx_frames++;
	give_back_held(&d->rx, slot, len);
}

/* What the device is done with. */
static bool collect(struct netdrv *d, struct netdrv_side *side)
{
	enum vring_taken taken;
	uint32_t slot, written;
	bool any = false;

	while ((taken = vring_take(&side->ring, &slot, &written)) != VRING_EMPTY) {
		if (!any)
			begin_giving_back(side);
		any = true;
		if (taken == VRING_BAD) {
			d->bad++;
		} else if (side == &d->rx) {
			received(d, (uint16_t)slot, written);
		} else {
			d->tx_frames++;
			give_back_held(side, (uint16_t)slot, 0);
		}
	}
	if (any)
		end_giving_back(side);
	return any;
}

/* The client's note lies behind what it gives us to receive into, ours behind what was sent. */
static const struct netq_note *client_note(const struct netdrv *d)
{
	return netq_note(d->rx.in.shared, d->rx.in.capacity);
}

static struct netq_note *own_note(const struct netdrv *d)
{
	return netq_note(d->tx.out.shared, d->tx.out.capacity);
}

static bool is_set_up(const struct netdrv *d)
{
	return __atomic_load_n(&client_note(d)->set, __ATOMIC_ACQUIRE) == d->client_life;
}

static void turn_to_client(struct netdrv *d)
{
	const struct netdrv_setup setup = d->setup;
	uint32_t life = __atomic_load_n(&client_note(d)->life, __ATOMIC_ACQUIRE);

	if (life == d->client_life) {
		d->apart = d->apart && !is_set_up(d);
		return;
	}
	d->broken = netdrv_open(d, &setup) != VMM_OK;
}

bool netdrv_run(struct netdrv *d)
{
	bool again, signal;

	if (!d->broken)
		turn_to_client(d);
	if (d->broken)
		return false;
	signal = d->announce;
	d->announce = false;
	(void)vdrv_interrupt(&d->device);
	if (d->apart)
		return signal;
	do {
		again = collect(d, &d->rx);
		again |= collect(d, &d->tx);
		again |= submit(d, &d->rx);
		again |= submit(d, &d->tx);
		if (again)
			continue;
		again = vring_listen(&d->rx.ring);
		if (d->tx.free_count < NETDRV_SLOTS / 2)
			again |= vring_listen(&d->tx.ring);
		else
			vring_quiet(&d->tx.ring);
		/* What cannot be taken now is taken when a slot is free again. */
		if (NETDRV_SLOTS - d->rx.free_count < RX_FEW)
			netq_want_signal(&d->rx.in);
		netq_want_signal(&d->tx.in);
		again |= d->rx.free_count > 0 && netq_length(&d->rx.in) > 0;
		again |= d->tx.free_count > 0 && netq_length(&d->tx.in) > 0;
	} while (again);
	signal |= netq_publish(&d->rx.out);
	return netq_publish(&d->tx.out) || signal;
}

static enum vmm_err attach(struct netdrv_side *side, void *in, void *out, uint32_t capacity,
			   const struct netdrv_region *data)
{
	enum vmm_err err = netq_consumer_init(&side->in, in, capacity);

	if (err == VMM_OK)
		err = netq_producer_init(&side->out, out, capacity);
	side->data = *data;
	return err;
}

/* True if a buffer at `paddr` waits to be taken from the client. */
static bool is_queued(const struct netdrv_side *side, uint64_t paddr)
{
	uint32_t length = netq_length(&side->in);

	for (uint32_t i = 0; i < length; i++) {
		if (netq_peek(&side->in, i).io_or_offset == paddr)
			return true;
	}
	return false;
}

/* Which buffers a former driver had, wherever it died. Their slots keep them. */
static void recover(struct netdrv_side *side, struct netdrv_notes *notes)
{
	bool gave_back = side->out.tail != notes->tail;

	side->notes = notes;
	side->free_count = 0;
	for (unsigned slot = 0; slot < NETDRV_SLOTS; slot++) {
		uint64_t held = notes->held[slot];

		if ((held & DONE) != 0)
			held = gave_back ? 0 : held & ~DONE;
		if (held != 0 && is_queued(side, held))
			held = 0;
		note(&notes->held[slot], held);
		if (held == 0)
			side->free[side->free_count++] = (uint16_t)slot;
	}
}

/* A client that was started again has all buffers, also those that the device had. */
static void meet_client(struct netdrv *d, struct netdrv_kept *kept)
{
	struct netq_note *own = own_note(d);

	d->client_life = __atomic_load_n(&client_note(d)->life, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&own->answer, __ATOMIC_RELAXED) != d->client_life)
		memset(kept, 0, sizeof(*kept));
	__atomic_store_n(&own->answer, d->client_life, __ATOMIC_RELEASE);
	d->apart = !is_set_up(d);
	d->announce = true;
}

/* What was to be sent goes back to the client, what was to be filled to the device. */
static void start_sides(struct netdrv *d, struct netdrv_kept *kept)
{
	meet_client(d, kept);
	if (kept->magic != MAGIC)
		memset(kept, 0, sizeof(*kept));
	kept->magic = MAGIC;
	recover(&d->rx, &kept->rx);
	recover(&d->tx, &kept->tx);
	begin_giving_back(&d->tx);
	for (unsigned slot = 0; slot < NETDRV_SLOTS; slot++) {
		if (kept->tx.held[slot] != 0)
			give_back_held(&d->tx, (uint16_t)slot, 0);
		if (kept->rx.held[slot] != 0)
			offer(d, &d->rx, (uint16_t)slot, NETDRV_BUFFER);
	}
	end_giving_back(&d->tx);
}

static enum vmm_err open_rings(struct netdrv *d, const struct netdrv_setup *setup)
{
	size_t bytes = vring_bytes(NETDRV_RING);
	struct netdrv_side *sides[2] = { &d->rx, &d->tx };

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *memory = (uint8_t *)setup->dma + i * bytes;
		enum vmm_err err;

		memset(memory, 0, bytes);
		sides[i]->queue = i == 0 ? QUEUE_RX : QUEUE_TX;
		err = vdrv_queue(&d->device, sides[i]->queue, &sides[i]->ring, memory,
				 setup->dma_paddr + i * bytes, NETDRV_RING);
		if (err != VMM_OK)
			return err;
		if (sides[i]->ring.size < NETDRV_RING)
			return VMM_ERR_UNSUPPORTED; /* slots are counted on */
	}
	return VMM_OK;
}

enum vmm_err netdrv_open(struct netdrv *d, const struct netdrv_setup *setup)
{
	size_t rings = 2 * vring_bytes(NETDRV_RING);
	struct netdrv_kept *kept = (struct netdrv_kept *)(void *)((uint8_t *)setup->dma + rings);
	enum vmm_err err;
	void *regs;

	memset(d, 0, sizeof(*d));
	d->setup = *setup;
	if (setup->dma_size < netdrv_dma_bytes())
		return VMM_ERR_INVALID;
	err = attach(&d->rx, setup->rx_free, setup->rx_active, setup->capacity, &setup->rx_data);
	if (err == VMM_OK)
		err = attach(&d->tx, setup->tx_active, setup->tx_free, setup->capacity,
			     &setup->tx_data);
	if (err == VMM_OK)
		err = vdrv_find(setup->ops, setup->page, setup->page_size, VDRV_NET, &regs);
	/* From here on the device does no DMA for a former driver. */
	if (err == VMM_OK)
		err = vdrv_open(&d->device, setup->ops, regs, VDRV_NET, F_MAC | VDRV_F_EVENT_IDX);
	if (err == VMM_OK)
		err = open_rings(d, setup);
	if (err != VMM_OK)
		return err;
	d->header_paddr = setup->dma_paddr + rings + offsetof(struct netdrv_kept, headers);
	if ((d->device.features & F_MAC) != 0)
		vdrv_config(&d->device, CONFIG_MAC, d->mac, sizeof(d->mac));
	start_sides(d, kept);
	vdrv_ready(&d->device);
	return VMM_OK;
}
