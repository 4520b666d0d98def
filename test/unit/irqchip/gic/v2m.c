/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/irqchip/gic/v2m: a write to the doorbell, by a guest or as a message, becomes an edge of an SPI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/irqchip/gic/v2m.h"

enum {
	TYPER = 0x008,
	SETSPI = 0x040,
	FIRST = 64,
	COUNT = 32,
	SPIS = 64, /* INTIDs 32..95 */
	ISPENDR = 0x200,
};

#define FRAME UINT64_C(0x08020000)

static struct irqchip chip;
static struct gicv2m frame;

static int setup(void **state)
{
	const struct gic_config config = {
		.version = 2, .vcpu_count = 1, .spi_count = SPIS, .lr_count = 4
	};

	(void)state;
	assert_int_equal(gic_chip_init(&chip, &config, NULL, NULL), VMM_OK);
	assert_int_equal(gicv2m_init(&frame, &chip, FRAME, FIRST, COUNT), VMM_OK);
	return 0;
}

static uint64_t access_frame(uint64_t offset, unsigned width, bool write, uint64_t value)
{
	struct mmio_access access = {
		.offset = offset, .width = (uint8_t)width, .write = write, .value = value
	};

	gicv2m_access(&frame, &access);
	return access.value;
}

/* The pending bits of the 32 interrupts from `intid` on, and clears them. */
static uint32_t take_pending(unsigned intid)
{
	struct mmio_access access = { .offset = ISPENDR + intid / 8U, .width = 4 };
	uint32_t pending;

	gic_chip_dist(&chip, &access);
	pending = (uint32_t)access.value;
	access.write = true;
	access.offset += 0x80; /* ICPENDR */
	gic_chip_dist(&chip, &access);
	return pending;
}

static void typer_says_which_interrupts(void **state)
{
	(void)state;
	assert_int_equal(access_frame(TYPER, 4, false, 0), FIRST << 16 | COUNT);
	access_frame(TYPER, 4, true, 0);
	assert_int_equal(access_frame(TYPER, 4, false, 0), FIRST << 16 | COUNT);
	assert_int_equal(access_frame(SETSPI, 4, false, 1), 0); /* write-only */
	assert_int_equal(access_frame(0xfcc, 4, false, 1), 0);
}

static void the_doorbell_makes_its_interrupts_pending(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		access_frame(SETSPI, i % 2 == 0 ? 4 : 2, true, FIRST + i);
		assert_int_equal(take_pending(FIRST), UINT32_C(1) << i);
		gicv2m_message(&frame, 0, FRAME + SETSPI, FIRST + i);
		assert_int_equal(take_pending(FIRST), UINT32_C(1) << i);
	}
	assert_int_equal(frame.dropped, 0);
}

static void other_numbers_and_addresses_are_dropped(void **state)
{
	static const uint32_t numbers[] = { 0, 31, 32, FIRST - 1, FIRST + COUNT, 1023, UINT32_MAX };

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		access_frame(SETSPI, 4, true, numbers[i]);
		gicv2m_message(&frame, 0, FRAME + SETSPI, numbers[i]);
		assert_int_equal(frame.dropped, 2 * (i + 1));
	}
	gicv2m_message(&frame, 0, FRAME, FIRST);
	gicv2m_message(&frame, 0, FRAME + SETSPI + 4, FIRST);
	gicv2m_message(&frame, 0, 0x40000000, FIRST);
	gicv2m_message(&frame, 0, (UINT64_C(1) << 32 | FRAME) + SETSPI, FIRST);
	assert_int_equal(frame.dropped, 18);
	access_frame(SETSPI, 1, true, FIRST); /* no such register */
	access_frame(SETSPI, 8, true, FIRST);
	access_frame(SETSPI + 2, 2, true, FIRST);
	assert_int_equal(take_pending(32), 0);
	assert_int_equal(take_pending(64), 0);
}

static void interrupts_that_cannot_be_are_refused(void **state)
{
	struct gicv2m other;

	(void)state;
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 31, 1), VMM_ERR_RANGE);
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 64, 0), VMM_ERR_RANGE);
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 992, 1), VMM_ERR_RANGE);
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 991, 2), VMM_ERR_RANGE);
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 64, UINT32_MAX), VMM_ERR_RANGE);
	assert_int_equal(gicv2m_init(&other, &chip, FRAME, 991, 1), VMM_OK);
	gicv2m_message(&other, 0, FRAME + SETSPI, 991); /* more than this distributor has */
	assert_int_equal(other.dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(typer_says_which_interrupts, setup),
		cmocka_unit_test_setup(the_doorbell_makes_its_interrupts_pending, setup),
		cmocka_unit_test_setup(other_numbers_and_addresses_are_dropped, setup),
		cmocka_unit_test_setup(interrupts_that_cannot_be_are_refused, setup),
	};

	return cmocka_run_group_tests_name("irqchip/gic/v2m", tests, NULL, NULL);
}
