// SPDX-License-Identifier: BSD-2-Clause
/*
 * Instructions written at run time: each runs from a two-word stub that returns, with x0 = 0 or the
 * value just read. Exceptions are caught and skipped, so the stub goes on to its `ret`.
 *
 * Encodings: DDI 0487, C4.1.93 "System instructions": 1101 0101 00 L op0 op1 CRn CRm op2 Rt.
 */
#include "test/guest/hostile/hostile.h"

enum {
	RET = (int)0xd65f03c0,
	SYSTEM = (int)0xd5000000,
	SYSTEM_READ = 1 << 21,
	OP0_SHIFT = 19,
	OP1_SHIFT = 16,
	CRN_SHIFT = 12,
	CRM_SHIFT = 8,
	OP2_SHIFT = 5,
	OP2_LAST = 7,
	RANDOM_WORDS = 200000,
};

/* Alone on its page: QEMU looks at all code of a page that is written. */
static uint32_t stub[1024] __attribute__((aligned(4096), section(".data")));

static uint64_t execute(uint32_t word, uint64_t argument)
{
	uint64_t (*call)(uint64_t) = (uint64_t(*)(uint64_t))(uintptr_t)stub;
	volatile uint32_t *code = stub;

	code[0] = word;
	code[1] = (uint32_t)RET;
	__asm__ volatile("dsb sy\n\tic ivau, %0\n\tdsb sy\n\tisb" : : "r"(stub) : "memory");
	return call(argument);
}

/*
 * What would end the test instead of testing: the registers this program itself stands on, by
 * op0..op2 as in the encoding, and the waits.
 */
static bool spared(uint32_t system)
{
	static const uint16_t keep[][5] = {
		/* op0, op1, CRn, CRm, op2; OP2_LAST + 1: all of them */
		{ 3, 0, 1, 0, OP2_LAST + 1 },  /* SCTLR, ACTLR, CPACR */
		{ 3, 0, 2, 0, OP2_LAST + 1 },  /* TTBRn, TCR */
		{ 3, 0, 4, 0, OP2_LAST + 1 },  /* SPSR, ELR */
		{ 3, 0, 4, 1, OP2_LAST + 1 },  /* SP_EL0 */
		{ 3, 0, 4, 2, OP2_LAST + 1 },  /* SPSel, CurrentEL */
		{ 3, 0, 12, 0, OP2_LAST + 1 }, /* VBAR */
		{ 3, 0, 13, 0, OP2_LAST + 1 }, /* TPIDR_EL1 */
		{ 3, 3, 4, 2, OP2_LAST + 1 },  /* NZCV, DAIF */
		{ 3, 0, 12, 12, 0 },           /* ICC_IAR1: nothing to acknowledge it for */
	};

	for (unsigned i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		uint32_t prefix =
			(uint32_t)keep[i][0] << OP0_SHIFT | (uint32_t)keep[i][1] << OP1_SHIFT |
			(uint32_t)keep[i][2] << CRN_SHIFT | (uint32_t)keep[i][3] << CRM_SHIFT;

		if ((system & ~(7u << OP2_SHIFT)) == prefix &&
		    (keep[i][4] > OP2_LAST || (system >> OP2_SHIFT & 7) == keep[i][4]))
			return true;
	}
	return false;
}

/* Each register there may be: read, then written with what was read (0 if it could not be). */
static void registers(uint32_t op0)
{
	for (uint32_t rest = 0; rest < 1 << 14; rest++) {
		uint32_t system = op0 << OP0_SHIFT | rest << OP2_SHIFT;
		uint64_t value;

		if (spared(system))
			continue;
		value = execute((uint32_t)SYSTEM | SYSTEM_READ | system, 0);
		execute((uint32_t)SYSTEM | system, value);
	}
}

/* Maintenance and translation instructions (op0 = 1), with an address of nothing. */
static void maintenance(void)
{
	for (uint32_t rest = 0; rest < 1 << 14; rest++)
		execute((uint32_t)SYSTEM | 1 << OP0_SHIFT | rest << OP2_SHIFT, 0x07000000);
}

void cruel_instructions(void)
{
	static const uint32_t others[] = {
		0x00000000, 0x0000ffff,                         /* permanently undefined */
		0xd4000001, 0xd41fffe1,                         /* svc */
		0xd4000002, 0xd41fffe2,                         /* hvc */
		0xd4000003, 0xd41fffe3,                         /* smc */
		0xd4200000,                                     /* brk */
		0xd4400000,                                     /* hlt */
		0xd4a00001, 0xd4a00002, 0xd4a00003,             /* dcps1 to 3 */
		0xd6bf03e0,                                     /* drps */
		0xd50320ff,                                     /* a hint without a meaning */
		0xd503205f,                                     /* wfe */
		0xd503307f, 0xd5033f9f, 0xd5033fbf,             /* barriers */
		0x88dffc00, 0x885f7c00, 0x88a07c00, 0xc8207c00, /* ordered, exclusive, cas */
		0xb8200000, 0x38bfc000,                         /* ldadd, ldapr */
		0x1e604000, 0x4e20d400, 0x0e400c00, 0x04200000, /* fp, simd, fp16, sve */
		0xdac10000, 0xd65f0bff,                         /* pointer authentication */
		0xd9200000, 0xdaff0000,                         /* memory tagging and unallocated */
	};

	catch_begin();
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		execute(others[i], 0x07000000);
	registers(2);
	registers(3);
	maintenance();
	catch_end();
	print("HOSTILE instructions: %u exceptions\n", caught.count);
}

void cruel_random(void)
{
	catch_begin();
	for (unsigned i = 0; i < RANDOM_WORDS; i++)
		execute((uint32_t)noise(), noise());
	catch_end();
}
