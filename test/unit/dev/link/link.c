/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device at the end of a link: the same entropy device, driven through the VMM's end, must not be
 * distinguishable from one in the VMM, and neither end may be hurt by the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/backend/block/memory.h"
#include "vmm/base/util.h"
#include "vmm/dev/link/link.h"
#include "vmm/dev/virtio/blk.h"
#include "vmm/dev/virtio/rng.h"

enum { SIZE = 16, PATIENCE = 10, PLENTY = 1000 };

static struct driver d;
static struct virtio_rng rng;
static struct entropy_fixed source;
static struct link_remote remote;
static struct link_server server;
static _Alignas(4096) uint8_t registers[LINK_REGISTERS];
static _Alignas(4096) uint8_t ring[LINK_RING];
static struct virtio_kept kept;
static unsigned wakes, waits, losses, interrupts;
static bool server_runs, level;

/* On one core the program runs at once; on another one some time later. */
static bool at_once;

static void wake(void *ctx)
{
	(void)ctx;
	wakes++;
	if (server_runs && at_once)
		(void)link_server_run(&server);
}

static bool wait_some(void *ctx, unsigned attempt)
{
	(void)ctx;
	waits++;
	if (server_runs && attempt == PATIENCE / 2)
		(void)link_server_run(&server);
	return attempt < PATIENCE;
}

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	assert_int_not_equal(up, level);
	level = up;
	interrupts += up;
}

static void lost(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	losses++;
}

static const struct link_setup setup = {
	.registers = registers,
	.ring = (struct link_ring *)(void *)ring,
	.wake = wake,
	.wait = wait_some,
	.irq = irq,
	.lost = lost,
};

/* `ops`: instead of its own, or NULL. */
static void init_rng(const struct virtio_ops *ops)
{
	virtio_rng_init(&rng,
			&(struct virtio_setup){
				.name = "rng",
				.gmem = &d.gmem,
				.packed = true,
				.owner = driver_owner(&d),
			},
			&source.backend);
	if (ops != NULL)
		rng.vd.setup.ops = ops;
}

static void start_server(void)
{
	init_rng(NULL);
	link_server_init(&server, &rng.vd, registers, (struct link_ring *)(void *)ring, &kept);
}

static int begin(void **state)
{
	(void)state;
	memset(registers, 0, sizeof(registers));
	memset(ring, 0, sizeof(ring));
	memset(&kept, 0, sizeof(kept));
	wakes = waits = losses = interrupts = 0;
	level = false;
	at_once = true;
	server_runs = true;
	entropy_fixed_init(&source, 1, PLENTY);
	driver_init(&d);
	start_server();
	link_remote_init(&remote, &setup);
	d.vd = &rng.vd;
	d.handler = link_remote_access;
	d.device = &remote;
	d.lock = &remote.lock;
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

static bool exchange(void)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, 32, 1), .len = 32, .writable = true };
	uint32_t written;
	int id;

	assert_true(driver_add(&d, 0, &b, 1, false) >= 0);
	(void)driver_kick(&d, 0);
	if (server_runs)
		(void)link_server_run(&server); /* a notification is not waited for */
	return driver_used(&d, 0, &id, &written) && written == 32;
}

static void test_works(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		at_once = i == 0;
		assert_int_equal(driver_read(&d, 0x000), 0x74726976);
		assert_int_equal(driver_read(&d, 0x008), 4);
		assert_true(driver_start(&d, i == 0 ? 0 : VIRTIO_F_RING_PACKED, 1, SIZE));
		assert_true(exchange());
		/* The line follows the status once the program has signalled. */
		link_remote_event(&remote, 0);
		assert_true(level);
		assert_int_equal(driver_acknowledge(&d), 1);
		assert_false(level);
	}
	assert_int_equal(losses, 0);
	assert_true(waits > 0);
}

/* The program tells when its VMM must be signalled: once for a change of the line. */
static void test_signals(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_false(link_server_run(&server));
	source.left = 0;
	assert_false(exchange());
	source.left = PLENTY;
	virtio_event(&rng.vd, 0);
	assert_true(link_server_run(&server));
	assert_false(link_server_run(&server));
	link_remote_event(&remote, 1);
	assert_true(level);
}

/* Reads need nobody, and show what the device would say, at every width. */
static void test_reads(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	wakes = 0;
	for (unsigned width = 1; width <= 8; width *= 2) {
		for (uint64_t at = 0; at + width <= VIRTIO_MMIO_SIZE; at++) {
			struct mmio_access own = { .offset = at, .width = (uint8_t)width };

			virtio_mmio_access(&server.mmio, &own);
			assert_int_equal(driver_access(&d, false, at, width, 0), own.value);
		}
	}
	assert_int_equal(wakes, 0);
}

/* A program that hangs costs a bounded wait, once; the guest sees a device that needs a reset. */
static void test_hung(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
	link_remote_event(&remote, 0);
	assert_true(level);
	server_runs = false;
	waits = 0;
	driver_write(&d, 0x030, 0);
	assert_int_equal(losses, 1);
	assert_int_equal(waits, PATIENCE + 1);
	assert_false(level); /* no interrupt without end */
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
	for (unsigned i = 0; i < 3 * LINK_WRITES; i++)
		driver_write(&d, 0x050, 0);
	link_remote_power_on(&remote);
	assert_int_equal(losses, 1);
	assert_int_equal(waits, PATIENCE + 1);
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
}

/* Notifications fill the ring; then they are waited for. */
static void test_full(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	at_once = false;
	waits = 0;
	for (unsigned i = 0; i < LINK_WRITES; i++)
		driver_write(&d, 0x050, 0);
	assert_int_equal(waits, 0);
	driver_write(&d, 0x050, 0);
	assert_int_equal(waits, PATIENCE / 2 + 1);
	assert_int_equal(losses, 0);
}

/* A program that writes anything anywhere: the guest may see it, the VMM goes on. */
static void test_hostile_program(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		if (i % 3 == 0)
			registers[(seed >> 8) % sizeof(registers)] = (uint8_t)(seed >> 24);
		else
			ring[(seed >> 8) % sizeof(ring)] = (uint8_t)(seed >> 24);
		(void)driver_access(&d, i % 2 != 0, (seed >> 4) % 0x200 & ~UINT64_C(3), 4, seed);
		link_remote_event(&remote, 0);
	}
	assert_true(losses <= 1);
}

/* A VMM that posts anything: as a guest that writes anything. */
static void test_hostile_vmm(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		ring[(seed >> 8) % (i % 4 == 0 ? 8U : sizeof(ring))] = (uint8_t)(seed >> 24);
		(void)link_server_run(&server);
	}
	memset(ring, 0, sizeof(ring));
	server.head = 0;
	link_remote_init(&remote, &setup);
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
}

/* A VMM that says what no guest can: a store of a width that there is not, or behind the registers. */
static void test_stores_that_are_none(void **state)
{
	static const struct link_write none[] = {
		{ .offset = 0x070, .width = 0 },
		{ .offset = 0x070, .width = 3 },
		{ .offset = 0x070, .width = 16 },
		{ .offset = 0x070, .width = 0x104 }, /* 4, if it were cut to a byte */
		{ .offset = VIRTIO_MMIO_SIZE, .width = 4 },
		{ .offset = UINT32_MAX, .width = 8 },
	};
	struct link_ring *stores = (struct link_ring *)(void *)ring;

	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		stores->write[stores->tail % LINK_WRITES] = none[i];
		stores->tail++;
	}
	(void)link_server_run(&server);
	assert_int_equal(stores->head, stores->tail);
	remote.tail = stores->tail;
	assert_int_equal(driver_read(&d, 0x070), 1 | 2 | 8 | 4); /* a store of 0 resets */
	assert_true(exchange());
}

static void offer(void)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, 32, 1), .len = 32, .writable = true };

	assert_true(driver_add(&d, 0, &b, 1, false) >= 0);
	(void)driver_kick(&d, 0);
	(void)link_server_run(&server);
}

/* The program dies with a request in flight, and is started again: it is answered, and nothing else happens. */
static void test_restart(void **state)
{
	uint32_t written;
	int id;

	(void)state;
	for (unsigned packed = 0; packed < 2; packed++) {
		assert_true(driver_start(&d, packed != 0 ? VIRTIO_F_RING_PACKED : 0, 1, SIZE));
		assert_true(exchange());
		source.left = 0;
		offer();
		source.left = PLENTY;
		start_server();
		assert_true(link_server_run(&server));
		link_remote_event(&remote, 0);
		assert_true(level);
		assert_int_equal(driver_acknowledge(&d), 1);
		assert_true(driver_used(&d, 0, &id, &written));
		assert_int_equal(written, 32);
		assert_false(driver_used(&d, 0, &id, &written));
		assert_true(exchange());
		assert_int_equal(losses, 0);
	}

	/* Not in use: nobody is told anything. */
	driver_write(&d, 0x070, 0);
	start_server();
	assert_false(link_server_run(&server));
	assert_int_equal(driver_read(&d, 0x070), 0);
}

/* It died while the driver was still about it: the driver goes on where it was. */
static void test_restart_before_ok(void **state)
{
	(void)state;
	driver_write(&d, 0x070, 3);
	start_server();
	assert_int_equal(driver_read(&d, 0x070), 3);
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
}

/* An interrupt that was not acknowledged is still there. */
static void test_restart_keeps_interrupts(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	virtio_config_changed(&rng.vd);
	start_server();
	assert_true(link_server_run(&server));
	link_remote_event(&remote, 0);
	assert_int_equal(driver_acknowledge(&d), 3);
	assert_false(level);
}

/* Also if the program dies again while it starts: the page never says less. */
static void go_on_and_look(struct virtio_dev *vd)
{
	(void)vd;
	assert_int_equal(driver_read(&d, 0x060), 2);
}

static void test_restart_shows_interrupts(void **state)
{
	static struct virtio_ops ops;

	(void)state;
	ops = *rng.vd.setup.ops;
	assert_true(driver_start(&d, 0, 1, SIZE));
	virtio_config_changed(&rng.vd);
	ops.go_on = go_on_and_look;
	init_rng(&ops);
	link_server_init(&server, &rng.vd, registers, (struct link_ring *)(void *)ring, &kept);
}

/* A disk whose size a successor sees first: the driver hears of it, once, and not that it is not known yet. */
static void test_restart_with_another_size(void **state)
{
	static uint8_t bytes[8 * BLOCK_SECTOR];
	static struct virtio_blk blk;
	struct block_memory disk;
	uint32_t generation = 0;

	(void)state;
	for (unsigned life = 0; life < 5; life++) {
		block_memory_init(&disk, bytes, life == 0 ? 0 : sizeof(bytes), false);
		disk.info.changing = life == 1 || life == 4;
		disk.info.sectors = disk.info.changing ? 0 : disk.info.sectors;
		virtio_blk_init(&blk, &(struct virtio_setup){ .name = "blk", .gmem = &d.gmem },
				&disk.backend, 1, false);
		link_server_init(&server, &blk.vd, registers, (struct link_ring *)(void *)ring,
				 &kept);
		d.vd = &blk.vd;
		if (life == 0) {
			assert_true(driver_start(&d, 0, 1, SIZE));
			generation = driver_read(&d, 0x0fc);
		}
		link_remote_event(&remote, 0);
		assert_int_equal(driver_read(&d, 0x100), life < 2 || life == 4 ? 0 : 8);
		assert_int_equal(driver_acknowledge(&d) & 2, life == 2 ? 2 : 0);
	}
	assert_int_not_equal(driver_read(&d, 0x0fc), generation);
}

/* What the predecessor kept is no better than what a driver writes. */
static void test_restart_with_nonsense(void **state)
{
	static struct virtio_kept good;
	uint32_t seed = 3;

	(void)state;
	assert_true(driver_start(&d, VIRTIO_F_RING_PACKED, 1, SIZE));
	assert_true(exchange());
	good = kept;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *bytes = (uint8_t *)(i % 3 == 0 ? (void *)&kept : (void *)kept.queue);
		size_t size = i % 3 == 0 ? sizeof(kept) : sizeof(kept.queue[0]);

		kept = good;
		for (unsigned n = 1 + i % 4; n > 0; n--) {
			seed = seed * 1103515245 + 12345;
			bytes[(seed >> 8) % size] = (uint8_t)(seed >> 24);
		}
		start_server();
		(void)link_server_run(&server);
		virtio_event(&rng.vd, 0);
	}
	kept = good;
	start_server();
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
}

static void start_server_that_cannot_go_on(void)
{
	static struct virtio_ops ops;

	ops = *rng.vd.setup.ops;
	ops.go_on = NULL;
	virtio_rng_init(
		&rng,
		&(struct virtio_setup){ .name = "rng", .gmem = &d.gmem, .owner = driver_owner(&d) },
		&source.backend);
	rng.vd.setup.ops = &ops;
	link_server_init(&server, &rng.vd, registers, (struct link_ring *)(void *)ring, &kept);
}

/* A device that knows more than its queues tell needs a reset, and tells its driver so. */
static void test_restart_of_another_kind(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	start_server_that_cannot_go_on();
	assert_null(rng.queues[0].order);
	assert_true(link_server_run(&server));
	link_remote_event(&remote, 0);
	assert_int_equal(driver_acknowledge(&d) & 2, 2);
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
}

/* But not before its driver has begun: it has nothing to lose. */
static void test_restart_of_another_kind_before_ok(void **state)
{
	(void)state;
	driver_write(&d, 0x070, 3);
	start_server_that_cannot_go_on();
	assert_int_equal(driver_read(&d, 0x070), 3);
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
}

/* Admin says that it will not run again: nobody waits for it, and that is told once. */
static void test_given_up(void **state)
{
	static uint32_t over;
	struct link_setup with = setup;

	(void)state;
	over = 0;
	with.over = &over;
	link_remote_init(&remote, &with);
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
	server_runs = false;
	over = 1;
	link_remote_event(&remote, 0);
	assert_int_equal(losses, 1);
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
	waits = 0;
	driver_write(&d, 0x070, 0);
	assert_int_equal(waits, 0);
	link_remote_event(&remote, 0);
	assert_int_equal(losses, 1);

	/* The same if it happens while a store is waited for. */
	over = 0;
	link_remote_init(&remote, &with);
	over = 1;
	driver_write(&d, 0x070, 0);
	assert_int_equal(waits, 0);
	assert_int_equal(losses, 2);
}

static void test_power_on(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 1, SIZE));
	assert_true(exchange());
	link_remote_event(&remote, 0);
	assert_true(level);
	link_remote_power_on(&remote);
	assert_false(level);
	assert_int_equal(rng.vd.status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_works),
		TEST(test_signals),
		TEST(test_reads),
		TEST(test_hung),
		TEST(test_full),
		TEST(test_hostile_program),
		TEST(test_hostile_vmm),
		TEST(test_stores_that_are_none),
		TEST(test_restart),
		TEST(test_power_on),
		TEST(test_restart_before_ok),
		TEST(test_given_up),
		TEST(test_restart_keeps_interrupts),
		TEST(test_restart_shows_interrupts),
		TEST(test_restart_with_another_size),
		TEST(test_restart_with_nonsense),
		TEST(test_restart_of_another_kind),
		TEST(test_restart_of_another_kind_before_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
