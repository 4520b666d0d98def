/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A system description, read and checked: what sysconf packs and what admin builds.
 *
 * The description is a device tree (docs/guides/system-description.md); system_parse() is the only
 * code that reads one, on the host and on the target. It uses libfdt, no globals and no memory but
 * the caller's; the blob may hold anything. Strings point into the blob, which must outlive the
 * structure. After an error nothing of the structure may be used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmm/config.h>
#include <vmm/timer.h>

#include "vmm/admin/native.h"
#include "vmm/admin/report.h"

enum {
	SYSTEM_NAME = 32, /* bytes of a name with its NUL */
	SYSTEM_CORES = 8,
	SYSTEM_IMAGES = 32,
	SYSTEM_VMS = 16,
	SYSTEM_OWN_PROGRAMS = 4, /* devices of a VM that have one */
	SYSTEM_OWN_ALL = 16,     /* the same, of all VMs */
	SYSTEM_VCPUS = VMM_CONFIG_VCPUS,
	SYSTEM_RAM = VMM_CONFIG_RAM,
	SYSTEM_PROGRAMS = 16,
	SYSTEM_PORTS = 3,    /* of a virtio-console, beside its first */
	SYSTEM_DEVICES = 16, /* that a VM's description may list */
	SYSTEM_BOARD_RAM = 4,
	/* Clients of the timer server: vCPUs, some native programs, and the console. */
	SYSTEM_TIMER_CLIENTS = VMM_TIMER_CLIENTS - 1,
	SYSTEM_SPIS = 480,     /* most that a VM's distributor shows */
	SYSTEM_FIRST_SPI = 32, /* INTID of SPI 0 */
};

#define SYSTEM_DEVICE_FILE "device" /* the program of a device that has its own */

#define SYSTEM_ADDRESS_LIMIT (UINT64_C(1) << 40) /* of guest and of board addresses */
#define SYSTEM_PAGE          UINT64_C(0x1000)
#define SYSTEM_LARGE_PAGE    UINT64_C(0x200000)
#define SYSTEM_GUEST_RAM     UINT64_C(0x40000000) /* where a guest's RAM starts by default */
#define SYSTEM_PCI_ECAM_SIZE (UINT64_C(1) << 20)  /* one bus */
#define SYSTEM_PCI_ALIGN     UINT64_C(0x10000)    /* of memory windows */
/* What a VM needs beside its RAM: programs, tables, kernel objects. Checked against the board. */
#define SYSTEM_VM_OVERHEAD (UINT64_C(512) << 10)
/* Where a VM's firmware page is, behind its GICC whether it has one or not. */
#define SYSTEM_FIRMWARE_OFFSET UINT64_C(0xf000)
/* What a device's own program needs: code, heap, objects. */
#define SYSTEM_OWN_OVERHEAD (UINT64_C(512) << 10)
/* What the kernel, admin and the native programs need. */
#define SYSTEM_BASE_OVERHEAD (UINT64_C(16) << 20)

/*
 * Priorities, highest first. Whoever is needed to keep time or to keep a promise to several VMs is
 * above every VM; a handler is above its own guest, so that an exit is served at once, and a VM of
 * higher priority has its handlers above the other VMs' guests too.
 */
enum {
	SYSTEM_PRIORITY_ADMIN = 250,
	SYSTEM_PRIORITY_TIMER = 245,
	SYSTEM_PRIORITY_SERIAL = 230,
	SYSTEM_PRIORITY_DRIVER = 225,
	SYSTEM_PRIORITY_CONSOLE = 220,
	SYSTEM_PRIORITY_DEVICE = 210, /* of a device's own program: below what serves it */
	SYSTEM_PRIORITY_SERVER = 215,
	SYSTEM_PRIORITY_VM_MAX = 200, /* of a guest; its handler has one more */
	SYSTEM_PRIORITY_VM = 100,
};

enum system_image_kind {
	SYSTEM_IMAGE_LINUX,
	SYSTEM_IMAGE_ELF,
	SYSTEM_IMAGE_RAW,
	SYSTEM_IMAGE_INITRD,
	SYSTEM_IMAGE_DTB,
	SYSTEM_IMAGE_OVERLAY,
};

enum system_handler { SYSTEM_HANDLER_ACTIVE, SYSTEM_HANDLER_PASSIVE };
enum system_psci { SYSTEM_PSCI_SMC, SYSTEM_PSCI_HVC };
enum system_program_id {
	SYSTEM_SERIAL,
	SYSTEM_CONSOLE,
	SYSTEM_TIMER,
	SYSTEM_FIXED_PROGRAMS, /* the others are as described */
};

struct system_range {
	uint64_t base, size;
};

/* When and where something runs. budget == period: no reservation, its turn among its equals. */
struct system_sched {
	uint32_t core, priority;
	uint64_t budget_us, period_us;
};

struct system_board {
	uint32_t cores;
	uint32_t gic_version;
	uint32_t list_registers;
	uint32_t ram_count;
	struct system_range ram[SYSTEM_BOARD_RAM]; /* that the kernel hands out as memory */
	struct system_range image_window; /* RAM the kernel leaves alone, where the images lie */
	struct system_range uart;
	uint32_t uart_interrupt;
	uint64_t gicv; /* physical address of the GIC virtual CPU interface; GICv2 only */
	uint64_t guest_gicd, guest_gicr, guest_gicc; /* where guests see them */
};

struct system_image {
	const char *name;
	const char *file;
	uint32_t kind;         /* enum system_image_kind */
	uint64_t load_address; /* guest physical; 0: the loader's choice */
};

struct system_program {
	const char *name;
	const char *file; /* ELF in the programs' directory */
	struct system_sched sched;
	uint32_t kind; /* enum native_kind_id */
	const char *driver_name;
	int32_t driver;             /* index into programs; -1: none */
	struct system_range device; /* registers; size 0: none */
	uint32_t cid;               /* its address at the socket router; 0: it has none */
	uint32_t interrupt;
};

struct system_vcpu {
	struct system_sched sched;
	uint64_t mpidr; /* affinity fields only */
};

/* A console's way out: to the multiplexer, or nowhere. */
struct system_port {
	const char *name;
	const char *console;    /* name at the multiplexer; NULL: it is not connected */
	uint32_t serial;        /* the guest's programs open it by its name; it is no terminal */
	uint32_t columns, rows; /* of the terminal; 0: not known */
};

struct system_device {
	const char *name;
	uint32_t kind; /* enum vmm_device_kind */
	struct system_range at;
	uint32_t interrupt;     /* INTID; 0: none (PCI) */
	const char *console;    /* name of its console; NULL: it has none */
	uint32_t columns, rows; /* virtio-console: its terminal's; 0: not known */
	uint32_t port_count;    /* virtio-console: beside the first, which is the device itself */
	struct system_port ports[SYSTEM_PORTS];
	uint32_t transport; /* enum vmm_transport */
	uint32_t packed, queues;
	uint32_t own_program; /* it does not run in the VMM */
	const char *backend_name;
	int32_t backend;   /* index into programs; -1: none */
	uint32_t data_kib; /* size of each data region shared with it */
	/* Of the backends' parameters, those of its kind. */
	uint32_t partition, read_only;
	struct system_range range; /* bytes of the disk; size 0: all */
	uint64_t rate_kib;         /* a second; 0: no limit */
	const char *serial;
	uint8_t mac[6]; /* virtio-net: never all 0 */
	uint32_t vlan, trunk, mtu;
	uint64_t broadcast; /* frames a second; 0: no limit */
	uint32_t cid;
	uint32_t balloon_mib; /* what the guest is asked to do without */
};

/* A VM's PCI bus. */
struct system_pci {
	bool present;
	uint64_t ecam;                 /* SYSTEM_PCI_ECAM_SIZE bytes */
	struct system_range low, high; /* memory windows, the first below 4 GiB */
	uint64_t msi_frame;            /* a page */
	uint32_t msis;                 /* how many, the last of the VM's interrupts */
	uint32_t interrupt;            /* INTID of the first of four lines */
};

struct system_vm {
	const char *name;
	const char *file; /* the VMM's ELF */
	uint32_t vcpu_count;
	struct system_vcpu vcpus[SYSTEM_VCPUS];
	uint32_t ram_count;
	struct system_range ram[SYSTEM_RAM];
	int32_t kernel, initrd, dtb, overlay; /* index into images; -1: none */
	const char *cmdline;
	uint32_t psci;    /* enum system_psci */
	uint32_t handler; /* enum system_handler */
	uint32_t spis;
	uint32_t device_count;
	struct system_device devices[SYSTEM_DEVICES];
	struct system_pci pci;
};

struct system {
	struct system_board board;
	uint32_t image_count;
	struct system_image images[SYSTEM_IMAGES];
	uint32_t program_count; /* the fixed ones come first, by enum system_program_id */
	struct system_program programs[SYSTEM_PROGRAMS];
	uint32_t vm_count;
	struct system_vm vms[SYSTEM_VMS];
};

/**
 * Reads and checks the description in the `size` bytes at `fdt` (8-byte aligned). Everything wrong
 * goes to `report`; true if nothing was. What needs the files (an image's contents) or the machine
 * (memory that is really there) is the caller's to check.
 */
bool system_parse(struct system *system, const void *fdt, size_t size, struct report *report);

/** The relations between parts of a well-formed system; called by system_parse(). */
void system_check(const struct system *system, struct report *report);

/** The part of them that is about native programs and who uses them (check_native.c). */
void system_check_native(const struct system *system, struct report *report);

/** The part of them that is about a VM's PCI bus (pci.c). */
void system_check_pci(const struct system_vm *vm, struct report *report);

/** INTID of the first message; the others follow. */
uint32_t system_pci_first_msi(const struct system_vm *vm);

/** What of the VM's PCI bus owns the interrupt, for messages; NULL: nothing. */
const char *system_pci_interrupt(const struct system_vm *vm, uint32_t intid);

/** Memory for all channels between VMs and native programs. */
uint64_t system_channels_bytes(const struct system *system);

/** What the description says of a device, as its backend is told. */
void system_channel_params(const struct system_device *device, struct vmm_channel *channel);

/**
 * Reports it if the board has not the memory for all this, with a system image of `image_bytes` in it
 * (0: not known yet, as in system_check()).
 */
void system_check_memory(const struct system *system, uint64_t image_bytes, struct report *report);

/**
 * Name at the multiplexer of a device's port, 0 being the device itself; NULL: it has none. Any index
 * may be asked for.
 */
const char *system_console(const struct system_device *device, uint32_t port);

/** How many devices have a program of their own; at most SYSTEM_OWN_PROGRAMS. */
uint32_t system_own_programs(const struct system_vm *vm);

/** Bytes of its VMM's heap: what its devices take, in whole pages. */
uint64_t system_vm_heap(const struct system_vm *vm);

/** The sum of a VM's RAM. */
uint64_t system_vm_ram(const struct system_vm *vm);

/** True if the SC has a reservation: less than the whole core. */
bool system_sched_limited(const struct system_sched *sched);
