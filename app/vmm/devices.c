/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices of a VM: which model with which backend at which address, from the configuration.
 *
 * Each device has its own lock, held by the bus around accesses and here around everything else. A
 * device raises its line while that lock is held, so the GIC's lock comes after it.
 */
#include "app/vmm/machine.h"

static void drive_line(void *ctx, bool level)
{
	const struct machine_line *line = ctx;

	if (line->intid != 0)
		gic_chip_set_level(&line->machine->chip, line->caller, line->intid, level);
}

static void uart_access(void *device, struct mmio_access *access)
{
	struct machine_uart *uart = device;

	uart->line.caller = access->vcpu;
	pl011_access(&uart->model, access);
}

/* Asks for a signal when the RTC's alarm is due. Its lock is held. */
static void rtc_alarm(struct machine_rtc *rtc)
{
	struct machine *m = rtc->line.machine;
	uint64_t when, ticks = 0;

	if (m->hz != 0 && pl031_alarm(&rtc->model, &when) && when < UINT64_MAX / m->hz)
		ticks = when * m->hz;
	if (ticks == rtc->alarm)
		return;
	rtc->alarm = ticks;
	if (machine_rtc_alarm(m, rtc->line.caller, ticks))
		pl031_poll(&rtc->model);
}

static void rtc_access(void *device, struct mmio_access *access)
{
	struct machine_rtc *rtc = device;

	rtc->line.caller = access->vcpu;
	pl031_access(&rtc->model, access);
	rtc_alarm(rtc);
}

/* Seconds since the machine was turned on: nobody here knows the date. */
static uint64_t rtc_now(void *ctx)
{
	const struct machine_line *line = ctx;
	uint64_t ticks, hz;

	if (port_time(&line->machine->vm.vcpu[line->caller].port, &ticks, &hz) != VMM_OK)
		return 0;
	return ticks / hz;
}

void machine_raise(void *ctx)
{
	const uint64_t *notification = ctx;

	port_signal(*notification);
}

static void say_server(void *ctx, const char *what)
{
	const struct machine_server *s = ctx;

	machine_say(s->machine, "device %s: its server %s %s", s->device, s->name, what);
}

struct server machine_server(struct machine *m, uint32_t index, const char *device)
{
	const struct vmm_channel *channel = &m->config->channels[index];

	m->server[index] = (struct machine_server){ m, device, channel->name };
	return (struct server){
		.over = machine_over(channel),
		.say = say_server,
		.ctx = &m->server[index],
	};
}

enum vmm_err machine_console(struct machine *m, uint32_t index, const char *device,
			     struct console_sddf *sddf)
{
	const struct vmm_channel *channel;
	struct serialq_producer tx;
	struct serialq_consumer rx;
	enum vmm_err err;

	if (index >= m->config->channel_count)
		return VMM_ERR_RANGE;
	channel = &m->config->channels[index];
	err = serialq_producer_init(&tx, (void *)(uintptr_t)channel->tx_queue,
				    (void *)(uintptr_t)channel->tx_data, channel->tx_capacity);
	if (err != VMM_OK)
		return err;
	err = serialq_consumer_init(&rx, (void *)(uintptr_t)channel->rx_queue,
				    (void *)(uintptr_t)channel->rx_data, channel->rx_capacity);
	if (err != VMM_OK)
		return err;
	console_sddf_init(
		sddf, &tx, &rx,
		(struct console_signal){ .raise = machine_raise, .ctx = &m->signals[index] });
	sddf->server = machine_server(m, index, device);
	return VMM_OK;
}

static enum vmm_err add_uart(struct machine *m, const struct vmm_config_device *device)
{
	struct machine_uart *uart;
	struct console_backend *backend;
	enum vmm_err err;

	if (m->uart_count == MACHINE_UARTS)
		return VMM_ERR_NOMEM;
	uart = &m->uart[m->uart_count];
	uart->line = (struct machine_line){ .machine = m, .intid = device->intid };
	if (device->channel == UINT32_MAX) {
		console_null_init(&uart->null);
		backend = &uart->null;
	} else {
		err = machine_console(m, device->channel, device->name, &uart->sddf);
		if (err != VMM_OK)
			return err;
		uart->signals = VMM_BADGE_CHANNEL(device->channel);
		backend = &uart->sddf.backend;
	}
	pl011_init(&uart->model, backend, drive_line, &uart->line);
	m->uart_count++;
	return bus_add(&m->vm.bus, &(struct bus_region){
					   .gpa = device->gpa,
					   .size = device->size,
					   .handler = uart_access,
					   .device = uart,
					   .lock = &uart->lock,
				   });
}

static enum vmm_err add_rtc(struct machine *m, const struct vmm_config_device *device)
{
	struct machine_rtc *rtc;

	if (m->rtc_count == MACHINE_RTCS)
		return VMM_ERR_NOMEM;
	rtc = &m->rtc[m->rtc_count++];
	rtc->line = (struct machine_line){ .machine = m, .intid = device->intid };
	/* Both callbacks get the line, which knows the calling vCPU. */
	pl031_init(&rtc->model, rtc_now, drive_line, &rtc->line);
	return bus_add(&m->vm.bus, &(struct bus_region){
					   .gpa = device->gpa,
					   .size = device->size,
					   .handler = rtc_access,
					   .device = rtc,
					   .lock = &rtc->lock,
				   });
}

enum vmm_err machine_devices_init(struct machine *m)
{
	for (uint32_t i = 0; i < m->config->device_count; i++) {
		const struct vmm_config_device *device = &m->config->devices[i];
		enum vmm_err err;

		switch (device->kind) {
		case VMM_DEVICE_NONE:
			err = VMM_OK;
			break;
		case VMM_DEVICE_PL011:
			err = add_uart(m, device);
			break;
		case VMM_DEVICE_PL031:
			err = add_rtc(m, device);
			break;
		default:
			err = machine_virtio_add(m, device);
			break;
		}
		if (err != VMM_OK) {
			machine_say(m, "device %u at 0x%lx: %s", i, (unsigned long)device->gpa,
				    vmm_err_name(err));
			return err;
		}
	}
	return VMM_OK;
}

void machine_devices_reset(struct machine *m)
{
	for (unsigned i = 0; i < m->uart_count; i++) {
		struct machine_uart *uart = &m->uart[i];

		lock_take(&uart->lock);
		uart->line.caller = 0;
		pl011_reset(&uart->model);
		lock_give(&uart->lock);
	}
	for (unsigned i = 0; i < m->rtc_count; i++) {
		struct machine_rtc *rtc = &m->rtc[i];

		lock_take(&rtc->lock);
		rtc->line.caller = 0;
		pl031_reset(&rtc->model);
		rtc_alarm(rtc);
		lock_give(&rtc->lock);
	}
	machine_virtio_reset(m);
}

void machine_devices_signal(struct machine *m, uint64_t badge)
{
	for (unsigned i = 0; i < m->uart_count; i++) {
		struct machine_uart *uart = &m->uart[i];

		if ((badge & uart->signals) == 0)
			continue;
		lock_take(&uart->lock);
		uart->line.caller = 0; /* signals come to vCPU 0's handler */
		pl011_poll(&uart->model);
		lock_give(&uart->lock);
	}
	if ((badge & m->vm.timer_badge) != 0)
		machine_alarm_signal(m);
	for (unsigned i = 0; (badge & m->vm.timer_badge) != 0 && i < m->rtc_count; i++) {
		struct machine_rtc *rtc = &m->rtc[i];

		lock_take(&rtc->lock);
		rtc->line.caller = 0;
		pl031_poll(&rtc->model);
		rtc->alarm = 0; /* asked for anew if it is still to come */
		rtc_alarm(rtc);
		lock_give(&rtc->lock);
	}
	machine_virtio_signal(m, badge);
}
