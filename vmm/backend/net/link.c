// SPDX-License-Identifier: BSD-2-Clause
/*
 * Buffers go round: out_free → a frame → out_active → the peer → out_free. One that cannot be given
 * back, because the peer does not take its queue's entries, is forgotten: the peer's loss. Nothing here
 * remembers who has which buffer, because a peer that returns one twice only mixes up bytes it could
 * write anyway.
 */
#include "vmm/backend/net/link.h"

#include <string.h>

#include "vmm/base/util.h"

static bool region_ok(const struct netlink_region *region, uint32_t buffer_size)
{
	return region->data != NULL && region->size >= buffer_size && region->size <= UINT32_MAX &&
	       region->io_base <= UINT64_MAX - region->size;
}

bool netlink_is_sane(const struct netlink *link)
{
	return link->apart ||
	       (netq_consumer_is_sane(&link->in_active) && netq_consumer_is_sane(&link->out_free) &&
		netq_producer_is_sane(&link->in_free) && netq_producer_is_sane(&link->out_active));
}

static uint32_t pieces_for(uint32_t buffer_size, uint32_t len)
{
	return (len + buffer_size - 1) / buffer_size;
}

static bool largest_fits(const struct netlink_region *region, uint32_t capacity, uint32_t size)
{
	uint32_t pieces = pieces_for(size, NET_FRAME_MAX + (uint32_t)sizeof(struct net_hdr));

	return pieces <= capacity && pieces <= region->size / size;
}

/* All buffers of `in` are the peer's to fill. */
static void hand_over(struct netlink *link)
{
	uint64_t count = link->in.size / link->buffer_size;

	for (uint64_t i = 0; i < count && netq_room(&link->in_free) > 0; i++)
		netq_put(&link->in_free, link->in.io_base + i * link->buffer_size, 0, 0);
	netq_show(&link->in_free);
}

static struct netq_note *mine(const struct netlink *link)
{
	return netq_note(link->in_free.shared, link->in_free.capacity);
}

static struct netq_note *theirs(const struct netlink *link)
{
	return netq_note(link->out_free.shared, link->out_free.capacity);
}

/* Owner: all buffers are where they are at first. */
static void set_up(struct netlink *link)
{
	link->fresh = (uint32_t)(link->out.size / link->buffer_size);
	if (link->fresh > link->out_free.capacity)
		link->fresh = link->out_free.capacity;
	hand_over(link);
}

/* ---- an end that was started again ---- */

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static bool peer_is_another(const struct netlink *link)
{
	return load(&theirs(link)->life) != link->peer_life;
}

bool netlink_must_agree(const struct netlink *link)
{
	return link->apart || peer_is_another(link);
}

/* Our first words in this life. */
static void begin_life(struct netlink *link)
{
	struct netq_note *note = mine(link);
	/* An owner may have handed buffers over and died before it could say that it is up. */
	bool lived = load(&note->up) != 0 || link->in_free.tail != 0;

	link->life = lived ? load(&note->life) + 1 : 0;
	link->peer_life = load(&theirs(link)->life);
	link->apart = link->life != 0 || link->peer_life != 0;
	store(&note->life, link->life);
	if (link->owner && link->life == 0) {
		/* The peer has nothing of ours yet, whichever life it is in. */
		set_up(link);
		link->apart = false;
	}
	if (!link->owner || link->life == 0)
		store(&note->answer, link->peer_life);
	link->announce = link->life != 0 || link->peer_life != 0;
}

/* The peer, which has answered, waits for the queues. */
static void set_up_again(struct netlink *link)
{
	netq_consumer_restart(&link->in_active);
	netq_consumer_restart(&link->out_free);
	netq_producer_restart(&link->in_free);
	netq_producer_restart(&link->out_active);
	set_up(link);
	store(&mine(link)->answer, link->peer_life);
	store(&mine(link)->set, link->life);
}

/* True if the ends have come together just now. */
static bool come_together(struct netlink *link)
{
	const struct netq_note *note = theirs(link);

	if (peer_is_another(link)) {
		link->peer_life = load(&note->life);
		link->apart = true;
		link->announce = true;
		if (!link->owner)
			store(&mine(link)->answer, link->peer_life);
	}
	if (!link->apart || load(&note->answer) != link->life)
		return false;
	if (link->owner) {
		set_up_again(link);
		link->announce = true;
	} else if (load(&note->set) != link->peer_life) {
		return false;
	}
	link->apart = false;
	return true;
}

/* ---- */

enum vmm_err netlink_init(struct netlink *link, const struct netlink_config *config)
{
	uint32_t size = config->buffer_size;
	enum vmm_err err;

	if (size < NETLINK_BUFFER_MIN || size > NETLINK_BUFFER_MAX || (size & (size - 1)) != 0)
		return VMM_ERR_INVALID;
	if (!region_ok(&config->in, size) || !region_ok(&config->out, size))
		return VMM_ERR_RANGE;
	if (config->chains && (!largest_fits(&config->in, config->in_capacity, size) ||
			       !largest_fits(&config->out, config->out_capacity, size)))
		return VMM_ERR_RANGE;
	*link = (struct netlink){
		.in = config->in,
		.out = config->out,
		.buffer_size = size,
		.owner = config->owner,
		.chains = config->chains,
	};
	err = netq_consumer_init(&link->in_active, config->in_active, config->in_capacity);
	if (err == VMM_OK)
		err = netq_producer_init(&link->in_free, config->in_free, config->in_capacity);
	if (err == VMM_OK)
		err = netq_producer_init(&link->out_active, config->out_active,
					 config->out_capacity);
	if (err == VMM_OK)
		err = netq_consumer_init(&link->out_free, config->out_free, config->out_capacity);
	if (err != VMM_OK)
		return err;
	begin_life(link);
	return VMM_OK;
}

/* Where an entry's bytes are, or NULL if they are not all in the region. */
static uint8_t *locate(const struct netlink_region *region, uint64_t io, uint32_t len)
{
	if (!range_inside(io, len, region->io_base, region->size))
		return NULL;
	return region->data + (io - region->io_base);
}

/* The peer hears of a buffer what its entry says now: whatever that is, it is the peer's own word. */
static void give_back(struct netlink *link, uint32_t count)
{
	for (uint32_t i = 0; i < count && netq_room(&link->in_free) > 0; i++)
		netq_put(&link->in_free, netq_peek(&link->in_active, i).io_or_offset, 0, 0);
	netq_take(&link->in_active, count);
	netq_show(&link->in_free);
}

enum gathered { GATHERED, UNFINISHED, NONSENSE };

/* Adds up entries until one without NETQ_MORE. */
static enum gathered gather(struct netlink *link, struct netlink_frame *frame, uint32_t available)
{
	bool more = true, meta = false, sane = true;

	frame->hdr = (struct net_hdr){ 0 };
	frame->piece_count = 0;
	frame->entries = 0;
	frame->len = 0;
	while (more) {
		struct netq_entry entry;
		uint32_t i = frame->entries;

		if (i == available)
			return UNFINISHED;
		if (i == NETLINK_PIECES)
			return NONSENSE;
		entry = netq_peek(&link->in_active, i);
		frame->entries++;
		frame->bytes[i] = locate(&link->in, entry.io_or_offset, entry.len);
		frame->lens[i] = entry.len;
		frame->len += entry.len;
		sane = sane && frame->bytes[i] != NULL && entry.len != 0;
		if (i == 0)
			meta = (entry.flags & NETQ_META) != 0;
		more = (entry.flags & NETQ_MORE) != 0;
		sane = sane && (link->chains || entry.flags == 0);
	}
	if (!sane)
		return NONSENSE;
	frame->piece_count = frame->entries;
	if (meta) {
		if (frame->lens[0] < sizeof(frame->hdr) || frame->len == sizeof(frame->hdr))
			return NONSENSE;
		memcpy(&frame->hdr, frame->bytes[0], sizeof(frame->hdr));
		frame->bytes[0] += sizeof(frame->hdr);
		frame->lens[0] = (uint16_t)(frame->lens[0] - sizeof(frame->hdr));
		frame->len -= (uint32_t)sizeof(frame->hdr);
	}
	return frame->len <= NET_FRAME_MAX ? GATHERED : NONSENSE;
}

bool netlink_in(struct netlink *link, struct netlink_frame *frame)
{
	uint32_t available = link->apart ? 0 : netq_length(&link->in_active);

	while (available > 0) {
		switch (gather(link, frame, available)) {
		case GATHERED:
			return true;
		case UNFINISHED:
			/* Frames are shown whole; one that fills the queue can never be. */
			if (available < link->in_active.capacity)
				return false;
			break;
		case NONSENSE:
			break;
		}
		link->bad++;
		give_back(link, frame->entries);
		available -= frame->entries;
	}
	return false;
}

void netlink_in_drop(struct netlink *link, const struct netlink_frame *frame)
{
	give_back(link, frame->entries);
}

/* The offset of a buffer for a frame of ours; `index` counts those of this frame. */
static bool next_buffer(struct netlink *link, uint32_t available, uint32_t *offset)
{
	if (link->fresh > 0) {
		*offset = --link->fresh * link->buffer_size;
		return true;
	}
	while (link->taken < available) {
		struct netq_entry entry = netq_peek(&link->out_free, link->taken++);
		const uint8_t *at = locate(&link->out, entry.io_or_offset, link->buffer_size);

		if (at != NULL) {
			*offset = (uint32_t)(at - link->out.data);
			return true;
		}
		link->bad++;
	}
	return false;
}

bool netlink_out(struct netlink *link, const struct net_hdr *hdr, uint32_t len)
{
	uint32_t header = hdr != NULL ? (uint32_t)sizeof(*hdr) : 0;
	uint32_t need = pieces_for(link->buffer_size, header + len);
	uint32_t available = netq_length(&link->out_free);

	if (link->apart || need > NETLINK_PIECES || ((need > 1 || hdr != NULL) && !link->chains))
		return false;
	if (link->fresh + available < need || netq_room(&link->out_active) < need)
		return false;
	link->taken = 0;
	for (link->piece_count = 0; link->piece_count < need; link->piece_count++) {
		if (!next_buffer(link, available, &link->pieces[link->piece_count]))
			break;
	}
	netq_take(&link->out_free, link->taken);
	if (link->piece_count < need)
		return false; /* what the peer gave was worth nothing, and its loss */
	link->at = 0;
	link->piece = 0;
	link->meta = hdr != NULL;
	netlink_put(link, hdr, header);
	return true;
}

static void show_piece(struct netlink *link, uint16_t flags)
{
	if (link->piece == 0 && link->meta)
		flags |= NETQ_META;
	netq_put(&link->out_active, link->out.io_base + link->pieces[link->piece],
		 (uint16_t)link->at, flags);
}

uint8_t *netlink_place(struct netlink *link, uint32_t want, uint32_t *got)
{
	uint8_t *to;

	if (link->at == link->buffer_size && want > 0) {
		show_piece(link, NETQ_MORE);
		link->piece++;
		link->at = 0;
	}
	*got = link->buffer_size - link->at < want ? link->buffer_size - link->at : want;
	to = link->out.data + link->pieces[link->piece] + link->at;
	link->at += *got;
	return to;
}

void netlink_put(struct netlink *link, const void *bytes, uint32_t len)
{
	const uint8_t *from = bytes;

	while (len > 0) {
		uint32_t n;
		uint8_t *to = netlink_place(link, len, &n);

		memcpy(to, from, n);
		from += n;
		len -= n;
	}
}

void netlink_patch(struct netlink *link, uint32_t offset, const void *bytes, uint32_t len)
{
	const uint8_t *from = bytes;

	for (uint32_t i = 0; i < len; i++, offset++)
		link->out.data[link->pieces[offset / link->buffer_size] +
			       offset % link->buffer_size] = from[i];
}

void netlink_send(struct netlink *link)
{
	show_piece(link, 0);
	netq_show(&link->out_active);
}

bool netlink_flush(struct netlink *link)
{
	bool signal = link->announce;

	link->announce = false;
	signal |= netq_publish(&link->out_active);
	return netq_publish(&link->in_free) || signal;
}

bool netlink_in_wait(struct netlink *link)
{
	bool together = come_together(link);

	if (link->apart)
		return false;
	if (netq_length(&link->in_active) > 0)
		return true;
	netq_want_signal(&link->in_active);
	return together || netq_length(&link->in_active) > 0;
}

bool netlink_out_wait(struct netlink *link, uint32_t len)
{
	uint32_t need = pieces_for(link->buffer_size, len + (uint32_t)sizeof(struct net_hdr));

	if (link->apart)
		return false;
	if (link->fresh + netq_length(&link->out_free) >= need)
		return true;
	netq_want_signal(&link->out_free);
	return link->fresh + netq_length(&link->out_free) >= need;
}

uint32_t netlink_frame_max(const struct netlink *link)
{
	return link->chains ? NET_FRAME_MAX : link->buffer_size;
}

void netlink_tell(struct netlink *link, uint32_t takes, bool up)
{
	struct netq_note *note = mine(link);

	__atomic_store_n(&note->takes, takes, __ATOMIC_RELAXED);
	__atomic_store_n(&note->up, up, __ATOMIC_RELEASE);
}

struct netq_note netlink_told(const struct netlink *link)
{
	const struct netq_note *note = theirs(link);

	return (struct netq_note){
		.up = __atomic_load_n(&note->up, __ATOMIC_ACQUIRE),
		.takes = __atomic_load_n(&note->takes, __ATOMIC_RELAXED),
	};
}
