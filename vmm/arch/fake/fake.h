/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An invented instruction set for unit tests on any host. Its encodings resemble no real one on
 * purpose: code above that peeked past arch.h would not work here.
 *
 * Instructions are three bytes long. PORT_EVENT_MEMORY, syndrome: FAKE_MAGIC | reg << 8 |
 * log2(width) << 4 | FAKE_* flags. PORT_EVENT_TRAP: operation | reg << 8 | selector << 24 | flags << 16.
 */
#pragma once

#include <stdint.h>

#define FAKE_MAGIC UINT64_C(0x5a000000)

enum {
	FAKE_WRITE = 1,
	FAKE_SIGNED = 2,
	FAKE_NARROW = 4,
	FAKE_UNDESCRIBED = 8,

	FAKE_OP_CALL = 1,
	FAKE_OP_WAIT = 2,
	FAKE_OP_PAUSE = 3,
	FAKE_OP_IPI = 4,
	FAKE_OP_SYSREG = 5,
	FAKE_OP_NOTHING = 6, /* EXIT_SKIP */

	FAKE_LENGTH = 3,
	FAKE_TIMER_INTID = 23,

	FAKE_SYSREG_FIXED = 1, /* reads as FAKE_SYSREG_VALUE */
	FAKE_SYSREG_COUNTER = 2,
	FAKE_SYSREG_VALUE = 77,

	/* Values of PORT_CNTV_CTL. */
	FAKE_TIMER_OFF = 0,
	FAKE_TIMER_SET = 1,
	FAKE_TIMER_DUE = 2,
};

/* An undescribed access, as it lies in guest memory at the pc. */
struct fake_insn {
	uint8_t opcode; /* FAKE_INSN_OP, else not an access */
	uint8_t width, count, reg[2], base, step, writes;
};

enum {
	FAKE_INSN_OP = 0xa7,
};
