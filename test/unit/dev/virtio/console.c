/* SPDX-License-Identifier: BSD-2-Clause */
/* The console device: one port without MULTIPORT, several with it, and backends that are full or empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"
#include "vmm/dev/virtio/console.h"

#define MULTIPORT (UINT64_C(1) << 1)
#define RESIZABLE (UINT64_C(1) << 0)

enum { SIZE = 16, PORTS = 2, RX = 0, TX = 1, CONTROL_RX = 2, CONTROL_TX = 3, RX1 = 4, TX1 = 5 };

static struct driver d;
static struct virtio_console con;
static struct console_memory memory[PORTS];
static uint8_t out[PORTS][32], in[PORTS][64];

static int begin(void **state)
{
	const struct virtio_console_port ports[PORTS] = {
		{ .backend = &memory[0].backend,
		  .name = "main",
		  .console = true,
		  .columns = 80,
		  .rows = 25 },
		{ .backend = &memory[1].backend },
	};

	(void)state;
	for (unsigned i = 0; i < PORTS; i++)
		console_memory_init(&memory[i], out[i], sizeof(out[i]), in[i], sizeof(in[i]));
	driver_init(&d);
	virtio_console_init(&con,
			    &(struct virtio_setup){
				    .name = "console",
				    .gmem = &d.gmem,
				    .packed = true,
				    .owner = driver_owner(&d),
			    },
			    ports, PORTS);
	driver_connect(&d, &con.vd, NULL);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	driver_fini(&d);
	return 0;
}

static uint64_t offer(unsigned queue, uint32_t len)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, len, 1), .len = len, .writable = true };

	assert_true(driver_add(&d, queue, &b, 1, false) >= 0);
	(void)driver_kick(&d, queue);
	return b.gpa;
}

static void send(unsigned queue, const void *bytes, uint32_t len)
{
	struct driver_buffer b = { .gpa = driver_alloc(&d, len, 1), .len = len };

	memcpy(driver_host(&d, b.gpa), bytes, len);
	assert_true(driver_add(&d, queue, &b, 1, false) >= 0);
	(void)driver_kick(&d, queue);
}

static void feed(unsigned port, const char *text)
{
	assert_int_equal(console_memory_feed(&memory[port], (const uint8_t *)text, strlen(text)),
			 strlen(text));
	virtio_event(&con.vd, 0);
}

static void expect_output(unsigned port, const char *text)
{
	uint8_t got[64];
	size_t n = console_memory_drain(&memory[port], got, sizeof(got));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

static void expect_input(unsigned queue, uint64_t gpa, const char *text)
{
	uint32_t written;
	int id;

	assert_true(driver_used(&d, queue, &id, &written));
	assert_int_equal(written, strlen(text));
	assert_memory_equal(driver_host(&d, gpa), text, written);
}

/* ---- one port ---- */

static void test_single(void **state)
{
	uint32_t written;
	uint64_t gpa;
	int id;

	(void)state;
	feed(0, "early "); /* waits in the backend */
	assert_true(driver_start(&d, RESIZABLE, 2, SIZE));
	assert_int_equal(driver_access(&d, false, 0x100, 2, 0), 80);
	assert_int_equal(driver_access(&d, false, 0x102, 2, 0), 25);
	assert_int_equal(driver_access(&d, false, 0x104, 4, 0), PORTS);
	send(TX, "hello", 5);
	expect_output(0, "hello");
	assert_true(driver_used(&d, TX, &id, &written));
	gpa = offer(RX, 4);
	expect_input(RX, gpa, "earl");
	gpa = offer(RX, 4);
	expect_input(RX, gpa, "y ");
	gpa = offer(RX, 16);
	assert_false(driver_used(&d, RX, &id, &written));
	feed(0, "input");
	expect_input(RX, gpa, "input");
	/* The other queues do nothing without MULTIPORT. */
	driver_setup(&d, CONTROL_RX, SIZE);
	driver_write(&d, 0x050, CONTROL_RX);
	driver_write(&d, 0x050, TX1);
	driver_setup(&d, CONTROL_TX, SIZE);
	send(CONTROL_TX, &(uint64_t){ 0 }, sizeof(uint64_t));
	assert_false(driver_used(&d, CONTROL_TX, &id, &written));
	assert_int_equal(d.said, 0);
}

/* Output for which there is no room stays in the queue, and comes in order and once. */
static void test_backpressure(void **state)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
	struct driver_buffer b[2];
	uint8_t got[128];
	size_t have = 0;
	uint32_t written;
	unsigned used = 0;
	int id;

	(void)state;
	assert_true(driver_start(&d, VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX, 2, SIZE));
	b[0] = (struct driver_buffer){ .gpa = driver_alloc(&d, 30, 1), .len = 30 };
	b[1] = (struct driver_buffer){ .gpa = driver_alloc(&d, 20, 1), .len = 20 };
	memcpy(driver_host(&d, b[0].gpa), text, 30);
	memcpy(driver_host(&d, b[1].gpa), text + 30, 20);
	assert_true(driver_add(&d, TX, b, 2, false) >= 0);
	assert_true(driver_kick(&d, TX));
	assert_false(driver_used(&d, TX, &id, &written));
	send(TX, "more", 4);
	for (unsigned round = 0; round < 20; round++) {
		have += console_memory_drain(&memory[0], got + have, 7);
		virtio_event(&con.vd, 0);
		while (driver_used(&d, TX, &id, &written))
			used++;
	}
	assert_int_equal(used, 2);
	assert_int_equal(have, 54);
	assert_memory_equal(got, text, 50);
	assert_memory_equal(got + 50, "more", 4);
}

/* A reset in the middle of a buffer: the next one starts at its beginning. */
static void test_reset_in_output(void **state)
{
	uint8_t fill[40];

	(void)state;
	memset(fill, 'x', sizeof(fill));
	for (unsigned of_queue = 0; of_queue < 2; of_queue++) {
		assert_true(driver_start(&d, VIRTIO_F_RING_RESET, 2, SIZE));
		send(TX, fill, sizeof(fill));
		assert_int_equal(con.port[0].sent, sizeof(out[0]));
		if (of_queue != 0) {
			driver_write(&d, 0x030, TX);
			driver_write(&d, 0x0c0, 1);
			driver_setup(&d, TX, SIZE);
		} else {
			assert_true(driver_start(&d, 0, 2, SIZE));
		}
		(void)console_memory_drain(&memory[0], fill, sizeof(fill));
		virtio_event(&con.vd, 0);
		send(TX, "again", 5);
		expect_output(0, "again");
	}
}

static void test_emergency(void **state)
{
	(void)state;
	(void)driver_access(&d, true, 0x108, 4, 'E'); /* before anything is set up */
	(void)driver_access(&d, true, 0x104, 4, 'X');
	expect_output(0, "E");
}

/* ---- several ports ---- */

struct message {
	uint32_t id;
	uint16_t event, value;
	uint8_t more[32];
};

static void control(uint32_t id, uint16_t event, uint16_t value)
{
	struct message m = { .id = id, .event = event, .value = value };
	uint32_t written;
	int used;

	send(CONTROL_TX, &m, 8);
	assert_true(driver_used(&d, CONTROL_TX, &used, &written));
}

static void expect_control(uint64_t gpa, uint32_t id, uint16_t event, const char *more,
			   uint32_t more_len)
{
	struct message m;
	uint32_t written;
	int used;

	assert_true(driver_used(&d, CONTROL_RX, &used, &written));
	memcpy(&m, driver_host(&d, gpa), sizeof(m));
	assert_int_equal(m.id, id);
	assert_int_equal(m.event, event);
	assert_int_equal(m.value, 1);
	assert_int_equal(written, 8 + more_len);
	if (more_len != 0)
		assert_memory_equal(m.more, more, more_len);
}

static void start_ports(uint64_t features, uint64_t gpa[8])
{
	assert_true(driver_start(&d, MULTIPORT | features, 6, SIZE));
	for (unsigned i = 0; i < 8; i++)
		gpa[i] = offer(CONTROL_RX, 40);
}

static void test_ports(void **state)
{
	uint64_t gpa[8], rx;
	uint32_t written;
	int id;

	(void)state;
	start_ports(RESIZABLE, gpa);
	control(0, 0, 1); /* DEVICE_READY */
	expect_control(gpa[0], 0, 1, NULL, 0);
	expect_control(gpa[1], 1, 1, NULL, 0);
	control(0, 3, 1); /* PORT_READY */
	expect_control(gpa[2], 0, 4, NULL, 0);
	expect_control(gpa[3], 0, 7, "main", 4);
	expect_control(gpa[4], 0, 5, "P\0\x19\0", 4); /* columns, rows */
	expect_control(gpa[5], 0, 6, NULL, 0);
	control(1, 3, 1);
	expect_control(gpa[6], 1, 6, NULL, 0);
	assert_false(driver_used(&d, CONTROL_RX, &id, &written));

	/* Input waits until the port is open, output does not. */
	rx = offer(RX1, 16);
	feed(1, "wait");
	assert_false(driver_used(&d, RX1, &id, &written));
	control(1, 6, 1);
	expect_input(RX1, rx, "wait");
	control(1, 6, 0);
	rx = offer(RX1, 16);
	feed(1, "more");
	assert_false(driver_used(&d, RX1, &id, &written));
	send(TX1, "out", 3);
	expect_output(1, "out");
	expect_output(0, "");
	assert_int_equal(d.said, 0);
}

static void test_resize(void **state)
{
	uint64_t gpa[8];
	uint32_t generation = driver_read(&d, 0x0fc);

	(void)state;
	start_ports(RESIZABLE, gpa);
	control(0, 6, 1);
	(void)driver_acknowledge(&d);
	virtio_console_resize(&con, 0, 132, 43);
	assert_int_equal(driver_access(&d, false, 0x100, 4, 0), 132 | 43 << 16);
	assert_int_not_equal(driver_read(&d, 0x0fc), generation);
	assert_int_equal(driver_acknowledge(&d) & 2, 2);
	expect_control(gpa[0], 0, 5, "\x84\0\x2b\0", 4);
}

/* Without buffers for control messages they are owed, none is lost, and each is sent once. */
static void test_owed(void **state)
{
	uint32_t written;
	uint64_t gpa;
	int id;

	(void)state;
	assert_true(driver_start(&d, MULTIPORT | VIRTIO_F_EVENT_IDX, 6, SIZE));
	control(0, 0, 1);
	control(0, 3, 1);
	control(0, 0, 1);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 0, 1, NULL, 0);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 0, 4, NULL, 0);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 0, 7, "main", 4);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 0, 5, "P\0\x19\0", 4);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 0, 6, NULL, 0);
	gpa = offer(CONTROL_RX, 40);
	expect_control(gpa, 1, 1, NULL, 0);
	(void)offer(CONTROL_RX, 40);
	assert_false(driver_used(&d, CONTROL_RX, &id, &written));
}

/* Messages that are too short, for ports that are not there, of kinds that do not exist. */
static void test_bad_control(void **state)
{
	uint64_t gpa[8];
	uint32_t written;
	int id;

	(void)state;
	start_ports(0, gpa);
	send(CONTROL_TX, "1234567", 7);
	control(PORTS, 3, 1);
	control(UINT32_MAX, 6, 1);
	control(0, 99, 1);
	control(0, 1, 1); /* ours to say */
	control(0, 0, 0); /* the driver gave up */
	assert_false(driver_used(&d, CONTROL_RX, &id, &written));
	assert_int_equal(d.said, 0);
	send(TX, "", 0);
	assert_true(driver_used(&d, TX, &id, &written));
}

static void test_bad_buffers(void **state)
{
	(void)state;
	assert_true(driver_start(&d, 0, 2, SIZE));
	send(RX, "readable", 8);
	assert_string_equal(d.why, "console: a buffer that cannot be written");
	assert_true(driver_start(&d, MULTIPORT, 6, SIZE));
	(void)offer(CONTROL_RX, 7);
	control(0, 0, 1);
	assert_string_equal(d.why, "console: control buffer too small");
	assert_int_equal(driver_read(&d, 0x070) & 64, 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_single),    TEST(test_backpressure), TEST(test_reset_in_output),
		TEST(test_emergency), TEST(test_ports),        TEST(test_resize),
		TEST(test_owed),      TEST(test_bad_control),  TEST(test_bad_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
