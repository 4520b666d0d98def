// SPDX-License-Identifier: BSD-2-Clause
/* Every virtio device (VIRTIO 1.2, chapters 2 to 4): status, features, queues, resets, interrupts. */
#include "test/guest/selftest/virtio.h"

enum {
	QUEUES_TRIED = 64,
	VERSION_OFFSET = 4,
	MAGIC_VERSION = 2,
	UNOFFERED = 62, /* no device has this feature */
	NO_VECTOR = 0xffff,
	CAP_MSIX = 0x11,
	MSIX_ENABLE = 1 << 15,
	V2M_TYPER = 0x008,
	V2M_SETSPI = 0x040,
	ISR_QUEUE = 1,
};

uint8_t virtio_queue_memory[4][QUEUE_BYTES] __attribute__((aligned(4096)));
uint8_t virtio_data[2][DATA_BYTES] __attribute__((aligned(4096)));

struct virtio *virtio_all(unsigned *count)
{
	static struct virtio devices[VIRTIO_DEVICES_MAX];
	static unsigned found;
	static bool scanned;

	if (!scanned)
		found = virtio_scan(devices);
	scanned = true;
	*count = found;
	return devices;
}

struct virtio *virtio_nth(uint32_t kind, unsigned n)
{
	unsigned count;
	struct virtio *all = virtio_all(&count);

	for (unsigned i = 0; i < count; i++) {
		if (all[i].kind == kind && n-- == 0)
			return &all[i];
	}
	return NULL;
}

bool virtio_begin(struct virtio *vd, bool packed, uint64_t wanted)
{
	if (packed && (virtio_offered(vd) & F_RING_PACKED) == 0)
		return false;
	if (!virtio_negotiate(vd, wanted | (packed ? F_RING_PACKED : 0))) {
		test_fail(__FILE__, __LINE__, "the device refuses features that it offers");
		return false;
	}
	return true;
}

#define FOR_ALL(vd)                                \
	unsigned count_;                           \
	struct virtio *all_ = virtio_all(&count_); \
	SKIP_IF(count_ == 0, "no virtio device");  \
	for (struct virtio *vd = all_; vd < all_ + count_; vd++)

static void starts_reset(void)
{
	FOR_ALL (vd) {
		EXPECT(virtio_reset(vd));
		virtio_write(vd, REG_QUEUE_SEL, 0);
		EXPECT_EQ(virtio_read(vd, REG_QUEUE_READY), 0);
		if (!vd->pci)
			EXPECT_EQ(read32(vd->regs + VERSION_OFFSET), MAGIC_VERSION);
	}
}

static void features(void)
{
	FOR_ALL (vd) {
		EXPECT(virtio_reset(vd));
		EXPECT((virtio_offered(vd) & F_VERSION_1) != 0);
		for (uint32_t i = 2; i != 0 && !test_bare(); i <<= 1) { /* QEMU wraps */
			virtio_write(vd, REG_DEVICE_FEATURES_SEL, i);
			EXPECT_EQ(virtio_read(vd, REG_DEVICE_FEATURES), 0);
		}
		EXPECT(virtio_negotiate(vd, ~UINT64_C(0)));
		EXPECT(virtio_negotiate(vd, 0));
		EXPECT(virtio_reset(vd));
	}
}

/* 2.2.2: what is no subset of the offer must not be taken. */
static void features_beyond_the_offer(void)
{
	SKIP_IF(test_bare(), "QEMU ignores them");
	FOR_ALL (vd) {
		EXPECT(virtio_reset(vd));
		virtio_write(vd, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
		virtio_write(vd, REG_DRIVER_FEATURES_SEL, 1);
		virtio_write(vd, REG_DRIVER_FEATURES,
			     (uint32_t)(F_VERSION_1 >> 32) | 1u << (UNOFFERED - 32));
		virtio_write(vd, REG_STATUS,
			     STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
		EXPECT_EQ(virtio_read(vd, REG_STATUS) & STATUS_FEATURES_OK, 0);
		EXPECT(virtio_reset(vd));
	}
}

static void queues_that_are_not(void)
{
	FOR_ALL (vd) {
		unsigned queues = 0;

		EXPECT(virtio_negotiate(vd, 0));
		for (unsigned i = 0; i < QUEUES_TRIED; i++) {
			virtio_write(vd, REG_QUEUE_SEL, i);
			queues += virtio_read(vd, REG_QUEUE_MAX) != 0;
		}
		EXPECT(queues > 0 && queues < QUEUES_TRIED);
		virtio_write(vd, REG_QUEUE_SEL, 0x8001);
		EXPECT_EQ(virtio_read(vd, REG_QUEUE_MAX), 0);
		EXPECT_EQ(virtio_read(vd, REG_QUEUE_READY), 0);
		EXPECT(virtio_reset(vd));
	}
}

/* A word of an address must replace what was there before (a defect of others: it was OR-ed in). */
static void addresses_are_replaced(void)
{
	for (unsigned n = 0;; n++) {
		struct virtio *vd = virtio_nth(VIRTIO_RNG, n);
		struct piece piece = { data_memory(0), 64, true };
		struct virtq q;

		SKIP_IF(vd == NULL && n == 0, "no entropy device");
		if (vd == NULL)
			return;
		EXPECT(virtio_negotiate(vd, 0));
		virtio_write(vd, REG_QUEUE_SEL, 0);
		for (enum virtio_reg reg = REG_DESC_LOW; reg <= REG_DEVICE_HIGH; reg++)
			virtio_write(vd, reg, 0x5a5a5a50);
		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_driver_ok(vd);
		EXPECT_EQ(virtq_do(&q, &piece, 1), 64);
		EXPECT(virtio_reset(vd));
	}
}

/* Random bytes: none left as they were, which 64 bytes all being the pattern would be. */
static bool filled(uint64_t at, uint32_t length)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < length; i++)
		same += read8(at + i) == 0xee;
	return same < length / 2 + 1;
}

static void paint(uint64_t at, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		write8(at + i, 0xee);
}

static void rng_once(struct virtq *q, const struct piece *pieces, unsigned count)
{
	uint32_t length = 0;
	int64_t got;

	for (unsigned i = 0; i < count; i++) {
		paint(pieces[i].at, pieces[i].length);
		length += pieces[i].length;
	}
	got = virtq_do(q, pieces, count);
	EXPECT(got > 0 && got <= length);
	EXPECT(filled(pieces[0].at, got < pieces[0].length ? (uint32_t)got : pieces[0].length));
}

static void rng_reads(void)
{
	SKIP_IF(virtio_nth(VIRTIO_RNG, 0) == NULL, "no entropy device");
	FOR_EACH_FORMAT (vd, VIRTIO_RNG, 0) {
		const struct piece one = { data_memory(0), 64, true };
		const struct piece three[] = {
			{ data_memory(0), 16, true },
			{ data_memory(0) + 256, 16, true },
			{ data_memory(0) + 512, 16, true },
		};
		struct virtq q;

		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_driver_ok(vd);
		/* more than once around the ring */
		for (unsigned i = 0; i < 2u * q.size + 3; i++)
			rng_once(&q, &one, 1);
		for (unsigned i = 0; i < 8; i++)
			rng_once(&q, three, 3);
		EXPECT(virtio_reset(vd));
	}
}

static void rng_indirect(void)
{
	SKIP_IF(virtio_nth(VIRTIO_RNG, 0) == NULL, "no entropy device");
	FOR_EACH_FORMAT (vd, VIRTIO_RNG, F_INDIRECT_DESC) {
		const struct piece two[] = {
			{ data_memory(0), 32, true },
			{ data_memory(0) + 256, 32, true },
		};
		uint64_t limit = patience();
		uint32_t written = 0;
		struct virtq q;

		SKIP_IF((vd->features & F_INDIRECT_DESC) == 0, "not offered");
		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_driver_ok(vd);
		paint(data_memory(0), 32);
		EXPECT(virtq_offer_indirect(&q, data_memory(1), two, 2) >= 0);
		virtio_notify(vd, 0);
		while (virtq_take(&q, &written) < 0)
			EXPECT(counter() < limit);
		EXPECT(written > 0 && written <= 64);
		EXPECT(filled(data_memory(0), 16));
		EXPECT(virtio_reset(vd));
	}
}

/* The smallest queues work as well as the largest. */
static void small_queues(void)
{
	SKIP_IF(virtio_nth(VIRTIO_RNG, 0) == NULL, "no entropy device");
	FOR_EACH_FORMAT (vd, VIRTIO_RNG, 0) {
		for (uint16_t size = 2; size <= 8; size = (uint16_t)(2 * size)) {
			const struct piece one = { data_memory(0), 64, true };
			struct virtq q;

			EXPECT(virtio_negotiate(vd, vd->features));
			EXPECT(virtq_open(&q, vd, 0, size, queue_memory(0)));
			virtio_driver_ok(vd);
			for (unsigned i = 0; i < 20; i++)
				rng_once(&q, &one, 1);
		}
		EXPECT(virtio_reset(vd));
	}
}

/* RING_RESET (2.6.1): the queue alone begins anew, elsewhere. */
static void queue_resets(void)
{
	SKIP_IF(virtio_nth(VIRTIO_RNG, 0) == NULL, "no entropy device");
	FOR_EACH_FORMAT (vd, VIRTIO_RNG, F_RING_RESET) {
		const struct piece one = { data_memory(0), 64, true };
		uint64_t limit = patience();
		struct virtq q;

		SKIP_IF((vd->features & F_RING_RESET) == 0, "not offered");
		if (test_bare() && !vd->pci)
			continue; /* QEMU's virtio-mmio has no register for it */
		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_driver_ok(vd);
		rng_once(&q, &one, 1);
		for (unsigned i = 0; i < 4; i++) {
			virtio_write(vd, REG_QUEUE_SEL, 0);
			virtio_write(vd, REG_QUEUE_RESET, 1);
			while (virtio_read(vd, REG_QUEUE_RESET) != 0)
				EXPECT(counter() < limit);
			EXPECT_EQ(virtio_read(vd, REG_QUEUE_READY), 0);
			EXPECT(virtq_open(&q, vd, 0, (uint16_t)(4 << i), queue_memory(i % 2)));
			rng_once(&q, &one, 1);
			rng_once(&q, &one, 1);
		}
		EXPECT(virtio_reset(vd));
	}
}

static void resets_are_complete(void)
{
	SKIP_IF(virtio_nth(VIRTIO_RNG, 0) == NULL, "no entropy device");
	FOR_EACH_FORMAT (vd, VIRTIO_RNG, 0) {
		uint64_t features = vd->features;

		for (unsigned i = 0; i < 50; i++) {
			const struct piece one = { data_memory(0), 64, true };
			struct virtq q;

			EXPECT(virtio_negotiate(vd, features));
			EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(i % 2)));
			virtio_driver_ok(vd);
			rng_once(&q, &one, 1);
			EXPECT(virtio_reset(vd));
			EXPECT_EQ(virtio_read(vd, REG_QUEUE_READY), 0);
		}
	}
}

/* Turns a queue's interrupts on, which virtq_open() has turned off. */
static void want_interrupts(const struct virtq *q)
{
	write16(q->driver + (q->packed ? 2 : 0), 0);
	barrier();
}

/* virtio-mmio's interrupt is a level with a status register (4.2.2). */
static void mmio_interrupts(void)
{
	unsigned tried = 0;

	FOR_EACH_FORMAT (vd, VIRTIO_RNG, 0) {
		const struct piece one = { data_memory(0), 64, true };
		uint32_t iar;
		struct virtq q;

		if (vd->pci)
			continue;
		tried++;
		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_driver_ok(vd);
		gic_set_edge(vd->intid, false);
		gic_set_priority(0, vd->intid, 0x80);
		gic_route(vd->intid, 0);
		gic_enable(0, vd->intid);
		rng_once(&q, &one, 1);
		iar = ack_within(NEVER_MS);
		EXPECT(iar >= GIC_SPURIOUS);
		want_interrupts(&q);
		rng_once(&q, &one, 1);
		iar = ack_within(SOON_MS);
		EXPECT_EQ(iar & 0x3ff, vd->intid);
		EXPECT_EQ(read32(vd->isr), ISR_QUEUE);
		write32(vd->isr + 4, ISR_QUEUE);
		EXPECT_EQ(read32(vd->isr), 0);
		test_eoi(iar);
		iar = ack_within(NEVER_MS);
		EXPECT(iar >= GIC_SPURIOUS);
		gic_disable(0, vd->intid);
		EXPECT(virtio_reset(vd));
	}
	SKIP_IF(tried == 0, "no virtio-mmio entropy device");
}

/* The MSI-X table's entry 0 of a function: to the GICv2m frame, its first interrupt. */
static bool msix_to_v2m(const struct virtio *vd, uint32_t *intid)
{
	uint32_t cap = pci_capability(vd->function, CAP_MSIX, 0), where;
	uint64_t table;

	if (cap == 0 || machine.v2m == 0)
		return false;
	where = read32(vd->function + cap + 4);
	table = pci_bar(vd->function, where & 7) + (where & ~7u);
	*intid = read32(machine.v2m + V2M_TYPER) >> 16 & 0x3ff;
	write32(table, (uint32_t)(machine.v2m + V2M_SETSPI));
	write32(table + 4, (uint32_t)((machine.v2m + V2M_SETSPI) >> 32));
	write32(table + 8, *intid);
	write32(table + 12, 0);
	write16(vd->function + cap + 2, MSIX_ENABLE);
	return true;
}

/* MSI-X through a GICv2m frame: an edge for each batch (4.1.5.1.2). */
static void pci_interrupts(void)
{
	unsigned tried = 0;

	FOR_EACH_FORMAT (vd, VIRTIO_RNG, 0) {
		const struct piece one = { data_memory(0), 64, true };
		uint32_t intid, iar;
		struct virtq q;

		if (!vd->pci || !msix_to_v2m(vd, &intid))
			continue;
		tried++;
		EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
		virtio_write(vd, REG_QUEUE_SEL, 0);
		virtio_write(vd, REG_QUEUE_VECTOR, 0);
		EXPECT_EQ(virtio_read(vd, REG_QUEUE_VECTOR), 0);
		virtio_write(vd, REG_CONFIG_VECTOR, 0x7fff);
		EXPECT_EQ(virtio_read(vd, REG_CONFIG_VECTOR), NO_VECTOR);
		virtio_driver_ok(vd);
		gic_set_edge(intid, true);
		gic_set_priority(0, intid, 0x80);
		gic_route(intid, 0);
		gic_enable(0, intid);
		want_interrupts(&q);
		rng_once(&q, &one, 1);
		iar = ack_within(SOON_MS);
		EXPECT_EQ(iar & 0x3ff, intid);
		test_eoi(iar);
		iar = ack_within(NEVER_MS);
		EXPECT(iar >= GIC_SPURIOUS);
		gic_disable(0, intid);
		EXPECT(virtio_reset(vd));
	}
	SKIP_IF(tried == 0, "no PCI entropy device, or no GICv2m frame");
}

const struct test virtio_tests[] = {
	{ "virtio-starts-reset", starts_reset },
	{ "virtio-features", features },
	{ "virtio-features-beyond-the-offer", features_beyond_the_offer },
	{ "virtio-queues-that-are-not", queues_that_are_not },
	{ "virtio-addresses-are-replaced", addresses_are_replaced },
	{ "virtio-rng-reads", rng_reads },
	{ "virtio-rng-indirect", rng_indirect },
	{ "virtio-small-queues", small_queues },
	{ "virtio-queue-resets", queue_resets },
	{ "virtio-resets-are-complete", resets_are_complete },
	{ "virtio-mmio-interrupts", mmio_interrupts },
	{ "virtio-pci-interrupts", pci_interrupts },
	{ NULL, NULL },
};
