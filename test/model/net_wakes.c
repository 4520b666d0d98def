/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of a frame: backends of two VMs, the switch, the driver and its card, where everybody runs when
 * signalled and not otherwise, in any order, and dies in front of any store; then admin signals the
 * neighbours. A signal that is missing leaves a way that is silent for ever: so when nobody has anything to do
 * any more, a frame of each must reach all the others, and no guest may wait to send.
 *
 * What becomes of buffers and bytes is net_dies.c's and the unit tests'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/mortal.h"
#include "test/support/net_stack.h"
#include "test/support/wakes.h"
#include "vmm/backend/net/sddf.h"
#include "vmm/backend/net/switch.h"
#include "vmm/base/util.h"

enum {
	VMS = 2,
	HISTORIES = 1000,
	TURNS = 300,     /* with deaths and traffic */
	BURST = 100,     /* frames; a link's queues take 64 */
	DEATH_IN = 12,   /* one turn in so many is a death, if it is long enough */
	STEPS_MAX = 300, /* stores until then */
	LENGTH = 60,
	UPLINK = VMS, /* the switch's port */
	DRIVER = VMS,
	SWITCH,
};

/* A VM: its backend, and of device and guest as much as waits for signals. */
struct vm {
	struct net_sddf backend;
	unsigned to_send; /* by its guest */
	bool blocked;     /* not before an event */
	bool full;        /* the guest gives no buffers to receive into */
	unsigned received;
};

static struct {
	struct net_stack stack;
	struct netpair *pair[VMS];
	struct net_switch sw;
	struct vm vm[VMS];
	unsigned on_wire;
	struct wakes wakes;
} w;

static unsigned dice(unsigned sides)
{
	return wakes_dice(&w.wakes, sides);
}

/* A broadcast of `from`. */
static const uint8_t *frame_of(unsigned from)
{
	static uint8_t bytes[LENGTH];

	memset(bytes, 0, sizeof(bytes));
	memset(bytes, 0xff, NET_MAC);
	bytes[NET_MAC] = 0x52;
	bytes[2 * NET_MAC - 1] = (uint8_t)(from + 1);
	bytes[2 * NET_MAC] = 0x88; /* a local experiment's */
	bytes[2 * NET_MAC + 1] = 0xb5;
	return bytes;
}

/* ---- the card ---- */

/* What it is given to send leaves at once. */
static void device_write(void *regs, unsigned offset, uint32_t value)
{
	mortal_step();
	vdrv_model_ops.write(regs, offset, value);
	while (net_memory_drain(w.stack.wire) != NULL) {
		w.on_wire++;
		virtio_event(&w.stack.model.vd, 0);
	}
}

static void card_receives(void)
{
	static const struct net_hdr none;

	(void)net_memory_feed(w.stack.wire, &none, frame_of(UPLINK), LENGTH);
	virtio_event(&w.stack.model.vd, 0);
}

/* ---- VMs: as dev/virtio/net.c uses its backend ---- */

static void raised(void *ctx)
{
	*(bool *)ctx = true;
}

static void transmit_all(unsigned v)
{
	static const struct net_hdr none;
	struct net_backend *b = &w.vm[v].backend.backend;

	w.vm[v].blocked = false;
	while (w.vm[v].to_send > 0) {
		if (!b->ops->tx_begin(b, &none, LENGTH)) {
			w.vm[v].blocked = true;
			break;
		}
		b->ops->tx_put(b, frame_of(v), LENGTH);
		b->ops->tx_end(b);
		w.vm[v].to_send--;
	}
	b->ops->flush(b);
}

static void receive_all(unsigned v)
{
	struct net_backend *b = &w.vm[v].backend.backend;
	uint8_t bytes[LENGTH];
	struct net_hdr hdr;
	uint32_t len;

	while (b->ops->rx_begin(b, &hdr, &len) && !w.vm[v].full) {
		assert_int_equal(len, LENGTH);
		b->ops->rx_get(b, bytes, len);
		b->ops->rx_end(b);
		w.vm[v].received++;
	}
	b->ops->flush(b);
}

static void event(unsigned v)
{
	if (w.vm[v].blocked)
		transmit_all(v);
	receive_all(v);
}

static void start_vm(unsigned v)
{
	struct netlink_config config = netpair_owner(w.pair[v], true);
	struct net_backend *b = &w.vm[v].backend.backend;

	w.vm[v].blocked = w.vm[v].full = false;
	w.vm[v].to_send = 0;
	if (net_sddf_init(&w.vm[v].backend, &config,
			  (struct net_signal){ raised, &w.wakes.signalled[SWITCH] }) != VMM_OK)
		__builtin_trap();
	b->ops->accept(b, 0);
	receive_all(v);
}

/* ---- native programs ---- */

static void signal_all(void)
{
	for (unsigned i = 0; i <= VMS; i++)
		w.wakes.signalled[i] |= netlink_flush(&w.sw.port[i].link);
}

static void start_switch(unsigned who)
{
	(void)who;
	switch_init(&w.sw);
	for (unsigned i = 0; i <= VMS; i++) {
		struct netpair *pair = i == UPLINK ? &w.stack.memory->pair : w.pair[i];
		struct switch_port_config config = {
			.link = i == UPLINK ? netpair_owner(pair, false) : netpair_peer(pair, true),
			.trunk = i == UPLINK,
		};

		if (i == UPLINK) {
			config.link.in.io_base = net_stack_paddr(&w.stack, pair->rx_data);
			config.link.out.io_base = net_stack_paddr(&w.stack, pair->tx_data);
		}
		if (switch_add(&w.sw, &config) != VMM_OK)
			__builtin_trap();
	}
	signal_all();
}

/* Once round the loop of app/switch. */
static void run_switch(unsigned who)
{
	bool any = switch_poll(&w.sw, 0);

	signal_all();
	if (any || switch_wait(&w.sw))
		w.wakes.signalled[who] = true;
	else
		signal_all();
}

static void start_driver(unsigned who)
{
	(void)who;
	if (net_stack_open(&w.stack, NET_STACK_DMA) != VMM_OK)
		__builtin_trap();
}

static void run_driver(unsigned who)
{
	(void)who;
	w.wakes.signalled[SWITCH] |= netdrv_run(&w.stack.driver);
}

static bool interrupted(unsigned who)
{
	(void)who;
	return w.stack.mmio.interrupt_status != 0;
}

/* ---- histories ---- */

static void traffic(void)
{
	unsigned v = dice(VMS + 1);

	if (v == VMS) {
		card_receives();
		return;
	}
	if (!w.wakes.started[v])
		return;
	if (dice(2) == 0) {
		w.vm[v].to_send += 1 + dice(BURST);
		if (!w.vm[v].blocked)
			transmit_all(v); /* else its notifications are off */
	} else {
		w.vm[v].full = !w.vm[v].full;
		if (!w.vm[v].full)
			receive_all(v);
	}
}

static void make_actors(void)
{
	struct wakes *k = &w.wakes;

	k->death_in = DEATH_IN;
	k->steps_max = STEPS_MAX;
	for (unsigned v = 0; v < VMS; v++)
		(void)wakes_add(k, (struct wakes_actor){
					   .start = start_vm,
					   .run = event,
					   .own = &w.vm[v].backend,
					   .size = sizeof(w.vm[v].backend),
					   .neighbours = 1u << SWITCH,
				   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_driver,
				   .run = run_driver,
				   .busy = interrupted,
				   .own = &w.stack.driver,
				   .size = sizeof(w.stack.driver),
				   .neighbours = 1u << SWITCH,
			   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_switch,
				   .run = run_switch,
				   .own = &w.sw,
				   .size = sizeof(w.sw),
				   .neighbours = (1u << SWITCH) - 1,
			   });
}

static void make(unsigned history)
{
	static struct vdrv_ops ops;

	memset(&w, 0, sizeof(w));
	wakes_init(&w.wakes, history);
	make_actors();
	assert_int_equal(net_stack_begin(&w.stack), 0);
	ops = vdrv_model_ops;
	ops.write = device_write;
	w.stack.ops = &ops;
	mortal_keep(w.stack.memory->dma, sizeof(w.stack.memory->dma));
	mortal_keep(&w.stack.memory->pair, offsetof(struct netpair, rx_data));
	for (unsigned v = 0; v < VMS; v++) {
		w.pair[v] = calloc(1, sizeof(*w.pair[v]));
		assert_non_null(w.pair[v]);
		mortal_keep(w.pair[v], offsetof(struct netpair, rx_data));
	}
}

static void finish(void)
{
	for (unsigned v = 0; v < VMS; v++)
		free(w.pair[v]);
	net_stack_finish(&w.stack);
}

/* Everybody hears everybody, twice. */
static void check(unsigned history)
{
	for (unsigned from = 0; from < 2 * (VMS + 1); from++) {
		unsigned before[VMS + 1];

		for (unsigned v = 0; v < VMS; v++)
			before[v] = w.vm[v].received;
		before[UPLINK] = w.on_wire;
		if (from % (VMS + 1) == UPLINK) {
			card_receives();
		} else {
			w.vm[from % (VMS + 1)].to_send = 1;
			transmit_all(from % (VMS + 1));
		}
		wakes_settle(&w.wakes);
		for (unsigned v = 0; v <= VMS; v++) {
			unsigned now = v == UPLINK ? w.on_wire : w.vm[v].received;

			if (now - before[v] != (v != from % (VMS + 1)))
				fail_msg("history %u: %u frames of %u at %u", history,
					 now - before[v], from % (VMS + 1), v);
		}
	}
}

static void nobody_is_silent_for_ever(void **state)
{
	unsigned deaths = 0;

	(void)state;
	for (unsigned history = 0; history < HISTORIES; history++) {
		make(history);
		for (unsigned turns = 0; turns < TURNS; turns++) {
			(void)wakes_next(&w.wakes, true);
			if (dice(4) == 0)
				traffic();
		}
		wakes_settle(&w.wakes);
		for (unsigned v = 0; v < VMS; v++) {
			w.vm[v].full = false;
			receive_all(v);
		}
		wakes_settle(&w.wakes);
		for (unsigned v = 0; v < VMS; v++) {
			if (w.vm[v].to_send > 0)
				fail_msg("history %u: %u cannot send", history, v);
		}
		check(history);
		deaths += w.wakes.deaths;
		finish();
	}
	assert_true(deaths > HISTORIES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_silent_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
