/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h for unit tests: see host.h. It also checks what the real kernel would punish: an answer to a
 * guest that stands at no exit, or registers written under a guest that runs.
 */
#include "vmm/port/host/host.h"

#include <stdio.h>
#include <stdlib.h>

static struct host_guest *guest_of(const struct port_vcpu *vcpu)
{
	return (struct host_guest *)(uintptr_t)vcpu->thread;
}

/* Every call that can fail passes here. */
static enum vmm_err call(struct host_guest *guest)
{
	struct host *host = guest->host;

	host->calls++;
	return host->calls == host->fail_at ? VMM_ERR_KERNEL : VMM_OK;
}

void host_guest_init(struct host_guest *guest, struct host *host)
{
	*guest = (struct host_guest){ .host = host };
}

struct port_vcpu host_port(struct host_guest *guest)
{
	return (struct port_vcpu){ .thread = (uintptr_t)guest, .kick = (uintptr_t)guest };
}

void port_wait(struct port_vcpu *vcpu, enum port_answer answer, const uint64_t result[4],
	       struct port_event *event)
{
	struct host_guest *guest = guest_of(vcpu);

	/* Resuming needs a guest at an exit; PORT_RUNNING one that runs. */
	VMM_BUG_ON(answer >= PORT_RESUME && guest->running);
	VMM_BUG_ON(answer == PORT_RUNNING && !guest->running);
	VMM_BUG_ON(answer == PORT_HOLD && guest->running);
	VMM_BUG_ON(answer == PORT_BACK && vcpu->late);
	VMM_BUG_ON((answer == PORT_DELIVER) != (vcpu->pc != 0));
	vcpu->late = false;
	vcpu->pc = 0;
	guest->waits++;
	guest->answer = answer;
	if (answer == PORT_RETURN) {
		for (unsigned i = 0; i < 4; i++)
			guest->result[i] = result[i];
	}
	*event = guest->next;
	guest->running = answer != PORT_HOLD;
	if (event->kind != PORT_EVENT_SIGNAL) {
		/* An exit of a guest that does not run is the test's mistake. */
		VMM_BUG_ON(!guest->running);
		guest->running = false;
	}
}

enum vmm_err port_frame_read(const struct port_vcpu *vcpu, enum port_frame_part part,
			     struct port_frame *frame)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	if (err != VMM_OK)
		return err;
	frame->pc = guest->frame.pc;
	frame->sp = guest->frame.sp;
	frame->status = guest->frame.status;
	frame->gpr[0] = guest->frame.gpr[0];
	if (part == PORT_FRAME_HEAD)
		return VMM_OK;
	for (unsigned i = 1; i < (part == PORT_FRAME_LOW ? 4 : PORT_GPRS); i++)
		frame->gpr[i] = guest->frame.gpr[i];
	if (part == PORT_FRAME_ALL)
		*frame = guest->frame;
	return VMM_OK;
}

enum vmm_err port_frame_write(const struct port_vcpu *vcpu, enum port_frame_part part,
			      const struct port_frame *frame)
{
	struct host_guest *guest = guest_of(vcpu);
	unsigned gprs = part == PORT_FRAME_HEAD ? 1 : part == PORT_FRAME_LOW ? 4 : PORT_GPRS;
	enum vmm_err err = call(guest);

	VMM_BUG_ON(guest->running);
	if (err != VMM_OK)
		return err;
	guest->frame.pc = frame->pc;
	guest->frame.sp = frame->sp;
	guest->frame.status = frame->status;
	for (unsigned i = 0; i < gprs; i++)
		guest->frame.gpr[i] = frame->gpr[i];
	if (part == PORT_FRAME_ALL)
		guest->frame = *frame;
	return VMM_OK;
}

enum vmm_err port_gpr_read(const struct port_vcpu *vcpu, unsigned reg, uint64_t *value,
			   uint64_t *pc)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	VMM_BUG_ON(reg >= PORT_GPRS);
	if (err != VMM_OK)
		return err;
	*value = guest->frame.gpr[reg];
	*pc = guest->frame.pc;
	return VMM_OK;
}

enum vmm_err port_gpr_load(const struct port_vcpu *vcpu, unsigned reg, uint64_t value, uint64_t pc)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	VMM_BUG_ON(reg >= PORT_GPRS || guest->running);
	if (err != VMM_OK)
		return err;
	guest->frame.gpr[reg] = value;
	guest->frame.pc = pc;
	return VMM_OK;
}

void port_pc_write(const struct port_vcpu *vcpu, uint64_t pc)
{
	VMM_BUG_ON(guest_of(vcpu)->running);
	guest_of(vcpu)->frame.pc = pc;
}

enum vmm_err port_start(const struct port_vcpu *vcpu)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	VMM_BUG_ON(guest->running);
	guest->running = err == VMM_OK;
	return err;
}

enum vmm_err port_stop(const struct port_vcpu *vcpu)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	/* A failed stop means that the thread is gone: it does not run either way. */
	guest->running = false;
	return err;
}

enum vmm_err port_sysreg_read(const struct port_vcpu *vcpu, enum port_sysreg reg, uint64_t *value)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	if (err == VMM_OK)
		*value = guest->sysreg[reg];
	return err;
}

enum vmm_err port_sysreg_write(const struct port_vcpu *vcpu, enum port_sysreg reg, uint64_t value)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	if (err == VMM_OK)
		guest->sysreg[reg] = value;
	return err;
}

static void record(struct host_guest *guest, unsigned lr, unsigned intid, unsigned priority,
		   unsigned group, bool replaced)
{
	VMM_BUG_ON(guest->injection_count == HOST_INJECTIONS);
	guest->injection[guest->injection_count++] = (struct host_injection){
		.lr = lr,
		.intid = intid,
		.priority = priority,
		.group = group,
		.replaced = replaced,
	};
}

void port_irq_inject(struct port_vcpu *vcpu, unsigned lr, unsigned intid, unsigned priority,
		     unsigned group)
{
	vcpu->late = true;
	record(guest_of(vcpu), lr, intid, priority, group, false);
}

void port_attach(struct port_vcpu *vcpu)
{
	(void)vcpu;
}

void port_deliver(struct port_vcpu *vcpu, uint64_t pc, unsigned lr, unsigned intid,
		  unsigned priority, unsigned group)
{
	VMM_BUG_ON(vcpu->late);
	port_pc_write(vcpu, pc);
	vcpu->pc = pc;
	record(guest_of(vcpu), lr, intid, priority, group, false);
}

enum vmm_err port_irq_replace(const struct port_vcpu *vcpu, unsigned lr, unsigned intid,
			      unsigned priority, unsigned group)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	if (err == VMM_OK)
		record(guest, lr, intid, priority, group, true);
	return err;
}

void port_timer_ack(const struct port_vcpu *vcpu)
{
	guest_of(vcpu)->acks++;
}

bool port_timer_set(const struct port_vcpu *vcpu, uint64_t deadline)
{
	struct host_guest *guest = guest_of(vcpu);

	guest->deadline = deadline;
	guest->timer_sets++;
	return deadline <= guest->host->ticks;
}

enum vmm_err port_time(const struct port_vcpu *vcpu, uint64_t *ticks, uint64_t *hz)
{
	struct host_guest *guest = guest_of(vcpu);
	enum vmm_err err = call(guest);

	if (err != VMM_OK)
		return err;
	*ticks = guest->host->ticks;
	*hz = guest->host->hz;
	return VMM_OK;
}

void port_kick(const struct port_vcpu *vcpu)
{
	guest_of(vcpu)->kicks++;
}

void port_signal(uint64_t notification)
{
	struct host *host = (struct host *)(uintptr_t)notification;

	if (host != NULL)
		host->signals++;
}

void port_yield(void)
{
}

void port_pause(void)
{
}

void port_cache_clean(uint64_t host, uint64_t size)
{
	(void)host;
	(void)size;
}

_Noreturn void port_bug(const char *file, int line)
{
	fprintf(stderr, "%s:%d: VMM_BUG\n", file, line);
	abort();
}
