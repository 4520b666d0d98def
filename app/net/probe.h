/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place where a test can make the driver die. The program `net` links the one that does nothing,
 * `net-dies` (tests only) one that faults now and then.
 */
#pragma once

#include <stdbool.h>

#include "vmm/driver/virtio/net.h"

/** Between two rounds of the driver's loop; `moved`: the client was not told yet; `rounds` so far. */
void probe(const struct netdrv *driver, bool moved, unsigned rounds);
