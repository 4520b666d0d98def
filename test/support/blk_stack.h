/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of a block request on one host, in one thread: the VMM's backend, the multiplexer, the
 * native driver, and as the machine's disk our own model of a virtio block device over memory. Queues
 * and data regions lie in one piece of "physical" memory; nothing but addresses in it passes between them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/block/memory.h"
#include "vmm/backend/block/mux.h"
#include "vmm/backend/block/sddf.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/virtio/blk.h"
#include "vmm/driver/virtio/blk.h"

enum {
	STACK_CLIENTS = 3,
	STACK_SECTORS = 4096, /* of the machine's disk */
	STACK_DATA = 64 << 10,
};

#define STACK_PADDR UINT64_C(0x80000000)

/* What a channel shares. */
struct stack_channel {
	_Alignas(4096) uint8_t requests[8192];
	uint8_t responses[4096];
	uint8_t medium[4096];
};

/* Physical memory. */
struct stack_memory {
	_Alignas(4096) uint8_t dma[64 << 10];
	uint8_t own[64 << 10];
	uint8_t data[STACK_CLIENTS][STACK_DATA];
};

struct blk_stack {
	/* the machine's disk */
	uint8_t *disk; /* STACK_SECTORS sectors */
	struct block_memory medium;
	struct virtio_blk model;
	struct virtio_mmio mmio;
	struct gmem gmem;
	struct stack_memory *memory;
	/* native programs */
	struct stack_channel driver_channel, channel[STACK_CLIENTS];
	struct blkdrv driver;
	const struct vdrv_ops *ops; /* how the driver reaches the device; NULL: directly */
	bool driver_open;
	bool confined, confined_read_only; /* the driver's client is a VM with data[0] */
	struct blkmux mux;
	struct blkmux_client_setup setup[STACK_CLIENTS];
	/* VMMs */
	struct block_sddf client[STACK_CLIENTS];
	unsigned client_count;
	uint64_t now;
	uint64_t wants; /* deadline of the multiplexer */
	unsigned signals;
	uint32_t over; /* the multiplexer was given up */
};

/** Everything but the clients; the driver is not started yet. */
struct blk_stack *stack_create(bool read_only);
void stack_destroy(struct blk_stack *s);

/** The driver's first instruction: also after it died. */
enum vmm_err stack_start_driver(struct blk_stack *s);

/** Adds a client to the multiplexer and makes its backend; `setup` is without link and data. */
struct block_sddf *stack_add(struct blk_stack *s, const struct blkmux_client_setup *setup);

/** The first instruction of a multiplexer, or of a client's program, whose predecessor died. */
void stack_restart_mux(struct blk_stack *s);
void stack_restart_client(struct blk_stack *s, unsigned index);

/** One round of the driver, or of the multiplexer. */
void stack_run_driver(struct blk_stack *s);
void stack_run_mux(struct blk_stack *s);

/** Rounds of all, until nothing moves any more. */
void stack_settle(struct blk_stack *s);
