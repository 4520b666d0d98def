/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entropy from a native driver, as a stream of bytes over a queue in the format of sDDF's serial
 * class: the driver is the producer, each client has a queue of its own.
 */
#pragma once

#include "vmm/backend/entropy/entropy.h"
#include "vmm/backend/queue/serialq.h"
#include "vmm/backend/queue/server.h"

struct entropy_sddf {
	struct entropy_backend backend;
	struct serialq_consumer rx;
	void (*wake)(void *ctx); /* tells the driver that there is room */
	void *ctx;
	struct server server; /* may be set after the initialisation */
};

void entropy_sddf_init(struct entropy_sddf *sddf, const struct serialq_consumer *rx,
		       void (*wake)(void *ctx), void *ctx);
