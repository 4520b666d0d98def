// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/dev/virtio/pace.h"

enum {
	FEWEST = 2, /* chains that are worth waiting for */
	FULL = 8,   /* batches one after the other, after which a larger one is tried */
	LATE = 4,   /* times that none became full, after which a smaller one is */
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
 * How many chains to wait for. A guest that waits has offered all it can. One that is busy when time is
 * up may be about to offer more; if that is so again and again, and no batch becomes full, it is not.
 */
static uint16_t next_batch(struct virtio_pace *pace, const struct virtio_dev *vd, unsigned count)
{
	unsigned half = pace->batch / 2U;

	if (vd->resumed == VIRTIO_RESUMED)
		return bounded(pace->recent);
	if (pace->recent < FEWEST)
		return 0;
	if (pace->full || ++pace->late < LATE)
		return pace->batch;
	pace->late = 0;
	return bounded(half > count ? half : count);
}

/* Work was put off, and this is what came until somebody looked. */
static void look_back(struct virtio_pace *pace, const struct virtio_dev *vd, unsigned count)
{
	if (pace->batch == 0 || pace->recent == 0)
		return;
	pace->batch = next_batch(pace, vd, count);
	if (pace->full || vd->resumed == VIRTIO_RESUMED)
		pace->late = 0;
	if (vd->resumed == VIRTIO_RESUMED)
		pace->recent = 0;
	pace->full = false;
	if (pace->batch >= FEWEST) {
		pace->patience = VIRTIO_PACE_PATIENCE_MIN;
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
	pace->full = pace->batch != 0;
	if (++pace->streak < (pace->batch == 0 ? pace->patience : (unsigned)FULL))
		return;
	pace->streak = 0;
	if (pace->batch == 0) {
		pace->batch = VIRTIO_PACE_BATCH;
		pace->recent = 0;
	} else {
		pace->batch = bounded(2U * pace->batch);
	}
}

bool virtio_pace_listen(struct virtio_pace *pace, struct virtio_dev *vd, unsigned queue,
			unsigned count)
{
	/* Nothing was there, twice: nobody is waited for. A guest that does nothing costs nothing. */
	bool idle = count == 0 && pace->empty;

	pace->empty = count == 0;
	if (pace->batch < FEWEST || idle)
		return virtq_kicks_on(vd, queue);
	return virtq_kicks_after(vd, queue, (uint16_t)(pace->batch - 1));
}
