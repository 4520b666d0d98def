/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this folder offer each other. */
#pragma once

#include "standin/api/invocation.h"
#include "standin/sched/sched.h"

/* What can be asked of each kind. */
extern const struct methods frame_methods, page_table_methods, vspace_methods, asid_control_methods,
	asid_pool_methods, vcpu_methods;

/* ---- vcpu.c ---- */
/** The VCPU's registers are loaded and in force. */
void vcpu_enter(struct core *c, struct vcpu *v);
/** The loaded VCPU stays loaded, but traps, timer and virtual interrupts are the kernel's again. */
void vcpu_leave(struct core *c);
/** Nothing of the VCPU is in any core's registers afterwards. */
void vcpu_destroy(struct vcpu *v);
/** Its thread has no VCPU any more; what this core's registers hold of it is lost, as in seL4. */
void vcpu_dissociate(struct vcpu *v);
void vcpu_init(void *vcpu);
void vcpu_init_core(struct core *c);
void vcpu_maintenance(struct core *c);
void vcpu_virtual_timer(struct core *c);

/* ---- asid.c ---- */
/** The top table that the ASID stands for, or 0. */
u64 asid_lookup(u64 asid);
/** VTTBR_EL2 for a thread with this address space capability. */
u64 asid_vttbr(struct cap vspace);
/** Forgets what TLBs hold of the address space; of one page with `ipa`, of all with ~0. */
void asid_flush(u64 asid, u64 ipa);
void asid_remove_vspace(u64 asid, u64 pa);
void asid_remove_pool(struct cap pool);
/** At boot: makes a pool the first, and gives the address space an ASID of it. */
void asid_boot(u64 pool_pa, u64 asid, u64 vspace_pa);
void vttbr_set(struct core *c, u64 vttbr);

/* ---- vspace.c ---- */
enum { ATTR_CACHEABLE = 1, ATTR_NO_EXECUTE = 4 };
/**
 * The entry for `va` at the level where an entry covers 2^bits bytes; NULL: *missing is how many
 * bits the lowest table there is leaves.
 */
u64 *vspace_entry(u64 root_pa, u64 va, u64 bits, u64 *missing);
u64 vspace_leaf(u64 pa, u64 bits, u64 rights, u64 attr);
u64 vspace_table(u64 pa);
void vspace_unmap_frame(struct cap cap);
void vspace_unmap_table(struct cap cap);
static inline u64 cap_asid(struct cap c)
{
	return c.data >> 48;
}
static inline u64 cap_vaddr(struct cap c)
{
	return c.data & MASK(48);
}
static inline u64 mapping_data(u64 asid, u64 va)
{
	return asid << 48 | va;
}

/* ---- boot.c ---- */
bool arch_is_memory(u64 pa);

/* ---- cache.c ---- */
void cache_clean(u64 from, u64 size);
void cache_clean_invalidate(u64 from, u64 size);
void cache_unify(u64 from, u64 size);

/* ---- fpu.S ---- */
void fpu_save(struct fpu_state *state);
void fpu_load(const struct fpu_state *state);

/* ---- irq.c ---- */
void irq_handle(struct core *c);
void irq_init(void);
void irq_init_core(struct core *c);

/* ---- thread.c ---- */
void thread_init_core(struct core *c);
/** As far as the thread may choose: one that is no guest (any more) cannot be at EL1. */
void thread_set_spsr(struct tcb *t, u64 spsr);

/* ---- trap.c, trap.S ---- */
/** A secure monitor call with these registers x0 to x7; they are its results. */
void arch_smc(u64 r[8]);
_Noreturn void trap_return(struct tcb *t);
struct tcb *trap_sync(struct tcb *t, struct core *c, u64 esr);
struct tcb *trap_irq(struct tcb *t, struct core *c);
struct tcb *trap_serror(struct tcb *t, struct core *c);
_Noreturn void trap_from_kernel(u64 vector);
/** Waits for work, at the end of an entry that left nobody to run. */
struct tcb *trap_idle(struct core *c);
extern const char trap_vectors[];
