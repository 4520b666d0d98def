/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way into the kernel. Register use: x7 number, x0 capability and, on return, badge, x1 message
 * info, x2 to x5 the first four message words, x6 reply object, x8 destination of NBSendRecv. The
 * kernel preserves the others.
 *
 * A program built with SEL4_TRAP_EXTERNAL brings these functions along instead: so do tests that run
 * a program's own code on a host, against a kernel that is a part of the test.
 */
#pragma once

#include <sel4/types.h>

#define SEL4_INLINE static inline __attribute__((always_inline))

/* What goes through x0 to x5, in both directions. */
struct sel4_regs {
	seL4_Word cap; /* capability in, badge out */
	seL4_MessageInfo_t info;
	seL4_Word mr[4];
};

#ifdef SEL4_TRAP_EXTERNAL

void sel4_trap_send(seL4_Word number, const struct sel4_regs *r);
void sel4_trap_recv(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply);
void sel4_trap_call(seL4_Word number, struct sel4_regs *r);
void sel4_trap_both(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply, seL4_CPtr dest);
void sel4_trap_signal(seL4_Word number, seL4_CPtr dest);
void sel4_trap_yield(seL4_Word number);

#else

/* A program whose threads run at EL1 behind a VCPU defines this as "hvc #0": same path in the kernel. */
#ifndef SEL4_SYSCALL_INSN
#define SEL4_SYSCALL_INSN "svc #0"
#endif

/* Sends; nothing comes back. */
SEL4_INLINE void sel4_trap_send(seL4_Word number, const struct sel4_regs *r)
{
	register seL4_Word x0 __asm__("x0") = r->cap;
	register seL4_Word x1 __asm__("x1") = r->info.words[0];
	register seL4_Word x2 __asm__("x2") = r->mr[0];
	register seL4_Word x3 __asm__("x3") = r->mr[1];
	register seL4_Word x4 __asm__("x4") = r->mr[2];
	register seL4_Word x5 __asm__("x5") = r->mr[3];
	register seL4_Word x7 __asm__("x7") = number;

	__asm__ volatile(SEL4_SYSCALL_INSN
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
			 : "r"(x7)
			 : "memory");
}

/* Receives; only the capability and the reply object go in. */
SEL4_INLINE void sel4_trap_recv(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply)
{
	register seL4_Word x0 __asm__("x0") = r->cap;
	register seL4_Word x1 __asm__("x1");
	register seL4_Word x2 __asm__("x2");
	register seL4_Word x3 __asm__("x3");
	register seL4_Word x4 __asm__("x4");
	register seL4_Word x5 __asm__("x5");
	register seL4_Word x6 __asm__("x6") = reply;
	register seL4_Word x7 __asm__("x7") = number;

	__asm__ volatile(SEL4_SYSCALL_INSN
			 : "+r"(x0), "=r"(x1), "=r"(x2), "=r"(x3), "=r"(x4), "=r"(x5)
			 : "r"(x6), "r"(x7)
			 : "memory");
	*r = (struct sel4_regs){ .cap = x0, .info = { { x1 } }, .mr = { x2, x3, x4, x5 } };
}

/* Sends and receives, without x6 and x8: Call. */
SEL4_INLINE void sel4_trap_call(seL4_Word number, struct sel4_regs *r)
{
	register seL4_Word x0 __asm__("x0") = r->cap;
	register seL4_Word x1 __asm__("x1") = r->info.words[0];
	register seL4_Word x2 __asm__("x2") = r->mr[0];
	register seL4_Word x3 __asm__("x3") = r->mr[1];
	register seL4_Word x4 __asm__("x4") = r->mr[2];
	register seL4_Word x5 __asm__("x5") = r->mr[3];
	register seL4_Word x7 __asm__("x7") = number;

	__asm__ volatile(SEL4_SYSCALL_INSN
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
			 : "r"(x7)
			 : "memory");
	*r = (struct sel4_regs){ .cap = x0, .info = { { x1 } }, .mr = { x2, x3, x4, x5 } };
}

/* Sends to `dest` (NBSendRecv) or to what the reply object or x6 names, and receives on r->cap. */
SEL4_INLINE void sel4_trap_both(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply,
				seL4_CPtr dest)
{
	register seL4_Word x0 __asm__("x0") = r->cap;
	register seL4_Word x1 __asm__("x1") = r->info.words[0];
	register seL4_Word x2 __asm__("x2") = r->mr[0];
	register seL4_Word x3 __asm__("x3") = r->mr[1];
	register seL4_Word x4 __asm__("x4") = r->mr[2];
	register seL4_Word x5 __asm__("x5") = r->mr[3];
	register seL4_Word x6 __asm__("x6") = reply;
	register seL4_Word x7 __asm__("x7") = number;
	register seL4_Word x8 __asm__("x8") = dest;

	__asm__ volatile(SEL4_SYSCALL_INSN
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
			 : "r"(x6), "r"(x7), "r"(x8)
			 : "memory");
	*r = (struct sel4_regs){ .cap = x0, .info = { { x1 } }, .mr = { x2, x3, x4, x5 } };
}

SEL4_INLINE void sel4_trap_signal(seL4_Word number, seL4_CPtr dest)
{
	register seL4_Word x0 __asm__("x0") = dest;
	register seL4_Word x1 __asm__("x1") = 0;
	register seL4_Word x7 __asm__("x7") = number;

	__asm__ volatile(SEL4_SYSCALL_INSN : "+r"(x0), "+r"(x1) : "r"(x7) : "memory");
}

SEL4_INLINE void sel4_trap_yield(seL4_Word number)
{
	register seL4_Word x7 __asm__("x7") = number;

	__asm__ volatile(SEL4_SYSCALL_INSN : : "r"(x7) : "memory");
}

#endif
