/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions from user programs and guests.
 *
 * While one runs, SP_EL2 is the address of its TCB, which starts with its registers; so the entry
 * stores straight into place. tpidr_el2 holds the core's structure, which starts with the top of the
 * kernel stack. What else belongs to a thread (tpidr_el0, FPU, EL1 registers) stays in the machine
 * until another thread needs it.
 */
	.macro	each op
	\op	x0, x1, [sp, #0]
	\op	x2, x3, [sp, #16]
	\op	x4, x5, [sp, #32]
	\op	x6, x7, [sp, #48]
	\op	x8, x9, [sp, #64]
	\op	x10, x11, [sp, #80]
	\op	x12, x13, [sp, #96]
	\op	x14, x15, [sp, #112]
	\op	x16, x17, [sp, #128]
	\op	x18, x19, [sp, #144]
	\op	x20, x21, [sp, #160]
	\op	x22, x23, [sp, #176]
	\op	x24, x25, [sp, #192]
	\op	x26, x27, [sp, #208]
	\op	x28, x29, [sp, #224]
	.endm

	.macro	enter handler
	each	stp
	mrs	x0, sp_el0
	stp	x30, x0, [sp, #240]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x1, x2, [sp, #256]
	mov	x0, sp
	mrs	x1, tpidr_el2
	b	\handler
	.endm

	.macro	unexpected vectors:vararg
	.irp	number, \vectors
	.balign	0x80
	mov	x0, #\number
	b	from_kernel
	.endr
	.endm

	.section .text.vectors, "ax"
	.balign	0x800
	.global trap_vectors
trap_vectors:
	unexpected 0, 1, 2, 3, 4, 5, 6, 7
	.balign	0x80
	enter	sync_entry
	.balign	0x80
	enter	irq_entry
	.balign	0x80
	enter	irq_entry
	.balign	0x80
	enter	serror_entry
	/* EL1 is always AArch64, so these are never taken (DDI 0487, D1.13.4). */
	unexpected 12, 13, 14, 15

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
	each	ldp
	eret

	/* void arch_smc(u64 r[8]): registers x0 to x7 of a secure monitor call (DEN0028, SMCCC 1.0) */
	.global arch_smc
arch_smc:
	stp	x30, x0, [sp, #-16]!
	mov	x8, x0
	ldp	x0, x1, [x8, #0]
	ldp	x2, x3, [x8, #16]
	ldp	x4, x5, [x8, #32]
	ldp	x6, x7, [x8, #48]
	smc	#0
	ldp	x30, x8, [sp], #16
	stp	x0, x1, [x8, #0]
	stp	x2, x3, [x8, #16]
	stp	x4, x5, [x8, #32]
	stp	x6, x7, [x8, #48]
	ret

from_kernel:
	mrs	x1, tpidr_el2
	ldr	x2, [x1]
	mov	sp, x2
	b	trap_from_kernel
