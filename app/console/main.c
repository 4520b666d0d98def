/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer: one line, many clients. What it is given: include/vmm/console.h. What it
 * shows and how it is steered: vmm/backend/console/mux.h; here bytes and signals are moved.
 *
 * Nothing is ever dropped. Output waits in its client's queue until the multiplexer has room, and
 * that waits for the driver. Typed bytes wait in the driver's queue while the VM they are for takes
 * none (a command among them waits as well).
 *
 * A client gets the room of its output back when the driver has it all: an empty queue means that
 * the bytes are with the UART. That is how admin knows that the last line is out.
 *
 * After each batch the thread yields: with a period of 2 ms, say, a guest that prints single characters
 * causes 500 switches a second and not one a character.
 */
#include <sel4/sel4.h>
#include <stdbool.h>
#include <stddef.h>
#include <vmm/console.h>
#include <vmm/start.h>
#include <vmm/timer.h>

#include "vmm/backend/console/mux.h"
#include "vmm/backend/queue/serialq.h"
#include "vmm/base/fmt.h"
#include "vmm/port/sel4/runtime.h"

enum {
	CHUNK = 256,
	TICKS_A_SECOND = 10, /* how soon unfinished lines show */
};

struct client {
	struct serialq_producer rx;
	struct serialq_consumer tx;
	seL4_CPtr notify;
	uint32_t quota; /* bytes it may still show in this round */
	bool vm;
};

static struct console {
	struct mux mux;
	struct client clients[VMM_CONSOLE_CLIENTS];
	uint32_t client_count;
	struct serialq_producer out;
	struct serialq_consumer in;
	const struct vmm_serial_stats *stats;
	uint32_t overruns;
	seL4_CPtr wake, serial, timer;
	uint64_t tick; /* in ticks of the counter */
	bool ticking;
	bool shown; /* something, in this call of pump_clients() */
	bool held;  /* `typed` was read and waits for room */
	uint8_t typed;
} console;

/* Multiplexer to driver. */
static bool pump_out(struct console *c)
{
	uint8_t bytes[CHUNK];
	bool any = false;

	for (;;) {
		uint32_t room = serialq_room(&c->out);
		size_t n = mux_take(&c->mux, bytes, room < CHUNK ? room : CHUNK);

		if (n == 0)
			break;
		(void)serialq_write(&c->out, bytes, n);
		any = true;
	}
	if (any)
		seL4_Signal(c->serial);
	return any;
}

/*
 * What each client may show in this round: what it has now. Looked at in the order of the list, logs
 * before VMs, and shown in the opposite order. So what happened before something that admin, the first,
 * reports is also shown before: a VM's last words, its VMM's, "all VMs are off".
 */
static bool begin_round(struct console *c)
{
	bool any = false;

	for (unsigned vm = 0; vm < 2; vm++) {
		for (uint32_t i = 0; i < c->client_count; i++) {
			if (c->clients[i].vm != (vm == 1))
				continue;
			c->clients[i].quota = serialq_length(&c->clients[i].tx);
			any |= c->clients[i].quota > 0;
		}
	}
	return any;
}

/* Shows what is left of the client's quota. False: the multiplexer has no room. */
static bool show_client(struct console *c, uint32_t index)
{
	struct client *client = &c->clients[index];
	uint8_t byte;

	for (; client->quota > 0; client->quota--) {
		if (!mux_ready(&c->mux))
			return false;
		if (serialq_read(&client->tx, &byte, 1) == 0)
			client->quota = 1; /* it took its bytes back: its loss */
		else
			mux_output(&c->mux, index, byte);
		c->shown = true;
	}
	return true;
}

/* Clients to multiplexer. True if there was anything, or is now. */
static bool pump_clients(struct console *c)
{
	c->shown = false;
	for (unsigned log = 0; log < 2; log++) {
		for (uint32_t i = c->client_count; i-- > 0;) {
			if (c->clients[i].vm == (log == 0) && !show_client(c, i))
				return c->shown;
		}
	}
	return begin_round(c) || c->shown;
}

/* True if a byte for the VM with the focus found room. */
static bool deliver(struct client *to, uint8_t byte)
{
	if (serialq_write(&to->rx, &byte, 1) == 1)
		return true;
	serialq_want_signal(&to->rx);
	return serialq_write(&to->rx, &byte, 1) == 1;
}

/* Driver to the VM with the focus, or to the multiplexer's commands. */
static bool pump_in(struct console *c)
{
	struct client *told = NULL;
	bool any = false;

	while (mux_ready(&c->mux)) {
		if (!c->held && serialq_read(&c->in, &c->typed, 1) == 0)
			break;
		c->held = true;
		if (!mux_is_command(&c->mux, c->typed) && c->mux.focus != MUX_NONE) {
			struct client *to = &c->clients[c->mux.focus];

			if (!deliver(to, c->typed))
				break;
			if (told != NULL && told != to)
				seL4_Signal(told->notify);
			told = to;
		}
		(void)mux_typed(&c->mux, c->typed);
		c->held = false;
		any = true;
	}
	if (told != NULL)
		seL4_Signal(told->notify);
	if (serialq_release(&c->in))
		seL4_Signal(c->serial);
	return any;
}

static void give_room_back(struct console *c)
{
	for (uint32_t i = 0; i < c->client_count; i++) {
		if (serialq_release(&c->clients[i].tx) && c->clients[i].notify != 0)
			seL4_Signal(c->clients[i].notify);
	}
}

/* True if all that was shown is with the UART; else the driver will signal progress. */
static bool drained(struct console *c)
{
	if (!serialq_drained(&c->out) || c->mux.out_length > 0)
		serialq_want_signal(&c->out);
	return serialq_drained(&c->out) && c->mux.out_length == 0;
}

static void report_overruns(struct console *c)
{
	uint32_t now = __atomic_load_n(&c->stats->overruns, __ATOMIC_RELAXED);
	char text[64];

	if (now == c->overruns || !mux_ready(&c->mux))
		return;
	(void)fmt_snprintf(text, sizeof(text), "the serial line lost input (%u times)",
			   now - c->overruns);
	c->overruns = now;
	mux_say(&c->mux, text);
}

static void arm_tick(struct console *c)
{
	seL4_Word mr0 = c->tick, mr1 = 0;

	if (c->ticking || c->timer == 0 || !mux_wants_tick(&c->mux))
		return;
	(void)seL4_CallWithMRs(c->timer, seL4_MessageInfo_new(VMM_TIMER_SET_IN, 0, 0, 1), &mr0,
			       &mr1, NULL, NULL);
	c->ticking = true;
}

static void pump(struct console *c)
{
	bool any;

	do {
		any = pump_in(c);
		any |= pump_clients(c);
		report_overruns(c);
		any |= pump_out(c);
		if (drained(c))
			give_room_back(c);
	} while (any);
	arm_tick(c);
}

/* The system is not as admin promised: stop here; admin names the faulting thread. */
static void expect(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static const struct vmm_start_region *region(const struct vmm_start *start, const char *name)
{
	const struct vmm_start_region *r = vmm_start_region(start, name);

	expect(r != NULL);
	return r;
}

static void attach_serial(struct console *c, const struct vmm_start *start)
{
	const struct vmm_start_region *rx = region(start, "rx.queue");
	const struct vmm_start_region *rx_data = region(start, "rx.data");
	const struct vmm_start_region *tx_data = region(start, "tx.data");

	c->stats = (const struct vmm_serial_stats *)(rx->vaddr + VMM_SERIAL_STATS_OFFSET);
	expect(serialq_consumer_init(&c->in, (void *)rx->vaddr, (const void *)rx_data->vaddr,
				     (uint32_t)rx_data->size) == VMM_OK);
	expect(serialq_producer_init(&c->out, (void *)region(start, "tx.queue")->vaddr,
				     (void *)tx_data->vaddr, (uint32_t)tx_data->size) == VMM_OK);
}

static void attach_client(struct console *c, const struct vmm_console_client *from)
{
	struct client *client = &c->clients[c->client_count++];

	client->notify = from->notify;
	client->vm = from->kind == VMM_CONSOLE_VM;
	expect(mux_add(&c->mux, from->name, sizeof(from->name), client->vm ? MUX_VM : MUX_LOG) !=
	       MUX_NONE);
	expect(serialq_consumer_init(&client->tx, (void *)from->tx_queue,
				     (const void *)from->tx_data, from->tx_capacity) == VMM_OK);
	if (client->vm)
		expect(serialq_producer_init(&client->rx, (void *)from->rx_queue,
					     (void *)from->rx_data, from->rx_capacity) == VMM_OK);
}

static void attach_timer(struct console *c, seL4_CPtr timer)
{
	seL4_Word now = 0, hz = 0;

	if (timer == 0)
		return;
	(void)seL4_CallWithMRs(timer, seL4_MessageInfo_new(VMM_TIMER_NOW, 0, 0, 0), &now, &hz, NULL,
			       NULL);
	c->timer = timer;
	c->tick = hz / TICKS_A_SECOND;
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_console_config *config = (const struct vmm_console_config *)start->config;
	struct console *c = &console;

	expect(thread == 0 && start->config_size >= sizeof(*config) &&
	       config->magic == VMM_CONSOLE_MAGIC && config->version == VMM_CONSOLE_VERSION &&
	       config->client_count <= VMM_CONSOLE_CLIENTS);
	mux_init(&c->mux);
	c->wake = vmm_start_cap(start, "wake");
	c->serial = vmm_start_cap(start, "serial");
	expect(c->wake != 0 && c->serial != 0);
	attach_serial(c, start);
	for (uint32_t i = 0; i < config->client_count; i++)
		attach_client(c, &config->clients[i]);
	attach_timer(c, vmm_start_cap(start, "timer"));
	mux_announce(&c->mux);
	for (;;) {
		seL4_Word badge = 0;

		pump(c);
		seL4_Yield();
		(void)seL4_Wait(c->wake, &badge);
		if ((badge & VMM_CONSOLE_BADGE_TIMER) != 0) {
			c->ticking = false;
			while (mux_ready(&c->mux) && mux_tick(&c->mux))
				;
		}
	}
}
