/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One queue. The driver offers writable buffers, we fill them from the backend; a short answer is
 * legal, an empty one is not (VIRTIO 1.2, 5.4.6.2: one byte at least). So a buffer for which there is
 * nothing goes back into the queue until the backend has more.
 */
#include "vmm/dev/virtio/rng.h"

#include "vmm/base/util.h"

/* Fills what it can of the chain, piece by piece, in place. */
static uint32_t fill(struct virtio_rng *rng, const struct virtq_chain *chain)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->writable_count; i++) {
		const struct virtq_segment *s = &chain->segment[chain->readable_count + i];
		size_t have = rng->source->ops->fill(rng->source, s->host, s->len);

		done += (uint32_t)have;
		if (have < s->len)
			break;
	}
	return done;
}

static void serve(struct virtio_dev *vd)
{
	struct virtio_rng *rng = container_of(vd, struct virtio_rng, vd);
	struct virtq_chain chain;

	do {
		while (virtq_pop(vd, 0, &chain) == VIRTQ_GOT) {
			uint32_t have;

			if (chain.writable_len == 0) {
				virtio_needs_reset(vd, "rng: a buffer that cannot be written");
				return;
			}
			have = fill(rng, &chain);
			if (have == 0) {
				/* The backend's event goes on from here: no notification is needed. */
				virtq_unpop(vd, 0, &chain);
				virtq_kicks_off(vd, 0);
				virtq_notify(vd, 0);
				return;
			}
			virtq_push(vd, 0, chain.token, have);
		}
	} while (virtq_kicks_on(vd, 0));
	virtq_notify(vd, 0);
}

static void notify(struct virtio_dev *vd, unsigned queue)
{
	(void)queue;
	serve(vd);
}

static const struct virtio_ops rng_ops = {
	.device_id = VIRTIO_ID_ENTROPY,
	.notify = notify,
	.event = serve,
	.go_on = serve,
};

void virtio_rng_init(struct virtio_rng *rng, const struct virtio_setup *common,
		     struct entropy_backend *source)
{
	struct virtio_setup setup = *common;

	setup.ops = &rng_ops;
	setup.queues = rng->queues;
	setup.queue_count = VIRTIO_RNG_QUEUES;
	setup.queue_size_max = VIRTIO_RNG_QUEUE_SIZE;
	rng->source = source;
	virtio_init(&rng->vd, &setup);
}
