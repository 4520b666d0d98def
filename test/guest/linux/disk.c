// SPDX-License-Identifier: BSD-2-Clause
/*
 * A disk under a reader's and writer's eye.
 *
 *   disk check DEVICE SECONDS [SEED [BLOCKS]]
 *                                      writes and reads the first BLOCKS blocks at random, for so long, and
 *                                      knows at any time what may be read. Last line: CHECK ok ... or
 *                                      CHECK WRONG ...
 *   disk read DEVICE BYTES DEPTH N     reads N pieces of so many bytes, DEPTH at a time, one behind the
 *                                      other: MG blk-read-BYTES-DEPTH n=N ticks=T freq=F
 *   disk sync PATH                     fsync of a file or folder
 *
 * check: a block holds its number, a generation and bytes that follow from both. A block may be of any
 * generation from the last one that a finished flush covers to the last one written; a write that
 * failed may have happened or not. Writes are O_DIRECT, so what is read comes from the disk.
 */
#include "test/guest/linux/linux.h"

enum {
	BLOCK = 4096,
	BLOCKS_MAX = 4096,
	FLUSH_EVERY = 16,
	WORDS = BLOCK / 8,
	DEPTH_MAX = 64,
	BYTES_MAX = 1 << 16,
	IOCB_PREAD = 0,
};

struct iocb { /* include/uapi/linux/aio_abi.h */
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
	int16_t priority;
	uint32_t fd;
	uint64_t buffer, bytes, offset, reserved;
	uint32_t flags, event_fd;
};

struct io_event {
	uint64_t data, iocb;
	int64_t result, result2;
};

static uint8_t buffers[DEPTH_MAX][BYTES_MAX] __attribute__((aligned(4096)));
/* Generations of each block: what a flush has covered, the last write that worked, the last write. */
static uint32_t flushed[BLOCKS_MAX], finished[BLOCKS_MAX], written[BLOCKS_MAX];

static uint64_t noise_state;

static uint64_t noise(void)
{
	noise_state ^= noise_state >> 12;
	noise_state ^= noise_state << 25;
	noise_state ^= noise_state >> 27;
	return noise_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t word_of(uint64_t block, uint64_t generation, uint64_t i)
{
	return (block * 0x10001 + generation * UINT64_C(0x9e3779b97f4a7c15) + i) *
	       UINT64_C(0xbf58476d1ce4e5b9);
}

static void fill(uint64_t *words, uint64_t block, uint64_t generation)
{
	words[0] = block;
	words[1] = generation;
	for (uint64_t i = 2; i < WORDS; i++)
		words[i] = word_of(block, generation, i);
}

/* NULL if the block is one that may be there. */
static const char *judge(const uint64_t *words, uint64_t block)
{
	uint64_t generation = words[1];

	if (words[0] != block)
		return "of another block";
	for (uint64_t i = 2; i < WORDS; i++) {
		if (words[i] != word_of(block, generation, i))
			return "with bytes of something else";
	}
	if (generation < flushed[block])
		return "older than an acknowledged flush";
	if (generation > written[block])
		return "newer than anything written";
	return NULL;
}

static int64_t open_device(const char *path, uint64_t mode)
{
	return SYSTEM_CALL6(SYS_OPENAT, (int64_t)AT_CWD, (uintptr_t)path, mode | OPEN_DIRECT, 0, 0,
			    0);
}

struct checker {
	int64_t fd;
	uint64_t blocks, writes, reads, flushes, errors;
};

static bool read_and_judge(struct checker *c, uint64_t block)
{
	const uint64_t *words = (const uint64_t *)(void *)buffers[0];
	const char *what;

	if (SYSTEM_CALL6(SYS_PREAD, c->fd, (uintptr_t)buffers[0], BLOCK, block * BLOCK, 0, 0) !=
	    BLOCK) {
		c->errors++;
		return true;
	}
	c->reads++;
	what = judge(words, block);
	if (what == NULL)
		return true;
	SAY(TEXT("CHECK WRONG block "), NUMBER(block), TEXT(" "), TEXT(what), TEXT(": generation "),
	    NUMBER(words[1]), TEXT(", flushed "), NUMBER(flushed[block]), TEXT(", written "),
	    NUMBER(written[block]), TEXT(", says block "), NUMBER(words[0]));
	return false;
}

static void write_some(struct checker *c)
{
	for (unsigned i = 0; i < FLUSH_EVERY; i++) {
		uint64_t block = noise() % c->blocks;

		fill((uint64_t *)(void *)buffers[1], block, ++written[block]);
		if (SYSTEM_CALL6(SYS_PWRITE, c->fd, (uintptr_t)buffers[1], BLOCK, block * BLOCK, 0,
				 0) == BLOCK)
			finished[block] = written[block];
		else
			c->errors++;
		c->writes++;
	}
}

/* What a flush covers is what had finished before. */
static void flush(struct checker *c)
{
	if (SYSTEM_CALL(SYS_FDATASYNC, c->fd, 0, 0) != 0) {
		c->errors++;
		return;
	}
	c->flushes++;
	for (uint64_t i = 0; i < c->blocks; i++)
		flushed[i] = finished[i];
}

/* Every block is written once, until that has worked: from then on each has a known content. */
static bool prepare(struct checker *c)
{
	for (uint64_t i = 0; i < c->blocks; i++) {
		unsigned tries = 0;

		written[i] = 1;
		fill((uint64_t *)(void *)buffers[1], i, 1);
		while (SYSTEM_CALL6(SYS_PWRITE, c->fd, (uintptr_t)buffers[1], BLOCK, i * BLOCK, 0,
				    0) != BLOCK) {
			c->errors++;
			if (++tries == 100)
				return false;
		}
		finished[i] = flushed[i] = 1;
	}
	return SYSTEM_CALL(SYS_FDATASYNC, c->fd, 0, 0) == 0;
}

static int check(const char *path, uint64_t seconds, uint64_t seed, uint64_t blocks)
{
	struct checker c = { .fd = open_device(path, OPEN_BOTH) };
	int64_t bytes = SYSTEM_CALL(SYS_LSEEK, c.fd, 0, SEEK_TO_END);
	uint64_t end;

	noise_state = seed * 2 + 1;
	c.blocks = bytes > 0 ? (uint64_t)bytes / BLOCK : 0;
	if (c.blocks > blocks)
		c.blocks = blocks;
	if (c.blocks == 0 || !prepare(&c)) {
		SAY(TEXT("CHECK WRONG cannot write "), TEXT(path));
		return 1;
	}
	SAY(TEXT("CHECK begins on "), NUMBER(c.blocks), TEXT(" blocks"));
	end = counter() + seconds * counter_hz();
	while (counter() < end) {
		write_some(&c);
		for (unsigned i = 0; i < FLUSH_EVERY / 2; i++) {
			if (!read_and_judge(&c, noise() % c.blocks))
				return 1;
		}
		if ((noise() & 1) != 0)
			flush(&c);
	}
	for (uint64_t i = 0; i < c.blocks; i++) {
		if (!read_and_judge(&c, i))
			return 1;
	}
	SAY(TEXT("CHECK ok writes="), NUMBER(c.writes), TEXT(" reads="), NUMBER(c.reads),
	    TEXT(" flushes="), NUMBER(c.flushes), TEXT(" errors="), NUMBER(c.errors));
	return 0;
}

static int read_depth(int64_t fd, uint64_t bytes, uint64_t depth, uint64_t n)
{
	static struct iocb requests[DEPTH_MAX];
	static struct io_event events[DEPTH_MAX];
	uint64_t context = 0, started = 0, done = 0;

	if (SYSTEM_CALL(SYS_IO_SETUP, depth, (uintptr_t)&context, 0) != 0)
		return 1;
	while (done < n) {
		int64_t got;

		for (; started < n && started - done < depth; started++) {
			struct iocb *one = &requests[started % depth];
			const uintptr_t list[1] = { (uintptr_t)one };

			*one = (struct iocb){
				.opcode = IOCB_PREAD,
				.fd = (uint32_t)fd,
				.buffer = (uintptr_t)buffers[started % depth],
				.bytes = bytes,
				.offset = started * bytes,
			};
			if (SYSTEM_CALL(SYS_IO_SUBMIT, context, 1, (uintptr_t)list) != 1)
				return 1;
		}
		/* All of a round, so that a slot is free when its turn comes. */
		got = SYSTEM_CALL6(SYS_IO_GETEVENTS, context, started - done, depth,
				   (uintptr_t)events, 0, 0);
		for (int64_t i = 0; i < got; i++) {
			if (events[i].result != (int64_t)bytes)
				return 1;
		}
		if (got <= 0)
			return 1;
		done += (uint64_t)got;
	}
	return 0;
}

static int measure(const char *path, uint64_t bytes, uint64_t depth, uint64_t n)
{
	int64_t fd = open_device(path, OPEN_READ);
	uint64_t from, ticks;

	if (fd < 0 || bytes > BYTES_MAX || depth == 0 || depth > DEPTH_MAX)
		return 1;
	/* Once before the clock runs, so that code and buffers are there. */
	for (uint64_t i = 0; i < DEPTH_MAX; i++)
		memset(buffers[i], 0, BYTES_MAX);
	if (SYSTEM_CALL6(SYS_PREAD, fd, (uintptr_t)buffers[0], bytes, 0, 0, 0) != (int64_t)bytes)
		return 1;
	from = counter();
	if (depth == 1) {
		for (uint64_t i = 0; i < n; i++) {
			if (SYSTEM_CALL6(SYS_PREAD, fd, (uintptr_t)buffers[0], bytes, i * bytes, 0,
					 0) != (int64_t)bytes)
				return 1;
		}
	} else if (read_depth(fd, bytes, depth, n) != 0) {
		return 1;
	}
	ticks = counter() - from;
	SAY(TEXT("MG blk-read-"), NUMBER(bytes), TEXT("-"), NUMBER(depth), TEXT(" n="), NUMBER(n),
	    TEXT(" ticks="), NUMBER(ticks), TEXT(" freq="), NUMBER(counter_hz()));
	return 0;
}

static int sync_path(const char *path)
{
	int64_t fd = SYSTEM_CALL6(SYS_OPENAT, (int64_t)AT_CWD, (uintptr_t)path, OPEN_READ, 0, 0, 0);

	return fd >= 0 && SYSTEM_CALL(SYS_FSYNC, fd, 0, 0) == 0 ? 0 : 1;
}

int linux_main(int argc, char **argv, char **env)
{
	(void)env;
	if (argc >= 4 && same_text(argv[1], "check")) {
		uint64_t blocks = argc > 5 ? to_number(argv[5]) : BLOCKS_MAX;

		return check(argv[2], to_number(argv[3]), argc > 4 ? to_number(argv[4]) : 1,
			     blocks < BLOCKS_MAX ? blocks : BLOCKS_MAX);
	}
	if (argc == 6 && same_text(argv[1], "read"))
		return measure(argv[2], to_number(argv[3]), to_number(argv[4]), to_number(argv[5]));
	if (argc == 3 && same_text(argv[1], "sync"))
		return sync_path(argv[2]);
	SAY(TEXT("disk check DEVICE SECONDS [SEED [BLOCKS]] | disk read DEVICE BYTES DEPTH N | "
		 "disk sync "
		 "PATH"));
	return 2;
}
