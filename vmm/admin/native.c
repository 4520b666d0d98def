// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/admin/native.h"

#include <stddef.h>

#include "vmm/admin/system.h"
#include "vmm/base/util.h"

/* A disk's requests come from many VMs; whoever waits for the interrupt comes before who sorts them. */
static const struct native_kind native_kinds[NATIVE_KINDS] = {
	[NATIVE_BLK_DRIVER] = {
		.name = "blk-driver", .file = "blk", .priority = SYSTEM_PRIORITY_DRIVER,
		.serves = VMM_CHANNEL_BLOCK, .clients_max = 1, .device = true, .dma_kib = 64,
	},
	[NATIVE_BLOCK] = {
		.name = "block", .file = "blkmux", .priority = SYSTEM_PRIORITY_SERVER,
		.serves = VMM_CHANNEL_BLOCK, .clients_max = 32, .driver = NATIVE_BLK_DRIVER,
		.driver_needed = true, .timer = true, .data_kib = 64,
	},
	[NATIVE_NET_DRIVER] = {
		.name = "net-driver", .file = "net", .priority = SYSTEM_PRIORITY_DRIVER,
		.serves = VMM_CHANNEL_NET, .clients_max = 1, .device = true, .dma_kib = 64,
	},
	[NATIVE_SWITCH] = {
		.name = "switch", .file = "switch", .priority = SYSTEM_PRIORITY_SERVER,
		.serves = VMM_CHANNEL_NET, .clients_max = 32, .driver = NATIVE_NET_DRIVER,
		.timer = true, .data_kib = 512,
	},
	[NATIVE_RNG_DRIVER] = {
		.name = "rng-driver", .file = "rng", .priority = SYSTEM_PRIORITY_DRIVER,
		.serves = VMM_CHANNEL_ENTROPY, .clients_max = 32, .device = true, .dma_kib = 16,
	},
	[NATIVE_SOCKETS] = {
		.name = "sockets", .file = "sockets", .priority = SYSTEM_PRIORITY_SERVER,
		.serves = VMM_CHANNEL_SOCKET, .clients_max = 32, .timer = true,
	},
	/* Reached through the router, as a VM is: for others a pattern, for tests a peer. */
	[NATIVE_ECHO] = {
		.name = "echo", .file = "echo", .priority = SYSTEM_PRIORITY_SERVER,
		.serves = VMM_CHANNEL_SOCKET, .driver = NATIVE_SOCKETS, .driver_needed = true,
		.data_kib = 128,
	},
};

const char *const native_kind_names[NATIVE_KINDS] = {
	"blk-driver", "block", "net-driver", "switch", "rng-driver", "sockets", "echo", NULL,
};

const struct native_kind *native_kind(uint32_t id)
{
	return id > NATIVE_FIXED && id < NATIVE_KINDS ? &native_kinds[id] : NULL;
}

/*
 * Block: 128 entries of 32 bytes behind 16; 128 of 12 behind 8; the medium's description. The data
 * belong to the client: the server and the driver behind it know only where they are.
 * Net: 512 entries of 16 bytes behind 8 in each queue.
 */
static const struct channel_kind channel_kinds[VMM_CHANNEL_KINDS] = {
	[VMM_CHANNEL_BLOCK] = {
		.region_count = 4,
		.region = {
			[VMM_BLOCK_REQUESTS] = { 8192, CHANNEL_BOTH_MAP },
			[VMM_BLOCK_RESPONSES] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_BLOCK_INFO] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_BLOCK_DATA] = { 0, CHANNEL_CLIENT_MAPS | CHANNEL_CONTIGUOUS },
		},
	},
	[VMM_CHANNEL_NET] = {
		.region_count = 6,
		.region = {
			[VMM_NET_RX_FREE] = { 12288, CHANNEL_BOTH_MAP },
			[VMM_NET_RX_ACTIVE] = { 12288, CHANNEL_BOTH_MAP },
			[VMM_NET_TX_FREE] = { 12288, CHANNEL_BOTH_MAP },
			[VMM_NET_TX_ACTIVE] = { 12288, CHANNEL_BOTH_MAP },
			[VMM_NET_RX_DATA] = { 0, CHANNEL_BOTH_MAP | CHANNEL_CONTIGUOUS },
			[VMM_NET_TX_DATA] = { 0, CHANNEL_BOTH_MAP | CHANNEL_CONTIGUOUS },
		},
	},
	[VMM_CHANNEL_SOCKET] = {
		.region_count = 4,
		.region = {
			[VMM_SOCKET_RX_QUEUE] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_SOCKET_TX_QUEUE] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_SOCKET_RX_DATA] = { 0, CHANNEL_BOTH_MAP },
			[VMM_SOCKET_TX_DATA] = { 0, CHANNEL_BOTH_MAP },
		},
	},
	[VMM_CHANNEL_ENTROPY] = {
		.region_count = 2,
		.region = {
			[VMM_ENTROPY_QUEUE] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_ENTROPY_DATA] = { 4096, CHANNEL_BOTH_MAP },
		},
	},
	[VMM_CHANNEL_DEVICE] = {
		.region_count = 3,
		.region = {
			[VMM_DEVICE_REGISTERS] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_DEVICE_WRITES] = { 4096, CHANNEL_BOTH_MAP },
			[VMM_DEVICE_KEPT] = { 4096, CHANNEL_SERVER_MAPS },
		},
	},
};

const struct channel_kind *channel_kind(uint32_t kind)
{
	return kind < VMM_CHANNEL_KINDS && channel_kinds[kind].region_count > 0
		       ? &channel_kinds[kind]
		       : NULL;
}

uint64_t channel_bytes(const struct channel_kind *kind, uint32_t data_kib)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < kind->region_count; i++)
		sum += kind->region[i].bytes != 0 ? kind->region[i].bytes : KIB(data_kib);
	return sum;
}

static const struct device_kind device_kinds[VMM_DEVICE_KINDS] = {
	[VMM_DEVICE_NONE] = { .name = "none" },
	[VMM_DEVICE_PL011] = { .name = "pl011", .console = true },
	[VMM_DEVICE_PL031] = { .name = "pl031" },
	[VMM_DEVICE_VIRTIO_BLK] = { .name = "virtio-blk",
				    .heap_kib = VMM_HEAP_KIB_BLK,
				    .virtio = true,
				    .channel = VMM_CHANNEL_BLOCK,
				    .data_kib = 512 },
	[VMM_DEVICE_VIRTIO_NET] = { .name = "virtio-net",
				    .heap_kib = VMM_HEAP_KIB_NET,
				    .virtio = true,
				    .channel = VMM_CHANNEL_NET,
				    .data_kib = 512 },
	[VMM_DEVICE_VIRTIO_CONSOLE] = { .name = "virtio-console",
					.heap_kib = VMM_HEAP_KIB_CONSOLE,
					.virtio = true,
					.console = true },
	[VMM_DEVICE_VIRTIO_RNG] = { .name = "virtio-rng",
				    .heap_kib = VMM_HEAP_KIB_RNG,
				    .virtio = true,
				    .channel = VMM_CHANNEL_ENTROPY },
	[VMM_DEVICE_VIRTIO_VSOCK] = { .name = "virtio-vsock",
				      .heap_kib = VMM_HEAP_KIB_VSOCK,
				      .virtio = true,
				      .channel = VMM_CHANNEL_SOCKET,
				      .data_kib = 128 },
	[VMM_DEVICE_VIRTIO_BALLOON] = { .name = "virtio-balloon",
					.heap_kib = VMM_HEAP_KIB_BALLOON,
					.virtio = true },
};

const char *const device_kind_names[VMM_DEVICE_KINDS + 1] = {
	"",           "pl011",        "pl031",
	"virtio-blk", "virtio-net",   "virtio-console",
	"virtio-rng", "virtio-vsock", "virtio-balloon",
	NULL,
};

const struct device_kind *device_kind(uint32_t kind)
{
	return kind < VMM_DEVICE_KINDS ? &device_kinds[kind] : NULL;
}
