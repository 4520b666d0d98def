// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which number a queue has depends on what was negotiated: the optional ones follow each other without
 * gaps, as drivers count them (5.5.2 numbers them as if all were there).
 *
 * The statistics' buffer stays here until new ones are wanted, which is when the guest says that it has
 * come closer to the size it was asked for.
 */
#include "vmm/dev/virtio/balloon.h"

#include "vmm/base/util.h"

enum {
	INFLATE = 0,
	DEFLATE = 1,
	STATS = 2, /* if negotiated */
	ACTUAL_AT = 4,
	PAGE_SHIFT = 12,
	PIECE = 64,      /* page numbers looked at at a time */
	NUMBERS = 16384, /* and in one buffer */
	STAT_BYTES = 10, /* a tag of two bytes and a value of eight, packed */
	STATS_MOST = 64,
};

static struct virtio_balloon *of(struct virtio_dev *vd)
{
	return container_of(vd, struct virtio_balloon, vd);
}

static void one_page(struct virtio_balloon *balloon, uint32_t number, bool in)
{
	if (gmem_host(balloon->vd.setup.gmem, (uint64_t)number << PAGE_SHIFT,
		      VIRTIO_BALLOON_PAGE) == NULL)
		balloon->strange++;
	else if (in)
		balloon->held++;
	else
		balloon->held -= balloon->held > 0;
	if (balloon->held > balloon->most)
		balloon->most = balloon->held;
}

static void pages(struct virtio_balloon *balloon, unsigned queue)
{
	struct virtio_dev *vd = &balloon->vd;
	struct virtq_chain chain;
	uint32_t number[PIECE];

	do {
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			uint64_t at = 0;
			size_t got;

			if (chain.readable_len > NUMBERS * sizeof(number[0])) {
				virtio_needs_reset(vd, "balloon: too many pages in one buffer");
				return;
			}
			while ((got = virtq_read(&chain, at, number, sizeof(number))) > 0) {
				at += got;
				for (size_t i = 0; i < got / sizeof(number[0]); i++)
					one_page(balloon, number[i], queue == INFLATE);
			}
			virtq_push(vd, queue, chain.token, 0);
		}
	} while (virtq_kicks_on(vd, queue));
	virtq_notify(vd, queue);
}

/* Free memory, as it is reported in pieces of RAM. There is nobody to give it to. */
static void reports(struct virtio_balloon *balloon, unsigned queue)
{
	struct virtio_dev *vd = &balloon->vd;
	struct virtq_chain chain;

	do {
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			balloon->reported += chain.writable_len;
			virtq_push(vd, queue, chain.token, 0);
		}
	} while (virtq_kicks_on(vd, queue));
	virtq_notify(vd, queue);
}

static void take_stats(struct virtio_balloon *balloon, const struct virtq_chain *chain)
{
	uint8_t raw[STAT_BYTES];

	for (unsigned i = 0; i < STATS_MOST; i++) {
		uint64_t value = 0;
		unsigned tag;

		if (virtq_read(chain, (uint64_t)i * STAT_BYTES, raw, STAT_BYTES) < STAT_BYTES)
			return;
		tag = raw[0] | (unsigned)raw[1] << 8;
		for (unsigned b = 0; b < sizeof(value); b++)
			value |= (uint64_t)raw[2 + b] << 8 * b;
		if (tag < VIRTIO_BALLOON_STATS)
			balloon->stat[tag] = value;
	}
}

/* Gives the kept buffer back, which asks for new numbers (5.5.6.3). */
static void ask_stats(struct virtio_balloon *balloon)
{
	if (!balloon->stats_kept)
		return;
	balloon->stats_kept = false;
	virtq_push(&balloon->vd, STATS, balloon->stats_token, 0);
	virtq_notify(&balloon->vd, STATS);
}

/* One buffer at a time is what a driver has; more than that are given back at once. */
static void stats(struct virtio_balloon *balloon)
{
	struct virtio_dev *vd = &balloon->vd;
	struct virtq_chain chain;

	do {
		while (virtq_pop(vd, STATS, &chain) == VIRTQ_GOT) {
			take_stats(balloon, &chain);
			ask_stats(balloon);
			balloon->stats_token = chain.token;
			balloon->stats_kept = true;
		}
	} while (virtq_kicks_on(vd, STATS));
}

static void notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_balloon *balloon = of(vd);

	if (queue == INFLATE || queue == DEFLATE)
		pages(balloon, queue);
	else if (queue == STATS && virtio_has(vd, VIRTIO_BALLOON_F_STATS_VQ))
		stats(balloon);
	else if (virtio_has(vd, VIRTIO_BALLOON_F_REPORTING))
		reports(balloon, queue);
}

static void config_write(struct virtio_dev *vd, unsigned offset, unsigned len, uint32_t value)
{
	struct virtio_balloon *balloon = of(vd);

	/* The driver writes `actual`, and it whole (5.5.4). */
	if (offset != ACTUAL_AT || len != sizeof(balloon->config.actual))
		return;
	balloon->config.actual = value;
	ask_stats(balloon);
}

static void reset(struct virtio_dev *vd)
{
	struct virtio_balloon *balloon = of(vd);

	balloon->config.actual = 0;
	balloon->held = 0; /* a driver that starts anew has all of its memory */
	balloon->stats_kept = false;
	for (unsigned i = 0; i < VIRTIO_BALLOON_STATS; i++)
		balloon->stat[i] = UINT64_MAX;
}

static void queue_reset(struct virtio_dev *vd, unsigned queue)
{
	if (queue == STATS)
		of(vd)->stats_kept = false;
}

static const struct virtio_ops balloon_ops = {
	.device_id = VIRTIO_ID_BALLOON,
	.notify = notify,
	.reset = reset,
	.queue_reset = queue_reset,
	.config_write = config_write,
};

void virtio_balloon_init(struct virtio_balloon *balloon, const struct virtio_setup *common,
			 uint32_t pages_wanted)
{
	struct virtio_setup setup = *common;

	balloon->config.num_pages = pages_wanted;
	balloon->most = 0;
	balloon->reported = 0;
	balloon->strange = 0;
	setup.ops = &balloon_ops;
	setup.queues = balloon->queues;
	setup.queue_count = VIRTIO_BALLOON_QUEUES;
	setup.queue_size_max = VIRTIO_BALLOON_QUEUE_SIZE;
	setup.features = VIRTIO_BALLOON_F_STATS_VQ | VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
			 VIRTIO_BALLOON_F_REPORTING;
	setup.config = &balloon->config;
	setup.config_size = sizeof(balloon->config);
	virtio_init(&balloon->vd, &setup);
	reset(&balloon->vd);
}
