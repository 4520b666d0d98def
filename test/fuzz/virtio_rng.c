/* SPDX-License-Identifier: BSD-2-Clause */
/* The entropy device, whose source runs dry and comes back. */
#include "test/fuzz/virtio.h"
#include "vmm/dev/virtio/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct virtio_rng rng;
static struct entropy_fixed source;

static struct virtio_dev *make(struct driver *d)
{
	entropy_fixed_init(&source, 1, 100);
	virtio_rng_init(&rng,
			&(struct virtio_setup){
				.name = "rng",
				.gmem = &d->gmem,
				.packed = true,
				.owner = driver_owner(d),
			},
			&source.backend);
	return &rng.vd;
}

static void backend(struct driver *d, struct input *in)
{
	(void)d;
	source.left = input_bytes(in, 2) % 1000;
}

static void works(struct driver *d)
{
	struct driver_buffer b = { .gpa = driver_alloc(d, 32, 1), .len = 32, .writable = true };
	uint32_t written;
	int id;

	source.left = 1000;
	fuzz_expect(driver_add(d, 0, &b, 1, false) >= 0);
	fuzz_expect(driver_kick(d, 0));
	fuzz_expect(driver_used(d, 0, &id, &written));
	fuzz_expect(written == 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.queues = VIRTIO_RNG_QUEUES,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
