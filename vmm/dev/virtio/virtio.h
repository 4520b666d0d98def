/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of every virtio device (VIRTIO 1.2, 2.1 to 2.5 and 3.1): the one copy of status, features,
 * queue registers, configuration space and reset. A transport (vmm/dev/transport) maps offsets to the
 * functions here and raises interrupts; a device (virtio/blk.c, net.c ...) has what is its own.
 * Neither knows the other.
 *
 *   0 --ACKNOWLEDGE, DRIVER--> --FEATURES_OK--> queues are set up --DRIVER_OK--> running
 *                                                      any rule broken --> NEEDS_RESET
 *   any --write of 0--> 0
 *
 * Every value of the driver is checked where it is stored: a register that could not hold it keeps
 * what it had, and the device needs a reset. Features are accepted before FEATURES_OK only, queues are
 * set up after it only, so what was negotiated never changes under a queue.
 *
 * Threads: everything with the lock held. An access of the guest: the bus (or the PCI bridge) takes
 * it, and the transport sets `caller`. An event of a backend: virtio_event() takes it. Order: this
 * lock, then the interrupt controller's. A device never calls back into another device.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/core/gmem.h"
#include "vmm/core/lock.h"
#include "vmm/dev/virtio/queue.h"

/* Device ids (VIRTIO 1.2, 5). */
enum {
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLOCK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_ENTROPY = 4,
	VIRTIO_ID_BALLOON = 5,
	VIRTIO_ID_VSOCK = 19,
};

/* Device status (2.1). */
enum {
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
};

/* Reserved feature bits (6). The core offers these itself; a device offers its own. */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED   (UINT64_C(1) << 34)
#define VIRTIO_F_RING_RESET    (UINT64_C(1) << 40)

enum {
	VIRTIO_VENDOR = 0x4c535356, /* "VSSL"; a transport without ids of its own shows it */
	VIRTIO_CONFIG_BYTES = 256,  /* the largest configuration space a device may have */
	VIRTIO_QUEUES_MAX = 64,
	VIRTIO_BUDGET = VIRTQ_SIZE_MAX, /* chains a call of the guest or a backend is worth */
};

/* What a device is, as data, and the little that it does. Callbacks may be NULL but for notify. */
struct virtio_ops {
	uint32_t device_id;
	/** The driver says that there is something in `queue`, which is enabled, with DRIVER_OK set. */
	void (*notify)(struct virtio_dev *vd, unsigned queue);
	/** The backend has something new: input, room, a completion. Also before DRIVER_OK. */
	void (*event)(struct virtio_dev *vd);
	/** DRIVER_OK was set. */
	void (*start)(struct virtio_dev *vd);
	/**
	 * A predecessor died with DRIVER_OK set; our queues are as it left them, and what was in flight can be
	 * popped again (kept.h). NULL: the device knew more than that, and needs a reset.
	 */
	void (*go_on)(struct virtio_dev *vd);
	/**
	 * Forget what the driver set up: chains in flight are stale already. What a backend still does
	 * for them must not reach guest memory.
	 */
	void (*reset)(struct virtio_dev *vd);
	/** The same for one queue (2.6.1). NULL: `reset` of the device is not needed for it. */
	void (*queue_reset)(struct virtio_dev *vd, unsigned queue);
	/** False: this device cannot work with vd->features. The subset rule is checked already. */
	bool (*features_ok)(struct virtio_dev *vd);
	/**
	 * The driver wrote bytes [offset, offset + len) of the configuration space, which lie inside it;
	 * 1, 2 or 4 bytes, naturally aligned, in `value`. NULL: all of it is read-only. Nothing was
	 * stored: the device does, what it allows.
	 */
	void (*config_write)(struct virtio_dev *vd, unsigned offset, unsigned len, uint32_t value);
};

/* What a transport does for a device. The lock is held. */
struct virtio_transport_ops {
	/** Used buffers are there: raise the queue's interrupt. */
	void (*queue_interrupt)(struct virtio_dev *vd, unsigned queue);
	/** The configuration, or NEEDS_RESET, changed. */
	void (*config_interrupt)(struct virtio_dev *vd);
	/** The device was reset: take back interrupts, forget vectors. */
	void (*reset)(struct virtio_dev *vd);
	/** Something the driver can read has changed, other than by an access of its own. May be NULL. */
	void (*changed)(struct virtio_dev *vd);
};

/* Embedded in each transport, which finds itself with container_of(vd->transport, ...). */
struct virtio_transport {
	const struct virtio_transport_ops *ops;
};

/* What the program that has a device does for it. Called with the lock held; each may be NULL. */
struct virtio_owner {
	/** A log line about the device; `why` is a constant. */
	void (*say)(void *ctx, const struct virtio_dev *vd, const char *why);
	/**
	 * The device has done enough for once and is not finished: call virtio_resume() later, from
	 * vd->caller's handler. Without it a guest that keeps a queue filled keeps its handler busy.
	 */
	void (*again)(void *ctx, const struct virtio_dev *vd);
	/**
	 * The device has put work off: call virtio_resume() as soon as a vCPU has nothing to do, and in
	 * less than a millisecond in any case. False: not possible for vd->caller.
	 */
	bool (*later)(void *ctx, const struct virtio_dev *vd);
	/** How often vd->caller's vCPU has waited for an interrupt. With `later`. */
	uint64_t (*pauses)(void *ctx, const struct virtio_dev *vd);
	void *ctx;
};

/* What is given at creation and never changes. */
struct virtio_setup {
	const char *name; /* in log lines; borrowed */
	const struct virtio_ops *ops;
	const struct gmem *gmem; /* borrowed */
	struct virtq *queues;    /* borrowed: the device's array */
	unsigned queue_count;    /* up to VIRTIO_QUEUES_MAX */
	uint16_t queue_size_max; /* 1 to VIRTQ_SIZE_MAX, a power of two */
	uint64_t features;  /* the device's own (bits 0 to 23, 50 to 127 of which we have 63) */
	bool packed;        /* offer VIRTIO_F_RING_PACKED */
	const void *config; /* borrowed: the device's configuration structure, little endian */
	size_t config_size; /* up to VIRTIO_CONFIG_BYTES; 0: none */
	struct virtio_owner owner;
};

enum virtio_resumed {
	VIRTIO_NOTIFIED = 0, /* the driver's notification */
	VIRTIO_RESUMED,      /* a vCPU had nothing to do, or the budget was up before */
	VIRTIO_OVERDUE,      /* nothing like that happened for a while */
};

struct virtio_dev {
	struct lock lock;
	unsigned caller; /* vCPU whose handler is in the device; 0 for an event */
	struct virtio_setup setup;
	struct virtio_transport *transport; /* set by the transport's init; outlives the device */
	uint64_t offered;                   /* features */
	uint64_t features;                  /* negotiated; valid with FEATURES_OK */
	uint64_t driver_features;           /* as written so far */
	uint8_t status;
	bool broken;     /* NEEDS_RESET: queues stand still */
	bool config_new; /* taken up from a predecessor whose configuration was another (kept.h) */
	uint32_t config_generation;
	uint32_t complaints; /* how often it needed a reset; some are logged */
	uint32_t device_features_select, driver_features_select;
	uint32_t queue_select; /* any value; virtio_selected() checks it */
	uint32_t budget;       /* chains that may still be taken in this call into the device */
	uint64_t unfinished;   /* queues that were not looked at to their end for want of it */
	uint64_t put_off;      /* queues whose driver was told not to notify yet */
	uint64_t early; /* queues that it notified us of before DRIVER_OK, as Linux' balloon does */
	enum virtio_resumed resumed; /* what ops->notify() is called for */
	struct virtq_segment scratch[VIRTQ_SEGMENTS];
};

/*
 * For devices.
 */

/** `setup` is copied. The transport's init comes after it. */
void virtio_init(struct virtio_dev *vd, const struct virtio_setup *setup);

/** True if the driver accepted all of these. */
static inline bool virtio_has(const struct virtio_dev *vd, uint64_t features)
{
	return (vd->features & features) == features;
}

/** The driver broke a rule: sets NEEDS_RESET, tells the driver, logs `why` (a constant), once. */
void virtio_needs_reset(struct virtio_dev *vd, const char *why);

/** The device changed its configuration structure: new generation, interrupt. */
void virtio_config_changed(struct virtio_dev *vd);

/** The same, when it was the driver who asked for that by a command: no interrupt. */
void virtio_config_set(struct virtio_dev *vd);

/*
 * For the program that owns the devices.
 */

/** Takes the lock for handler `caller` and lets the device look at its backend. */
void virtio_event(struct virtio_dev *vd, unsigned caller);

/** Goes on with what is unfinished or was put off: owner.again(), owner.later(). Takes the lock. */
void virtio_resume(struct virtio_dev *vd, unsigned caller, enum virtio_resumed why);

/** Lets a device that a predecessor has left go on: ops->go_on(). For kept.c. */
void virtio_restarted(struct virtio_dev *vd);

/** The machine was reset. Takes the lock. */
void virtio_power_on(struct virtio_dev *vd);

/*
 * For transports: one function a register. They are called with the lock held and `caller` set.
 */

uint32_t virtio_device_features(const struct virtio_dev *vd); /* the word that was selected */
uint32_t virtio_driver_features(const struct virtio_dev *vd);
void virtio_set_driver_features(struct virtio_dev *vd, uint32_t word);

/** Writing 0 resets. Bits the driver may not set, or not yet, stay clear. */
void virtio_set_status(struct virtio_dev *vd, uint32_t status);

/** The queue that queue_select names, or NULL: its registers read as zero and ignore writes. */
struct virtq *virtio_selected(const struct virtio_dev *vd);

/** 0: there is no such queue. */
uint16_t virtio_queue_size_max(const struct virtio_dev *vd);
uint16_t virtio_queue_size(const struct virtio_dev *vd);
void virtio_set_queue_size(struct virtio_dev *vd, uint32_t size);

/** One half of an address; the other half keeps its value. */
uint32_t virtio_queue_address(const struct virtio_dev *vd, enum virtq_area area, bool high);
void virtio_set_queue_address(struct virtio_dev *vd, enum virtq_area area, bool high,
			      uint32_t half);

bool virtio_queue_enabled(const struct virtio_dev *vd);
void virtio_set_queue_enabled(struct virtio_dev *vd, bool enable); /* false: as a queue reset */
void virtio_reset_queue(struct virtio_dev *vd); /* ignored without VIRTIO_F_RING_RESET */

/** The driver's notification; any number. */
void virtio_kick(struct virtio_dev *vd, uint32_t queue);

/**
 * The one door to the configuration space. Outside of it, or not aligned to `width` (1, 2, 4; reads
 * also 8): reads as zero, ignored.
 */
uint64_t virtio_config_read(const struct virtio_dev *vd, uint64_t offset, unsigned width);
void virtio_config_write(struct virtio_dev *vd, uint64_t offset, unsigned width, uint64_t value);
