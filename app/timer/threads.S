/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that live in registers only: no stack, no IPC buffer, no memory access.
 *
 * System calls: number in x7, capability in x0, message info in x1 (bits 6:0 length), words from x2.
 * The kernel keeps every register it does not answer in.
 */
#include <sel4/syscall.h>

	.text

/*
 * The clock: a thread at EL1 (it has a VCPU), where CNTVCT may always be read; a VCPU's own offset
 * is zero, so this is CNTPCT. HVC is a system call just as SVC is. Its stage 1 is off, so what it
 * would load or store would be Device memory; it does neither.
 *
 * Starts with x0 = endpoint, x1 = 0, x6 = reply object, x7 = NBSendRecv, x8 = "ready" notification.
 * A request has MR0 = time to wait for (0: none); the answer MR0 = counter, MR1 = its frequency.
 */
	.global timer_clock
	.type timer_clock, %function
timer_clock:
	mov	x19, x0
	hvc	#0
1:	isb
	mrs	x3, cntvct_el0
	cmp	x3, x2
	b.lo	1b
	mov	x2, x3
	mrs	x3, cntfrq_el0
	mov	x0, x19
	mov	x1, #2
	mov	x7, #seL4_SysReplyRecv
	hvc	#0
	b	1b
	.size timer_clock, . - timer_clock

/*
 * A sleeper. Its scheduling context was just configured anew: budget for a moment, period up to the
 * deadline. Giving the budget up puts it to sleep for one period. Then one system call signals
 * the client and blocks, so that the client's thread is the next to run.
 *
 * Starts with x0 = park notification (nobody signals it), x6 = client's notification (for
 * NBSendWait, x6 names the destination). It is started again by writing its pc.
 */
	.global timer_sleeper
	.type timer_sleeper, %function
timer_sleeper:
	mov	x7, #seL4_SysYield
	svc	#0
	mov	x1, xzr
	mov	x7, #seL4_SysNBSendWait
	svc	#0
	brk	#0
	.size timer_sleeper, . - timer_sleeper

	.global timer_counter
	.type timer_counter, %function
timer_counter:
	isb
	mrs	x2, cntvct_el0
	cmp	x2, x0
	b.lo	timer_counter
	mov	x0, x2
	mrs	x1, cntfrq_el0
	ret
	.size timer_counter, . - timer_counter

	.section .note.GNU-stack, "", %progbits
