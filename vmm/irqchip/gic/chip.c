/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock around the GIC model. It is the innermost lock of a VM (core/lock.h): nothing that waits,
 * takes a lock or enters the kernel happens under it.
 */
#include "vmm/irqchip/gic/chip.h"

#include <stddef.h>

#include "vmm/base/util.h"

/* Called by the model, under the lock. */
static void collect_kick(void *ctx, unsigned vcpu)
{
	struct gic_chip *chip = ctx;

	chip->kicks |= UINT32_C(1) << vcpu;
}

static __attribute__((noinline)) void send_kicks(struct gic_chip *chip, uint32_t kicks)
{
	for (; kicks != 0; kicks &= kicks - 1)
		chip->kick(chip->ctx, (unsigned)__builtin_ctz(kicks));
}

static inline void release(struct gic_chip *chip, unsigned self)
{
	uint32_t kicks = chip->kicks;

	chip->kicks = 0;
	lock_give(&chip->lock);
	kicks &= ~(UINT32_C(1) << self);
	if (__builtin_expect(kicks != 0, 0))
		send_kicks(chip, kicks);
}

enum vmm_err gic_chip_init(struct gic_chip *chip, const struct gic_config *config)
{
	struct gic_config inner = *config;

	chip->lock = (struct lock){ 0 };
	chip->kicks = 0;
	chip->kick = config->kick;
	chip->ctx = config->ctx;
	for (unsigned i = 0; i < GIC_VCPUS * GIC_LRS; i++)
		chip->held[i / GIC_LRS][i % GIC_LRS] = GIC_INTID_NONE;
	inner.kick = collect_kick;
	inner.ctx = chip;
	return gic_init(&chip->gic, &inner);
}

void gic_chip_reset(struct gic_chip *chip)
{
	lock_take(&chip->lock);
	gic_reset(&chip->gic);
	chip->kicks = 0;
	lock_give(&chip->lock);
}

void gic_chip_set_level(struct gic_chip *chip, unsigned self, unsigned intid, bool level)
{
	lock_take(&chip->lock);
	gic_set_level(&chip->gic, intid, level);
	release(chip, self);
}

void gic_chip_pulse(struct gic_chip *chip, unsigned self, unsigned intid)
{
	lock_take(&chip->lock);
	gic_pulse(&chip->gic, intid);
	release(chip, self);
}

void gic_chip_dist(void *arg, struct mmio_access *access)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	gic_dist_access(&chip->gic, access);
	release(chip, access->vcpu);
}

void gic_chip_redist(void *arg, struct mmio_access *access)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	gic_redist_access(&chip->gic, access);
	release(chip, access->vcpu);
}

static const uint32_t *chip_work(void *arg, unsigned vcpu)
{
	const struct gic_chip *chip = arg;

	return &chip->gic.vcpus[vcpu].work;
}

static struct irq_slot slot_of(const struct gic_lr *lr)
{
	return (struct irq_slot){
		.lr = lr->lr,
		.intid = lr->intid,
		.priority = lr->priority,
		.group = lr->group,
	};
}

static bool chip_next(void *arg, unsigned vcpu, struct irq_slot *out)
{
	struct gic_chip *chip = arg;
	struct gic_lr lr;
	bool got;

	lock_take(&chip->lock);
	got = gic_next(&chip->gic, vcpu, &lr);
	if (got)
		chip->held[vcpu][lr.lr] = lr.intid;
	release(chip, vcpu);
	if (!got)
		return false;
	*out = slot_of(&lr);
	out->replaces = lr.replaces;
	return true;
}

static void chip_refused(void *arg, unsigned vcpu, unsigned lr)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	gic_refused(&chip->gic, vcpu, lr);
	release(chip, vcpu);
}

static void chip_done(void *arg, unsigned vcpu, unsigned lr)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	(void)gic_eoi(&chip->gic, vcpu, lr);
	release(chip, vcpu);
}

static bool chip_done_ppi(void *arg, unsigned vcpu, unsigned lr, unsigned ppi)
{
	struct gic_chip *chip = arg;

	/* Only this vCPU's handler writes its row, so no lock is needed to read it. */
	if (lr >= GIC_LRS || chip->held[vcpu][lr] != ppi)
		return false;
	lock_take(&chip->lock);
	gic_set_ppi(&chip->gic, vcpu, ppi, false);
	(void)gic_eoi(&chip->gic, vcpu, lr);
	release(chip, vcpu);
	return true;
}

static void chip_set_ppi(void *arg, unsigned vcpu, unsigned intid, bool level)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	gic_set_ppi(&chip->gic, vcpu, intid, level);
	release(chip, vcpu);
}

static void chip_power_on(void *arg, unsigned vcpu)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	(void)gic_power(&chip->gic, vcpu, true);
	release(chip, vcpu);
}

static unsigned chip_power_off(void *arg, unsigned vcpu, struct irq_slot *slots)
{
	struct gic_chip *chip = arg;
	unsigned count = 0;
	uint32_t dirty;

	lock_take(&chip->lock);
	dirty = gic_power(&chip->gic, vcpu, false);
	release(chip, vcpu);
	for (; dirty != 0 && count < IRQCHIP_LRS; dirty &= dirty - 1) {
		struct gic_lr lr = gic_parked(&chip->gic, (unsigned)__builtin_ctz(dirty));

		chip->held[vcpu][lr.lr] = GIC_INTID_NONE;
		slots[count++] = slot_of(&lr);
	}
	return count;
}

static void chip_send_ipi(void *arg, unsigned vcpu, unsigned which, uint64_t value)
{
	struct gic_chip *chip = arg;

	lock_take(&chip->lock);
	gic_sgi_sysreg(&chip->gic, vcpu, (enum gic_sgi_register)which, value);
	release(chip, vcpu);
}

const struct irqchip_ops gic_chip_ops = {
	.work = chip_work,
	.next = chip_next,
	.refused = chip_refused,
	.done = chip_done,
	.done_ppi = chip_done_ppi,
	.set_ppi = chip_set_ppi,
	.power_on = chip_power_on,
	.power_off = chip_power_off,
	.send_ipi = chip_send_ipi,
};
