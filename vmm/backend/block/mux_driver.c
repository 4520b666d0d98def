// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/block/mux_driver.h"

enum {
	SLOT_BITS = 7, /* of a driver's request id; the rest tells one use of a slot from another */
	FRUITLESS_MAX = 2,
	LOST_MAX = 3,
};

_Static_assert(BLKMUX_SLOTS == 1 << SLOT_BITS, "slot numbers");

struct blkmux_slot *muxdrv_free_slot(struct blkmux *m)
{
	for (unsigned i = 0; i < BLKMUX_SLOTS; i++) {
		if (!m->slot[i].used)
			return &m->slot[i];
	}
	return NULL;
}

void muxdrv_fill(struct blkmux *m, struct blkmux_slot *slot, unsigned client,
		 const struct blkq_request *request)
{
	slot->used = true;
	slot->lost = 0;
	slot->client = (uint8_t)client;
	slot->order = m->order++;
	slot->request = *request;
	slot->request.id =
		((uint32_t)(slot - m->slot) | (uint32_t)(slot->order << SLOT_BITS)) & ~BLKQ_ID_LIFE;
	slot->sent = !m->sync && m->unsent == 0 && blkq_put(&m->requests, &slot->request);
	m->unsent += !slot->sent;
}

static struct blkmux_slot *oldest_unsent(struct blkmux *m)
{
	struct blkmux_slot *oldest = NULL;

	for (unsigned i = 0; i < BLKMUX_SLOTS; i++) {
		struct blkmux_slot *slot = &m->slot[i];

		if (slot->used && !slot->sent && (oldest == NULL || slot->order < oldest->order))
			oldest = slot;
	}
	return oldest;
}

void muxdrv_respond(struct blkmux_client *c, uint32_t id, uint32_t status, uint32_t count)
{
	const struct blkq_response response = { .status = status,
						.count = (uint16_t)count,
						.id = id };

	(void)blkq_put(&c->responses, &response); /* there is room: see may_take() */
}

static void answer(struct blkmux *m, struct blkmux_slot *slot, uint32_t status)
{
	struct blkmux_client *c = &m->client[slot->client];

	slot->used = false;
	if (slot->client == BLKMUX_CLIENTS) {
		m->own = status == BLKQ_OK ? BLKMUX_OWN_GOOD : BLKMUX_OWN_BAD;
		return;
	}
	c->in_flight--;
	muxdrv_respond(c, slot->client_id, status, status == BLKQ_OK ? slot->client_count : 0);
}

/* ---- a driver that was started again ---- */

/* How many it has, and one of them. */
static unsigned with_driver(struct blkmux *m, struct blkmux_slot **one)
{
	unsigned count = 0;

	for (unsigned i = 0; i < BLKMUX_SLOTS; i++) {
		if (!m->slot[i].used || !m->slot[i].sent)
			continue;
		*one = &m->slot[i];
		count++;
	}
	return count;
}

/*
 * If drivers die of a request, its client's neighbours must not lose the disk by that. When two have died and
 * nothing was answered, requests are sent one at a time until there are none; one that three have died with,
 * while they had nothing else, fails. Those are fewer deaths than admin gives a driver up for.
 */
static void blame(struct blkmux *m)
{
	struct blkmux_slot *slot = NULL;

	m->fruitless++;
	m->careful |= m->fruitless >= FRUITLESS_MAX;
	if (with_driver(m, &slot) == 1 && ++slot->lost >= LOST_MAX) {
		m->failed++;
		answer(m, slot, BLKQ_IO_ERROR);
	}
}

static void unsend_all(struct blkmux *m)
{
	m->unsent = 0;
	if (m->drain == BLKMUX_DRAIN_SENT)
		m->drain = BLKMUX_DRAIN_OWED;
	for (unsigned i = 0; i < BLKMUX_SLOTS; i++) {
		m->slot[i].sent = false;
		m->unsent += m->slot[i].used;
	}
}

bool muxdrv_send(struct blkmux *m)
{
	struct blkmux_slot *slot, *other = NULL;

	if (m->sync && !blkq_put(&m->requests, &(struct blkq_request){
						       .code = BLKQ_SYNC,
						       .block = m->medium.generation,
						       .id = UINT32_MAX,
					       }))
		return false;
	m->sync = false;
	if (m->drain == BLKMUX_DRAIN_OWED) {
		if (!blkq_put(&m->requests, &(struct blkq_request){
						    .code = BLKQ_BARRIER,
						    .id = BLKQ_ID_LIFE | m->life,
					    }))
			return false;
		m->drain = BLKMUX_DRAIN_SENT;
	}
	while (m->unsent > 0 && (slot = oldest_unsent(m)) != NULL) {
		if ((m->careful && with_driver(m, &other) > 0) ||
		    !blkq_put(&m->requests, &slot->request))
			return false;
		slot->sent = true;
		m->unsent--;
	}
	m->careful = m->careful && with_driver(m, &other) > 0;
	return !m->careful;
}

/* ---- the driver ---- */

/* True if it was started again. */
static bool watch_driver(struct blkmux *m)
{
	struct blkq_medium medium;
	bool again;

	/* What a driver says of its medium it says once in its life. */
	if (m->started && blkq_medium_generation(m->medium_page) == m->medium.generation)
		return false;
	if (!blkq_medium_read(m->medium_page, &medium))
		return false;
	/* Responses that its predecessor gave count: the new one gives none before the sync. */
	again = m->started && medium.generation != m->medium.generation;
	if (again || (!m->started && medium.generation > 1))
		m->sync = true;
	m->restarts += again;
	if (!m->started || m->sync)
		m->medium = medium;
	m->started = true;
	return again;
}

bool muxdrv_drains(const struct blkmux *m)
{
	return m->drain == BLKMUX_DRAIN_OWED || m->drain == BLKMUX_DRAIN_SENT;
}

/* Only the barrier's answer counts while there is one: the others are our predecessor's. */
static bool draining(struct blkmux *m, const struct blkq_response *response)
{
	if (m->drain == BLKMUX_DRAINED)
		return false;
	if (m->drain == BLKMUX_DRAIN_SENT && response->id == (BLKQ_ID_LIFE | m->life))
		m->drain = response->status == BLKQ_OK ? BLKMUX_DRAINED : BLKMUX_DRAIN_REFUSED;
	return true;
}

/* True if there were any. */
static bool take_responses(struct blkmux *m)
{
	struct blkq_response response;

	for (unsigned left = BLKQ_CAPACITY; left > 0 && blkq_take(&m->responses, &response);
	     left--) {
		struct blkmux_slot *slot = &m->slot[response.id & (BLKMUX_SLOTS - 1)];
		bool bad = response.status > BLKQ_NO_DEVICE ||
			   (response.status == BLKQ_OK && response.count != slot->request.count);

		if (draining(m, &response))
			continue;
		if (!slot->used || !slot->sent || slot->request.id != response.id) {
			m->strange++;
			continue;
		}
		m->fruitless = 0;
		answer(m, slot, bad ? (uint32_t)BLKQ_IO_ERROR : response.status);
	}
	return blkq_show(&m->responses);
}

bool muxdrv_poll(struct blkmux *m)
{
	bool again = watch_driver(m), taken = take_responses(m);

	if (again)
		blame(m);
	if (m->sync)
		unsend_all(m);
	return taken;
}
