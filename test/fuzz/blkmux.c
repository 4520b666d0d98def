/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile client of the block multiplexer, with its queues and pages as the input says, beside one that
 * keeps the rules: whatever the first one does, the second reads what it wrote, and no byte outside the
 * first one's range changes. And a disk whose partition table is the input.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "test/support/blk_stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOSTILE_SECTORS = 64, GOOD_FIRST = 64, GOOD_SECTORS = 64, FILLER = 0xa5, STEPS = 200 };

static bool answered;

static void expect(bool ok)
{
	if (!ok)
		abort();
}

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	(void)ctx;
	(void)request;
	expect(status == BLOCK_OK);
	answered = true;
}

/* Request queue, then response queue, then the page: bytes at places, or a whole request. */
static void attack(struct blk_stack *s, struct input *in)
{
	struct stack_channel *c = &s->channel[0];
	struct blkq_request request;
	uint32_t tail;

	switch (input_u8(in) % 6) {
	case 0:
		c->requests[input_bytes(in, 2) % sizeof(c->requests)] = input_u8(in);
		break;
	case 1:
		c->responses[input_bytes(in, 1)] = input_u8(in);
		break;
	case 2:
		c->medium[input_bytes(in, 1) % 112] = input_u8(in);
		break;
	case 3:
		if (input_u8(in) % 8 == 0 && stack_start_driver(s) != VMM_OK)
			abort();
		break;
	default:
		request = (struct blkq_request){
			.code = (uint32_t)input_u8(in) | (uint32_t)input_u8(in) << 24,
			.block = input_bytes(in, 2) == 0xffff ? UINT64_MAX : input_bytes(in, 1),
			.offset = input_bytes(in, 3),
			.count = (uint16_t)input_bytes(in, 2),
			.id = (uint32_t)input_bytes(in, 4),
		};
		memcpy(&tail, c->requests + 4, sizeof(tail));
		memcpy(c->requests + 16 + tail % BLKQ_CAPACITY * 32, &request, sizeof(request));
		tail++;
		memcpy(c->requests + 4, &tail, sizeof(tail));
		break;
	}
}

/* The neighbour does one thing, and waits for it. */
static void neighbour(struct blk_stack *s, struct input *in, enum block_op op, uint8_t *buffer)
{
	struct block_backend *b = &s->client[1].backend;
	struct block_segment piece = { buffer, 1024 };
	struct block_request request = {
		.op = op, .sector = 7, .sectors = 2, .segments = &piece, .segment_count = 1
	};

	answered = false;
	expect(b->ops->submit(b, &request) == BLOCK_ACCEPTED);
	(void)b->ops->kick(b, false);
	for (unsigned i = 0; i < STEPS && !answered; i++) {
		if (in->left > 0)
			attack(s, in);
		stack_run_mux(s);
		stack_run_driver(s);
		stack_run_mux(s);
		b->ops->poll(b);
	}
	expect(answered);
}

static void check_rest(const struct blk_stack *s)
{
	for (size_t i = GOOD_FIRST + GOOD_SECTORS; i < STACK_SECTORS; i++) {
		for (size_t k = 0; k < BLOCK_SECTOR; k += 64)
			expect(s->disk[i * BLOCK_SECTOR + k] == FILLER);
	}
}

static void hostile_client(struct input *in)
{
	struct blk_stack *s = stack_create(false);
	uint8_t wrote[1024], got[1024];
	struct block_info info;

	memset(s->disk, FILLER, STACK_SECTORS * BLOCK_SECTOR);
	(void)stack_add(s, &(struct blkmux_client_setup){ .count = HOSTILE_SECTORS });
	stack_add(s, &(struct blkmux_client_setup){ .first = GOOD_FIRST, .count = GOOD_SECTORS })
		->backend.done = done;
	expect(stack_start_driver(s) == VMM_OK);
	for (unsigned i = 0; i < 4; i++) {
		stack_run_mux(s);
		stack_run_driver(s);
	}
	s->client[1].backend.ops->info(&s->client[1].backend, &info);
	expect(info.sectors == GOOD_SECTORS);
	while (in->left > 0) {
		memset(wrote, (int)in->left, sizeof(wrote));
		neighbour(s, in, BLOCK_WRITE, wrote);
		neighbour(s, in, BLOCK_READ, got);
		expect(memcmp(wrote, got, sizeof(got)) == 0);
	}
	expect(s->mux.strange == 0);
	check_rest(s);
	stack_destroy(s);
}

/* Bytes over an otherwise good table, so that sums are seldom right: they are put right half of the time. */
static void hostile_table(struct input *in)
{
	uint8_t header[GPT_SECTOR] = "EFI PART", entries[GPT_ENTRIES_BYTES] = { 1 };
	struct gpt gpt;
	uint64_t first, sectors;

	for (unsigned i = 8; i < 96; i++)
		header[i] = input_u8(in);
	for (unsigned i = 0; i < 256 && in->left > 0; i++)
		entries[i] = input_u8(in);
	if (!gpt_header(&gpt, header, 1, STACK_SECTORS))
		return;
	expect(gpt_entries_sectors(&gpt) * GPT_SECTOR <= sizeof(entries));
	(void)gpt_entries_ok(&gpt, entries);
	for (uint32_t i = 0; i <= GPT_ENTRIES + 1; i++) {
		if (gpt_partition(&gpt, entries, i, &first, &sectors))
			expect(sectors > 0 && first < STACK_SECTORS &&
			       sectors <= STACK_SECTORS - first);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };

	if (input_u8(&in) % 4 == 0)
		hostile_table(&in);
	else
		hostile_client(&in);
	return 0;
}
