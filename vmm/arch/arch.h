/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks an instruction set implements: arch/aarch64, and arch/fake for tests on any host.
 *
 * Decoding is a pure function from plain words to a portable description, so it is tested and fuzzed
 * on the host. Acting on it is core's business. What has to touch the vCPU's own registers goes
 * through the port and is called by that vCPU's handler alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/core/gmem.h"
#include "vmm/port/port.h"

enum exit_kind {
	EXIT_UNKNOWN = 0, /* nothing we know: the guest gets an undefined instruction exception */
	EXIT_MMIO,        /* one load or store, fully described */
	EXIT_MMIO_INSN,   /* an access the hardware did not describe: arch_insn_fetch() */
	EXIT_SKIP,        /* completes without effect (cache maintenance on a device) */
	EXIT_ABORT,       /* an access that no device can answer: an abort for the guest */
	EXIT_FETCH,       /* execution from where there is no memory */
	EXIT_HYPERCALL,   /* the call instruction that the port returns from by itself */
	EXIT_CALL,        /* the other call instruction; result and pc are written by hand */
	EXIT_WAIT,        /* wait for interrupt */
	EXIT_PAUSE,       /* a hint that the guest spins */
	EXIT_IPI,         /* a write to an inter-processor interrupt register */
	EXIT_SYSREG,      /* another system register */
	EXIT_IRQ_DONE,
	EXIT_TIMER,
	EXIT_KIND_COUNT,
};

enum {
	EXIT_REG_ZERO = 31, /* reads as zero, ignores writes */
	EXIT_IPI_USUAL = 0, /* the register that is not for old or special uses */
};

struct vm_exit {
	enum exit_kind kind;
	uint8_t length;   /* bytes of the instruction: added to the pc when it completes */
	uint8_t reg;      /* GPR number, or EXIT_REG_ZERO */
	uint8_t width;    /* MMIO: 1, 2, 4 or 8 bytes */
	bool write;       /* MMIO, SYSREG, ABORT */
	bool sign_extend; /* MMIO load */
	bool narrow;      /* MMIO load: the register is 32 bits wide, its upper half becomes zero */
	uint32_t selector; /* IPI: which register; SYSREG: its encoding; IRQ_DONE: list register */
	uint64_t pc;       /* MMIO*, ABORT, SKIP, FETCH */
	uint64_t gpa;      /* MMIO*, ABORT, FETCH */
};

/**
 * Turns an event (not a signal) into the portable form; fields that are not of its kind stay as they
 * are. Reads no registers, no guest memory and no globals. Anything it does not recognise is
 * EXIT_UNKNOWN, never a guess.
 */
void arch_exit_decode(const struct port_event *event, struct vm_exit *out);

/** A register's value after a load of `width` bytes. */
uint64_t arch_load_value(const struct vm_exit *exit, uint64_t value);

enum {
	ARCH_TRANSFERS = 2,
};

/* An access described by its instruction: one or two transfers and a new value of the base. */
struct arch_access {
	bool write;
	bool sign_extend;
	bool narrow;
	uint8_t width;
	uint8_t count;               /* 1 or 2 transfers, at gpa and gpa + width */
	uint8_t reg[ARCH_TRANSFERS]; /* EXIT_REG_ZERO: the zero register */
	bool writeback;
	uint8_t base; /* GPR number; EXIT_REG_ZERO: the stack pointer */
	uint64_t base_value;
};

/**
 * Finds out what the instruction at frame->pc would do at exit->gpa: fetches it through the guest's
 * own translation. VMM_ERR_UNSUPPORTED: nothing we emulate (the guest gets an abort), for instance
 * a vector register; VMM_ERR_ABSENT: cannot be fetched; VMM_ERR_KERNEL.
 */
VMM_MUST_CHECK enum vmm_err arch_insn_fetch(const struct port_vcpu *vcpu, const struct gmem *gm,
					    const struct port_frame *frame,
					    const struct vm_exit *exit, struct arch_access *out);

/** Writes the base register's new value to the frame, or to the stack pointer in use. */
VMM_MUST_CHECK enum vmm_err arch_insn_writeback(const struct port_vcpu *vcpu,
						struct port_frame *frame,
						const struct arch_access *access);

enum arch_fault {
	ARCH_FAULT_UNDEFINED,   /* an undefined instruction at the frame's pc */
	ARCH_FAULT_LOAD_ABORT,  /* a synchronous external abort on a load */
	ARCH_FAULT_STORE_ABORT, /* the same on a store */
	ARCH_FAULT_FETCH_ABORT, /* the same on an instruction fetch */
};

/**
 * Makes the guest take an exception at its own vector, as if the hardware had. `gpa` is where a data
 * abort happened; others ignore it.
 */
VMM_MUST_CHECK enum vmm_err arch_inject(const struct port_vcpu *vcpu, enum arch_fault fault,
					uint64_t gpa);

enum arch_sysreg {
	ARCH_SYSREG_ABSENT,  /* undefined for the guest */
	ARCH_SYSREG_FIXED,   /* reads as *value, ignores writes */
	ARCH_SYSREG_COUNTER, /* reads as the system counter */
};

/** What an access to a trapped system register means. Pure. */
enum arch_sysreg arch_sysreg(const struct vm_exit *exit, uint64_t *value);

/** Gives a stopped vCPU the registers of one that leaves reset at `entry` with an argument. */
VMM_MUST_CHECK enum vmm_err arch_reset(const struct port_vcpu *vcpu, uint64_t cpu_id,
				       uint64_t entry, uint64_t argument);

/**
 * The program that empties a vCPU's interrupt interface from the inside, which is the only way to do
 * it: machine code for any address, to be entered at its first byte, at most a page long. It may
 * exit for list registers that become empty; any other exit is its end.
 */
const void *arch_scrubber(unsigned irqchip_version, size_t *size);

/** Prepares a stopped vCPU to run that program, which is at `entry`. */
VMM_MUST_CHECK enum vmm_err arch_scrub(const struct port_vcpu *vcpu, uint64_t entry,
				       uint64_t argument);

enum arch_timer {
	ARCH_TIMER_OFF, /* it will not interrupt */
	ARCH_TIMER_SET, /* it will, at *deadline */
	ARCH_TIMER_DUE, /* it wants to now */
};

/** State of the guest's own timer while the guest is stopped. */
VMM_MUST_CHECK enum vmm_err arch_timer_state(const struct port_vcpu *vcpu, enum arch_timer *state,
					     uint64_t *deadline);

/** The private interrupt that the guest's own timer raises. */
unsigned arch_timer_intid(void);
