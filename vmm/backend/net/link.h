/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of a network link: frames over the four sDDF queues and two data regions that two programs
 * share.
 *
 *             in_active ──▶ frames for us          out_active ◀── frames from us
 *             in_free   ◀── their buffers back     out_free   ──▶ buffers for our frames
 *
 * One of the two programs owns the buffers of both regions: it starts with all of `out`'s, and hands
 * all of `in`'s over. The other owns nothing and returns what it gets. Apart from that both ends are
 * alike, so this file serves the VMM (owner), the switch towards VMMs and towards the driver (owner).
 *
 * A frame takes one buffer, or several chained by NETQ_MORE where both ends agreed on that (`chains`);
 * then frames may also begin with a struct net_hdr. Whole frames are shown, never parts.
 *
 * Either end may die at any moment and be started again in the memory it had. It counts its starts in its
 * note; the other one, when it finds nothing else to do, sees that, stops, and answers with that count. Then
 * the owner of the buffers sets all four queues up as at the very first, and says so. What was under way is
 * lost, as on a wire, and no buffer is.
 *
 * The peer is hostile: whatever it says of buffers is range-checked when it is used, so it can garble
 * the frames of this link and nothing else. What it breaks is dropped and counted in `bad`.
 */
#pragma once

#include "vmm/backend/net/net.h"
#include "vmm/backend/queue/netq.h"

enum {
	NETLINK_PIECES = 40, /* buffers a frame may take: the largest in 2 KiB each, and some */
	NETLINK_BUFFER_MIN = 2048,
	NETLINK_BUFFER_MAX = 32768,
};

/* What each of the four queues takes, the note behind it included. */
#define NETLINK_QUEUE_BYTES(capacity) (NETQ_BYTES(capacity) + sizeof(struct netq_note))

/* A direction's data region, and what is added to offsets to make what entries say. */
struct netlink_region {
	uint8_t *data; /* borrowed */
	uint64_t size;
	uint64_t io_base; /* DMA address of the region between a multiplexer and a driver, else 0 */
};

struct netlink {
	struct netq_consumer in_active, out_free;
	struct netq_producer in_free, out_active;
	struct netlink_region in, out;
	uint32_t buffer_size;
	/* owner: buffers of `out` that were never sent, the last ones of the region */
	uint32_t fresh;
	bool owner, chains;
	bool apart;    /* one of the two was started again: nothing moves until they have agreed */
	bool announce; /* the peer has to look at our note */
	uint32_t life, peer_life;
	bool meta;    /* the frame being sent begins with a header */
	uint64_t bad; /* frames and buffers of the peer's that made no sense */

	/* the frame being sent */
	uint32_t taken; /* of out_free's entries */
	uint32_t piece_count;
	uint32_t at;                     /* bytes put into the piece being filled */
	uint32_t piece;                  /* which one that is */
	uint32_t pieces[NETLINK_PIECES]; /* offsets in `out` */
};

/* What a link is made of. Memory is borrowed and outlives the link. */
struct netlink_config {
	void *in_active, *in_free, *out_active, *out_free;
	uint32_t in_capacity, out_capacity; /* entries in each of the direction's two queues */
	struct netlink_region in, out;
	uint32_t buffer_size; /* a power of two, NETLINK_BUFFER_MIN to NETLINK_BUFFER_MAX */
	bool owner, chains;
};

/* A frame received: where its bytes are. Valid until netlink_in_drop(). */
struct netlink_frame {
	const uint8_t *bytes[NETLINK_PIECES];
	uint16_t lens[NETLINK_PIECES];
	uint32_t piece_count;
	uint32_t len;       /* of the frame, without the header */
	struct net_hdr hdr; /* zeros if the frame had none. Copied, not checked */
	uint32_t entries;   /* of in_active */
};

/**
 * Attaches to a link. VMM_ERR_INVALID or VMM_ERR_RANGE if the configuration is not one; where frames
 * are chained, the largest has to fit. An owner then tells the peer of the buffers: netlink_flush().
 */
enum vmm_err netlink_init(struct netlink *link, const struct netlink_config *config) VMM_MUST_CHECK;

/**
 * The oldest frame, or false if there is none that is whole. Skips what makes no sense. The peer may
 * change the bytes at any time.
 */
bool netlink_in(struct netlink *link, struct netlink_frame *frame);

/** Gives the buffers of what netlink_in() has returned back to the peer. */
void netlink_in_drop(struct netlink *link, const struct netlink_frame *frame);

/**
 * Begins a frame of `len` bytes (1 to NET_FRAME_MAX); `hdr` NULL: a plain one. False if there are not
 * enough buffers, or if it needs more than one and the link does not chain.
 */
bool netlink_out(struct netlink *link, const struct net_hdr *hdr, uint32_t len);

/** The next bytes of the frame; all together the `len` that was announced. */
void netlink_put(struct netlink *link, const void *bytes, uint32_t len);

/**
 * Up to `want` contiguous bytes of the frame, for the caller to fill; *got says how many, never 0
 * unless `want` is.
 */
uint8_t *netlink_place(struct netlink *link, uint32_t want, uint32_t *got);

/** Changes bytes of the frame that were put already. `offset` counts the header, if there is one. */
void netlink_patch(struct netlink *link, uint32_t offset, const void *bytes, uint32_t len);

/** Sends the frame. */
void netlink_send(struct netlink *link);

/** Ends a batch: true if the peer must be signalled. */
bool netlink_flush(struct netlink *link);

/**
 * True if a frame may wait; asks for a signal at the next one if not. This is also where a peer that was
 * started again is noticed: no frame may be held that netlink_in() gave.
 */
bool netlink_in_wait(struct netlink *link);

/** True if one of the ends was started again: nothing moves until netlink_in_wait() has seen that they agree. */
bool netlink_must_agree(const struct netlink *link);

/** False if the peer shows an index that cannot be, and there is no other reason for it. */
bool netlink_is_sane(const struct netlink *link);

/** True if there may be buffers for a frame of `len` bytes; asks for a signal if not. */
bool netlink_out_wait(struct netlink *link, uint32_t len);

/** The largest frame the link can carry. */
uint32_t netlink_frame_max(const struct netlink *link);

/** Tells the peer which NET_OFFLOAD_* this end takes, and that it is there. */
void netlink_tell(struct netlink *link, uint32_t takes, bool up);

/** What the peer said last: any bits whatever. */
struct netq_note netlink_told(const struct netlink *link);
