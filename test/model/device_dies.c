/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block device in a program of its own that dies in front of each of its stores, and whose successor dies
 * likewise; its disk answers late and in any order. The driver, which keeps several requests in flight, sees
 * a device that never needs a reset and answers each request once, and reads back what it wrote.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/mortal.h"
#include "test/support/virtio_driver.h"
#include "vmm/dev/link/link.h"
#include "vmm/dev/virtio/blk.h"

enum {
	SLOTS = 5, /* requests the driver has in flight; each has a sector of its own */
	ROOM = 4,  /* that the disk takes */
	ROUNDS = 24,
	SIZE = 16, /* of the queue: fewer than all requests need, unless tables are used */
	SECTOR = 512,
	RAM = 64 << 10,
	PATIENCE = 10,
	ENOUGH = 200, /* events in which everything is answered */
	STATUS = 0x070,
	NEEDS_RESET = 64,
	IN = 0,
	OUT = 1,
	SPREAD = 67,
};

struct slot {
	uint64_t header, data, status;
	uint32_t type, value;
	int id; /* -1: not in flight */
};

/* The program's own: lost when it dies. */
static struct program {
	struct virtio_blk blk;
	struct link_server server;
	struct block_backend disk;
	struct block_request *pending[ROOM];
	unsigned count, noise;
	bool shown; /* the medium: not at the start of each life */
} p;

static struct {
	struct driver d;
	struct link_remote remote;
	struct slot slot[SLOTS];
	uint8_t disk[SLOTS * SECTOR];
	struct mortal_fate fate;
	bool table;     /* requests are in indirect tables */
	bool meanwhile; /* the guest goes on when the program is dead */
	bool dead;
} w;

static _Alignas(4096) uint8_t registers[LINK_REGISTERS];
static _Alignas(4096) uint8_t ring[LINK_RING];
static struct virtio_kept kept;

/* ---- the disk ---- */

static enum block_submit submit(struct block_backend *backend, struct block_request *request)
{
	(void)backend;
	if (p.count == ROOM)
		return BLOCK_FULL;
	p.pending[p.count++] = request;
	return BLOCK_ACCEPTED;
}

/* Answers some of the time before it returns. */
static bool kick(struct block_backend *backend, bool look)
{
	(void)backend;
	p.noise = p.noise * 1103515245 + 12345;
	return look && p.count > 0 && (p.noise >> 16 & 1) != 0;
}

/* Answers some, in any order. */
static void poll(struct block_backend *backend)
{
	p.noise = p.noise * 1103515245 + 12345;
	p.shown = true;
	for (unsigned i = p.noise >> 16 & 3; i > 0 && p.count > 0; i--) {
		unsigned at = (p.noise >> (16 + i)) % p.count;
		struct block_request *r = p.pending[at];

		p.pending[at] = p.pending[--p.count];
		block_segments_copy(r->segments, r->segment_count, 0, w.disk + r->sector * SECTOR,
				    (size_t)r->sectors * SECTOR, r->op == BLOCK_READ);
		backend->done(backend->ctx, r, BLOCK_OK);
	}
}

static void cancel(struct block_backend *backend, struct block_request *request)
{
	(void)backend;
	(void)request;
	p.count = 0;
}

static void info(struct block_backend *backend, struct block_info *of)
{
	(void)backend;
	*of = (struct block_info){ .block_size = SECTOR,
				   .sectors = p.shown ? SLOTS : 0,
				   .changing = !p.shown };
}

static const struct block_ops disk_ops = {
	.submit = submit, .kick = kick, .poll = poll, .cancel = cancel, .info = info
};

/* ---- the program ---- */

static void begin(void)
{
	memset(&p, 0, sizeof(p));
	p.disk.ops = &disk_ops;
	p.noise = w.fate.deaths + 1;
	p.shown = w.fate.deaths % 2 == 0;
	virtio_blk_init(&p.blk,
			&(struct virtio_setup){ .name = "mortal",
						.gmem = &w.d.gmem,
						.packed = true,
						.owner = driver_owner(&w.d) },
			&p.disk, 1, false);
	link_server_init(&p.server, &p.blk.vd, registers, (struct link_ring *)(void *)ring, &kept);
	(void)link_server_run(&p.server);
}

static void run(void)
{
	(void)link_server_run(&p.server);
}

static void event(void)
{
	virtio_event(&p.blk.vd, 0);
	run();
}

static bool survives(void (*life)(void))
{
	return mortal_survives(&w.fate, life, &p, sizeof(p));
}

static void drive(void (*life)(void))
{
	if (survives(life))
		return;
	while (!survives(begin))
		;
}

/* ---- the VMM ---- */

static void wake(void *ctx)
{
	(void)ctx;
	if (!w.dead)
		drive(run);
}

static bool wait_some(void *ctx, unsigned attempt)
{
	(void)ctx;
	drive(run);
	return attempt < PATIENCE;
}

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	(void)up;
}

static void lost(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static const struct link_setup setup = {
	.registers = registers,
	.ring = (struct link_ring *)(void *)ring,
	.wake = wake,
	.wait = wait_some,
	.irq = irq,
	.lost = lost,
};

/* ---- the guest ---- */

static void paint(const struct slot *s, uint32_t value)
{
	memset(driver_host(&w.d, s->data), (int)value, SECTOR);
}

/* Writes a new value, or reads the one that was written. */
static bool ask(unsigned i)
{
	struct slot *s = &w.slot[i];
	const struct driver_buffer b[3] = {
		{ .gpa = s->header, .len = 16 },
		{ .gpa = s->data, .len = SECTOR, .writable = s->type == OUT },
		{ .gpa = s->status, .len = 1, .writable = true },
	};
	const uint64_t header[2] = { s->type == OUT ? IN : OUT, i };
	uint8_t *status = driver_host(&w.d, s->status);

	if (s->type == IN)
		paint(s, s->value + 1);
	s->id = driver_add(&w.d, 0, b, 3, w.table);
	if (s->id < 0) {
		paint(s, s->value);
		return false;
	}
	memcpy(driver_host(&w.d, s->header), header, sizeof(header));
	*status = 0xff;
	s->type = (uint32_t)header[0];
	s->value += s->type == OUT;
	if (s->type == IN)
		paint(s, 0xff);
	return true;
}

static void check_answer(int id, uint32_t written)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &w.slot[i];
		const uint8_t *data = driver_host(&w.d, s->data);

		if (s->id != id)
			continue;
		s->id = -1;
		assert_int_equal(*(uint8_t *)driver_host(&w.d, s->status), 0);
		assert_int_equal(written, s->type == IN ? SECTOR + 1 : 1);
		for (unsigned at = 0; at < SECTOR; at++)
			assert_int_equal(data[at], (uint8_t)s->value);
		return;
	}
	fail_msg("answer %d to nothing", id);
}

static void take_answers(void)
{
	uint32_t written;
	int id;

	while (driver_used(&w.d, 0, &id, &written))
		check_answer(id, written);
}

/* Looks at the ring only if there was an interrupt. True if there are requests in flight. */
static bool collect(void)
{
	bool busy = false;

	assert_int_equal(driver_read(&w.d, STATUS) & NEEDS_RESET, 0);
	if ((driver_acknowledge(&w.d) & 1) != 0) {
		take_answers();
		driver_interrupts(&w.d, 0, true);
		take_answers();
	}
	for (unsigned i = 0; i < SLOTS; i++)
		busy = busy || w.slot[i].id >= 0;
	return busy;
}

static void ask_all(void)
{
	bool any = false;

	for (unsigned i = 0; i < SLOTS; i++) {
		if (w.slot[i].id < 0)
			any |= ask(i);
	}
	if (any)
		(void)driver_kick(&w.d, 0);
}

/* The backend has something for the device; the guest may go on while nobody is there to take it. */
static void signal(void)
{
	if (survives(event))
		return;
	w.dead = true;
	take_answers();
	if (w.meanwhile)
		ask_all();
	w.dead = false;
	while (!survives(begin))
		;
}

static void use(void)
{
	ask_all();
	signal();
	(void)collect();
}

static void make_slots(void)
{
	for (unsigned i = 0; i < SLOTS; i++)
		w.slot[i] = (struct slot){ .header = driver_alloc(&w.d, 16, 8),
					   .data = driver_alloc(&w.d, SECTOR, 8),
					   .status = driver_alloc(&w.d, 1, 1),
					   .id = -1 };
}

/* False if the program lived through it all. */
static bool one_history(uint64_t features, bool table, bool meanwhile, unsigned first,
			unsigned second)
{
	unsigned events = 0;

	memset(&w, 0, sizeof(w));
	memset(registers, 0, sizeof(registers));
	memset(ring, 0, sizeof(ring));
	memset(&kept, 0, sizeof(kept));
	w.fate.left = first;
	w.fate.next = second;
	w.table = table;
	w.meanwhile = meanwhile;
	driver_init_sized(&w.d, RAM);
	mortal_forget();
	mortal_keep(w.d.ram, RAM);
	mortal_keep(registers, sizeof(registers));
	mortal_keep(ring, sizeof(ring));
	mortal_keep(&kept, sizeof(kept));
	while (!survives(begin))
		;
	link_remote_init(&w.remote, &setup);
	w.d.handler = link_remote_access;
	w.d.device = &w.remote;
	w.d.lock = &w.remote.lock;
	w.d.vd = &p.blk.vd;
	assert_true(driver_start(&w.d, features, 1, SIZE));
	make_slots();
	for (unsigned i = 0; i < ROUNDS; i++)
		use();
	while (collect()) {
		assert_true(events++ < ENOUGH);
		signal();
	}
	driver_fini(&w.d);
	return w.fate.deaths > 0;
}

static void every_store(uint64_t features, bool table)
{
	unsigned at = 1;

	while (one_history(features, table, at % 2 != 0, at, 0))
		at++;
	assert_true(at > 500);
	for (unsigned first = 1; first < at; first++)
		(void)one_history(features, table, first % 2 == 0, first, 1 + first % SPREAD);
}

static void split_rings(void **state)
{
	(void)state;
	every_store(0, false);
}

static void split_rings_with_events_and_tables(void **state)
{
	(void)state;
	every_store(VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, true);
}

static void packed_rings(void **state)
{
	(void)state;
	every_store(VIRTIO_F_RING_PACKED, false);
}

static void packed_rings_with_events_and_tables(void **state)
{
	(void)state;
	every_store(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_rings),
		cmocka_unit_test(split_rings_with_events_and_tables),
		cmocka_unit_test(packed_rings),
		cmocka_unit_test(packed_rings_with_events_and_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
