/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How admin starts a program: the start page.
 *
 * Every thread of a program enters at the ELF's entry point with
 *   x0 = address of the program's start page, x1 = thread index (0 is the main thread), sp = its stack.
 * The start page is read-only for the program. All authority it has is named here; there is no
 * ambient service to ask for more. Capabilities and regions are found by name, once, at start.
 */
#pragma once

#include <stdint.h>

#define VMM_START_MAGIC   UINT64_C(0x5452415453534556) /* "VESSTART" */
#define VMM_START_VERSION 1

enum {
	VMM_START_NAME = 32,
	VMM_START_THREADS = 48,
	VMM_START_CAPS = 64,
	VMM_START_REGIONS = 32,
};

struct vmm_start_thread {
	uint64_t ipc_buffer; /* address of the thread's IPC buffer */
	uint64_t core;       /* core its scheduling context belongs to */
};

struct vmm_start_cap {
	char name[VMM_START_NAME]; /* NUL-terminated, for example "console.notify" */
	uint64_t cptr;             /* in the program's own CSpace, depth 64 */
};

struct vmm_start_region {
	char name[VMM_START_NAME]; /* for example "log.tx.queue", "uart" */
	uint64_t vaddr;            /* in the program's own address space */
	uint64_t size;             /* bytes */
	uint64_t paddr; /* physical address, 0 where the program has no business with it */
};

/* At most 8 KiB. */
struct vmm_start {
	uint64_t magic;
	uint32_t version;
	uint32_t thread_count;
	uint32_t cap_count;
	uint32_t region_count;
	char name[VMM_START_NAME]; /* the program's name in the system description */
	uint64_t config;           /* address of the kind's own configuration, 0 if it has none */
	uint64_t config_size;
	struct vmm_start_thread threads[VMM_START_THREADS];
	struct vmm_start_cap caps[VMM_START_CAPS];
	struct vmm_start_region regions[VMM_START_REGIONS];
};

_Static_assert(sizeof(struct vmm_start) <= 8192, "the start page is two 4 KiB frames at most");

/** The capability called `name`, or 0 (seL4_CapNull) if the program was not given it. */
uint64_t vmm_start_cap(const struct vmm_start *start, const char *name);

/** The region called `name`, or NULL. Borrowed from the start page. */
const struct vmm_start_region *vmm_start_region(const struct vmm_start *start, const char *name);
