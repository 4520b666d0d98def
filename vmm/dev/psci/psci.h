/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI 1.1 (Arm DEN 0022D) and the part of SMCCC 1.1 (DEN 0028E) that goes with it, for one VM. A
 * call is decided here and carried out by the caller, who is told by an action.
 *
 * Every vCPU is OFF, ON_PENDING (CPU_ON was accepted, it does not run yet) or ON. psci_call()
 * makes OFF -> ON_PENDING and ON -> OFF; psci_started(), called by the vCPU's own handler when it
 * enters its guest, makes ON_PENDING -> ON. A suspended vCPU is ON.
 *
 * Both conduits come here; an immediate other than 0 is not SMCCC and is the caller's to refuse.
 *
 * Locking: the caller holds one lock (a leaf) around every call.
 */
#pragma once

#include "vmm/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	PSCI_VCPUS = 8,
	PSCI_REGS = 4, /* x0..x3 are read */
};

/* Return values (DEN 0022D, chapter 5). */
enum psci_result {
	PSCI_SUCCESS = 0,
	PSCI_NOT_SUPPORTED = -1,
	PSCI_INVALID_PARAMETERS = -2,
	PSCI_DENIED = -3,
	PSCI_ALREADY_ON = -4,
	PSCI_ON_PENDING = -5,
	PSCI_INTERNAL_FAILURE = -6,
	PSCI_NOT_PRESENT = -7,
	PSCI_DISABLED = -8,
	PSCI_INVALID_ADDRESS = -9,
};

enum psci_state {
	PSCI_STATE_ON = 0, /* numbered as AFFINITY_INFO returns them */
	PSCI_STATE_OFF = 1,
	PSCI_STATE_ON_PENDING = 2,
};

enum psci_action_kind {
	PSCI_ACTION_RETURN, /* write `result` to x0 and go on */
	PSCI_ACTION_START, /* the same, and tell vCPU `vcpu` to start at `entry` with x0 = `context` */
	PSCI_ACTION_PARK,    /* this vCPU is off until it is started; nothing is returned */
	PSCI_ACTION_STANDBY, /* wait for an interrupt, then write `result` to x0 and go on */
	PSCI_ACTION_SUSPEND, /* wait for an interrupt, then enter at `entry` with x0 = `context`, other
				registers as after a reset */
	PSCI_ACTION_OFF,     /* the VM is to be turned off; nothing is returned */
	PSCI_ACTION_RESET, /* the VM is to be started anew; nothing is returned */
};

struct psci_action {
	enum psci_action_kind kind;
	unsigned vcpu;    /* START: which */
	uint64_t result;  /* RETURN, START, STANDBY: for x0 */
	uint64_t entry;   /* START, SUSPEND: a guest address in RAM, 4-aligned */
	uint64_t context; /* START, SUSPEND: for x0 */
	bool last;        /* PARK: no vCPU is left that could start another */
};

struct psci_config {
	unsigned vcpu_count;        /* 1..PSCI_VCPUS */
	uint64_t mpidr[PSCI_VCPUS]; /* affinities, as in MPIDR_EL1; other bits are ignored */
	bool (*is_ram)(void *ctx, uint64_t gpa); /* may a vCPU start at `gpa`? */
	void *ctx;                               /* borrowed; outlives the model */
};

struct psci {
	struct psci_config config;
	uint8_t state[PSCI_VCPUS]; /* enum psci_state */
};

/** Copies `config` and resets. VMM_ERR_RANGE: vcpu_count; VMM_ERR_INVALID: no is_ram. */
VMM_MUST_CHECK enum vmm_err psci_init(struct psci *psci, const struct psci_config *config);

/** vCPU 0 is ON, the others are OFF. */
void psci_reset(struct psci *psci);

/**
 * vCPU `vcpu` made an SMCCC call with x0..x3 in `regs`. Fills in what `out->kind` says there is; what
 * is not offered returns NOT_SUPPORTED.
 */
void psci_call(struct psci *psci, unsigned vcpu, const uint64_t regs[PSCI_REGS],
	       struct psci_action *out);

/** `vcpu` is about to run its first instruction after CPU_ON. */
void psci_started(struct psci *psci, unsigned vcpu);

enum psci_state psci_state(const struct psci *psci, unsigned vcpu);
