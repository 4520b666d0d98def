/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of every thread of every program on the target.
 *
 * x0: the start page (include/vmm/start.h), or bootinfo for a root task; x1: thread index; sp: the
 * top of the thread's stack, or 0 for a root task, which the kernel starts without one and which
 * brings its own (VMM_ROOT_STACK in runtime.h).
 *
 * The thread's TLS block is cut from the top of its stack: 16 bytes that the ABI reserves, then the
 * image's .tdata and .tbss (AAPCS64, TLS variant 1). tpidr_el0 is the program's to write.
 */
	.section .text.start, "ax"
	.global _start
	.weak vmm_root_stack_top
	.type _start, %function
_start:
	mov	x19, x0
	mov	x20, x1
	mov	x2, sp
	cbnz	x2, 1f
	adrp	x2, vmm_root_stack_top
	add	x2, x2, :lo12:vmm_root_stack_top
	mov	x20, #0
1:
	/* tp = (top - 16 - size of TLS) rounded down to 16 */
	ldr	x3, =__tls_size
	sub	x2, x2, x3
	sub	x2, x2, #16
	and	x2, x2, #~15
	mov	sp, x2
	msr	tpidr_el0, x2

	/* Initialised part, then zeroes; both in whole words (the linker script rounds them up). */
	ldr	x4, =__tdata_start
	ldr	x5, =__tdata_size
	stp	xzr, xzr, [x2], #16
	sub	x3, x3, x5
2:	cbz	x5, 3f
	ldr	x6, [x4], #8
	str	x6, [x2], #8
	sub	x5, x5, #8
	b	2b
3:	cbz	x3, 4f
	str	xzr, [x2], #8
	sub	x3, x3, #8
	b	3b
4:
	mov	x0, x19
	mov	x1, x20
	mov	x29, xzr
	mov	x30, xzr
	b	runtime_enter
	.size _start, . - _start
	.ltorg
	.section .note.GNU-stack, "", %progbits
