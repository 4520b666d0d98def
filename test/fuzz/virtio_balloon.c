/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon device: pages, reports and statistics of any guest. It has no backend. */
#include <string.h>

#include "test/fuzz/virtio.h"
#include "vmm/dev/virtio/balloon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct virtio_balloon balloon;

static struct virtio_dev *make(struct driver *d)
{
	memset(&balloon, 0, sizeof(balloon));
	virtio_balloon_init(&balloon,
			    &(struct virtio_setup){
				    .name = "balloon",
				    .gmem = &d->gmem,
				    .packed = true,
				    .owner = driver_owner(d),
			    },
			    10);
	return &balloon.vd;
}

static void backend(struct driver *d, struct input *in)
{
	(void)d;
	(void)in;
}

static void works(struct driver *d)
{
	const uint32_t page = DRIVER_GPA >> 12;
	struct driver_buffer b = { .gpa = driver_alloc(d, sizeof(page), 4), .len = sizeof(page) };
	uint32_t written;
	int id;

	memcpy(driver_host(d, b.gpa), &page, sizeof(page));
	fuzz_expect(driver_add(d, 0, &b, 1, false) >= 0);
	fuzz_expect(driver_kick(d, 0));
	fuzz_expect(driver_used(d, 0, &id, &written));
	fuzz_expect(balloon.held == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.features = VIRTIO_BALLOON_F_STATS_VQ | VIRTIO_BALLOON_F_REPORTING,
		.queues = VIRTIO_BALLOON_QUEUES,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
