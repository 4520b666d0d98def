/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/irqchip/gic/v2: targets, SGIs with their sources, banking. */
#include "test/unit/irqchip/gic/fixture.h"

enum { SGI = 5, TO_LIST = 0, TO_OTHERS = 1 << 24, TO_SELF = 2 << 24, RESERVED = 3 << 24 };

/* SGI 5 enabled on every vCPU. */
static struct fixture *with_sgi(void **state)
{
	struct fixture *f = *state;

	dist_write(f, 0, CTLR, 4, 3);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		bit_write(f, vcpu, ISENABLER, SGI);
	return f;
}

static void ctlr_has_two_bits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dist_read(f, 0, CTLR, 4), 0);
	dist_write(f, 0, CTLR, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, CTLR, 4), 3);
	dist_write(f, 0, CTLR, 4, 1);
	assert_int_equal(dist_read(f, 0, CTLR, 4), 1);
}

static void typer_counts_vcpus(void **state)
{
	assert_int_equal(dist_read(*state, 0, TYPER, 4), SPIS / 32 | (VCPUS - 1) << 5);
}

static void private_targets_name_the_reader(void **state)
{
	struct fixture *f = *state;

	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
		for (unsigned i = 0; i < 32; i += 4)
			assert_int_equal(dist_read(f, vcpu, ITARGETSR + i, 4), 0x01010101U << vcpu);
		dist_write(f, vcpu, ITARGETSR, 4, 0);
		assert_int_equal(dist_read(f, vcpu, ITARGETSR, 1), 1U << vcpu);
	}
}

static void spi_targets_are_those_that_exist(void **state)
{
	struct fixture *f = *state;

	dist_write(f, 0, ITARGETSR + 40, 4, 0xff020004);
	assert_int_equal(dist_read(f, 3, ITARGETSR + 40, 4), 0x0f020004);
	dist_write(f, 0, ITARGETSR + 41, 1, 8);
	assert_int_equal(dist_read(f, 3, ITARGETSR + 40, 4), 0x0f020804);
	dist_write(f, 0, ITARGETSR + 32 + SPIS, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ITARGETSR + 32 + SPIS, 4), 0);
}

static void without_targets_nobody_gets_it(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	dist_write(f, 0, ITARGETSR + UART, 1, 0);
	gic_set_level(&f->gic, UART, true);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		expect_next(f, vcpu, GIC_INTID_NONE);
	dist_write(f, 0, ITARGETSR + UART, 1, 1U << 2);
	(void)expect_next(f, 2, UART);
}

static void several_targets_one_delivery(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	dist_write(f, 0, ITARGETSR + UART, 1, 0xe);
	gic_pulse(&f->gic, UART);
	gic_power(&f->gic, 1, false);
	expect_next(f, 0, GIC_INTID_NONE);
	expect_next(f, 1, GIC_INTID_NONE);
	expect_next(f, 3, GIC_INTID_NONE);
	(void)expect_next(f, 2, UART);
}

static void uniprocessor_has_no_targets(void **state)
{
	struct fixture *f = fixture_make(2, 1, LRS);

	(void)state;
	dist_write(f, 0, CTLR, 4, 1);
	bit_write(f, 0, ISENABLER, UART);
	dist_write(f, 0, ITARGETSR + UART, 1, 0xff);
	assert_int_equal(dist_read(f, 0, ITARGETSR + UART, 1), 0);
	assert_int_equal(dist_read(f, 0, ITARGETSR, 4), 0);
	gic_set_level(&f->gic, UART, true);
	(void)expect_next(f, 0, UART);
	free(f);
}

/* peers' defect 10: self-IPI. */
static void sgi_to_self(void **state)
{
	struct fixture *f = with_sgi(state);
	unsigned lr;

	dist_write(f, 1, SGIR, 4, TO_SELF | 0xff0000 | SGI);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		assert_int_equal(gic_has_work(&f->gic, vcpu), vcpu == 1);
	lr = expect_next(f, 1, SGI);
	dist_write(f, 1, SGIR, 4, TO_LIST | 1U << (16 + 1) | SGI);
	assert_int_equal(gic_eoi(&f->gic, 1, lr), SGI);
	(void)expect_next(f, 1, SGI);
}

static void sgi_filters(void **state)
{
	struct fixture *f = with_sgi(state);

	dist_write(f, 0, SGIR, 4, TO_LIST | 0xfc0000 | SGI); /* 4..7 do not exist */
	expect_next(f, 0, GIC_INTID_NONE);
	expect_next(f, 1, GIC_INTID_NONE);
	(void)expect_next(f, 2, SGI);
	(void)expect_next(f, 3, SGI);
	dist_write(f, 1, SGIR, 4, TO_OTHERS | SGI);
	(void)expect_next(f, 0, SGI);
	expect_next(f, 1, GIC_INTID_NONE);
	assert_int_equal(dist_read(f, 2, SPENDSGIR + SGI, 1), 1U << 1);
	dist_write(f, 1, SGIR, 4, RESERVED | 0xff0000 | SGI);
	expect_next(f, 1, GIC_INTID_NONE);
	assert_int_equal(dist_read(f, 0, SGIR, 4), 0); /* write-only */
}

static void each_source_is_delivered_once(void **state)
{
	struct fixture *f = with_sgi(state);
	unsigned lr;

	for (unsigned from = 0; from < 3; from++) {
		dist_write(f, from, SGIR, 4, TO_LIST | 1U << (16 + 3) | SGI);
		dist_write(f, from, SGIR, 4, TO_LIST | 1U << (16 + 3) | SGI);
	}
	assert_int_equal(dist_read(f, 3, SPENDSGIR + SGI, 1), 7);
	for (unsigned from = 0; from < 3; from++) {
		lr = expect_next(f, 3, SGI);
		expect_next(f, 3, GIC_INTID_NONE); /* one INTID, one list register */
		assert_int_equal(dist_read(f, 3, CPENDSGIR + SGI, 1), 7 & ~((2U << from) - 1));
		assert_int_equal(gic_eoi(&f->gic, 3, lr), SGI);
	}
	expect_next(f, 3, GIC_INTID_NONE);
}

static void source_in_flight_comes_back_when_refused(void **state)
{
	struct fixture *f = with_sgi(state);
	unsigned lr;

	dist_write(f, 2, SGIR, 4, TO_LIST | 1U << 16 | SGI);
	lr = expect_next(f, 0, SGI);
	assert_int_equal(dist_read(f, 0, SPENDSGIR + SGI, 1), 0);
	gic_refused(&f->gic, 0, lr);
	assert_int_equal(dist_read(f, 0, SPENDSGIR + SGI, 1), 1U << 2);
	(void)expect_next(f, 0, SGI);
}

static void sources_by_software(void **state)
{
	struct fixture *f = with_sgi(state);

	dist_write(f, 1, SPENDSGIR + 4, 4, UINT32_MAX); /* SGIs 4..7 of vCPU 1 */
	assert_int_equal(dist_read(f, 1, SPENDSGIR + 4, 4), 0x0f0f0f0f);
	assert_int_equal(dist_read(f, 0, SPENDSGIR + 4, 4), 0);
	assert_true(bit_read(f, 1, ISPENDR, SGI));
	dist_write(f, 1, CPENDSGIR + SGI, 1, 0xf7);
	assert_int_equal(dist_read(f, 1, CPENDSGIR + 4, 4), 0x0f0f080f);
	(void)expect_next(f, 1, SGI);
	assert_int_equal(dist_read(f, 1, CPENDSGIR + 4, 4), 0x0f0f000f);
}

static void sgi_pending_bits_are_read_only(void **state)
{
	struct fixture *f = with_sgi(state);

	dist_write(f, 0, ISPENDR, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ISPENDR, 4), 0xffff0000);
	dist_write(f, 0, SGIR, 4, TO_SELF | SGI);
	dist_write(f, 0, ICPENDR, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ISPENDR, 4), 1U << SGI);
}

static void system_register_sgis_are_not_v2(void **state)
{
	struct fixture *f = with_sgi(state);

	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, UINT64_C(1) << 40 | (uint64_t)SGI << 24 | 0xf);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		expect_next(f, vcpu, GIC_INTID_NONE);
}

static void no_redistributors(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(redist_read(f, 0, GICR_TYPER, 8), 0);
	redist_write(f, 0, SGI_BASE + ISENABLER, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, ISENABLER, 4), 0);
}

#define V2(name) cmocka_unit_test_setup_teardown(name, setup_v2, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V2(ctlr_has_two_bits),
		V2(typer_counts_vcpus),
		V2(private_targets_name_the_reader),
		V2(spi_targets_are_those_that_exist),
		V2(without_targets_nobody_gets_it),
		V2(several_targets_one_delivery),
		cmocka_unit_test(uniprocessor_has_no_targets),
		V2(sgi_to_self),
		V2(sgi_filters),
		V2(each_source_is_delivered_once),
		V2(source_in_flight_comes_back_when_refused),
		V2(sources_by_software),
		V2(sgi_pending_bits_are_read_only),
		V2(system_register_sgis_are_not_v2),
		V2(no_redistributors),
	};

	return cmocka_run_group_tests_name("irqchip/gic/v2", tests, NULL, NULL);
}
