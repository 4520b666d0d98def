// SPDX-License-Identifier: BSD-2-Clause
/* Loads and stores where they do not belong. Aborts are caught and skipped. */
#include "test/guest/hostile/hostile.h"
#include "test/guest/lib/virtio.h"

enum {
	PAGE = 0x1000,
	FRAME_V3 = 0x10000,
	UART_CR = 0x30,
	UART_ON = 0x301,
	UART_LCRH = 0x2c,
	UART_8N1_FIFO = 0x70,
	UART_IMSC = 0x38,
	LOW_STEP = 0x10000,
	CRUEL_SLOTS = 3,    /* the devices of test/system/hostile.dts, and none */
	PCI_CONFIG = 0x140, /* bytes, and some behind them */
	PCI_MEMORY_AND_MASTER = 6,
	TOGETHER = 500, /* writes to each page by each of several vCPUs */
	ANYWHERE = 2000,
};

static volatile bool finished[GUEST_CPUS];

static void write_all(uint64_t at, uint64_t size, uint64_t value)
{
	for (uint64_t i = 0; i < size; i++)
		write8(at + i, (uint8_t)value);
	for (uint64_t i = 0; i + 2 <= size; i += 2)
		write16(at + i, (uint16_t)value);
	for (uint64_t i = 0; i + 4 <= size; i += 4)
		write32(at + i, (uint32_t)value);
	for (uint64_t i = 0; i + 8 <= size; i += 8)
		write64(at + i, value);
	for (uint64_t i = 0; i + 8 <= size; i += 8)
		(void)read64(at + i);
}

/* Registers, vectors and doorbells of a virtio function, where the BAR is. */
static void cruel_bar(uint64_t value)
{
	write_all(machine.pci32_base, 0x600, value);
	write_all(machine.pci32_base + 0x1000, 0x210, value);
	write_all(machine.pci32_base + 0x17f0, 0x20, value);
	write_all(machine.pci32_base + 0x2000, 0x120, value);
}

/* A function's configuration space, then its BAR where it may be, then everything once more. */
static void cruel_function(uint64_t function)
{
	write_all(function, PCI_CONFIG, ~UINT64_C(0));
	write32(function + PCI_BAR0, (uint32_t)machine.pci32_base);
	write32(function + PCI_BAR0 + 4, 0);
	write16(function + PCI_COMMAND, PCI_MEMORY_AND_MASTER);
	cruel_bar(~UINT64_C(0));
	cruel_bar(noise());
	write_all(function, PCI_CONFIG, noise());
}

static void cruel_pci(void)
{
	for (unsigned slot = 0; machine.ecam != 0 && slot < CRUEL_SLOTS; slot++)
		cruel_function(pci_function(slot));
}

/* Any width, any value, anywhere in a page or frame of this size. */
static void write_somewhere(uint64_t base, uint64_t size)
{
	uint64_t value = noise(), at = base + (noise() & (size - 1));

	switch (noise() & 3) {
	case 0:
		write8(at, (uint8_t)value);
		break;
	case 1:
		write16(at & ~UINT64_C(1), (uint16_t)value);
		break;
	case 2:
		write32(at & ~UINT64_C(3), (uint32_t)value);
		break;
	default:
		write64(at & ~UINT64_C(7), value);
	}
}

/* All vCPUs in all pages, so that a model's registers change under each other's hands. */
static void write_anywhere(void)
{
	uint64_t gicd_size = machine.gic_version == 3 ? FRAME_V3 : PAGE;

	for (unsigned i = 0; i < TOGETHER; i++) {
		write_somewhere(machine.gicd, gicd_size);
		if (machine.gic_version == 3)
			write_somewhere(machine.gicr, 2 * FRAME_V3 * (uint64_t)machine.cpu_count);
		else
			write_somewhere(machine.gicc, PAGE);
		if (machine.rtc != 0)
			write_somewhere(machine.rtc, PAGE);
		write_somewhere(machine.uart, PAGE);
	}
}

void cruel_pages_beside(void)
{
	write_anywhere();
	finished[cpu_index()] = true;
}

static void restore_uart(void)
{
	write32(machine.uart + UART_IMSC, 0);
	write32(machine.uart + UART_LCRH, UART_8N1_FIFO);
	write32(machine.uart + UART_CR, UART_ON);
}

static void pages_together(void)
{
	start_others();
	write_anywhere();
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		while (!finished[i])
			;
	}
	restore_uart();
}

/* Each byte of the pages that have registers (IHI 0069H, 12.1.3 and 12.1.4), some of the others. */
static void write_frame_v3(uint64_t at, uint64_t value)
{
	static const uint8_t pages[] = { 0, 1, 6, 7, FRAME_V3 / PAGE - 1 };

	for (unsigned i = 0; i < sizeof(pages); i++)
		write_all(at + pages[i] * (uint64_t)PAGE, PAGE, value);
	for (unsigned i = 0; i < ANYWHERE; i++)
		write_somewhere(at, FRAME_V3);
}

/* With one vCPU each byte in turn; several have their own way, for which one was enough. */
void cruel_pages(void)
{
	catch_begin();
	if (machine.cpu_count > 1) {
		pages_together();
		catch_end();
		return;
	}
	if (machine.gic_version == 3) {
		write_frame_v3(machine.gicd, ~UINT64_C(0));
		write_frame_v3(machine.gicr, noise());
		write_frame_v3(machine.gicr + FRAME_V3, ~UINT64_C(0));
		/* the redistributor of a vCPU that does not exist */
		write_all(machine.gicr + 2 * FRAME_V3 * (uint64_t)machine.cpu_count, PAGE, noise());
	} else {
		write_all(machine.gicd, PAGE, ~UINT64_C(0));
		write_all(machine.gicd, PAGE, noise());
		write_all(machine.gicc, PAGE, noise());
	}
	if (machine.rtc != 0)
		write_all(machine.rtc, PAGE, noise());
	cruel_pci();
	/* Last, since it takes the console's settings with it. */
	write_all(machine.uart, PAGE, ~UINT64_C(0));
	write_all(machine.uart, PAGE, noise());
	restore_uart();
	catch_end();
}

static void touch(uint64_t at)
{
	(void)read32(at);
	write8(at, 0);
	(void)read64(at + 8);
}

void cruel_scan(void)
{
	uint64_t ram_end = machine.ram_base + machine.ram_size;

	catch_begin();
	for (uint64_t at = 0; at < machine.ram_base; at += LOW_STEP) {
		if (at != machine.uart)
			touch(at);
	}
	touch(machine.ram_base - PAGE);
	touch(ram_end);
	touch(ram_end + PAGE);
	for (unsigned bit = 30; bit < 64; bit++) {
		uint64_t at = UINT64_C(1) << bit;

		if (at < machine.ram_base || at >= ram_end)
			touch(at);
	}
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t at = noise() & ~UINT64_C(15);

		if (at < machine.ram_base || at >= ram_end)
			touch(at);
	}
	catch_end();
	print("HOSTILE scan: %u aborts\n", caught.count);
}
