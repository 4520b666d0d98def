/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel test suite's harness.
 *
 * Each test is a function that runs in a thread of its own, with everything it creates taken from one
 * untyped that is revoked, and from capability slots that are emptied, before the next test. A check
 * that fails, a fault of any thread that has no handler of its own, or 30 seconds without an end
 * fail that test only. All threads share the root task's address space and CSpace unless a test says
 * otherwise.
 *
 * Helpers that create something end the test if the kernel refuses; invocations under test are made
 * directly and checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sel4/sel4.h>

#include "vmm/base/util.h"

/* What a test cannot do without; it is skipped elsewhere. */
enum kt_needs {
	KT_SMP = 1,   /* two cores or more */
	KT_SMC = 2,   /* the SMC capability */
	KT_DEBUG = 4, /* debug system calls */
	KT_UP = 8,    /* a kernel for one core */
	KT_GIC3 = 16,
	KT_STANDIN = 32, /* the stand-in: what seL4 16.0.0 does not do */
};

struct kt_test {
	const char *name;
	void (*run)(void);
	unsigned needs; /* enum kt_needs, or-ed */
};

struct kt_group {
	const struct kt_test *tests;
	size_t count;
};

#define KT_GROUP(name) \
	const struct kt_group name##_group = { .tests = tests, .count = ARRAY_SIZE(tests) }
#define KT(test)                           \
	{                                  \
		.name = #test, .run = test \
	}
#define KT_ON(test, required)                                   \
	{                                                       \
		.name = #test, .run = test, .needs = (required) \
	}

extern const struct kt_group boot_group, untyped_group, cnode_group, ipc_group, donation_group,
	ntfn_group, tcb_group, fault_group, sched_group, vspace_group, page_group, irq_group,
	vcpu_group, guest_group, vgic_group, smp_group, misc_group, random_group, asid_group;

_Noreturn void kt_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void kt_check_eq(const char *file, int line, const char *what, seL4_Word got, seL4_Word want);

#define CHECK(condition)                                               \
	do {                                                           \
		if (!(condition))                                      \
			kt_fail(__FILE__, __LINE__, "%s", #condition); \
	} while (0)
#define CHECK_EQ(got, want) \
	kt_check_eq(__FILE__, __LINE__, #got, (seL4_Word)(got), (seL4_Word)(want))
#define CHECK_OK(call) CHECK_EQ(call, seL4_NoError)

/* The machine and the kernel under test. */
const seL4_BootInfo *kt_bootinfo(void);
unsigned kt_gic(void);
bool kt_debug_kernel(void);

/* Memory and slots of this test. */
seL4_CPtr kt_memory(void);          /* an untyped, 2^KT_MEMORY_BITS bytes */
seL4_CPtr kt_slots(unsigned count); /* that many empty slots in a row, in the root CNode */
seL4_CPtr kt_new(seL4_Word type, seL4_Word size_bits);
seL4_CPtr kt_copy(seL4_CPtr cap);
seL4_CPtr kt_mint(seL4_CPtr cap, seL4_CapRights_t rights, seL4_Word badge);
void kt_delete(seL4_CPtr cap);
bool kt_empty(seL4_CPtr slot);
/** A frame of device memory at `paddr`. */
seL4_CPtr kt_device_frame(seL4_Word paddr, seL4_Word type, seL4_Word size_bits);

enum {
	KT_DEPTH = 64,
	KT_MEMORY_BITS = 25,
	KT_PRIO = 200, /* of the test itself */
	KT_THREADS = 8,
	KT_NO_CAP = 0,
};

#define KT_ROOT seL4_CapInitThreadCNode

/* Addresses that no test's image or mapping uses: from here on, tests may map what they like. */
#define KT_WINDOW UINT64_C(0x10000000)

/** Maps a frame into `vspace`, with page tables as needed. */
void kt_map_in(seL4_CPtr vspace, seL4_CPtr frame, seL4_Word vaddr, seL4_CapRights_t rights,
	       seL4_ARM_VMAttributes attr);
/** Maps a new small page into the test's own address space; returns its frame. */
seL4_CPtr kt_map(seL4_Word vaddr);
seL4_CPtr kt_new_vspace(void);

/* Threads. */
struct kt_thread {
	seL4_CPtr tcb, sc;
	unsigned index;
};

typedef void (*kt_entry)(seL4_Word argument);

/** A thread with a scheduling context of its own (budget = period), not started. */
struct kt_thread kt_thread_new(kt_entry entry, seL4_Word argument, seL4_Word priority);
void kt_start(const struct kt_thread *thread);
/** Both. */
struct kt_thread kt_spawn(kt_entry entry, seL4_Word argument, seL4_Word priority);
/** Sends the thread's faults to `endpoint` (0: none, the thread just stops). */
void kt_fault_to(const struct kt_thread *thread, seL4_CPtr endpoint);
void kt_set_sc(seL4_CPtr sc, unsigned core, seL4_Time budget, seL4_Time period);
seL4_CPtr kt_own_tcb(void); /* of the test's main thread */
seL4_CPtr kt_own_sc(void);
/** Stops a helper thread for good; returns from no thread function are needed. */
_Noreturn void kt_park(void);
/** Lets everyone of lower priority run for about `ms` milliseconds. */
void kt_sleep(unsigned ms);
/** Sleeps until `*word` is at least `least`; how long that takes is not our business. */
void kt_until(const volatile seL4_Word *word, seL4_Word least);

/* Sends `count` words of a long or short message by hand, for malformed invocations. */
seL4_Error kt_invoke_raw(seL4_CPtr cap, seL4_Word label, seL4_Word caps, seL4_Word length);

/* Guests. */
struct kt_vm {
	seL4_CPtr tcb, sc, vcpu, vspace, endpoint, reply;
	unsigned char *ram;      /* the guest's first page, as we see it */
	seL4_MessageInfo_t info; /* of the last exit */
	seL4_Word badge;
};

enum {
	KT_GUEST_RAM = 0x40000000,
	KT_GUEST_BADGE = 0x6e57,
	KT_GUEST_EL1H = 0x3c5,
};

/** A stopped guest whose page at KT_GUEST_RAM holds the code from `code` to `end`. */
struct kt_vm kt_vm_new(const char *code, const char *end);
/** Starts it at its first instruction, EL1h, interrupts masked, with x0 and x1. */
void kt_vm_start(struct kt_vm *vm, seL4_Word x0, seL4_Word x1);
/** Waits for an exit and checks its label. */
void kt_vm_exit(struct kt_vm *vm, seL4_Word label);
/** Waits for the HVC that guests end with; returns its x0. */
seL4_Word kt_vm_result(struct kt_vm *vm);
seL4_Word kt_vm_pc(struct kt_vm *vm);
/** Answers the exit so that the guest goes on at the next instruction. */
void kt_vm_next(struct kt_vm *vm);
/** Answers the exit as it is. */
void kt_vm_resume(struct kt_vm *vm);

/* Output, for the runner and for details. */
void kt_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
