/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Empties a vCPU's interrupt interface, as a reset would: it runs in the guest's place at EL1, MMU off,
 * everything masked, on a page that guests can only read and execute.
 *
 * Active priorities, priority mask, binary points, EOI mode, enables and an interrupt that is active in
 * a list register are out of the VMM's reach: the kernel offers no way to write them. They are the
 * guest's own, so only code in its place can undo them:
 *   - no running priority, everything enabled, EOI mode "drop and deactivate apart";
 *   - acknowledge and end what is pending (nothing new comes: the vCPU counts as off);
 *   - deactivate every INTID there is: of an INTID in no list register that does nothing;
 *   - the reset value of every register of the interface.
 * Each list register that becomes empty is an exit (EOI maintenance), and the last instruction is one.
 *
 * On entry x0 is the address of the CPU interface (GICv2). Position-independent, no stack, no data.
 * IHI 0048B.b, chapters 4.4 and 5.5; IHI 0069H, chapter 12.2.
 */
#define GICC_CTLR	0x0
#define GICC_PMR	0x4
#define GICC_BPR	0x8
#define GICC_IAR	0xc
#define GICC_EOIR	0x10
#define GICC_ABPR	0x1c
#define GICC_APR0	0xd0
#define GICC_DIR	0x1000
#define GICC_CTLR_ALL	0x207	/* EOImode, AckCtl, both groups */

#define ICC_PMR		S3_0_C4_C6_0
#define ICC_IAR0	S3_0_C12_C8_0
#define ICC_EOIR0	S3_0_C12_C8_1
#define ICC_BPR0	S3_0_C12_C8_3
#define ICC_AP0R0	S3_0_C12_C8_4
#define ICC_AP1R0	S3_0_C12_C9_0
#define ICC_DIR		S3_0_C12_C11_1
#define ICC_IAR1	S3_0_C12_C12_0
#define ICC_EOIR1	S3_0_C12_C12_1
#define ICC_BPR1	S3_0_C12_C12_3
#define ICC_CTLR	S3_0_C12_C12_4
#define ICC_IGRPEN0	S3_0_C12_C12_6
#define ICC_IGRPEN1	S3_0_C12_C12_7
#define ICC_CTLR_EOIMODE 0x2

#define LOWEST		0xff	/* priority mask that lets all pass */
#define SPURIOUS	1020	/* and up: no interrupt */
#define INTIDS		1020

	.section .rodata.a64_scrub, "a"
	.balign	8

	.globl	a64_scrub_v2, a64_scrub_v2_end
a64_scrub_v2:
	mov	w1, #GICC_CTLR_ALL
	str	wzr, [x0, #GICC_APR0]
	str	w1, [x0, #GICC_CTLR]
	mov	w1, #LOWEST
	str	w1, [x0, #GICC_PMR]
	dsb	sy
1:	ldr	w1, [x0, #GICC_IAR]
	and	w2, w1, #0x3ff
	cmp	w2, #SPURIOUS
	b.hs	2f
	str	w1, [x0, #GICC_EOIR]
	str	w1, [x0, #GICC_DIR]
	b	1b
2:	mov	w1, #INTIDS
3:	sub	w1, w1, #1
	str	w1, [x0, #GICC_DIR]
	cbnz	w1, 3b
	str	wzr, [x0, #GICC_CTLR]
	str	wzr, [x0, #GICC_PMR]
	str	wzr, [x0, #GICC_BPR]
	str	wzr, [x0, #GICC_ABPR]
	str	wzr, [x0, #GICC_APR0]
	dsb	sy
	smc	#0
4:	b	4b
a64_scrub_v2_end:

	.globl	a64_scrub_v3, a64_scrub_v3_end
a64_scrub_v3:
	mov	x1, #ICC_CTLR_EOIMODE
	msr	ICC_AP0R0, xzr
	msr	ICC_AP1R0, xzr
	msr	ICC_CTLR, x1
	mov	x1, #LOWEST
	msr	ICC_PMR, x1
	mov	x1, #1
	msr	ICC_IGRPEN0, x1
	msr	ICC_IGRPEN1, x1
	isb
1:	mrs	x1, ICC_IAR1
	cmp	x1, #SPURIOUS
	b.hs	2f
	msr	ICC_EOIR1, x1
	msr	ICC_DIR, x1
	isb
	b	1b
2:	mrs	x1, ICC_IAR0
	cmp	x1, #SPURIOUS
	b.hs	3f
	msr	ICC_EOIR0, x1
	msr	ICC_DIR, x1
	isb
	b	1b
3:	mov	x1, #INTIDS
4:	sub	x1, x1, #1
	msr	ICC_DIR, x1
	cbnz	x1, 4b
	isb
	msr	ICC_IGRPEN0, xzr
	msr	ICC_IGRPEN1, xzr
	msr	ICC_CTLR, xzr
	msr	ICC_PMR, xzr
	msr	ICC_BPR0, xzr
	msr	ICC_BPR1, xzr
	msr	ICC_AP0R0, xzr
	msr	ICC_AP1R0, xzr
	isb
	smc	#0
5:	b	5b
a64_scrub_v3_end:
