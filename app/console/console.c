// SPDX-License-Identifier: BSD-2-Clause
#include "app/console/console.h"

#include <stddef.h>
#include <vmm/timer.h>

#include "vmm/base/fmt.h"

enum {
	CHUNK = 256,
	TICKS_A_SECOND = 10, /* how soon unfinished lines show */
};

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
	struct console_client *client = &c->clients[index];
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
static bool deliver(struct console_client *to, uint8_t byte)
{
	if (serialq_write(&to->rx, &byte, 1) == 1)
		return true;
	serialq_want_signal(&to->rx);
	return serialq_write(&to->rx, &byte, 1) == 1;
}

static void park(struct console *c, unsigned client, uint8_t byte)
{
	c->parked[c->parked_count++] =
		(struct console_parked){ .client = (uint8_t)client, .byte = byte };
	c->clients[client].parked++;
}

/* Gives parked bytes to whom they are for, in order. A VM that takes none does not hold up others. */
static bool deliver_parked(struct console *c)
{
	uint64_t full = 0, told = 0; /* bit i: client i */
	uint32_t left = 0;

	_Static_assert(VMM_CONSOLE_CLIENTS <= 64, "one bit a client");
	for (uint32_t i = 0; i < c->parked_count; i++) {
		const struct console_parked *p = &c->parked[i];
		struct console_client *to = &c->clients[p->client];
		uint64_t bit = UINT64_C(1) << p->client;

		if ((full & bit) == 0 && deliver(to, p->byte)) {
			told |= bit;
			to->parked--;
		} else {
			full |= bit;
			c->parked[left++] = *p;
		}
	}
	c->parked_count = left;
	for (uint32_t i = 0; i < c->client_count; i++) {
		if ((told & UINT64_C(1) << i) != 0)
			seL4_Signal(c->clients[i].notify);
	}
	return told != 0;
}

/* How many bytes of the driver's queue are before the next escape key; 0: there is none. */
static uint32_t before_escape(const struct console *c)
{
	struct serialq_consumer ahead = c->in;
	uint32_t count = 0;
	uint8_t byte = 0;

	while (serialq_read(&ahead, &byte, 1) == 1) {
		count++;
		if (byte == MUX_ESCAPE)
			return count;
	}
	return 0;
}

/* A byte for the VM with the focus: delivered, or parked if the escape key waits behind it. */
static bool take_typed(struct console *c, struct console_client **told)
{
	struct console_client *to = &c->clients[c->mux.focus];

	if (to->parked == 0 && deliver(to, c->typed)) {
		if (*told != NULL && *told != to)
			seL4_Signal((*told)->notify);
		*told = to;
		return true;
	}
	if (c->ahead == 0)
		c->ahead = before_escape(c);
	if (c->ahead == 0 || c->parked_count == CONSOLE_PARKED)
		return false;
	park(c, c->mux.focus, c->typed);
	return true;
}

/* Driver to the VM with the focus, or to the multiplexer's commands. */
static bool pump_in(struct console *c)
{
	struct console_client *told = NULL;
	bool any = deliver_parked(c);

	while (mux_ready(&c->mux)) {
		if (!c->held) {
			if (serialq_read(&c->in, &c->typed, 1) == 0)
				break;
			c->ahead -= c->ahead > 0 ? 1 : 0;
		}
		c->held = true;
		if (!mux_is_command(&c->mux, c->typed) && c->mux.focus != MUX_NONE &&
		    !take_typed(c, &told))
			break;
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

void console_pump(struct console *c)
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

static enum vmm_err attach_serial(struct console *c, const struct vmm_start *start)
{
	const struct vmm_start_region *rx = vmm_start_region(start, "rx.queue");
	const struct vmm_start_region *rx_data = vmm_start_region(start, "rx.data");
	const struct vmm_start_region *tx = vmm_start_region(start, "tx.queue");
	const struct vmm_start_region *tx_data = vmm_start_region(start, "tx.data");
	enum vmm_err err;

	if (rx == NULL || rx_data == NULL || tx == NULL || tx_data == NULL)
		return VMM_ERR_ABSENT;
	c->stats = (const struct vmm_serial_stats *)(rx->vaddr + VMM_SERIAL_STATS_OFFSET);
	err = serialq_consumer_init(&c->in, (void *)rx->vaddr, (const void *)rx_data->vaddr,
				    (uint32_t)rx_data->size);
	if (err != VMM_OK)
		return err;
	return serialq_producer_init(&c->out, (void *)tx->vaddr, (void *)tx_data->vaddr,
				     (uint32_t)tx_data->size);
}

static enum vmm_err attach_client(struct console *c, const struct vmm_console_client *from)
{
	struct console_client *client = &c->clients[c->client_count++];
	enum vmm_err err;

	client->notify = from->notify;
	client->vm = from->kind == VMM_CONSOLE_VM;
	if (mux_add(&c->mux, from->name, sizeof(from->name), client->vm ? MUX_VM : MUX_LOG) ==
	    MUX_NONE)
		return VMM_ERR_NOMEM;
	err = serialq_consumer_init(&client->tx, (void *)from->tx_queue,
				    (const void *)from->tx_data, from->tx_capacity);
	if (err != VMM_OK || !client->vm)
		return err;
	return serialq_producer_init(&client->rx, (void *)from->rx_queue, (void *)from->rx_data,
				     from->rx_capacity);
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

enum vmm_err console_attach(struct console *c, const struct vmm_start *start)
{
	const struct vmm_console_config *config = (const struct vmm_console_config *)start->config;
	enum vmm_err err;

	if (start->config_size < sizeof(*config) || config->magic != VMM_CONSOLE_MAGIC ||
	    config->version != VMM_CONSOLE_VERSION || config->client_count > VMM_CONSOLE_CLIENTS)
		return VMM_ERR_INVALID;
	mux_init(&c->mux);
	c->wake = vmm_start_cap(start, "wake");
	c->serial = vmm_start_cap(start, "serial");
	if (c->wake == 0 || c->serial == 0)
		return VMM_ERR_ABSENT;
	err = attach_serial(c, start);
	for (uint32_t i = 0; err == VMM_OK && i < config->client_count; i++)
		err = attach_client(c, &config->clients[i]);
	if (err != VMM_OK)
		return err;
	attach_timer(c, vmm_start_cap(start, "timer"));
	mux_announce(&c->mux);
	return VMM_OK;
}

void console_tick(struct console *c)
{
	c->ticking = false;
	while (mux_ready(&c->mux) && mux_tick(&c->mux))
		;
}
