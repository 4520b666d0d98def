/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/support/virtio_pci.h"

#include <stdlib.h>

#include "vmm/base/util.h"

enum {
	SLOT = 2,
	COMMAND = 0x04,
	BAR0 = 0x10,
	ISR = 0x200,
	CONFIG = 0x400,
	DOORBELLS = 0x2000,
	MMIO_CONFIG = 0x100,
	MMIO_NOTIFY = 0x050,
};

#define WINDOW UINT64_C(0x10000000)
#define BAR    (WINDOW + 0x8000)

static void message(void *ctx, unsigned caller, uint64_t address, uint32_t data)
{
	struct driver_pci *pci = ctx;

	(void)caller;
	(void)address;
	(void)data;
	pci->messages++;
}

static void line(void *ctx, unsigned caller, unsigned number, bool level)
{
	struct driver_pci *pci = ctx;
	struct driver *d = pci->driver;

	(void)caller;
	if (number != pci_line_of(SLOT) || level == d->level)
		abort();
	d->interrupts += level;
	d->level = level;
}

uint64_t driver_pci_config(struct driver_pci *pci, bool write, uint64_t offset, unsigned width,
			   uint64_t value)
{
	struct mmio_access access = { .offset = SLOT << 15 | offset,
				      .value = value,
				      .width = (uint8_t)width,
				      .write = write };

	pci_ecam_access(&pci->host, &access);
	return access.value;
}

uint64_t driver_pci_bar(struct driver_pci *pci, bool write, uint64_t offset, unsigned width,
			uint64_t value)
{
	struct mmio_access access = { .offset = BAR - WINDOW + offset,
				      .value = value,
				      .width = (uint8_t)width,
				      .write = write };

	pci_window_access(&pci->host.window[0], &access);
	return access.value;
}

/* Where the common configuration has what virtio-mmio has at `mmio`. */
static const struct {
	uint16_t mmio, at;
	uint8_t width;
} names[] = {
	{ 0x010, 0x04, 4 }, { 0x014, 0x00, 4 }, { 0x020, 0x0c, 4 }, { 0x024, 0x08, 4 },
	{ 0x030, 0x16, 2 }, { 0x034, 0x18, 2 }, { 0x038, 0x18, 2 }, { 0x044, 0x1c, 2 },
	{ 0x060, ISR, 1 },  { 0x070, 0x14, 1 }, { 0x080, 0x20, 4 }, { 0x084, 0x24, 4 },
	{ 0x090, 0x28, 4 }, { 0x094, 0x2c, 4 }, { 0x0a0, 0x30, 4 }, { 0x0a4, 0x34, 4 },
	{ 0x0c0, 0x3a, 2 }, { 0x0fc, 0x15, 1 },
};

static uint64_t reg(struct driver *d, bool write, uint64_t offset, unsigned width, uint64_t value)
{
	struct driver_pci *pci = d->bus;

	if (offset >= MMIO_CONFIG)
		return driver_pci_bar(pci, write, offset - MMIO_CONFIG + CONFIG, width, value);
	if (offset == MMIO_NOTIFY)
		return driver_pci_bar(pci, write, DOORBELLS + 4 * (value & 0xfff), 2, value);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].mmio == offset)
			return driver_pci_bar(pci, write, names[i].at, names[i].width, value);
	}
	return 0; /* InterruptACK: reading the status did it */
}

void driver_pci_place(struct driver_pci *pci)
{
	unsigned at;

	(void)driver_pci_config(pci, true, BAR0, 4, BAR);
	(void)driver_pci_config(pci, true, BAR0 + 4, 4, 0);
	for (at = (unsigned)driver_pci_config(pci, false, 0x34, 1, 0); at != 0;
	     at = (unsigned)driver_pci_config(pci, false, at + 1, 1, 0)) {
		if (driver_pci_config(pci, false, at, 1, 0) == PCI_CAP_MSIX)
			(void)driver_pci_config(pci, true, at + 2, 2, 0);
	}
	(void)driver_pci_config(pci, true, COMMAND, 2, 6);
}

void driver_connect_pci(struct driver *d, struct driver_pci *pci, struct virtio_dev *vd)
{
	const struct pci_host_config config = {
		.window_gpa = { WINDOW },
		.window_size = { 0x100000 },
		.message = message,
		.line = line,
		.ctx = pci,
	};

	*pci = (struct driver_pci){ .driver = d };
	d->vd = vd;
	d->bus = pci;
	d->reg = reg;
	if (pci_host_init(&pci->host, &config) != VMM_OK ||
	    virtio_pci_init(&pci->device, vd) != VMM_OK ||
	    pci_host_add(&pci->host, SLOT, &pci->device.function) != VMM_OK)
		abort();
	driver_pci_place(pci);
}
