/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer server. Protocol and authority: include/vmm/timer.h.
 *
 * For each client there are three threads on the client's core, all of the highest priority:
 *   server   passive: waits on the client's endpoint and runs on the caller's scheduling context
 *   clock    passive: reads the counter at EL1 for the server (kernels do not let EL0)
 *   sleeper  has a scheduling context of its own, whose period is the time until the deadline
 * Clients share no thread, no scheduling context and no data, so none can delay another: a flood of
 * calls is paid by the caller, and a sleeper runs a dozen instructions a call.
 *
 * Arming (any number of times): the sleeper is stopped, its context configured afresh (budget from
 * now, period = remaining time) and its pc set to timer_sleeper. It yields its budget away at once,
 * which the kernel gives back one period later: that moment is the deadline.
 *
 * The main thread starts them one by one: a thread needs a scheduling context to get as far as
 * receiving, so it lends the sleeper's, on the client's core. When all receive it says "up", before
 * which nobody calls, and never runs again.
 */
#include <sel4/sel4.h>
#include <stdbool.h>
#include <stddef.h>
#include <vmm/start.h>
#include <vmm/timer.h>

#include "app/timer/threads.h"
#include "app/timer/ticks.h"
#include "vmm/port/sel4/runtime.h"

enum {
	SLEEPER_BUDGET_US = VMM_TIMER_MIN_US,
	/* The shortest sleep: a period equal to the budget would make the context round-robin. */
	SLEEP_MIN_US = SLEEPER_BUDGET_US + 1,
	START_BUDGET_US = 100000, /* a virtual machine may stall for long while it starts */
	SPSR_EL1H_MASKED = 0x3c5,
	SPSR_EL0 = 0,
	REGISTERS_TO_X8 = 12, /* pc, sp, spsr, x0..x8 */
	CALIBRATIONS = 4,
	OVERHEAD_MAX_US = 20,
};

/* What a server needs at hand. On its thread's stack. */
struct timer_server {
	const struct vmm_timer_client *client;
	seL4_CPtr sched_control;
	uint64_t overhead; /* ticks from reading the counter to the start of the sleeper's period */
	bool armed;        /* the sleeper may be asleep */
};

struct timer_answer {
	seL4_Word length, mr0, mr1;
};

static struct timer_time clock_read(const struct timer_server *s, uint64_t until)
{
	seL4_Word mr0 = until, mr1 = 0;

	if (s->client->clock == 0)
		return timer_counter(until);
	(void)seL4_CallWithMRs(s->client->clock_endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &mr0,
			       &mr1, NULL, NULL);
	return (struct timer_time){ .now = mr0, .hz = mr1 };
}

/* Invocations by Send: no answer is fetched, since there is nothing that they could report. */
static void sleeper_stop(struct timer_server *s)
{
	if (!s->armed)
		return;
	seL4_SendWithMRs(s->client->sleeper, seL4_MessageInfo_new(TCBSuspend, 0, 0, 0), NULL, NULL,
			 NULL, NULL);
	s->armed = false;
}

static bool sleeper_start(struct timer_server *s, uint64_t us)
{
	seL4_Word flags = 1; /* resume */
	seL4_Word count = 1; /* the pc alone */
	seL4_Word pc = (seL4_Word)timer_sleeper;

	/*
	 * The least budget will do, since yielding gives all of it up. But if the machine stalls before
	 * that (a virtual machine's host does), what is overrun is paid back in whole periods, one for
	 * each budget: with a small one the deadline would move away many times its distance.
	 */
	uint64_t budget = us / 2 > SLEEPER_BUDGET_US ? us / 2 : SLEEPER_BUDGET_US;

	if (seL4_SchedControl_ConfigureFlags(s->sched_control, s->client->sc, budget, us, 0, 0,
					     seL4_SchedContext_Sporadic) != seL4_NoError)
		return false;
	seL4_SendWithMRs(s->client->sleeper, seL4_MessageInfo_new(TCBWriteRegisters, 0, 0, 3),
			 &flags, &count, &pc, NULL);
	s->armed = true;
	return true;
}

static struct timer_answer set(struct timer_server *s, struct timer_time t, uint64_t deadline)
{
	uint64_t us = 0;

	sleeper_stop(s);
	if (deadline > ticks_add(t.now, s->overhead))
		us = ticks_to_us(deadline - t.now - s->overhead, t.hz);
	if (us > VMM_TIMER_MAX_US)
		us = VMM_TIMER_MAX_US;
	if (us >= SLEEP_MIN_US && sleeper_start(s, us))
		return (struct timer_answer){ .length = 2, .mr0 = 0, .mr1 = t.now };

	/* Too near to sleep: wait here, on the caller's time. A refusal of the kernel's ends here
	 * too, and for a far deadline it is better to come early than to hold the caller. */
	if (deadline > t.now && us < SLEEP_MIN_US)
		t = clock_read(s, deadline);
	return (struct timer_answer){ .length = 2, .mr0 = 1, .mr1 = t.now };
}

static struct timer_answer serve(struct timer_server *s, seL4_Word label, uint64_t mr0)
{
	struct timer_time t;

	switch (label) {
	case VMM_TIMER_SET:
		return set(s, clock_read(s, 0), mr0);
	case VMM_TIMER_SET_IN:
		t = clock_read(s, 0);
		return set(s, t, ticks_add(t.now, mr0));
	case VMM_TIMER_NOW:
		t = clock_read(s, 0);
		return (struct timer_answer){ .length = 2, .mr0 = t.now, .mr1 = t.hz };
	case VMM_TIMER_CANCEL:
		sleeper_stop(s);
		return (struct timer_answer){ 0 };
	default:
		return (struct timer_answer){ 0 };
	}
}

/*
 * Measures what lies between reading the counter and the start of a sleeper's period: a whole
 * arming, less half of the round trip to the clock that ends it. Smallest of a few, and bounded: a
 * machine that stalls just now must not make us wait busily for every deadline from then on.
 */
static void calibrate(struct timer_server *s)
{
	s->overhead = OVERHEAD_MAX_US * clock_read(s, 0).hz / TICKS_US_PER_S;
	for (unsigned i = 0; i < CALIBRATIONS; i++) {
		uint64_t a = clock_read(s, 0).now;
		uint64_t b = clock_read(s, 0).now, c;

		(void)sleeper_start(s, VMM_TIMER_MAX_US);
		c = clock_read(s, 0).now;
		sleeper_stop(s);
		if (c - b - (b - a) / 2 < s->overhead)
			s->overhead = c - b - (b - a) / 2;
	}
}

static _Noreturn void server_main(const struct vmm_start *start, struct timer_server s)
{
	const struct vmm_timer_client *c = s.client;
	seL4_Word mr0 = 0, mr1 = 0, badge;
	struct timer_answer answer;
	seL4_MessageInfo_t info;

	info = seL4_NBSendRecvWithMRs(vmm_start_cap(start, "ready"),
				      seL4_MessageInfo_new(0, 0, 0, 0), c->endpoint, &badge, &mr0,
				      &mr1, NULL, NULL, c->reply);
	for (;;) {
		/* The sleeper has its scheduling context back: it can be measured. */
		if (s.overhead == 0)
			calibrate(&s);
		answer = serve(&s, seL4_MessageInfo_get_label(info), mr0);
		mr0 = answer.mr0;
		mr1 = answer.mr1;
		info = seL4_ReplyRecvWithMRs(c->endpoint,
					     seL4_MessageInfo_new(0, 0, 0, answer.length), &badge,
					     &mr0, &mr1, NULL, NULL, c->reply);
	}
}

/* Only while starting: the system is not as admin promised, and admin names the faulting thread. */
static void expect(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void start_registers(seL4_CPtr tcb, seL4_UserContext *regs)
{
	expect(seL4_TCB_WriteRegisters(tcb, 0, 0, REGISTERS_TO_X8, regs) == seL4_NoError);
	(void)seL4_TCB_SetFlags(tcb, 0, seL4_TCBFlag_fpuDisabled);
}

/* Runs `tcb` on the lent context until it says, in the system call in which it blocks, "ready". */
static void start_passive(seL4_CPtr tcb, seL4_CPtr sc, seL4_CPtr ready)
{
	seL4_Word badge;

	(void)seL4_TCB_SetFlags(tcb, 0, seL4_TCBFlag_fpuDisabled);
	expect(seL4_SchedContext_Bind(sc, tcb) == seL4_NoError);
	expect(seL4_TCB_Resume(tcb) == seL4_NoError);
	(void)seL4_Wait(ready, &badge);
	expect(seL4_SchedContext_UnbindObject(sc, tcb) == seL4_NoError);
}

static void client_start(const struct vmm_start *start, const struct vmm_timer_config *config,
			 const struct vmm_timer_client *c)
{
	seL4_CPtr ready = vmm_start_cap(start, "ready");
	seL4_UserContext sleeper = {
		.pc = (seL4_Word)timer_sleeper,
		.spsr = SPSR_EL0,
		.x0 = c->park,
		.x6 = c->notify,
	};

	expect(c->core < VMM_TIMER_CORES && config->sched_control[c->core] != 0);
	expect(seL4_SchedControl_ConfigureFlags(config->sched_control[c->core], c->sc,
						START_BUDGET_US, START_BUDGET_US, 0, 0,
						0) == seL4_NoError);
	if (c->clock != 0) {
		seL4_UserContext clock = {
			.pc = (seL4_Word)timer_clock,
			.spsr = SPSR_EL1H_MASKED,
			.x0 = c->clock_endpoint,
			.x6 = c->clock_reply,
			.x7 = (seL4_Word)seL4_SysNBSendRecv,
			.x8 = ready,
		};

		start_registers(c->clock, &clock);
		start_passive(c->clock, c->sc, ready);
	}
	start_passive(c->thread, c->sc, ready);
	start_registers(c->sleeper, &sleeper);
	expect(seL4_SchedContext_Bind(c->sc, c->sleeper) == seL4_NoError);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const struct vmm_timer_config *config = (const struct vmm_timer_config *)start->config;
	seL4_Word badge;

	expect(start->config_size >= sizeof(*config) && config->magic == VMM_TIMER_MAGIC &&
	       config->version == VMM_TIMER_VERSION && config->client_count <= VMM_TIMER_CLIENTS);
	if (thread != 0) {
		const struct vmm_timer_client *c = &config->clients[thread - 1];

		expect(thread <= config->client_count);
		server_main(start, (struct timer_server){
					   .client = c,
					   .sched_control = config->sched_control[c->core],
				   });
	}
	for (uint32_t i = 0; i < config->client_count; i++)
		client_start(start, config, &config->clients[i]);
	seL4_Signal(vmm_start_cap(start, "up"));
	for (;;)
		(void)seL4_Wait(vmm_start_cap(start, "ready"), &badge);
}
