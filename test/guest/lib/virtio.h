/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver as small as tests need (VIRTIO 1.2): both transports, both ring formats, one
 * request at a time or many. It trusts the device no more than a test may, and it lets a test write
 * whatever it likes: registers by name and width, rings as plain memory.
 *
 * Memory is Device memory with the MMU off (guest.h): aligned, in order, nothing to flush.
 */
#pragma once

#include "test/guest/lib/guest.h"

enum virtio_kind {
	VIRTIO_NET = 1,
	VIRTIO_BLK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_RNG = 4,
	VIRTIO_BALLOON = 5,
	VIRTIO_VSOCK = 19,
};

/* Device status (2.1). */
enum {
	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	STATUS_FAILED = 128,
};

/* Feature bits every device may have (6). */
#define F_INDIRECT_DESC (UINT64_C(1) << 28)
#define F_EVENT_IDX     (UINT64_C(1) << 29)
#define F_VERSION_1     (UINT64_C(1) << 32)
#define F_RING_PACKED   (UINT64_C(1) << 34)
#define F_RING_RESET    (UINT64_C(1) << 40)

/* Registers by what they mean; virtio.c has where each transport keeps them. */
enum virtio_reg {
	REG_DEVICE_FEATURES_SEL,
	REG_DEVICE_FEATURES,
	REG_DRIVER_FEATURES_SEL,
	REG_DRIVER_FEATURES,
	REG_STATUS,
	REG_GENERATION,
	REG_QUEUE_SEL,
	REG_QUEUE_MAX, /* PCI: the size until it is written */
	REG_QUEUE_SIZE,
	REG_QUEUE_READY,
	REG_QUEUE_RESET,
	REG_DESC_LOW,
	REG_DESC_HIGH,
	REG_DRIVER_LOW,
	REG_DRIVER_HIGH,
	REG_DEVICE_LOW,
	REG_DEVICE_HIGH,
	REG_CONFIG_VECTOR, /* PCI only */
	REG_QUEUE_VECTOR,  /* PCI only */
	REG_NOTIFY_OFFSET, /* PCI only */
	VIRTIO_REGS,
};

struct virtio {
	uint32_t kind; /* enum virtio_kind, or what the device says */
	bool pci;
	uint64_t regs;   /* virtio-mmio page, or PCI's common configuration */
	uint64_t notify; /* address to write a queue's index to, less the queue's offset */
	uint64_t notify_scale;
	uint64_t isr, config;
	uint64_t function; /* PCI: its configuration space */
	uint32_t intid;    /* virtio-mmio */
	uint64_t features; /* negotiated */
};

enum { QUEUE_MAX = 256, QUEUE_BYTES = 3 * 4096 };

struct virtq {
	struct virtio *vd;
	uint16_t index, size, next, seen;
	bool packed, wrap, seen_wrap;
	uint64_t desc, driver, device;
	uint16_t free_count, room; /* ids; descriptors of a packed ring */
	uint16_t free[QUEUE_MAX], span[QUEUE_MAX];
};

/* One piece of a request. */
struct piece {
	uint64_t at;
	uint32_t length;
	bool writable;
};

enum { VIRTIO_DEVICES_MAX = 16 };

/** Finds all devices, PCI functions given addresses first; how many. */
unsigned virtio_scan(struct virtio devices[VIRTIO_DEVICES_MAX]);

/** Gives a PCI device's BARs new addresses, and finds its structures there. */
bool virtio_locate(struct virtio *vd);

uint32_t virtio_read(const struct virtio *vd, enum virtio_reg reg);
void virtio_write(const struct virtio *vd, enum virtio_reg reg, uint32_t value);
/** True if the transport has that register at all. */
bool virtio_has(const struct virtio *vd, enum virtio_reg reg);
void virtio_notify(const struct virtio *vd, uint16_t queue);

/** Resets and waits until the device says so; false after two seconds. */
bool virtio_reset(struct virtio *vd);
uint64_t virtio_offered(const struct virtio *vd);
/** Reset to FEATURES_OK, with what is both wanted and offered; false if the device refuses. */
bool virtio_negotiate(struct virtio *vd, uint64_t wanted);
void virtio_driver_ok(struct virtio *vd);
bool virtio_broken(const struct virtio *vd); /* it needs a reset */

/** Gives the device a queue in `memory` (QUEUE_BYTES, page-aligned); `size` 0: its maximum. */
bool virtq_open(struct virtq *q, struct virtio *vd, uint16_t index, uint16_t size, uint64_t memory);
/** Tells the device where the queue is and that it is ready. */
void virtq_program(const struct virtq *q);
/** Offers one request without notifying; its id, or -1 if there is no room. */
int virtq_offer(struct virtq *q, const struct piece *pieces, unsigned count);
/** The same through a table of descriptors at `table` (16 bytes each). */
int virtq_offer_indirect(struct virtq *q, uint64_t table, const struct piece *pieces,
			 unsigned count);
/** Takes back a finished request; its id, or -1. */
int virtq_take(struct virtq *q, uint32_t *written);
/** Offers, notifies and waits up to two seconds; the bytes written or -1. */
int64_t virtq_do(struct virtq *q, const struct piece *pieces, unsigned count);

/* pci.c: configuration space of bus 0 (PCI Local Bus 3.0, 6.1). */
enum {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04,
	PCI_BAR0 = 0x10,
	PCI_CAPABILITIES = 0x34,
	PCI_COMMAND_MEMORY = 2,
	PCI_COMMAND_MASTER = 4,
	PCI_SLOTS = 32,
};
uint64_t pci_function(unsigned slot);
/** The next capability of that id behind `from` (0: the first); 0: none. */
uint32_t pci_capability(uint64_t function, uint8_t id, uint32_t from);
/** Where a memory BAR is now. */
uint64_t pci_bar(uint64_t function, unsigned bar);
/** Sizes and places all BARs of a function, and turns it on; their addresses. */
void pci_place(uint64_t function, uint64_t bars[6]);
