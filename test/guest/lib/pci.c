// SPDX-License-Identifier: BSD-2-Clause
/*
 * Functions of PCI bus 0 behind ECAM (PCI Local Bus 3.0, 6.1, 6.2.5): capabilities, and BARs given
 * addresses one after the other in the bridge's 32-bit or 64-bit window.
 */
#include "test/guest/lib/virtio.h"

enum {
	SLOT_SHIFT = 15,
	BARS = 6,
	BAR_IO = 1,
	BAR_64 = 4,
	CAPS_MAX = 48,
};

/* What was handed out of the windows; a function keeps what it got. */
static uint64_t used32, used64;

uint64_t pci_function(unsigned slot)
{
	return machine.ecam + ((uint64_t)slot << SLOT_SHIFT);
}

uint32_t pci_capability(uint64_t function, uint8_t id, uint32_t from)
{
	uint32_t at = read8(function + (from == 0 ? PCI_CAPABILITIES : from + 1)) & 0xfc;

	for (unsigned i = 0; at >= 0x40 && i < CAPS_MAX; i++) {
		if (read8(function + at) == id)
			return at;
		at = read8(function + at + 1) & 0xfc;
	}
	return 0;
}

uint64_t pci_bar(uint64_t function, unsigned bar)
{
	uint32_t low = read32(function + PCI_BAR0 + 4 * bar);

	return (low & ~15u) |
	       ((low & BAR_64) != 0 ? (uint64_t)read32(function + PCI_BAR0 + 4 * bar + 4) << 32
				    : 0);
}

/* The address of one BAR of `size` bytes, naturally aligned; 0: no room. */
static uint64_t place(uint64_t size, bool wide)
{
	bool high = wide && machine.pci64_size != 0;
	uint64_t base = high ? machine.pci64_base : machine.pci32_base;
	uint64_t room = high ? machine.pci64_size : machine.pci32_size;
	uint64_t *used = high ? &used64 : &used32;
	uint64_t at = (base + *used + size - 1) & ~(size - 1);

	if (size == 0 || at + size > base + room)
		return 0;
	*used = at + size - base;
	return at;
}

void pci_place(uint64_t function, uint64_t bars[6])
{
	write16(function + PCI_COMMAND, 0);
	for (unsigned i = 0; i < BARS; i++) {
		uint64_t bar = function + PCI_BAR0 + 4 * i, size, at;
		uint32_t low, high = ~0u;
		bool wide;

		bars[i] = 0;
		write32(bar, ~0u);
		low = read32(bar);
		if (low == 0 || (low & BAR_IO) != 0)
			continue;
		wide = (low & BAR_64) != 0 && i + 1 < BARS;
		if (wide) {
			write32(bar + 4, ~0u);
			high = read32(bar + 4);
		}
		size = ~((uint64_t)high << 32 | (low & ~15u)) + 1;
		at = place(size, wide);
		write32(bar, (uint32_t)at);
		if (wide)
			write32(bar + 4, (uint32_t)(at >> 32));
		bars[i] = at;
		if (wide)
			bars[++i] = 0;
	}
	write16(function + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
