/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write that comes up short asks for the server's signal and looks once more, so that room given
 * back in between is used and no wake-up is lost. Input needs no such step: the server signals after
 * every batch it sends.
 */
#include "vmm/backend/console/sddf.h"

#include "vmm/base/util.h"

static size_t sddf_write(struct console_backend *backend, const uint8_t *bytes, size_t len)
{
	struct console_sddf *sddf = container_of(backend, struct console_sddf, backend);
	size_t n = serialq_write(&sddf->tx, bytes, len);

	if (n < len) {
		serialq_want_signal(&sddf->tx);
		n += serialq_write(&sddf->tx, bytes + n, len - n);
		if (!serialq_producer_is_sane(&sddf->tx))
			server_did(&sddf->server, SERVER_INDEX);
	}
	if (n > 0)
		sddf->signal.raise(sddf->signal.ctx);
	return n;
}

static size_t sddf_read(struct console_backend *backend, uint8_t *bytes, size_t len)
{
	struct console_sddf *sddf = container_of(backend, struct console_sddf, backend);
	size_t n = serialq_read(&sddf->rx, bytes, len);

	if (n == 0 && !serialq_consumer_is_sane(&sddf->rx))
		server_did(&sddf->server, SERVER_INDEX);
	if (n > 0 && serialq_release(&sddf->rx))
		sddf->signal.raise(sddf->signal.ctx);
	return n;
}

static const struct console_ops sddf_ops = {
	.write = sddf_write,
	.read = sddf_read,
};

void console_sddf_init(struct console_sddf *sddf, const struct serialq_producer *tx,
		       const struct serialq_consumer *rx, struct console_signal signal)
{
	*sddf = (struct console_sddf){
		.backend = { .ops = &sddf_ops },
		.tx = *tx,
		.rx = *rx,
		.signal = signal,
	};
}

void console_log_init(struct console_log *log, const struct serialq_producer *tx,
		      struct console_signal signal)
{
	*log = (struct console_log){ .tx = *tx, .signal = signal };
}

/* "(12 lines lost)\n" into `text`; returns its length. At most 20 digits. */
static size_t lost_text(uint64_t lost, uint8_t text[40])
{
	static const char tail[] = " lines lost)\n";
	uint8_t digits[20];
	size_t n = 0, count = 0;

	do {
		digits[count++] = (uint8_t)('0' + lost % 10);
		lost /= 10;
	} while (lost != 0);
	text[n++] = '(';
	while (count > 0)
		text[n++] = digits[--count];
	for (size_t i = 0; i < sizeof(tail) - 1; i++)
		text[n++] = (uint8_t)tail[i];
	return n;
}

void console_log_line(struct console_log *log, const char *text, size_t len)
{
	static const uint8_t newline = '\n';
	uint8_t lost[40];
	size_t lost_len = log->lost != 0 ? lost_text(log->lost, lost) : 0;
	size_t room = serialq_room(&log->tx);

	if (len >= room || lost_len > room - len - 1) {
		log->lost++;
		return;
	}
	/* The consumer only ever makes more room, so these are whole. */
	(void)serialq_write(&log->tx, lost, lost_len);
	(void)serialq_write(&log->tx, (const uint8_t *)text, len);
	(void)serialq_write(&log->tx, &newline, 1);
	log->lost = 0;
	log->signal.raise(log->signal.ctx);
}
