/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random traffic between the test driver, which follows VIRTIO 1.2 to the letter, and a device that
 * answers late, out of order, in batches, or puts chains back because it is full. On both ring formats,
 * with and without event indices.
 *
 *   model_virtqueue [SEED [STEPS]]
 *
 * Every chain comes back once, with what was in it. No wake-up is lost: when the device has asked to be
 * notified and the driver has done as it should, nothing waits for the device; and the other way round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/virtio_driver.h"
#include "vmm/base/util.h"

enum { SIZE = 16, SEGMENTS = 4, BYTES = 24, RAM = 256 << 10 };

struct pending {
	struct virtq_token token;
	uint8_t bytes[SEGMENTS * BYTES];
	uint32_t len;
	struct virtq_segment to[SEGMENTS];
	unsigned count;
};

static struct driver d;
static struct virtio_dev vd;
static struct virtq queue;
static struct pending held[VIRTQ_SIZE_MAX];
static unsigned held_count, room;
static bool device_armed;
static uint64_t seed, expected[VIRTQ_SIZE_MAX], target[VIRTQ_SIZE_MAX];
static uint32_t length[VIRTQ_SIZE_MAX];
static unsigned outstanding, added, returned;

static unsigned chance(unsigned of)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % of;
}

static void expect(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "virtqueue: %s\n", what);
	exit(1);
}

/* ---- the device ---- */

static void take(struct virtq_chain *chain)
{
	struct pending *p = &held[held_count++];

	p->token = chain->token;
	p->len = (uint32_t)virtq_read(chain, 0, p->bytes, sizeof(p->bytes));
	p->count = chain->writable_count;
	memcpy(p->to, chain->segment + chain->readable_count, p->count * sizeof(p->to[0]));
}

static void work(struct virtio_dev *dev, unsigned index)
{
	struct virtq_chain chain;

	device_armed = false;
	do {
		virtq_kicks_off(dev, index);
		while (virtq_pop(dev, index, &chain) == VIRTQ_GOT) {
			if (held_count >= room) {
				virtq_unpop(dev, index, &chain);
				virtq_notify(dev, index);
				return; /* full: complete() goes on */
			}
			take(&chain);
		}
	} while (virtq_kicks_on(dev, index));
	device_armed = true;
}

static void complete(struct virtio_dev *dev)
{
	unsigned batch = 1 + chance(4);

	while (held_count > 0 && batch-- > 0) {
		unsigned i = chance(held_count);
		struct virtq_chain chain = { .writable_count = (uint16_t)held[i].count,
					     .segment = held[i].to };

		virtq_push(dev, 0, held[i].token,
			   (uint32_t)virtq_write(&chain, 0, held[i].bytes, held[i].len));
		held[i] = held[--held_count];
	}
	virtq_notify(dev, 0);
	if (!device_armed)
		work(dev, 0);
}

static const struct virtio_ops ops = { .device_id = 42, .notify = work, .event = complete };

/* ---- the driver ---- */

static void add(void)
{
	unsigned half = 1 + chance(SEGMENTS / 2);
	struct driver_buffer b[SEGMENTS];
	uint64_t content = seed;
	uint32_t len = 0;
	int id;

	/* The memory of chains in flight is theirs: a place for each possible id, and some tables. */
	if (outstanding == 0)
		d.brk = d.queue[0].area[2] + 4096;
	if (outstanding == SIZE || d.brk + 4096 > DRIVER_GPA + RAM)
		return;
	for (unsigned i = 0; i < 2 * half; i++) {
		b[i].len = i < half ? 1 + chance(BYTES) : b[i - half].len;
		b[i].gpa = driver_alloc(&d, b[i].len, 1);
		b[i].writable = i >= half;
		for (uint32_t k = 0; i < half && k < b[i].len; k++)
			*(uint8_t *)driver_host(&d, b[i].gpa + k) =
				(uint8_t)(content >> (len + k) % 57);
		len += i < half ? b[i].len : 0;
	}
	id = driver_add(&d, 0, b, 2 * half,
			chance(2) != 0 && (d.features & VIRTIO_F_INDIRECT_DESC) != 0);
	if (id < 0)
		return;
	expected[id] = content;
	target[id] = b[half].gpa; /* the writable ones lie one behind the other */
	length[id] = len;
	outstanding++;
	added++;
}

static void reap(void)
{
	uint32_t written;
	int id;

	while (driver_used(&d, 0, &id, &written)) {
		const uint8_t *got = driver_host(&d, target[id]);

		expect(written == length[id], "a chain came back with another length");
		for (uint32_t k = 0; k < written; k++)
			expect(got[k] == (uint8_t)(expected[id] >> k % 57), "a wrong byte");
		outstanding--;
		returned++;
	}
}

/* Sleeps until an interrupt, as a driver does: asks for one, looks once more. */
static void sleep_until_interrupt(void)
{
	unsigned before;
	bool silent;

	(void)driver_acknowledge(&d);
	driver_interrupts(&d, 0, true);
	reap();
	driver_interrupts(&d, 0, true);
	reap();
	for (unsigned rounds = 0; held_count > 0 && !d.level; rounds++) {
		virtio_event(&vd, 0);
		expect(rounds < 10 * SIZE, "chains that do not come back");
	}
	before = returned;
	silent = !d.level;
	reap();
	expect(!silent || returned == before, "an interrupt was lost");
	driver_interrupts(&d, 0, chance(2) != 0);
	reap();
}

static void step(void)
{
	switch (chance(8)) {
	case 0:
	case 1:
	case 2:
		for (unsigned n = chance(SIZE); n > 0; n--)
			add();
		(void)driver_kick(&d, 0);
		break;
	case 3:
	case 4:
		virtio_event(&vd, 0);
		break;
	case 5:
		room = chance(SIZE + 1) + 1;
		virtio_event(&vd, 0);
		break;
	case 6:
		reap();
		break;
	default:
		sleep_until_interrupt();
		break;
	}
	if (device_armed) {
		struct virtq_chain chain;

		expect(virtq_pop(&vd, 0, &chain) == VIRTQ_EMPTY, "a notification was lost");
	}
}

static void run(uint64_t features, unsigned steps)
{
	driver_init_sized(&d, RAM);
	driver_device(&d, &vd, &ops, &queue, 1, SIZE);
	held_count = outstanding = added = returned = 0;
	room = SIZE;
	device_armed = false;
	expect(driver_start(&d, features, 1, SIZE), "the device does not start");
	for (unsigned i = 0; i < steps; i++)
		step();
	room = SIZE;
	for (unsigned i = 0; outstanding > 0 && i < 10 * SIZE; i++) {
		virtio_event(&vd, 0);
		reap();
	}
	expect(outstanding == 0 && added == returned, "chains were lost");
	expect(added > steps / 4, "too little traffic");
	expect(d.said == 0, "the device complained about a driver that keeps the rules");
	driver_fini(&d);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned steps = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 20000;

	printf("1..8\n");
	for (unsigned i = 0; i < 8; i++) {
		seed = first + i;
		run(((i & 1) != 0 ? VIRTIO_F_RING_PACKED : 0) |
			    ((i & 2) != 0 ? VIRTIO_F_EVENT_IDX : 0) |
			    ((i & 4) != 0 ? VIRTIO_F_INDIRECT_DESC : 0),
		    steps);
		printf("ok %u - %s%s%s\n", i + 1, (i & 1) != 0 ? "packed" : "split",
		       (i & 2) != 0 ? ", event index" : "", (i & 4) != 0 ? ", indirect" : "");
	}
	return 0;
}
