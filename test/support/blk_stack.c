// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/blk_stack.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/vdrv_model.h"

enum { HZ = 1000000, SETTLED = 4 };

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	(void)up;
}

static uint64_t paddr(const struct blk_stack *s, const void *at)
{
	return STACK_PADDR + (uint64_t)((const uint8_t *)at - (const uint8_t *)s->memory);
}

static struct blkmux_link link_of(struct stack_channel *c)
{
	return (struct blkmux_link){
		.requests = c->requests,
		.responses = c->responses,
		.medium = c->medium,
		.requests_size = sizeof(c->requests),
		.responses_size = sizeof(c->responses),
		.medium_size = sizeof(c->medium),
	};
}

static void start_mux(struct blk_stack *s)
{
	const struct blkmux_setup setup = {
		.driver = link_of(&s->driver_channel),
		.own_data = s->memory->own,
		.own_paddr = paddr(s, s->memory->own),
		.hz = HZ,
	};

	if (blkmux_init(&s->mux, &setup) != VMM_OK)
		abort();
}

struct blk_stack *stack_create(bool read_only)
{
	struct blk_stack *s = aligned_alloc(4096, (sizeof(*s) + 4095) / 4096 * 4096);

	if (s == NULL)
		abort();
	memset(s, 0, sizeof(*s));
	s->disk = calloc(STACK_SECTORS, BLOCK_SECTOR);
	s->memory = aligned_alloc(4096, sizeof(*s->memory));
	if (s->disk == NULL || s->memory == NULL)
		abort();
	memset(s->memory, 0, sizeof(*s->memory));
	if (gmem_add(&s->gmem, STACK_PADDR, (uint64_t)(uintptr_t)s->memory, sizeof(*s->memory)) !=
	    VMM_OK)
		abort();
	block_memory_init(&s->medium, s->disk, STACK_SECTORS * BLOCK_SECTOR, read_only);
	virtio_blk_init(&s->model, &(struct virtio_setup){ .name = "host", .gmem = &s->gmem },
			&s->medium.backend, 1, read_only);
	virtio_mmio_init(&s->mmio, &s->model.vd, irq, NULL, NULL);
	vdrv_model_set(&s->mmio, 0);
	start_mux(s);
	return s;
}

void stack_destroy(struct blk_stack *s)
{
	free(s->disk);
	free(s->memory);
	free(s);
	vdrv_model_set(NULL, 0);
}

enum vmm_err stack_start_driver(struct blk_stack *s)
{
	enum vmm_err err = blkdrv_open(
		&s->driver, &(struct blkdrv_setup){
				    .ops = s->ops != NULL ? s->ops : &vdrv_model_ops,
				    .page = vdrv_model_page,
				    .page_size = sizeof(vdrv_model_page),
				    .dma = s->memory->dma,
				    .dma_paddr = paddr(s, s->memory->dma),
				    .dma_size = sizeof(s->memory->dma),
				    .requests = s->driver_channel.requests,
				    .requests_size = sizeof(s->driver_channel.requests),
				    .responses = s->driver_channel.responses,
				    .responses_size = sizeof(s->driver_channel.responses),
				    .medium = s->driver_channel.medium,
				    .confined = s->confined,
				    .read_only = s->confined_read_only,
				    .data_paddr = paddr(s, s->memory->data[0]),
				    .data_size = s->confined ? sizeof(s->memory->data[0]) : 0,
			    });

	s->driver_open = err == VMM_OK;
	return err;
}

static void raised(void *ctx)
{
	((struct blk_stack *)ctx)->signals++;
}

static void start_client(struct blk_stack *s, unsigned index)
{
	struct stack_channel *channel = &s->channel[index];
	const struct block_sddf_setup backend = {
		.requests = channel->requests,
		.responses = channel->responses,
		.medium = channel->medium,
		.requests_size = sizeof(channel->requests),
		.responses_size = sizeof(channel->responses),
		.medium_size = sizeof(channel->medium),
		.data = s->memory->data[index],
		.data_size = STACK_DATA,
		.signal = { raised, s },
		.server = { .over = &s->over },
	};

	if (block_sddf_init(&s->client[index], &backend) != VMM_OK)
		abort();
}

struct block_sddf *stack_add(struct blk_stack *s, const struct blkmux_client_setup *setup)
{
	unsigned index = s->client_count++;

	s->setup[index] = *setup;
	s->setup[index].link = link_of(&s->channel[index]);
	s->setup[index].data_paddr = paddr(s, s->memory->data[index]);
	s->setup[index].data_size = STACK_DATA;
	if (blkmux_add(&s->mux, &s->setup[index]) != VMM_OK)
		abort();
	start_client(s, index);
	return &s->client[index];
}

void stack_restart_mux(struct blk_stack *s)
{
	start_mux(s);
	for (unsigned i = 0; i < s->client_count; i++) {
		if (blkmux_add(&s->mux, &s->setup[i]) != VMM_OK)
			abort();
	}
}

void stack_restart_client(struct blk_stack *s, unsigned index)
{
	struct block_backend old = s->client[index].backend;
	struct block_info info;

	start_client(s, index);
	s->client[index].backend.ops->info(&s->client[index].backend, &info); /* as a device does */
	s->client[index].backend.done = old.done;
	s->client[index].backend.ctx = old.ctx;
}

void stack_run_driver(struct blk_stack *s)
{
	/* A late medium answers now. */
	virtio_event(&s->model.vd, 0);
	if (s->driver_open)
		(void)blkdrv_run(&s->driver);
}

void stack_run_mux(struct blk_stack *s)
{
	s->wants = blkmux_run(&s->mux, s->now).deadline;
}

/* Four rounds in which nothing is left: a request passes each of the three twice at most. */
void stack_settle(struct blk_stack *s)
{
	for (unsigned quiet = 0; quiet < SETTLED;) {
		uint64_t before = s->mux.order + s->mux.responses.index + s->mux.requests.index +
				  s->driver.requests.index + s->driver.responses.index;

		stack_run_mux(s);
		stack_run_driver(s);
		stack_run_mux(s);
		for (unsigned i = 0; i < s->client_count; i++)
			s->client[i].backend.ops->poll(&s->client[i].backend);
		quiet = before == s->mux.order + s->mux.responses.index + s->mux.requests.index +
						s->driver.requests.index + s->driver.responses.index
				? quiet + 1
				: 0;
		if (s->wants != 0 && s->wants > s->now)
			s->now = s->wants, quiet = 0;
	}
}
