// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections are few and short-lived beside packets of data, but each packet is looked up, so the
 * table is a hash table by ports and clients with a short probe; a connection that finds no place in
 * its probe is refused, as one over the quota is.
 */
#include "vmm/backend/socket/router.h"

#include <stddef.h>

#include "vmm/base/util.h"

enum {
	PROBE = 16,
	NOBODY = ROUTER_CLIENTS,
};

/* What became of a packet. */
enum outcome {
	DONE,    /* it is gone: delivered, answered or dropped */
	BLOCKED, /* it stays: some queue has no room */
};

void router_init(struct router *r, uint64_t hz)
{
	*r = (struct router){ .stall = hz / 1000 * ROUTER_STALL_MS };
}

enum vmm_err router_add(struct router *r, uint64_t cid, const struct sockq_sender *to,
			const struct sockq_receiver *from)
{
	/* 0 and 1 are reserved, 0xffffffff means any, the upper half is zero (5.10.4). */
	if (cid < VSOCK_CID_HOST || cid >= UINT32_MAX)
		return VMM_ERR_RANGE;
	if (r->client_count == ROUTER_CLIENTS)
		return VMM_ERR_NOMEM;
	for (unsigned i = 0; i < r->client_count; i++) {
		if (r->client[i].cid == cid)
			return VMM_ERR_EXISTS;
	}
	r->client[r->client_count++] =
		(struct router_client){ .cid = cid, .to = *to, .from = *from };
	return VMM_OK;
}

static void tell_reset(struct router *r)
{
	const struct vsock_packet packet = { .type = VSOCK_TYPE_LINK, .op = VSOCK_LINK_RESET };

	for (unsigned i = 0; i < r->client_count; i++) {
		struct router_client *c = &r->client[i];

		if (!c->reset_owed || !sockq_room(&c->to, 0))
			continue;
		sockq_send(&c->to, &packet);
		c->reset_owed = false;
	}
}

void router_start(struct router *r)
{
	for (unsigned i = 0; i < r->client_count; i++)
		r->client[i].reset_owed = true;
	tell_reset(r);
}

/* ---- connections ---- */

static unsigned hash(unsigned a, uint32_t a_port, unsigned b, uint32_t b_port)
{
	/* The same whichever side asks. */
	uint32_t h = (a_port * UINT32_C(0x9e3779b1)) ^ (b_port * UINT32_C(0x9e3779b1));

	h += (a + b) * UINT32_C(0x85ebca6b);
	h ^= h >> 15;
	return h % ROUTER_CONNECTIONS;
}

static bool matches(const struct router_connection *c, unsigned side, unsigned a, uint32_t a_port,
		    unsigned b, uint32_t b_port)
{
	return c->client[side] == a && c->port[side] == a_port && c->client[1 - side] == b &&
	       c->port[1 - side] == b_port;
}

static struct router_connection *find(struct router *r, unsigned a, uint32_t a_port, unsigned b,
				      uint32_t b_port)
{
	unsigned at = hash(a, a_port, b, b_port);

	for (unsigned i = 0; i < PROBE; i++) {
		struct router_connection *c = &r->connection[(at + i) % ROUTER_CONNECTIONS];

		if (c->used &&
		    (matches(c, 0, a, a_port, b, b_port) || matches(c, 1, a, a_port, b, b_port)))
			return c;
	}
	return NULL;
}

static struct router_connection *begin(struct router *r, unsigned a, uint32_t a_port, unsigned b,
				       uint32_t b_port)
{
	unsigned at = hash(a, a_port, b, b_port);

	if (r->client[a].connections == ROUTER_QUOTA)
		return NULL;
	for (unsigned i = 0; i < PROBE; i++) {
		struct router_connection *c = &r->connection[(at + i) % ROUTER_CONNECTIONS];

		if (c->used)
			continue;
		*c = (struct router_connection){
			.used = true,
			.client = { (uint8_t)a, (uint8_t)b },
			.port = { a_port, b_port },
		};
		r->client[a].connections++;
		return c;
	}
	return NULL;
}

static void forget(struct router *r, struct router_connection *c)
{
	r->client[c->client[0]].connections--;
	c->used = false;
}

/* The driver of client `gone` is: the other ends are told, as soon as they have room. */
static void lose_all(struct router *r, unsigned gone)
{
	for (unsigned i = 0; i < ROUTER_CONNECTIONS; i++) {
		struct router_connection *c = &r->connection[i];

		if (!c->used || (c->client[0] != gone && c->client[1] != gone))
			continue;
		if (c->closing && c->client[c->owed] == gone) {
			forget(r, c); /* both are gone */
		} else if (!c->closing) {
			c->closing = true;
			c->owed = c->client[0] == gone ? 1 : 0;
		}
	}
}

/* ---- room ---- */

static bool has_room(struct router_client *c, uint32_t len)
{
	if (sockq_room(&c->to, len)) {
		c->stale = false;
		return true;
	}
	c->waited_for = true;
	return false;
}

static bool send_reset(struct router *r, unsigned client, const struct vsock_packet *reset)
{
	struct router_client *c = &r->client[client];

	if (!has_room(c, 0))
		return false;
	sockq_send(&c->to, reset);
	c->counts.resets++;
	return true;
}

/*
 * Tells who is owed a reset. Who takes nothing hears it when it next says something: the other end has
 * waited for it long enough. True if anybody was: a new connection may have waited for that.
 */
static bool tell_closing(struct router *r)
{
	bool any = false;

	for (unsigned i = 0; i < ROUTER_CONNECTIONS; i++) {
		struct router_connection *c = &r->connection[i];
		const struct router_client *to, *gone;

		if (!c->used || !c->closing)
			continue;
		to = &r->client[c->client[c->owed]];
		gone = &r->client[c->client[1 - c->owed]];
		if (!to->up ||
		    send_reset(r, c->client[c->owed],
			       &(struct vsock_packet){
				       .src_cid = gone->cid,
				       .dst_cid = to->cid,
				       .src_port = c->port[1 - c->owed],
				       .dst_port = c->port[c->owed],
				       .type = VSOCK_TYPE_STREAM,
				       .op = VSOCK_OP_RST,
			       }) ||
		    to->stale) {
			forget(r, c);
			any = true;
		}
	}
	return any;
}

/* ---- packets ---- */

static enum outcome drop(struct router_client *from)
{
	sockq_next(&from->from);
	return DONE;
}

/* A reset is never answered by a reset. */
static enum outcome refuse(struct router *r, unsigned from, const struct vsock_packet *packet)
{
	const struct vsock_packet reset = vsock_reset_for(packet);

	if (packet->op != VSOCK_OP_RST && !send_reset(r, from, &reset))
		return BLOCKED;
	return drop(&r->client[from]);
}

static enum outcome forward(struct router *r, unsigned from, unsigned to)
{
	struct router_client *c = &r->client[from];
	uint32_t len = c->from.packet.len;

	if (!has_room(&r->client[to], len))
		return BLOCKED;
	sockq_forward(&c->from, &r->client[to].to);
	c->counts.packets++;
	c->counts.bytes += len;
	return DONE;
}

static void on_link(struct router *r, unsigned from, const struct vsock_packet *packet)
{
	struct router_client *c = &r->client[from];

	if (packet->op == VSOCK_LINK_UP) {
		if (c->up)
			lose_all(r, from); /* its program was started again */
		c->up = true;
	} else if (packet->op == VSOCK_LINK_DOWN) {
		c->up = false;
		lose_all(r, from);
	} else {
		c->counts.malformed++;
	}
}

static unsigned client_of(const struct router *r, uint64_t cid)
{
	for (unsigned i = 0; i < r->client_count; i++) {
		if (r->client[i].cid == cid)
			return i;
	}
	return NOBODY;
}

static enum outcome on_request(struct router *r, unsigned from, unsigned to,
			       const struct vsock_packet *packet)
{
	struct router_connection *c = begin(r, from, packet->src_port, to, packet->dst_port);
	enum outcome outcome;

	if (c == NULL)
		return refuse(r, from, packet);
	outcome = forward(r, from, to);
	if (outcome == BLOCKED) {
		forget(r, c); /* it comes again, or is refused */
		if (r->client[to].stale)
			return refuse(r, from, packet);
	}
	return outcome;
}

/* A packet between two clients that are there. */
static enum outcome on_stream(struct router *r, unsigned from, unsigned to,
			      const struct vsock_packet *packet)
{
	struct router_connection *c = find(r, from, packet->src_port, to, packet->dst_port);
	enum outcome outcome;

	/* The reset that is owed answers who has not heard of it, and comes before a new driver's own. */
	if (c != NULL && c->closing)
		return c->client[c->owed] == from ? drop(&r->client[from]) : BLOCKED;
	if (c == NULL)
		return packet->op == VSOCK_OP_REQUEST ? on_request(r, from, to, packet)
						      : refuse(r, from, packet);
	outcome = forward(r, from, to);
	if (outcome == BLOCKED && r->client[to].stale) {
		/* It will be told if it ever says something on this connection. */
		outcome = refuse(r, from, packet);
		if (outcome == DONE)
			forget(r, c);
	} else if (outcome == DONE && packet->op == VSOCK_OP_RST) {
		forget(r, c);
	}
	return outcome;
}

static enum outcome on_packet(struct router *r, unsigned from, const struct vsock_packet *packet)
{
	struct router_client *c = &r->client[from];
	unsigned to;

	if (packet->type == VSOCK_TYPE_LINK) {
		on_link(r, from, packet);
		return drop(c);
	}
	if (packet->src_cid != c->cid) {
		c->counts.spoofed++;
		return drop(c);
	}
	if (!c->up) /* what it sent before our start, for a part */
		return refuse(r, from, packet);
	if (packet->type != VSOCK_TYPE_STREAM || packet->op < VSOCK_OP_REQUEST ||
	    packet->op > VSOCK_OP_CREDIT_REQUEST) {
		c->counts.malformed++;
		return refuse(r, from, packet);
	}
	to = client_of(r, packet->dst_cid);
	if (to == NOBODY || to == from || !r->client[to].up)
		return refuse(r, from, packet);
	return on_stream(r, from, to, packet);
}

static bool serve(struct router *r, unsigned client)
{
	struct vsock_packet packet;

	for (unsigned n = 0; n < ROUTER_BATCH; n++) {
		if (!sockq_peek(&r->client[client].from, &packet) ||
		    on_packet(r, client, &packet) == BLOCKED)
			return false;
	}
	return true;
}

/* Who is waited for and has not moved for too long is stale. */
static void watch(struct router *r, uint64_t now, struct router_signals *signals)
{
	for (unsigned i = 0; i < r->client_count; i++) {
		struct router_client *c = &r->client[i];
		uint32_t head = __atomic_load_n(&c->to.queue.shared->head, __ATOMIC_RELAXED);

		if (!c->waited_for || head != c->head) {
			c->head = head;
			c->since = now;
		}
		if (!c->waited_for || c->stale)
			continue;
		if (now - c->since >= r->stall) {
			c->stale = true;
			signals->again = true;
		} else if (signals->deadline == 0 || c->since + r->stall < signals->deadline) {
			signals->deadline = c->since + r->stall;
		}
	}
}

struct router_signals router_run(struct router *r, uint64_t now)
{
	struct router_signals signals = { 0 };

	for (unsigned i = 0; i < r->client_count; i++)
		r->client[i].waited_for = false;
	tell_reset(r);
	(void)tell_closing(r);
	for (unsigned i = 0; i < r->client_count; i++)
		signals.again |= serve(r, (r->next + i) % r->client_count);
	if (r->client_count > 0)
		r->next = (r->next + 1) % r->client_count;
	signals.again |= tell_closing(r);
	watch(r, now, &signals);
	for (unsigned i = 0; i < r->client_count; i++) {
		struct router_client *c = &r->client[i];
		bool sent = sockq_sender_flush(&c->to), freed = sockq_receiver_flush(&c->from);

		if (sent || freed)
			signals.clients |= UINT32_C(1) << i;
	}
	return signals;
}
