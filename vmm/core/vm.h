/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM and its vCPUs, and the loop each vCPU's handler runs.
 *
 * A vCPU belongs to its handler thread: every field of struct vcpu except `mail` is that thread's
 * own. What vCPUs tell each other goes through `mail` (atomic bits, then a kick); what a VM-wide
 * change needs (reset, off) goes through struct vm's `request`:
 *
 *   RUN --vm_request()--> RESET/OFF/FAILED     whoever asks kicks all
 *   each handler parks its vCPU and counts itself in `parked`
 *   when all are parked, vCPU 0's handler acts: reloads and starts vCPU 0 (back to RUN), or ends
 *
 * A vCPU is OFF (parked), RUNNING, WAITING (stopped in a wait-for-interrupt), or SCRUBBING: one that
 * has run before starts with arch_scrubber() in the guest's place, and counts as off until that ends.
 * `held` says that its guest thread stands at an exit nobody has answered yet, so that an answer, not
 * a start, moves it.
 *
 * Guests cannot end a VMM: their mistakes become exceptions in the guest. A kernel call that fails is
 * the environment's failure, and ends the VM by way of `request`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/arch/arch.h"
#include "vmm/core/bus.h"
#include "vmm/core/gmem.h"
#include "vmm/core/irqchip.h"
#include "vmm/port/port.h"

enum {
	VM_VCPUS = 8,
};

enum vcpu_state {
	VCPU_OFF = 0,
	VCPU_RUNNING,
	VCPU_WAITING,
	VCPU_SCRUBBING,
};

enum vm_request {
	VM_RUN = 0,
	VM_RESET,
	VM_OFF,
	VM_FAILED,
};

/* Bits of vcpu.mail. */
#define VCPU_MAIL_START (1U << 0) /* leave OFF at start_entry */

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned index;
	enum vcpu_state state;
	bool held;
	bool used;       /* its guest ran since the kernel made it */
	bool timer_due;  /* the guest's own timer fired; port_timer_ack() is owed at its EOI */
	bool wake_boots; /* the end of WAITING is a start at start_entry (power-down suspend) */
	bool filled;     /* a list register was, since a wait last ended for what they hold */
	const uint32_t *work; /* irqchip_work() */
	struct irqchip *irqchip;
	struct irqchip_cpu *irqchip_cpu;
	const struct bus_region *bus_hint;
	bool again;            /* ops->again() at the next kick; the handler's own */
	uint32_t parked_round; /* vm->round for which it is parked */
	uint64_t cpu_id;       /* MPIDR the guest sees */
	uint32_t mail;         /* VCPU_MAIL_*, atomic, written by any handler */
	uint64_t start_entry;  /* where it starts; whoever sends VCPU_MAIL_START has written it */
	uint64_t start_argument;
	uint64_t result[4];              /* of a hypercall */
	uint64_t exits[EXIT_KIND_COUNT]; /* statistics; read by others when it is parked */
	struct port_vcpu port;
};

/* Where a suspended vCPU starts again: VM_CALL_SUSPEND. */
struct vm_start {
	uint64_t entry, argument;
};

enum vm_call_outcome {
	VM_CALL_RETURN,     /* reg[0] is the result, the others are as they were */
	VM_CALL_RETURN_ALL, /* reg[0..3] are the results */
	VM_CALL_WAIT,       /* as VM_CALL_RETURN, once an interrupt is due */
	VM_CALL_SUSPEND,    /* once an interrupt is due, start at *start */
	VM_CALL_PARK,       /* this vCPU is off until vcpu_start() */
	VM_CALL_STOP,       /* vm_request() was called */
};

/* What the program that builds a VM gives the loop. All are called by vCPU handlers. */
struct vm_ops {
	/** A guest's call to its firmware, PSCI and the like: x0 to x3 in `reg`, results too. */
	enum vm_call_outcome (*call)(struct vcpu *vcpu, uint64_t reg[4], struct vm_start *start);
	/** The vCPU leaves OFF and is about to run. */
	void (*started)(struct vcpu *vcpu);
	/** Signals other than kick, and the timer's while there is an alarm; vCPU 0's handler only. */
	void (*signal)(struct vm *vm, uint64_t badge);
	/** vm_again() was called for this vCPU, or vm_later() and this vCPU is about to wait. */
	void (*again)(struct vm *vm, unsigned vcpu);
	/** All vCPUs are parked: reset devices, reload RAM, and say where vCPU 0 starts. */
	enum vmm_err (*reload)(struct vm *vm, uint64_t *entry, uint64_t *argument);
	/** All vCPUs are parked for good; `request` is VM_OFF or VM_FAILED. May not return. */
	void (*ended)(struct vm *vm, enum vm_request request, enum vmm_err why);
};

struct vm {
	const struct vm_ops *ops;
	void *context; /* the program's own */
	struct irqchip *irqchip;
	unsigned vcpu_count;
	uint32_t request; /* enum vm_request; atomic, leaves VM_RUN once */
	uint32_t round;   /* counts requests carried out; written by vCPU 0 while all are parked */
	uint32_t parked;  /* how many are parked for this round; atomic */
	uint32_t why;     /* enum vmm_err of VM_FAILED; atomic */
	bool over;        /* ops->ended was called; vCPU 0's handler's own */
	uint64_t kick_badge, timer_badge;
	uint64_t scrub_entry, scrub_argument; /* where guests see arch_scrubber() */
	/*
	 * Counter ticks by which a waiting guest is woken before its timer's deadline: about what it
	 * takes from the timer server's signal to the guest's next instruction. A guest's wait may
	 * complete at any time, and its own timer then interrupts it exactly at the deadline.
	 */
	uint64_t timer_lead;
	/*
	 * When a device wants ops->signal() with the timer's badge (counter ticks, 0: never); atomic.
	 * vCPU 0's handler sees to it, on the one timer it has.
	 */
	uint64_t alarm;
	uint32_t alarm_new; /* another vCPU set it, and vCPU 0's handler has not looked; atomic */
	uint32_t later;     /* vm_later(); atomic */
	struct gmem gmem;
	struct bus bus;
	struct vcpu vcpu[VM_VCPUS];
};

/** Sets what all VMs start with; the caller has filled in ops, irqchip, memory, bus and vCPUs. */
void vm_init(struct vm *vm);

/** Asks for a VM-wide change; the first request wins until it is carried out. Any handler. */
void vm_request(struct vm *vm, enum vm_request request, enum vmm_err why);

/** Wakes the handler of a vCPU so that it looks for interrupts and mail. Any handler. */
void vm_kick(struct vm *vm, unsigned vcpu);

/**
 * Calls ops->again() from the run loop of `self`, the caller, after its guest was answered. For work
 * that has no end of its own: what is done in one go must be bounded.
 */
void vm_again(struct vm *vm, unsigned self);

/** Calls ops->again() when a vCPU, whichever is first, has nothing to do. Any handler. */
static inline void vm_later(struct vm *vm)
{
	__atomic_store_n(&vm->later, 1, __ATOMIC_RELEASE);
}

/**
 * Sets vm.alarm, for the handler of vCPU `self` that is running a device. True: it has passed, and the
 * device may look at once.
 */
bool vm_set_alarm(struct vm *vm, unsigned self, uint64_t ticks);

/** Makes an OFF vCPU start. The caller (PSCI) knows that it is off and not being started. */
void vcpu_start(struct vcpu *vcpu, uint64_t entry, uint64_t argument);

/**
 * The handler of one vCPU. Every vCPU begins parked; vCPU 0's handler, once all are, performs the
 * VM's first reload.
 */
_Noreturn void vcpu_run(struct vcpu *vcpu);
