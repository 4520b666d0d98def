// SPDX-License-Identifier: BSD-2-Clause
/*
 * The benchmark guest: what an exit costs, seen from inside.
 *
 * Each line is `MG name n=.. ticks=.. ns/op=..`. Under `-icount shift=0,sleep=off` one virtual
 * nanosecond is one instruction, summed over all privilege levels, so ns/op is instructions per
 * operation. The loops, their counts and names are those that the figures of other VMMs in
 * tools/bench-peers.json were taken with; do not change them without measuring those anew.
 */
#include "test/guest/lib/guest.h"

enum {
	ROUNDS = 10000,
	IRQ_ROUNDS = ROUNDS / 10,
	IPI_ROUNDS = 200,
	TOUCH_PAGES = 1024,
	TOUCH_OFFSET = 0x5000000, /* 80 MiB in: nothing is loaded there */
	TOUCH_RAM = 0x8000000,
	SGI_SELF = 1,
	SGI_PING = 2,
	SGI_PONG = 3,
	TIMER_HZ = 10000, /* deadlines 100 us ahead */
	SETTLE_HZ = 500,  /* 2 ms */
};

/* In one place, as the handler that is measured touches most of it. */
static struct {
	volatile uint64_t irq_count, irq_at, eoi_before, eoi_after;
	volatile uint64_t second_count;
	volatile uint32_t second_waits;
} seen;

struct series {
	uint64_t sum, max;
};

/*
 * The number of the register that is transferred decides how many of them a VMM has to fetch from the
 * kernel, so it is not left to the compiler: these are the ones of the guest that the peers' figures
 * were taken with.
 */
static inline void load(uint64_t address)
{
	__asm__ volatile("ldr w0, [%0]" : : "r"(address) : "x0", "memory");
}

static inline void store(uint64_t address, uint32_t value)
{
	register uint32_t w3 __asm__("w3") = value;

	__asm__ volatile("str %w0, [%1]" : : "r"(w3), "r"(address) : "memory");
}

/* gic_send without the call, for SGIs among CPUs 0 and 1. */
static inline void send(uint32_t cpu, uint32_t sgi)
{
	register uint64_t x7 __asm__("x7") = (uint64_t)sgi << 24 | UINT64_C(1) << cpu;

	barrier();
	if (machine.gic_version == 3)
		WRITE_SYSREG(ICC_SGI1R, x7);
	else
		write32(machine.gicd + 0xf00, (1u << (16 + cpu)) | sgi);
}

static void add(struct series *s, uint64_t ticks)
{
	s->sum += ticks;
	if (ticks > s->max)
		s->max = ticks;
}

static void report(const char *name, uint64_t ticks, uint64_t n)
{
	uint64_t hz = counter_hz();
	/* Tenths of a nanosecond, without overflow for sane counts. */
	uint64_t tenths = ticks * (UINT64_C(10000000000) / 1000) / (hz / 1000) / n;

	print("MG %s n=%lu ticks=%lu ns/op=%lu.%lu\n", name, n, ticks, tenths / 10, tenths % 10);
}

static void report_series(const char *name, const struct series *s, uint64_t n)
{
	report(name, s->sum, n);
	print("MG %s-max ns=%lu\n", name, s->max * 1000000000 / counter_hz());
}

void irq_handler(void)
{
	uint64_t at = counter();
	uint32_t iar = gic_ack(), intid = iar & 0x3ff;
	bool first = cpu_index() == 0;

	if (intid >= GIC_SPURIOUS)
		return;
	if (first)
		seen.irq_at = at;
	if (intid == VTIMER_INTID)
		vtimer_off();
	if (first)
		seen.eoi_before = counter();
	gic_eoi(iar);
	if (first) {
		seen.eoi_after = counter();
		seen.irq_count++;
	} else {
		seen.second_count++;
		if (intid == SGI_PING)
			send(0, SGI_PONG);
	}
}

void secondary_main(uint64_t index)
{
	gic_init_cpu((uint32_t)index);
	irq_on();
	seen.second_count = 1;
	for (;;) {
		if (seen.second_waits)
			wfi();
	}
}

/* What was printed before a measure is not to be on its way through the system during it. */
static void settle(void)
{
	uint64_t until = counter() + counter_hz() / SETTLE_HZ;

	while (counter() < until)
		;
}

/* Runs `body` ROUNDS times and reports it. */
#define MEASURE(name, body)                                            \
	do {                                                           \
		uint64_t from_;                                        \
                                                                       \
		settle();                                              \
		from_ = counter();                                     \
		for (unsigned round_ = 0; round_ < ROUNDS; round_++) { \
			body;                                          \
		}                                                      \
		report(name, counter() - from_, ROUNDS);               \
	} while (0)

static void measure_baseline(void)
{
	MEASURE("empty-loop", __asm__ volatile("" : : : "memory"));
	MEASURE("cntvct-read", (void)counter());
	MEASURE("midr-read", (void)READ_SYSREG("midr_el1"));
}

static bool conduit_works(uint64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t))
{
	catch_begin();
	call(PSCI_VERSION, 0, 0, 0);
	return catch_end() == 0;
}

static void measure_psci(void)
{
	uint64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t) =
		machine.hvc == 1 ? psci_hvc : psci_smc;

	if (machine.hvc < 0)
		return;
	print("MG psci-version=0x%lx\n", call(PSCI_VERSION, 0, 0, 0));
	MEASURE("psci-version", call(PSCI_VERSION, 0, 0, 0));
	if (conduit_works(psci_hvc))
		MEASURE("psci-version-hvc", psci_hvc(PSCI_VERSION, 0, 0, 0));
	if (conduit_works(psci_smc))
		MEASURE("psci-version-smc", psci_smc(PSCI_VERSION, 0, 0, 0));
}

static void measure_devices(void)
{
	/* In registers, or each round would fetch them from memory again. */
	const uint64_t gicd = machine.gicd, uart = machine.uart, virtio = machine.virtio;

	if (gicd != 0) {
		print("MG gicd-typer=0x%x\n", read32(gicd + 4));
		MEASURE("gicd-typer-read", load(gicd + 4));
		MEASURE("gicd-isenabler1-read", load(gicd + 0x104));
		MEASURE("gicd-ipriority-write", store(gicd + 0x420, 0xa0a0a0a0));
	}
	if (uart != 0)
		MEASURE("pl011-fr-read", load(uart + 0x18));
	if (virtio != 0) {
		print("MG virtio-magic=0x%x id=0x%x\n", read32(virtio), read32(virtio + 8));
		MEASURE("virtio-magic-read", load(virtio));
		MEASURE("virtio-devfeatsel-write", store(virtio + 0x14, 0));
	}
}

static void measure_touch(const char *name)
{
	uint64_t base = machine.ram_base + TOUCH_OFFSET;
	uint64_t from;

	settle();
	from = counter();
	for (uint64_t i = 0; i < TOUCH_PAGES; i++)
		write64(base + i * 4096, i);
	report(name, counter() - from, TOUCH_PAGES);
}

/* Spins until the handler has counted past `before`; false after a second. */
static bool wait_irq(uint64_t before, uint64_t limit)
{
	while (seen.irq_count == before) {
		if (counter() >= limit)
			return false;
	}
	return true;
}

/*
 * The counter ticks every 16 ns on QEMU's machine. Rounds that all take a multiple of that would all
 * begin at the same place between two ticks, and err to the same side.
 */
static void shift_phase(unsigned round)
{
	for (unsigned left = round % 16; left != 0; left--)
		__asm__ volatile("");
}

static void measure_sgi(void)
{
	struct series latency = { 0 }, trip = { 0 }, eoi = { 0 };

	settle();
	for (unsigned i = 0; i < IRQ_ROUNDS; i++) {
		uint64_t before, from;

		shift_phase(i);
		before = seen.irq_count;
		from = counter();
		send(0, SGI_SELF);
		if (!wait_irq(before, from + counter_hz())) {
			print("MG sgi-self LOST\n");
			return;
		}
		add(&trip, counter() - from);
		add(&latency, seen.irq_at - from);
		add(&eoi, seen.eoi_after - seen.eoi_before);
	}
	report_series("sgi-self-latency", &latency, IRQ_ROUNDS);
	report_series("sgi-self-roundtrip", &trip, IRQ_ROUNDS);
	report("sgi-self-eoi", eoi.sum, IRQ_ROUNDS);
}

static void measure_timer(bool waits, const char *latency_name, const char *total_name)
{
	struct series latency = { 0 }, total = { 0 };

	settle();
	for (unsigned i = 0; i < IRQ_ROUNDS; i++) {
		uint64_t before = seen.irq_count, deadline = counter() + counter_hz() / TIMER_HZ;

		if (waits)
			irq_off();
		vtimer_set(deadline);
		if (waits) {
			wfi();
			irq_on();
		}
		if (!wait_irq(before, deadline + counter_hz())) {
			print("MG %s LOST\n", latency_name);
			return;
		}
		add(&total, counter() - deadline);
		add(&latency, seen.irq_at - deadline);
	}
	report_series(latency_name, &latency, IRQ_ROUNDS);
	report(total_name, total.sum, IRQ_ROUNDS);
}

static void measure_ipi(bool waits, const char *name)
{
	struct series trip = { 0 };

	seen.second_waits = waits;
	settle();
	for (unsigned i = 0; i < IPI_ROUNDS; i++) {
		uint64_t before = seen.irq_count, from = counter();

		send(1, SGI_PING);
		if (!wait_irq(before, from + 2 * counter_hz())) {
			print("MG %s LOST\n", name);
			return;
		}
		add(&trip, seen.irq_at - from);
	}
	report_series(name, &trip, IPI_ROUNDS);
}

static void measure_smp(void)
{
	uint64_t limit;

	if (machine.cpu_count < 2 || machine.hvc < 0)
		return;
	print("MG cpu_on=0x%lx\n", (uint64_t)psci(PSCI_CPU_ON, machine.mpidr[1],
						  (uint64_t)(uintptr_t)secondary_start, 1));
	limit = counter() + 2 * counter_hz();
	while (seen.second_count == 0) {
		if (counter() >= limit) {
			print("MG secondary did not start\n");
			return;
		}
	}
	measure_ipi(false, "ipi-pingpong-spin");
	measure_ipi(true, "ipi-pingpong-wfi");
}

void guest_main(void)
{
	print("\nMG START uart=0x%lx gicv%u=0x%lx/0x%lx psci=%s virtio=0x%lx ram=0x%lx+0x%lx "
	      "cpus=%u freq=%lu cntvct=%lu\n",
	      machine.uart, machine.gic_version, machine.gicd,
	      machine.gic_version == 3 ? machine.gicr : machine.gicc,
	      machine.hvc == 1   ? "hvc"
	      : machine.hvc == 0 ? "smc"
				 : "none",
	      machine.virtio, machine.ram_base, machine.ram_size, machine.cpu_count, counter_hz(),
	      counter());
	measure_baseline();
	measure_psci();
	measure_devices();
	if (machine.ram_size >= TOUCH_RAM) {
		measure_touch("first-touch-page");
		measure_touch("second-touch-page");
	}
	if (machine.gicd != 0) {
		gic_init_dist();
		gic_init_cpu(0);
		irq_on();
		measure_sgi();
		measure_timer(false, "vtimer-spin-latency", "vtimer-spin-total");
		measure_timer(true, "vtimer-wfi-latency", "vtimer-wfi-total");
		measure_smp();
	}
	print("MG DONE\n");
}
