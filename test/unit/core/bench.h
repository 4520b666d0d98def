/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM for tests of the run loop: the fake port, the invented instruction set, an interrupt controller
 * in the open, RAM and one device of one register; and what the program was told, as numbers.
 */
#pragma once

#include "test/unit/core/irqchip.h"
#include "vmm/core/vm.h"
#include "vmm/port/host/host.h"

enum {
	VCPUS = IRQCHIP_VCPUS,
	KICK = 1,
	TIMER = 2,
	CHANNEL = 256,
	ENTRY = 0x1000,
	ARGUMENT = 0x77,
	VECTOR = 0x2000,
	DEVICE = 0x9000,
	SCRUB = 0xa000,
	SCRUB_ARGUMENT = 0x55,
};

struct bench {
	struct host host;
	struct host_guest guest[VCPUS];
	struct irqchip chip;
	struct vm vm;
	enum port_answer answer[VCPUS];
	enum vm_call_outcome outcome; /* of the next call */
	uint64_t reg;                 /* the device's only register */
	uint8_t reg_width;
	unsigned reads, writes, reloads, endings, starts, agains;
	uint64_t signals;
	enum vm_request ended_as;
	enum vmm_err ended_why, reload_result;
	_Alignas(8) uint8_t ram[0x4000];
};

/** A VM whose handlers have not entered their loops; the one before is forgotten. */
struct bench *build(unsigned vcpus);

/** Boots it: every handler enters its loop, and vCPU 0 starts when the last one is there. */
struct bench *boot(unsigned vcpus);

/** One turn of vCPU `i`'s loop, in which `event` arrives. */
void turn(struct bench *b, unsigned i, struct port_event event);

/** The same, with signals, a trapped instruction, or (vCPU 0) an access. */
void signal_turn(struct bench *b, unsigned i, uint64_t badge);
void trap(struct bench *b, unsigned i, uint64_t syndrome);
void memory(struct bench *b, uint64_t gpa, uint64_t syndrome);
