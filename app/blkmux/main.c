/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block multiplexer. What it does is in vmm/backend/block/mux.h; here are its channels, signals and
 * the time.
 */
#include "app/lib/native.h"
#include "app/lib/probe.h"
#include "vmm/backend/block/mux.h"
#include "vmm/port/sel4/runtime.h"

static struct blkmux mux;

/* By client of the multiplexer. */
static const struct vmm_channel *clients[BLKMUX_CLIENTS];

static struct blkmux_link link_of(const struct vmm_channel *channel)
{
	const struct vmm_region *r = channel->region;

	return (struct blkmux_link){
		.requests = (void *)r[VMM_BLOCK_REQUESTS].vaddr,
		.requests_size = r[VMM_BLOCK_REQUESTS].size,
		.responses = (void *)r[VMM_BLOCK_RESPONSES].vaddr,
		.responses_size = r[VMM_BLOCK_RESPONSES].size,
		.medium = (void *)r[VMM_BLOCK_INFO].vaddr,
		.medium_size = r[VMM_BLOCK_INFO].size,
	};
}

static const struct vmm_channel *open_driver(struct native *n)
{
	uint32_t at = 0;
	const struct vmm_channel *driver =
		native_channel(n, VMM_CHANNEL_BLOCK, VMM_ROLE_CLIENT, &at);

	native_expect(driver != NULL && driver->region[VMM_BLOCK_DATA].size >= BLKMUX_OWN_DATA);
	native_expect(
		blkmux_init(&mux,
			    &(struct blkmux_setup){
				    .driver = link_of(driver),
				    .own_data = (const void *)driver->region[VMM_BLOCK_DATA].vaddr,
				    .own_paddr = driver->region[VMM_BLOCK_DATA].paddr,
				    .hz = n->hz,
			    }) == VMM_OK);
	return driver;
}

static void open_clients(struct native *n)
{
	const struct vmm_channel *c;
	uint32_t at = 0;

	while ((c = native_channel(n, VMM_CHANNEL_BLOCK, VMM_ROLE_SERVER, &at)) != NULL) {
		native_expect(mux.client_count < BLKMUX_CLIENTS);
		clients[mux.client_count] = c;
		native_expect(
			blkmux_add(&mux, &(struct blkmux_client_setup){
						 .link = link_of(c),
						 .data_paddr = c->region[VMM_BLOCK_DATA].paddr,
						 .data_size = c->region[VMM_BLOCK_DATA].size,
						 .first = c->block.first,
						 .count = c->block.count,
						 .partition = c->block.partition,
						 .read_only = c->block.read_only != 0,
						 .rate = c->block.rate,
						 .serial = c->block.serial,
					 }) == VMM_OK);
	}
}

static void say_opened(struct native *n)
{
	static const char *const why[] = {
		[BLKMUX_WAITING] = "waits",
		[BLKMUX_OPEN] = "",
		[BLKMUX_NO_TABLE] = "no disk: the partition table is damaged, or there is none",
		[BLKMUX_NO_PARTITION] = "no disk: there is no such partition",
		[BLKMUX_OUTSIDE] = "no disk: its range is not on the disk",
		[BLKMUX_TAKEN] = "no disk: another client has these sectors, and one writes",
		[BLKMUX_LOST] = "no disk: the driver cannot tell when a request is over",
	};

	for (uint32_t i = 0; i < mux.client_count; i++) {
		const struct blkmux_client *c = &mux.client[i];

		if (c->state == BLKMUX_OPEN)
			native_say(n, "%s: sectors %lu to %lu%s", clients[i]->name,
				   (unsigned long)c->first,
				   (unsigned long)(c->first + c->sectors - 1),
				   c->setup.read_only ? ", read-only" : "");
		else
			native_say(n, "%s: %s", clients[i]->name, why[c->state]);
	}
}

/* Signals all but the last one, which is left to be part of the wait; 0: there is none. */
static seL4_CPtr signal_most(const struct vmm_channel *driver, const struct blkmux_signals *signals)
{
	seL4_CPtr last = signals->driver ? driver->notify : 0;

	for (uint32_t i = 0; i < mux.client_count; i++) {
		if ((signals->clients >> i & 1) == 0)
			continue;
		if (last != 0)
			seL4_Signal(last);
		last = clients[i]->notify;
	}
	return last;
}

/* Until there is something to do; `last`: signal_most(). */
static void go_on(struct native *n, const struct blkmux_signals *signals, seL4_CPtr last)
{
	if (!signals->again && signals->deadline == 0 && last != 0) {
		(void)native_signal_and_wait(n, last);
		return;
	}
	if (last != 0)
		seL4_Signal(last);
	if (!signals->again && (signals->deadline == 0 || !native_alarm(n, signals->deadline)))
		(void)native_wait(n);
}

/* The driver was given up: so are the disks. */
static void end(struct native *n, const struct vmm_channel *driver)
{
	if (!blkmux_driver_over(&mux))
		return;
	native_say(n, "%s will not come back: nobody has a disk any more", driver->name);
	seL4_Signal(signal_most(driver, &(struct blkmux_signals){ .clients = UINT64_MAX }));
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_channel *driver;
	uint32_t restarts = 0, failed = 0;
	bool timed = false;
	struct native n;

	native_init(&n, page, thread);
	driver = open_driver(&n);
	open_clients(&n);
	/* Who limits nobody needs no time. */
	for (uint32_t i = 0; i < mux.client_count; i++)
		timed |= mux.client[i].setup.rate != 0;
	for (unsigned rounds = 0;; rounds++) {
		struct blkmux_signals signals = blkmux_run(&mux, timed ? native_now(&n) : 0);
		seL4_CPtr last;

		probe(mux.life, signals.clients != 0 || signals.driver, rounds);
		last = signal_most(driver, &signals);
		if (native_is_over(driver))
			end(&n, driver);
		if (signals.opened)
			say_opened(&n);
		if (mux.restarts != restarts) {
			restarts = mux.restarts;
			native_say(&n, "driver started again (%u): what was in flight is sent anew",
				   restarts);
		}
		if (mux.failed != failed) {
			failed = mux.failed;
			native_say(&n, "a request fails that drivers died of");
		}
		go_on(&n, &signals, last);
	}
}
