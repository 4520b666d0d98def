// SPDX-License-Identifier: BSD-2-Clause
/*
 * A VM's devices. Virtio devices need no address in the description: those behind virtio-mmio get a
 * page and an interrupt each, in the order they are listed, where QEMU's `virt` has its own; those
 * behind PCI get theirs from the guest.
 */
#include <string.h>

#include "vmm/admin/parse.h"

#define VIRTIO_BASE      UINT64_C(0x0a000000)
#define VIRTIO_INTERRUPT UINT32_C(48)
#define RATE_KIB_MAX     ((UINT64_C(1) << 24) - 1) /* times KiB and 10^9 Hz: 64 bits */

static const char *const transports[] = { "mmio", "pci", NULL };

static const char *const device_children[] = { "ports", NULL };

static const struct schema_property port_table[] = {
	OPTIONAL(P_NAME("console", system_port, console)),
	OPTIONAL(.name = "serial-port", .type = SCHEMA_FLAG, P_AT(system_port, serial)),
	OPTIONAL(P_U32("columns", system_port, columns, 1, UINT16_MAX)),
	OPTIONAL(P_U32("rows", system_port, rows, 1, UINT16_MAX)),
};

static const struct schema_property device_table[] = {
	NEEDED(P_CHOICE("kind", system_device, kind, device_kind_names)),
	OPTIONAL(P_RANGE("reg", system_device, at)),
	OPTIONAL(P_U32("interrupt", system_device, interrupt, SYSTEM_FIRST_SPI,
		       SYSTEM_FIRST_SPI + SYSTEM_SPIS - 1)),
	OPTIONAL(P_NAME("console", system_device, console)),
	OPTIONAL(P_CHOICE("transport", system_device, transport, transports)),
	OPTIONAL(.name = "packed", .type = SCHEMA_FLAG, P_AT(system_device, packed)),
	OPTIONAL(.name = "own-program", .type = SCHEMA_FLAG, P_AT(system_device, own_program)),
	OPTIONAL(P_U32("queues", system_device, queues, 1, VMM_CONFIG_VCPUS)),
	OPTIONAL(P_NAME("backend", system_device, backend_name)),
	OPTIONAL(P_U32("data-kib", system_device, data_kib, 64, 4096)),
	OPTIONAL(P_U64("rate-kib", system_device, rate_kib, 1, RATE_KIB_MAX)),
	/* virtio-console */
	OPTIONAL(P_U32("columns", system_device, columns, 1, UINT16_MAX)),
	OPTIONAL(P_U32("rows", system_device, rows, 1, UINT16_MAX)),
	/* virtio-blk */
	OPTIONAL(P_U32("partition", system_device, partition, 1, 128)),
	OPTIONAL(P_RANGE("range", system_device, range)),
	OPTIONAL(.name = "read-only", .type = SCHEMA_FLAG, P_AT(system_device, read_only)),
	OPTIONAL(P_TEXT("serial", system_device, serial, 20)),
	/* virtio-net */
	OPTIONAL(.name = "mac", .type = SCHEMA_BYTES, .max_count = 6, P_AT(system_device, mac)),
	OPTIONAL(P_U32("vlan", system_device, vlan, 1, 4094)),
	OPTIONAL(.name = "trunk", .type = SCHEMA_FLAG, P_AT(system_device, trunk)),
	OPTIONAL(P_U32("mtu", system_device, mtu, 68, 9000)),
	OPTIONAL(P_U64("broadcast", system_device, broadcast, 1, UINT32_MAX)),
	/* virtio-vsock */
	OPTIONAL(P_U32("cid", system_device, cid, 3, UINT32_MAX - 1)),
	/* virtio-balloon */
	OPTIONAL(P_U32("balloon-mib", system_device, balloon_mib, 1, MEMORY_MIB_MAX)),
};

static void default_devices(struct system_vm *vm)
{
	vm->device_count = 2;
	vm->devices[0] = (struct system_device){
		.name = "uart",
		.kind = VMM_DEVICE_PL011,
		.at = { .base = 0x09000000, .size = SYSTEM_PAGE },
		.interrupt = 33,
		.console = vm->name,
		.backend = -1,
	};
	vm->devices[1] = (struct system_device){
		.name = "rtc",
		.kind = VMM_DEVICE_PL031,
		.at = { .base = 0x09010000, .size = SYSTEM_PAGE },
		.interrupt = 34,
		.backend = -1,
	};
}

static void place_virtio(struct system_vm *vm, struct system_device *device)
{
	const struct device_kind *kind = device_kind(device->kind);
	uint32_t before = 0;

	if (kind == NULL || !kind->virtio || device->transport != VMM_TRANSPORT_MMIO)
		return;
	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct device_kind *other = device_kind(vm->devices[i].kind);

		before += other != NULL && other->virtio &&
			  vm->devices[i].transport == VMM_TRANSPORT_MMIO;
	}
	if (device->at.size == 0)
		device->at =
			(struct system_range){ VIRTIO_BASE + before * SYSTEM_PAGE, SYSTEM_PAGE };
	if (device->interrupt == 0)
		device->interrupt = VIRTIO_INTERRUPT + before;
}

/*
 * An address for a device whose description gives none: locally administered (IEEE 802-2014, 8.4), and
 * the same whenever the VM and the device have the same names. If two of them fell on one another, the
 * check that every address is there once would say so.
 */
static void default_mac(const char *vm, const char *device, uint8_t mac[6])
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	const char *parts[] = { vm, ".", device };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		for (const char *c = parts[i]; *c != '\0'; c++)
			hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
	}
	mac[0] = 0x02;
	for (unsigned i = 1; i < 6; i++)
		mac[i] = (uint8_t)(hash >> 8 * i);
}

static void parse_ports(struct system_device *device, const struct schema_node *node,
			struct report *report)
{
	struct schema_node list, child = { .offset = -1 };

	if (!schema_child(node, "ports", &list))
		return;
	if (device->kind != VMM_DEVICE_VIRTIO_CONSOLE)
		report_add(report, node->path.at, "ports", "the node", "only on a virtio-console");
	schema_read(report, &list, NULL, 0, NULL);
	while (schema_next(&list, &child)) {
		struct system_port *port = &device->ports[device->port_count];

		if (device->port_count == SYSTEM_PORTS) {
			parse_limit(report, &child, SYSTEM_PORTS);
			return;
		}
		parse_name(report, &child);
		*port = (struct system_port){ .name = schema_name(&child) };
		schema_read(report, &child, port_table, ARRAY_SIZE(port_table), port);
		schema_only_children(report, &child, parse_no_children);
		device->port_count++;
	}
}

static void parse_device(const struct system *system, struct system_vm *vm,
			 const struct schema_node *node, struct report *report)
{
	static const uint8_t no_mac[6];
	struct system_device *device = &vm->devices[vm->device_count];
	const struct device_kind *kind;

	parse_name(report, node);
	*device = (struct system_device){ .name = schema_name(node), .backend = -1 };
	schema_read(report, node, device_table, ARRAY_SIZE(device_table), device);
	schema_only_children(report, node, device_children);
	parse_ports(device, node, report);
	device->backend = parse_program_name(system, node, "backend", device->backend_name, report);
	kind = device_kind(device->kind);
	if (kind != NULL && device->data_kib == 0)
		device->data_kib = kind->data_kib;
	if (device->kind == VMM_DEVICE_VIRTIO_NET &&
	    memcmp(device->mac, no_mac, sizeof(no_mac)) == 0)
		default_mac(vm->name, device->name, device->mac);
	place_virtio(vm, device);
	vm->device_count++;
}

void parse_devices(const struct system *system, struct system_vm *vm,
		   const struct schema_node *node, struct report *report)
{
	struct schema_node list, child = { .offset = -1 };

	if (!schema_child(node, "devices", &list)) {
		default_devices(vm);
		return;
	}
	schema_read(report, &list, NULL, 0, NULL);
	while (schema_next(&list, &child)) {
		if (vm->device_count == SYSTEM_DEVICES) {
			parse_limit(report, &child, SYSTEM_DEVICES);
			return;
		}
		parse_device(system, vm, &child, report);
	}
}

const char *system_console(const struct system_device *device, uint32_t port)
{
	if (port == 0)
		return device->console;
	return port <= device->port_count ? device->ports[port - 1].console : NULL;
}

void system_channel_params(const struct system_device *device, struct vmm_channel *channel)
{
	enum { SECTOR = 512 };

	switch (channel->kind) {
	case VMM_CHANNEL_BLOCK:
		channel->block = (struct vmm_block_params){
			.first = device->range.base / SECTOR,
			.count = device->range.size / SECTOR,
			.rate = KIB(device->rate_kib),
			.partition = device->partition,
			.read_only = device->read_only,
			.confined = 1,
		};
		if (device->serial != NULL)
			memcpy(channel->block.serial, device->serial, strlen(device->serial));
		break;
	case VMM_CHANNEL_NET:
		channel->net = (struct vmm_net_params){
			.rate = KIB(device->rate_kib),
			.broadcast = device->broadcast,
			.vlan = device->vlan,
			.trunk = device->trunk,
			.mtu = device->mtu,
		};
		memcpy(channel->net.mac, device->mac, sizeof(device->mac));
		break;
	case VMM_CHANNEL_SOCKET:
		channel->socket.cid = device->cid;
		break;
	default:
		break;
	}
}
