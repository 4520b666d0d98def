/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver fills the queue whenever there is room and signals after each batch, so a short count
 * needs no asking: it is told about room, and its signal is the event.
 */
#include "vmm/backend/entropy/sddf.h"

#include "vmm/base/util.h"

static size_t fill(struct entropy_backend *backend, uint8_t *bytes, size_t len)
{
	struct entropy_sddf *sddf = container_of(backend, struct entropy_sddf, backend);
	size_t count = serialq_read(&sddf->rx, bytes, len);

	if (count == 0 && !server_is_over(&sddf->server) && !serialq_consumer_is_sane(&sddf->rx))
		server_did(&sddf->server, SERVER_INDEX);
	if (count > 0 && serialq_release(&sddf->rx))
		sddf->wake(sddf->ctx);
	return count;
}

static const struct entropy_ops sddf_ops = { .fill = fill };

void entropy_sddf_init(struct entropy_sddf *sddf, const struct serialq_consumer *rx,
		       void (*wake)(void *ctx), void *ctx)
{
	*sddf = (struct entropy_sddf){
		.backend = { .ops = &sddf_ops },
		.rx = *rx,
		.wake = wake,
		.ctx = ctx,
	};
}
