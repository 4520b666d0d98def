/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where every core enters: at EL2, MMU on, at the kernel's virtual address. x0, x1 user image
 * (physical start, end), x2 its physical minus virtual address, x3 entry, x4, x5 device tree;
 * tpidr_el1 = number of the core.
 */
#include "standin/boot/sizes.h"

	.section .text.boot, "ax"
	.global _start
_start:
	msr	daifset, #15
	msr	spsel, #1
	mrs	x6, tpidr_el1
	adrp	x7, boot_stacks
	add	x7, x7, :lo12:boot_stacks
	mov	x8, #STACK_SIZE
	add	x9, x6, #1
	madd	x7, x8, x9, x7
	mov	sp, x7
	mov	x29, xzr
	mov	x30, xzr
	b	boot_core

	.section .bss.stacks, "aw", %nobits
	.balign	16
	.global boot_stacks
boot_stacks:
	.space	STACK_SIZE * 8
