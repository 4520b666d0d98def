// SPDX-License-Identifier: BSD-2-Clause
/* Rings: descriptors that lead nowhere, in circles or out of RAM, indices that jump, all of it moving. */
#include "test/guest/hostile-virtio/hostile_virtio.h"

enum {
	DESC_BYTES = 16,
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
	PACKED_AVAIL = 1 << 7,
	PACKED_USED = 1 << 15,
	RING = 4,
	RESETS_IN_FLIGHT = 1000,
};

static void put_desc(const struct virtq *q, uint32_t slot, uint64_t at, uint32_t length,
		     uint32_t flags, uint32_t next)
{
	uint64_t desc = q->desc + DESC_BYTES * (uint64_t)(slot % q->size);

	write64(desc, at);
	write32(desc + 8, length);
	if (q->packed) /* id, flags; available in the first round */
		write32(desc + 12, (next & 0xffff) | (flags | PACKED_AVAIL) << 16);
	else
		write32(desc + 12, (flags & 0xffff) | next << 16);
}

/* Makes the descriptor in slot 0 available, and `more` others. */
static void kick(const struct virtq *q, uint16_t more)
{
	if (!q->packed) {
		for (uint64_t i = 0; i < q->size; i++)
			write16(q->driver + RING + 2 * i, 0);
		write16(q->driver + 2, (uint16_t)(1 + more));
	}
	virtio_notify(q->vd, q->index);
}

struct wrong {
	uint64_t at;
	uint32_t length, flags, next;
};

static void offer_wrong(struct virtio *vd, const struct wrong *wrong)
{
	struct virtq queues[RINGS];
	unsigned count;

	for (unsigned packed = 0; packed < 2; packed++) {
		wake(vd, packed != 0);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++) {
			put_desc(&queues[q], 0, wrong->at, wrong->length, wrong->flags,
				 wrong->next);
			kick(&queues[q], 0);
		}
	}
}

static void descriptors(struct virtio *vd)
{
	uint64_t end = machine.ram_base + machine.ram_size;
	const struct wrong wrongs[] = {
		{ .at = 0, .length = 64 },
		{ .at = 0, .length = 64, .flags = DESC_WRITE },
		{ .at = machine.uart, .length = 64, .flags = DESC_WRITE },
		{ .at = machine.gicd, .length = 4096 },
		{ .at = vd->regs, .length = 64, .flags = DESC_WRITE },
		{ .at = machine.ram_base - 8, .length = 64 },
		{ .at = end - 8, .length = 64, .flags = DESC_WRITE },
		{ .at = end, .length = 1 },
		{ .at = prey(), .length = ~0u },
		{ .at = prey(), .length = 0 },
		{ .at = prey(), .length = 0, .flags = DESC_WRITE },
		{ .at = ~UINT64_C(0) - 8, .length = 64, .flags = DESC_WRITE },
		{ .at = ~UINT64_C(0) - 8, .length = 64 },
		{ .at = UINT64_C(1) << 63 | prey(), .length = 64 },
		{ .at = prey(), .length = 64, .flags = DESC_NEXT, .next = 0 },      /* itself */
		{ .at = prey(), .length = 64, .flags = DESC_NEXT, .next = 0xffff }, /* nowhere */
		{ .at = prey(), .length = 64, .flags = 0xffff & ~DESC_WRITE },
		{ .at = prey(), .length = 15, .flags = DESC_INDIRECT },
		{ .at = prey(), .length = 0, .flags = DESC_INDIRECT },
		{ .at = prey(), .length = ~15u, .flags = DESC_INDIRECT },
		{ .at = prey() + 1, .length = 32, .flags = DESC_INDIRECT },
		{ .at = end - 16, .length = 64, .flags = DESC_INDIRECT },
		{ .at = prey(), .length = 64, .flags = DESC_INDIRECT | DESC_NEXT, .next = 1 },
		{ .at = prey(), .length = 64, .flags = DESC_INDIRECT | DESC_WRITE },
	};

	for (unsigned i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		offer_wrong(vd, &wrongs[i]);
}

/* Chains that go round, that are longer than the queue, that turn from writable to readable. */
static void chains(struct virtio *vd)
{
	struct virtq queues[RINGS];

	for (unsigned shape = 0; shape < 8; shape++) {
		unsigned count;

		wake(vd, shape >= 4);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++) {
			for (uint32_t i = 0; i < queues[q].size; i++) {
				uint32_t flags = DESC_NEXT;

				if (shape % 4 == 1 && i % 2 == 0)
					flags |= DESC_WRITE; /* writable before readable */
				if (shape % 4 == 2)
					flags |= DESC_INDIRECT;
				if (shape % 4 == 3)
					flags |= DESC_WRITE;
				put_desc(&queues[q], i, prey() + 64 * (i % 64), 64, flags, i + 1);
			}
			kick(&queues[q], 0);
		}
	}
}

/* An indirect table within an indirect table, circles and ends beyond it. */
static void indirect_tables(struct virtio *vd)
{
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < rounds() / 4 + 8; i++) {
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (uint64_t d = 0; d < 64; d++) {
			uint64_t entry = prey() + DESC_BYTES * d;

			write64(entry, prey() + 4096 + (noise() & 0xff0));
			write32(entry + 8, (uint32_t)noise() & 0xff);
			write32(entry + 12, (uint32_t)(noise() & 0x7) | (uint32_t)(noise() & 0x3f)
										<< 16);
		}
		for (unsigned q = 0; q < count; q++) {
			put_desc(&queues[q], 0, prey(), DESC_BYTES * (1 + ((uint32_t)noise() & 63)),
				 DESC_INDIRECT, 0);
			kick(&queues[q], 0);
		}
	}
}

static void index_jumps(struct virtio *vd)
{
	static const uint16_t jumps[] = { 0xffff, 0x8000, 257, 1000, 0x7fff };
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		unsigned count;

		wake(vd, false);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++) {
			for (uint64_t entry = 0; entry < queues[q].size; entry++)
				write16(queues[q].driver + RING + 2 * entry, (uint16_t)noise());
			write16(queues[q].driver + 2, jumps[i]);
			virtio_notify(vd, (uint16_t)q);
			write16(queues[q].driver + 2, 3); /* and back */
			virtio_notify(vd, (uint16_t)q);
		}
	}
}

/* An address: mostly prey, sometimes where nothing or something else is. */
static uint64_t wild_address(void)
{
	switch (noise() & 15) {
	case 0:
		return noise() | UINT64_C(1) << 48;
	case 1:
		return machine.ram_base + machine.ram_size - (noise() & 63);
	case 2:
		return noise() & 0x3fffffff;
	default:
		return prey() + (noise() & (PREY_BYTES / 2 - 1));
	}
}

static uint32_t wild_length(void)
{
	return (noise() & 15) == 0 ? (uint32_t)noise() | 0x80000000 : (uint32_t)noise() & 0x7fff;
}

/* Rings full of garbage, as a whole. */
static void garbage(struct virtio *vd)
{
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < rounds(); i++) {
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++) {
			for (uint32_t slot = 0; slot < queues[q].size; slot++)
				put_desc(&queues[q], slot, wild_address(), wild_length(),
					 (uint32_t)noise() & ((noise() & 7) == 0 ? 0xffff : 3),
					 (uint32_t)noise() & ((noise() & 7) == 0 ? 0xffff : 0xff));
			for (uint64_t at = 0; !queues[q].packed && at < queues[q].size; at++)
				write16(queues[q].driver + RING + 2 * at,
					(uint16_t)(noise() & 0xff));
			write16(queues[q].driver, (uint16_t)noise());
			write16(queues[q].driver + 2, (uint16_t)(noise() & 0x1ff));
			for (unsigned k = 0; k < 3; k++)
				virtio_notify(vd, (uint16_t)q);
		}
	}
}

/* What CPU 1 does: the same descriptor, good and bad by turns. */
void race(const struct virtq *q)
{
	uint32_t slot = (uint32_t)noise() & 7;

	put_desc(q, slot, prey(), 512, DESC_WRITE, 0);
	put_desc(q, slot, wild_address(), wild_length(), (uint32_t)noise() & 7,
		 (uint32_t)noise() & 15);
	if (!q->packed) {
		write16(q->driver + RING + 2 * (noise() & 7), (uint16_t)(noise() & 0xf));
		write16(q->driver + 2, (uint16_t)(read16(q->driver + 2) + (noise() & 1)));
	}
}

static void races(struct virtio *vd)
{
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < rounds() / 4 + 1; i++) {
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		if (count == 0)
			return;
		race_begin(&queues[i % count]);
		for (unsigned k = 0; k < 50; k++)
			virtio_notify(vd, queues[i % count].index);
		race_end();
	}
}

/* Nothing to do, said often. */
static void notify_storm(struct virtio *vd)
{
	struct virtq queues[RINGS];
	unsigned count;

	wake(vd, false);
	count = open_all(vd, queues);
	virtio_driver_ok(vd);
	for (unsigned i = 0; count != 0 && i < 20 * rounds(); i++)
		virtio_notify(vd, (uint16_t)(i % count));
}

static void resets_in_flight(struct virtio *vd)
{
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < RESETS_IN_FLIGHT / 4; i++) {
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++) {
			for (uint32_t slot = 0; slot < 4; slot++)
				put_desc(&queues[q], slot, prey() + 4096 * slot, 512,
					 slot == 1 || slot == 2 ? DESC_WRITE : 0, slot + 1);
			kick(&queues[q], 0);
		}
		virtio_write(vd, REG_STATUS, 0);
	}
}

const struct cruelty ring_cruelties[] = {
	{ "descriptors", descriptors, NEEDS_NOTHING },
	{ "chains", chains, NEEDS_NOTHING },
	{ "indirect-tables", indirect_tables, NEEDS_NOTHING },
	{ "index-jumps", index_jumps, NEEDS_NOTHING },
	{ "garbage", garbage, NEEDS_NOTHING },
	{ "races", races, NEEDS_CPU },
	{ "notify-storm", notify_storm, NEEDS_NOTHING },
	{ "resets-in-flight", resets_in_flight, NEEDS_NOTHING },
	{ NULL, NULL, NEEDS_NOTHING },
};
