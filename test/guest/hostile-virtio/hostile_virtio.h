/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of virtio devices that does what no driver should, to every device it finds. After each
 * cruelty the device must still come back from a reset and do what it is for; the neighbours must not
 * notice at all.
 *
 *   do=NAME      that cruelty alone; without it, all of them
 *   rounds=N     how often garbage is offered (default 200 a device)
 *
 *   CRUEL NAME KIND TRANSPORT survived | CRUEL NAME KIND TRANSPORT LOST what
 *   HOSTILE-VIRTIO n survived, m lost
 *
 * What is writable for a device never is code or stack of this guest: a device that does what such a
 * ring says would only hurt its own VM, and the test could not tell.
 */
#pragma once

#include "test/guest/lib/virtio.h"

enum { PREY_BYTES = 1 << 16, RINGS = 4 };

/* What a cruelty is of no use without. */
enum need { NEEDS_NOTHING, NEEDS_PCI, NEEDS_CPU };

struct cruelty {
	const char *name;
	void (*run)(struct virtio *vd);
	enum need need;
};

extern const struct cruelty register_cruelties[], ring_cruelties[];

unsigned rounds(void);
/** Memory for a queue; and what garbage may point at. */
uint64_t ring_memory(unsigned index);
uint64_t prey(void);

/** Reset, and up to the point where queues are set up; `packed` if the device can. */
bool wake(struct virtio *vd, bool packed);
/** Opens every queue the device has, up to RINGS; how many. */
unsigned open_all(struct virtio *vd, struct virtq queues[RINGS]);

/* On CPU 1: rewrites descriptors of `queue` until told to stop. */
void race_begin(const struct virtq *queue);
void race_end(void);
void race(const struct virtq *queue); /* rings.c */
