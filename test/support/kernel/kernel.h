/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A seL4 for one root task on a host: objects, capabilities and address spaces, but no time and no
 * second thread. A program built with SEL4_TRAP_EXTERNAL runs on it as a part of a test.
 *
 * It keeps books as the kernel does (untyped memory, slots with guards and depths, rights and badges,
 * page tables, what is mapped where, the last capability that takes an object away) and refuses what
 * the kernel refuses with the same error, for the calls a root task makes while it builds a system.
 * A call it does not know ends the test. Physical memory is a file, which is really mapped into the
 * host where the root task maps it into itself.
 *
 * Hooks may make any call fail, and play the rest of the system. Objects are never freed before
 * fk_fini(): a dead one is only marked, so that a test may look at everything afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sel4/sel4.h>

enum {
	FK_OBJECTS = 16384,
	FK_ROOT_BITS = 12,
	FK_CORES = 4,
	/* Kinds beside those of <sel4/objecttype.h>. */
	FK_IRQ_CONTROL = 32,
	FK_IRQ_HANDLER,
	FK_ASID_CONTROL,
	FK_ASID_POOL,
	FK_SCHED_CONTROL,
	FK_DOMAIN,
	FK_SMC,
};

struct fk_object;

struct fk_cap {
	struct fk_object *object; /* NULL: an empty slot */
	uint64_t badge, rights;   /* seL4_CapRights_t */
	uint64_t guard;
	uint8_t guard_bits;
	struct fk_object *space; /* frames and page tables: where this capability is mapped */
	uint64_t vaddr;
};

struct fk_mapping {
	struct fk_object *frame;
	uint64_t vaddr, size, rights;
	unsigned attributes;
};

struct fk_table {
	uint64_t vaddr;
	uint8_t bits; /* of the address space it covers: 30 or 21 */
};

struct fk_object {
	uint32_t kind, number; /* number: IRQ, core */
	uint64_t paddr, used;  /* used: of untyped memory */
	uint8_t bits;          /* size, log2 */
	bool device, dead;
	uint32_t caps; /* capabilities to it, those in TCBs included */

	struct fk_cap *slots; /* CNode: 2^radix */
	uint8_t radix;

	bool asid; /* VSpace */
	struct fk_mapping *map;
	uint32_t map_count, table_count;
	struct fk_table *tables;

	/* Thread */
	struct fk_cap cspace, vspace, fault, buffer_frame;
	uint64_t buffer, priority, mcp, flags;
	seL4_UserContext regs;
	struct fk_object *vcpu;
	bool running;

	/* Thread: its own. Notification: what is bound to it. SC: what it is bound to. */
	struct fk_object *sc, *notification, *thread;

	uint64_t signals; /* notification: badges of all signals so far */
	uint64_t budget, period, extra_refills, sc_badge; /* scheduling context */
	bool configured;
};

struct fk_hooks {
	void *ctx;
	/* Before a call; anything but seL4_NoError is what it then fails with. May be NULL. */
	seL4_Error (*before)(void *ctx, uint64_t number, seL4_Word label);
	/* The root task waits. Fills the badge and message registers. */
	seL4_MessageInfo_t (*receive)(void *ctx, seL4_Word *badge);
	/* It prints by the kernel's debugging call. */
	void (*put)(void *ctx, char c);
	/* It has suspended itself, or switched the machine off. Must not return. */
	void (*stopped)(void *ctx, bool off);
};

struct fk_untyped {
	uint64_t paddr;
	uint8_t bits;
	bool device;
};

struct fk_boot {
	uint32_t cores;
	bool smc;
	const struct fk_untyped *untyped;
	uint32_t untyped_count;
	uint64_t self_base, self_size; /* addresses that the root task may map into itself */
};

struct fk {
	struct fk_hooks hooks;
	struct fk_boot boot;
	uint64_t calls;
	int memory; /* file with the physical memory */
	seL4_BootInfo bootinfo;
	seL4_IPCBuffer buffer;
	uint32_t object_count;
	struct fk_object *objects[FK_OBJECTS];
	struct fk_object *root_thread, *root_cnode, *root_vspace;
};

/** Starts a kernel afresh; the root task's system calls go to it until fk_fini(). */
void fk_init(struct fk *k, const struct fk_boot *boot, const struct fk_hooks *hooks);
void fk_fini(struct fk *k);

/** Copies from and to physical memory. */
void fk_read(struct fk *k, uint64_t paddr, void *to, uint64_t size);
void fk_write(struct fk *k, uint64_t paddr, const void *from, uint64_t size);

/** The mapping that holds `vaddr`, or NULL. */
const struct fk_mapping *fk_mapping(const struct fk_object *vspace, uint64_t vaddr);
/** Copies from a program's address space; false if something of it is not mapped. */
bool fk_read_space(struct fk *k, const struct fk_object *vspace, uint64_t vaddr, void *to,
		   uint64_t size);

/* ---- between the files of this folder ---- */

/** Whom system calls go to; NULL: nobody. */
void fk_current(struct fk *k);

struct fk_object *fk_object(struct fk *k, uint32_t kind, uint8_t bits, uint64_t paddr);
/** A capability with all rights. */
struct fk_cap fk_cap_new(struct fk_object *object);
void fk_cap_put(struct fk_cap *slot, const struct fk_cap *cap);
/** What a copy of `cap` would be; false if the kernel would refuse to make one. */
bool fk_cap_derive(const struct fk_cap *cap, struct fk_cap *out);
void fk_cap_delete(struct fk *k, struct fk_cap *slot);
/** The slot at `index`, of which `depth` bits count; NULL if there is none. */
struct fk_cap *fk_slot(const struct fk_cap *root, uint64_t index, unsigned depth);
/** The capability the root task means by `cptr`; NULL if it has none. */
struct fk_cap *fk_cap(struct fk *k, seL4_CPtr cptr);

seL4_Error fk_map_table(struct fk *k, struct fk_cap *cap, struct fk_object *space, uint64_t vaddr);
seL4_Error fk_map_frame(struct fk *k, struct fk_cap *cap, struct fk_object *space, uint64_t vaddr,
			uint64_t rights, unsigned attributes);
void fk_unmap(struct fk *k, struct fk_cap *cap);
