/* SPDX-License-Identifier: BSD-2-Clause */
/* Secure monitor calls on behalf of a holder of the SMC capability (DEN0028, SMCCC 1.0). */
#include "standin/arch/aarch64/local.h"

void arch_smc(u64 r[8])
{
	register u64 x0 __asm__("x0") = r[0];
	register u64 x1 __asm__("x1") = r[1];
	register u64 x2 __asm__("x2") = r[2];
	register u64 x3 __asm__("x3") = r[3];
	register u64 x4 __asm__("x4") = r[4];
	register u64 x5 __asm__("x5") = r[5];
	register u64 x6 __asm__("x6") = r[6];
	register u64 x7 __asm__("x7") = r[7];

	__asm__ volatile(
		"smc #0"
		: "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
		:
		: "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	r[0] = x0;
	r[1] = x1;
	r[2] = x2;
	r[3] = x3;
	r[4] = x4;
	r[5] = x5;
	r[6] = x6;
	r[7] = x7;
}
