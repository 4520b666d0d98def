/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels: what a client and a server share, and what admin tells each of it.
 *
 * A channel has a kind, which says what its regions are; one table in vmm/admin/native.c gives their
 * sizes and who maps them. Both sides have a copy of struct vmm_channel with their own addresses. All
 * regions start out zeroed. Each side wakes the other by `notify`, and hears from it by `badge`.
 *
 * VMMs find theirs in struct vmm_config (<vmm/config.h>); native programs other than serial, console
 * and timer get a struct vmm_native_config, and in the start page
 *   capabilities  "wake"   the program's notification, all rights
 *                 "irq"    drivers: IRQ handler of the device; it signals "wake", VMM_NATIVE_BADGE_IRQ
 *                 "timer"  where the kind has time: the timer server's endpoint; it signals "wake" with
 *                          VMM_NATIVE_BADGE_TIMER
 *                 "alive"  to be signalled once, when the program has run for a while (app/lib/alive.h)
 *   regions       "device" drivers: the device's registers (device memory)
 *                 "dma"    drivers: memory in one piece, with its physical address
 */
#pragma once

#include <stdint.h>

enum vmm_channel_kind {
	VMM_CHANNEL_NONE = 0,
	VMM_CHANNEL_SERIAL,  /* bytes: a console, or a log (no rx) */
	VMM_CHANNEL_BLOCK,   /* vmm/backend/queue/blkq.h */
	VMM_CHANNEL_NET,     /* vmm/backend/queue/netq.h */
	VMM_CHANNEL_SOCKET,  /* vmm/backend/queue/sockq.h */
	VMM_CHANNEL_ENTROPY, /* vmm/backend/entropy/ */
	VMM_CHANNEL_DEVICE,  /* vmm/dev/link/link.h; the client is the VMM */
	VMM_CHANNEL_KINDS,
};

enum vmm_channel_role {
	VMM_ROLE_CLIENT = 0,
	VMM_ROLE_SERVER,
};

enum { VMM_CHANNEL_REGIONS = 6 };

/* Indices into vmm_channel.region. `tx` is what the client sends. */
enum { VMM_BLOCK_REQUESTS = 0, VMM_BLOCK_RESPONSES, VMM_BLOCK_INFO, VMM_BLOCK_DATA };
enum {
	VMM_NET_RX_FREE = 0,
	VMM_NET_RX_ACTIVE,
	VMM_NET_TX_FREE,
	VMM_NET_TX_ACTIVE,
	VMM_NET_RX_DATA,
	VMM_NET_TX_DATA,
};
enum {
	VMM_NET_CAPACITY = 512, /* entries in each queue */
	/* bytes of a buffer: frames between VMs and a switch may take several */
	VMM_NET_BUFFER = 2048,
};
enum { VMM_SOCKET_RX_QUEUE = 0, VMM_SOCKET_TX_QUEUE, VMM_SOCKET_RX_DATA, VMM_SOCKET_TX_DATA };
enum { VMM_ENTROPY_QUEUE = 0, VMM_ENTROPY_DATA };
enum { VMM_DEVICE_REGISTERS = 0, VMM_DEVICE_WRITES, VMM_DEVICE_KEPT };

struct vmm_region {
	uint64_t vaddr; /* 0: not mapped here */
	uint64_t paddr; /* 0: physically scattered, or none of this side's business */
	uint64_t size;
};

/* What the description says of a client, for its server to enforce; the client knows it too. */
struct vmm_block_params {
	uint64_t first, count; /* sectors of 512 bytes; count 0: all, or the partition */
	uint64_t rate;         /* bytes a second; 0: no limit */
	uint32_t partition;    /* number in the GPT; 0: none, by range */
	uint32_t read_only;
	/* Offsets are in the client's data region, and the server checks them; 0: they are DMA addresses. */
	uint32_t confined;
	uint32_t reserved;
	char serial[24]; /* at most 20 characters */
};

struct vmm_net_params {
	uint8_t mac[8];     /* the first six */
	uint64_t rate;      /* bytes a second; 0: no limit */
	uint64_t broadcast; /* frames a second; 0: no limit */
	uint32_t vlan;      /* 0: none */
	uint32_t trunk;     /* 1: frames keep their tags */
	uint32_t mtu;       /* 0: 1500 */
	uint32_t reserved;
};

struct vmm_socket_params {
	uint64_t cid;
};

/*
 * What becomes of a program that admin starts again when it faults: a page that admin writes and everyone
 * at the other end of the program's channels reads. When `over` changes, they are signalled.
 */
struct vmm_fate {
	/* 1: it died too often and will not run again: whoever waits for it must not */
	uint32_t over;
};

/*
 * A channel has either regions, which its kind numbers, or, of kind SERIAL, two queues by name: headers of
 * a page each, and data areas whose capacities are powers of two.
 */
struct vmm_channel {
	uint32_t kind;   /* enum vmm_channel_kind */
	uint32_t role;   /* enum vmm_channel_role */
	char name[32];   /* the other side's; a VM's device as "vm.device" */
	uint64_t notify; /* send side of the other's notification, with the badge it expects */
	uint64_t badge;  /* bit that the other side's signals set at ours */
	uint64_t fate;   /* the other side's struct vmm_fate, read-only; 0: it has none */
	union {
		struct {
			uint64_t rx_queue, rx_data; /* server writes, client reads */
			uint64_t tx_queue, tx_data; /* client writes, server reads */
			uint32_t rx_capacity, tx_capacity;
		};
		struct vmm_region region[VMM_CHANNEL_REGIONS];
	};
	union {
		struct vmm_block_params block;
		struct vmm_net_params net;
		struct vmm_socket_params socket;
	};
};

/* Badge bits at a notification. Bits 0 and 1 of a VMM: <vmm/config.h>. */
#define VMM_NATIVE_BADGE_IRQ   (UINT64_C(1) << 0)
#define VMM_NATIVE_BADGE_TIMER (UINT64_C(1) << 1)
#define VMM_BADGE_CHANNEL(i)   (UINT64_C(1) << (8 + (i)))

#define VMM_NATIVE_MAGIC   UINT64_C(0x5654414e53534556) /* "VESSNATV" */
#define VMM_NATIVE_VERSION 1

enum { VMM_NATIVE_CHANNELS = 48 };

/* vmm_start.config of a native program. Channel i has badge VMM_BADGE_CHANNEL(i). */
struct vmm_native_config {
	uint64_t magic;
	uint32_t version;
	uint32_t channel_count;
	uint32_t log_channel; /* SERIAL, client: lines for the system's log; UINT32_MAX: none */
	uint32_t reserved;
	struct vmm_channel channels[VMM_NATIVE_CHANNELS];
};

_Static_assert(sizeof(struct vmm_native_config) <= 16384, "fits four 4 KiB frames");
