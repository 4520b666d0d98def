/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/irqchip/gic/v3: routing by affinity, redistributors, SGI system registers. The fixture's
 * affinities are 0.0, 0.1, 1.0, 1.1 (Aff1.Aff0).
 */
#include "test/unit/irqchip/gic/fixture.h"

enum { SGI = 5, ROUTER = IROUTER + UART * 8 };

#define ANY           (UINT64_C(1) << 31)
#define SGI_ID        ((uint64_t)SGI << 24)
#define SGI_AFF1(n)   ((uint64_t)(n) << 16)
#define SGI_AFF2(n)   ((uint64_t)(n) << 32)
#define SGI_AFF3(n)   ((uint64_t)(n) << 48)
#define SGI_RANGE(n)  ((uint64_t)(n) << 44)
#define SGI_TO_OTHERS (UINT64_C(1) << 40)

static struct fixture *with_sgi(void **state)
{
	struct fixture *f = *state;

	dist_write(f, 0, CTLR, 4, 3);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		bit_write(f, vcpu, ISENABLER, SGI);
	return f;
}

/* Exactly the vCPUs of `mask` get the SGI; it is ended again. */
static void expect_sgi(struct fixture *f, unsigned mask)
{
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
		if ((mask >> vcpu & 1) == 0) {
			expect_next(f, vcpu, GIC_INTID_NONE);
			continue;
		}
		assert_int_equal(gic_eoi(&f->gic, vcpu, expect_next(f, vcpu, SGI)), SGI);
	}
}

static void ctlr_reads_affinity_routing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dist_read(f, 0, CTLR, 4), 0x50);
	dist_write(f, 0, CTLR, 4, UINT32_MAX);
	assert_int_equal(dist_read(f, 0, CTLR, 4), 0x53);
	dist_write(f, 0, CTLR, 4, 2);
	assert_int_equal(dist_read(f, 0, CTLR, 4), 0x52);
}

static void typer_says_what_there_is(void **state)
{
	/* ITLinesNumber, IDbits = 10 - 1, A3V; no LPIs, MBIs, security, extended SPIs. */
	assert_int_equal(dist_read(*state, 0, TYPER, 4), SPIS / 32 | 9U << 19 | 1U << 24);
}

static void distributor_has_no_private_registers(void **state)
{
	static const unsigned words[] = { IGROUPR,         ISENABLER,     ICENABLER, ISPENDR,
					  ICPENDR,         ISACTIVER,     ICACTIVER, IPRIORITYR,
					  IPRIORITYR + 28, ICFGR,         ICFGR + 4, SGIR,
					  CPENDSGIR,       ITARGETSR + 40 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		dist_write(f, 0, words[i], 4, UINT32_MAX);
		assert_int_equal(dist_read(f, 0, words[i], 4), 0);
	}
	assert_int_equal(redist_read(f, 0, SGI_BASE + ISENABLER, 4), 0);
}

static void router_keeps_what_it_was_given(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dist_read(f, 0, ROUTER, 8), 0);
	dist_write(f, 0, ROUTER, 8, UINT64_MAX);
	assert_int_equal(dist_read(f, 0, ROUTER, 8), UINT64_C(0xff80ffffff));
	dist_write(f, 0, ROUTER, 4, 0x101);
	assert_int_equal(dist_read(f, 0, ROUTER, 8), UINT64_C(0xff00000101));
	dist_write(f, 0, ROUTER + 4, 4, 0x12);
	assert_int_equal(dist_read(f, 0, ROUTER, 8), UINT64_C(0x1200000101));
	assert_int_equal(dist_read(f, 0, ROUTER, 4), 0x101);
	assert_int_equal(dist_read(f, 0, ROUTER + 4, 4), 0x12);
	assert_int_equal(dist_read(f, 0, ROUTER, 2), 0);
	/* of an SPI that does not exist, and of private INTIDs */
	dist_write(f, 0, IROUTER + (32 + SPIS) * 8, 8, UINT64_MAX);
	assert_int_equal(dist_read(f, 0, IROUTER + (32 + SPIS) * 8, 8), 0);
	dist_write(f, 0, IROUTER + TIMER * 8, 8, UINT64_MAX);
	assert_int_equal(dist_read(f, 0, IROUTER + TIMER * 8, 8), 0);
}

static void routes_by_affinity(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	dist_write(f, 0, ROUTER, 8, 0x101);
	gic_pulse(&f->gic, UART);
	assert_int_equal(gic_eoi(&f->gic, 3, expect_next(f, 3, UART)), UART);
	dist_write(f, 0, ROUTER, 8, 0x100000101); /* Aff3 = 1: nobody */
	gic_pulse(&f->gic, UART);
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		expect_next(f, vcpu, GIC_INTID_NONE);
	dist_write(f, 0, ROUTER, 8, 1);
	(void)expect_next(f, 1, UART);
}

static void one_of_n_goes_to_one_that_is_awake(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	dist_write(f, 0, ROUTER, 8, ANY);
	gic_power(&f->gic, 0, false);
	redist_write(f, 1, GICR_WAKER, 4, 2);
	gic_pulse(&f->gic, UART);
	expect_next(f, 0, GIC_INTID_NONE);
	expect_next(f, 1, GIC_INTID_NONE);
	expect_next(f, 3, GIC_INTID_NONE);
	(void)expect_next(f, 2, UART);
}

static void sleeping_redistributor_holds_interrupts(void **state)
{
	struct fixture *f = *state;

	arm_spi(f, UART);
	assert_int_equal(redist_read(f, 0, GICR_WAKER, 4), 0);
	redist_write(f, 0, GICR_WAKER, 4, UINT32_MAX);
	assert_int_equal(redist_read(f, 0, GICR_WAKER, 4), 6); /* ChildrenAsleep follows */
	gic_pulse(&f->gic, UART);
	expect_next(f, 0, GIC_INTID_NONE);
	redist_write(f, 0, GICR_WAKER, 4, 4); /* read-only bit */
	assert_int_equal(redist_read(f, 0, GICR_WAKER, 4), 0);
	redist_write(f, 0, GICR_WAKER, 4, 0);
	(void)expect_next(f, 0, UART);
}

static void redistributors_name_their_vcpu(void **state)
{
	static const uint64_t affinity[VCPUS] = { 0, 1, 0x100, 0x101 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < VCPUS; i++) {
		uint64_t typer = affinity[i] << 32 | i << 8 | (i == VCPUS - 1 ? 1U << 4 : 0);

		assert_int_equal(redist_read(f, i, GICR_TYPER, 8), typer);
		assert_int_equal(redist_read(f, i, GICR_TYPER, 4), typer & UINT32_MAX);
		assert_int_equal(redist_read(f, i, GICR_TYPER + 4, 4), typer >> 32);
		assert_int_equal(redist_read(f, i, GICR_CTLR, 4), 0);
		assert_int_equal(redist_read(f, i, IIDR - 4, 4), 0x5600043b);
		assert_int_equal(redist_read(f, i, 0xffe8, 4), 0x3b);
	}
}

/* peers' defect 10: the redistributor of a vCPU that does not exist. */
static void redistributor_of_nobody_is_raz_wi(void **state)
{
	struct fixture *f = *state;
	static const uint64_t frames[] = { VCPUS, VCPUS + 1, GIC_VCPUS, 1000,
					   UINT64_MAX / GIC_REDIST_SIZE };

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		struct mmio_access access = {
			.offset = frames[i] * GIC_REDIST_SIZE + SGI_BASE + ISENABLER,
			.value = UINT32_MAX,
			.width = 4,
			.write = true,
		};

		gic_redist_access(&f->gic, &access);
		access.write = false;
		gic_redist_access(&f->gic, &access);
		assert_int_equal(access.value, 0);
	}
	for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
		assert_int_equal(redist_read(f, vcpu, SGI_BASE + ISENABLER, 4), 0);
}

static void sgi_target_list(void **state)
{
	struct fixture *f = with_sgi(state);

	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | 3);
	expect_sgi(f, 3);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_AFF1(1) | 0xfffe);
	expect_sgi(f, 8);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_AFF1(2) | 0xffff);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_AFF2(1) | 0xffff);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_AFF3(1) | 0xffff);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_RANGE(1) | 0xffff);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID);
	expect_sgi(f, 0);
}

/* peers' defect 10: self-IPI. */
static void sgi_to_self_and_to_others(void **state)
{
	struct fixture *f = with_sgi(state);
	unsigned lr;

	gic_sgi_sysreg(&f->gic, 2, GIC_ICC_SGI1R, SGI_ID | SGI_AFF1(1) | 1);
	expect_sgi(f, 4);
	gic_sgi_sysreg(&f->gic, 2, GIC_ICC_SGI1R, SGI_ID | SGI_TO_OTHERS | SGI_AFF1(1) | 1);
	expect_sgi(f, 0xb);
	/* Again while in flight: once more after the EOI. */
	gic_sgi_sysreg(&f->gic, 2, GIC_ICC_SGI1R, SGI_ID | SGI_AFF1(1) | 1);
	lr = expect_next(f, 2, SGI);
	gic_sgi_sysreg(&f->gic, 2, GIC_ICC_SGI1R, SGI_ID | SGI_AFF1(1) | 1);
	assert_int_equal(gic_eoi(&f->gic, 2, lr), SGI);
	expect_sgi(f, 4);
}

static void sgi_groups(void **state)
{
	struct fixture *f = with_sgi(state);

	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI0R, SGI_ID | 1);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_ASGI1R, SGI_ID | 1);
	expect_sgi(f, 0); /* it is in Group 1 */
	redist_write(f, 0, SGI_BASE + IGROUPR, 4, 0);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI0R, SGI_ID | 1);
	expect_sgi(f, 1);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_ASGI1R, SGI_ID | 1);
	expect_sgi(f, 1);
	gic_sgi_sysreg(&f->gic, 0, GIC_ICC_SGI1R, SGI_ID | 1);
	expect_sgi(f, 1);
}

static void sgi_pending_by_software(void **state)
{
	struct fixture *f = with_sgi(state);

	redist_write(f, 1, SGI_BASE + ISPENDR, 4, 1U << SGI);
	assert_int_equal(redist_read(f, 1, SGI_BASE + ICPENDR, 4), 1U << SGI);
	expect_sgi(f, 2);
	redist_write(f, 1, SGI_BASE + ISPENDR, 4, 1U << SGI);
	redist_write(f, 1, SGI_BASE + ICPENDR, 4, 1U << SGI);
	expect_sgi(f, 0);
}

/* Aff0 above 15 is reached through the range selector. */
static void sgi_range_selector(void **state)
{
	static struct gic gic;
	struct gic_config config = {
		.version = 3, .vcpu_count = 2, .lr_count = 1, .mpidr = { 3, 16 + 3 }
	};
	struct mmio_access enable = { .offset = GIC_REDIST_SIZE + SGI_BASE + ISENABLER,
				      .value = 1U << SGI,
				      .width = 4,
				      .write = true };
	struct mmio_access ctlr = { .value = 3, .width = 4, .write = true };

	(void)state;
	assert_int_equal(gic_init(&gic, &config), VMM_OK);
	gic_power(&gic, 1, true);
	gic_redist_access(&gic, &enable);
	gic_dist_access(&gic, &ctlr);
	gic_sgi_sysreg(&gic, 0, GIC_ICC_SGI1R, SGI_ID | 1U << 3);
	assert_false(gic_has_work(&gic, 1));
	gic_sgi_sysreg(&gic, 0, GIC_ICC_SGI1R, SGI_ID | SGI_RANGE(1) | 1U << 3);
	assert_true(gic_has_work(&gic, 1));
}

#define V3(name) cmocka_unit_test_setup_teardown(name, setup_v3, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V3(ctlr_reads_affinity_routing),
		V3(typer_says_what_there_is),
		V3(distributor_has_no_private_registers),
		V3(router_keeps_what_it_was_given),
		V3(routes_by_affinity),
		V3(one_of_n_goes_to_one_that_is_awake),
		V3(sleeping_redistributor_holds_interrupts),
		V3(redistributors_name_their_vcpu),
		V3(redistributor_of_nobody_is_raz_wi),
		V3(sgi_target_list),
		V3(sgi_to_self_and_to_others),
		V3(sgi_groups),
		V3(sgi_pending_by_software),
		cmocka_unit_test(sgi_range_selector),
	};

	return cmocka_run_group_tests_name("irqchip/gic/v3", tests, NULL, NULL);
}
