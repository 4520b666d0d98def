/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer's side towards the driver: slots, each a request that the driver has to do; of this folder
 * only. It keeps what was sent until it is answered, and sends it again to a driver that was started again.
 */
#pragma once

#include "vmm/backend/block/mux.h"

/** NULL: none is free. */
struct blkmux_slot *muxdrv_free_slot(struct blkmux *m);

/** A request of client `client` (BLKMUX_CLIENTS: our own). Sends it at once, if nothing older waits. */
void muxdrv_fill(struct blkmux *m, struct blkmux_slot *slot, unsigned client,
		 const struct blkq_request *request);

/** Answers a client; there is room, for no more is taken from it than that. */
void muxdrv_respond(struct blkmux_client *c, uint32_t id, uint32_t status, uint32_t count);

/** Takes the driver's answers, and notices that it was started again. True if there were any. */
bool muxdrv_poll(struct blkmux *m);

/**
 * After the driver's restart: BLKQ_SYNC first, then all there is; with care one by one. After our own: the
 * barrier, and nothing else before it is answered. True if nothing is left to send, and more may come.
 */
bool muxdrv_send(struct blkmux *m);

/** The driver may still do what our predecessor had sent. */
bool muxdrv_drains(const struct blkmux *m);
