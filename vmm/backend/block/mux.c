// SPDX-License-Identifier: BSD-2-Clause
/*
 * The order of a run: the driver's state, its responses, the partition table, what has to be sent (again),
 * the clients' requests. A response is put before its request's slot is free, and a request is taken only
 * while there is a slot; so nothing here ever waits.
 */
#include "vmm/backend/block/mux.h"

#include <string.h>

#include "vmm/backend/block/mux_driver.h"
#include "vmm/base/util.h"

enum {
	OWN = BLKMUX_CLIENTS,
	SECTORS_A_BLOCK = BLKQ_BLOCK / BLKQ_SECTOR,
	COUNT_MAX = UINT16_MAX,
	BURST_DIVISOR = 16, /* of a second's worth, that may be moved at once */
};

static enum vmm_err attach(struct blkq *requests, struct blkq *responses, bool client,
			   const struct blkmux_link *link)
{
	enum vmm_err err;

	if (link->medium == NULL || link->medium_size < blkq_medium_bytes())
		return VMM_ERR_INVALID;
	err = blkq_init(requests, BLKQ_REQUESTS, !client, link->requests, link->requests_size);
	if (err != VMM_OK)
		return err;
	return blkq_init(responses, BLKQ_RESPONSES, client, link->responses, link->responses_size);
}

enum vmm_err blkmux_init(struct blkmux *m, const struct blkmux_setup *setup)
{
	enum vmm_err err;

	memset(m, 0, sizeof(*m));
	m->medium_page = setup->driver.medium;
	m->own_data = setup->own_data;
	m->own_paddr = setup->own_paddr;
	m->hz = setup->hz;
	err = attach(&m->requests, &m->responses, false, &setup->driver);
	if (err != VMM_OK)
		return err;
	m->life = blkq_life(&m->requests);
	if (m->life > 1)
		m->drain = BLKMUX_DRAIN_OWED;
	return VMM_OK;
}

enum vmm_err blkmux_add(struct blkmux *m, const struct blkmux_client_setup *setup)
{
	struct blkmux_client *c = &m->client[m->client_count];
	enum vmm_err err;

	if (m->client_count == BLKMUX_CLIENTS)
		return VMM_ERR_NOMEM;
	if (setup->rate > BLKMUX_RATE_MAX)
		return VMM_ERR_RANGE;
	err = attach(&c->requests, &c->responses, true, &setup->link);
	if (err != VMM_OK)
		return err;
	c->setup = *setup;
	c->medium_page = setup->link.medium;
	c->syncing = m->life > 1;
	if (setup->partition != 0)
		m->table = BLKMUX_TABLE_HEADER;
	m->client_count++;
	return VMM_OK;
}

/* ---- the partition table ---- */

static void want_sectors(struct blkmux *m, uint64_t sector, uint32_t sectors)
{
	const struct blkq_request request = {
		.code = BLKQ_READ | BLKQ_SECTORS,
		.offset = m->own_paddr,
		.block = sector,
		.count = (uint16_t)sectors,
	};
	struct blkmux_slot *slot = muxdrv_free_slot(m);

	if (slot != NULL) /* always: no client has a disk yet */
		muxdrv_fill(m, slot, OWN, &request);
}

/* The header at the start of the disk, or the one at its end. */
static void want_header(struct blkmux *m, bool backup)
{
	m->table = BLKMUX_TABLE_HEADER;
	m->table_backup = backup;
	want_sectors(m, backup ? m->medium.sectors - 1 : 1, 1);
}

static void table_next(struct blkmux *m, bool good)
{
	if (!good && !m->table_backup) {
		want_header(m, true);
		return;
	}
	m->table = BLKMUX_TABLE_DONE;
	m->table_good = good;
}

/* What was asked for is in our data region; it is copied before it is looked at. */
static void read_table(struct blkmux *m)
{
	enum blkmux_own was = m->own;
	uint8_t sector[GPT_SECTOR];

	m->own = BLKMUX_OWN_NONE;
	if (was == BLKMUX_OWN_NONE)
		return;
	if (was == BLKMUX_OWN_BAD) {
		table_next(m, false);
	} else if (m->table == BLKMUX_TABLE_HEADER) {
		memcpy(sector, m->own_data, sizeof(sector));
		if (!gpt_header(&m->gpt, sector, m->table_backup ? m->medium.sectors - 1 : 1,
				m->medium.sectors)) {
			table_next(m, false);
			return;
		}
		m->table = BLKMUX_TABLE_ENTRIES;
		want_sectors(m, m->gpt.entries, gpt_entries_sectors(&m->gpt));
	} else {
		memcpy(m->entries, m->own_data, sizeof(m->entries));
		table_next(m, gpt_entries_ok(&m->gpt, m->entries));
	}
}

/* ---- giving disks to clients ---- */

static bool writes_clash(const struct blkmux_client *a, const struct blkmux_client *b)
{
	return (!a->setup.read_only || !b->setup.read_only) && a->first < b->first + b->sectors &&
	       b->first < a->first + a->sectors;
}

static enum blkmux_state place(struct blkmux *m, struct blkmux_client *c)
{
	const struct blkmux_client_setup *s = &c->setup;

	if (m->drain == BLKMUX_DRAIN_REFUSED)
		return BLKMUX_LOST;
	if (s->partition != 0) {
		if (!m->table_good)
			return BLKMUX_NO_TABLE;
		if (!gpt_partition(&m->gpt, m->entries, s->partition, &c->first, &c->sectors))
			return BLKMUX_NO_PARTITION;
	} else {
		if (s->first >= m->medium.sectors)
			return BLKMUX_OUTSIDE;
		c->first = s->first;
		c->sectors = s->count != 0 ? s->count : m->medium.sectors - s->first;
	}
	if (!range_inside(c->first, c->sectors, 0, m->medium.sectors))
		return BLKMUX_OUTSIDE;
	for (uint32_t i = 0; i < m->client_count; i++) {
		if (m->client[i].state == BLKMUX_OPEN && writes_clash(c, &m->client[i]))
			return BLKMUX_TAKEN;
	}
	return BLKMUX_OPEN;
}

static void show_disk(const struct blkmux *m, const struct blkmux_client *c)
{
	struct blkq_medium medium = m->medium;

	medium.sectors = c->sectors;
	medium.read_only = m->medium.read_only || c->setup.read_only;
	medium.generation = m->life;
	medium.queue_depth = BLKQ_CAPACITY;
	if (medium.read_only)
		medium.features &= ~(uint32_t)(BLKQ_F_DISCARD | BLKQ_F_WRITE_ZEROES);
	memset(medium.serial, 0, sizeof(medium.serial));
	if (c->setup.serial != NULL)
		memcpy(medium.serial, c->setup.serial,
		       strnlen(c->setup.serial, sizeof(medium.serial) - 1));
	blkq_medium_show(c->medium_page, &medium);
}

/* Once, when the driver is there and, if anyone needs it, the table was read. True: just now. */
static bool open_clients(struct blkmux *m, uint64_t now, uint64_t *signals)
{
	bool any = false;

	if (!m->started || muxdrv_drains(m) || m->table == BLKMUX_TABLE_ENTRIES)
		return false;
	if (m->table == BLKMUX_TABLE_HEADER && (m->medium.features & BLKQ_F_SECTORS) == 0) {
		m->table = BLKMUX_TABLE_DONE; /* a plain driver reads no single sectors */
	} else if (m->table == BLKMUX_TABLE_HEADER) {
		if (m->order == 0)
			want_header(m, false);
		return false;
	}
	for (uint32_t i = 0; i < m->client_count; i++) {
		struct blkmux_client *c = &m->client[i];

		if (c->state != BLKMUX_WAITING)
			continue;
		any = true;
		c->filled = now;
		c->state = place(m, c);
		if (c->state == BLKMUX_OPEN)
			show_disk(m, c);
		else if (m->life > 1)
			blkq_medium_end(c->medium_page, m->life);
		*signals |= UINT64_C(1) << i;
	}
	return any;
}

bool blkmux_driver_over(struct blkmux *m)
{
	const uint32_t last = BLKQ_ID_LIFE | m->life; /* no life's generation */
	bool any = false;

	for (uint32_t i = 0; i < m->client_count; i++) {
		struct blkmux_client *c = &m->client[i];

		any |= c->state != BLKMUX_LOST;
		c->state = BLKMUX_LOST;
		blkq_medium_end(c->medium_page, last);
	}
	return any;
}

/* ---- clients' requests ---- */

static bool may_take(const struct blkmux_client *c)
{
	return c->state == BLKMUX_OPEN && blkq_room(&c->responses) > c->in_flight;
}

/* BLKQ_OK with the driver's request, or what is to be answered. */
static uint32_t translate(const struct blkmux *m, const struct blkmux_client *c,
			  struct blkq_request *out)
{
	const struct blkq_request *in = &c->request;
	bool sectors = (in->code & BLKQ_SECTORS) != 0;
	uint32_t code = in->code & ~BLKQ_SECTORS;
	uint64_t unit = sectors ? 1 : SECTORS_A_BLOCK, block, count = in->count * unit;

	*out = (struct blkq_request){ .code = code };
	if (code == BLKQ_FLUSH || in->code == BLKQ_BARRIER)
		return BLKQ_OK;
	if (code != BLKQ_READ && code != BLKQ_WRITE && code != BLKQ_DISCARD &&
	    code != BLKQ_WRITE_ZEROES && code != BLKQ_WRITE_ZEROES_KEEP)
		return BLKQ_INVALID;
	if (code != BLKQ_READ && (c->setup.read_only || m->medium.read_only))
		return BLKQ_INVALID;
	if (in->block > c->sectors || count == 0 ||
	    !range_inside(in->block * unit, count, 0, c->sectors))
		return BLKQ_INVALID;
	block = c->first + in->block * unit;
	if (code == BLKQ_READ || code == BLKQ_WRITE) {
		if (!range_inside(in->offset, count * BLKQ_SECTOR, 0, c->setup.data_size))
			return BLKQ_INVALID;
		out->offset = c->setup.data_paddr + in->offset;
	}
	if ((m->medium.features & BLKQ_F_SECTORS) != 0 && count <= COUNT_MAX) {
		out->code |= BLKQ_SECTORS;
	} else if (block % SECTORS_A_BLOCK == 0 && count % SECTORS_A_BLOCK == 0) {
		block /= SECTORS_A_BLOCK;
		count /= SECTORS_A_BLOCK;
	} else {
		return BLKQ_INVALID; /* a plain driver, and sectors that it cannot name */
	}
	out->block = block;
	out->count = (uint16_t)count;
	return BLKQ_OK;
}

/* Time is bytes: fills up what the client may move. True: it may move something. */
static bool allowed(const struct blkmux *m, struct blkmux_client *c, uint64_t now)
{
	uint64_t rate = c->setup.rate, burst = rate / BURST_DIVISOR + 1, passed, gained;

	if (rate == 0 || m->hz == 0)
		return true;
	passed = now > c->filled ? now - c->filled : 0;
	gained = passed >= m->hz ? 0 : rate * passed + c->part;
	c->part = gained % m->hz;
	c->allowance += (int64_t)(passed >= m->hz ? rate : gained / m->hz);
	c->filled += passed;
	if (c->allowance > (int64_t)burst)
		c->allowance = (int64_t)burst;
	return c->allowance > 0;
}

/* When it may go on. */
static uint64_t allowed_at(const struct blkmux *m, const struct blkmux_client *c, uint64_t now)
{
	uint64_t debt = (uint64_t)(1 - c->allowance);

	return now + debt * m->hz / c->setup.rate + 1;
}

static bool moves_data(uint32_t code)
{
	code &= ~BLKQ_SECTORS;
	return code == BLKQ_READ || code == BLKQ_WRITE;
}

/* What is answered without the driver: what is refused, and a barrier whose time has come. */
static void answer_held(struct blkmux_client *c, uint32_t status)
{
	c->refused += status != BLKQ_OK;
	muxdrv_respond(c, c->request.id, status, c->request.count);
	c->held = false;
}

/* What was meant for our predecessor, and the mark behind it. */
static bool drop_old(const struct blkmux *m, struct blkmux_client *c)
{
	bool mark = c->request.code == BLKQ_SYNC && c->request.block == m->life;

	if (!mark && !c->syncing)
		return false;
	if (mark)
		c->syncing = false;
	return true;
}

/* One request of client `index`, if it has one and may. True: there was something to do. */
static bool serve_one(struct blkmux *m, uint32_t index, uint64_t now,
		      struct blkmux_signals *signals)
{
	struct blkmux_client *c = &m->client[index];
	struct blkmux_slot *slot = muxdrv_free_slot(m);
	struct blkq_request request;
	uint32_t status;

	if (slot == NULL || !may_take(c))
		return false;
	if (!c->held && !blkq_take(&c->requests, &c->request))
		return false;
	if (drop_old(m, c)) {
		signals->clients |= UINT64_C(1) << index; /* it may have waited for room */
		return true;
	}
	c->held = true;
	if (c->request.code == BLKQ_BARRIER && c->in_flight > 0)
		return false; /* what went before has to be answered first */
	status = translate(m, c, &request);
	if (status != BLKQ_OK || request.code == BLKQ_BARRIER) {
		answer_held(c, status);
		return true;
	}
	if (moves_data(request.code) && !allowed(m, c, now)) {
		uint64_t at = allowed_at(m, c, now);

		if (signals->deadline == 0 || at < signals->deadline)
			signals->deadline = at;
		return false;
	}
	if (moves_data(request.code) && c->setup.rate != 0)
		c->allowance -= (int64_t)request.count * ((request.code & BLKQ_SECTORS) != 0
								  ? (int64_t)BLKQ_SECTOR
								  : (int64_t)BLKQ_BLOCK);
	muxdrv_fill(m, slot, index, &request);
	slot->client_id = c->request.id;
	slot->client_count = c->request.count;
	c->in_flight++;
	c->held = false;
	return true;
}

/*
 * A client on another core can ask for things as fast as they are refused, and say that it has read the
 * answers: so there is an end to it, and the driver and the others get their turn.
 */
static void serve_clients(struct blkmux *m, uint64_t now, struct blkmux_signals *signals)
{
	uint32_t idle = 0, budget = BLKMUX_BUDGET;

	while (m->client_count > 0 && idle < m->client_count) {
		if (!serve_one(m, m->turn, now, signals)) {
			idle++;
		} else if (--budget > 0) {
			idle = 0;
		} else {
			signals->again = true;
			break;
		}
		m->turn = (m->turn + 1) % m->client_count;
		if (!muxdrv_send(m))
			break;
	}
	(void)muxdrv_send(m);
}

struct blkmux_signals blkmux_run(struct blkmux *m, uint64_t now)
{
	struct blkmux_signals signals = { 0 };
	bool taken = muxdrv_poll(m);

	read_table(m);
	signals.opened = open_clients(m, now, &signals.clients);
	if (m->started && muxdrv_send(m))
		serve_clients(m, now, &signals);
	signals.driver = blkq_show(&m->requests);
	/* There is room for an answer to each slot; only the barrier may have waited for others to be taken. */
	signals.driver |= taken && muxdrv_drains(m);
	for (uint32_t i = 0; i < m->client_count; i++) {
		struct blkmux_client *c = &m->client[i];

		(void)blkq_show(&c->requests);
		if (blkq_show(&c->responses) && !blkq_is_quiet(&c->requests))
			signals.clients |= UINT64_C(1) << i;
	}
	return signals;
}
