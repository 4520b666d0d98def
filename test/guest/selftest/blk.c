// SPDX-License-Identifier: BSD-2-Clause
/*
 * Virtual disks (VIRTIO 1.2, 5.2). What writes needs `scratch` on the command line: it destroys the
 * disk's contents. `resets=N` is how often a disk is reset with requests in flight (default 50).
 */
#include "test/guest/selftest/virtio.h"

enum {
	SECTOR = 512,
	BLK_IN = 0,
	BLK_OUT = 1,
	BLK_FLUSH = 4,
	BLK_GET_ID = 8,
	BLK_DISCARD = 11,
	BLK_WRITE_ZEROES = 13,
	BLK_NO_SUCH = 99,
	BLK_OK = 0,
	BLK_IOERR = 1,
	BLK_UNSUPP = 2,
	ID_BYTES = 20,
	CONFIG_CAPACITY = 0,
	SLOT_BYTES = 64, /* of a request's header, status and range */
	STATUS_AT = 16,
	RANGE_AT = 32,
	RANGE_BYTES = 16,
	UNMAP = 1,
	DEPTH = 32,
	RESETS = 50,
	PAINT = 0xa5,
};
#define F_BLK_RO           (UINT64_C(1) << 5)
#define F_BLK_FLUSH        (UINT64_C(1) << 9)
#define F_BLK_DISCARD      (UINT64_C(1) << 13)
#define F_BLK_WRITE_ZEROES (UINT64_C(1) << 14)
#define F_BLK_ALL          (F_BLK_RO | F_BLK_FLUSH | F_BLK_DISCARD | F_BLK_WRITE_ZEROES)

static bool scratch(const struct virtio *vd)
{
	return bootarg("scratch", NULL) && (vd->features & F_BLK_RO) == 0;
}

static uint64_t capacity(const struct virtio *vd)
{
	return (uint64_t)read32(vd->config + 4) << 32 | read32(vd->config + CONFIG_CAPACITY);
}

static uint64_t slot_memory(unsigned slot)
{
	return data_memory(1) + SLOT_BYTES * (uint64_t)slot;
}

/* A request's pieces: header, data in up to two pieces, status. */
static unsigned build(struct piece pieces[4], unsigned slot, uint32_t type, uint64_t sector,
		      uint64_t data, uint32_t length)
{
	uint64_t at = slot_memory(slot);
	bool in = type == BLK_IN || type == BLK_GET_ID;
	unsigned n = 0;

	write32(at, type);
	write32(at + 4, 0);
	write64(at + 8, sector);
	write8(at + STATUS_AT, 0xff);
	pieces[n++] = (struct piece){ at, 16, false };
	if (length > SECTOR) { /* so that descriptors join, in the middle of nothing */
		pieces[n++] = (struct piece){ data, SECTOR - 64, in };
		pieces[n++] = (struct piece){ data + SECTOR - 64, length - SECTOR + 64, in };
	} else if (length != 0) {
		pieces[n++] = (struct piece){ data, length, in };
	}
	pieces[n++] = (struct piece){ at + STATUS_AT, 1, true };
	return n;
}

/* One request to its end; its status, 0xff if it did not come. */
static uint8_t request(struct virtq *q, uint32_t type, uint64_t sector, uint64_t data,
		       uint32_t length)
{
	struct piece pieces[4];
	unsigned n = build(pieces, 0, type, sector, data, length);

	return virtq_do(q, pieces, n) < 0 ? 0xff : read8(slot_memory(0) + STATUS_AT);
}

static void paint(uint64_t at, uint32_t length, uint64_t seed)
{
	for (uint32_t i = 0; i < length; i += 8)
		write64(at + i, (seed + i) * UINT64_C(0x9e3779b97f4a7c15));
}

static bool painted(uint64_t at, uint32_t length, uint64_t seed)
{
	for (uint32_t i = 0; i < length; i += 8) {
		if (read64(at + i) != (seed + i) * UINT64_C(0x9e3779b97f4a7c15))
			return false;
	}
	return true;
}

static bool open_disk(struct virtio *vd, struct virtq *q)
{
	if (!virtq_open(q, vd, 0, 0, queue_memory(0)))
		return false;
	virtio_driver_ok(vd);
	return true;
}

/* Around every test: each disk, each format. */
#define FOR_EACH_DISK(vd)                                              \
	SKIP_IF(virtio_nth(VIRTIO_BLK, 0) == NULL, "no virtual disk"); \
	FOR_EACH_FORMAT (vd, VIRTIO_BLK, F_BLK_ALL)

static void identity(void)
{
	FOR_EACH_DISK (vd) {
		struct virtq q;
		uint8_t status;

		EXPECT(open_disk(vd, &q));
		EXPECT(capacity(vd) >= 8);
		write8(data_memory(0) + ID_BYTES, PAINT);
		status = request(&q, BLK_GET_ID, 0, data_memory(0), ID_BYTES);
		EXPECT_EQ(status, BLK_OK);
		EXPECT_EQ(read8(data_memory(0) + ID_BYTES), PAINT);
	}
}

/* The disks that may be written, with a feature; how many. */
static unsigned scratch_disks(uint64_t feature)
{
	unsigned count = 0;

	for (unsigned n = 0; virtio_nth(VIRTIO_BLK, n) != NULL; n++) {
		uint64_t offered = virtio_offered(virtio_nth(VIRTIO_BLK, n));

		count += bootarg("scratch", NULL) && (offered & F_BLK_RO) == 0 &&
			 (offered & feature) == feature;
	}
	return count;
}

/* The same sectors one by one and all at once. */
static void reads(void)
{
	FOR_EACH_DISK (vd) {
		enum { SECTORS = 16 };
		uint64_t whole = data_memory(0), one = whole + SECTORS * SECTOR;
		uint64_t last = capacity(vd) - SECTORS;
		struct virtq q;

		EXPECT(open_disk(vd, &q));
		for (unsigned where = 0; where < 2; where++) {
			uint64_t first = where == 0 ? 3 : last;

			EXPECT_EQ(request(&q, BLK_IN, first, whole, SECTORS * SECTOR), BLK_OK);
			for (unsigned i = 0; i < SECTORS && first + i < capacity(vd); i++) {
				EXPECT_EQ(request(&q, BLK_IN, first + i, one, SECTOR), BLK_OK);
				for (unsigned b = 0; b < SECTOR; b += 8)
					EXPECT_EQ(read64(one + b), read64(whole + i * SECTOR + b));
			}
		}
	}
}

/* Single sectors, whose neighbours must stay. */
static void writes(void)
{
	SKIP_IF(scratch_disks(0) == 0, "no scratch disk");
	FOR_EACH_DISK (vd) {
		enum { SECTORS = 24 };
		uint64_t data = data_memory(0), ends[] = { 0, capacity(vd) - SECTORS };
		struct virtq q;

		if (!scratch(vd))
			continue;
		EXPECT(open_disk(vd, &q));
		for (unsigned where = 0; where < 2; where++) {
			for (uint64_t i = 0; i < SECTORS; i++)
				paint(data + i * SECTOR, SECTOR, ends[where] + i);
			EXPECT_EQ(request(&q, BLK_OUT, ends[where], data, SECTORS * SECTOR),
				  BLK_OK);
			for (uint64_t i = 1; i < SECTORS; i += 3) {
				paint(data, SECTOR, 7777 + i);
				EXPECT_EQ(request(&q, BLK_OUT, ends[where] + i, data, SECTOR),
					  BLK_OK);
			}
			if ((vd->features & F_BLK_FLUSH) != 0)
				EXPECT_EQ(request(&q, BLK_FLUSH, 0, 0, 0), BLK_OK);
			EXPECT_EQ(request(&q, BLK_IN, ends[where], data, SECTORS * SECTOR), BLK_OK);
			for (uint64_t i = 0; i < SECTORS; i++)
				EXPECT(painted(data + i * SECTOR, SECTOR,
					       i % 3 == 1 ? 7777 + i : ends[where] + i));
		}
	}
}

/* What cannot be done is answered, and the disk goes on. */
static void refusals(void)
{
	FOR_EACH_DISK (vd) {
		uint64_t data = data_memory(0), end = capacity(vd);
		struct virtq q;

		EXPECT(open_disk(vd, &q));
		EXPECT_EQ(request(&q, BLK_NO_SUCH, 0, data, SECTOR), BLK_UNSUPP);
		EXPECT_EQ(request(&q, BLK_IN, end, data, SECTOR), BLK_IOERR);
		EXPECT_EQ(request(&q, BLK_IN, end - 1, data, 2 * SECTOR), BLK_IOERR);
		EXPECT_EQ(request(&q, BLK_IN, ~UINT64_C(0), data, SECTOR), BLK_IOERR);
		EXPECT_EQ(request(&q, BLK_IN, ~UINT64_C(0) / SECTOR, data, SECTOR), BLK_IOERR);
		EXPECT_EQ(request(&q, BLK_IN, 0, data, SECTOR - 8), BLK_IOERR);
		if ((vd->features & F_BLK_RO) != 0)
			EXPECT_EQ(request(&q, BLK_OUT, 0, data, SECTOR), BLK_IOERR);
		EXPECT_EQ(request(&q, BLK_IN, 0, data, SECTOR), BLK_OK);
		EXPECT(!virtio_broken(vd));
	}
}

static uint8_t range_request(struct virtq *q, uint32_t type, uint64_t sector, uint32_t count,
			     uint32_t flags)
{
	struct piece pieces[4];
	uint64_t at = slot_memory(0);
	unsigned n = build(pieces, 0, type, 0, at + RANGE_AT, RANGE_BYTES);

	write64(at + RANGE_AT, sector);
	write32(at + RANGE_AT + 8, count);
	write32(at + RANGE_AT + 12, flags);
	return virtq_do(q, pieces, n) < 0 ? 0xff : read8(at + STATUS_AT);
}

static void zeroes(void)
{
	SKIP_IF(scratch_disks(F_BLK_WRITE_ZEROES) == 0, "no scratch disk that offers it");
	FOR_EACH_DISK (vd) {
		enum { SECTORS = 32, FROM = 5, COUNT = 19 };
		uint64_t data = data_memory(0);
		struct virtq q;

		if (!scratch(vd))
			continue;
		if ((vd->features & F_BLK_WRITE_ZEROES) == 0)
			continue;
		EXPECT(open_disk(vd, &q));
		for (uint32_t flags = 0; flags <= UNMAP; flags++) {
			paint(data, SECTORS * SECTOR, 1);
			EXPECT_EQ(request(&q, BLK_OUT, 0, data, SECTORS * SECTOR), BLK_OK);
			EXPECT_EQ(range_request(&q, BLK_WRITE_ZEROES, FROM, COUNT, flags), BLK_OK);
			EXPECT_EQ(request(&q, BLK_IN, 0, data, SECTORS * SECTOR), BLK_OK);
			for (uint32_t i = FROM * SECTOR; i < (FROM + COUNT) * SECTOR; i += 8)
				EXPECT_EQ(read64(data + i), 0);
			write64(data + FROM * SECTOR, 0);
			EXPECT(painted(data, FROM * SECTOR, 1));
			EXPECT(painted(data + (FROM + COUNT) * SECTOR,
				       (SECTORS - FROM - COUNT) * SECTOR,
				       1 + (FROM + COUNT) * SECTOR));
		}
		EXPECT_EQ(range_request(&q, BLK_WRITE_ZEROES, capacity(vd) - 1, 2, 0), BLK_IOERR);
	}
}

/* Contents are open after a discard; the sectors beside it are not. */
static void discards(void)
{
	SKIP_IF(scratch_disks(F_BLK_DISCARD) == 0, "no scratch disk that offers it");
	FOR_EACH_DISK (vd) {
		enum { SECTORS = 64, FROM = 8, COUNT = 40 };
		uint64_t data = data_memory(0);
		struct virtq q;

		if (!scratch(vd))
			continue;
		if ((vd->features & F_BLK_DISCARD) == 0)
			continue;
		EXPECT(open_disk(vd, &q));
		paint(data, SECTORS * SECTOR, 2);
		EXPECT_EQ(request(&q, BLK_OUT, 0, data, SECTORS * SECTOR), BLK_OK);
		EXPECT_EQ(range_request(&q, BLK_DISCARD, FROM, COUNT, 0), BLK_OK);
		EXPECT_EQ(request(&q, BLK_IN, 0, data, SECTORS * SECTOR), BLK_OK);
		EXPECT(painted(data, FROM * SECTOR, 2));
		EXPECT(painted(data + (FROM + COUNT) * SECTOR, (SECTORS - FROM - COUNT) * SECTOR,
			       2 + (FROM + COUNT) * SECTOR));
		EXPECT_EQ(range_request(&q, BLK_DISCARD, capacity(vd), 1, 0), BLK_IOERR);
	}
}

/* Offers `count` requests of one sector each, from sector 0 on, without notifying. */
static unsigned offer(struct virtq *q, uint32_t type, unsigned count)
{
	struct piece pieces[4];
	unsigned done = 0;

	while (done < count) {
		unsigned n =
			build(pieces, done, type, done, data_memory(0) + done * SECTOR, SECTOR);

		if (virtq_offer(q, pieces, n) < 0)
			break;
		done++;
	}
	return done;
}

/* Many in flight, finished in any order, each with its own data. */
static void depth(void)
{
	SKIP_IF(scratch_disks(0) == 0, "no scratch disk");
	FOR_EACH_DISK (vd) {
		uint64_t limit = patience();
		unsigned offered, taken = 0;
		uint32_t written;
		struct virtq q;

		if (!scratch(vd))
			continue;
		EXPECT(open_disk(vd, &q));
		for (unsigned i = 0; i < DEPTH; i++)
			paint(data_memory(0) + i * SECTOR, SECTOR, 100 * i);
		EXPECT_EQ(request(&q, BLK_OUT, 0, data_memory(0), DEPTH * SECTOR), BLK_OK);
		for (unsigned round = 0; round < 10; round++) {
			paint(data_memory(0), DEPTH * SECTOR, ~UINT64_C(0));
			offered = offer(&q, BLK_IN, DEPTH);
			EXPECT(offered >= 4);
			virtio_notify(vd, 0);
			for (taken = 0; taken < offered;) {
				if (virtq_take(&q, &written) >= 0) {
					EXPECT_EQ(written, SECTOR + 1);
					taken++;
				}
				EXPECT(counter() < limit);
			}
			for (unsigned i = 0; i < offered; i++) {
				EXPECT_EQ(read8(slot_memory(i) + STATUS_AT), BLK_OK);
				EXPECT(painted(data_memory(0) + i * SECTOR, SECTOR, 100 * i));
			}
		}
	}
}

/* After a reset, or a queue's, nothing may be written any more: buffers and rings are the driver's. */
static bool untouched_after(struct virtio *vd, bool queue_only, const struct virtq *q)
{
	uint64_t until;

	if (queue_only) {
		uint64_t limit = patience();

		virtio_write(vd, REG_QUEUE_SEL, 0);
		virtio_write(vd, REG_QUEUE_RESET, 1);
		while (virtio_read(vd, REG_QUEUE_RESET) != 0) {
			if (counter() > limit)
				return false;
		}
	} else if (!virtio_reset(vd)) {
		return false;
	}
	paint(data_memory(0), DEPTH * SECTOR, 3);
	paint(q->device, 4096, 4);
	paint(q->desc, 4096, 5);
	until = counter() + counter_hz() / 1000;
	while (counter() < until)
		;
	return painted(data_memory(0), DEPTH * SECTOR, 3) && painted(q->device, 4096, 4) &&
	       painted(q->desc, 4096, 5);
}

static unsigned resets_wanted(void)
{
	char text[64];
	unsigned n = 0;

	if (!bootarg("resets", text))
		return RESETS;
	for (const char *p = text; *p >= '0' && *p <= '9'; p++)
		n = 10 * n + (unsigned)(*p - '0');
	return n;
}

static void resets_in_flight(void)
{
	unsigned rounds = resets_wanted();

	FOR_EACH_DISK (vd) {
		uint64_t features = vd->features;

		for (unsigned i = 0; i < rounds; i++) {
			struct virtq q;

			EXPECT(virtio_negotiate(vd, features));
			EXPECT(open_disk(vd, &q));
			if (i % 8 == 0) /* it works after the one before */
				EXPECT_EQ(request(&q, BLK_IN, 0, data_memory(0), SECTOR), BLK_OK);
			EXPECT(offer(&q, BLK_IN, DEPTH) >= 4);
			virtio_notify(vd, 0);
			EXPECT(untouched_after(vd, false, &q));
		}
		print("MG virtio-blk resets in flight: %u over %s, %s\n", rounds,
		      vd->pci ? "pci" : "mmio",
		      (features & F_RING_PACKED) != 0 ? "packed" : "split");
	}
}

static void queue_resets_in_flight(void)
{
	unsigned rounds = resets_wanted();

	SKIP_IF(virtio_nth(VIRTIO_BLK, 0) == NULL, "no virtual disk");
	FOR_EACH_FORMAT (vd, VIRTIO_BLK, F_BLK_ALL | F_RING_RESET) {
		struct virtq q;

		SKIP_IF((vd->features & F_RING_RESET) == 0, "not offered");
		EXPECT(open_disk(vd, &q));
		for (unsigned i = 0; i < rounds; i++) {
			EXPECT(offer(&q, BLK_IN, DEPTH) >= 4);
			virtio_notify(vd, 0);
			EXPECT(untouched_after(vd, true, &q));
			EXPECT(virtq_open(&q, vd, 0, 0, queue_memory(0)));
			EXPECT_EQ(request(&q, BLK_IN, 0, data_memory(0), SECTOR), BLK_OK);
		}
		EXPECT(virtio_reset(vd));
	}
}

/* A request of one sector each for sectors 0 to count - 1, all in flight; true if all end well. */
static bool in_flight_together(struct virtq *q, uint32_t type, unsigned count)
{
	uint64_t limit = patience();
	unsigned ended = 0;
	uint32_t written;

	if (offer(q, type, count) != count)
		return false;
	virtio_notify(q->vd, 0);
	while (ended < count) {
		ended += virtq_take(q, &written) >= 0;
		if (virtio_broken(q->vd) || counter() > limit)
			return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (read8(slot_memory(i) + STATUS_AT) != BLK_OK)
			return false;
	}
	return true;
}

/*
 * Only with `dies` on the command line: the programs of devices that have one die now and then. Their driver
 * does not notice: each request is answered once, and what was written is there.
 */
static void goes_on(void)
{
	enum { ROUNDS = 600, TOGETHER = 5 };

	SKIP_IF(!bootarg("dies", NULL), "no program dies");
	FOR_EACH_DISK (vd) {
		uint64_t data = data_memory(0);
		struct virtq q;

		if (!scratch(vd))
			continue;
		EXPECT(open_disk(vd, &q));
		for (unsigned round = 0; round < ROUNDS; round++) {
			paint(data, TOGETHER * SECTOR, round);
			EXPECT(in_flight_together(&q, BLK_OUT, TOGETHER));
			EXPECT_EQ(request(&q, BLK_FLUSH, 0, 0, 0), BLK_OK);
			paint(data, TOGETHER * SECTOR, ~(uint64_t)round);
			EXPECT(in_flight_together(&q, BLK_IN, TOGETHER));
			EXPECT(painted(data, TOGETHER * SECTOR, round));
		}
		EXPECT(virtio_reset(vd));
	}
}

/*
 * Only with `wild` on the command line: the server of the disks writes noise into all it shares with the VMM.
 * Requests end anyhow or not at all; no byte is touched but those that they gave.
 */
static void wild_server(void)
{
	enum { ROUNDS = 100, WAIT_MS = 20 };
	uint64_t data = data_memory(0);

	SKIP_IF(!bootarg("wild", NULL), "the server is one of ours");
	FOR_EACH_DISK (vd) {
		uint64_t features = vd->features;

		for (unsigned i = 0; i < ROUNDS; i++) {
			uint64_t limit = counter() + counter_hz() / 1000 * WAIT_MS;
			struct piece pieces[4];
			uint32_t written;
			struct virtq q;

			EXPECT(virtio_negotiate(vd, features));
			EXPECT(open_disk(vd, &q));
			paint(data, 3 * SECTOR, i);
			EXPECT(virtq_offer(&q, pieces,
					   build(pieces, 0, i % 2 == 0 ? BLK_IN : BLK_OUT, i % 4,
						 data + SECTOR, SECTOR)) >= 0);
			virtio_notify(vd, 0);
			while (virtq_take(&q, &written) < 0 && counter() < limit)
				;
			EXPECT(painted(data, SECTOR, i));
			EXPECT(painted(data + 2 * SECTOR, SECTOR, i + 2 * SECTOR));
		}
		EXPECT(virtio_reset(vd));
	}
}

const struct test blk_tests[] = {
	{ "virtio-blk-identity", identity },
	{ "virtio-blk-reads", reads },
	{ "virtio-blk-writes", writes },
	{ "virtio-blk-refusals", refusals },
	{ "virtio-blk-zeroes", zeroes },
	{ "virtio-blk-discards", discards },
	{ "virtio-blk-depth", depth },
	{ "virtio-blk-goes-on", goes_on },
	{ "virtio-blk-wild-server", wild_server },
	{ "virtio-blk-resets-in-flight", resets_in_flight },
	{ "virtio-blk-queue-resets-in-flight", queue_resets_in_flight },
	{ NULL, NULL },
};
