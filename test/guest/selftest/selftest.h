/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests that run inside a VM. One line each:
 *
 *   TEST name PASS | TEST name SKIP why | TEST name FAIL file:line: what
 *
 * and at the end `SELFTEST n passed, m failed`. The command line may have `list` (names only),
 * `test=NAME` (that one alone) and `bare` (on QEMU itself, where a few expectations differ).
 * Tests run with interrupts masked and poll the GIC; what one leaves enabled or pending, the next
 * would see, so each cleans up after itself (and after a failure the runner does).
 */
#pragma once

#include "test/guest/lib/guest.h"

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test device_tests[], exception_tests[], gic_tests[], mmio_tests[], psci_tests[],
	smp_tests[], timer_tests[], virtio_tests[], blk_tests[];

/* Each prints the test's line, so it is called once a test; the macros return from the test. */
void test_fail(const char *file, int line, const char *what);
void test_fail_values(const char *file, int line, const char *what, uint64_t is, uint64_t want);
void test_skip(const char *why);
bool test_bare(void); /* on a machine, not in a VM */

#define EXPECT(condition)                                          \
	do {                                                       \
		if (!(condition)) {                                \
			test_fail(__FILE__, __LINE__, #condition); \
			return;                                    \
		}                                                  \
	} while (0)

#define EXPECT_EQ(is, want)                                                    \
	do {                                                                   \
		uint64_t is_ = (uint64_t)(is), want_ = (uint64_t)(want);       \
		if (is_ != want_) {                                            \
			test_fail_values(__FILE__, __LINE__, #is, is_, want_); \
			return;                                                \
		}                                                              \
	} while (0)

#define SKIP_IF(condition, why)         \
	do {                            \
		if (condition) {        \
			test_skip(why); \
			return;         \
		}                       \
	} while (0)

/*
 * Like gic_ack() and gic_eoi(), but remembered: what a failed test leaves active is ended before the
 * next one, so that one defect does not show as twenty.
 */
uint32_t test_ack(void);
void test_eoi(uint32_t iar);

/** Acknowledges the next interrupt, waiting up to `ms`; GIC_SPURIOUS or above if none came. */
uint32_t ack_within(uint32_t ms);
/** Waits until `*word` is `value`, up to `ms`. */
bool word_within(const volatile uint32_t *word, uint32_t value, uint32_t ms);

enum {
	SOON_MS = 10000, /* for what must happen, on however busy a host */
	NEVER_MS = 20,   /* for what must not */
	SPARE_SPI = 56,  /* 56 to 63: SPIs without a device */
};
