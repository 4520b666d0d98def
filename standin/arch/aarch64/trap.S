/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions from user programs and guests.
 *
 * While one runs, SP_EL2 is the address of its TCB, which starts with its registers; so the entry
 * stores straight into place. tpidr_el2 holds the core's structure, which starts with the top of the
 * kernel stack. What else belongs to a thread (tpidr_el0, FPU, EL1 registers) stays in the machine
 * until another thread needs it.
 */
	.macro	enter handler
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x0, sp_el0
	stp	x30, x0, [sp, #240]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x1, x2, [sp, #256]
	mov	x0, sp
	mrs	x1, tpidr_el2
	b	\handler
	.endm

	.macro	slot target, number
	.balign	0x80
	mov	x0, #\number
	b	\target
	.endm

	.section .text.vectors, "ax"
	.balign	0x800
	.global trap_vectors
trap_vectors:
	slot	from_kernel, 0
	slot	from_kernel, 1
	slot	from_kernel, 2
	slot	from_kernel, 3
	slot	from_kernel, 4
	slot	from_kernel, 5
	slot	from_kernel, 6
	slot	from_kernel, 7
	.balign	0x80
	enter	sync_entry
	.balign	0x80
	enter	irq_entry
	.balign	0x80
	enter	irq_entry
	.balign	0x80
	enter	serror_entry
	/* EL1 is always AArch64, so these are never taken (DDI 0487, D1.13.4). */
	slot	from_kernel, 12
	slot	from_kernel, 13
	slot	from_kernel, 14
	slot	from_kernel, 15

	.text
sync_entry:
	ldr	x2, [x1]
	mov	sp, x2
	mrs	x2, esr_el2
	bl	trap_sync
	b	trap_return
irq_entry:
	ldr	x2, [x1]
	mov	sp, x2
	bl	trap_irq
	b	trap_return
serror_entry:
	ldr	x2, [x1]
	mov	sp, x2
	bl	trap_serror
	b	trap_return

	/* x0: the TCB to go on with. */
	.global trap_return
trap_return:
	mov	sp, x0
	ldp	x1, x2, [sp, #256]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x30, x0, [sp, #240]
	msr	sp_el0, x0
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	eret

from_kernel:
	mrs	x1, tpidr_el2
	ldr	x2, [x1]
	mov	sp, x2
	b	trap_from_kernel
