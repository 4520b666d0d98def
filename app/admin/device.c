// SPDX-License-Identifier: BSD-2-Clause
/*
 * The devices of a VM and their channels: to the console, to the programs that serve them. A device is
 * in the VMM, or in a program of its own that maps the guest's RAM as the VMM does, has the device's
 * channel in the VMM's place, and nothing else of the VM.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/fmt.h"
#include "vmm/base/util.h"

enum {
	CNODE_BITS = 5, /* a log, a link, a backend */
	STACK_PAGES = 4,
	QUEUE_BYTES = 4096,
	TURN_US = 5000,
};

#define NO_INDEX UINT32_MAX

static uint32_t add_console(struct device_build *b, const struct device_host *host,
			    const char *name, enum vmm_console_kind kind)
{
	struct admin *a = b->a;
	uint32_t index = host->config->channel_count++;
	struct vmm_channel *channel = &host->config->channels[index];
	struct queue_pair pair;
	seL4_CPtr notify = object_mint(a, host->wake, seL4_CanWrite, VMM_BADGE_CHANNEL(index));

	native_console_client(a, name, kind, &host->program->space,
			      kind == VMM_CONSOLE_LOG ? seL4_CapNull : notify, &pair);
	channel->kind = VMM_CHANNEL_SERIAL;
	memcpy(channel->name, "console", sizeof("console"));
	channel->rx_queue = pair.rx_queue;
	channel->rx_data = pair.rx_data;
	channel->tx_queue = pair.tx_queue;
	channel->tx_data = pair.tx_data;
	channel->rx_capacity = pair.rx_queue != 0 ? QUEUE_BYTES : 0;
	channel->tx_capacity = QUEUE_BYTES;
	channel->notify = program_grant(a, host->program, a->console_wake, seL4_CanWrite,
					VMM_CONSOLE_BADGE_CLIENT);
	return index;
}

/* The host's end of a new channel to `other`; its index is channel_count less one then. */
static struct channel_end host_end(const struct device_host *host, const char *other)
{
	uint32_t index = host->config->channel_count++;

	return (struct channel_end){
		.program = host->program,
		.wake = host->wake,
		.badge = VMM_BADGE_CHANNEL(index),
		.channel = &host->config->channels[index],
		.name = other,
	};
}

/* A channel to the program that serves the device; the server knows it as "vm.device". */
static uint32_t add_backend(struct device_build *b, const struct device_host *host,
			    const struct system_device *device)
{
	struct admin *a = b->a;
	char name[sizeof(((struct vmm_channel *)0)->name)];
	struct channel_end ends[2] = {
		host_end(host, a->system.programs[device->backend].name),
		channel_native_end(a, (uint32_t)device->backend, name),
	};

	fmt_snprintf(name, sizeof(name), "%s.%s", b->vm->name, device->name);
	a->account = &b->state->channel_bytes;
	channel_connect(a, device_kind(device->kind)->channel, device->data_kib, ends);
	system_channel_params(device, ends[0].channel);
	system_channel_params(device, ends[1].channel);
	a->account = &b->vmm.program->bytes;
	return host->config->channel_count - 1;
}

static void add_port(struct device_build *b, const struct device_host *host,
		     struct vmm_config_device *device, const struct system_port *described)
{
	struct vmm_config *config = host->config;
	struct vmm_config_port *port = &config->ports[config->port_count];

	if (config->port_count == VMM_CONFIG_PORTS)
		admin_die(b->a, "VM %s: more than %u ports of consoles", b->vm->name,
			  VMM_CONFIG_PORTS);
	*port = (struct vmm_config_port){
		.channel = NO_INDEX,
		.serial = described->serial,
		.columns = (uint16_t)described->columns,
		.rows = (uint16_t)described->rows,
	};
	memcpy(port->name, described->name, strlen(described->name));
	if (described->console != NULL)
		port->channel = add_console(b, host, described->console, VMM_CONSOLE_VM);
	config->port_count++;
	device->port_count++;
}

/* The ports of a virtio-console; the first is what the device itself says. */
static void add_ports(struct device_build *b, const struct device_host *host,
		      struct vmm_config_device *device, const struct system_device *described)
{
	const struct system_port first = {
		.name = described->name,
		.console = described->console,
		.columns = described->columns,
		.rows = described->rows,
	};

	device->first_port = (uint16_t)host->config->port_count;
	add_port(b, host, device, &first);
	for (uint32_t i = 0; i < described->port_count; i++)
		add_port(b, host, device, &described->ports[i]);
}

/* A device with its backend's channel, in the configuration of the program that has the model. */
static void add_model(struct device_build *b, const struct device_host *host,
		      const struct system_device *described)
{
	struct vmm_config_device *device = &host->config->devices[host->config->device_count++];

	*device = (struct vmm_config_device){
		.kind = described->kind,
		.intid = described->interrupt,
		.gpa = described->at.base,
		.size = described->at.size,
		.channel = NO_INDEX,
		.transport = described->transport,
		.flags = described->packed ? VMM_DEVICE_PACKED : 0,
		.queues = described->queues,
		.balloon_pages = described->balloon_mib << 8,
	};
	memcpy(device->name, described->name, strlen(described->name));
	if (described->backend >= 0)
		device->channel = add_backend(b, host, described);
	else if (described->kind == VMM_DEVICE_VIRTIO_CONSOLE)
		add_ports(b, host, device, described);
	else if (described->console != NULL)
		device->channel = add_console(b, host, described->console, VMM_CONSOLE_VM);
}

static void add_heap(struct device_build *b, const struct device_host *host, uint64_t size)
{
	host->config->heap_size = size;
	if (size > 0)
		host->config->heap_host = space_new_pages(b->a, &host->program->space,
							  (uint32_t)(size / PAGE_BYTES), NULL);
}

static void new_program(struct device_build *b, struct device_host *host, const char *name)
{
	struct admin *a = b->a;
	const struct system_sched sched = {
		.core = b->vm->vcpus[0].sched.core,
		.priority = SYSTEM_PRIORITY_DEVICE,
		.budget_us = TURN_US,
		.period_us = TURN_US,
	};
	struct thread_options options = {
		.core = sched.core,
		.stack_pages = STACK_PAGES,
		.run = true,
	};

	if (a->own_count == SYSTEM_OWN_ALL)
		admin_die(a, "more than %u devices with a program of their own", SYSTEM_OWN_ALL);
	host->config = &a->own_configs[b->own_count];
	a->own_count++;
	host->program = program_new(a, name, SYSTEM_DEVICE_FILE, CNODE_BITS, sched.priority, true);
	host->program->name = host->program->start.name; /* `name` does not live that long */
	options.sc = object_new_sc(a, &sched, host->program->id);
	(void)program_thread(a, host->program, &options);
	restart_prepare(a, host->program);
	host->wake = object_new(a, seL4_NotificationObject, seL4_NotificationBits);
	program_name_cap(a, host->program, "wake", host->wake, seL4_AllRights, 0);
	*host->config = (struct vmm_config){
		.magic = VMM_CONFIG_MAGIC,
		.version = VMM_CONFIG_VERSION,
		.size = sizeof(*host->config),
		.ram_count = b->vm->ram_count,
	};
	memcpy(host->config->name, b->vm->name, strlen(b->vm->name));
}

/* The VMM only knows where the guest sees the device, and the link. */
static void add_own(struct device_build *b, const struct system_device *described)
{
	struct device_host *host = &b->own[b->own_count];
	struct vmm_config_device *device;
	char name[VMM_START_NAME];
	struct channel_end ends[2];

	fmt_snprintf(name, sizeof(name), "%s.%s", b->vm->name, described->name);
	new_program(b, host, name);
	b->own_count++;
	device = &b->vmm.config->devices[b->vmm.config->device_count++];
	ends[0] = host_end(&b->vmm, host->program->name);
	ends[1] = host_end(host, b->vm->name);
	channel_connect(b->a, VMM_CHANNEL_DEVICE, 0, ends);
	add_model(b, host, described);
	*device = host->config->devices[0];
	device->flags |= VMM_DEVICE_REMOTE;
	device->first_port = device->port_count = 0;
	device->channel = b->vmm.config->channel_count - 1;
	add_heap(b, host, align_up(KIB(device_kind(described->kind)->heap_kib), PAGE_BYTES));
	host->config->log_channel = add_console(b, host, host->program->name, VMM_CONSOLE_LOG);
}

void device_add_all(struct device_build *b)
{
	char name[VMM_START_NAME];

	for (uint32_t i = 0; i < b->vm->device_count; i++) {
		const struct system_device *described = &b->vm->devices[i];

		if (described->own_program)
			add_own(b, described);
		else
			add_model(b, &b->vmm, described);
		b->a->account = &b->vmm.program->bytes;
	}
	add_heap(b, &b->vmm, system_vm_heap(b->vm));
	fmt_snprintf(name, sizeof(name), "vmm %s", b->vm->name);
	b->vmm.config->log_channel = add_console(b, &b->vmm, name, VMM_CONSOLE_LOG);
}

void device_begin_ram(struct device_build *b, const struct vmm_config_range *range, uint32_t index)
{
	for (uint32_t i = 0; i < b->own_count; i++) {
		struct vmm_config_range *own = &b->own[i].config->ram[index];

		*own = *range;
		own->host =
			space_reserve(&b->own[i].program->space, range->size, SYSTEM_LARGE_PAGE);
	}
}

void device_map_ram(struct device_build *b, seL4_CPtr frame, uint64_t at, uint32_t index)
{
	for (uint32_t i = 0; i < b->own_count; i++)
		space_map(b->a, &b->own[i].program->space, object_copy(b->a, frame),
			  b->own[i].config->ram[index].host + at, seL4_ReadWrite,
			  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
}

void device_finish(struct device_build *b)
{
	for (uint32_t i = 0; i < b->own_count; i++)
		program_finish(b->a, b->own[i].program, b->own[i].config,
			       sizeof(*b->own[i].config));
}
