// SPDX-License-Identifier: BSD-2-Clause
/*
 * The neighbour: prints `TICK n check=xxxxxxxx` each 100 ms of guest time, driven by the virtual
 * timer while waiting in WFI. The check is a running FNV-1a over the counter values and a block of
 * RAM rewritten at each tick, so that a corrupted neighbour shows as well as a stopped one.
 *
 * Command line: ticks=N ends it by PSCI SYSTEM_OFF after N ticks (default: never); show=N prints each
 * Nth tick only, for people who read along.
 */
#include "test/guest/lib/guest.h"

enum {
	TICKS_PER_SECOND = 10,
	BLOCK = 512, /* words */
	FNV_PRIME = 16777619,
};
#define FNV_START UINT32_C(2166136261)

static volatile uint64_t ticks;
static uint64_t next, step;
static uint32_t block[BLOCK];

void irq_handler(void)
{
	uint32_t iar = gic_ack(), intid = iar & 0x3ff;

	if (intid >= GIC_SPURIOUS)
		return;
	if (intid == VTIMER_INTID) {
		ticks++;
		next += step;
		vtimer_set(next);
	}
	gic_eoi(iar);
}

void secondary_main(uint64_t index)
{
	(void)index;
}

static uint32_t fold(uint32_t check, uint32_t word)
{
	return (check ^ word) * FNV_PRIME;
}

/* Reads back what the last tick wrote, and writes the next pattern. */
static uint32_t walk(uint32_t check, uint32_t tick)
{
	for (uint32_t i = 0; i < BLOCK; i++) {
		if (block[i] != (tick - 1) * i)
			print("TICK memory changed: word %u is 0x%x\n", i, block[i]);
		check = fold(check, block[i]);
		block[i] = tick * i;
	}
	return check;
}

/* A number from the command line, 0 without it. */
static uint32_t option(const char *name)
{
	char value[64];
	uint32_t n = 0;

	if (!bootarg(name, value))
		return 0;
	for (const char *s = value; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint32_t)(*s - '0');
	return n;
}

void guest_main(void)
{
	uint32_t check = FNV_START, shown = 0, end = option("ticks"), each = option("show");

	gic_init_dist();
	gic_init_cpu(0);
	step = counter_hz() / TICKS_PER_SECOND;
	next = counter() + step;
	vtimer_set(next);
	print("TICK start\n");
	while (end == 0 || shown < end) {
		irq_off();
		if (ticks == shown)
			wfi();
		irq_on();
		while (shown < ticks) {
			shown++;
			check = walk(fold(check, shown), shown);
			if (each == 0 || shown % each == 0)
				print("TICK %u check=%08x\n", shown, check);
		}
	}
	print("TICK end\n");
}
