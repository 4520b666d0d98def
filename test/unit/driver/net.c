/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native network driver against our own model of the device, with a client as the switch is one: DMA
 * addresses in the entries, buffers that go round, a client that lies, a driver that dies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/netpair.h"
#include "test/support/vdrv_model.h"
#include "vmm/base/util.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/virtio/net.h"
#include "vmm/driver/virtio/net.h"

enum { PAGE = 0x1000, DMA = 64 * 1024 };

#define PADDR UINT64_C(0x60000000)

/* The machine's memory, of which the client has the pair's two regions, and the driver the rest. */
struct memory {
	struct netpair pair;
	_Alignas(PAGE) uint8_t dma[DMA];
	uint8_t secret[NETDRV_BUFFER];
};

static struct memory *memory;
static struct virtio_net model;
static struct virtio_mmio mmio;
static struct gmem gmem;
static struct net_memory *wire;
static struct netdrv driver;
static struct netlink client;
static struct netlink_frame frame;
static uint8_t bytes[NETDRV_FRAME_MAX], got[NETDRV_BUFFER];

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	(void)up;
}

static uint64_t paddr(const void *at)
{
	return PADDR + (uint64_t)((const uint8_t *)at - (const uint8_t *)memory);
}

static enum vmm_err open_driver(size_t dma_size)
{
	struct netpair *pair = &memory->pair;

	return netdrv_open(&driver, &(struct netdrv_setup){
					    .ops = &vdrv_model_ops,
					    .page = vdrv_model_page,
					    .page_size = sizeof(vdrv_model_page),
					    .dma = memory->dma,
					    .dma_paddr = paddr(memory->dma),
					    .dma_size = dma_size,
					    .rx_free = &pair->rx_free,
					    .rx_active = &pair->rx_active,
					    .tx_free = &pair->tx_free,
					    .tx_active = &pair->tx_active,
					    .capacity = NETPAIR_CAPACITY,
					    .rx_data = { paddr(pair->rx_data), NETPAIR_BYTES },
					    .tx_data = { paddr(pair->tx_data), NETPAIR_BYTES },
				    });
}

static int begin(void **state)
{
	struct netlink_config config;

	(void)state;
	memory = aligned_alloc(PAGE, align_up(sizeof(*memory), PAGE));
	wire = malloc(sizeof(*wire));
	if (memory == NULL || wire == NULL)
		return -1;
	memset(memory, 0, sizeof(*memory));
	memset(memory->secret, 0x5a, sizeof(memory->secret));
	gmem = (struct gmem){ .count = 0 };
	if (gmem_add(&gmem, PADDR, (uint64_t)(uintptr_t)memory, sizeof(*memory)) != VMM_OK)
		return -1;
	net_memory_init(wire, 0, false);
	virtio_net_init(&model, &(struct virtio_setup){ .name = "host", .gmem = &gmem },
			&(struct virtio_net_params){
				.backend = &wire->backend,
				.mac = { 0x52, 0x54, 0, 1, 2, 3 },
				.mtu = 1500,
				.pairs = 1,
			});
	virtio_mmio_init(&mmio, &model.vd, irq, NULL, NULL);
	vdrv_model_set(&mmio, 0);
	config = netpair_owner(&memory->pair, false);
	config.in.io_base = paddr(memory->pair.rx_data);
	config.out.io_base = paddr(memory->pair.tx_data);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3);
	return netlink_init(&client, &config) == VMM_OK ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	free(memory);
	free(wire);
	return 0;
}

static bool send(uint32_t len)
{
	if (!netlink_out(&client, NULL, len))
		return false;
	netlink_put(&client, bytes, len);
	netlink_send(&client);
	return true;
}

static bool sent(uint32_t len)
{
	const struct net_memory_frame *out = net_memory_drain(wire);

	return out != NULL && out->len == len && memcmp(out->bytes, bytes, len) == 0;
}

static void arrive(uint32_t len)
{
	static const struct net_hdr none;

	assert_true(net_memory_feed(wire, &none, bytes, len));
	virtio_event(&model.vd, 0);
}

static bool received(uint32_t len)
{
	bool same;

	if (!netlink_in(&client, &frame))
		return false;
	same = frame.len == len && netpair_flatten(&frame, got) == len &&
	       memcmp(got, bytes, len) == 0;
	netlink_in_drop(&client, &frame);
	return same;
}

static void frames_go_both_ways_round_and_round(void **state)
{
	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	assert_memory_equal(driver.mac, "\x52\x54\x00\x01\x02\x03", 6);
	(void)netdrv_run(&driver);
	/* Many times the buffers and the slots there are. */
	for (uint32_t i = 0; i < 600; i++) {
		uint32_t len = 14 + i * 7 % 1500;

		assert_true(send(len));
		(void)netdrv_run(&driver);
		assert_true(sent(len));
		arrive(len);
		(void)netdrv_run(&driver);
		assert_true(received(len));
	}
	assert_int_equal(driver.tx_frames, 600);
	assert_int_equal(driver.rx_frames, 600);
	assert_int_equal(driver.bad, 0);
}

static void a_burst_waits_for_the_card(void **state)
{
	unsigned count = 0;

	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	wire->limit = 4;
	while (send(100))
		count++;
	assert_int_equal(count, NETPAIR_CAPACITY);
	(void)netdrv_run(&driver);
	while (count > 0) {
		if (sent(100))
			count--;
		virtio_event(&model.vd, 0);
		(void)netdrv_run(&driver);
	}
	assert_true(send(100)); /* all buffers came back */
	assert_null(net_memory_drain(wire));
}

static void the_client_is_signalled_if_it_asked(void **state)
{
	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	(void)netdrv_run(&driver);
	arrive(100);
	assert_true(netdrv_run(&driver)); /* zeroed memory asks */
	assert_false(netdrv_run(&driver));
	arrive(100);
	assert_false(netdrv_run(&driver));
	assert_true(received(100) && received(100));
	assert_false(netlink_in_wait(&client));
	arrive(100);
	assert_true(netdrv_run(&driver));
}

/* Buffers to receive into come back after every frame; the driver is woken for them when it runs short. */
static void buffers_wake_a_driver_that_has_few(void **state)
{
	const unsigned few = NETDRV_SLOTS / 4, taken = NETPAIR_CAPACITY - few + 1;

	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	(void)netdrv_run(&driver);
	(void)netlink_flush(&client); /* what zeroed memory asked for */
	for (unsigned i = 0; i < 300; i++) {
		arrive(100);
		(void)netdrv_run(&driver);
		assert_true(received(100));
		assert_false(netlink_flush(&client));
	}
	for (unsigned i = 0; i < taken; i++) {
		arrive(100);
		(void)netdrv_run(&driver);
	}
	for (unsigned i = 0; i < taken; i++)
		assert_true(received(100));
	assert_true(netlink_flush(&client));
	(void)netdrv_run(&driver);
	assert_int_equal(driver.bad, 0);
}

/* The device reads and writes where the driver says: nowhere but in the client's regions. */
static void the_client_cannot_reach_other_memory(void **state)
{
	struct netpair_queue *tx = &memory->pair.tx_active, *rx = &memory->pair.rx_free;
	const struct netq_entry lies[] = {
		{ paddr(memory->secret), 100, 0, 0 },
		{ paddr(memory->pair.rx_data), 100, 0, 0 }, /* the other direction's */
		{ paddr(memory->pair.tx_data) + NETPAIR_BYTES - 99, 100, 0, 0 },
		{ paddr(memory->pair.tx_data) - 1, 100, 0, 0 },
		{ UINT64_MAX - 50, 100, 0, 0 },
		{ 0, 100, 0, 0 },
		{ paddr(memory->pair.tx_data), 13, 0, 0 },
		{ paddr(memory->pair.tx_data), NETDRV_FRAME_MAX + 1, 0, 0 },
		{ paddr(memory->pair.tx_data), 100, NETQ_MORE, 0 },
		{ paddr(memory->pair.tx_data), 100, NETQ_META, 0 },
	};

	(void)state;
	/* Of the receive buffers, all but the first lie. */
	for (unsigned i = 1; i < NETPAIR_CAPACITY; i++)
		rx->entries[i].io_or_offset =
			i % 2 == 0 ? paddr(memory->secret)
				   : paddr(memory->pair.rx_data) + NETPAIR_BYTES - 2047;
	memcpy(tx->entries, lies, sizeof(lies));
	tx->tail = ARRAY_SIZE(lies);
	assert_int_equal(open_driver(DMA), VMM_OK);
	(void)netdrv_run(&driver);
	assert_null(net_memory_drain(wire));
	assert_int_equal(driver.bad, ARRAY_SIZE(lies) + NETPAIR_CAPACITY - 1);
	assert_int_equal(memory->pair.tx_free.tail, ARRAY_SIZE(lies)); /* they come back */
	arrive(100);
	arrive(100);
	(void)netdrv_run(&driver);
	assert_true(received(100));
	assert_false(received(100));
	for (unsigned i = 0; i < sizeof(memory->secret); i++)
		assert_int_equal(memory->secret[i], 0x5a);
}

static void a_client_that_takes_nothing_back_stops_itself_only(void **state)
{
	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	(void)netdrv_run(&driver);
	memory->pair.rx_active.head = 1; /* looks full */
	for (unsigned i = 0; i < 200; i++) {
		while (wire->in.count < NET_MEMORY_FRAMES)
			arrive(100);
		(void)netdrv_run(&driver);
	}
	assert_true(send(100));
	(void)netdrv_run(&driver);
	assert_true(sent(100));
}

static void check_all_buffers(void)
{
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(send(100));
	assert_false(send(100));
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++) {
		arrive(100);
		(void)netdrv_run(&driver);
	}
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		assert_true(received(100));
}

static int start_client(void)
{
	struct netlink_config config = netpair_owner(&memory->pair, false);

	config.in.io_base = paddr(memory->pair.rx_data);
	config.out.io_base = paddr(memory->pair.tx_data);
	if (netlink_init(&client, &config) != VMM_OK)
		return -1;
	netlink_tell(&client, 0, true);
	return 0;
}

/* The device has none of the former client's buffers when the new one gives them; both die at will. */
static void a_client_that_died_loses_frames_and_no_buffer(void **state)
{
	(void)state;
	assert_int_equal(start_client(), 0);
	assert_int_equal(open_driver(DMA), VMM_OK);
	for (unsigned life = 0; life < 50; life++) {
		wire->limit = 0;
		for (unsigned i = 0; i < 10; i++)
			(void)send(100);
		(void)netdrv_run(&driver);
		arrive(100);
		(void)netdrv_run(&driver);
		memset(&client, 0xee, sizeof(client));
		assert_int_equal(start_client(), 0);
		if (life % 3 == 1)
			assert_int_equal(open_driver(DMA), VMM_OK);
		else
			assert_true(netdrv_run(&driver)); /* it has answered */
		assert_false(send(100) && life % 3 != 2);
		if (life % 3 == 2)
			assert_int_equal(open_driver(DMA), VMM_OK);
		assert_true(netlink_in_wait(&client));
		assert_true(netlink_flush(&client));
		(void)netdrv_run(&driver);
		arrive(100);
		(void)netdrv_run(&driver);
		assert_true(received(100));
		wire->limit = NET_MEMORY_FRAMES;
		while (net_memory_drain(wire) != NULL)
			;
	}
	assert_int_equal(driver.bad, 0);
	(void)netlink_in_wait(&client);
	check_all_buffers();
}

static void a_driver_that_died_loses_frames_and_no_buffer(void **state)
{
	(void)state;
	assert_int_equal(open_driver(DMA), VMM_OK);
	wire->limit = 0; /* the card holds what is to be sent */
	for (unsigned i = 0; i < 10; i++)
		assert_true(send(100));
	(void)netdrv_run(&driver);
	for (unsigned life = 0; life < 50; life++) {
		memset(&driver, 0xee, sizeof(driver));
		assert_int_equal(open_driver(DMA), VMM_OK);
		(void)netdrv_run(&driver);
	}
	wire->limit = NET_MEMORY_FRAMES;
	assert_null(net_memory_drain(wire));
	check_all_buffers(); /* both ways */
}

static void what_cannot_be_used_is_said(void **state)
{
	(void)state;
	assert_int_equal(open_driver(netdrv_dma_bytes() - 1), VMM_ERR_INVALID);
	assert_true(netdrv_dma_bytes() <= DMA);
	model.vd.setup.queue_size_max = 128; /* slots are counted on */
	assert_int_equal(open_driver(DMA), VMM_ERR_UNSUPPORTED);
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
		cmocka_unit_test_setup_teardown(what_cannot_be_used_is_said, begin, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
