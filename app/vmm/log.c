/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's own log lines. They go to the console multiplexer, which marks them with the VM's name. A
 * line that finds no room is counted and never waited for.
 */
#include "app/vmm/machine.h"

#include "vmm/base/fmt.h"

enum {
	LINE_BYTES = 256,
};

void machine_log_init(struct machine *m)
{
	const struct vmm_channel *channel;
	struct serialq_producer tx;
	uint32_t index = m->config->log_channel;

	if (index >= m->config->channel_count)
		return;
	channel = &m->config->channels[index];
	if (serialq_producer_init(&tx, (void *)(uintptr_t)channel->tx_queue,
				  (void *)(uintptr_t)channel->tx_data,
				  channel->tx_capacity) != VMM_OK)
		return;
	console_log_init(
		&m->log.console, &tx,
		(struct console_signal){ .raise = machine_raise, .ctx = &m->signals[index] });
	m->log.open = true;
}

void machine_say(struct machine *m, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	lock_take(&m->log.lock);
	if (m->log.open)
		console_log_line(&m->log.console, line, len);
	lock_give(&m->log.lock);
}
