/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network driver that dies in front of each of its stores, and of each thing that it tells the device,
 * and whose successor dies likewise: whenever that was, afterwards the client has every buffer once, and every
 * frame that arrives is one that was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/mortal.h"
#include "test/support/net_stack.h"

enum { ROUNDS = 4, BURST = 3, LENGTH = 60, LENGTHS = 1000, SPREAD = 61 };

struct world {
	struct net_stack stack;
	struct mortal_fate fate;
	bool meanwhile; /* the client goes on while nobody drives */
	uint32_t length;
};

static struct world w;

static void device_write(void *regs, unsigned offset, uint32_t value)
{
	mortal_step();
	vdrv_model_ops.write(regs, offset, value);
}

static void open(void)
{
	if (net_stack_open(&w.stack, NET_STACK_DMA) != VMM_OK)
		__builtin_trap();
}

static void run(void)
{
	(void)netdrv_run(&w.stack.driver);
}

static bool survives(void (*life)(void))
{
	return mortal_survives(&w.fate, life, &w.stack.driver, sizeof(w.stack.driver));
}

/* Frames have the lengths in turn, so that one that was not sent, or garbled, is found. */
static uint32_t next_length(void)
{
	w.length = w.length < LENGTH + LENGTHS ? w.length + 1 : LENGTH;
	return w.length;
}

static void receive_all(void)
{
	while (netlink_in_wait(&w.stack.client)) {
		const struct netlink_frame *frame = &w.stack.frame;
		uint8_t got[NETDRV_BUFFER];

		if (!netlink_in(&w.stack.client, &w.stack.frame))
			break;
		assert_in_range(frame->len, LENGTH, LENGTH + LENGTHS);
		assert_int_equal(netpair_flatten(frame, got), frame->len);
		assert_memory_equal(got, net_stack_contents(frame->len), frame->len);
		netlink_in_drop(&w.stack.client, frame);
	}
}

static void use(void)
{
	for (unsigned i = 0; i < BURST; i++) {
		assert_true(net_stack_send(&w.stack, next_length()));
		(void)net_stack_arrive(&w.stack, next_length());
	}
	receive_all();
}

static void drive(void)
{
	while (!survives(run)) {
		do {
			if (w.meanwhile)
				use();
		} while (!survives(open));
	}
}

/* All that can be sent and received at once. */
static void check_all_buffers(void)
{
	struct net_stack *s = &w.stack;

	s->wire->limit = NET_MEMORY_FRAMES;
	virtio_event(&s->model.vd, 0);
	drive();
	receive_all();
	drive();
	while (net_memory_drain(s->wire) != NULL)
		virtio_event(&s->model.vd, 0);
	drive();
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(net_stack_send(s, LENGTH + i));
	assert_false(net_stack_send(s, LENGTH));
	drive();
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++) {
		assert_true(net_stack_sent(s, LENGTH + i));
		virtio_event(&s->model.vd, 0);
	}
	for (unsigned i = 0; i <= NETPAIR_CAPACITY; i++) {
		assert_true(net_stack_arrive(s, LENGTH + i));
		drive();
	}
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(net_stack_received(s, LENGTH + i));
	assert_false(net_stack_received(s, 0)); /* no buffer twice */
	drive();
	assert_true(net_stack_received(s, LENGTH + NETPAIR_CAPACITY));
	assert_int_equal(s->driver.bad, 0);
}

/* False if the driver lived through it all. */
static bool one_history(unsigned first, unsigned second, bool meanwhile)
{
	static struct vdrv_ops ops;

	w = (struct world){ .fate = { .left = first, .next = second },
			    .meanwhile = meanwhile,
			    .length = LENGTH };
	assert_int_equal(net_stack_begin(&w.stack), 0);
	ops = vdrv_model_ops;
	ops.write = device_write;
	w.stack.ops = &ops;
	mortal_forget();
	mortal_keep(w.stack.memory, sizeof(*w.stack.memory));
	while (!survives(open))
		;
	for (unsigned i = 0; i < ROUNDS; i++) {
		w.stack.wire->limit = i % 2 == 0 ? 1 : NET_MEMORY_FRAMES; /* the card holds some */
		use();
		drive();
		(void)net_memory_drain(w.stack.wire);
	}
	w.fate.left = 0;
	w.fate.next = 0;
	check_all_buffers();
	net_stack_finish(&w.stack);
	return w.fate.deaths > 0;
}

static void every_store(bool meanwhile)
{
	unsigned at = 1;

	while (one_history(at, 0, meanwhile))
		at++;
	assert_true(at > 500);
	for (unsigned first = 1; first < at; first++)
		(void)one_history(first, 1 + first % SPREAD, meanwhile);
}

static void a_driver_dies_at_every_store(void **state)
{
	(void)state;
	every_store(false);
}

static void while_its_client_goes_on(void **state)
{
	(void)state;
	every_store(true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_driver_dies_at_every_store),
		cmocka_unit_test(while_its_client_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
