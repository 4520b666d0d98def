/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place where a test can make the driver die. The program `blk` links the one that does nothing,
 * `blk-dies` (tests only) one that faults now and then.
 */
#pragma once

#include <stdbool.h>

#include "vmm/driver/virtio/blk.h"

/** Between two rounds of the driver's loop; `answered`: the client was not told yet; `rounds` so far. */
void probe(const struct blkdrv *driver, bool answered, unsigned rounds);
