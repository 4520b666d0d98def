/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What admin tells a `vmm` program about its VM: vmm_start.config points at it.
 *
 * Admin has checked it against the system description; the VMM checks it again before use, since a
 * wrong byte here must not become a wild access. Addresses called `host` are in the VMM's address
 * space, `gpa` in the guest's (IPA on Arm).
 */
#pragma once

#include <stdint.h>

#include <vmm/channel.h>

#define VMM_CONFIG_MAGIC   UINT64_C(0x464e4f4353534556) /* "VESSCONF" */
#define VMM_CONFIG_VERSION 1

enum {
	VMM_CONFIG_VCPUS = 8,
	VMM_CONFIG_RAM = 4,
	VMM_CONFIG_DEVICES = 40,
	VMM_CONFIG_CHANNELS = 16,
	VMM_CONFIG_PORTS = 24,
	VMM_CONFIG_CMDLINE = 1024,
	VMM_CONFIG_SEED = 32,
};

/* Badge bits of what a vCPU handler receives. Faults of its vCPU carry exactly VMM_BADGE_FAULT. */
#define VMM_BADGE_FAULT (UINT64_C(1) << 63)
#define VMM_BADGE_KICK  (UINT64_C(1) << 0) /* another handler of this VM has work for this vCPU */
#define VMM_BADGE_TIMER (UINT64_C(1) << 1) /* the deadline given to the timer server has passed */
/* VMM_BADGE_CHANNEL(i): channel i; only vCPU 0's handler gets these. <vmm/channel.h> */

/* All capabilities are cptrs in the VMM's CSpace. The handler of vCPU i is thread i of the program. */
struct vmm_config_vcpu {
	uint64_t tcb;      /* of the guest thread; its own CSpace is empty */
	uint64_t vcpu;     /* VCPU object */
	uint64_t fault_ep; /* receive side; faults arrive with VMM_BADGE_FAULT */
	uint64_t reply;    /* reply object for fault_ep */
	uint64_t kick;  /* send side of this handler's bound notification, badge VMM_BADGE_KICK */
	uint64_t timer; /* send side of the timer server's endpoint, badged for this vCPU */
	uint64_t mpidr; /* MPIDR_EL1 the guest sees, without bit 31 */
	uint32_t core;
	uint32_t passive; /* 1: the handler runs on the guest's donated scheduling context */
};

struct vmm_config_range {
	uint64_t gpa;
	uint64_t host; /* 0: not mapped into the VMM */
	uint64_t size;
};

enum vmm_image_kind {
	VMM_IMAGE_NONE = 0,
	VMM_IMAGE_LINUX, /* arm64 Image, already inflated by sysconf */
	VMM_IMAGE_ELF,
	VMM_IMAGE_RAW, /* loaded at `gpa`, entered at its first byte */
};

/* An image lies in memory shared read-only by all VMMs; it is copied at each start and reset. */
struct vmm_config_image {
	uint64_t host;
	uint64_t size; /* bytes */
	uint64_t gpa;  /* where to load; 0: the loader chooses */
	uint32_t kind; /* enum vmm_image_kind; initrd, dtb and overlay are RAW */
	uint32_t reserved;
};

enum vmm_device_kind {
	VMM_DEVICE_NONE = 0,
	VMM_DEVICE_PL011,
	VMM_DEVICE_PL031,
	VMM_DEVICE_VIRTIO_BLK,
	VMM_DEVICE_VIRTIO_NET,
	VMM_DEVICE_VIRTIO_CONSOLE,
	VMM_DEVICE_VIRTIO_RNG,
	VMM_DEVICE_VIRTIO_VSOCK,
	VMM_DEVICE_VIRTIO_BALLOON,
	VMM_DEVICE_KINDS,
};

/*
 * KiB of the VMM's heap that a device of each kind takes, with its backend and its transport: admin adds
 * them up, app/vmm/kinds.c is held to them when it is compiled.
 */
enum {
	VMM_HEAP_KIB_BLK = 68,
	VMM_HEAP_KIB_NET = 24,
	VMM_HEAP_KIB_CONSOLE = 12,
	VMM_HEAP_KIB_RNG = 12,
	VMM_HEAP_KIB_VSOCK = 12,
	VMM_HEAP_KIB_BALLOON = 16,
	VMM_HEAP_KIB_REMOTE = 4, /* any kind, where it is in another program */
	VMM_HEAP_KIB_FRONT = 20, /* the same, behind PCI */
};

enum vmm_transport {
	VMM_TRANSPORT_MMIO = 0,
	VMM_TRANSPORT_PCI,
};

#define VMM_DEVICE_PACKED (UINT32_C(1) << 0) /* virtio: offer packed rings */
/* The device is in a program of its own, at the end of its channel (VMM_CHANNEL_DEVICE) */
#define VMM_DEVICE_REMOTE (UINT32_C(1) << 1)

struct vmm_config_device {
	uint32_t kind;  /* enum vmm_device_kind */
	uint32_t intid; /* GIC INTID (SPI: 32 and up); 0: none */
	uint64_t gpa;   /* 0 with the PCI transport */
	uint64_t size;
	uint32_t channel;   /* index into channels for devices with a backend; UINT32_MAX: none */
	uint32_t transport; /* virtio: enum vmm_transport */
	uint32_t flags;     /* VMM_DEVICE_* */
	uint32_t queues; /* virtio: queues (pairs) where the kind may have several; 0: its choice */
	uint32_t balloon_pages; /* balloon: pages of 4 KiB that the guest is asked to give up */
	uint16_t first_port, port_count; /* virtio-console: of vmm_config.ports */
	/* virtio-mmio: a page that the guest may read at `gpa`, and the VMM writes here; 0: there is none */
	uint64_t page_host;
	char name[32];
};

/* A port of a virtio-console. */
struct vmm_config_port {
	uint32_t channel;       /* index into channels; UINT32_MAX: what is written goes nowhere */
	uint32_t serial;        /* 1: for the guest's programs, not a terminal */
	uint16_t columns, rows; /* 0: not known */
	uint32_t reserved;
	char name[32];
};

/*
 * The PCI host bridge with its GICv2m frame; there is none if `ecam_gpa` is 0. Functions are the
 * devices whose transport is PCI, in slots by their order.
 */
struct vmm_config_pci {
	uint64_t ecam_gpa, ecam_size;
	uint64_t low_gpa, low_size;    /* memory window below 4 GiB */
	uint64_t high_gpa, high_size;  /* memory window anywhere */
	uint64_t msi_gpa;              /* 4 KiB */
	uint32_t msi_first, msi_count; /* SPIs of the frame, INTIDs */
	uint32_t intx_first;           /* the first of four SPIs, INTID */
	uint32_t reserved;
};

/*
 * A program that has a single device of a VM (app/device) gets one too: with ram, heap, the device in
 * devices[0] and its backend's channel, and the link to the VMM as the channel of kind DEVICE.
 */
struct vmm_config {
	uint64_t magic;
	uint32_t version;
	uint32_t size; /* sizeof(struct vmm_config) of the writer */
	char name[32];
	uint32_t vcpu_count;
	uint32_t gic_version; /* 2 or 3, the guest's and the machine's */
	uint32_t lr_count;    /* list registers a vCPU has */
	uint32_t spi_count;   /* SPIs the guest's distributor shows, a multiple of 32 */
	uint32_t hvc;         /* 1: the guest's device tree says method = "hvc"; both always work */
	uint32_t ram_count;
	uint32_t device_count;
	uint32_t channel_count;
	/* index into channels for the VMM's own log lines; UINT32_MAX: none */
	uint32_t log_channel;
	uint32_t seeded; /* 1: `seed` is random, and this VM's alone */
	uint32_t port_count;
	uint32_t reserved;
	uint8_t seed[VMM_CONFIG_SEED];
	uint64_t gicd_gpa;
	uint64_t gicr_gpa; /* one 128 KiB frame a vCPU */
	uint64_t gicc_gpa; /* mapped by admin */
	/* A page that the guest can read and execute and the VMM can write. */
	uint64_t firmware_gpa, firmware_host;
	uint64_t admin;                /* endpoint to admin: VMM_ADMIN_* below */
	uint64_t heap_host, heap_size; /* zeroed, for the devices of this VM; 0: none needed */
	struct vmm_config_vcpu vcpus[VMM_CONFIG_VCPUS];
	struct vmm_config_range ram[VMM_CONFIG_RAM];
	struct vmm_config_pci pci;
	struct vmm_config_image kernel, initrd, dtb, overlay; /* dtb: replaces the generated tree */
	struct vmm_config_device devices[VMM_CONFIG_DEVICES];
	struct vmm_config_port ports[VMM_CONFIG_PORTS];
	struct vmm_channel channels[VMM_CONFIG_CHANNELS];
	char cmdline[VMM_CONFIG_CMDLINE];
};

_Static_assert(sizeof(struct vmm_config) <= 16384, "fits four 4 KiB frames");

/* Messages to admin: label, MR0.. Admin knows the sender by the badge. Sent with seL4_Call. */
enum {
	VMM_ADMIN_OFF = 1, /* the VM powered itself off */
	VMM_ADMIN_FAILED,  /* MR0 = enum vmm_err or guest reason; the VM will not run again */
};
