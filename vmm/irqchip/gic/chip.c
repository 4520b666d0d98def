/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The adaptor around the GIC model: lock, call, release, kick.
 */
#include "vmm/irqchip/gic/chip.h"

#include <stddef.h>

static __attribute__((noinline)) void give_and_kick(struct irqchip *chip, uint32_t kicks)
{
	(void)gic_take_kicks(&chip->gic);
	lock_give(&chip->lock);
	for (; kicks != 0; kicks &= kicks - 1)
		chip->kick(chip->ctx, (unsigned)__builtin_ctz(kicks));
}

/* After what seldom gives anyone work. */
static inline void release(struct irqchip *chip, unsigned self)
{
	if (__builtin_expect(chip->gic.kicks != 0, 0))
		give_and_kick(chip, chip->gic.kicks & ~(UINT32_C(1) << self));
	else
		lock_give(&chip->lock);
}

/* After what gives work to oneself more often than not. */
static inline void release_own(struct irqchip *chip, unsigned self)
{
	chip->gic.kicks &= ~(UINT32_C(1) << self);
	release(chip, self);
}

enum vmm_err gic_chip_init(struct irqchip *chip, const struct gic_config *config,
			   void (*kick)(void *ctx, unsigned vcpu), void *ctx)
{
	chip->lock = (struct lock){ 0 };
	chip->kick = kick;
	chip->ctx = ctx;
	return gic_init(&chip->gic, config);
}

void gic_chip_reset(struct irqchip *chip)
{
	lock_take(&chip->lock);
	gic_reset(&chip->gic);
	lock_give(&chip->lock);
}

void gic_chip_set_level(struct irqchip *chip, unsigned self, unsigned intid, bool level)
{
	lock_take(&chip->lock);
	gic_set_level(&chip->gic, intid, level);
	release(chip, self);
}

void gic_chip_pulse(struct irqchip *chip, unsigned self, unsigned intid)
{
	lock_take(&chip->lock);
	gic_pulse(&chip->gic, intid);
	release(chip, self);
}

void gic_chip_dist(void *arg, struct mmio_access *access)
{
	struct irqchip *chip = arg;

	lock_take(&chip->lock);
	gic_dist_access(&chip->gic, access);
	release(chip, access->vcpu);
}

void gic_chip_redist(void *arg, struct mmio_access *access)
{
	struct irqchip *chip = arg;

	lock_take(&chip->lock);
	gic_redist_access(&chip->gic, access);
	release(chip, access->vcpu);
}

const uint32_t *irqchip_work(struct irqchip *chip, unsigned vcpu)
{
	return &chip->gic.vcpus[vcpu].work;
}

bool irqchip_next(struct irqchip *chip, unsigned vcpu, struct irq_slot *out)
{
	bool got;

	lock_take(&chip->lock);
	got = gic_next(&chip->gic, vcpu, out);
	release(chip, vcpu);
	return got;
}

void irqchip_refused(struct irqchip *chip, unsigned vcpu, unsigned lr)
{
	lock_take(&chip->lock);
	gic_refused(&chip->gic, vcpu, lr);
	release(chip, vcpu);
}

/* A handle, so that neither has to find it: the model's own part of a vCPU. */
struct irqchip_cpu *irqchip_cpu(struct irqchip *chip, unsigned vcpu)
{
	return (struct irqchip_cpu *)&chip->gic.vcpus[vcpu];
}

bool irqchip_done_plain(struct irqchip *chip, struct irqchip_cpu *cpu, unsigned lr)
{
	bool done;

	lock_take(&chip->lock);
	done = gic_eoi_plain(&chip->gic, (struct gic_vcpu *)cpu, lr);
	lock_give(&chip->lock); /* nobody got work */
	return done;
}

void irqchip_done(struct irqchip *chip, unsigned vcpu, unsigned lr)
{
	lock_take(&chip->lock);
	(void)gic_eoi(&chip->gic, vcpu, lr);
	release(chip, vcpu);
}

/* Only the vCPU's handler changes what its list registers hold, so no lock is needed to look. */
bool irqchip_holds(struct irqchip *chip, unsigned vcpu, unsigned lr, unsigned ppi)
{
	return gic_holds(&chip->gic, vcpu, lr, ppi);
}

void irqchip_done_ppi(struct irqchip *chip, unsigned vcpu, unsigned lr, unsigned ppi)
{
	lock_take(&chip->lock);
	gic_set_ppi(&chip->gic, vcpu, ppi, false);
	(void)gic_eoi(&chip->gic, vcpu, lr);
	release(chip, vcpu);
}

void irqchip_set_ppi(struct irqchip *chip, unsigned vcpu, unsigned intid, bool level)
{
	lock_take(&chip->lock);
	gic_set_ppi(&chip->gic, vcpu, intid, level);
	release_own(chip, vcpu);
}

void irqchip_send_ipi(struct irqchip *chip, unsigned vcpu, unsigned which, uint64_t value)
{
	lock_take(&chip->lock);
	gic_sgi_sysreg(&chip->gic, vcpu, (enum gic_sgi_register)which, value);
	release_own(chip, vcpu);
}

bool irqchip_self_ipi(struct irqchip *chip, struct irqchip_cpu *cpu, uint64_t value,
		      struct irq_slot *out)
{
	bool claimed;

	lock_take(&chip->lock);
	claimed = gic_sgi_self(&chip->gic, (struct gic_vcpu *)cpu, value, out);
	lock_give(&chip->lock); /* nobody got work */
	return claimed;
}

bool irqchip_in_flight(struct irqchip *chip, unsigned vcpu)
{
	bool some;

	lock_take(&chip->lock);
	some = gic_in_flight(&chip->gic, vcpu);
	lock_give(&chip->lock);
	return some;
}

void irqchip_power_on(struct irqchip *chip, unsigned vcpu)
{
	lock_take(&chip->lock);
	gic_power(&chip->gic, vcpu, true);
	release(chip, vcpu);
}

void irqchip_power_off(struct irqchip *chip, unsigned vcpu)
{
	lock_take(&chip->lock);
	gic_power(&chip->gic, vcpu, false);
	release(chip, vcpu);
}
