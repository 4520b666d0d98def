/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends of a link with a liar between them: words of the shared pages change while the guest reads
 * and writes and the device's program works. Neither end is hurt; what the guest reads is what the page
 * says; a VMM waits for its patience, and for no program twice.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/virtio_driver.h"
#include "vmm/dev/link/link.h"
#include "vmm/dev/virtio/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 64 << 10, PATIENCE = 4 };

static struct virtio_rng rng;
static struct entropy_fixed source;
static struct link_remote remote;
static struct link_server server;
static _Alignas(4096) uint8_t registers[LINK_REGISTERS];
static _Alignas(4096) uint8_t ring[LINK_RING];
static struct virtio_kept kept;
static unsigned losses;
static bool level;

static void expect(bool ok)
{
	if (!ok)
		abort();
}

static void wake(void *ctx)
{
	(void)ctx;
	(void)link_server_run(&server);
}

static bool wait_some(void *ctx, unsigned attempt)
{
	(void)ctx;
	expect(losses == 0);
	return attempt < PATIENCE;
}

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	expect(up != level);
	level = up;
}

static void lost(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	losses++;
}

static void begin(struct driver *d)
{
	const struct link_setup setup = {
		.registers = registers,
		.ring = (struct link_ring *)(void *)ring,
		.wake = wake,
		.wait = wait_some,
		.irq = irq,
		.lost = lost,
	};

	memset(registers, 0, sizeof(registers));
	memset(ring, 0, sizeof(ring));
	memset(&kept, 0, sizeof(kept));
	losses = 0;
	level = false;
	entropy_fixed_init(&source, 1, UINT64_MAX);
	virtio_rng_init(&rng,
			&(struct virtio_setup){
				.name = "rng",
				.gmem = &d->gmem,
				.packed = true,
				.owner = driver_owner(d),
			},
			&source.backend);
	link_server_init(&server, &rng.vd, registers, (struct link_ring *)(void *)ring, &kept);
	link_remote_init(&remote, &setup);
	d->vd = &rng.vd;
	d->handler = link_remote_access;
	d->device = &remote;
	d->lock = &remote.lock;
}

static void step(struct driver *d, struct input *in)
{
	unsigned width = 1U << input_u8(in) % 4;
	uint64_t at = input_bytes(in, 2), value = input_bytes(in, width);

	switch (input_u8(in) % 6) {
	case 0:
		registers[at % sizeof(registers)] = (uint8_t)value;
		break;
	case 1:
		ring[at % 16] = (uint8_t)value; /* the indices */
		break;
	case 2:
		ring[at % sizeof(ring)] = (uint8_t)value;
		break;
	case 3:
		link_remote_event(&remote, 0);
		expect(level ==
		       (!remote.dead && *(const uint32_t *)(void *)(registers + 0x60) != 0));
		break;
	default:
		if (at % 0x200 + width <= 0x200)
			(void)driver_access(d, (at & 0x8000) != 0, at % 0x200, width, value);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct driver d;
	struct input in = { data, size };

	driver_init_sized(&d, RAM);
	begin(&d);
	(void)driver_start(&d, 0, 1, 8);
	expect(losses == 0);
	while (in.left > 0)
		step(&d, &in);
	expect(losses <= 1 && remote.lock.held == 0 && rng.vd.lock.held == 0);
	driver_fini(&d);
	return 0;
}
