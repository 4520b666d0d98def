// SPDX-License-Identifier: BSD-2-Clause
#include "app/lib/native.h"

#include <stdarg.h>
#include <stddef.h>

#include "vmm/base/fmt.h"

enum { LINE = 120 };

static void wake_console(void *ctx)
{
	const struct native *n = ctx;

	seL4_Signal(n->log_notify);
}

static void open_log(struct native *n)
{
	const struct vmm_channel *channel;
	struct serialq_producer tx;

	if (n->config->log_channel >= n->config->channel_count)
		return;
	channel = &n->config->channels[n->config->log_channel];
	native_expect(serialq_producer_init(&tx, (void *)channel->tx_queue,
					    (void *)channel->tx_data,
					    channel->tx_capacity) == VMM_OK);
	n->log_notify = channel->notify;
	console_log_init(&n->log, &tx, (struct console_signal){ .raise = wake_console, .ctx = n });
}

void native_init(struct native *n, const void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_native_config *config = (const struct vmm_native_config *)start->config;
	seL4_Word now = 0, hz = 0;

	native_expect(thread == 0 && start->config_size >= sizeof(*config) &&
		      config->magic == VMM_NATIVE_MAGIC && config->version == VMM_NATIVE_VERSION &&
		      config->channel_count <= VMM_NATIVE_CHANNELS);
	*n = (struct native){
		.start = start,
		.config = config,
		.wake = vmm_start_cap(start, "wake"),
		.irq = vmm_start_cap(start, "irq"),
		.timer = vmm_start_cap(start, "timer"),
	};
	native_expect(n->wake != 0);
	alive_init(&n->alive, start);
	open_log(n);
	if (n->timer == 0)
		return;
	(void)seL4_CallWithMRs(n->timer, seL4_MessageInfo_new(VMM_TIMER_NOW, 0, 0, 0), &now, &hz,
			       NULL, NULL);
	n->hz = hz;
}

void native_say(struct native *n, const char *format, ...)
{
	char line[LINE];
	size_t length;
	va_list args;

	if (n->log_notify == 0)
		return;
	va_start(args, format);
	length = fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	console_log_line(&n->log, line, length < sizeof(line) ? length : sizeof(line) - 1);
}

bool native_is_over(const struct vmm_channel *channel)
{
	const struct vmm_fate *fate = (const struct vmm_fate *)channel->fate;

	return fate != NULL && __atomic_load_n(&fate->over, __ATOMIC_ACQUIRE) != 0;
}

const struct vmm_start_region *native_region(const struct native *n, const char *name)
{
	const struct vmm_start_region *region = vmm_start_region(n->start, name);

	native_expect(region != NULL);
	return region;
}

const struct vmm_channel *native_channel(const struct native *n, uint32_t kind, uint32_t role,
					 uint32_t *at)
{
	for (; *at < n->config->channel_count; (*at)++) {
		const struct vmm_channel *channel = &n->config->channels[*at];

		if (channel->kind == kind && channel->role == role) {
			(*at)++;
			return channel;
		}
	}
	return NULL;
}

seL4_Word native_wait(struct native *n)
{
	seL4_Word badge = 0;

	alive_round(&n->alive);
	(void)seL4_Wait(n->wake, &badge);
	return badge;
}

seL4_Word native_signal_and_wait(struct native *n, seL4_CPtr notification)
{
	seL4_Word badge = 0;

	alive_round(&n->alive);
	(void)seL4_NBSendWait(notification, seL4_MessageInfo_new(0, 0, 0, 0), n->wake, &badge);
	return badge;
}

seL4_Word native_ack_and_wait(struct native *n)
{
	seL4_Word badge = 0;

	alive_round(&n->alive);
	(void)seL4_NBSendWait(n->irq, seL4_MessageInfo_new(IRQAckIRQ, 0, 0, 0), n->wake, &badge);
	return badge;
}

void native_stay_idle(struct native *n, const char *what, enum vmm_err err)
{
	native_say(n, "%s: %s", what, vmm_err_name(err));
	for (;;)
		(void)native_wait(n);
}

uint64_t native_now(struct native *n)
{
	seL4_Word now = 0, hz = 0;

	(void)seL4_CallWithMRs(n->timer, seL4_MessageInfo_new(VMM_TIMER_NOW, 0, 0, 0), &now, &hz,
			       NULL, NULL);
	return now;
}

bool native_alarm(struct native *n, uint64_t deadline)
{
	seL4_Word passed = deadline, now = 0;

	(void)seL4_CallWithMRs(n->timer, seL4_MessageInfo_new(VMM_TIMER_SET, 0, 0, 1), &passed,
			       &now, NULL, NULL);
	return passed != 0;
}
