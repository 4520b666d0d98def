/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device over a disk that is late, fails, has little room, and changes its size. */
#include "test/fuzz/virtio.h"
#include "vmm/backend/block/memory.h"
#include "vmm/dev/virtio/blk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECTORS = 64, QUEUES = 2 };

static struct virtio_blk blk;
static struct block_memory disk;
static uint8_t bytes[SECTORS * 512];

static struct virtio_dev *make(struct driver *d)
{
	block_memory_init(&disk, bytes, sizeof(bytes), false);
	virtio_blk_init(&blk,
			&(struct virtio_setup){
				.name = "blk",
				.gmem = &d->gmem,
				.packed = true,
				.owner = driver_owner(d),
			},
			&disk.backend, QUEUES, false);
	return &blk.vd;
}

static void backend(struct driver *d, struct input *in)
{
	uint8_t how = input_u8(in);

	(void)d;
	disk.late = (how & 1) != 0;
	disk.depth = 1 + (how >> 1 & 7u);
	disk.fail_next = how >> 4 & 3u;
	disk.info.sectors = (how & 0x40) != 0 ? SECTORS / 2 : SECTORS;
}

static void works(struct driver *d)
{
	uint64_t header = driver_alloc(d, 16, 8), data = driver_alloc(d, 513, 8);
	struct driver_buffer b[3] = {
		{ .gpa = header, .len = 16 },
		{ .gpa = data, .len = 512, .writable = true },
		{ .gpa = data + 512, .len = 1, .writable = true },
	};
	uint32_t written;
	int id;

	disk.late = false;
	disk.fail_next = 0;
	disk.info.sectors = SECTORS;
	virtio_event(&blk.vd, 0);
	((uint64_t *)driver_host(d, header))[0] = 0; /* read */
	((uint64_t *)driver_host(d, header))[1] = SECTORS - 1;
	fuzz_expect(driver_add(d, 0, b, 3, false) >= 0);
	fuzz_expect(driver_kick(d, 0));
	fuzz_expect(driver_used(d, 0, &id, &written));
	fuzz_expect(written == 513);
	fuzz_expect(*(uint8_t *)driver_host(d, data + 512) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.features = 1 << 9 | 1 << 12 | 1 << 13 | 1 << 14,
		.queues = QUEUES,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
