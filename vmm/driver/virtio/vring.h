/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue as a driver uses it (VIRTIO 1.2, 2.7), EVENT_IDX included.
 *
 * Memory and indices are the driver's; what the device writes (used ring) is checked like anything
 * foreign: an id that is not in flight is dropped and makes vring_take() say VRING_BAD.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { VRING_SIZE = 256 }; /* most descriptors a ring has here; a power of two */

struct vring_desc;
struct vring_avail;
struct vring_used;

struct vring_buffer {
	uint64_t paddr;
	uint32_t length;
};

struct vring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	uint16_t free_head, free_count;
	uint16_t avail_index, told_index; /* next; as far as the device was told */
	uint16_t used_index;
	bool event_idx;
	uint16_t next
		[VRING_SIZE]; /* of free descriptors and within chains; ours, not the device's */
	uint16_t chain[VRING_SIZE]; /* descriptors of the chain that starts here; 0: none does */
	uint32_t token[VRING_SIZE]; /* the caller's, by first descriptor */
};

enum vring_taken { VRING_EMPTY = 0, VRING_TAKEN, VRING_BAD };

/** Bytes of memory a ring of `size` entries takes; whole pages. */
size_t vring_bytes(uint16_t size);

/** `memory` is zeroed and page-aligned; `size` a power of two up to VRING_SIZE. */
void vring_init(struct vring *r, void *memory, uint16_t size, bool event_idx);

/* Offsets of the three parts in the memory (2.7: descriptors, driver area, device area). */
size_t vring_driver_offset(uint16_t size);
size_t vring_device_offset(uint16_t size);

/** Offers a chain: `readable` buffers, then `writable` ones. VMM_ERR_NOMEM: not enough descriptors. */
VMM_MUST_CHECK enum vmm_err vring_add(struct vring *r, const struct vring_buffer *buffers,
				      unsigned readable, unsigned writable, uint32_t token);

/** Shows the device what was added. True: it must be told (vdrv_kick()). */
bool vring_publish(struct vring *r);

/** The next chain the device has finished with. */
enum vring_taken vring_take(struct vring *r, uint32_t *token, uint32_t *written);

/** Interrupts off: they are a hint only, and may come all the same. */
void vring_quiet(struct vring *r);

/** Interrupts on. True: something was finished in between, so look again. */
bool vring_listen(struct vring *r);
