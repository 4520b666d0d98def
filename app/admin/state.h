/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the root task knows: addresses and badges it chooses, and struct admin, all of its state.
 *
 * CSpace: a root of 16 slots. Slot 0 leads to the CNode the kernel made ("kept" slots: what may stay
 * after sealing, and what the kernel gave). Slots 1.. lead to CNodes of 4096 "vault" slots each: every
 * object's own capability, which nobody needs once the system runs, but which must exist, since a
 * frame whose capability is deleted is unmapped. Sealing cuts the vault off (seal.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sel4/sel4.h>
#include <vmm/channel.h>
#include <vmm/config.h>
#include <vmm/console.h>
#include <vmm/image.h>
#include <vmm/start.h>
#include <vmm/timer.h>

#include "vmm/admin/system.h"
#include "vmm/admin/untyped.h"
#include "vmm/backend/console/sddf.h"
#include "vmm/base/seed.h"

enum {
	CHUNK_BITS = 12, /* slots of a CNode below the root, as the kernel's own */
	ROOT_BITS = 4,
	ROOT_DEPTH = 64 - CHUNK_BITS, /* depth at which a slot of the root itself is named */

	PAGE_BYTES = 4096,
	CONFIG_BYTES = 4 * PAGE_BYTES, /* a program's own configuration, at most */
	SHARED_FRAMES = 4096,          /* frames of images and of programs' constant segments */
	SHARED_FILES = 16,             /* program files */
	VCPU_SCS = 2, /* scheduling contexts of a vCPU: its handler's, its guest's */
	KEPT_MAX = 32,
	PEERS_MAX = VMM_CONSOLE_CLIENTS + 1, /* who a program signals: the console has most */
	GICV_PAGES = 2,                      /* the second holds GICC_DIR (IHI 0048, 4.1.3) */
	PROGRAM_MAX = SYSTEM_PROGRAMS + SYSTEM_VMS + SYSTEM_OWN_ALL,
	PRIORITY_LOWEST = 1, /* the others: vmm/admin/system.h */
};

/*
 * Admin's own address space, beside its image, which ends below 1 GiB. A test on a host has other
 * things there.
 */
#ifndef ADMIN_BASE
#define ADMIN_BASE UINT64_C(0x100000000)
#endif
#define ADMIN_UART    (ADMIN_BASE)
#define ADMIN_TEMP    (ADMIN_BASE + 0x1000)     /* one page, for writing into others' frames */
#define ADMIN_SPACE   (ADMIN_BASE + 0x10000)    /* from here on: struct admin.self */
#define ADMIN_CLEAR   (ADMIN_BASE + 0x20000000) /* one large page: guest RAM, while it is cleared */
#define ADMIN_ARCHIVE (ADMIN_BASE + 0x40000000) /* program files while they are loaded */

/* Badges at admin's endpoint, and of its notification. */
#define BADGE_FAULT(program, thread) \
	(UINT64_C(1) << 32 | (uint64_t)(program) << 8 | (uint64_t)(thread))
#define BADGE_VM(vm) (UINT64_C(1) << 33 | (uint64_t)(vm))

/* The timer server is up (include/vmm/timer.h). */
#define BADGE_UP (UINT64_C(1) << 62)

/* Programs have run for a while (app/lib/alive.h): this bit, and one a program. */
#define BADGE_ALIVE          (UINT64_C(1) << 63)
#define BADGE_ALIVE_PROGRAMS ((UINT64_C(1) << PROGRAM_MAX) - 1)
_Static_assert(PROGRAM_MAX < 62, "a bit a program");

struct space {
	seL4_CPtr vspace;
	uint64_t next; /* end of what is mapped so far */
};

/* One frame that several programs map. Its own capability is never mapped: each gets a copy. */
struct shared_frame {
	seL4_CPtr cap;
	uint32_t page;   /* segments: page number of the address it belongs at */
	bool executable; /* segments */
};

/* Frames [first, first + count) of admin.frames. */
struct shared_run {
	uint32_t first, count;
	uint64_t frame_size; /* images */
};

/* A program file's constant segments, made once. */
struct shared_file {
	const char *name;
	struct shared_run run;
};

enum { PROGRAM_DATA = 2 };

/* A writable segment of a program that can be started again, as admin has it mapped. */
struct program_data {
	uint64_t at, size; /* in admin's address space */
	const unsigned char *from;
	uint64_t from_size; /* the rest is zero */
};

struct program {
	const char *name;
	uint32_t id; /* index into admin.programs */
	struct space space;
	seL4_CPtr cnode;
	uint32_t cnode_bits, next_cptr;
	uint32_t priority;
	uint64_t entry;
	seL4_CPtr tcbs[VMM_START_THREADS];
	bool runs[VMM_START_THREADS]; /* to be resumed when everything is built */
	uint64_t bytes;               /* memory taken for it alone */
	uint64_t shared_bytes;        /* of segments that others may share */
	struct vmm_start start;
	uint64_t start_vaddr, config_vaddr;
	uint64_t stack_top; /* of the main thread */
	/* What admin keeps to start it again when it faults, and to say that it will not. */
	bool restart;
	uint32_t restarts;
	uint32_t in_a_row; /* of these, since it was last alive */
	seL4_CPtr kept_tcb;
	uint32_t data_count;
	struct program_data data[PROGRAM_DATA];
	struct vmm_fate *fate; /* admin's mapping */
	seL4_CPtr fate_frame;  /* vault */
	uint32_t peer_count;
	seL4_CPtr peers[PEERS_MAX]; /* kept: its signals to the others */
};

struct vm_state {
	uint32_t program;       /* its VMM: index into programs */
	uint64_t guest_bytes;   /* guest's objects and tables, without RAM */
	uint64_t timer_bytes;   /* its clients in the timer server */
	uint64_t channel_bytes; /* shared with native programs */
	bool ended, failed;
	seL4_CPtr scs[SYSTEM_VCPUS * VCPU_SCS]; /* all its time; kept */
	uint32_t sc_count;
};

struct log {
	bool uart; /* the UART is mapped at ADMIN_UART */
	seL4_CPtr uart_frame;
	bool queue; /* `channel` is attached and the console runs */
	struct console_log channel;
	seL4_CPtr notify;
};

struct admin {
	const seL4_BootInfo *bi;
	/* What is being built, for the message when the kernel refuses: "VM" "debian". */
	struct {
		const char *kind, *name;
	} building;
	const struct vmm_blob *blob;
	struct system system;
	struct log log;

	bool seeded;
	struct seed seed; /* of what VMs start their random numbers from */
	struct untyped_pool pool;
	uint64_t window_next, window_end; /* what is left of the board's image window */
	uint64_t *account;                /* where the bytes of new objects are added up */
	uint64_t own_bytes;
	seL4_CPtr root;       /* the CSpace root */
	uint32_t chunk_count; /* CNodes below it */
	uint64_t next_vault, next_kept;
	/* slots that stay after sealing */
	uint64_t kept[KEPT_MAX + SYSTEM_TIMER_CLIENTS * VCPU_SCS + PROGRAM_MAX * PEERS_MAX];
	uint32_t kept_count;

	uint32_t frame_count;
	struct shared_frame frames[SHARED_FRAMES];
	uint32_t file_count;
	struct shared_file files[SHARED_FILES];
	struct shared_run images[SYSTEM_IMAGES];
	seL4_CPtr gicv_frames[GICV_PAGES];

	struct space self;
	seL4_CPtr endpoint;       /* vault: all rights */
	seL4_CPtr notification;   /* vault: bound to admin's thread */
	seL4_CPtr receive, reply; /* kept */
	bool smc;                 /* the kernel allows SMC calls */

	uint32_t program_count;
	struct program programs[PROGRAM_MAX];
	struct vm_state vms[SYSTEM_VMS];
	struct vmm_native_config natives[SYSTEM_PROGRAMS];  /* from SYSTEM_FIXED_PROGRAMS on */
	seL4_CPtr native_wakes[SYSTEM_PROGRAMS];            /* vault */
	uint32_t own_count;                                 /* programs of devices */
	struct vmm_config own_configs[SYSTEM_OWN_PROGRAMS]; /* of the VM being built */
	struct vmm_console_config console;
	struct vmm_timer_config timer;
	seL4_CPtr console_wake, serial_wake; /* vault */
};
