// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/dev/virtio/pace.h"

enum {
	FEWEST = 2, /* chains that are worth waiting for */
	FULL = 8,   /* batches one after the other, after which a larger one is tried */
};

void virtio_pace_init(struct virtio_pace *pace)
{
	*pace = (struct virtio_pace){ .patience = VIRTIO_PACE_PATIENCE_MIN };
}

static uint16_t bounded(unsigned count)
{
	return (uint16_t)(count < VIRTIO_PACE_BATCH ? count : VIRTIO_PACE_BATCH);
}

/*
 * How many chains to wait for. A guest that waits has offered all it can; when time is up it was busy,
 * with more of them, or, if not even one batch became full, with something else.
 */
static uint16_t next_batch(const struct virtio_pace *pace, const struct virtio_dev *vd,
			   unsigned count)
{
	unsigned half = pace->batch / 2U;

	if (vd->resumed == VIRTIO_RESUMED)
		return bounded(pace->recent);
	if (pace->recent > count)
		return bounded(2U * pace->batch);
	return bounded(half > count ? half : count);
}

/* Work was put off, and this is what came until somebody looked. */
static void look_back(struct virtio_pace *pace, const struct virtio_dev *vd, unsigned count)
{
	if (pace->batch == 0 || pace->recent == 0)
		return;
	if (pace->recent >= FEWEST) {
		pace->patience = VIRTIO_PACE_PATIENCE_MIN;
		pace->batch = next_batch(pace, vd, count);
		return;
	}
	pace->batch = 0;
	pace->streak = 0;
	if (pace->patience < VIRTIO_PACE_PATIENCE_MAX)
		pace->patience *= 2;
}

void virtio_pace_took(struct virtio_pace *pace, const struct virtio_dev *vd, unsigned count)
{
	pace->recent += count;
	if (vd->resumed != VIRTIO_NOTIFIED) {
		look_back(pace, vd, count);
		return;
	}
	if (++pace->streak < (pace->batch == 0 ? pace->patience : (unsigned)FULL))
		return;
	pace->streak = 0;
	pace->batch = pace->batch == 0 ? (uint16_t)VIRTIO_PACE_BATCH : bounded(2U * pace->batch);
}

bool virtio_pace_listen(struct virtio_pace *pace, struct virtio_dev *vd, unsigned queue,
			unsigned count)
{
	/* Where nothing was, nobody is waited for: a guest that does nothing costs nothing. */
	if (pace->batch < FEWEST || count == 0)
		return virtq_kicks_on(vd, queue);
	if ((vd->put_off >> queue & 1) == 0)
		pace->recent = 0;
	return virtq_kicks_after(vd, queue, (uint16_t)(pace->batch - 1));
}
