/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's entries, and its way into the kernel.
 *
 * Boot core: the arm64 boot protocol (Linux Documentation/arch/arm64/booting): MMU off, x0 = device
 * tree. All of the loader runs with MMU and caches off; they go on in enter_kernel only.
 * Other cores: PSCI CPU_ON, x0 = logical core number.
 */
	.section .text.start, "ax"
	.global _start
_start:
	b	1f			/* code0 */
	.word	0			/* code1 */
	.quad	0			/* text_offset */
	.global loader_image_size
loader_image_size:
	.quad	__loader_end - _start	/* image_size: the packer writes the real one */
	.quad	0x2			/* flags: little-endian, 4 KiB pages, low in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.word	0
1:
	msr	daifset, #0xf
	adrp	x1, boot_stack_top
	add	x1, x1, :lo12:boot_stack_top
	mov	sp, x1
	mrs	x1, CurrentEL
	lsr	x1, x1, #2
	adrp	x2, _start
	bl	loader_main
0:	wfe
	b	0b

	.global secondary_start
secondary_start:
	msr	daifset, #0xf
	mov	x1, x0
	adrp	x0, loader_handover
	add	x0, x0, :lo12:loader_handover
	/* falls through */

/*
 * void enter_kernel(const struct handover *, uint64_t core): contract in loader.h.
 * Registers at the kernel's entry: x0, x1 user image, x2 its physical - virtual address, x3 its
 * entry, x4, x5 device tree and size; tpidr_el1 = logical core number.
 */
	.global enter_kernel
enter_kernel:
	msr	tpidr_el1, x1
	ldp	x6, x7, [x0, #0]	/* page table root, kernel entry */
	ldp	x8, x9, [x0, #16]	/* TCR_EL2, MAIR_EL2 */
	ldp	x10, x11, [x0, #32]	/* user image */
	ldp	x2, x3, [x0, #48]
	ldp	x4, x5, [x0, #64]
	ic	iallu
	tlbi	alle2
	dsb	sy
	isb
	msr	ttbr0_el2, x6
	msr	tcr_el2, x8
	msr	mair_el2, x9
	isb
	ldr	x12, =0x30c51835	/* SCTLR_EL2: RES1 | I | C | M */
	msr	sctlr_el2, x12
	isb
	mov	x0, x10
	mov	x1, x11
	br	x7
	.ltorg

	/* uint64_t loader_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c) */
	.global loader_smc
loader_smc:
	smc	#0
	ret

	.section .bss.stack, "aw", %nobits
	.balign 16
	.skip	16384
boot_stack_top:
	.section .note.GNU-stack, "", %progbits
