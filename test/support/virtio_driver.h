/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver for tests: what a guest's driver does, over virtio-mmio, written to be read beside
 * VIRTIO 1.2 and not to be fast. It shares no code with the device's side.
 *
 * It has guest RAM of its own, a bump allocator in it, and one line of interrupt, which it records. One
 * struct is one guest with one device. A test breaks rules by writing to the rings itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/dev/transport/mmio.h"

enum {
	DRIVER_RAM = 2 << 20,
	DRIVER_QUEUES = 24,
	DRIVER_BUFFERS = VIRTQ_SIZE_MAX + 4, /* of one chain */
};

#define DRIVER_GPA UINT64_C(0x40000000)

struct driver_buffer {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

struct driver_queue {
	unsigned size;
	uint64_t area[3];
	uint16_t next_avail, last_used; /* split: indices that run freely; packed: places */
	bool avail_wrap, used_wrap;     /* packed */
	uint16_t count[VIRTQ_SIZE_MAX]; /* descriptors of the chain `id`; 0: the id is free */
	uint16_t free_list[VIRTQ_SIZE_MAX];
	/* split: within chains; the ring's own copy may be overwritten */
	uint16_t next[VIRTQ_SIZE_MAX];
	unsigned free_count;   /* descriptors that are free */
	uint16_t kicked;       /* split: next_avail at the last kick decision */
	unsigned kicked_count; /* packed: descriptors added since */
};

struct driver {
	uint8_t *ram;
	size_t ram_size;
	struct gmem gmem;
	struct virtio_mmio mmio;
	/** Another transport's registers, by their offsets in virtio-mmio; NULL: it is virtio-mmio. */
	uint64_t (*reg)(struct driver *d, bool write, uint64_t offset, unsigned width,
			uint64_t value);
	void *bus; /* the other transport's own */
	struct virtio_dev *vd;
	mmio_handler handler; /* what answers at the device's registers, with `lock` held */
	void *device;
	struct lock *lock;
	uint64_t features;
	uint64_t brk; /* next free byte of RAM */
	bool level;
	unsigned interrupts; /* rising edges */
	unsigned said;       /* log lines */
	const char *why;     /* the last of them */
	unsigned again;      /* how often the device wants to go on later */
	struct driver_queue queue[DRIVER_QUEUES];
};

/** Makes guest RAM; the device is set up with &d->gmem and driver_owner(d) then. */
void driver_init(struct driver *d);
void driver_init_sized(struct driver *d, size_t ram_size);
void driver_fini(struct driver *d);
struct virtio_owner driver_owner(struct driver *d);

/** Connects the device, which was initialised, to a virtio-mmio transport. `page` may be NULL. */
void driver_connect(struct driver *d, struct virtio_dev *vd, uint8_t *page);

/** Makes a device that is `ops` and its queues alone, of up to `size` entries, and connects it. */
void driver_device(struct driver *d, struct virtio_dev *vd, const struct virtio_ops *ops,
		   struct virtq *queues, unsigned count, uint16_t size);

uint32_t driver_read(struct driver *d, uint32_t offset);
void driver_write(struct driver *d, uint32_t offset, uint32_t value);
uint64_t driver_access(struct driver *d, bool write, uint64_t offset, unsigned width,
		       uint64_t value);

/** 3.1.1 up to FEATURES_OK; false if the device did not accept the features. */
bool driver_negotiate(struct driver *d, uint64_t features);

/** Sets up one queue with memory of its own and enables it. */
void driver_setup(struct driver *d, unsigned queue, unsigned size);

/** Allocates the three areas and starts over, without touching the device. */
void driver_layout(struct driver *d, unsigned queue, unsigned size);

/** All of the above for `queues` queues, and DRIVER_OK. */
bool driver_start(struct driver *d, uint64_t features, unsigned queues, unsigned size);

/** Guest RAM, zeroed; `align` is a power of two. */
uint64_t driver_alloc(struct driver *d, size_t len, size_t align);
void *driver_host(struct driver *d, uint64_t gpa);

/**
 * Makes a chain available and returns its id, or -1 if there are too few free descriptors. With `table`
 * the buffers go into an indirect table.
 */
int driver_add(struct driver *d, unsigned queue, const struct driver_buffer *buffers,
	       unsigned count, bool table);

/** Notifies the device if it wants that; returns if it did. */
bool driver_kick(struct driver *d, unsigned queue);

/** Takes the next used chain, if there is one. */
bool driver_used(struct driver *d, unsigned queue, int *id, uint32_t *written);

/** Asks for an interrupt after the next used chain (false: for none). */
void driver_interrupts(struct driver *d, unsigned queue, bool wanted);

/** Reads and acknowledges InterruptStatus. */
uint32_t driver_acknowledge(struct driver *d);
