// SPDX-License-Identifier: BSD-2-Clause
/*
 * A GIC driver as small as tests need (IHI 0048B for version 2, IHI 0069H for 3). Everything is
 * non-secure group 1; SGIs and PPIs of a CPU are reached by that CPU's index.
 */
#include "test/guest/lib/guest.h"

enum {
	GICD_CTLR = 0x000,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICD_SGIR = 0xf00,
	GICD_IROUTER = 0x6000,
	GICD_V2_ENABLE = 1,
	GICD_V3_ENABLE = 0x12, /* ARE_NS, EnableGrp1NS */
	GICR_WAKER = 0x14,
	GICR_WAKER_SLEEP = 2,
	GICR_WAKER_ASLEEP = 4,
	GICR_FRAME = 0x20000,
	GICR_SGI_FRAME = 0x10000,
	GICC_CTLR = 0x0,
	GICC_PMR = 0x4,
	FIRST_SPI = 32,
	PMR_ALL = 0xf0,
};

uint64_t gic_private(uint32_t index)
{
	return machine.gic_version == 3
		       ? machine.gicr + (uint64_t)index * GICR_FRAME + GICR_SGI_FRAME
		       : machine.gicd;
}

static uint64_t bank(uint32_t index, uint32_t intid)
{
	return intid < FIRST_SPI ? gic_private(index) : machine.gicd;
}

static void write_bit(uint32_t index, uint32_t intid, uint32_t offset)
{
	write32(bank(index, intid) + offset + intid / 32 * 4, 1u << (intid % 32));
}

void gic_init_dist(void)
{
	write32(machine.gicd + GICD_CTLR,
		machine.gic_version == 3 ? GICD_V3_ENABLE : GICD_V2_ENABLE);
}

void gic_init_cpu(uint32_t index)
{
	if (machine.gic_version == 3) {
		uint64_t frame = machine.gicr + (uint64_t)index * GICR_FRAME;

		WRITE_SYSREG(ICC_SRE, READ_SYSREG(ICC_SRE) | 1);
		write32(frame + GICR_WAKER,
			read32(frame + GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
		for (unsigned i = 0; i < 100000; i++) {
			if ((read32(frame + GICR_WAKER) & GICR_WAKER_ASLEEP) == 0)
				break;
		}
		write32(frame + GICR_SGI_FRAME + GICD_IGROUPR, ~0u);
		for (uint32_t i = 0; i < 32; i += 4)
			write32(frame + GICR_SGI_FRAME + GICD_IPRIORITYR + i, 0x80808080);
		write32(frame + GICR_SGI_FRAME + GICD_ISENABLER, 0xffff | 1u << VTIMER_INTID);
		WRITE_SYSREG(ICC_PMR, PMR_ALL);
		WRITE_SYSREG(ICC_BPR1, 0);
		WRITE_SYSREG(ICC_IGRPEN1, 1);
	} else {
		write32(machine.gicd + GICD_ISENABLER, 0xffff | 1u << VTIMER_INTID);
		write32(machine.gicc + GICC_PMR, PMR_ALL);
		write32(machine.gicc + GICC_CTLR, 1);
	}
}

void gic_set_mask(uint8_t priority)
{
	if (machine.gic_version == 3)
		WRITE_SYSREG(ICC_PMR, priority);
	else
		write32(machine.gicc + GICC_PMR, priority);
}

void gic_enable(uint32_t index, uint32_t intid)
{
	if (machine.gic_version == 3 && intid >= FIRST_SPI) {
		uint64_t group = machine.gicd + GICD_IGROUPR + intid / 32 * 4;

		write32(group, read32(group) | 1u << (intid % 32));
	}
	write_bit(index, intid, GICD_ISENABLER);
}

void gic_disable(uint32_t index, uint32_t intid)
{
	write_bit(index, intid, GICD_ICENABLER);
}

void gic_set_pending(uint32_t index, uint32_t intid)
{
	write_bit(index, intid, GICD_ISPENDR);
}

void gic_clear_pending(uint32_t index, uint32_t intid)
{
	write_bit(index, intid, GICD_ICPENDR);
}

bool gic_is_pending(uint32_t index, uint32_t intid)
{
	return (read32(bank(index, intid) + GICD_ISPENDR + intid / 32 * 4) >> (intid % 32)) & 1;
}

void gic_set_priority(uint32_t index, uint32_t intid, uint8_t priority)
{
	write8(bank(index, intid) + GICD_IPRIORITYR + intid, priority);
}

void gic_set_edge(uint32_t intid, bool edge)
{
	uint64_t at = machine.gicd + GICD_ICFGR + intid / 16 * 4;
	uint32_t bit = 2u << (intid % 16 * 2);

	write32(at, edge ? read32(at) | bit : read32(at) & ~bit);
}

void gic_route(uint32_t intid, uint32_t cpu)
{
	if (machine.gic_version == 3)
		write64(machine.gicd + GICD_IROUTER + 8 * (uint64_t)intid, machine.mpidr[cpu]);
	else
		write8(machine.gicd + GICD_ITARGETSR + intid, (uint8_t)(1u << cpu));
}

void gic_send(uint32_t cpu, uint32_t sgi)
{
	uint64_t mpidr = machine.mpidr[cpu];

	barrier();
	if (machine.gic_version == 3)
		WRITE_SYSREG(ICC_SGI1R, (mpidr & 0xff00) << 8 | (uint64_t)sgi << 24 |
						UINT64_C(1) << (mpidr & 0xf));
	else
		write32(machine.gicd + GICD_SGIR, (1u << (16 + cpu)) | sgi);
}
