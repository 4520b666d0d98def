// SPDX-License-Identifier: BSD-2-Clause
/* The list of suites, and the running of it. */
#include "test/guest/selftest/selftest.h"

enum { ACTIVE_MAX = 32 };

static const struct test *const suites[] = {
	exception_tests, mmio_tests, device_tests, gic_tests, timer_tests,
	psci_tests,      smp_tests,  virtio_tests, blk_tests,
};

static const char *current;
static bool reported;
static uint32_t passed, failed;
static uint32_t active[ACTIVE_MAX], active_count; /* of CPU 0, most recent last */

void irq_handler(void)
{
	print("interrupt while masked: %u\n", gic_ack());
}

static const char *base_name(const char *path)
{
	const char *base = path;

	for (; *path != '\0'; path++) {
		if (*path == '/')
			base = path + 1;
	}
	return base;
}

void test_fail(const char *file, int line, const char *what)
{
	if (reported)
		return;
	reported = true;
	failed++;
	print("TEST %s FAIL %s:%d: %s\n", current, base_name(file), line, what);
}

void test_fail_values(const char *file, int line, const char *what, uint64_t is, uint64_t want)
{
	if (reported)
		return;
	reported = true;
	failed++;
	print("TEST %s FAIL %s:%d: %s is 0x%lx, not 0x%lx\n", current, base_name(file), line, what,
	      is, want);
}

void test_skip(const char *why)
{
	if (reported)
		return;
	reported = true;
	print("TEST %s SKIP %s\n", current, why);
}

bool test_bare(void)
{
	return bootarg("bare", NULL);
}

uint32_t test_ack(void)
{
	uint32_t iar = gic_ack();

	if ((iar & 0x3ff) < GIC_SPURIOUS && cpu_index() == 0 && active_count < ACTIVE_MAX)
		active[active_count++] = iar;
	return iar;
}

void test_eoi(uint32_t iar)
{
	if (cpu_index() == 0 && active_count > 0)
		active_count--;
	gic_eoi(iar);
}

/* Back to an idle machine, whatever a failed test left behind. */
static void tidy_up(void)
{
	uint64_t limit = counter() + counter_hz();

	mmu_off();
	vtimer_off();
	gic_set_mask(0xf0);
	gic_init_dist();
	while (active_count > 0)
		gic_eoi(active[--active_count]);
	while (counter() < limit) {
		uint32_t iar = gic_ack();

		if ((iar & 0x3ff) >= GIC_SPURIOUS)
			return;
		gic_eoi(iar);
	}
}

uint32_t ack_within(uint32_t ms)
{
	uint64_t limit = counter() + counter_hz() / 1000 * ms;
	uint32_t iar;

	do {
		iar = test_ack();
	} while ((iar & 0x3ff) >= GIC_SPURIOUS && counter() < limit);
	return iar;
}

bool word_within(const volatile uint32_t *word, uint32_t value, uint32_t ms)
{
	uint64_t limit = counter() + counter_hz() / 1000 * ms;

	while (*word != value) {
		if (counter() >= limit)
			return false;
	}
	return true;
}

static void run(const struct test *test)
{
	current = test->name;
	reported = false;
	test->run();
	catch_end();
	tidy_up();
	if (reported)
		return;
	passed++;
	print("TEST %s PASS\n", current);
}

void guest_main(void)
{
	bool list = bootarg("list", NULL);
	char only[64] = "";

	bootarg("test", only);
	irq_off();
	gic_init_dist();
	gic_init_cpu(0);
	print("SELFTEST gicv%u cpus=%u psci=%s\n", machine.gic_version, machine.cpu_count,
	      machine.hvc == 1 ? "hvc" : "smc");
	for (unsigned s = 0; s < sizeof(suites) / sizeof(suites[0]); s++) {
		for (const struct test *test = suites[s]; test->name != NULL; test++) {
			if (list)
				print("LIST %s\n", test->name);
			else if (only[0] == '\0' || text_equal(only, test->name))
				run(test);
		}
	}
	print("SELFTEST %u passed, %u failed\n", passed, failed);
}
