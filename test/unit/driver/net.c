/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native network driver against our own model of the device, with a client as the switch is one: DMA
 * addresses in the entries, buffers that go round, a client that lies, a driver that dies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/net_stack.h"
#include "vmm/base/util.h"

static struct net_stack stack;

static int begin(void **state)
{
	(void)state;
	return net_stack_begin(&stack);
}

static int finish(void **state)
{
	(void)state;
	return net_stack_finish(&stack);
}

static bool send(uint32_t len)
{
	return net_stack_send(&stack, len);
}

static bool sent(uint32_t len)
{
	return net_stack_sent(&stack, len);
}

static void arrive(uint32_t len)
{
	assert_true(net_stack_arrive(&stack, len));
}

static bool received(uint32_t len)
{
	return net_stack_received(&stack, len);
}

static void frames_go_both_ways_round_and_round(void **state)
{
	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	assert_memory_equal(stack.driver.mac, "\x52\x54\x00\x01\x02\x03", 6);
	(void)netdrv_run(&stack.driver);
	/* Many times the buffers and the slots there are. */
	for (uint32_t i = 0; i < 600; i++) {
		uint32_t len = 14 + i * 7 % 1500;

		assert_true(send(len));
		(void)netdrv_run(&stack.driver);
		assert_true(sent(len));
		arrive(len);
		(void)netdrv_run(&stack.driver);
		assert_true(received(len));
	}
	assert_int_equal(stack.driver.tx_frames, 600);
	assert_int_equal(stack.driver.rx_frames, 600);
	assert_int_equal(stack.driver.bad, 0);
}

static void a_burst_waits_for_the_card(void **state)
{
	unsigned count = 0;

	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	stack.wire->limit = 4;
	while (send(100))
		count++;
	assert_int_equal(count, NETPAIR_CAPACITY);
	(void)netdrv_run(&stack.driver);
	while (count > 0) {
		if (sent(100))
			count--;
		virtio_event(&stack.model.vd, 0);
		(void)netdrv_run(&stack.driver);
	}
	assert_true(send(100)); /* all buffers came back */
	assert_null(net_memory_drain(stack.wire));
}

static void the_client_is_signalled_if_it_asked(void **state)
{
	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	(void)netdrv_run(&stack.driver);
	arrive(100);
	assert_true(netdrv_run(&stack.driver)); /* zeroed memory asks */
	assert_false(netdrv_run(&stack.driver));
	arrive(100);
	assert_false(netdrv_run(&stack.driver));
	assert_true(received(100) && received(100));
	assert_false(netlink_in_wait(&stack.client));
	arrive(100);
	assert_true(netdrv_run(&stack.driver));
}

/* Buffers to receive into come back after every frame; the driver is woken for them when it runs short. */
static void buffers_wake_a_driver_that_has_few(void **state)
{
	const unsigned few = NETDRV_SLOTS / 4, taken = NETPAIR_CAPACITY - few + 1;

	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	(void)netdrv_run(&stack.driver);
	(void)netlink_flush(&stack.client); /* what zeroed memory asked for */
	for (unsigned i = 0; i < 300; i++) {
		arrive(100);
		(void)netdrv_run(&stack.driver);
		assert_true(received(100));
		assert_false(netlink_flush(&stack.client));
	}
	for (unsigned i = 0; i < taken; i++) {
		arrive(100);
		(void)netdrv_run(&stack.driver);
	}
	for (unsigned i = 0; i < taken; i++)
		assert_true(received(100));
	assert_true(netlink_flush(&stack.client));
	(void)netdrv_run(&stack.driver);
	assert_int_equal(stack.driver.bad, 0);
}

/* The device reads and writes where the driver says: nowhere but in the client's regions. */
static void the_client_cannot_reach_other_memory(void **state)
{
	struct netpair_queue *tx = &stack.memory->pair.tx_active, *rx = &stack.memory->pair.rx_free;
	const struct netq_entry lies[] = {
		{ net_stack_paddr(&stack, stack.memory->secret), 100, 0, 0 },
		{ net_stack_paddr(&stack, stack.memory->pair.rx_data), 100, 0,
		  0 }, /* the other direction's */
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data) + NETPAIR_BYTES - 99, 100, 0,
		  0 },
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data) - 1, 100, 0, 0 },
		{ UINT64_MAX - 50, 100, 0, 0 },
		{ 0, 100, 0, 0 },
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data), 13, 0, 0 },
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data), NETDRV_FRAME_MAX + 1, 0, 0 },
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data), 100, NETQ_MORE, 0 },
		{ net_stack_paddr(&stack, stack.memory->pair.tx_data), 100, NETQ_META, 0 },
	};

	(void)state;
	/* Of the receive buffers, all but the first lie. */
	for (unsigned i = 1; i < NETPAIR_CAPACITY; i++)
		rx->entries[i].io_or_offset =
			i % 2 == 0 ? net_stack_paddr(&stack, stack.memory->secret)
				   : net_stack_paddr(&stack, stack.memory->pair.rx_data) +
					     NETPAIR_BYTES - 2047;
	memcpy(tx->entries, lies, sizeof(lies));
	tx->tail = ARRAY_SIZE(lies);
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	(void)netdrv_run(&stack.driver);
	assert_null(net_memory_drain(stack.wire));
	assert_int_equal(stack.driver.bad, ARRAY_SIZE(lies) + NETPAIR_CAPACITY - 1);
	assert_int_equal(stack.memory->pair.tx_free.tail, ARRAY_SIZE(lies)); /* they come back */
	arrive(100);
	arrive(100);
	(void)netdrv_run(&stack.driver);
	assert_true(received(100));
	assert_false(received(100));
	for (unsigned i = 0; i < sizeof(stack.memory->secret); i++)
		assert_int_equal(stack.memory->secret[i], 0x5a);
}

static void a_client_that_takes_nothing_back_stops_itself_only(void **state)
{
	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	(void)netdrv_run(&stack.driver);
	stack.memory->pair.rx_active.head = 1; /* looks full */
	for (unsigned i = 0; i < 200; i++) {
		while (stack.wire->in.count < NET_MEMORY_FRAMES)
			arrive(100);
		(void)netdrv_run(&stack.driver);
	}
	assert_true(send(100));
	(void)netdrv_run(&stack.driver);
	assert_true(sent(100));
}

/* Whoever starts says so: its client may wait for the answer, and have looked before it was there. */
static void a_driver_that_starts_is_heard(void **state)
{
	(void)state;
	for (unsigned life = 0; life < 3; life++) {
		assert_int_equal(net_stack_open_client(&stack), 0);
		assert_false(netlink_in_wait(&stack.client));
		assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
		assert_true(netdrv_run(&stack.driver));
		assert_true(netlink_in_wait(&stack.client));
		assert_false(netdrv_run(&stack.driver));
	}
}

static void check_all_buffers(void)
{
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(send(100));
	assert_false(send(100));
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++) {
		arrive(100);
		(void)netdrv_run(&stack.driver);
	}
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(received(100));
}

static int start_client(void)
{
	if (net_stack_open_client(&stack) != 0)
		return -1;
	netlink_tell(&stack.client, 0, true);
	return 0;
}

/* The device has none of the former client's buffers when the new one gives them; both die at will. */
static void a_client_that_died_loses_frames_and_no_buffer(void **state)
{
	(void)state;
	assert_int_equal(start_client(), 0);
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	for (unsigned life = 0; life < 50; life++) {
		stack.wire->limit = 0;
		for (unsigned i = 0; i < 10; i++)
			(void)send(100);
		(void)netdrv_run(&stack.driver);
		arrive(100);
		(void)netdrv_run(&stack.driver);
		memset(&stack.client, 0xee, sizeof(stack.client));
		assert_int_equal(start_client(), 0);
		if (life % 3 == 1)
			assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
		else
			assert_true(netdrv_run(&stack.driver)); /* it has answered */
		assert_false(send(100) && life % 3 != 2);
		if (life % 3 == 2)
			assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
		assert_true(netlink_in_wait(&stack.client));
		assert_true(netlink_flush(&stack.client));
		(void)netdrv_run(&stack.driver);
		arrive(100);
		(void)netdrv_run(&stack.driver);
		assert_true(received(100));
		stack.wire->limit = NET_MEMORY_FRAMES;
		while (net_memory_drain(stack.wire) != NULL)
			;
	}
	assert_int_equal(stack.driver.bad, 0);
	(void)netlink_in_wait(&stack.client);
	check_all_buffers();
}

static void a_driver_that_died_loses_frames_and_no_buffer(void **state)
{
	(void)state;
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
	stack.wire->limit = 0; /* the card holds what is to be sent */
	for (unsigned i = 0; i < 10; i++)
		assert_true(send(100));
	(void)netdrv_run(&stack.driver);
	for (unsigned life = 0; life < 50; life++) {
		memset(&stack.driver, 0xee, sizeof(stack.driver));
		assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_OK);
		(void)netdrv_run(&stack.driver);
	}
	stack.wire->limit = NET_MEMORY_FRAMES;
	assert_null(net_memory_drain(stack.wire));
	check_all_buffers(); /* both ways */
}

static void what_cannot_be_used_is_said(void **state)
{
	(void)state;
	assert_int_equal(net_stack_open(&stack, netdrv_dma_bytes() - 1), VMM_ERR_INVALID);
	assert_true(netdrv_dma_bytes() <= NET_STACK_DMA);
	stack.model.vd.setup.queue_size_max = 128; /* slots are counted on */
	assert_int_equal(net_stack_open(&stack, NET_STACK_DMA), VMM_ERR_UNSUPPORTED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_go_both_ways_round_and_round, begin, finish),
		cmocka_unit_test_setup_teardown(a_burst_waits_for_the_card, begin, finish),
		cmocka_unit_test_setup_teardown(the_client_is_signalled_if_it_asked, begin, finish),
		cmocka_unit_test_setup_teardown(buffers_wake_a_driver_that_has_few, begin, finish),
		cmocka_unit_test_setup_teardown(the_client_cannot_reach_other_memory, begin,
						finish),
		cmocka_unit_test_setup_teardown(a_client_that_takes_nothing_back_stops_itself_only,
						begin, finish),
		cmocka_unit_test_setup_teardown(a_client_that_died_loses_frames_and_no_buffer,
						begin, finish),
		cmocka_unit_test_setup_teardown(a_driver_that_died_loses_frames_and_no_buffer,
						begin, finish),
		cmocka_unit_test_setup_teardown(a_driver_that_starts_is_heard, begin, finish),
		cmocka_unit_test_setup_teardown(what_cannot_be_used_is_said, begin, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
