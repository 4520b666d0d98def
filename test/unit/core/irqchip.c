/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See irqchip.h: one interrupt pending and one in the list register (number 3) a vCPU.
 */
#include "test/unit/core/irqchip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const uint32_t *irqchip_work(struct irqchip *c, unsigned vcpu)
{
	return &c->work[vcpu];
}

struct irqchip_cpu *irqchip_cpu(struct irqchip *c, unsigned vcpu)
{
	return (struct irqchip_cpu *)&c->work[vcpu];
}

static unsigned index_of(const struct irqchip *c, const struct irqchip_cpu *cpu)
{
	return (unsigned)((const uint32_t *)cpu - c->work);
}

void publish(struct irqchip *c, unsigned vcpu)
{
	c->work[vcpu] = c->pending[vcpu] != 0 && c->loaded[vcpu] == 0;
}

bool irqchip_next(struct irqchip *c, unsigned vcpu, struct irq_slot *out)
{
	if (c->work[vcpu] == 0)
		return false;
	*out = (struct irq_slot){
		.lr = 3,
		.intid = (uint16_t)c->pending[vcpu],
		.priority = 9,
		.group = 1,
		.replaces = c->stale,
	};
	c->loaded[vcpu] = c->pending[vcpu];
	c->pending[vcpu] = 0;
	publish(c, vcpu);
	return true;
}

void irqchip_refused(struct irqchip *c, unsigned vcpu, unsigned lr)
{
	assert_int_equal(lr, 3);
	(void)vcpu;
	c->refuse_seen = true;
}

void irqchip_done(struct irqchip *c, unsigned vcpu, unsigned lr)
{
	if (lr == 3)
		c->loaded[vcpu] = 0;
	publish(c, vcpu);
}

bool irqchip_done_plain(struct irqchip *c, struct irqchip_cpu *cpu, unsigned lr)
{
	unsigned vcpu = index_of(c, cpu);

	if (!c->quick || lr != 3 || c->loaded[vcpu] == 0 || c->pending[vcpu] != 0 || c->ppi[vcpu])
		return false;
	c->loaded[vcpu] = 0;
	return true;
}

bool irqchip_in_flight(struct irqchip *c, unsigned vcpu)
{
	return c->loaded[vcpu] != 0;
}

bool irqchip_holds(struct irqchip *c, unsigned vcpu, unsigned lr, unsigned ppi)
{
	return lr == 3 && c->loaded[vcpu] == ppi;
}

void irqchip_done_ppi(struct irqchip *c, unsigned vcpu, unsigned lr, unsigned ppi)
{
	assert_true(irqchip_holds(c, vcpu, lr, ppi));
	c->ppi[vcpu] = false;
	irqchip_done(c, vcpu, lr);
}

void irqchip_set_ppi(struct irqchip *c, unsigned vcpu, unsigned intid, bool level)
{
	c->ppi[vcpu] = level;
	if (level)
		c->pending[vcpu] = intid;
	publish(c, vcpu);
}

void irqchip_send_ipi(struct irqchip *c, unsigned vcpu, unsigned which, uint64_t value)
{
	c->ipi_which = which;
	c->ipi_value = value;
	c->pending[vcpu] = 5;
	publish(c, vcpu);
}

bool irqchip_self_ipi(struct irqchip *c, struct irqchip_cpu *cpu, uint64_t value,
		      struct irq_slot *out)
{
	unsigned vcpu = index_of(c, cpu);

	if (!c->quick || value != IPI_SELF || c->loaded[vcpu] != 0 || c->pending[vcpu] != 0)
		return false;
	*out = (struct irq_slot){ .lr = 3, .intid = 7, .priority = 9, .group = 1 };
	c->loaded[vcpu] = 7;
	return true;
}

void irqchip_power_on(struct irqchip *c, unsigned vcpu)
{
	c->on[vcpu] = true;
}

void irqchip_power_off(struct irqchip *c, unsigned vcpu)
{
	c->on[vcpu] = false;
	c->loaded[vcpu] = 0;
	publish(c, vcpu);
}
