/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue of a network device (VIRTIO 1.2, 5.1.6.5). For net.c. */
#pragma once

#include "vmm/dev/virtio/net.h"

/** Carries out all commands that wait in `queue`. The device's lock is held. */
void net_control(struct virtio_net *net, unsigned queue);
