/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a character between a VM and the serial line: clients, console and the UART's driver, where
 * everybody runs when signalled and not otherwise, in any order, and console and driver die in front of
 * any store; then admin signals the neighbours. A signal that is missing leaves bytes where they are: when
 * nobody has anything to do any more, all that clients wrote must be on the line, and all that was typed read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/console/console.h"
#include "app/serial/serial.h"
#include "test/support/mortal.h"
#include "test/support/wakes.h"
#include "vmm/base/util.h"
#include "vmm/dev/uart/pl011.h"

enum {
	QUEUE = 256,
	LINE = 512,
	VMS = 2,
	CONSOLE = VMS,
	SERIAL,
	ACTORS,
	NOTIFY = 20, /* capabilities: and the actor */
	TIMER = 12,
	UART = 0x9000,
	MIS = 0x40,
	UART_MIS = 0x40,
	HISTORIES = 300,
	TURNS = 400, /* with deaths and traffic */
	ENOUGH = 100000,
	DEATH_IN = 10,  /* one turn in so many is a death, if it is long enough */
	STEPS_MAX = 60, /* stores until then */
	BURST = 400,    /* bytes; more than a queue holds */
};

/* A queue's two pages. */
struct shared {
	_Alignas(8) uint8_t header[4096];
	uint8_t data[QUEUE];
};

static struct {
	struct shared typed, shown, tx[VMS], rx[VMS];
	struct pl011 uart;
	struct console_memory line;
	uint8_t out[LINE], in[LINE];
	struct vmm_start for_console, for_serial;
	struct vmm_console_config config;
	struct console console;
	struct serial serial;
	struct {
		struct serialq_producer tx;
		struct serialq_consumer rx;
		unsigned to_send;
		bool full; /* reads nothing */
	} vm[VMS];
	bool level, ticks;
	struct wakes wakes;
} w;

__thread seL4_IPCBuffer *__sel4_ipc_buffer;

static unsigned dice(unsigned sides)
{
	return wakes_dice(&w.wakes, sides);
}

/* ---- the kernel, the timer server and the UART ---- */

void sel4_trap_signal(seL4_Word number, seL4_CPtr dest)
{
	(void)number;
	mortal_step();
	assert_in_range(dest, NOTIFY, NOTIFY + ACTORS - 1);
	w.wakes.signalled[dest - NOTIFY] = true;
}

void sel4_trap_call(seL4_Word number, struct sel4_regs *r)
{
	(void)number;
	assert_int_equal(r->cap, TIMER);
	w.ticks = true;
	r->mr[1] = 1000;
}

static uint64_t access(uint32_t offset, bool write, uint64_t value)
{
	struct mmio_access access = {
		.offset = offset, .width = 4, .write = write, .value = value
	};

	pl011_access(&w.uart, &access);
	return access.value;
}

uint32_t serial_uart_read(uint64_t uart, uint32_t offset)
{
	(void)uart;
	(void)access(UART_MIS, false, 0); /* or FR hides bytes, which no hardware does */
	return (uint32_t)access(offset, false, 0);
}

void serial_uart_write(uint64_t uart, uint32_t offset, uint32_t value)
{
	(void)uart;
	(void)access(offset, true, value);
}

static void interrupt(void *ctx, bool level)
{
	(void)ctx;
	w.level = level;
}

/* True if it took anything. */
static bool line_takes(void)
{
	uint8_t bytes[LINE];
	bool any = console_memory_drain(&w.line, bytes, sizeof(bytes)) > 0;

	pl011_poll(&w.uart);
	return any || w.level;
}

static void type(void)
{
	static const uint8_t bytes[BURST] = { 'x' };

	(void)console_memory_feed(&w.line, bytes, dice(BURST));
	pl011_poll(&w.uart);
}

/* ---- the programs ---- */

static void read_typed(unsigned v)
{
	uint8_t typed[QUEUE];

	if (!w.vm[v].full && serialq_read(&w.vm[v].rx, typed, sizeof(typed)) > 0)
		w.wakes.signalled[CONSOLE] |= serialq_release(&w.vm[v].rx);
}

static void run_vm(unsigned v)
{
	static const uint8_t bytes[BURST] = { 'a', 'b', '\n' };
	bool wrote = false;

	for (unsigned tries = 2; tries > 0 && w.vm[v].to_send > 0; tries--) {
		size_t n = w.vm[v].to_send < BURST ? w.vm[v].to_send : BURST;

		n = serialq_write(&w.vm[v].tx, bytes, n);
		w.vm[v].to_send -= (unsigned)n;
		wrote |= n > 0;
		if (w.vm[v].to_send > 0 && n == 0)
			serialq_want_signal(&w.vm[v].tx);
		else if (w.vm[v].to_send > 0)
			tries++;
	}
	w.wakes.signalled[CONSOLE] |= wrote;
	read_typed(v);
}

static void start_console(unsigned who)
{
	(void)who;
	memset(&w.console, 0, sizeof(w.console));
	if (console_attach(&w.console, &w.for_console) != VMM_OK)
		__builtin_trap();
}

static void run_console(unsigned who)
{
	(void)who;
	if (w.ticks && dice(2) == 0) {
		w.ticks = false;
		console_tick(&w.console);
	}
	console_pump(&w.console);
}

static bool console_is_busy(unsigned who)
{
	(void)who;
	return w.ticks;
}

static void start_serial(unsigned who)
{
	(void)who;
	memset(&w.serial, 0, sizeof(w.serial));
	if (serial_attach(&w.serial, &w.for_serial) != VMM_OK)
		__builtin_trap();
}

static void run_serial(unsigned who)
{
	(void)who;
	if (serial_pump(&w.serial))
		sel4_trap_signal(0, NOTIFY + CONSOLE);
}

static bool serial_is_busy(unsigned who)
{
	(void)who;
	return w.level;
}

/* A line that takes nothing keeps nobody busy. */
static void settle(void)
{
	unsigned turns = 0;

	do {
		wakes_settle(&w.wakes);
		assert_true(turns++ < ENOUGH);
	} while (line_takes());
}

/* ---- histories ---- */

static void region(struct vmm_start *start, const char *name, const void *at, uint64_t size)
{
	struct vmm_start_region *r = &start->regions[start->region_count++];

	memcpy(r->name, name, strlen(name));
	r->vaddr = (uintptr_t)at;
	r->size = size;
}

static void cap(const char *name, uint64_t cptr)
{
	struct vmm_start_cap *c = &w.for_console.caps[w.for_console.cap_count++];

	memcpy(c->name, name, strlen(name));
	c->cptr = cptr;
}

static void share(const char *name, const char *data, struct shared *queue)
{
	region(&w.for_console, name, queue->header, sizeof(queue->header));
	region(&w.for_console, data, queue->data, QUEUE);
	region(&w.for_serial, name, queue->header, sizeof(queue->header));
	region(&w.for_serial, data, queue->data, QUEUE);
	mortal_keep(queue, sizeof(*queue));
}

static void make_vm(unsigned v)
{
	struct vmm_console_client *c = &w.config.clients[w.config.client_count++];

	*c = (struct vmm_console_client){
		.kind = VMM_CONSOLE_VM,
		.notify = NOTIFY + v,
		.tx_queue = (uintptr_t)w.tx[v].header,
		.tx_data = (uintptr_t)w.tx[v].data,
		.tx_capacity = QUEUE,
		.rx_queue = (uintptr_t)w.rx[v].header,
		.rx_data = (uintptr_t)w.rx[v].data,
		.rx_capacity = QUEUE,
	};
	c->name[0] = (char)('a' + v);
	assert_int_equal(serialq_producer_init(&w.vm[v].tx, w.tx[v].header, w.tx[v].data, QUEUE),
			 VMM_OK);
	assert_int_equal(serialq_consumer_init(&w.vm[v].rx, w.rx[v].header, w.rx[v].data, QUEUE),
			 VMM_OK);
	mortal_keep(&w.tx[v], sizeof(w.tx[v]));
	mortal_keep(&w.rx[v], sizeof(w.rx[v]));
}

static void make_actors(void)
{
	struct wakes *k = &w.wakes;

	k->death_in = DEATH_IN;
	k->steps_max = STEPS_MAX;
	for (unsigned v = 0; v < VMS; v++)
		k->started[wakes_add(k, (struct wakes_actor){ .run = run_vm })] = true;
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_console,
				   .run = run_console,
				   .busy = console_is_busy,
				   .own = &w.console,
				   .size = sizeof(w.console),
				   .neighbours = (1u << ACTORS) - 1,
			   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_serial,
				   .run = run_serial,
				   .busy = serial_is_busy,
				   .own = &w.serial,
				   .size = sizeof(w.serial),
				   .neighbours = 1u << CONSOLE,
			   });
}

static void make(unsigned history)
{
	memset(&w, 0, sizeof(w));
	wakes_init(&w.wakes, history);
	make_actors();
	console_memory_init(&w.line, w.out, sizeof(w.out), w.in, sizeof(w.in));
	pl011_init(&w.uart, &w.line.backend, interrupt, NULL);
	region(&w.for_serial, "uart", (void *)UART, 4096);
	share("rx.queue", "rx.data", &w.typed);
	share("tx.queue", "tx.data", &w.shown);
	cap("wake", NOTIFY + CONSOLE);
	cap("serial", NOTIFY + SERIAL);
	cap("timer", TIMER);
	w.config.magic = VMM_CONSOLE_MAGIC;
	w.config.version = VMM_CONSOLE_VERSION;
	for (unsigned v = 0; v < VMS; v++)
		make_vm(v);
	w.for_console.config = (uintptr_t)&w.config;
	w.for_console.config_size = sizeof(w.config);
}

static void traffic(void)
{
	unsigned v = dice(VMS + 1);

	if (v == VMS) {
		type();
		return;
	}
	if (dice(3) == 0) {
		w.vm[v].full = !w.vm[v].full;
		read_typed(v);
	} else if (w.vm[v].to_send == 0) { /* else its guest waits for room */
		w.vm[v].to_send = dice(BURST);
		run_vm(v);
	}
}

static void check(unsigned history)
{
	struct serialq_consumer typed;

	for (unsigned v = 0; v < VMS; v++) {
		if (w.vm[v].to_send > 0 || !serialq_drained(&w.vm[v].tx) ||
		    serialq_length(&w.vm[v].rx) > 0)
			fail_msg("history %u: bytes of %u are left", history, v);
	}
	assert_int_equal(serialq_consumer_init(&typed, w.typed.header, w.typed.data, QUEUE),
			 VMM_OK);
	if (serialq_length(&typed) > 0 || w.level || w.uart.rx.used > 0 || w.line.in.used > 0)
		fail_msg("history %u: typed bytes are left", history);
}

static void nobody_waits_for_ever(void **state)
{
	unsigned deaths = 0;

	(void)state;
	for (unsigned history = 0; history < HISTORIES; history++) {
		make(history);
		for (unsigned turns = 0; turns < TURNS; turns++) {
			(void)wakes_next(&w.wakes, true);
			if (dice(4) == 0)
				traffic();
			if (dice(4) == 0)
				(void)line_takes();
		}
		settle();
		for (unsigned v = 0; v < VMS; v++) {
			w.vm[v].full = false;
			read_typed(v);
		}
		settle();
		check(history);
		deaths += w.wakes.deaths;
	}
	assert_true(deaths > HISTORIES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
