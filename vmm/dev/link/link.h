/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a virtio device is reached that does not run in the VMM but in a program of its own: two shared
 * pages and a signal each way. The device and its transport, there always virtio-mmio, are the same code
 * in both places.
 *
 *   registers   written by the device's program: what the guest would read at each offset. No register
 *               has an effect when it is read (dev/transport/mmio.h), so a read needs nobody.
 *   writes      a ring of the guest's stores, from the VMM. Those that the guest relies on at once (all
 *               but notifications) are waited for, for a bounded time.
 *
 * A guest that sees the device on virtio-mmio sees the page and posts its stores (link_remote). For one that
 * sees it elsewhere the VMM is the driver (front.h).
 *
 * Neither side trusts the other. The VMM shows its guest whatever is in the page, as it would show it any
 * device's answer; a program that does not answer in time is given up: the device needs a reset and never
 * gets one. The program handles a write as it comes from a guest.
 *
 * A program that died and was started again takes the ring up where its predecessor left it, so that a store
 * may be carried out twice, and none is lost. The device it takes up from a third page, which only such
 * programs see (dev/virtio/kept.h). The driver notices nothing, if it is of a kind that can go on; or that the
 * device needs a reset, after which it is as good as new.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/lock.h"
#include "vmm/core/mmio.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/virtio/kept.h"

enum {
	LINK_WRITES = 64,                  /* a power of two */
	LINK_REGISTERS = VIRTIO_MMIO_PAGE, /* bytes of each part */
	LINK_RING = 0x1000,
	LINK_KEPT = 0x1000,
};

/* Shared: the wire format. Indices run freely. */
struct link_write {
	uint64_t value;
	uint32_t offset;
	uint32_t width;
};

struct link_ring {
	uint32_t tail; /* the VMM's */
	uint32_t head; /* the device's program's */
	uint32_t each; /* the VMM's: not 0: to be signalled for each interrupt, pending or not */
	uint32_t reserved;
	struct link_write write[LINK_WRITES];
};

_Static_assert(sizeof(struct link_write) == 16 && sizeof(struct link_ring) <= LINK_RING, "layout");
_Static_assert(sizeof(struct virtio_kept) <= LINK_KEPT, "fits");

/* What the VMM gives its end. */
struct link_setup {
	const uint8_t *registers; /* borrowed; LINK_REGISTERS bytes */
	struct link_ring *ring;   /* borrowed; LINK_RING bytes */
	/** Wakes the device's program. */
	void (*wake)(void *ctx);
	/** Passes some time for the `attempt`-th time of a wait; false: it has been long enough. */
	bool (*wait)(void *ctx, unsigned attempt);
	/** Drives the device's line. */
	void (*irq)(void *ctx, unsigned caller, bool level);
	/** The device's program is given up, once; `why` is a constant. */
	void (*lost)(void *ctx, const char *why);
	const uint32_t *over; /* not 0: it will not run again; NULL: that is never known */
	void *ctx;
};

/* The VMM's end. */
struct link_remote {
	struct lock lock; /* of the bus region */
	struct link_setup setup;
	uint32_t tail;
	bool level;
	bool dead;
};

void link_remote_init(struct link_remote *remote, const struct link_setup *setup);

/**
 * A register of the device, as the page says; and a store to one, after which `dead` tells if anybody took
 * it. With the lock held. Offset and width are such as virtio-mmio has.
 */
uint64_t link_load(const struct link_remote *remote, uint64_t offset, unsigned width);
void link_store(struct link_remote *remote, uint64_t offset, unsigned width, uint64_t value);

/** Looks whether the program was given up. With the lock held. */
void link_check(struct link_remote *remote);

/** mmio_handler; the device is a struct link_remote, with its lock. */
void link_remote_access(void *device, struct mmio_access *access);

/** The device's program has signalled. Takes the lock. */
void link_remote_event(struct link_remote *remote, unsigned caller);

/** The machine was reset: so is the device. Takes the lock. */
void link_remote_power_on(struct link_remote *remote);

/* The device's program's end: it has the device and its transport. */
struct link_server {
	struct virtio_mmio mmio;
	struct link_ring *ring;   /* borrowed */
	struct virtio_kept *kept; /* borrowed */
	struct virtq_order order[VIRTIO_KEPT_QUEUES];
	uint32_t head;
	bool raised;   /* the line has changed */
	uint32_t told; /* interrupts that the VMM knows of */
};

/**
 * Puts a device, which is initialised, at the end of a link. If a former program of this link died when its
 * device was not reset, the device goes on, or needs a reset and tells its driver so. `kept`: as it left it.
 */
void link_server_init(struct link_server *server, struct virtio_dev *vd, uint8_t *registers,
		      struct link_ring *ring, struct virtio_kept *kept);

/** Carries out the writes there are; afterwards true once if the VMM must be signalled. */
bool link_server_run(struct link_server *server);
