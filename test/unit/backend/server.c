/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each thing that a server can do to make a device useless is named, once, whichever backend it is; and a
 * server that does none of that is not accused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/netpair.h"
#include "vmm/backend/block/sddf.h"
#include "vmm/backend/console/sddf.h"
#include "vmm/backend/entropy/sddf.h"
#include "vmm/backend/net/sddf.h"
#include "vmm/backend/socket/queue.h"

enum { SERIAL = 256, PAGES = 8192, DATA = 4 * BLOCK_SDDF_UNIT };

static const char *said;
static unsigned count;
static uint32_t over;

static void say(void *ctx, const char *what)
{
	(void)ctx;
	said = what;
	count++;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static struct server accuser(void)
{
	said = "";
	count = 0;
	over = 0;
	return (struct server){ .over = &over, .say = say };
}

static void assert_said(const char *what)
{
	assert_string_equal(said, what);
	assert_int_equal(count, 1);
}

/* ---- block ---- */

static struct {
	struct block_sddf backend;
	struct blkq requests, responses; /* the server's ends */
	_Alignas(8) uint8_t request_page[PAGES], response_page[PAGES], medium[PAGES];
	uint8_t data[DATA], guest[BLOCK_SDDF_UNIT];
	struct block_request request;
	struct block_segment segment;
	enum block_status status;
	unsigned done;
} disk;

static void disk_done(void *ctx, struct block_request *request, enum block_status status)
{
	(void)ctx;
	(void)request;
	disk.status = status;
	disk.done++;
}

static void show_medium(uint64_t sectors, uint32_t generation)
{
	blkq_medium_show(disk.medium, &(struct blkq_medium){
					      .sectors = sectors,
					      .block_size = BLKQ_SECTOR,
					      .features = BLKQ_F_SECTORS,
					      .generation = generation,
				      });
}

static void disk_begin(void)
{
	const struct block_sddf_setup setup = {
		.requests = disk.request_page,
		.responses = disk.response_page,
		.requests_size = PAGES,
		.responses_size = PAGES,
		.medium = disk.medium,
		.medium_size = PAGES,
		.data = disk.data,
		.data_size = DATA,
		.signal = { .raise = nothing },
		.server = accuser(),
	};

	memset(&disk, 0, sizeof(disk));
	show_medium(8, 1);
	assert_int_equal(block_sddf_init(&disk.backend, &setup), VMM_OK);
	disk.backend.backend.done = disk_done;
	assert_int_equal(blkq_init(&disk.requests, BLKQ_REQUESTS, false, disk.request_page, PAGES),
			 VMM_OK);
	assert_int_equal(
		blkq_init(&disk.responses, BLKQ_RESPONSES, true, disk.response_page, PAGES),
		VMM_OK);
	disk.segment = (struct block_segment){ disk.guest, BLKQ_SECTOR };
	disk.request = (struct block_request){
		.op = BLOCK_READ, .sectors = 1, .segment_count = 1, .segments = &disk.segment
	};
}

static void disk_poll(void)
{
	disk.backend.backend.ops->poll(&disk.backend.backend);
}

/* The server's answer to a request of ours, with something wrong about it. */
static void disk_exchange(uint32_t status, uint16_t short_by, uint32_t id_error)
{
	struct block_backend *b = &disk.backend.backend;
	struct blkq_request request;
	struct blkq_response response;

	disk_poll();
	assert_int_equal(b->ops->submit(b, &disk.request), BLOCK_ACCEPTED);
	(void)b->ops->kick(b, false);
	assert_true(blkq_take(&disk.requests, &request));
	response = (struct blkq_response){
		.status = status,
		.count = (uint16_t)(request.count - short_by),
		.id = request.id ^ id_error,
	};
	assert_true(blkq_put(&disk.responses, &response));
	(void)blkq_show(&disk.requests);
	(void)blkq_show(&disk.responses);
	disk_poll();
}

static void a_disk(void **state)
{
	(void)state;
	disk_begin();
	disk_exchange(BLKQ_OK, 0, 0);
	disk_exchange(BLKQ_IO_ERROR, 0, 0); /* may happen to any disk */
	assert_int_equal(disk.done, 2);
	assert_int_equal(count, 0);
	for (unsigned i = 0; i < 3; i++)
		disk_exchange(BLKQ_OK, 0, 1);
	assert_said("answers what nobody asked");

	disk_begin();
	for (unsigned i = 0; i < 3; i++)
		disk_exchange(BLKQ_OK, 1, 0);
	assert_int_equal(disk.status, BLOCK_IO_ERROR);
	assert_said("did less than it was asked for");

	disk_begin();
	disk_exchange(BLKQ_OK, 0, 0);
	show_medium(8, 2);
	disk_poll(); /* was started again */
	assert_int_equal(count, 0);
	show_medium(4, 3);
	disk_poll();
	assert_said("has another disk than it had, or none");

	for (unsigned queue = 0; queue < 2; queue++) {
		disk_begin();
		disk_exchange(BLKQ_OK, 0, 0);
		*(queue == 0 ? disk.requests.mine : disk.responses.mine) += BLKQ_CAPACITY + 1;
		disk_poll();
		disk_poll();
		assert_said("shows an index beyond its queue");
	}

	disk_begin();
	disk_exchange(BLKQ_OK, 0, 0);
	over = 1;
	disk_poll();
	disk_poll();
	assert_said("was given up");
}

/* ---- network ---- */

static struct netpair pair;
static struct net_sddf net;
static struct netlink net_server;

static void net_begin(void)
{
	const struct netlink_config mine = netpair_owner(&pair, true);
	const struct netlink_config other = netpair_peer(&pair, true);

	memset(&pair, 0, sizeof(pair));
	assert_int_equal(net_sddf_init(&net, &mine, (struct net_signal){ .raise = nothing }),
			 VMM_OK);
	net.server = accuser();
	assert_int_equal(netlink_init(&net_server, &other), VMM_OK);
}

static bool net_event(void)
{
	struct net_hdr hdr;
	uint32_t len;

	(void)net.backend.ops->link_up(&net.backend);
	if (!net.backend.ops->rx_begin(&net.backend, &hdr, &len))
		return false;
	net.backend.ops->rx_end(&net.backend);
	return true;
}

static void net_serve(void)
{
	static const uint8_t bytes[60];

	assert_true(netlink_out(&net_server, NULL, sizeof(bytes)));
	netlink_put(&net_server, bytes, sizeof(bytes));
	netlink_send(&net_server);
	(void)netlink_flush(&net_server);
}

static void a_network(void **state)
{
	uint16_t *const theirs[] = { &pair.rx_active.tail, &pair.tx_free.tail, &pair.rx_free.head,
				     &pair.tx_active.head };

	(void)state;
	net_begin();
	net_serve();
	assert_true(net_event());
	assert_false(net_event());
	assert_int_equal(count, 0);
	net_serve();
	pair.rx_active.entries[1].io_or_offset = NETPAIR_BYTES;
	assert_false(net_event());
	assert_false(net_event());
	assert_said("sends frames or buffers that are none");

	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		net_begin();
		net_serve();
		assert_true(net_event());
		*theirs[i] = (uint16_t)(*theirs[i] + 2 * NETPAIR_CAPACITY + 1);
		assert_false(net_event());
		assert_false(net_event());
		assert_said("shows an index beyond its queue");
	}

	net_begin();
	over = 1;
	(void)net_event();
	(void)net_event();
	assert_said("was given up");
}

/* ---- sockets ---- */

static struct {
	struct socket_queue backend;
	struct serialq to, from;
	uint8_t to_data[SOCKQ_CAPACITY_MIN], from_data[SOCKQ_CAPACITY_MIN];
	struct sockq_sender router;
} vsock;

static void vsock_begin(void)
{
	struct socket_queue *q = &vsock.backend;

	memset(&vsock, 0, sizeof(vsock));
	assert_int_equal(sockq_sender_init(&q->to, &vsock.to, vsock.to_data, SOCKQ_CAPACITY_MIN),
			 VMM_OK);
	assert_int_equal(
		sockq_receiver_init(&q->from, &vsock.from, vsock.from_data, SOCKQ_CAPACITY_MIN),
		VMM_OK);
	assert_int_equal(
		sockq_sender_init(&vsock.router, &vsock.from, vsock.from_data, SOCKQ_CAPACITY_MIN),
		VMM_OK);
	socket_queue_init(q, nothing, NULL);
	q->server = accuser();
}

static bool vsock_event(struct vsock_packet *packet)
{
	struct socket_backend *b = &vsock.backend.backend;

	if (!b->ops->peek(b, packet))
		return false;
	b->ops->next(b);
	return true;
}

static void sockets(void **state)
{
	struct vsock_packet packet = { .type = VSOCK_TYPE_STREAM, .op = VSOCK_OP_RST };

	(void)state;
	vsock_begin();
	assert_false(vsock_event(&packet));
	sockq_send(&vsock.router, &packet);
	assert_true(vsock_event(&packet));
	assert_int_equal(count, 0);
	/* Nothing more can be understood: as from a router that lost all connections. */
	packet.len = VSOCK_PAYLOAD_MAX + 1;
	sockq_send(&vsock.router, &packet);
	vsock.router.left = 0;
	vsock.from.tail += (uint32_t)sizeof(packet);
	assert_true(vsock_event(&packet));
	assert_int_equal(packet.type, VSOCK_TYPE_LINK);
	assert_int_equal(packet.op, VSOCK_LINK_RESET);
	assert_false(vsock_event(&packet));
	assert_true(vsock.backend.backend.ops->room(&vsock.backend.backend, 1));
	assert_said("sends a packet that is too long");

	for (unsigned queue = 0; queue < 2; queue++) {
		vsock_begin();
		*(queue == 0 ? &vsock.to.head : &vsock.from.tail) = SOCKQ_CAPACITY_MIN + 1;
		assert_false(vsock_event(&packet));
		assert_false(vsock_event(&packet));
		assert_said("shows an index beyond its queue");
	}

	vsock_begin();
	over = 1;
	assert_true(vsock_event(&packet));
	assert_false(vsock_event(&packet));
	assert_said("was given up");
}

/* ---- bytes ---- */

static struct serialq rx_queue, tx_queue;
static uint8_t rx_data[SERIAL], tx_data[SERIAL];

static void entropy(void **state)
{
	struct serialq_consumer rx;
	struct entropy_sddf source;
	uint8_t byte;

	(void)state;
	for (unsigned what = 0; what < 3; what++) {
		memset(&rx_queue, 0, sizeof(rx_queue));
		assert_int_equal(serialq_consumer_init(&rx, &rx_queue, rx_data, SERIAL), VMM_OK);
		entropy_sddf_init(&source, &rx, nothing, NULL);
		source.server = accuser();
		rx_queue.tail = what == 1 ? SERIAL + 1 : 0;
		over = what == 2;
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(source.backend.ops->fill(&source.backend, &byte, 1), 0);
		if (what == 0)
			assert_int_equal(count, 0);
		else
			assert_said(what == 1 ? "shows an index beyond its queue" : "was given up");
	}
}

static void a_console(void **state)
{
	static const uint8_t text[SERIAL + 1];
	struct serialq_producer tx;
	struct serialq_consumer rx;
	struct console_sddf console;
	uint8_t byte;

	(void)state;
	for (unsigned what = 0; what < 3; what++) {
		memset(&rx_queue, 0, sizeof(rx_queue));
		memset(&tx_queue, 0, sizeof(tx_queue));
		assert_int_equal(serialq_consumer_init(&rx, &rx_queue, rx_data, SERIAL), VMM_OK);
		assert_int_equal(serialq_producer_init(&tx, &tx_queue, tx_data, SERIAL), VMM_OK);
		console_sddf_init(&console, &tx, &rx, (struct console_signal){ .raise = nothing });
		console.server = accuser();
		rx_queue.tail = what == 1 ? SERIAL + 1 : 0;
		tx_queue.head = what == 2 ? 1 : 0;
		for (unsigned i = 0; i < 3; i++) {
			(void)console.backend.ops->write(&console.backend, text, sizeof(text));
			(void)console.backend.ops->read(&console.backend, &byte, 1);
			tx_queue.head += what == 2 ? SERIAL : 0;
		}
		if (what == 0)
			assert_int_equal(count, 0);
		else
			assert_said("shows an index beyond its queue");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk),  cmocka_unit_test(a_network), cmocka_unit_test(sockets),
		cmocka_unit_test(entropy), cmocka_unit_test(a_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
