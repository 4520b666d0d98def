/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kinds of native programs, of channels and of devices are, as data. A new kind is a row here;
 * the parser, the checks and admin go by the rows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vmm/channel.h>
#include <vmm/config.h>

enum native_kind_id {
	NATIVE_FIXED = 0, /* serial, console, timer: every system has them */
	NATIVE_BLK_DRIVER,
	NATIVE_BLOCK,
	NATIVE_NET_DRIVER,
	NATIVE_SWITCH,
	NATIVE_RNG_DRIVER,
	NATIVE_SOCKETS,
	NATIVE_ECHO,
	NATIVE_KINDS,
};

struct native_kind {
	const char *name; /* in descriptions */
	const char *file;
	uint32_t priority;
	uint32_t serves;      /* enum vmm_channel_kind */
	uint32_t clients_max; /* of any sort */
	uint32_t driver;      /* enum native_kind_id it uses; NATIVE_FIXED: none */
	bool driver_needed;
	bool device; /* it has registers, an interrupt and DMA memory, and can be started again */
	bool timer;  /* it is a client of the timer server */
	uint32_t dma_kib;
	uint32_t data_kib; /* data region of its channel to its driver */
};

/** NULL for NATIVE_FIXED and what is none. */
const struct native_kind *native_kind(uint32_t id);

/** Names for the parser's choice, by enum native_kind_id less one; ends with NULL. */
extern const char *const native_kind_names[];

/* Who maps a region, and who is told where it lies in physical memory. */
enum {
	CHANNEL_CLIENT_MAPS = 1,
	CHANNEL_SERVER_MAPS = 2,
	CHANNEL_BOTH_MAP = CHANNEL_CLIENT_MAPS | CHANNEL_SERVER_MAPS,
	CHANNEL_CONTIGUOUS = 4, /* in one piece; both are told its physical address */
};

struct channel_region {
	uint32_t bytes; /* whole pages; 0: the channel's data size */
	uint32_t access;
};

struct channel_kind {
	uint32_t region_count;
	struct channel_region region[VMM_CHANNEL_REGIONS];
};

/** NULL if admin has no regions to make for that kind (serial: the console's own). */
const struct channel_kind *channel_kind(uint32_t kind);

/** Bytes of all regions with data regions of `data_kib`. */
uint64_t channel_bytes(const struct channel_kind *kind, uint32_t data_kib);

struct device_kind {
	const char *name;
	bool virtio;
	bool console;      /* it may have a console's name */
	uint32_t channel;  /* enum vmm_channel_kind of its backend; NONE: it has none */
	uint32_t data_kib; /* default */
	uint32_t heap_kib; /* of the VMM's memory */
};

/** By enum vmm_device_kind; NULL beyond. */
const struct device_kind *device_kind(uint32_t kind);

/** Names for the parser's choice; ends with NULL. */
extern const char *const device_kind_names[];
