/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile block server against a VMM's backend: responses with any id, count and status, indices out of
 * order, a medium that comes and changes. Requests are answered at most once, guest memory is written for
 * requests that the VMM still has and nowhere else (each is a block of its own, for ASan), and everything
 * that was forgotten stays so.
 */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/input.h"
#include "vmm/backend/block/sddf.h"
#include "vmm/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 8, DATA = 128 << 10 };

struct guest {
	struct block_request request;
	struct block_segment piece;
	bool given;
};

struct world {
	struct block_sddf sddf;
	_Alignas(8) uint8_t requests[8192], responses[4096], medium[4096];
	uint8_t data[DATA];
	struct guest guest[REQUESTS];
	unsigned raised;
};

static void done(void *ctx, struct block_request *request, enum block_status status)
{
	struct guest *g = container_of(request, struct guest, request);

	(void)ctx;
	(void)status;
	if (!g->given)
		abort();
	g->given = false;
	free(g->piece.host);
}

static void raise(void *ctx)
{
	((struct world *)ctx)->raised++;
}

static void ask(struct world *w, struct input *in)
{
	struct guest *g = &w->guest[input_u8(in) % REQUESTS];
	enum block_op op = input_u8(in) % (BLOCK_WRITE_ZEROES + 1);
	uint32_t sectors = 1 + (uint32_t)input_bytes(in, 2) % 300;

	if (g->given)
		return;
	g->piece = (struct block_segment){ malloc(sectors * 512ul), sectors * 512 };
	if (g->piece.host == NULL)
		abort();
	memset(g->piece.host, 0, sectors * 512ul);
	g->request = (struct block_request){
		.op = op,
		.sector = input_bytes(in, 2),
		.sectors = op == BLOCK_FLUSH ? 0 : sectors,
		.segments = &g->piece,
		.segment_count = 1,
	};
	g->given = true;
	if (w->sddf.backend.ops->submit(&w->sddf.backend, &g->request) == BLOCK_FULL) {
		g->given = false;
		free(g->piece.host);
	}
	(void)w->sddf.backend.ops->kick(&w->sddf.backend, false);
}

static void forget(struct world *w, struct input *in)
{
	struct guest *g = &w->guest[input_u8(in) % REQUESTS];

	if (!g->given)
		return;
	w->sddf.backend.ops->cancel(&w->sddf.backend, &g->request);
	g->given = false;
	free(g->piece.host);
}

/* A response to something that was asked, or a little beside it. */
static void respond(struct world *w, struct input *in)
{
	uint32_t tail;
	struct blkq_request request;
	struct blkq_response response;

	memcpy(&request, w->requests + 16 + input_u8(in) % BLKQ_CAPACITY * 32u, sizeof(request));
	response = (struct blkq_response){ .id = request.id, .count = request.count };
	if (input_u8(in) % 4 == 0) {
		response.id += input_u8(in);
		response.count = (uint16_t)(response.count + input_u8(in));
		response.status = input_u8(in);
	}
	memcpy(&tail, w->responses + 4, sizeof(tail));
	memcpy(w->responses + 8 + tail % BLKQ_CAPACITY * 12, &response, sizeof(response));
	tail++;
	memcpy(w->responses + 4, &tail, sizeof(tail));
}

static void show_medium(struct world *w, struct input *in)
{
	struct blkq_medium medium = { .sectors = input_bytes(in, 2),
				      .block_size = 512,
				      .features = input_u8(in) };

	blkq_medium_show(w->medium, &medium);
	if (input_u8(in) % 2 == 0)
		w->medium[input_bytes(in, 1) % 112] = input_u8(in);
}

static void step(struct world *w, struct input *in)
{
	switch (input_u8(in) % 8) {
	case 0:
		show_medium(w, in);
		break;
	case 1:
		w->responses[input_u8(in)] = input_u8(in);
		break;
	case 2:
		w->requests[input_u8(in)] = input_u8(in);
		break;
	case 3:
		forget(w, in);
		break;
	case 4:
	case 5:
		ask(w, in);
		break;
	default:
		respond(w, in);
		break;
	}
	w->sddf.backend.ops->poll(&w->sddf.backend);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };
	struct world *w = calloc(1, sizeof(*w));
	const struct block_sddf_setup setup = {
		.requests = w->requests,
		.responses = w->responses,
		.medium = w->medium,
		.requests_size = sizeof(w->requests),
		.responses_size = sizeof(w->responses),
		.medium_size = sizeof(w->medium),
		.data = w->data,
		.data_size = input_u8(&in) % 2 == 0 ? DATA : 2 * BLOCK_SDDF_UNIT,
		.signal = { raise, w },
	};

	if (block_sddf_init(&w->sddf, &setup) != VMM_OK)
		abort();
	w->sddf.backend.done = done;
	show_medium(w, &in);
	while (in.left > 0)
		step(w, &in);
	w->sddf.backend.ops->cancel(&w->sddf.backend, NULL);
	for (unsigned i = 0; i < REQUESTS; i++) {
		if (w->guest[i].given)
			free(w->guest[i].piece.host);
	}
	free(w);
	return 0;
}
