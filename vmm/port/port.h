/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM needs from a kernel, in plain words and for one vCPU at a time.
 *
 * One implementation a program, chosen by the linker: port/sel4 (system calls) or port/host (a fake
 * in one thread, under a test's control). Nothing above knows a system call, a capability's rights
 * or a message layout; nothing in here knows what a device or an interrupt controller is.
 *
 * Threads: every function that takes a struct port_vcpu is called by that vCPU's own handler, on
 * that vCPU's core, except port_kick(). The kernel keeps vCPU registers coherent nowhere else.
 *
 * Failure: VMM_ERR_KERNEL is returned by calls that answer. Calls that return void have no answer
 * (the kernel is not asked for one, which halves their price): their arguments are always legal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	PORT_GPRS = 31,
};

/* Handles for one vCPU, meaningful to the port alone. A copy of what admin's configuration names. */
struct port_vcpu {
	uint64_t thread; /* the guest's thread */
	uint64_t vcpu;   /* its virtual CPU */
	uint64_t source; /* where its exits and our signals arrive */
	uint64_t reply;  /* the answer to the exit received last */
	uint64_t kick;   /* wakes this vCPU's handler */
	uint64_t timer;  /* the timer server, as this vCPU */
	bool passive;    /* the handler runs on the guest's time */
	bool late; /* the port's own, as what follows: `inject` is still to be done in port_wait() */
	uint64_t pc, inject;
	void *buffer; /* port_attach() */
};

/* The numbers are the kernel's; those without a name here may come too. */
enum port_event_kind {
	PORT_EVENT_SIGNAL = 0,    /* badge: the signals that came */
	PORT_EVENT_HYPERCALL = 2, /* word: the first four arguments */
	PORT_EVENT_MEMORY = 6,    /* word: pc, guest-physical address, 1 if a fetch, syndrome */
	PORT_EVENT_IRQ_DONE = 7,  /* word: the list register that became free, or above any */
	PORT_EVENT_TRAP = 8,      /* word: syndrome; the pc is to be read */
	PORT_EVENT_TIMER = 9,     /* the guest's own timer; masked until port_timer_ack() */
	PORT_EVENT_OTHER,
};

struct port_event {
	enum port_event_kind kind;
	uint64_t badge;
	uint64_t word[4];
};

/* What is owed to the guest when its handler goes back to waiting. */
enum port_answer {
	PORT_HOLD = 0, /* nothing: the guest stays where it stopped, or has not been started */
	PORT_RUNNING,  /* nothing: the guest runs already (a signal came, or it was just started) */
	PORT_RESUME,   /* let it go on with the registers it has */
	PORT_COMPLETE, /* the same after PORT_EVENT_MEMORY, where it may be cheaper */
	PORT_BACK,     /* PORT_RESUME, if no interrupt was injected since the last wait */
	PORT_DELIVER,  /* PORT_RESUME, if port_deliver() was called and no interrupt injected */
	PORT_RETURN, /* PORT_EVENT_HYPERCALL only: go on after the call with result[0..3], valid as
			   long as no frame or gpr function was called since the event */
};

/**
 * Pays `answer` and waits for the next event, in one system call. With PORT_HOLD only signals come.
 * `result` is read for PORT_RETURN alone.
 */
void port_wait(struct port_vcpu *vcpu, enum port_answer answer, const uint64_t result[4],
	       struct port_event *event);

/* A stopped guest's user-visible registers. `sp` is the user stack's on Arm (SP_EL0). */
struct port_frame {
	uint64_t pc, sp, status;
	uint64_t gpr[PORT_GPRS];
	uint64_t tls[2]; /* TPIDR_EL0, TPIDRRO_EL0 on Arm */
};

/* Each part holds the one before; the price rises with it. */
enum port_frame_part {
	PORT_FRAME_HEAD, /* pc, sp, status, gpr[0] */
	PORT_FRAME_LOW,  /* and gpr[1..3] */
	PORT_FRAME_ALL,
};

/** Reads a part of the frame; the rest of `*frame` is left alone. */
VMM_MUST_CHECK enum vmm_err port_frame_read(const struct port_vcpu *vcpu, enum port_frame_part part,
					    struct port_frame *frame);

/** Writes a part of the frame. Never starts a guest. */
VMM_MUST_CHECK enum vmm_err port_frame_write(const struct port_vcpu *vcpu,
					     enum port_frame_part part,
					     const struct port_frame *frame);

/** Reads one register and the pc. `reg` < PORT_GPRS. */
VMM_MUST_CHECK enum vmm_err port_gpr_read(const struct port_vcpu *vcpu, unsigned reg,
					  uint64_t *value, uint64_t *pc);

/** Completes a load: writes one register and the pc. `reg` < PORT_GPRS. */
VMM_MUST_CHECK enum vmm_err port_gpr_load(const struct port_vcpu *vcpu, unsigned reg,
					  uint64_t value, uint64_t pc);

/** Moves the pc of a stopped guest. */
void port_pc_write(const struct port_vcpu *vcpu, uint64_t pc);

/**
 * What PORT_DELIVER, the answer that must be next, does before the guest goes on: moves its pc, and
 * injects an interrupt as port_irq_inject() does. Together they may be cheaper.
 */
void port_deliver(struct port_vcpu *vcpu, uint64_t pc, unsigned lr, unsigned intid,
		  unsigned priority, unsigned group);

/** What a vCPU's handler calls before anything else but port_time() and port_kick(). */
void port_attach(struct port_vcpu *vcpu);

/** Starts or restarts a guest thread that is not answered to (first start; after port_stop()). */
VMM_MUST_CHECK enum vmm_err port_start(const struct port_vcpu *vcpu);

/** Stops a guest thread that runs. Its registers can then be written. */
VMM_MUST_CHECK enum vmm_err port_stop(const struct port_vcpu *vcpu);

/*
 * AArch64 system registers that belong to the vCPU object. The numbers are the kernel's.
 */
enum port_sysreg {
	PORT_SCTLR_EL1 = 0,
	PORT_CPACR_EL1,
	PORT_TTBR0_EL1,
	PORT_TTBR1_EL1,
	PORT_TCR_EL1,
	PORT_MAIR_EL1,
	PORT_AMAIR_EL1,
	PORT_CONTEXTIDR_EL1,
	PORT_ACTLR_EL1,
	PORT_AFSR0_EL1,
	PORT_AFSR1_EL1,
	PORT_ESR_EL1,
	PORT_FAR_EL1,
	PORT_PAR_EL1,
	PORT_VBAR_EL1,
	PORT_TPIDR_EL1,
	PORT_VMPIDR_EL2,
	PORT_SP_EL1,
	PORT_ELR_EL1,
	PORT_SPSR_EL1,
	PORT_CNTV_CTL,
	PORT_CNTV_CVAL,
	PORT_CNTVOFF,
	PORT_CNTKCTL_EL1,
	PORT_SYSREG_COUNT,
};

VMM_MUST_CHECK enum vmm_err port_sysreg_read(const struct port_vcpu *vcpu, enum port_sysreg reg,
					     uint64_t *value);
VMM_MUST_CHECK enum vmm_err port_sysreg_write(const struct port_vcpu *vcpu, enum port_sysreg reg,
					      uint64_t value);

/**
 * Puts a pending interrupt into list register `lr`, which the caller knows to be free; by the next
 * port_wait() at the latest.
 */
void port_irq_inject(struct port_vcpu *vcpu, unsigned lr, unsigned intid, unsigned priority,
		     unsigned group);

/** The same for a register that may hold something; VMM_ERR_KERNEL if the kernel knows it active. */
VMM_MUST_CHECK enum vmm_err port_irq_replace(const struct port_vcpu *vcpu, unsigned lr,
					     unsigned intid, unsigned priority, unsigned group);

/** Lets the guest's own timer interrupt arrive again (PORT_EVENT_TIMER). */
void port_timer_ack(const struct port_vcpu *vcpu);

/** Asks for a timer signal at `deadline` (counter ticks). True: it has passed, no signal will come. */
bool port_timer_set(const struct port_vcpu *vcpu, uint64_t deadline);

/** Counter ticks and their frequency. Slow: another program is asked. */
VMM_MUST_CHECK enum vmm_err port_time(const struct port_vcpu *vcpu, uint64_t *ticks, uint64_t *hz);

/** Wakes the handler of `vcpu` with the kick signal. Any thread. */
void port_kick(const struct port_vcpu *vcpu);

/** Signals a server we share memory with. Any thread. */
void port_signal(uint64_t notification);

/** Gives the core to another thread of our priority, at the price of the time we were given. */
void port_yield(void);

/** Tells the core that we spin. Any thread. */
void port_pause(void);

/**
 * Makes what was written to [host, host + size) visible to a guest that reads or executes it past the
 * caches.
 */
void port_cache_clean(uint64_t host, uint64_t size);

/** Our own bug: ends this program where it stands; admin names it. Never a guest's doing. */
_Noreturn void port_bug(const char *file, int line);

#define VMM_BUG_ON(cond) ((cond) ? port_bug(__FILE__, __LINE__) : (void)0)
