// SPDX-License-Identifier: BSD-2-Clause
/*
 * MSI_TYPER says which SPIs, MSI_SETSPI_NS takes one of them. MSI_IIDR reads as zero: some drivers know
 * chips with errata by it.
 */
#include "vmm/irqchip/gic/v2m.h"

#include "vmm/base/util.h"

enum {
	MSI_SETSPI_NS = 0x040,
	FIRST_SPI = 32,
	SPI_END = GIC_SPIS + FIRST_SPI,
	TYPER_BASE_SHIFT = 16,
};

enum vmm_err gicv2m_init(struct gicv2m *frame, struct irqchip *chip, uint64_t gpa, uint32_t first,
			 uint32_t count)
{
	if (count == 0 || first < FIRST_SPI || first >= SPI_END || count > SPI_END - first)
		return VMM_ERR_RANGE;
	*frame = (struct gicv2m){ .chip = chip, .gpa = gpa, .first = first, .count = count };
	return VMM_OK;
}

static void set_spi(struct gicv2m *frame, unsigned self, uint32_t intid)
{
	if (intid - frame->first < frame->count)
		gic_chip_pulse(frame->chip, self, intid);
	else
		__atomic_fetch_add(&frame->dropped, 1, __ATOMIC_RELAXED);
}

void gicv2m_message(struct gicv2m *frame, unsigned self, uint64_t address, uint32_t data)
{
	if (address == frame->gpa + MSI_SETSPI_NS)
		set_spi(frame, self, data);
	else
		__atomic_fetch_add(&frame->dropped, 1, __ATOMIC_RELAXED);
}

static uint64_t typer_read(void *device, const struct mmio_access *access)
{
	const struct gicv2m *frame = device;

	(void)access;
	return frame->first << TYPER_BASE_SHIFT | frame->count;
}

static void setspi_write(void *device, const struct mmio_access *access, uint64_t value)
{
	if (access->offset == MSI_SETSPI_NS) /* not its upper half */
		set_spi(device, access->vcpu, (uint32_t)value);
}

static const struct reg_range regs[] = {
	REG_RANGE(0x008, 0x00b, 4, .read = typer_read),
	REG_RANGE(MSI_SETSPI_NS, 0x043, 2 | 4, .write = setspi_write),
};

void gicv2m_access(void *device, struct mmio_access *access)
{
	(void)regs_dispatch(regs, ARRAY_SIZE(regs), device, access);
}
