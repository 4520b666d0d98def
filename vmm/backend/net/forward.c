// SPDX-License-Identifier: BSD-2-Clause
/*
 * A checksum is summed from the sender's buffers before they are copied: if it does not match what was
 * copied, the sender has changed its own packet.
 */
#include "vmm/backend/net/forward.h"

#include <string.h>

#include "vmm/backend/net/offload.h"

enum {
	ADDRESSES = 2 * NET_MAC,
	TYPE_VLAN = 0x8100,
};

/* A place in a frame: in its head, then in the sender's buffers behind it. */
struct cursor {
	const struct forward *f;
	uint32_t head_at;
	uint32_t piece, at;
};

/* Up to `len` contiguous bytes at the cursor, which moves behind them. */
static const uint8_t *next_bytes(struct cursor *c, uint32_t len, uint32_t *got)
{
	const struct netlink_frame *frame = c->f->frame;
	const uint8_t *bytes;

	if (c->head_at < c->f->head_len) {
		bytes = c->f->head + c->head_at;
		*got = c->f->head_len - c->head_at < len ? c->f->head_len - c->head_at : len;
		c->head_at += *got;
		return bytes;
	}
	while (c->at == frame->lens[c->piece]) {
		c->piece++;
		c->at = 0;
	}
	bytes = frame->bytes[c->piece] + c->at;
	*got = frame->lens[c->piece] - c->at < len ? frame->lens[c->piece] - c->at : len;
	c->at += *got;
	return bytes;
}

static struct cursor start_of(const struct forward *f)
{
	struct cursor c = { .f = f, .head_at = f->head_len };
	uint32_t n;

	for (uint32_t left = f->head_len; left > 0; left -= n)
		(void)next_bytes(&c, left, &n);
	c.head_at = 0;
	return c;
}

static void put(struct netlink *to, struct cursor *c, uint32_t len)
{
	while (len > 0) {
		uint32_t n;
		const uint8_t *bytes = next_bytes(c, len, &n);

		netlink_put(to, bytes, n);
		len -= n;
	}
}

static void skip(struct cursor *c, uint32_t len)
{
	for (uint32_t n; len > 0; len -= n)
		(void)next_bytes(c, len, &n);
}

static uint32_t sum(struct cursor *c, uint32_t len)
{
	uint32_t total = 0, at = 0, n;

	for (; at < len; at += n) {
		const uint8_t *bytes = next_bytes(c, len - at, &n);

		total = net_sum(total, bytes, n, at);
	}
	return total;
}

void forward_init(struct forward *f, const struct netlink_frame *frame)
{
	uint32_t left, n;
	struct cursor c = { .f = f };

	f->frame = frame;
	f->head_len = 0; /* so that the cursor reads from the buffers */
	left = frame->len < FORWARD_HEAD ? frame->len : FORWARD_HEAD;
	for (uint32_t at = 0; left > 0; at += n, left -= n) {
		const uint8_t *bytes = next_bytes(&c, left, &n);

		memcpy(f->head + at, bytes, n);
	}
	f->head_len = frame->len < FORWARD_HEAD ? frame->len : FORWARD_HEAD;
}

static uint32_t copy_head(const struct forward *f, uint8_t *to, uint32_t size)
{
	uint32_t len = f->frame->len < size ? f->frame->len : size;
	struct cursor c = start_of(f);

	for (uint32_t at = 0, n; at < len; at += n) {
		const uint8_t *bytes = next_bytes(&c, len - at, &n);

		memcpy(to + at, bytes, n);
	}
	return len;
}

static int32_t growth(const struct forward_tag *tag)
{
	return (tag->insert ? FORWARD_TAG : 0) - (tag->strip ? FORWARD_TAG : 0);
}

/* The addresses, and the tag as it shall be. */
static void put_addresses(struct netlink *to, const uint8_t *addresses,
			  const struct forward_tag *tag)
{
	uint8_t bytes[FORWARD_TAG] = { TYPE_VLAN >> 8, TYPE_VLAN & 0xff, (uint8_t)(tag->tci >> 8),
				       (uint8_t)tag->tci };

	netlink_put(to, addresses, ADDRESSES);
	if (tag->insert)
		netlink_put(to, bytes, FORWARD_TAG);
}

/* Two bytes that change on the way, at `offset` of what is sent. */
struct patch {
	uint32_t offset;
	uint16_t value;
};

/* As it is, with `hdr` if that asks for anything. `patch` may be NULL. */
static enum forward_result pass(const struct forward *f, const struct net_hdr *hdr,
				struct netlink *to, const struct forward_tag *tag,
				const struct patch *patch)
{
	uint32_t len = (uint32_t)((int32_t)f->frame->len + growth(tag));
	bool plain = hdr->flags == 0 && hdr->gso_type == NET_GSO_NONE;
	struct cursor c = start_of(f);
	struct net_hdr sent = *hdr;

	if (len > netlink_frame_max(to))
		return FORWARD_SIZE;
	sent.hdr_len = (uint16_t)(sent.hdr_len + growth(tag));
	sent.csum_start = (uint16_t)(sent.csum_start + growth(tag));
	if (!netlink_out(to, plain ? NULL : &sent, len))
		return FORWARD_FULL;
	if (tag->insert || tag->strip) {
		uint32_t gone = ADDRESSES + (tag->strip ? FORWARD_TAG : 0U);

		put_addresses(to, f->head, tag);
		skip(&c, gone);
		put(to, &c, f->frame->len - gone);
	} else {
		put(to, &c, f->frame->len);
	}
	if (patch != NULL)
		netlink_patch(to, patch->offset, &patch->value, sizeof(patch->value));
	netlink_send(to);
	return FORWARD_SENT;
}

/*
 * The checksum field holds the sum of the pseudo header, so the sum over all from csum_start on is the
 * whole (5.1.6.2). Zero means "none" in UDP, and has a twin.
 */
static enum forward_result complete(const struct forward *f, struct netlink *to,
				    const struct forward_tag *tag)
{
	static const struct net_hdr nothing;
	uint32_t start = f->hdr.csum_start, field = start + f->hdr.csum_offset;
	struct cursor c = start_of(f);
	struct patch patch;

	if (field < ADDRESSES + (tag->strip ? FORWARD_TAG : 0U))
		return FORWARD_SIZE;
	skip(&c, start);
	patch.offset = (uint32_t)((int32_t)field + growth(tag));
	patch.value = net_sum_finish(sum(&c, f->frame->len - start));
	if (patch.value == 0)
		patch.value = UINT16_MAX;
	return pass(f, &nothing, to, tag, &patch);
}

static enum forward_result segment(const struct forward *f, struct netlink *to,
				   const struct forward_tag *tag)
{
	uint32_t gone = ADDRESSES + (tag->strip ? FORWARD_TAG : 0U);
	uint8_t headers[NET_HEADERS_MAX];
	struct cursor c = start_of(f);
	struct net_tso tso;

	if (!net_tso_init(&tso, &f->hdr, headers, copy_head(f, headers, sizeof(headers)),
			  f->frame->len))
		return FORWARD_SIZE;
	if ((uint32_t)((int32_t)(tso.headers_len + tso.mss) + growth(tag)) > netlink_frame_max(to))
		return FORWARD_SIZE;
	skip(&c, tso.headers_len);
	for (uint32_t i = 0; i < tso.count; i++) {
		uint32_t payload = net_tso_segment(&tso, i);
		uint32_t len = (uint32_t)((int32_t)(tso.headers_len + payload) + growth(tag));
		struct cursor ahead = c;

		if (!netlink_out(to, NULL, len))
			return FORWARD_FULL;
		net_tso_headers(&tso, i, sum(&ahead, payload), headers);
		put_addresses(to, headers, tag);
		netlink_put(to, headers + gone, tso.headers_len - gone);
		put(to, &c, payload);
		netlink_send(to);
	}
	return FORWARD_SENT;
}

static uint32_t offload_of(uint8_t gso_type)
{
	return NET_OFFLOAD_CSUM |
	       ((gso_type & ~NET_GSO_ECN) == NET_GSO_TCPV6 ? NET_OFFLOAD_TSO6 : NET_OFFLOAD_TSO4) |
	       ((gso_type & NET_GSO_ECN) != 0 ? NET_OFFLOAD_ECN : 0U);
}

enum forward_result forward_send(const struct forward *f, struct netlink *to, uint32_t takes,
				 const struct forward_tag *tag)
{
	uint32_t need = offload_of(f->hdr.gso_type);

	if (f->hdr.gso_type != NET_GSO_NONE && (takes & need) != need)
		return segment(f, to, tag);
	if ((f->hdr.flags & NET_HDR_F_NEEDS_CSUM) != 0 && (takes & NET_OFFLOAD_CSUM) == 0)
		return complete(f, to, tag);
	return pass(f, &f->hdr, to, tag, NULL);
}
