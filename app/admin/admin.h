/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: builds what the system description says, seals the system, then only listens.
 *
 *   main.c     the order of work
 *   log.c      what is said, and where: the UART itself, later a queue to the console
 *   object.c   untyped memory to objects, and the slots for their capabilities
 *   space.c    address spaces
 *   archive.c  program files and guest images
 *   program.c  a program: address space, CSpace, threads, start page
 *   native.c   serial, console, timer
 *   channel.c  other native programs, and what connects them with VMs
 *   restart.c  a driver that died runs again
 *   vm.c       a VM: guest and VMM
 *   seal.c     gives everything up
 *   serve.c    faults, VMs that end, power off
 *
 * While it builds, the root task has the machine to itself: any refusal by the kernel ends in
 * admin_die(). One thread; no state but `struct admin`, which main.c holds.
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
#include <vmm/console.h>
#include <vmm/image.h>
#include <vmm/start.h>
#include <vmm/timer.h>

#include "vmm/admin/system.h"
#include "vmm/admin/untyped.h"
#include "vmm/backend/console/sddf.h"

enum {
	CHUNK_BITS = 12, /* slots of a CNode below the root, as the kernel's own */
	ROOT_BITS = 4,
	ROOT_DEPTH = 64 - CHUNK_BITS, /* depth at which a slot of the root itself is named */

	PAGE_BYTES = 4096,
	CONFIG_BYTES = 4 * PAGE_BYTES, /* a program's own configuration, at most */
	SHARED_FRAMES = 4096,          /* frames of images and of programs' constant segments */
	SHARED_FILES = 16,             /* program files */
	PASSIVE_MAX = 48,              /* handlers that hand over their scheduling context */
	KEPT_MAX = 16,
	GICV_PAGES = 2, /* the second holds GICC_DIR (IHI 0048, 4.1.3) */
	PROGRAM_MAX = SYSTEM_PROGRAMS + SYSTEM_VMS,
	PRIORITY_LOWEST = 1, /* the others: vmm/admin/system.h */
};

/* Admin's own address space, beside its image, which ends below 1 GiB. */
#define ADMIN_UART    UINT64_C(0x100000000)
#define ADMIN_TEMP    UINT64_C(0x100001000) /* one page, for writing into others' frames */
#define ADMIN_SPACE   UINT64_C(0x100010000) /* from here on: struct admin.self */
#define ADMIN_CLEAR   UINT64_C(0x120000000) /* one large page: guest RAM, while it is cleared */
#define ADMIN_ARCHIVE UINT64_C(0x140000000) /* program files while they are loaded */

/* Badges at admin's endpoint, and of its notification. */
#define BADGE_FAULT(program, thread) \
	(UINT64_C(1) << 32 | (uint64_t)(program) << 8 | (uint64_t)(thread))
#define BADGE_VM(vm)           (UINT64_C(1) << 33 | (uint64_t)(vm))
#define BADGE_PASSIVE(handler) (UINT64_C(1) << 63 | UINT64_C(1) << (handler))

/* The timer server is up (include/vmm/timer.h). */
#define BADGE_UP (UINT64_C(1) << 62)

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
};

/* A passive handler: what it starts on, and what its notification gets instead. Kept slots. */
struct handover {
	seL4_CPtr start_sc, sc, notification;
	bool done;
};

struct vm_state {
	uint64_t guest_bytes;   /* guest's objects and tables, without RAM */
	uint64_t timer_bytes;   /* its clients in the timer server */
	uint64_t channel_bytes; /* shared with native programs */
	bool ended, failed;
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
	const struct vmm_blob *blob;
	struct system system;
	struct log log;

	struct untyped_pool pool;
	uint64_t window_next, window_end; /* what is left of the board's image window */
	uint64_t *account;                /* where the bytes of new objects are added up */
	uint64_t own_bytes;
	seL4_CPtr root;       /* the CSpace root */
	uint32_t chunk_count; /* CNodes below it */
	uint64_t next_vault, next_kept;
	uint64_t kept[KEPT_MAX + 3 * PASSIVE_MAX]; /* slots that stay after sealing */
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
	struct vmm_native_config natives[SYSTEM_PROGRAMS]; /* from SYSTEM_FIXED_PROGRAMS on */
	seL4_CPtr native_wakes[SYSTEM_PROGRAMS];           /* vault */
	struct vmm_console_config console;
	struct vmm_timer_config timer;
	seL4_CPtr console_wake, serial_wake; /* vault */
	struct handover handovers[PASSIVE_MAX];
	uint32_t handover_count;
};

/* ---- log.c ---- */

/** Maps the UART and begins to speak on it. */
void log_init(struct admin *a);
/** One line, "vessel: " before it. */
void admin_say(struct admin *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Says it and stops for good: the system was not built. */
_Noreturn void admin_die(struct admin *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** admin_die() if `error` is one, naming the invocation and what it was for. */
void must(struct admin *a, seL4_Error error, const char *call, const char *what);
/** Gives the UART up and speaks through the console from now on. */
void log_to_console(struct admin *a);
/** Waits until the console has taken everything. */
void log_drain(struct admin *a);

/* ---- object.c ---- */

void object_init(struct admin *a);
/** A new object in a vault slot; `bits` is the size of the whole object, log2. */
seL4_CPtr object_new(struct admin *a, seL4_Word type, uint8_t bits);
/** A CNode of 2^bits slots. */
seL4_CPtr object_new_cnode(struct admin *a, uint8_t bits);
/** Up to `wanted` objects in consecutive slots; the result is how many, at least one. */
uint32_t object_new_run(struct admin *a, seL4_Word type, uint8_t bits, uint32_t wanted,
			seL4_CPtr *first);
/** A frame of device memory: 12 or 21 bits. */
seL4_CPtr object_device_frame(struct admin *a, uint64_t paddr, uint8_t bits);
/** A cleared large frame of the image window, behind the archive; 0 when there is none left. */
seL4_CPtr object_window_frame(struct admin *a);
/** A copy with fewer rights or a badge, in a vault slot. */
seL4_CPtr object_mint(struct admin *a, seL4_CPtr cap, seL4_CapRights_t rights, uint64_t badge);
seL4_CPtr object_copy(struct admin *a, seL4_CPtr cap);
/** The same, in a slot that stays after sealing. */
seL4_CPtr object_keep(struct admin *a, seL4_CPtr cap, seL4_CapRights_t rights, uint64_t badge);
/** An object in a slot that is already there. */
void object_into(struct admin *a, seL4_Word type, uint8_t bits, seL4_CPtr slot);
/** Small frames from the start of `untyped`, in consecutive slots. */
seL4_CPtr object_split(struct admin *a, seL4_CPtr untyped, uint32_t frames);
/** Consecutive unused vault slots, at most 2048. */
seL4_CPtr object_slots(struct admin *a, uint32_t count);
/** An unused vault slot. */
seL4_CPtr object_slot(struct admin *a);
/** A scheduling context, by `sched`'s core, budget and period. */
seL4_CPtr object_new_sc(struct admin *a, const struct system_sched *sched, uint64_t badge);

/* ---- space.c ---- */

void space_init(struct admin *a, struct space *space);
/** Maps a frame, with the page tables it takes. */
void space_map(struct admin *a, const struct space *space, seL4_CPtr frame, uint64_t vaddr,
	       seL4_CapRights_t rights, unsigned attributes);
/** Address space for `size` bytes behind everything else, with an unmapped page before it. */
uint64_t space_reserve(struct space *space, uint64_t size, uint64_t align);
/** `pages` zeroed pages, mapped read and write. `frames` may be NULL. */
uint64_t space_new_pages(struct admin *a, struct space *space, uint32_t pages, seL4_CPtr *frames);
/** Maps copies of the frames of an image, read-only, and returns where. */
uint64_t space_map_image(struct admin *a, struct space *space, const struct shared_run *run);
/** Writes into a frame nobody has mapped. `at + size` is at most a page. */
void space_write_frame(struct admin *a, seL4_CPtr frame, uint64_t at, const void *from,
		       uint64_t size, bool executable);

/* ---- archive.c ---- */

/** Loads program file `name` of the archive into `program`. */
void archive_load(struct admin *a, struct program *program, const char *name);
/** Image `index`: its frames, made at its first use, and its size in bytes. */
const struct shared_run *archive_image(struct admin *a, uint32_t index, uint64_t *size);

/* ---- program.c ---- */

struct thread_options {
	uint32_t core;
	seL4_CPtr sc; /* 0: none */
	uint32_t stack_pages;
	bool run; /* resume it when everything is built */
};

struct program *program_new(struct admin *a, const char *name, const char *file,
			    uint32_t cnode_bits, uint32_t priority);
/** Adds the next thread, with stack and IPC buffer; returns its index. */
uint32_t program_thread(struct admin *a, struct program *p, const struct thread_options *options);
/** A TCB in the program's spaces without stack, IPC buffer and start. */
seL4_CPtr program_bare_thread(struct admin *a, struct program *p);
/** Puts a copy of `cap` into the program's CSpace; returns its cptr there. */
uint64_t program_grant(struct admin *a, struct program *p, seL4_CPtr cap, seL4_CapRights_t rights,
		       uint64_t badge);
/** The same, and lists it in the start page. */
void program_name_cap(struct admin *a, struct program *p, const char *name, seL4_CPtr cap,
		      seL4_CapRights_t rights, uint64_t badge);
void program_name_region(struct admin *a, struct program *p, const char *name, uint64_t vaddr,
			 uint64_t size, uint64_t paddr);
/** Writes start page and configuration (at most CONFIG_BYTES; may be NULL), for good. */
void program_finish(struct admin *a, struct program *p, const void *config, uint64_t config_size);
/** Starts every thread that asked for it. */
void program_run(struct admin *a, struct program *p);

/* ---- native.c ---- */

/* A queue pair as a client sees it. */
struct queue_pair {
	uint64_t rx_queue, rx_data, tx_queue, tx_data;
};

void native_create(struct admin *a);
/** A new client of the console. `notify`: the client's notification, badged (vault); 0: none. */
void native_console_client(struct admin *a, const char *name, enum vmm_console_kind kind,
			   struct space *client, seL4_CPtr notify, struct queue_pair *pair);
/** A new client of the timer server; returns the endpoint to be granted to it (vault). */
seL4_CPtr native_timer_client(struct admin *a, seL4_CPtr notification, uint64_t badge,
			      uint32_t core);
void native_finish(struct admin *a);

/* ---- channel.c ---- */

/* One end of a channel while it is made. */
struct channel_end {
	struct program *program;
	seL4_CPtr wake; /* vault: its notification */
	uint64_t badge; /* that it wants for this channel */
	struct vmm_channel *channel;
	const char *name; /* the other end's */
};

/** Connects a client (0) and a server (1). Memory is put to a->account. */
void channel_connect(struct admin *a, uint32_t kind, uint32_t data_kib,
		     const struct channel_end ends[2]);
/** A new end of native program `program`. */
struct channel_end channel_native_end(struct admin *a, uint32_t program, const char *other);
void channel_create_natives(struct admin *a);
void channel_finish_natives(struct admin *a);

/* ---- vm.c ---- */

void vm_create(struct admin *a, uint32_t index);

/* ---- seal.c ---- */

void seal(struct admin *a);

/* ---- serve.c ---- */

/** Waits until the timer server is up; any program's fault before that is the end. */
void serve_until_up(struct admin *a);
_Noreturn void serve(struct admin *a);
