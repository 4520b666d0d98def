// SPDX-License-Identifier: BSD-2-Clause
/* The list of cruelties and the short ones among them. */
#include "test/guest/hostile/hostile.h"

enum {
	STORM_RESETS = 20,
	SPIN_SECONDS = 1,
	FLOOD_LINES = 100,
	STORM_SGI = 1,
};
static const uint64_t state_magic = 0x57ac0de5eed5eed5;

static volatile uint64_t interrupts;
static volatile uint64_t storm_end; /* 0: no storm */

void irq_handler(void)
{
	uint32_t iar = gic_ack();

	interrupts++;
	if ((iar & 0x3ff) >= GIC_SPURIOUS)
		return;
	/* In the storm the timer's line stays up and each SGI sends the next. */
	if (counter() >= storm_end)
		vtimer_off();
	else if ((iar & 0x3ff) == STORM_SGI)
		gic_send(0, STORM_SGI);
	gic_eoi(iar);
}

void secondary_main(uint64_t index)
{
	if (storm_end == 0)
		cruel_pages_beside();
	else
		gic_init_cpu((uint32_t)index);
	while (counter() < storm_end)
		gic_send(0, (uint32_t)noise() & 15);
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

void start_others(void)
{
	for (uint32_t i = 1; i < machine.cpu_count; i++)
		psci(PSCI_CPU_ON, machine.mpidr[i], (uintptr_t)secondary_start, i);
}

static void spin(uint64_t seconds)
{
	uint64_t until = counter() + seconds * counter_hz();

	while (counter() < until)
		;
}

static void cruel_spin(void)
{
	irq_off();
	spin(SPIN_SECONDS);
}

/* As many interrupts as can be had: a level that stays, an SGI that begets the next, all vCPUs. */
static void cruel_storm(void)
{
	gic_init_dist();
	gic_init_cpu(0);
	storm_end = counter() + SPIN_SECONDS * counter_hz();
	start_others();
	vtimer_set(0);
	gic_send(0, STORM_SGI);
	irq_on();
	spin(SPIN_SECONDS);
	irq_off();
	print("HOSTILE storm: %lu interrupts\n", interrupts);
}

static void cruel_flood(void)
{
	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		for (unsigned c = 0; c < 200; c++)
			print("%c", (char)(c == 199  ? '\n'
					   : c < 150 ? 'f'
						     : (int)(noise() & 0xff)));
	}
	print("\n");
}

static void spin_forever(void)
{
	irq_off();
	for (;;)
		;
}

static void wfi_forever(void)
{
	irq_off();
	vtimer_off();
	for (;;)
		wfi();
}

/* Nobody at home: the vector table lies where nothing is, and so does the next instruction. */
static void fault_loop(void)
{
	WRITE_SYSREG("vbar_el1", 0x07000000);
	__asm__ volatile("br %0" : : "r"(UINT64_C(0x07000000)));
}

/* An exception whose handler has no stack to save anything on. */
static void stack_gone(void)
{
	__asm__ volatile("mov sp, %0\n\t.inst 0" : : "r"(UINT64_C(0x07000000)));
}

/* Translation tables inside a device: each walk is a stage-2 fault (ESR_ELx.S1PTW). */
static void walk_gone(void)
{
	mmu_on();
	WRITE_SYSREG("ttbr0_el1", machine.gicd);
	__asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
}

static void cpu_off(void)
{
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

static const struct cruelty ending[] = {
	{ "instructions", cruel_instructions },
	{ "pages", cruel_pages },
	{ "scan", cruel_scan },
	{ "calls", cruel_calls },
	{ "psci", cruel_psci },
	{ "spin", cruel_spin },
	{ "storm", cruel_storm },
	{ "flood", cruel_flood },
};

static const struct cruelty endless[] = {
	{ "spin-forever", spin_forever }, { "wfi-forever", wfi_forever },
	{ "fault-loop", fault_loop },     { "stack-gone", stack_gone },
	{ "walk-gone", walk_gone },       { "cpu-off", cpu_off },
	{ "random", cruel_random },
};

enum {
	ENDING = sizeof(ending) / sizeof(ending[0]),
	STARTS = ENDING + STORM_RESETS + 1, /* of the VM in a round */
};

static void run(const struct cruelty *cruelty)
{
	print("HOSTILE %s\n", cruelty->name);
	cruelty->run();
	print("\nHOSTILE %s survived\n", cruelty->name);
}

static void run_named(const char *name)
{
	for (unsigned i = 0; i < ENDING; i++) {
		if (text_equal(name, ending[i].name)) {
			run(&ending[i]);
			return;
		}
	}
	for (unsigned i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		if (text_equal(name, endless[i].name)) {
			run(&endless[i]);
			return;
		}
	}
	print("HOSTILE has no '%s'\n", name);
}

static uint64_t rounds(void)
{
	char text[64] = "1";
	uint64_t n = 0;

	bootarg("rounds", text);
	for (const char *p = text; *p >= '0' && *p <= '9'; p++)
		n = 10 * n + (uint64_t)(*p - '0');
	return n;
}

static void run_all(void)
{
	volatile uint64_t *state = (volatile uint64_t *)(machine.ram_base + machine.ram_size / 2);
	uint64_t start = state[0] == state_magic ? state[1] : 0, round = start / STARTS,
		 step = start % STARTS;

	state[0] = state_magic;
	state[1] = start + 1;
	barrier();
	noise_begin(round);
	if (step < ENDING)
		run(&ending[step]);
	if (step == STARTS - 1) {
		if (round + 1 >= rounds()) {
			state[0] = 0;
			print("HOSTILE done\n");
			return;
		}
		print("HOSTILE round %lu done\n", round + 1);
	}
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	print("HOSTILE reset came back\n");
}

void guest_main(void)
{
	char name[64];

	irq_off();
	if (bootarg("do", name))
		run_named(name);
	else
		run_all();
}
