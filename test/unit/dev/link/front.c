/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device in another program, behind PCI: a console with two ports, driven through the VMM's front, must do
 * what it does when it is in the VMM; and a program that hangs, lies or is started again costs its device only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "test/support/virtio_pci.h"
#include "vmm/base/util.h"
#include "vmm/dev/link/front.h"
#include "vmm/dev/virtio/console.h"

enum { SIZE = 16, PATIENCE = 10, RX = 0, TX = 1, CONFIG = 0x100, STATUS = 0x070 };

#define RESIZABLE (UINT64_C(1) << 0)

static struct driver d;
static struct driver_pci pci;
static struct virtio_console con;
static struct console_memory memory;
static uint8_t out[64], in[64];
static struct link_front front;
static struct link_server server;
static _Alignas(4096) uint8_t registers[LINK_REGISTERS];
static _Alignas(4096) uint8_t ring[LINK_RING];
static struct virtio_kept kept;
static unsigned losses, waits;
static bool server_runs, signalled;
static bool takes_all; /* the program takes every store, and does nothing */

static void run_server(void)
{
	struct link_ring *stores = (struct link_ring *)(void *)ring;

	if (takes_all)
		stores->head = stores->tail;
	else if (server_runs)
		signalled |= link_server_run(&server);
}

static void wake(void *ctx)
{
	(void)ctx;
	run_server();
}

static bool wait_some(void *ctx, unsigned attempt)
{
	(void)ctx;
	waits++;
	run_server();
	return attempt < PATIENCE;
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
	.lost = lost,
};

/* What the program's signal does in the VMM. */
static void hear(void)
{
	run_server();
	if (signalled)
		virtio_event(&front.vd, 0);
	signalled = false;
}

static void start_server(void)
{
	const struct virtio_console_port port = {
		.backend = &memory.backend,
		.console = true,
		.columns = 80,
		.rows = 25,
	};

	virtio_console_init(&con,
			    &(struct virtio_setup){
				    .name = "console",
				    .gmem = &d.gmem,
				    .packed = true,
				    .owner = driver_owner(&d),
			    },
			    &port, 1);
	link_server_init(&server, &con.vd, registers, (struct link_ring *)(void *)ring, &kept);
}

static enum vmm_err start_front(void)
{
	return link_front_init(&front,
			       &(struct virtio_setup){
				       .name = "front",
				       .gmem = &d.gmem,
				       .owner = driver_owner(&d),
			       },
			       &setup);
}

static int begin(void **state)
{
	(void)state;
	memset(registers, 0, sizeof(registers));
	memset(ring, 0, sizeof(ring));
	memset(&kept, 0, sizeof(kept));
	losses = waits = 0;
	server_runs = true;
	takes_all = false;
	signalled = false;
	console_memory_init(&memory, out, sizeof(out), in, sizeof(in));
	driver_init(&d);
	start_server();
	if (start_front() != VMM_OK)
		return 1;
	driver_connect_pci(&d, &pci, &front.vd);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

static void send(const char *text)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, 16, 1), .len = (uint32_t)strlen(text) };

	memcpy(driver_host(&d, b.gpa), text, b.len);
	assert_true(driver_add(&d, TX, &b, 1, false) >= 0);
	(void)driver_kick(&d, TX);
	hear();
}

static void expect_output(const char *text)
{
	uint8_t got[64];
	size_t n = console_memory_drain(&memory, got, sizeof(got));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

static void feed(const char *text)
{
	assert_int_equal(console_memory_feed(&memory, (const uint8_t *)text, strlen(text)),
			 strlen(text));
	virtio_event(&con.vd, 0); /* in the program */
	hear();
}

static void test_is_what_the_program_has(void **state)
{
	(void)state;
	assert_int_equal(front.vd.offered, con.vd.offered);
	assert_int_equal(front.vd.setup.queue_count, con.vd.setup.queue_count);
	assert_int_equal(front.vd.setup.queue_size_max, VIRTIO_CONSOLE_QUEUE_SIZE);
	assert_int_equal(front.vd.setup.ops->device_id, VIRTIO_ID_CONSOLE);
	assert_int_equal(losses, 0);
}

static void exchange(uint64_t features)
{
	struct driver_buffer b = { .writable = true, .len = 16 };
	uint32_t written;
	int id;

	assert_true(driver_start(&d, features | RESIZABLE, 2, SIZE));
	assert_int_equal(driver_access(&d, false, CONFIG, 2, 0), 80);
	assert_int_equal(driver_access(&d, false, CONFIG + 2, 2, 0), 25);
	send("hello");
	expect_output("hello");
	assert_true(driver_used(&d, TX, &id, &written));
	b.gpa = driver_alloc(&d, b.len, 1);
	assert_true(driver_add(&d, RX, &b, 1, false) >= 0);
	(void)driver_kick(&d, RX);
	hear();
	assert_false(driver_used(&d, RX, &id, &written));
	(void)driver_acknowledge(&d);
	feed("input");
	assert_true(d.level);
	assert_int_equal(driver_acknowledge(&d) & 1, 1);
	assert_true(driver_used(&d, RX, &id, &written));
	assert_int_equal(written, 5);
	assert_memory_equal(driver_host(&d, b.gpa), "input", 5);
}

static void test_split(void **state)
{
	(void)state;
	exchange(0);
	exchange(VIRTIO_F_EVENT_IDX);
	assert_int_equal(losses, 0);
}

static void test_packed(void **state)
{
	(void)state;
	exchange(VIRTIO_F_RING_PACKED);
	exchange(VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
}

/* An interrupt is for what happened, once, though the program's status is never acknowledged. */
static void test_each_interrupt_is_heard(void **state)
{
	(void)state;
	assert_true(driver_start(&d, RESIZABLE, 2, SIZE));
	for (unsigned i = 0; i < 5; i++) {
		unsigned before = d.interrupts;

		send("x");
		assert_int_equal(d.interrupts, before + 1);
		virtio_event(&front.vd, 0); /* nothing new */
		assert_int_equal(d.interrupts, before + 1);
		assert_int_equal(driver_acknowledge(&d), 1);
	}
}

static void test_configuration(void **state)
{
	(void)state;
	assert_true(driver_start(&d, RESIZABLE, 2, SIZE));
	virtio_console_resize(&con, 0, 132, 43);
	hear();
	assert_int_equal(driver_acknowledge(&d) & 2, 2);
	assert_int_equal(driver_access(&d, false, CONFIG, 2, 0), 132);
	(void)driver_access(&d, true, CONFIG + 8, 4, '!'); /* emergency write */
	expect_output("!");
}

static void test_queue_reset(void **state)
{
	(void)state;
	assert_true(driver_start(&d, VIRTIO_F_RING_RESET, 2, SIZE));
	send("one");
	assert_true(con.queues[TX].enabled);
	driver_write(&d, 0x030, TX);
	driver_write(&d, 0x0c0, 1);
	assert_false(con.queues[TX].enabled);
	driver_setup(&d, TX, SIZE);
	assert_false(con.queues[TX].enabled); /* until it is used */
	send("two");
	assert_true(con.queues[TX].enabled);
	expect_output("onetwo");
	driver_write(&d, STATUS, 0);
	assert_int_equal(con.vd.status, 0);
}

/* A ring that breaks the rules is seen by the program, and the driver hears of it. */
static void test_bad_ring(void **state)
{
	struct driver_buffer b = { .gpa = UINT64_C(1) << 60, .len = 5 };

	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	assert_true(driver_add(&d, TX, &b, 1, false) >= 0);
	(void)driver_kick(&d, TX);
	hear();
	assert_int_equal(driver_read(&d, STATUS) & VIRTIO_STATUS_NEEDS_RESET,
			 VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(driver_acknowledge(&d) & 2, 2);
	exchange(0);
}

static void test_hung(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	server_runs = false;
	for (unsigned i = 0; i < 2 * LINK_WRITES; i++)
		driver_write(&d, 0x050, TX);
	assert_int_equal(losses, 1);
	assert_int_equal(driver_read(&d, STATUS) & VIRTIO_STATUS_NEEDS_RESET,
			 VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(driver_acknowledge(&d) & 2, 2);
	/* A reset ends, and no driver gets further than its features. */
	driver_write(&d, STATUS, 0);
	assert_int_equal(driver_read(&d, STATUS), 0);
	assert_false(driver_start(&d, 0, 2, SIZE));
	virtio_event(&front.vd, 0);
	assert_int_equal(losses, 1);
	/* Nor is there a device for the next VM. */
	memset(ring, 0, sizeof(ring));
	assert_int_equal(start_front(), VMM_ERR_ABSENT);
}

static void test_restart(void **state)
{
	(void)state;
	exchange(0);
	start_server();
	hear();
	assert_int_equal(driver_read(&d, STATUS) & VIRTIO_STATUS_NEEDS_RESET,
			 VIRTIO_STATUS_NEEDS_RESET);
	exchange(0);
	assert_int_equal(losses, 0);
}

static void test_power_on(void **state)
{
	(void)state;
	exchange(0);
	virtio_power_on(&front.vd);
	assert_int_equal(con.vd.status, 0);
	driver_pci_place(&pci);
	exchange(VIRTIO_F_RING_PACKED);
}

/* A program that says that its device is what none can be. */
static void test_impossible_devices(void **state)
{
	static const uint32_t sizes[] = { 0, 3, 512, 0x10000, UINT32_MAX };

	(void)state;
	takes_all = true;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		*(uint32_t *)(void *)(registers + 0x034) = sizes[i];
		assert_int_equal(start_front(), VMM_ERR_RANGE);
	}
	*(uint32_t *)(void *)(registers + 0x034) = 256;
	assert_int_equal(start_front(), VMM_OK);
	assert_int_equal(losses, 0);
}

/* One that does not take the features: no driver gets further, and the program is not given up. */
static void test_features_that_are_not_taken(void **state)
{
	(void)state;
	takes_all = true;
	*(uint32_t *)(void *)(registers + STATUS) = 0;
	assert_false(driver_start(&d, 0, 2, SIZE));
	assert_int_equal(driver_read(&d, STATUS) & VIRTIO_STATUS_FEATURES_OK, 0);
	assert_int_equal(losses, 0);
	takes_all = false;
	exchange(0);
}

/* One that writes anything anywhere: the guest may see it, the VMM goes on. */
static void test_hostile_program(void **state)
{
	uint32_t seed = 1;

	(void)state;
	assert_true(driver_start(&d, RESIZABLE, 2, SIZE));
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		registers[(seed >> 8) % sizeof(registers)] = (uint8_t)(seed >> 24);
		if (i % 64 == 0)
			ring[(seed >> 8) % sizeof(ring)] = (uint8_t)(seed >> 24);
		if (i % 4 == 0)
			(void)driver_access(&d, i % 8 != 0, (seed >> 4) % 0x200 & ~UINT64_C(3), 4,
					    seed);
		virtio_event(&front.vd, 0);
	}
	assert_true(losses <= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_is_what_the_program_has),
		TEST(test_split),
		TEST(test_packed),
		TEST(test_each_interrupt_is_heard),
		TEST(test_configuration),
		TEST(test_queue_reset),
		TEST(test_bad_ring),
		TEST(test_hung),
		TEST(test_restart),
		TEST(test_power_on),
		TEST(test_impossible_devices),
		TEST(test_features_that_are_not_taken),
		TEST(test_hostile_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
