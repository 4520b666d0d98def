/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's program, with the test in the place of the kernel and of the timer server. Time passes only
 * where the test says so, and so it can pass where it hurts: between reading the clock and setting an alarm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/lib/native.h"
#include "vmm/backend/net/link.h"
#include "vmm/port/sel4/runtime.h"

enum {
	VMS = 2,
	BUFFERS = 512,
	REGION = BUFFERS * VMM_NET_BUFFER,
	HZ = 1000000,
	FRAME = 1514,
	FRAMES =
		300, /* more than a limited port may send at once: 128 KiB, twice as the clock starts */
	RATE = 1000000,
	BROADCASTS = 16, /* as many at once as there may be */
	WAKE = 10,       /* capabilities */
	TIMER = 11,
	NOTIFY = 20, /* and the VM's index */
	ROUNDS = 1000,
};

struct vm {
	_Alignas(8) uint8_t queue[4][NETLINK_QUEUE_BYTES(VMM_NET_CAPACITY)];
	uint8_t rx[REGION], tx[REGION];
	struct netlink link; /* the VMM's end */
	unsigned received;
};

static struct world {
	struct vm vm[VMS];
	struct vmm_start start;
	struct vmm_native_config config;
	uint64_t now, deadline; /* deadline 0: no alarm is set */
	unsigned alarms;        /* ever asked for */
	unsigned stalled_alarm; /* the machine stands still before this one is set; 0: none */
	unsigned rounds;
	unsigned step, steps;
	void (*next)(unsigned step); /* what happens when all is quiet */
	jmp_buf over;
} w;

__thread seL4_IPCBuffer *__sel4_ipc_buffer;

void sel4_trap_signal(seL4_Word number, seL4_CPtr dest)
{
	(void)number;
	assert_in_range(dest, NOTIFY, NOTIFY + VMS - 1);
}

void sel4_trap_call(seL4_Word number, struct sel4_regs *r)
{
	(void)number;
	assert_int_equal(r->cap, TIMER);
	if (seL4_MessageInfo_get_label(r->info) == VMM_TIMER_NOW) {
		r->mr[0] = ++w.now;
		r->mr[1] = HZ;
		return;
	}
	assert_int_equal(seL4_MessageInfo_get_label(r->info), VMM_TIMER_SET);
	if (++w.alarms == w.stalled_alarm)
		w.now += HZ;
	w.deadline = r->mr[0] > w.now ? r->mr[0] : 0;
	r->mr[0] = w.deadline == 0;
}

static void drain(void)
{
	for (unsigned i = 0; i < VMS; i++) {
		struct netlink_frame frame;

		while (netlink_in(&w.vm[i].link, &frame)) {
			netlink_in_drop(&w.vm[i].link, &frame);
			w.vm[i].received++;
		}
	}
}

/* The program waits: for its alarm, or for somebody to do something. */
void sel4_trap_recv(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply)
{
	(void)number;
	(void)reply;
	assert_int_equal(r->cap, WAKE);
	assert_in_range(++w.rounds, 0, ROUNDS);
	drain();
	if (w.deadline != 0) {
		w.now = w.deadline;
		w.deadline = 0;
		r->cap = VMM_NATIVE_BADGE_TIMER;
		return;
	}
	if (w.step == w.steps)
		longjmp(w.over, 1);
	w.next(w.step++);
	r->cap = VMM_BADGE_CHANNEL(0);
}

void sel4_trap_both(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply, seL4_CPtr dest)
{
	(void)number;
	(void)r;
	(void)reply;
	(void)dest;
	fail(); /* other programs' way to wait */
}

static void add_vm(unsigned i)
{
	struct vm *vm = &w.vm[i];
	struct vmm_channel *c = &w.config.channels[w.config.channel_count++];
	const struct netlink_config config = {
		.in_free = vm->queue[VMM_NET_RX_FREE],
		.in_active = vm->queue[VMM_NET_RX_ACTIVE],
		.out_free = vm->queue[VMM_NET_TX_FREE],
		.out_active = vm->queue[VMM_NET_TX_ACTIVE],
		.in_capacity = VMM_NET_CAPACITY,
		.out_capacity = VMM_NET_CAPACITY,
		.in = { .data = vm->rx, .size = REGION },
		.out = { .data = vm->tx, .size = REGION },
		.buffer_size = VMM_NET_BUFFER,
		.owner = true,
		.chains = true,
	};

	assert_int_equal(netlink_init(&vm->link, &config), VMM_OK);
	(void)netlink_flush(&vm->link);
	c->kind = VMM_CHANNEL_NET;
	c->role = VMM_ROLE_SERVER;
	c->notify = NOTIFY + i;
	c->net.mac[0] = 2;
	c->net.mac[5] = (uint8_t)i;
	c->net.rate = i == 0 ? RATE : 0;
	c->net.broadcast = i == 0 ? BROADCASTS : 0;
	for (unsigned q = 0; q < 4; q++) {
		c->region[q].vaddr = (uintptr_t)vm->queue[q];
		c->region[q].size = sizeof(vm->queue[q]);
	}
	c->region[VMM_NET_RX_DATA] =
		(struct vmm_region){ .vaddr = (uintptr_t)vm->rx, .size = REGION };
	c->region[VMM_NET_TX_DATA] =
		(struct vmm_region){ .vaddr = (uintptr_t)vm->tx, .size = REGION };
}

static void cap(const char *name, uint64_t cptr)
{
	struct vmm_start_cap *c = &w.start.caps[w.start.cap_count++];

	memcpy(c->name, name, strlen(name));
	c->cptr = cptr;
}

/* The program's life until it has nothing to do any more. */
static void run(unsigned steps, void (*next)(unsigned step), unsigned stalled_alarm)
{
	static seL4_IPCBuffer buffer;

	__sel4_ipc_buffer = &buffer;
	memset(&w, 0, sizeof(w));
	w.now = 100 * HZ;
	w.steps = steps;
	w.next = next;
	w.stalled_alarm = stalled_alarm;
	w.config.magic = VMM_NATIVE_MAGIC;
	w.config.version = VMM_NATIVE_VERSION;
	w.config.log_channel = UINT32_MAX;
	for (unsigned i = 0; i < VMS; i++)
		add_vm(i);
	w.start.config = (uintptr_t)&w.config;
	w.start.config_size = sizeof(w.config);
	cap("wake", WAKE);
	cap("timer", TIMER);
	cap("alive", NOTIFY);
	if (setjmp(w.over) == 0)
		runtime_main(&w.start, 0);
}

/* From VM 0. */
static void send(unsigned count, bool broadcast)
{
	static uint8_t frame[FRAME];

	memset(frame, broadcast ? 0xff : 0, NET_MAC);
	if (!broadcast)
		memcpy(frame, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, NET_MAC);
	memcpy(frame + NET_MAC, (const uint8_t[]){ 2, 0, 0, 0, 0, 0 }, NET_MAC);
	for (unsigned i = 0; i < count; i++) {
		assert_true(netlink_out(&w.vm[0].link, NULL, sizeof(frame)));
		netlink_put(&w.vm[0].link, frame, sizeof(frame));
		netlink_send(&w.vm[0].link);
	}
}

static void send_many(unsigned step)
{
	(void)step;
	send(FRAMES, false);
}

/* Nobody signals for a port that has used its rate up: the alarm alone can go on with it. */
static void a_held_port_goes_on(void **state)
{
	unsigned alarms = 1;

	(void)state;
	for (unsigned stalled = 0; stalled <= alarms; stalled++) {
		run(1, send_many, stalled);
		assert_int_equal(w.vm[1].received, FRAMES);
		if (stalled == 0)
			alarms = w.alarms;
	}
	assert_in_range(alarms, 3, ROUNDS);
}

static void broadcast_twice(unsigned step)
{
	w.now += 60 * HZ * step;
	send(step == 0 ? BROADCASTS : 1, true);
}

/* What a port may send it may send again a minute later, whatever became of the alarm. */
static void the_clock_goes_on(void **state)
{
	unsigned alarms = 1;

	(void)state;
	for (unsigned stalled = 0; stalled <= alarms; stalled++) {
		run(2, broadcast_twice, stalled);
		assert_int_equal(w.vm[1].received, BROADCASTS + 1);
		if (stalled == 0)
			alarms = w.alarms;
	}
	assert_in_range(alarms, 2, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_held_port_goes_on),
		cmocka_unit_test(the_clock_goes_on),
	};

	return cmocka_run_group_tests_name("app/switch", tests, NULL, NULL);
}
