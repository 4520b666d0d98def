/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root task: builds what the system description says, seals the system, then only listens.
 *
 *   main.c     the program: its state, its stack
 *   build.c    the order of work
 *   log.c      what is said, and where: the UART itself, later a queue to the console
 *   machine.c  what is no kernel call: the UART's registers, clearing memory
 *   object.c   untyped memory to objects, and the slots for their capabilities
 *   space.c    address spaces
 *   archive.c  program files and guest images
 *   program.c  a program: address space, CSpace, threads, start page
 *   native.c   serial, console, timer
 *   channel.c  other native programs, and what connects them with VMs
 *   restart.c  a native program that died runs again
 *   vm.c       a VM: guest and VMM
 *   device.c   a VM's devices, in its VMM or in programs of their own
 *   seal.c     gives everything up
 *   serve.c    faults, VMs that end, power off
 *
 * While it builds, the root task has the machine to itself: any refusal by the kernel ends in
 * admin_die(). One thread; no state but `struct admin` (state.h), which main.c holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sel4/sel4.h>
#include <vmm/channel.h>
#include <vmm/config.h>
#include <vmm/console.h>

#include "app/admin/state.h"

/* ---- build.c ---- */

/** Builds the system, seals it, serves it. `a` is zeroed. */
_Noreturn void admin_run(struct admin *a, const seL4_BootInfo *bi);

/* ---- log.c ---- */

/** Maps the UART and begins to speak on it. */
void log_init(struct admin *a);
/** One line, "vessel: " before it. */
void admin_say(struct admin *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Says it and stops for good: the system was not built. */
_Noreturn void admin_die(struct admin *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** What errors from now on are about. Borrowed. */
void admin_builds(struct admin *a, const char *kind, const char *name);
/** admin_die() if `error` is one, naming what is being built, the invocation and what it was for. */
void must(struct admin *a, seL4_Error error, const char *call, const char *what);
/** Gives the UART up and speaks through the console from now on. */
void log_to_console(struct admin *a);
/** Waits until the console has taken everything. */
void log_drain(struct admin *a);

/* ---- machine.c ---- */

/** One character out of the PL011 whose registers are mapped at `uart`. */
void machine_put(uint64_t uart, char c);
/** Zeroes [at, at + size), whole pages. */
void machine_clear(uint64_t at, uint64_t size);

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
			    uint32_t cnode_bits, uint32_t priority, bool restart);
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

/* ---- restart.c ---- */

/** Keeps what it takes, if the program is to be started again when it faults; its main thread is there. */
void restart_prepare(struct admin *a, struct program *p);
/** Whom `p` signals, by `wake` with this badge (0: `wake` has one) is signalled when `p` starts again. */
void restart_peer(struct admin *a, struct program *p, seL4_CPtr wake, uint64_t badge);
/** A channel of `p` to `other`: where `other` reads of p's fate; 0: p has none. */
uint64_t restart_connect(struct admin *a, struct program *p, struct program *other, seL4_CPtr wake,
			 uint64_t badge);
/** Address space of admin's for a writable segment of `size` bytes, and what it holds at first. */
uint64_t restart_map(struct admin *a, struct program *p, const unsigned char *from,
		     uint64_t from_size, uint64_t size);
/** The program has faulted. True: it runs again. False: everyone who waits for it is told. */
bool restart(struct admin *a, struct program *p);
/** These programs, a bit each, have run for a while. */
void restart_alive(struct admin *a, uint64_t programs);

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

/* ---- device.c ---- */

/* A program that has device models, while it is made: the VMM, or one with a single device. */
struct device_host {
	struct program *program;
	seL4_CPtr wake; /* vault: its notification */
	struct vmm_config *config;
};

/* What is needed while the devices of one VM are made. */
struct device_build {
	struct admin *a;
	const struct system_vm *vm;
	struct vm_state *state;
	struct device_host vmm;
	uint32_t own_count;
	struct device_host own[SYSTEM_OWN_PROGRAMS];
};

/** Devices, channels, heaps, log; and the programs of devices that have their own. */
void device_add_all(struct device_build *b);
/** RAM range `index` of the VM is about to be mapped, into these programs too. */
void device_begin_ram(struct device_build *b, const struct vmm_config_range *range, uint32_t index);
/** A large frame of it, `at` bytes from its start. */
void device_map_ram(struct device_build *b, seL4_CPtr frame, uint64_t at, uint32_t index);
void device_finish(struct device_build *b);

/* ---- vm.c ---- */

void vm_create(struct admin *a, uint32_t index);

/* ---- seal.c ---- */

void seal(struct admin *a);

/* ---- serve.c ---- */

/** Waits until the timer server is up; any program's fault before that is the end. */
void serve_until_up(struct admin *a);
_Noreturn void serve(struct admin *a);
