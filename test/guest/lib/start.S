/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of every test guest: an arm64 Image (Linux Documentation/arch/arm64/booting.rst, section 4)
 * that runs where it is put, with the MMU off, at EL1. Entered at EL2 (a bare machine) it goes down
 * to EL1 first, so that the same file tells a VM from the hardware it imitates.
 *
 * C code is position-independent and its relative relocations are applied here. Each CPU has a stack
 * of its own; PSCI's context id is the CPU's index.
 */
#define STACK_SIZE 16384
#define CPUS       8

	.section .text.head, "ax"
	.globl image_head
image_head:
	b	start
	.long	0
	.quad	0		/* text_offset */
	.quad	image_size	/* with bss and stacks */
	.quad	0xa		/* little endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.macro	go_to_el1
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.ne	1f
	mov	x9, #(1 << 31)	/* HCR_EL2.RW; HCD: HVC is undefined, there is nobody at EL2 */
	orr	x9, x9, #(1 << 29)
	msr	hcr_el2, x9
	mov	x9, #3		/* the physical timer and counter are EL1's too */
	msr	cnthctl_el2, x9
	msr	cntvoff_el2, xzr
	mov	x9, #0x33ff	/* no FP traps */
	msr	cptr_el2, x9
	msr	vttbr_el2, xzr
	mrs	x9, midr_el1
	msr	vpidr_el2, x9
	mrs	x9, mpidr_el1
	msr	vmpidr_el2, x9
	mrs	x9, id_aa64pfr0_el1
	ubfx	x9, x9, #24, #4
	cbz	x9, 2f
	mov	x9, #0xf	/* GICv3: EL1 may use the system registers */
	msr	S3_4_C12_C9_5, x9
2:	mov	x9, #0x3c5	/* EL1h, all masked */
	msr	spsr_el2, x9
	adr	x9, 1f
	msr	elr_el2, x9
	eret
1:
	.endm

	/* The part that every CPU does: x19 = its index. */
	.macro	set_up_cpu
	adrp	x9, stacks
	add	x9, x9, :lo12:stacks
	mov	x10, #STACK_SIZE
	add	x11, x19, #1
	madd	x9, x10, x11, x9
	msr	spsel, #1
	mov	sp, x9
	adrp	x9, vectors
	add	x9, x9, :lo12:vectors
	msr	vbar_el1, x9
	mov	x9, #(3 << 20)
	msr	cpacr_el1, x9
	msr	tpidr_el1, x19
	isb
	.endm

start:
	mov	x20, x0
	go_to_el1
	adrp	x10, bss_start
	add	x10, x10, :lo12:bss_start
	adrp	x11, bss_end
	add	x11, x11, :lo12:bss_end
1:	cmp	x10, x11
	b.hs	2f
	str	xzr, [x10], #8
	b	1b
2:	adrp	x9, image_head
	adrp	x10, rela_start
	add	x10, x10, :lo12:rela_start
	adrp	x11, rela_end
	add	x11, x11, :lo12:rela_end
3:	cmp	x10, x11
	b.hs	4f
	ldp	x12, x13, [x10], #16	/* offset, type: all R_AARCH64_RELATIVE */
	ldr	x14, [x10], #8		/* addend */
	add	x14, x14, x9
	str	x14, [x9, x12]
	b	3b
4:	mov	x19, #0
	set_up_cpu
	mov	x0, x20
	bl	guest_start
5:	wfi
	b	5b

	.globl secondary_start
secondary_start:
	mov	x19, x0
	go_to_el1
	set_up_cpu
	mov	x0, x19
	bl	secondary_main
6:	wfi
	b	6b

	/* Saves or restores (stp, ldp) at a base what a call may change, less x18. */
	.macro	x0_to_x17 insn, base
	\insn	x0, x1, [\base, #0]
	\insn	x2, x3, [\base, #16]
	\insn	x4, x5, [\base, #32]
	\insn	x6, x7, [\base, #48]
	\insn	x8, x9, [\base, #64]
	\insn	x10, x11, [\base, #80]
	\insn	x12, x13, [\base, #96]
	\insn	x14, x15, [\base, #112]
	\insn	x16, x17, [\base, #128]
	.endm

	/* Registers a call may change, and x30: what an interrupt handler in C needs. */
	.macro	irq_entry
	sub	sp, sp, #176
	x0_to_x17 stp, sp
	stp	x18, x30, [sp, #144]
	bl	irq_handler
	x0_to_x17 ldp, sp
	ldp	x18, x30, [sp, #144]
	add	sp, sp, #176
	eret
	.endm

	/* x0..x30, then elr, esr, far, spsr: struct exception_frame. */
	.macro	sync_entry
	sub	sp, sp, #288
	x0_to_x17 stp, sp
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x0, elr_el1
	mrs	x1, esr_el1
	mrs	x2, far_el1
	mrs	x3, spsr_el1
	stp	x30, x0, [sp, #240]
	stp	x1, x2, [sp, #256]
	str	x3, [sp, #272]
	mov	x0, sp
	bl	exception
	ldp	x30, x0, [sp, #240]
	ldr	x3, [sp, #272]
	msr	elr_el1, x0
	msr	spsr_el1, x3
	x0_to_x17 ldp, sp
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	add	sp, sp, #288
	eret
	.endm

	.macro	vector label
	.balign	0x80
	b	\label
	.endm

	.text
	.balign	0x800
vectors:
	.rept	4			/* with SP_EL0: never used */
	vector	other
	.endr
	vector	sync
	vector	irq
	vector	other			/* FIQ */
	vector	other			/* SError */
	vector	sync			/* from EL0 */
	vector	irq
	.rept	6
	vector	other
	.endr

sync:	sync_entry
irq:	irq_entry
other:	mrs	x0, esr_el1
	mrs	x1, elr_el1
	bl	exception_other
7:	wfi
	b	7b

/* void smc_call(uint64_t regs[18]): SMCCC with x0..x17, results in place. */
	.macro	call name, insn
	.globl	\name
\name:
	stp	x29, x30, [sp, #-32]!
	stp	x19, x18, [sp, #16]
	mov	x19, x0
	x0_to_x17 ldp, x19
	\insn	#0
	x0_to_x17 stp, x19
	ldp	x19, x18, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.endm
	call	smc_call, smc
	call	hvc_call, hvc

/* uint64_t psci_smc(x0, x1, x2, x3): nothing but the instruction, for timing. */
	.globl	psci_smc
psci_smc:
	smc	#0
	ret
	.globl	psci_hvc
psci_hvc:
	hvc	#0
	ret

	.section .stacks, "aw", %nobits
	.balign	16
stacks:
	.space	STACK_SIZE * CPUS
