/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code for guests (guests.h): each runs at KT_GUEST_RAM, EL1h, MMU off, and ends with REPORT, an HVC
 * whose x7 is no system call, with a result in x0. Position-independent; at most one page with its
 * data, which starts at offset 0xf00.
 */
	.arch	armv8-a+fp

	.macro	REPORT
	mov	x7, #0x1000
	hvc	#0
	.endm

	.macro	GUEST name
	.balign	8
	.global	code_\name, code_\name\()_end
code_\name:
	.endm

	.macro	END name
	b	.
code_\name\()_end:
	.endm

	.section .rodata.guests, "a"

/* x0: address; x0: what was read */
GUEST load
	ldr	w10, [x0]
	mov	x0, x10
	REPORT
END load

/* x0: address; accesses of every width, in this order */
GUEST widths
	ldrb	w1, [x0, #1]
	ldrh	w2, [x0, #2]
	ldr	w3, [x0, #4]
	ldr	x4, [x0, #8]
	ldrsw	x5, [x0, #16]
	ldrsb	w6, [x0, #20]
	strb	w11, [x0, #24]
	strh	w12, [x0, #26]
	str	w13, [x0, #28]
	str	x14, [x0, #32]
	str	xzr, [x0, #40]
	REPORT
END widths

/* Without a syndrome: a pair, a write-back */
GUEST pairs
	ldp	x1, x2, [x0]
	str	w3, [x0, #8]!
	REPORT
END pairs

/* x0: address, x1: value */
GUEST store
	str	w1, [x0]
	mov	x0, #0
	REPORT
END store

/* x0 is reported twice, then what the second answer left in it */
GUEST hvc
	REPORT
	add	x0, x0, #1
	REPORT
END hvc

/* x0: x7 of an HVC with x0 = x1; then reports 5 */
GUEST hvc_number
	mov	x7, x0
	mov	x0, x1
	mov	x1, #0
	mov	x6, #0
	hvc	#0
	mov	x0, #5
	REPORT
END hvc_number

GUEST smc
	mov	x0, #0x84000000
	smc	#0
	REPORT
END smc

GUEST wfi
	wfi
	mov	x0, #6
	REPORT
END wfi

GUEST cntp
	mrs	x0, cntp_ctl_el0
	REPORT
END cntp

/* x0: value for ICC_SGI1R_EL1 */
GUEST sgi
	msr	S3_0_C12_C11_5, x0
	mov	x0, #7
	REPORT
END sgi

/* x0: where to */
GUEST jump
	br	x0
END jump

/* Takes its own exceptions: reports ESR_EL1 of an undefined instruction, then of an SVC */
GUEST exceptions
	adr	x1, code_exceptions + 0x800
	msr	vbar_el1, x1
	isb
	udf	#0
	svc	#3
	b	.
	.org	code_exceptions + 0xa00
	mrs	x0, esr_el1
	mrs	x2, elr_el1
	add	x3, x2, #4
	lsr	x4, x0, #26
	cmp	x4, #0x15		/* an SVC's ELR is behind it already */
	csel	x2, x2, x3, eq
	msr	elr_el1, x2
	REPORT
	eret
END exceptions

/* Fills EL1 registers with numbers from x0 up, reports, then reports how many changed meanwhile */
GUEST sysregs
	mov	x10, x0
	msr	tpidr_el1, x10
	add	x11, x10, #0x40
	msr	contextidr_el1, x11
	add	x12, x10, #0x80
	msr	far_el1, x12
	add	x13, x10, #0x100
	msr	elr_el1, x13
	add	x14, x10, #0x800
	bic	x14, x14, #0x7ff
	msr	vbar_el1, x14
	add	x15, x10, #0x10
	msr	tpidr_el0, x15
	add	x16, x10, #0x20
	msr	sp_el0, x16
	msr	mair_el1, x10
	msr	ttbr0_el1, x14
1:	isb
	REPORT
	mov	x0, #0
	mrs	x1, tpidr_el1
	cmp	x1, x10
	cinc	x0, x0, ne
	mrs	x1, contextidr_el1
	cmp	x1, x11
	cinc	x0, x0, ne
	mrs	x1, far_el1
	cmp	x1, x12
	cinc	x0, x0, ne
	mrs	x1, elr_el1
	cmp	x1, x13
	cinc	x0, x0, ne
	mrs	x1, vbar_el1
	cmp	x1, x14
	cinc	x0, x0, ne
	mrs	x1, tpidr_el0
	cmp	x1, x15
	cinc	x0, x0, ne
	mrs	x1, sp_el0
	cmp	x1, x16
	cinc	x0, x0, ne
	mrs	x1, mair_el1
	cmp	x1, x10
	cinc	x0, x0, ne
	mrs	x1, ttbr0_el1
	cmp	x1, x14
	cinc	x0, x0, ne
	b	1b
END sysregs

/* Reports registers that the VMM wrote: MPIDR_EL1, then VBAR_EL1, then MIDR_EL1 */
GUEST identity
	mrs	x0, mpidr_el1
	REPORT
	mrs	x0, vbar_el1
	REPORT
	mrs	x0, midr_el1
	REPORT
	mrs	x0, CurrentEL
	REPORT
END identity

/* Counts in its RAM at offset 0xf00 for ever */
GUEST count
	adr	x1, code_count + 0xf00
1:	ldr	x2, [x1]
	add	x2, x2, #1
	str	x2, [x1]
	b	1b
END count

/* Arms the virtual timer x0 ticks ahead and reports; then spins */
GUEST timer
	mov	x10, x0
1:	mrs	x1, cntvct_el0
	add	x1, x1, x10
	msr	cntv_cval_el0, x1
	mov	x1, #1
	msr	cntv_ctl_el0, x1
	isb
	REPORT
	cbnz	x0, 1b
	b	.
END timer

/* x0: a number for d0; reports, then reports d0 */
GUEST fpu
	mov	x1, #(3 << 20)
	msr	cpacr_el1, x1
	isb
	fmov	d0, x0
1:	REPORT
	fmov	x0, d0
	b	1b
END fpu

/*
 * Interrupts, GICv3: enables its interface with everything masked, reports, unmasks, then counts what
 * comes in x19, the last INTID in x20, the sequence of the last 8 (a byte each) in x21. With x1 not 0
 * it also reports each, before the end of interrupt.
 */
GUEST irq3
	mov	x23, x1
	adr	x1, code_irq3 + 0x800
	msr	vbar_el1, x1
	mov	x19, #0
	mov	x20, #0
	mov	x21, #0
	mov	x1, #0xf8
	msr	S3_0_C4_C6_0, x1	/* ICC_PMR_EL1 */
	mov	x1, #1
	msr	S3_0_C12_C12_7, x1	/* ICC_IGRPEN1_EL1 */
	isb
	REPORT
	msr	daifclr, #2
	b	.
	.org	code_irq3 + 0xa80
	mrs	x20, S3_0_C12_C12_0	/* ICC_IAR1_EL1 */
	add	x19, x19, #1
	lsl	x21, x21, #8
	orr	x21, x21, x20
	cbz	x23, 1f
	REPORT
1:
	msr	S3_0_C12_C12_1, x20	/* ICC_EOIR1_EL1 */
	isb
	eret
END irq3

/* The same for GICv2, x22 = address of the CPU interface */
GUEST irq2
	mov	x22, x0
	mov	x23, x1
	adr	x1, code_irq2 + 0x800
	msr	vbar_el1, x1
	mov	x19, #0
	mov	x20, #0
	mov	x21, #0
	mov	w1, #0xf8
	str	w1, [x22, #4]		/* PMR */
	mov	w1, #1
	str	w1, [x22]		/* CTLR */
	dsb	sy
	isb
	REPORT
	msr	daifclr, #2
	b	.
	.org	code_irq2 + 0xa80
	ldr	w20, [x22, #0xc]	/* IAR */
	add	x19, x19, #1
	lsl	x21, x21, #8
	orr	x21, x21, x20
	cbz	x23, 1f
	REPORT
1:
	str	w20, [x22, #0x10]	/* EOIR */
	dsb	sy
	eret
END irq2

/* The cycle counter of the PMU has overflowed, with its interrupt enabled; then not any more. */
GUEST pmu
	mov	x1, #1
	msr	pmcr_el0, x1
	mov	x1, #0x80000000
	msr	pmintenset_el1, x1
	msr	pmovsset_el0, x1
	isb
	REPORT
	mov	x1, #0x80000000
	msr	pmintenclr_el1, x1
	msr	pmovsclr_el0, x1
	isb
	REPORT
END pmu

/* x0: an address, x1: MDSCR_EL1; a breakpoint of EL0 there. Reports MDSCR_EL1 until it is resumed no more */
GUEST debug
	msr	oslar_el1, xzr
	msr	dbgbvr0_el1, x0
	mov	x2, #0x1e5		/* of EL0, all four bytes, enabled */
	msr	dbgbcr0_el1, x2
	msr	mdscr_el1, x1
	isb
1:	mrs	x0, mdscr_el1
	REPORT
	b	1b
END debug

/* Not for guests: d0 of the calling thread. */
	.text
	.global	fpu_set, fpu_get
fpu_set:
	fmov	d0, x0
	ret
fpu_get:
	fmov	x0, d0
	ret
	.section .note.GNU-stack, "", %progbits
