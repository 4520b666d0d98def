/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One frame from the buffers of one link to those of another: VLAN tags put in or taken out, and what
 * its header asks for done where the receiver does not. For switch.c.
 *
 * The sender may change its buffers at any time. What was looked at before the frame was let through
 * is in `head`, and sent from there.
 */
#pragma once

#include "vmm/backend/net/link.h"

enum {
	FORWARD_HEAD = 64, /* Ethernet, a tag and ARP (28), with room */
	FORWARD_TAG = 4,   /* bytes of a VLAN tag */
};

struct forward {
	const struct netlink_frame *frame; /* borrowed */
	struct net_hdr hdr;                /* net_hdr_ok() */
	uint32_t head_len;          /* at least an Ethernet header, and the tag if there is one */
	uint8_t head[FORWARD_HEAD]; /* the frame's first bytes */
};

/* How the tag behind the addresses changes. */
struct forward_tag {
	bool strip;   /* the frame has one, and goes without */
	bool insert;  /* it has none, or loses it, and gets this one */
	uint16_t tci; /* tag control information: priority and VLAN id */
};

enum forward_result {
	FORWARD_SENT = 0,
	FORWARD_FULL, /* not enough buffers; of several segments, some may have gone */
	FORWARD_SIZE, /* too long, or not what its header says */
};

/** Copies the frame's first bytes; the rest is the caller's to fill in. */
void forward_init(struct forward *f, const struct netlink_frame *frame);

/** Copies the frame to `to`. `takes`: NET_OFFLOAD_* that the receiver takes over. */
enum forward_result forward_send(const struct forward *f, struct netlink *to, uint32_t takes,
				 const struct forward_tag *tag);
