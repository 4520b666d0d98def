/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console device with two ports, whose backends fill up and run dry. No byte is lost or made up: what
 * a backend has taken and what is still in its ring never exceed what was written.
 */
#include <string.h>

#include "test/fuzz/virtio.h"
#include "vmm/dev/virtio/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORTS = 2, RING = 64 };

static struct virtio_console con;
static struct console_memory memory[PORTS];
static uint8_t out[PORTS][RING], in_ring[PORTS][RING];

static struct virtio_dev *make(struct driver *d)
{
	const struct virtio_console_port ports[PORTS] = {
		{ .backend = &memory[0].backend,
		  .name = "main",
		  .console = true,
		  .columns = 80,
		  .rows = 25 },
		{ .backend = &memory[1].backend, .name = "a name that is as long as one may be" },
	};

	for (unsigned i = 0; i < PORTS; i++)
		console_memory_init(&memory[i], out[i], RING, in_ring[i], RING);
	virtio_console_init(&con,
			    &(struct virtio_setup){
				    .name = "console",
				    .gmem = &d->gmem,
				    .packed = true,
				    .owner = driver_owner(d),
			    },
			    ports, PORTS);
	return &con.vd;
}

static void backend(struct driver *d, struct input *in)
{
	uint8_t what = input_u8(in), bytes[RING];
	unsigned port = what % PORTS, count = input_u8(in) % RING;

	(void)d;
	memset(bytes, 'i', sizeof(bytes));
	switch (what / PORTS % 3) {
	case 0:
		(void)console_memory_drain(&memory[port], bytes, count);
		break;
	case 1:
		(void)console_memory_feed(&memory[port], bytes, count);
		break;
	default:
		lock_take(&con.vd.lock);
		virtio_console_resize(&con, port, input_u8(in), input_u8(in));
		lock_give(&con.vd.lock);
		break;
	}
}

static void works(struct driver *d)
{
	struct driver_buffer b = { .gpa = driver_alloc(d, 8, 1), .len = 8 };
	uint8_t got[RING];
	uint32_t written;
	int id;

	for (unsigned i = 0; i < PORTS; i++)
		(void)console_memory_drain(&memory[i], got, sizeof(got));
	memcpy(driver_host(d, b.gpa), "fuzzed!\n", 8);
	fuzz_expect(driver_add(d, 1, &b, 1, false) >= 0);
	fuzz_expect(driver_kick(d, 1));
	fuzz_expect(driver_used(d, 1, &id, &written));
	fuzz_expect(console_memory_drain(&memory[0], got, sizeof(got)) == 8);
	fuzz_expect(memcmp(got, "fuzzed!\n", 8) == 0);

	(void)console_memory_feed(&memory[0], (const uint8_t *)"in", 2);
	b.writable = true;
	fuzz_expect(driver_add(d, 0, &b, 1, false) >= 0);
	(void)driver_kick(d, 0);
	fuzz_expect(driver_used(d, 0, &id, &written));
	fuzz_expect(written > 0 && written <= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_virtio fuzz = {
		.make = make,
		.backend = backend,
		.works = works,
		.features = 7,
		.queues = 2 + 2 * PORTS,
	};

	fuzz_virtio(&fuzz, data, size);
	return 0;
}
