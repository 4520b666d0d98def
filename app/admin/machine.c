// SPDX-License-Identifier: BSD-2-Clause
/* What is done to the machine itself; all else in admin is kernel calls and memory. */
#include <string.h>

#include "app/admin/admin.h"

enum {
	/* Arm PrimeCell UART (PL011), DDI 0183, 3.2. */
	PL011_DR = 0x00,
	PL011_FR = 0x18,
	PL011_FR_TXFF = 1 << 5,
};

void machine_put(uint64_t uart, char c)
{
	volatile uint32_t *flags = (volatile uint32_t *)(uart + PL011_FR);
	volatile uint32_t *data = (volatile uint32_t *)(uart + PL011_DR);

	while ((*flags & PL011_FR_TXFF) != 0)
		;
	*data = (uint8_t)c;
}

/* By DC ZVA where EL0 may use it (Arm ARM DDI 0487, DCZID_EL0): a cache line an instruction. */
void machine_clear(uint64_t at, uint64_t size)
{
	enum { PROHIBITED = 1 << 4, BLOCK_WORDS = 0xf };
	uint64_t id, end = at + size;

	__asm__("mrs %0, dczid_el0" : "=r"(id));
	if ((id & PROHIBITED) != 0) {
		memset((void *)at, 0, size);
		return;
	}
	for (; at < end; at += UINT64_C(4) << (id & BLOCK_WORDS))
		__asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
}
