// SPDX-License-Identifier: BSD-2-Clause
/* Registers: out of range, out of order, at every width, past the end. Aborts are skipped. */
#include "test/guest/hostile-virtio/hostile_virtio.h"

enum {
	MMIO_PAGE = 0x1000,
	CONFIG_SPACE = 4096,
	PCI_CONFIG_HEADER = 256,
	CAP_MSIX = 0x11,
	MSIX_ENTRIES = 64,
	MSIX_ENTRY = 16,
};

static void queue_select(struct virtio *vd)
{
	static const uint32_t numbers[] = { 2, 3, 63, 64, 255, 256, 0x7fff, 0x8000, 0xffff, ~0u };

	wake(vd, false);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		virtio_write(vd, REG_QUEUE_SEL, numbers[i]);
		for (enum virtio_reg reg = REG_QUEUE_MAX; reg < VIRTIO_REGS; reg++) {
			(void)virtio_read(vd, reg);
			virtio_write(vd, reg, (uint32_t)noise());
			virtio_write(vd, reg, 1);
		}
		virtio_notify(vd, (uint16_t)numbers[i]);
	}
	virtio_driver_ok(vd);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		virtio_notify(vd, (uint16_t)numbers[i]);
}

static void queue_size(struct virtio *vd)
{
	static const uint32_t sizes[] = {
		0, 1, 3, 5, 100, 257, 0x7fff, 0x8000, 0x8001, 0xffff, ~0u
	};
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		for (unsigned q = 0; q < count; q++) {
			virtio_write(vd, REG_QUEUE_SEL, q);
			virtio_write(vd, REG_QUEUE_READY, 0);
			virtio_write(vd, REG_QUEUE_SIZE, sizes[i]);
			virtio_write(vd, REG_QUEUE_READY, 1);
		}
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++)
			virtio_notify(vd, (uint16_t)q);
	}
}

static void ring_addresses(struct virtio *vd)
{
	uint64_t end = machine.ram_base + machine.ram_size;
	const uint64_t places[] = {
		0,
		4096,
		machine.gicd,
		machine.uart,
		vd->regs,
		machine.ram_base - 16,
		end - 16,
		end,
		end - 4096 + 8,
		~UINT64_C(0),
		~UINT64_C(15),
		UINT64_C(1) << 40,
		prey() + 1,
		prey() + 2,
		UINT64_C(1) << 63,
	};
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < 3 * sizeof(places) / sizeof(places[0]); i++) {
		uint64_t place = places[i / 3];
		unsigned count;

		wake(vd, i % 2 != 0);
		count = open_all(vd, queues);
		for (unsigned q = 0; q < count; q++) {
			virtio_write(vd, REG_QUEUE_SEL, q);
			virtio_write(vd, REG_QUEUE_READY, 0);
			write16(queues[q].driver + 2, 1); /* something to fetch */
			if (i % 3 == 0)
				queues[q].desc = place;
			else if (i % 3 == 1)
				queues[q].driver = place;
			else
				queues[q].device = place;
			virtq_program(&queues[q]);
		}
		virtio_driver_ok(vd);
		for (unsigned q = 0; q < count; q++)
			virtio_notify(vd, (uint16_t)q);
	}
}

static void status_order(struct virtio *vd)
{
	static const uint8_t steps[] = {
		STATUS_DRIVER_OK,   0xff, 1,  3, 7, 15, STATUS_FAILED,
		STATUS_NEEDS_RESET, 0x4f, 11, 2, 0,
	};
	struct virtq queues[RINGS];

	for (unsigned i = 0; i < 20 * sizeof(steps); i++) {
		unsigned count;

		virtio_write(vd, REG_STATUS, steps[noise() % sizeof(steps)]);
		virtio_write(vd, REG_DRIVER_FEATURES_SEL, (uint32_t)noise() & 3);
		virtio_write(vd, REG_DRIVER_FEATURES, (uint32_t)noise());
		if (i % 16 != 0)
			continue;
		count = open_all(vd, queues); /* whatever the status is */
		for (unsigned q = 0; q < count; q++)
			virtio_notify(vd, (uint16_t)q);
	}
}

static void at_all_widths(uint64_t at, uint64_t bytes, bool writes)
{
	for (uint64_t i = 0; i < bytes; i++) {
		(void)read8(at + i);
		if (writes)
			write8(at + i, (uint8_t)noise());
	}
	for (uint64_t i = 0; i + 2 <= bytes; i += 2) {
		(void)read16(at + i);
		if (writes)
			write16(at + i, (uint16_t)noise());
	}
	for (uint64_t i = 0; i + 4 <= bytes; i += 4) {
		(void)read32(at + i);
		if (writes)
			write32(at + i, (uint32_t)noise());
	}
	for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
		(void)read64(at + i);
		if (writes)
			write64(at + i, noise());
	}
}

/* Everything the device shows, at every width; configuration fields and past their end. */
static void widths(struct virtio *vd)
{
	wake(vd, false);
	catch_begin();
	if (vd->pci) {
		at_all_widths(vd->regs, 0x40, true);
		at_all_widths(vd->isr, 4, true);
		at_all_widths(vd->notify, 64, true);
		at_all_widths(vd->config, CONFIG_SPACE, true);
		virtio_reset(vd);
		at_all_widths(vd->function, PCI_CONFIG_HEADER, false);
		virtio_locate(vd);
	} else {
		at_all_widths(vd->regs, MMIO_PAGE, true);
	}
	catch_end();
}

/* Configuration space in the wrong order, BARs over each other, over RAM and over devices. */
static void pci_config(struct virtio *vd)
{
	static const uint32_t places[] = { 0, 0x08000000, 0x09000000, 0x40000000, 0x3f000000, ~0u };
	wake(vd, false);
	catch_begin();
	for (unsigned i = 0; i < 4 * rounds(); i++) {
		uint64_t at = vd->function + (noise() & 0xfc);

		write32(at, (uint32_t)noise());
		write16(at + (noise() & 2), (uint16_t)noise());
		write8(at + (noise() & 3), (uint8_t)noise());
		(void)read32(at);
	}
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (unsigned bar = 0; bar < 6; bar++)
			write32(vd->function + PCI_BAR0 + 4 * bar, places[i]);
		write16(vd->function + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		(void)read32(machine.gicd);
	}
	write16(vd->function + PCI_COMMAND, 0);
	(void)read32(vd->regs); /* decoding is off */
	write32(vd->regs, ~0u);
	catch_end();
	virtio_locate(vd);
}

/* Messages to wherever; the table's end and beyond; masks and enables in any order. */
static void msix(struct virtio *vd)
{
	uint32_t cap;
	uint64_t table;

	cap = pci_capability(vd->function, CAP_MSIX, 0);
	if (cap == 0)
		return;
	table = pci_bar(vd->function, read32(vd->function + cap + 4) & 7) +
		(read32(vd->function + cap + 4) & ~7u);
	catch_begin();
	for (unsigned i = 0; i < 4 * rounds(); i++) {
		uint64_t entry = table + MSIX_ENTRY * (noise() % MSIX_ENTRIES);

		write32(entry, (uint32_t)noise() & ~3u);
		write32(entry + 4, (uint32_t)(noise() & noise() & noise()));
		write32(entry + 8, (uint32_t)noise());
		write32(entry + 12, (uint32_t)noise());
		write64(entry, noise());
		write8(entry + (noise() & 15), (uint8_t)noise());
		write16(vd->function + cap + 2, (uint16_t)noise());
	}
	/* messages that cannot arrive, from a device at work */
	for (uint64_t i = 0; i < MSIX_ENTRIES; i++) {
		write32(table + MSIX_ENTRY * i, (uint32_t)(machine.ram_base + 64 * i));
		write32(table + MSIX_ENTRY * i + 12, 0);
	}
	write16(vd->function + cap + 2, 1 << 15);
	wake(vd, false);
	for (uint32_t q = 0; q < RINGS; q++) {
		virtio_write(vd, REG_QUEUE_SEL, q);
		virtio_write(vd, REG_QUEUE_VECTOR, (uint32_t)noise() & 0xffff);
		virtio_write(vd, REG_QUEUE_VECTOR, q);
	}
	write16(vd->function + cap + 2, 0);
	catch_end();
}

const struct cruelty register_cruelties[] = {
	{ "queue-select", queue_select, NEEDS_NOTHING },
	{ "queue-size", queue_size, NEEDS_NOTHING },
	{ "ring-addresses", ring_addresses, NEEDS_NOTHING },
	{ "status-order", status_order, NEEDS_NOTHING },
	{ "widths", widths, NEEDS_NOTHING },
	{ "pci-config", pci_config, NEEDS_PCI },
	{ "msix", msix, NEEDS_PCI },
	{ NULL, NULL, NEEDS_NOTHING },
};
