/* SPDX-License-Identifier: BSD-2-Clause */
/* What the GIC's unit tests share: a GIC of four vCPUs and 64 SPIs, and registers by name. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/irqchip/gic/gic.h"
#include "vmm/irqchip/gic/private.h"

enum {
	CTLR = 0x000,
	TYPER = 0x004,
	IIDR = 0x008,
	IGROUPR = 0x080,
	ISENABLER = 0x100,
	ICENABLER = 0x180,
	ISPENDR = 0x200,
	ICPENDR = 0x280,
	ISACTIVER = 0x300,
	ICACTIVER = 0x380,
	IPRIORITYR = 0x400,
	ITARGETSR = 0x800,
	ICFGR = 0xc00,
	SGIR = 0xf00,
	CPENDSGIR = 0xf10,
	SPENDSGIR = 0xf20,
	IROUTER = 0x6000,
	GICR_CTLR = 0x0,
	GICR_TYPER = 0x8,
	GICR_WAKER = 0x14,
	SGI_BASE = 0x10000,
	VCPUS = 4,
	SPIS = 64,
	LRS = 4,
	UART = 33, /* some SPI */
	TIMER = 27 /* some PPI */
};

struct fixture {
	struct gic gic;
	unsigned kicks[GIC_VCPUS];
};

/* Two entries of a test list: the case on either version. */
#define BOTH(test_case) CASE_OF(test_case, " (v2)", setup_v2), CASE_OF(test_case, " (v3)", setup_v3)
#define CASE_OF(test_case, version, setup)                                                   \
	{                                                                                    \
		.name = #test_case version, .test_func = (test_case), .setup_func = (setup), \
		.teardown_func = teardown                                                    \
	}

/* How often `vcpu` was kicked, as seen each time this is called. */
unsigned fixture_kicks(struct fixture *f, unsigned vcpu);

/* A fixture of that version, with these numbers; the caller frees it with teardown(). */
struct fixture *fixture_make(unsigned version, unsigned vcpus, unsigned lrs);
int setup_v2(void **state);
int setup_v3(void **state);
int teardown(void **state);

uint64_t dist_read(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width);
void dist_write(struct fixture *f, unsigned vcpu, unsigned offset, unsigned width, uint64_t value);
uint64_t redist_read(struct fixture *f, unsigned frame, unsigned offset, unsigned width);
void redist_write(struct fixture *f, unsigned frame, unsigned offset, unsigned width,
		  uint64_t value);

/*
 * Writes the bit of `intid` in an array of one-bit fields, in the right frame for version and
 * INTID.
 */
void bit_write(struct fixture *f, unsigned vcpu, unsigned array, unsigned intid);
bool bit_read(struct fixture *f, unsigned vcpu, unsigned array, unsigned intid);
void priority_write(struct fixture *f, unsigned vcpu, unsigned intid, unsigned priority);
void edge_write(struct fixture *f, unsigned vcpu, unsigned intid, bool edge);
void route_write(struct fixture *f, unsigned intid, unsigned vcpu);

/* Enabled, routed to vCPU 0, and both groups on. */
void arm_spi(struct fixture *f, unsigned intid);

/* gic_next() must find exactly this, or nothing (GIC_INTID_NONE); returns the list register. */
unsigned expect_next(struct fixture *f, unsigned vcpu, unsigned intid);
