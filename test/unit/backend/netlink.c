/* SPDX-License-Identifier: BSD-2-Clause */
/* Links: frames of all lengths both ways, buffers that go round, and a peer that lies about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>

#include "test/support/netpair.h"
#include "vmm/backend/net/sddf.h"

struct fixture {
	struct netpair pair;
	struct netlink owner, peer;
	struct netlink_frame frame;
	uint8_t sent[NET_FRAME_MAX], got[NET_FRAME_MAX + 64];
};

static void setup(struct fixture *f, bool chains)
{
	struct netlink_config owner, peer;

	memset(f, 0, sizeof(*f));
	owner = netpair_owner(&f->pair, chains);
	peer = netpair_peer(&f->pair, chains);
	assert_int_equal(netlink_init(&f->owner, &owner), VMM_OK);
	assert_int_equal(netlink_init(&f->peer, &peer), VMM_OK);
	for (size_t i = 0; i < sizeof(f->sent); i++)
		f->sent[i] = (uint8_t)(i * 31 + (i >> 8));
}

static int make(void **state)
{
	*state = malloc(sizeof(struct fixture));
	return *state == NULL;
}

static int drop(void **state)
{
	free(*state);
	return 0;
}

static bool send(struct netlink *link, const struct fixture *f, const struct net_hdr *hdr,
		 uint32_t len)
{
	if (!netlink_out(link, hdr, len))
		return false;
	for (uint32_t at = 0, n; at < len; at += n) {
		n = len - at < 700 ? len - at : 700;
		netlink_put(link, f->sent + at, n);
	}
	netlink_send(link);
	return true;
}

static void expect(struct netlink *link, struct fixture *f, const struct net_hdr *hdr, uint32_t len)
{
	static const struct net_hdr none = { 0 };

	assert_true(netlink_in(link, &f->frame));
	assert_int_equal(f->frame.len, len);
	assert_int_equal(netpair_flatten(&f->frame, f->got), len);
	assert_memory_equal(f->got, f->sent, len);
	assert_memory_equal(&f->frame.hdr, hdr != NULL ? hdr : &none, sizeof(none));
	netlink_in_drop(link, &f->frame);
}

static void frames_of_all_lengths_arrive_both_ways(void **state)
{
	static const uint32_t lens[] = { 1,    60,   2035, 2036,  2037,         2047,
					 2048, 2049, 4096, 30000, NET_FRAME_MAX };
	static const struct net_hdr hdr = { .flags = NET_HDR_F_NEEDS_CSUM, .csum_start = 34 };
	struct fixture *f = *state;

	setup(f, true);
	for (unsigned round = 0; round < 30; round++) {
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			const struct net_hdr *with = (round + i) % 2 == 0 ? &hdr : NULL;

			assert_true(send(&f->owner, f, with, lens[i]));
			expect(&f->peer, f, with, lens[i]);
			assert_true(send(&f->peer, f, with, lens[i]));
			expect(&f->owner, f, with, lens[i]);
		}
	}
	assert_int_equal(f->owner.bad + f->peer.bad, 0);
}

static void plain_frames_are_what_any_peer_understands(void **state)
{
	struct fixture *f = *state;
	struct netq_entry entry;

	setup(f, false);
	assert_false(netlink_out(&f->owner, NULL, NETPAIR_BUFFER + 1));
	assert_false(netlink_out(&f->owner, &(struct net_hdr){ 0 }, 60));
	assert_true(send(&f->owner, f, NULL, 1514));
	entry = f->pair.tx_active.entries[0];
	assert_int_equal(entry.len, 1514);
	assert_int_equal(entry.flags, 0);
	assert_int_equal(entry.io_or_offset % NETPAIR_BUFFER, 0);
	assert_memory_equal(f->pair.tx_data + entry.io_or_offset, f->sent, 1514);
	expect(&f->peer, f, NULL, 1514);
	assert_int_equal(netlink_frame_max(&f->owner), NETPAIR_BUFFER);
}

static void a_full_link_takes_no_more_until_buffers_come_back(void **state)
{
	struct fixture *f = *state;
	unsigned count = 0;

	setup(f, true);
	while (send(&f->owner, f, NULL, 2000))
		count++;
	assert_int_equal(count, NETPAIR_CAPACITY);
	assert_false(netlink_out_wait(&f->owner, 60));
	assert_true(netlink_flush(&f->owner)); /* zeroed memory asks for the first signal */
	expect(&f->peer, f, NULL, 2000);
	assert_true(netlink_flush(&f->peer)); /* the owner asked for it */
	assert_true(netlink_out_wait(&f->owner, 60));
	assert_true(send(&f->owner, f, NULL, 60));
	assert_false(send(&f->owner, f, NULL, 60));
	while (count-- > 1)
		expect(&f->peer, f, NULL, 2000);
	expect(&f->peer, f, NULL, 60);
	assert_false(netlink_in(&f->peer, &f->frame));
}

static void dma_addresses_stand_where_the_region_has_them(void **state)
{
	struct fixture *f = *state;
	struct netlink_config owner;

	setup(f, false);
	memset(&f->pair, 0, sizeof(f->pair));
	owner = netpair_owner(&f->pair, false);
	owner.in.io_base = 0x60000000;
	owner.out.io_base = 0x70000000;
	assert_int_equal(netlink_init(&f->owner, &owner), VMM_OK);
	assert_int_equal(f->pair.rx_free.entries[1].io_or_offset, 0x60000000 + NETPAIR_BUFFER);
	assert_true(send(&f->owner, f, NULL, 100));
	assert_int_equal(f->pair.tx_active.entries[0].io_or_offset,
			 0x70000000 + NETPAIR_BYTES - NETPAIR_BUFFER);
	/* What comes in is looked for there, and nowhere else. */
	f->pair.rx_active.entries[0] = (struct netq_entry){ 0x60000800, 100, 0, 0 };
	f->pair.rx_active.entries[1] = (struct netq_entry){ 0x800, 100, 0, 0 };
	f->pair.rx_active.tail = 2;
	assert_true(netlink_in(&f->owner, &f->frame));
	assert_ptr_equal(f->frame.bytes[0], f->pair.rx_data + 0x800);
	netlink_in_drop(&f->owner, &f->frame);
	assert_false(netlink_in(&f->owner, &f->frame));
	assert_int_equal(f->owner.bad, 1);
}

static void a_bad_configuration_is_refused(void **state)
{
	struct fixture *f = *state;
	struct netlink_config good, bad;

	setup(f, true);
	good = netpair_owner(&f->pair, true);
#define REFUSED(field, value, why)                                      \
	do {                                                            \
		bad = good;                                             \
		bad.field = (value);                                    \
		assert_int_equal(netlink_init(&f->owner, &bad), (why)); \
	} while (0)
	REFUSED(buffer_size, 1024, VMM_ERR_INVALID);
	REFUSED(buffer_size, 3000, VMM_ERR_INVALID);
	REFUSED(buffer_size, 65536, VMM_ERR_INVALID);
	REFUSED(in_active, NULL, VMM_ERR_INVALID);
	REFUSED(in_free, NULL, VMM_ERR_INVALID);
	REFUSED(out_active, NULL, VMM_ERR_INVALID);
	REFUSED(out_free, NULL, VMM_ERR_INVALID);
	REFUSED(in_capacity, 63, VMM_ERR_INVALID);
	REFUSED(out_capacity, 16, VMM_ERR_RANGE); /* the largest frame needs 33 */
	REFUSED(in.data, NULL, VMM_ERR_RANGE);
	REFUSED(in.size, NETPAIR_BUFFER - 1, VMM_ERR_RANGE);
	REFUSED(out.size, 32 * NETPAIR_BUFFER, VMM_ERR_RANGE);
	REFUSED(out.size, UINT64_C(1) << 32, VMM_ERR_RANGE);
	REFUSED(out.io_base, UINT64_MAX - 5, VMM_ERR_RANGE);
#undef REFUSED
}

/* What a peer may say, and how often that is something. */
static void lies_cost_the_liar_its_frame_only(void **state)
{
	static const struct {
		struct netq_entry entry;
		bool chains;
	} lies[] = {
		{ { NETPAIR_BYTES, 1, 0, 0 }, true }, { { NETPAIR_BYTES - 10, 11, 0, 0 }, true },
		{ { UINT64_MAX, 2, 0, 0 }, true },    { { 0, 0, 0, 0 }, true },
		{ { 0, 12, NETQ_META, 0 }, true },    { { 0, 5, NETQ_META, 0 }, true },
		{ { 0, 60, NETQ_META, 0 }, false },   { { 0, 60, NETQ_MORE, 0 }, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct netpair_queue *queue = &f->pair.tx_active;

		setup(f, lies[i].chains);
		queue->entries[0] = lies[i].entry;
		queue->entries[1] = (struct netq_entry){ 2048, 60, 0, 0 };
		queue->entries[2] = (struct netq_entry){ 4096, 61, 0, 0 };
		queue->tail = 3;
		assert_true(netlink_in(&f->peer, &f->frame));
		assert_int_equal(f->peer.bad, 1);
		netlink_in_drop(&f->peer, &f->frame);
		/* All come back, in order, whatever they are. */
		while (netlink_in(&f->peer, &f->frame))
			netlink_in_drop(&f->peer, &f->frame);
		assert_int_equal(f->pair.tx_free.tail, 3);
		assert_int_equal(f->pair.tx_free.entries[0].io_or_offset,
				 lies[i].entry.io_or_offset);
		assert_int_equal(f->pair.tx_active.head, 3);
	}
}

static void a_frame_without_end_waits_or_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct netpair_queue *queue = &f->pair.tx_active;

	setup(f, true);
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		queue->entries[i] = (struct netq_entry){ 2048 * i, 2048, NETQ_MORE, 0 };
	queue->tail = 20;
	assert_false(netlink_in(&f->peer, &f->frame));
	assert_int_equal(queue->head, 0);
	queue->tail = NETLINK_PIECES + 1;
	assert_false(netlink_in(&f->peer, &f->frame));
	assert_int_equal(queue->head, NETLINK_PIECES);
	assert_int_equal(f->peer.bad, 1);

	/* Too long in few enough pieces. */
	setup(f, true);
	queue->entries[32].len = 2048;
	queue->entries[33].flags = 0;
	queue->tail = 34;
	for (unsigned i = 0; i < 34; i++)
		queue->entries[i] =
			(struct netq_entry){ 2048 * i, 2048, i < 33 ? NETQ_MORE : 0, 0 };
	assert_false(netlink_in(&f->peer, &f->frame));
	assert_int_equal(f->peer.bad, 1);
	assert_int_equal(queue->head, 34);
}

static void buffers_that_are_none_are_not_written_to(void **state)
{
	struct fixture *f = *state;
	struct netpair_queue *queue = &f->pair.rx_free;

	setup(f, true);
	queue->entries[0].io_or_offset = NETPAIR_BYTES - NETPAIR_BUFFER + 1;
	queue->entries[1].io_or_offset = UINT64_MAX;
	queue->entries[2].io_or_offset = NETPAIR_BYTES - NETPAIR_BUFFER;
	assert_true(send(&f->peer, f, NULL, 100));
	assert_int_equal(f->peer.bad, 2);
	assert_int_equal(f->pair.rx_active.entries[0].io_or_offset, NETPAIR_BYTES - NETPAIR_BUFFER);
	/* Out of good ones: no frame, and none half sent. */
	for (unsigned i = 0; i < NETPAIR_CAPACITY; i++)
		queue->entries[i].io_or_offset = UINT64_MAX;
	assert_false(netlink_out(&f->peer, NULL, 100));
	assert_int_equal(f->pair.rx_active.tail, 1);
}

static void a_peer_that_takes_nothing_back_loses_its_buffers(void **state)
{
	struct fixture *f = *state;

	setup(f, true);
	assert_true(send(&f->owner, f, NULL, 60));
	f->pair.tx_free.head = 1; /* the queue looks full to the peer's producer */
	expect(&f->peer, f, NULL, 60);
	assert_int_equal(f->pair.tx_free.tail, 0);
}

static void notes_are_told(void **state)
{
	struct fixture *f = *state;

	setup(f, true);
	assert_int_equal(netlink_told(&f->peer).up, 0);
	netlink_tell(&f->owner, NET_OFFLOAD_CSUM | NET_OFFLOAD_TSO4, true);
	assert_int_equal(netlink_told(&f->peer).up, 1);
	assert_int_equal(netlink_told(&f->peer).takes, NET_OFFLOAD_CSUM | NET_OFFLOAD_TSO4);
	assert_int_equal(netlink_told(&f->owner).up, 0);
}

/* The backend on top. */

static void count_signal(void *ctx)
{
	++*(unsigned *)ctx;
}

static void the_backend_sends_and_receives(void **state)
{
	struct fixture *f = *state;
	struct netlink_config config;
	struct net_sddf *sddf = malloc(sizeof(*sddf));
	struct net_backend *be = &sddf->backend;
	struct net_hdr hdr = { .num_buffers = 7 }, seen;
	unsigned signals = 0;
	uint32_t len;

	setup(f, true);
	memset(&f->pair, 0, sizeof(f->pair));
	config = netpair_peer(&f->pair, true);
	assert_int_equal(netlink_init(&f->peer, &config), VMM_OK);
	config = netpair_owner(&f->pair, true);
	assert_int_equal(
		net_sddf_init(sddf, &config, (struct net_signal){ count_signal, &signals }),
		VMM_OK);
	assert_int_equal(signals, 1);
	assert_int_equal(be->offloads, NET_OFFLOAD_ALL);
	assert_int_equal(be->frame_max, NET_FRAME_MAX);
	assert_false(be->ops->link_up(be));
	netlink_tell(&f->peer, 0, true);
	assert_true(be->ops->link_up(be));
	be->ops->accept(be, NET_OFFLOAD_CSUM);
	assert_int_equal(netlink_told(&f->peer).takes, NET_OFFLOAD_CSUM);

	/* Sent: plain if nothing is asked for; num_buffers never travels. */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(be->ops->tx_begin(be, &hdr, 500));
		be->ops->tx_put(be, f->sent, 300);
		be->ops->tx_put(be, f->sent + 300, 200);
		be->ops->tx_end(be);
	}
	be->ops->flush(be);
	be->ops->flush(be);
	assert_int_equal(signals, 2);
	assert_int_equal(f->pair.tx_active.entries[0].flags, 0);
	for (unsigned i = 0; i < 3; i++)
		expect(&f->peer, f, NULL, 500);
	hdr.flags = NET_HDR_F_NEEDS_CSUM;
	assert_true(be->ops->tx_begin(be, &hdr, 500));
	be->ops->tx_put(be, f->sent, 500);
	be->ops->tx_end(be);
	hdr.num_buffers = 0;
	expect(&f->peer, f, &hdr, 500);

	/* Received: may be looked at twice, fetched in part. */
	assert_false(be->ops->rx_begin(be, &seen, &len));
	assert_true(send(&f->peer, f, &hdr, 5000));
	assert_true(netlink_flush(&f->peer));
	assert_true(send(&f->peer, f, NULL, 60));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(be->ops->rx_begin(be, &seen, &len));
		assert_int_equal(len, 5000);
		assert_int_equal(seen.flags, NET_HDR_F_NEEDS_CSUM);
		be->ops->rx_get(be, f->got, 2500);
		be->ops->rx_get(be, f->got + 2500, 2500);
		assert_memory_equal(f->got, f->sent, 5000);
	}
	be->ops->rx_end(be);
	assert_true(be->ops->rx_begin(be, &seen, &len));
	assert_int_equal(len, 60);
	be->ops->rx_end(be);
	assert_false(be->ops->rx_begin(be, &seen, &len));
	free(sddf);
}

static void the_backend_says_full_and_hears_of_room(void **state)
{
	struct fixture *f = *state;
	struct netlink_config config;
	struct net_sddf *sddf = malloc(sizeof(*sddf));
	struct net_backend *be = &sddf->backend;
	static const struct net_hdr hdr;
	unsigned signals = 0, count = 0;

	setup(f, false);
	memset(&f->pair, 0, sizeof(f->pair));
	config = netpair_peer(&f->pair, false);
	assert_int_equal(netlink_init(&f->peer, &config), VMM_OK);
	config = netpair_owner(&f->pair, false);
	assert_int_equal(
		net_sddf_init(sddf, &config, (struct net_signal){ count_signal, &signals }),
		VMM_OK);
	assert_true(be->ops->link_up(be)); /* a plain peer says nothing of it */
	assert_int_equal(be->offloads, 0);
	assert_int_equal(be->frame_max, NETPAIR_BUFFER);
	while (be->ops->tx_begin(be, &hdr, 60)) {
		be->ops->tx_put(be, f->sent, 60);
		be->ops->tx_end(be);
		count++;
	}
	assert_int_equal(count, NETPAIR_CAPACITY);
	expect(&f->peer, f, NULL, 60);
	assert_true(netlink_flush(&f->peer));
	assert_true(be->ops->tx_begin(be, &hdr, 60));
	free(sddf);
}

static void the_memory_backends_do_as_the_contract_says(void **state)
{
	struct fixture *f = *state;
	struct net_memory *memory = malloc(sizeof(*memory));
	struct net_backend *be = &memory->backend, null;
	const struct net_memory_frame *out;
	struct net_hdr hdr = { .gso_size = 9 }, seen;
	uint32_t len;

	setup(f, true);
	net_memory_init(memory, NET_OFFLOAD_CSUM, false);
	assert_int_equal(be->offloads, NET_OFFLOAD_CSUM);
	assert_true(be->ops->link_up(be));
	for (unsigned i = 0; i < NET_MEMORY_FRAMES; i++) {
		assert_true(be->ops->tx_begin(be, &hdr, 100 + i));
		be->ops->tx_put(be, f->sent, 50);
		be->ops->tx_put(be, f->sent + 50, 50 + i);
		be->ops->tx_end(be);
	}
	assert_false(be->ops->tx_begin(be, &hdr, 1));
	for (unsigned i = 0; i < NET_MEMORY_FRAMES; i++) {
		out = net_memory_drain(memory);
		assert_non_null(out);
		assert_int_equal(out->len, 100 + i);
		assert_int_equal(out->hdr.gso_size, 9);
		assert_memory_equal(out->bytes, f->sent, 100 + i);
	}
	assert_null(net_memory_drain(memory));
	assert_false(be->ops->rx_begin(be, &seen, &len));
	while (net_memory_feed(memory, &hdr, f->sent, 77))
		;
	assert_true(be->ops->rx_begin(be, &seen, &len));
	assert_int_equal(len, 77);
	be->ops->rx_get(be, f->got, 77);
	assert_memory_equal(f->got, f->sent, 77);
	be->ops->rx_end(be);
	assert_true(net_memory_feed(memory, &hdr, f->sent, 78));

	net_memory_init(memory, 0, true);
	assert_true(be->ops->tx_begin(be, &hdr, 10));
	be->ops->tx_put(be, f->sent, 10);
	be->ops->tx_end(be);
	be->ops->accept(be, 3);
	be->ops->flush(be);
	assert_int_equal(memory->accepts, 3);
	assert_int_equal(memory->flushes, 1);
	assert_true(be->ops->rx_begin(be, &seen, &len));
	assert_int_equal(len, 10);

	net_null_init(&null);
	assert_false(null.ops->link_up(&null));
	assert_true(null.ops->tx_begin(&null, &hdr, 10));
	null.ops->tx_put(&null, f->sent, 10);
	null.ops->tx_end(&null);
	null.ops->accept(&null, 0);
	assert_false(null.ops->rx_begin(&null, &seen, &len));
	null.ops->flush(&null);
	free(memory);
}

/* ---- ends that die ---- */

static uint64_t seed;

static uint32_t roll(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % below);
}

static void start_end(struct fixture *f, bool owner)
{
	struct netlink_config config =
		owner ? netpair_owner(&f->pair, true) : netpair_peer(&f->pair, true);
	struct netlink *link = owner ? &f->owner : &f->peer;

	memset(link, 0xee, sizeof(*link));
	assert_int_equal(netlink_init(link, &config), VMM_OK);
	netlink_tell(link, 0, true);
}

/* A frame whose bytes all follow from its first four. Half of them is put by who dies `halfway`. */
static void send_known(struct netlink *link, bool halfway)
{
	uint32_t first = roll(UINT32_MAX), len = 100 + roll(3) * 3000;
	uint8_t byte[4];

	if (!netlink_out(link, NULL, len))
		return;
	memcpy(byte, &first, 4);
	for (uint32_t i = 0; i < (halfway ? len / 2 : len); i++)
		netlink_put(link, i < 4 ? &byte[i] : &(uint8_t){ (uint8_t)(first + i * 5) }, 1);
	if (!halfway)
		netlink_send(link);
}

static bool take_known(struct netlink *link, struct fixture *f, bool halfway)
{
	uint32_t first;

	if (!netlink_in(link, &f->frame)) {
		(void)netlink_in_wait(link);
		return false;
	}
	assert_int_equal(netpair_flatten(&f->frame, f->got), f->frame.len);
	memcpy(&first, f->got, 4);
	for (uint32_t i = 4; i < f->frame.len; i++)
		assert_int_equal(f->got[i], (uint8_t)(first + i * 5));
	if (!halfway)
		netlink_in_drop(link, &f->frame);
	return true;
}

static unsigned fill_up(struct netlink *link)
{
	unsigned count = 0;

	for (; netlink_out(link, NULL, 100); count++) {
		netlink_put(link, (uint8_t[100]){ 0 }, 100);
		netlink_send(link);
	}
	return count;
}

/* In the middle of a frame that it sends, or gets; between two words that it shows. */
static void die(struct fixture *f, bool owner)
{
	struct netlink *link = owner ? &f->owner : &f->peer;
	struct netpair_queue *active = owner ? &f->pair.rx_active : &f->pair.tx_active;
	struct netpair_queue *back = owner ? &f->pair.rx_free : &f->pair.tx_free;
	uint16_t head = active->head, tail = back->tail;

	switch (roll(4)) {
	case 0:
		send_known(link, true);
		break;
	case 1:
		(void)take_known(link, f, true);
		break;
	case 2: /* a frame's buffers were given back, and it was not taken; or the other way round */
		if (link->apart)
			break;
		(void)take_known(link, f, false);
		if (roll(2) == 0)
			active->head = head;
		else
			back->tail = tail;
		break;
	default:
		break;
	}
	start_end(f, owner);
}

static void ends_die_and_no_frame_is_wrong(void **state)
{
	struct fixture *f = *state;
	unsigned taken = 0, deaths = 0;

	for (seed = 1; seed <= 5; seed++) {
		uint64_t begun = seed;

		memset(&f->pair, 0, sizeof(f->pair));
		start_end(f, true);
		start_end(f, false);
		for (unsigned step = 0; step < 20000; step++) {
			struct netlink *link = roll(2) == 0 ? &f->owner : &f->peer;

			if (roll(60) == 0) {
				die(f, link == &f->owner);
				deaths++;
			} else if (roll(2) == 0) {
				send_known(link, false);
			} else {
				taken += take_known(link, f, false);
			}
			(void)netlink_flush(link);
		}
		for (unsigned i = 0; i < 4 * NETPAIR_CAPACITY; i++) {
			(void)take_known(&f->owner, f, false);
			(void)take_known(&f->peer, f, false);
		}
		assert_false(f->owner.apart || f->peer.apart);
		/* No buffer was lost, and none is there twice. */
		assert_int_equal(fill_up(&f->owner), NETPAIR_CAPACITY);
		assert_int_equal(fill_up(&f->peer), NETPAIR_CAPACITY);
		seed = begun;
	}
	assert_true(taken > 10000);
	assert_true(deaths > 1000);
}

/* Between handing the buffers over and saying that it is up: its successor must not hand them over again. */
static void an_owner_dies_before_it_is_up(void **state)
{
	struct fixture *f = *state;
	struct netlink_config config = netpair_owner(&f->pair, true);

	memset(&f->pair, 0, sizeof(f->pair));
	assert_int_equal(netlink_init(&f->owner, &config), VMM_OK);
	start_end(f, false);
	send_known(&f->peer, false);
	start_end(f, true);
	assert_int_equal(f->pair.rx_free.tail, NETPAIR_CAPACITY);
	for (unsigned i = 0; i < 3; i++) {
		(void)take_known(&f->owner, f, false);
		(void)take_known(&f->peer, f, false);
	}
	assert_false(f->owner.apart || f->peer.apart);
	assert_int_equal(fill_up(&f->owner), NETPAIR_CAPACITY);
	assert_int_equal(fill_up(&f->peer), NETPAIR_CAPACITY);
}

/* Who waits for the other one is signalled at each step, and nobody is signalled for ever. */
static void a_restart_is_told(void **state)
{
	struct fixture *f = *state;

	memset(&f->pair, 0, sizeof(f->pair));
	start_end(f, true);
	start_end(f, false);
	(void)netlink_flush(&f->owner);
	assert_false(netlink_in_wait(&f->owner) || netlink_in_wait(&f->peer));
	start_end(f, true);
	assert_true(netlink_flush(&f->owner));
	assert_false(netlink_in_wait(&f->owner)); /* not answered */
	assert_false(netlink_in_wait(&f->peer));  /* not set up */
	assert_true(netlink_flush(&f->peer));
	assert_true(netlink_in_wait(&f->owner));
	assert_true(netlink_flush(&f->owner));
	assert_true(netlink_in_wait(&f->peer));
	assert_false(netlink_in_wait(&f->owner) || netlink_in_wait(&f->peer));
	start_end(f, false);
	assert_true(netlink_flush(&f->peer));
	assert_true(netlink_in_wait(&f->owner));
	assert_true(netlink_flush(&f->owner));
	assert_true(netlink_in_wait(&f->peer));
	assert_false(netlink_flush(&f->peer));
	assert_true(send(&f->owner, f, NULL, 100));
	expect(&f->peer, f, NULL, 100);
	/* A peer that counts and counts gets no further. */
	for (uint32_t i = 0; i < 100; i++) {
		f->pair.rx_free.note.life++;
		assert_false(netlink_in_wait(&f->peer));
		assert_false(send(&f->peer, f, NULL, 100));
	}
}

/* A frame that the guest has no room for yet does not keep a new switch waiting. */
static void the_backend_meets_another_server(void **state)
{
	static const struct net_hdr hdr = { 0 };
	struct fixture *f = *state;
	struct netlink_config config = netpair_owner(&f->pair, true);
	struct net_sddf sddf;
	struct net_hdr seen;
	unsigned signals = 0;
	uint32_t len, over = 0;

	memset(f, 0, sizeof(*f));
	assert_int_equal(
		net_sddf_init(&sddf, &config, (struct net_signal){ count_signal, &signals }),
		VMM_OK);
	start_end(f, false);
	assert_true(send(&f->peer, f, NULL, 100));
	assert_true(sddf.backend.ops->rx_begin(&sddf.backend, &seen, &len));
	start_end(f, false);
	assert_false(netlink_in_wait(&f->peer));
	assert_true(sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100) ||
		    sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100));
	sddf.backend.ops->tx_put(&sddf.backend, f->sent, 100);
	sddf.backend.ops->tx_end(&sddf.backend);
	while (sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100)) {
		sddf.backend.ops->tx_put(&sddf.backend, f->sent, 100);
		sddf.backend.ops->tx_end(&sddf.backend);
	}
	assert_true(netlink_in_wait(&f->peer));
	assert_true(sddf.backend.ops->link_up(&sddf.backend));
	sddf.server.over = &over;
	assert_true(sddf.backend.ops->link_up(&sddf.backend));
	over = 1;
	assert_false(sddf.backend.ops->link_up(&sddf.backend));
}

/* What a server sends after a restart is signalled, whatever of its predecessor's was signalled and never taken. */
static void another_server_is_heard(void **state)
{
	static const struct net_hdr hdr = { 0 };
	struct fixture *f = *state;
	struct netlink_config config = netpair_owner(&f->pair, true);

	for (unsigned notices = 0; notices < 2; notices++) {
		struct net_sddf sddf;
		struct net_hdr seen;
		unsigned signals = 0;
		uint32_t len;

		memset(f, 0, sizeof(*f));
		assert_int_equal(net_sddf_init(&sddf, &config,
					       (struct net_signal){ count_signal, &signals }),
				 VMM_OK);
		start_end(f, false);
		assert_false(sddf.backend.ops->rx_begin(&sddf.backend, &seen, &len));
		assert_true(send(&f->peer, f, NULL, 100));
		assert_true(netlink_flush(&f->peer));
		start_end(f, false);
		/* The backend notices while it receives, or while it sends. */
		if (notices == 0) {
			assert_true(sddf.backend.ops->rx_begin(&sddf.backend, &seen, &len));
			sddf.backend.ops->rx_end(&sddf.backend);
			assert_false(sddf.backend.ops->rx_begin(&sddf.backend, &seen, &len));
		}
		while (notices == 1 && netlink_must_agree(&sddf.link)) {
			if (!sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100))
				break;
			sddf.backend.ops->tx_put(&sddf.backend, f->sent, 100);
			sddf.backend.ops->tx_end(&sddf.backend);
		}
		(void)netlink_flush(&f->peer); /* that it was started */
		assert_true(netlink_in_wait(&f->peer));
		assert_true(send(&f->peer, f, NULL, 100));
		assert_true(netlink_flush(&f->peer));
		assert_true(sddf.backend.ops->rx_begin(&sddf.backend, &seen, &len));
	}
}

/* A backend that was started again sends as soon as its server has answered, whether it receives or not. */
static void another_backend_sends_again(void **state)
{
	static const struct net_hdr hdr = { 0 };
	struct fixture *f = *state;
	struct netlink_config config = netpair_owner(&f->pair, true);
	struct net_sddf sddf;
	unsigned signals = 0;

	memset(f, 0, sizeof(*f));
	for (unsigned life = 0; life < 2; life++) {
		assert_int_equal(net_sddf_init(&sddf, &config,
					       (struct net_signal){ count_signal, &signals }),
				 VMM_OK);
		if (life == 0)
			start_end(f, false);
	}
	assert_false(sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100));
	assert_false(netlink_in_wait(&f->peer));
	assert_true(netlink_flush(&f->peer));
	assert_true(sddf.backend.ops->tx_begin(&sddf.backend, &hdr, 100));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ends_die_and_no_frame_is_wrong, make, drop),
		cmocka_unit_test_setup_teardown(an_owner_dies_before_it_is_up, make, drop),
		cmocka_unit_test_setup_teardown(a_restart_is_told, make, drop),
		cmocka_unit_test_setup_teardown(the_backend_meets_another_server, make, drop),
		cmocka_unit_test_setup_teardown(another_server_is_heard, make, drop),
		cmocka_unit_test_setup_teardown(another_backend_sends_again, make, drop),
		cmocka_unit_test_setup_teardown(frames_of_all_lengths_arrive_both_ways, make, drop),
		cmocka_unit_test_setup_teardown(plain_frames_are_what_any_peer_understands, make,
						drop),
		cmocka_unit_test_setup_teardown(a_full_link_takes_no_more_until_buffers_come_back,
						make, drop),
		cmocka_unit_test_setup_teardown(dma_addresses_stand_where_the_region_has_them, make,
						drop),
		cmocka_unit_test_setup_teardown(a_bad_configuration_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(lies_cost_the_liar_its_frame_only, make, drop),
		cmocka_unit_test_setup_teardown(a_frame_without_end_waits_or_is_dropped, make,
						drop),
		cmocka_unit_test_setup_teardown(buffers_that_are_none_are_not_written_to, make,
						drop),
		cmocka_unit_test_setup_teardown(a_peer_that_takes_nothing_back_loses_its_buffers,
						make, drop),
		cmocka_unit_test_setup_teardown(notes_are_told, make, drop),
		cmocka_unit_test_setup_teardown(the_backend_sends_and_receives, make, drop),
		cmocka_unit_test_setup_teardown(the_backend_says_full_and_hears_of_room, make,
						drop),
		cmocka_unit_test_setup_teardown(the_memory_backends_do_as_the_contract_says, make,
						drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
