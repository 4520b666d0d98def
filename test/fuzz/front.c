/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device in another program, behind PCI: words of the pages shared with it change while the guest drives it
 * and the program signals. The front is made of what the page says, or refused; its registers stay those of a
 * device; the VMM waits for its patience, and for no program twice.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/virtio_driver.h"
#include "test/support/virtio_pci.h"
#include "vmm/dev/link/front.h"
#include "vmm/dev/virtio/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 64 << 10, PATIENCE = 4, BAR_BYTES = 0x4000 };

static struct virtio_rng rng;
static struct entropy_fixed source;
static struct link_front front;
static struct link_server server;
static struct driver_pci pci;
static _Alignas(4096) uint8_t registers[LINK_REGISTERS];
static _Alignas(4096) uint8_t ring[LINK_RING];
static struct virtio_kept kept;
static unsigned losses;
static bool hangs, lies;

static void expect(bool ok)
{
	if (!ok)
		abort();
}

static void wake(void *ctx)
{
	struct link_ring *shared = (struct link_ring *)(void *)ring;

	(void)ctx;
	if (!hangs && lies)
		shared->head = shared->tail;
	else if (!hangs)
		(void)link_server_run(&server);
}

static bool wait_some(void *ctx, unsigned attempt)
{
	(void)ctx;
	expect(losses == 0);
	return attempt < PATIENCE;
}

static void lost(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	losses++;
}

static bool begin(struct driver *d, struct input *in)
{
	const struct link_setup setup = {
		.registers = registers,
		.ring = (struct link_ring *)(void *)ring,
		.wake = wake,
		.wait = wait_some,
		.lost = lost,
	};
	const struct virtio_setup common = {
		.name = "rng",
		.gmem = &d->gmem,
		.packed = true,
		.owner = driver_owner(d),
	};

	memset(registers, 0, sizeof(registers));
	memset(ring, 0, sizeof(ring));
	memset(&kept, 0, sizeof(kept));
	losses = 0;
	hangs = lies = false;
	entropy_fixed_init(&source, 1, UINT64_MAX);
	virtio_rng_init(&rng, &common, &source.backend);
	link_server_init(&server, &rng.vd, registers, (struct link_ring *)(void *)ring, &kept);
	/* A program that takes every store, and tells something else of its device than it is. */
	for (unsigned n = input_u8(in) % 8; n > 0; n--) {
		lies = true;
		registers[input_bytes(in, 2) % sizeof(registers)] = input_u8(in);
	}
	return link_front_init(&front, &common, &setup) == VMM_OK;
}

static void step(struct driver *d, struct input *in)
{
	unsigned width = 1U << input_u8(in) % 4;
	uint64_t at = input_bytes(in, 2), value = input_bytes(in, width);

	switch (input_u8(in) % 8) {
	case 0:
		registers[at % sizeof(registers)] = (uint8_t)value;
		break;
	case 1:
		ring[at % (value % 2 == 0 ? 16 : sizeof(ring))] = (uint8_t)value;
		break;
	case 2:
		hangs = !hangs;
		break;
	case 3:
		virtio_event(&front.vd, 0);
		break;
	case 4:
		if (width <= 4)
			(void)driver_pci_bar(&pci, (at & 0x8000) != 0, at % BAR_BYTES & ~7U, width,
					     value);
		break;
	default:
		if (at % 0x200 + width <= 0x200 && width <= 4)
			(void)driver_access(d, (at & 0x8000) != 0, at % 0x200 & ~7U, width, value);
		break;
	}
	expect(front.vd.setup.queue_count <= VIRTIO_QUEUES_MAX);
	expect(!front.remote.dead || losses == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct driver d;
	struct input in = { data, size };

	driver_init_sized(&d, RAM);
	if (begin(&d, &in)) {
		driver_connect_pci(&d, &pci, &front.vd);
		(void)driver_start(&d, 0, 1, 8);
		while (in.left > 0)
			step(&d, &in);
		expect(front.vd.lock.held == 0 && rng.vd.lock.held == 0);
	}
	expect(losses <= 1);
	driver_fini(&d);
	return 0;
}
