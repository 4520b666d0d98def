/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer's moving part: queues of a driver and of three clients, with the test in the place of
 * the kernel (it counts signals). What the screen shows is mux.c's, and tested there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/console/console.h"
#include "vmm/base/util.h"

enum {
	QUEUE = 4096,
	CLIENTS = 3,
	LOG = 0, /* client indices */
	ONE = 1,
	TWO = 2,
	WAKE = 10, /* capabilities */
	SERIAL = 11,
	TIMER = 12,
	NOTIFY = 20, /* and the client's index */
};

static struct world {
	_Alignas(8) uint8_t pages[4 + 4 * CLIENTS][4096];
	struct vmm_start start;
	struct vmm_console_config config;
	struct console console;
	struct serialq_producer typed; /* the driver's ends */
	struct serialq_consumer shown;
	struct serialq_consumer rx[CLIENTS]; /* the clients' */
	struct serialq_producer tx[CLIENTS];
	unsigned signals[32], ticks;
} w;

__thread seL4_IPCBuffer *__sel4_ipc_buffer;

void sel4_trap_signal(seL4_Word number, seL4_CPtr dest)
{
	(void)number;
	assert_in_range(dest, 1, ARRAY_SIZE(w.signals) - 1);
	w.signals[dest]++;
}

void sel4_trap_call(seL4_Word number, struct sel4_regs *r)
{
	(void)number;
	assert_int_equal(r->cap, TIMER);
	w.ticks++;
	r->mr[1] = 1000;
}

static void region(const char *name, const void *at)
{
	struct vmm_start_region *r = &w.start.regions[w.start.region_count++];

	memcpy(r->name, name, strlen(name));
	r->vaddr = (uintptr_t)at;
	r->size = QUEUE;
}

static void cap(const char *name, uint64_t cptr)
{
	struct vmm_start_cap *c = &w.start.caps[w.start.cap_count++];

	memcpy(c->name, name, strlen(name));
	c->cptr = cptr;
}

static void client(unsigned i, const char *name, enum vmm_console_kind kind)
{
	uint8_t(*page)[4096] = &w.pages[4 + 4 * i];
	struct vmm_console_client *c = &w.config.clients[w.config.client_count++];

	memcpy(c->name, name, strlen(name));
	c->kind = kind;
	c->tx_queue = (uintptr_t)page[0];
	c->tx_data = (uintptr_t)page[1];
	c->tx_capacity = QUEUE;
	c->notify = kind == VMM_CONSOLE_VM ? NOTIFY + i : 0;
	assert_int_equal(serialq_producer_init(&w.tx[i], page[0], page[1], QUEUE), VMM_OK);
	if (kind == VMM_CONSOLE_LOG)
		return;
	c->rx_queue = (uintptr_t)page[2];
	c->rx_data = (uintptr_t)page[3];
	c->rx_capacity = QUEUE;
	assert_int_equal(serialq_consumer_init(&w.rx[i], page[2], page[3], QUEUE), VMM_OK);
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	region("rx.queue", w.pages[0]);
	region("rx.data", w.pages[1]);
	region("tx.queue", w.pages[2]);
	region("tx.data", w.pages[3]);
	cap("wake", WAKE);
	cap("serial", SERIAL);
	cap("timer", TIMER);
	w.config.magic = VMM_CONSOLE_MAGIC;
	w.config.version = VMM_CONSOLE_VERSION;
	client(LOG, "vessel", VMM_CONSOLE_LOG);
	client(ONE, "one", VMM_CONSOLE_VM);
	client(TWO, "two", VMM_CONSOLE_VM);
	w.start.config = (uintptr_t)&w.config;
	w.start.config_size = sizeof(w.config);
	assert_int_equal(serialq_producer_init(&w.typed, w.pages[0], w.pages[1], QUEUE), VMM_OK);
	assert_int_equal(serialq_consumer_init(&w.shown, w.pages[2], w.pages[3], QUEUE), VMM_OK);
	assert_int_equal(console_attach(&w.console, &w.start), VMM_OK);
	return 0;
}

/* What is on the screen since the last call. */
static const char *screen(void)
{
	static char text[4 * QUEUE];
	size_t n = 0, part;

	console_pump(&w.console);
	while ((part = serialq_read(&w.shown, (uint8_t *)text + n, sizeof(text) - 1 - n)) > 0) {
		n += part;
		(void)serialq_release(&w.shown);
		console_pump(&w.console);
	}
	text[n] = '\0';
	return text;
}

static void says(unsigned i, const char *text)
{
	assert_int_equal(serialq_write(&w.tx[i], (const uint8_t *)text, strlen(text)),
			 strlen(text));
}

/* The driver passes on `len` bytes; what does not fit now is the result. */
static size_t type_bytes(const void *bytes, size_t len)
{
	size_t done = serialq_write(&w.typed, bytes, len);

	console_pump(&w.console);
	done += serialq_write(&w.typed, (const uint8_t *)bytes + done, len - done);
	console_pump(&w.console);
	return len - done;
}

static void type(const char *text)
{
	assert_int_equal(type_bytes(text, strlen(text)), 0);
}

/* Takes all that VM `i` finds, letting the console go on. */
static size_t drain(unsigned i, uint8_t *to, size_t size)
{
	size_t n = 0, part;

	while ((part = serialq_read(&w.rx[i], to + n, size - n)) > 0) {
		n += part;
		(void)serialq_release(&w.rx[i]);
		console_pump(&w.console);
	}
	return n;
}

static void expect_input(unsigned i, const char *text)
{
	uint8_t got[2 * QUEUE] = { 0 };

	(void)drain(i, got, sizeof(got) - 1);
	assert_string_equal((const char *)got, text);
}

static void input_goes_to_the_focus(void **state)
{
	(void)state;
	(void)screen();
	(void)screen();
	memset(w.signals, 0, sizeof(w.signals)); /* a queue begins with a signal */
	type("abc");
	assert_int_equal(w.signals[NOTIFY + ONE], 1);
	type("\x1d"
	     "2def");
	expect_input(ONE, "abc");
	expect_input(TWO, "def");
	assert_int_equal(w.signals[NOTIFY + TWO], 1);
}

static void output_comes_with_its_mark(void **state)
{
	(void)state;
	(void)screen();
	says(TWO, "hello\n");
	says(LOG, "built\n");
	assert_non_null(strstr(screen(), "[two] hello"));
	/* Room is given back once the driver has it all. */
	assert_true(serialq_drained(&w.tx[TWO]));
}

static void unfinished_lines_ask_for_a_tick(void **state)
{
	(void)state;
	(void)screen();
	w.ticks = 0;
	says(TWO, "login: ");
	assert_null(strstr(screen(), "login"));
	assert_int_equal(w.ticks, 1);
	console_tick(&w.console);
	console_tick(&w.console);
	assert_non_null(strstr(screen(), "[two] login: "));
}

static void a_vm_that_reads_late_gets_all(void **state)
{
	static uint8_t text[2 * QUEUE], got[2 * QUEUE];

	(void)state;
	(void)screen();
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + i % 26);
	/* Its queue and one byte, then the driver's. */
	assert_int_equal(type_bytes(text, sizeof(text)), 0);
	assert_int_equal(serialq_length(&w.rx[ONE]), QUEUE);
	assert_int_equal(drain(ONE, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, text, sizeof(got));
}

/* The escape key is seen although the VM with the focus reads nothing; what it has not read waits. */
static void the_escape_key_overtakes_unread_input(void **state)
{
	static uint8_t text[QUEUE + 1000], got[QUEUE + 2000];

	(void)state;
	(void)screen();
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + i % 26);
	assert_int_equal(type_bytes(text, sizeof(text)), 0);
	assert_int_equal(w.console.mux.focus, ONE);
	type("\x1d"
	     "2hello");
	assert_int_equal(w.console.mux.focus, TWO);
	expect_input(TWO, "hello");
	/* Back to the first: later input stays behind the earlier. */
	type("\x1d"
	     "1end");
	assert_int_equal(w.console.mux.focus, ONE);
	assert_int_equal(drain(ONE, got, sizeof(got)), sizeof(text) + 3);
	assert_memory_equal(got, text, sizeof(text));
	assert_memory_equal(got + sizeof(text), "end", 3);
	assert_int_equal(w.console.parked_count, 0);
	type("more");
	expect_input(ONE, "more");
}

/* Two VMs that do not read, and more than can be parked: it waits, and nothing is lost. */
static void nothing_is_lost_when_parking_is_full(void **state)
{
	static uint8_t got[4 * QUEUE], block[QUEUE];
	size_t n;

	(void)state;
	(void)screen();
	memset(block, 'x', sizeof(block));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(type_bytes(block, QUEUE - i * 100), 0);
	type("\x1d"
	     "2");
	assert_int_equal(w.console.mux.focus, TWO);
	memset(block, 'y', sizeof(block));
	assert_int_equal(type_bytes(block, QUEUE), 0);
	assert_int_equal(type_bytes(block, QUEUE - 10), 0);
	type("\x1d"
	     "1z");
	assert_int_equal(w.console.mux.focus, TWO); /* full */
	n = drain(ONE, got, sizeof(got));
	assert_int_equal(n, 2 * QUEUE - 100 + 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], i < n - 1 ? 'x' : 'z');
	assert_int_equal(w.console.mux.focus, ONE);
	n = drain(TWO, got, sizeof(got));
	assert_int_equal(n, 2 * QUEUE - 10);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], 'y');
}

static void lost_input_is_reported(void **state)
{
	struct vmm_serial_stats *stats = (void *)(w.pages[0] + VMM_SERIAL_STATS_OFFSET);

	(void)state;
	(void)screen();
	stats->overruns = 3;
	assert_non_null(strstr(screen(), "vessel: the serial line lost input (3 times)"));
	assert_null(strstr(screen(), "lost"));
}

/* Whatever driver and clients write into their queues: it ends, and others are served. */
static void hostile_queues(void **state)
{
	(void)state;
	(void)screen();
	srand(2);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned page = 0; page < ARRAY_SIZE(w.pages); page += 2) {
			struct serialq *q = (void *)w.pages[page];

			if (page == 4 + 4 * TWO || page == 2)
				continue;
			q->head = (uint32_t)rand();
			q->tail = (uint32_t)rand();
			q->producer_signalled = (uint32_t)rand() & 1;
			w.pages[page + 1][rand() % QUEUE] = MUX_ESCAPE;
		}
		says(TWO, "still here\n");
		for (unsigned turn = 0; turn < 20; turn++)
			(void)screen();
		assert_true(serialq_drained(&w.tx[TWO]));
	}
}

static void start_pages_with_faults(void **state)
{
	static struct console c;
	struct vmm_start start = w.start;

	(void)state;
	start.config_size--;
	assert_int_equal(console_attach(&c, &start), VMM_ERR_INVALID);
	start = w.start;
	for (uint32_t i = 0; i < start.region_count; i++) {
		start.regions[i].name[0] = '?';
		assert_int_equal(console_attach(&c, &start), VMM_ERR_ABSENT);
		start.regions[i].name[0] = w.start.regions[i].name[0];
	}
	start.caps[0].name[0] = '?';
	assert_int_equal(console_attach(&c, &start), VMM_ERR_ABSENT);
	w.config.client_count = VMM_CONSOLE_CLIENTS + 1;
	assert_int_equal(console_attach(&c, &w.start), VMM_ERR_INVALID);
	w.config.client_count = CLIENTS;
	w.config.clients[ONE].rx_capacity = 3;
	memset(&c, 0, sizeof(c));
	assert_int_equal(console_attach(&c, &w.start), VMM_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(input_goes_to_the_focus, setup),
		cmocka_unit_test_setup(output_comes_with_its_mark, setup),
		cmocka_unit_test_setup(unfinished_lines_ask_for_a_tick, setup),
		cmocka_unit_test_setup(a_vm_that_reads_late_gets_all, setup),
		cmocka_unit_test_setup(the_escape_key_overtakes_unread_input, setup),
		cmocka_unit_test_setup(nothing_is_lost_when_parking_is_full, setup),
		cmocka_unit_test_setup(lost_input_is_reported, setup),
		cmocka_unit_test_setup(hostile_queues, setup),
		cmocka_unit_test_setup(start_pages_with_faults, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
