// SPDX-License-Identifier: BSD-2-Clause
/*
 * Resets itself again and again, each time with its CPUs caught doing something else, and each time
 * finds out whether they start as new: no interrupt pending or active, none lost from then on.
 *
 * Prints `RESETS round n` at each start and `RESETS done n` at the end, or `RESETS FAIL ...` once.
 * Command line: rounds=N (default 20). How many rounds there were is kept in RAM, which survives.
 */
#include "test/guest/lib/guest.h"

enum {
	ROUNDS = 20,
	TURNS = 3, /* interrupts of each kind that a CPU must get in a round */
	WAIT_S = 20,
	SGI_HELLO = 1,
	SGI_KEPT = 2, /* acknowledged, never ended */
	SGI_URGENT = 3,
	SGI_STORM = 4,
	RUNNING_IDLE = 0xff, /* running priority: none */
	GICC_BPR = 0x08,
	GICC_RPR = 0x14,
	GICC_CTLR_EOI_MODE = 1 << 9,
};
static const uint64_t state_magic = 0x7e5e75c0de7e5e75;

#define ICC_RPR  "S3_0_C12_C11_3"
#define ICC_CTLR "S3_0_C12_C12_4"

/* What a CPU is doing when the VM is reset. */
enum way {
	WAY_SPIN,
	WAY_WFI,
	WAY_TIMER_ACTIVE,
	WAY_SGI_ACTIVE,
	WAY_NESTED,
	WAY_PENDING, /* interrupts in list registers that were never looked at */
	WAY_STORM,
	WAY_OFF_ACTIVE, /* off, with an interrupt active */
	WAY_SPLIT,      /* priority dropped, not deactivated */
	WAY_COUNT,
};

static volatile uint32_t round_number;
static volatile uint32_t fine[GUEST_CPUS], ready[GUEST_CPUS], failed;
static volatile uint32_t step[GUEST_CPUS]; /* how far a CPU has come, for the message */

void irq_handler(void)
{
	failed = 1; /* nobody unmasks */
}

static void fail(uint32_t cpu, const char *what, uint64_t value)
{
	failed = 1;
	barrier();
	print("RESETS FAIL round %u cpu %u: %s 0x%lx\n", round_number, cpu, what, value);
}

static uint64_t soon(uint32_t seconds)
{
	return counter() + seconds * counter_hz();
}

static uint32_t take(void)
{
	uint64_t limit = soon(WAIT_S);
	uint32_t iar;

	do {
		iar = gic_ack();
	} while ((iar & 0x3ff) >= GIC_SPURIOUS && counter() < limit);
	return iar;
}

static uint32_t running_priority(void)
{
	return machine.gic_version == 3 ? (uint32_t)READ_SYSREG(ICC_RPR)
					: read32(machine.gicc + GICC_RPR);
}

static bool is_new(uint32_t self)
{
	uint32_t iar = gic_ack();

	if (running_priority() != RUNNING_IDLE) {
		fail(self, "running priority", running_priority());
		return false;
	}
	if ((iar & 0x3ff) < GIC_SPURIOUS) {
		fail(self, "an interrupt", iar);
		return false;
	}
	return true;
}

static bool gets_interrupts(uint32_t self)
{
	uint32_t iar;

	for (uint32_t i = 0; i < TURNS; i++) {
		step[self]++;
		gic_send(self, SGI_HELLO);
		iar = take();
		if ((iar & 0x3ff) != SGI_HELLO) {
			fail(self, "not its SGI but", iar);
			return false;
		}
		gic_eoi(iar);
	}
	for (uint32_t i = 0; i < TURNS; i++) {
		step[self]++;
		vtimer_set(counter() + counter_hz() / 1000);
		if (i == 1)
			wfi();
		iar = take();
		if ((iar & 0x3ff) != VTIMER_INTID) {
			fail(self, "not the timer but", iar);
			return false;
		}
		vtimer_off();
		gic_eoi(iar);
	}
	return true;
}

static void keep(uint32_t self, uint32_t sgi)
{
	gic_send(self, sgi);
	(void)take();
}

static void keep_timer(void)
{
	vtimer_set(counter());
	(void)take();
}

static void split_mode(void)
{
	if (machine.gic_version == 3)
		WRITE_SYSREG(ICC_CTLR, 2);
	else
		write32(machine.gicc, 1 | GICC_CTLR_EOI_MODE);
}

/* Brings itself into the state in which it is to be caught; the rest is stay(). */
static void prepare(uint32_t self, enum way way)
{
	switch (way) {
	case WAY_TIMER_ACTIVE:
		keep_timer();
		break;
	case WAY_SGI_ACTIVE:
	case WAY_OFF_ACTIVE:
		keep(self, SGI_KEPT);
		break;
	case WAY_NESTED:
		gic_set_priority(self, SGI_KEPT, 0x80);
		gic_set_priority(self, SGI_URGENT, 0x40);
		keep(self, SGI_KEPT);
		keep(self, SGI_URGENT);
		break;
	case WAY_PENDING:
		for (uint32_t sgi = 0; sgi < 8; sgi++)
			gic_send(self, sgi);
		vtimer_set(counter());
		break;
	case WAY_SPLIT:
		split_mode();
		gic_send(self, SGI_KEPT);
		gic_eoi(take());
		break;
	default:
		break;
	}
}

static _Noreturn void stay(uint32_t self, enum way way)
{
	for (;;) {
		if (way == WAY_WFI)
			wfi();
		if (way == WAY_OFF_ACTIVE && self != 0)
			psci(PSCI_CPU_OFF, 0, 0, 0);
		for (uint32_t i = 0; way == WAY_STORM && i < machine.cpu_count; i++)
			gic_send(i, SGI_STORM);
	}
}

static enum way way_of(uint32_t cpu)
{
	return (enum way)((round_number + 4 * cpu) % WAY_COUNT);
}

static bool all(const volatile uint32_t *words)
{
	uint64_t limit = soon(WAIT_S);

	for (uint32_t i = 0; i < machine.cpu_count; i++) {
		while (words[i] == 0) {
			if (failed)
				return false;
			if (counter() > limit) {
				fail(i, "stays at step", step[i]);
				return false;
			}
		}
	}
	return true;
}

/* The one that resets the VM is another one each round. */
static void live(uint32_t self)
{
	bool resets = round_number % machine.cpu_count == self;

	step[self] = 1;
	gic_init_cpu(self);
	step[self] = 2;
	if (!is_new(self) || !gets_interrupts(self))
		return;
	fine[self] = 1;
	barrier();
	if (!all(fine))
		return;
	prepare(self, way_of(self));
	ready[self] = 1;
	barrier();
	if (!resets)
		stay(self, way_of(self));
	if (!all(ready))
		return;
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	fail(self, "reset came back", 0);
}

void secondary_main(uint64_t index)
{
	irq_off();
	live((uint32_t)index);
	for (;;)
		;
}

static uint32_t rounds(void)
{
	char value[64];
	uint32_t n = 0;

	if (!bootarg("rounds", value))
		return ROUNDS;
	for (const char *s = value; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint32_t)(*s - '0');
	return n;
}

void guest_main(void)
{
	volatile uint64_t *state = (volatile uint64_t *)(machine.ram_base + machine.ram_size / 2);

	irq_off();
	if (state[0] != state_magic)
		state[1] = 0;
	state[0] = state_magic;
	round_number = (uint32_t)state[1]++;
	barrier();
	print("RESETS round %u\n", round_number);
	if (round_number == rounds()) {
		print("RESETS done %u\n", round_number);
		return;
	}
	gic_init_dist();
	for (uint32_t i = 1; i < machine.cpu_count; i++) {
		int64_t result = psci(PSCI_CPU_ON, machine.mpidr[i], (uintptr_t)secondary_start, i);

		if (result != 0) {
			fail(i, "CPU_ON says", (uint64_t)result);
			return;
		}
	}
	live(0);
	while (!failed)
		;
}
