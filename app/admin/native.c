// SPDX-License-Identifier: BSD-2-Clause
/*
 * The native programs. Exactly what each is given stands in include/vmm/console.h and timer.h.
 */
#include "app/admin/admin.h"
#include "vmm/base/fmt.h"
#include "vmm/base/util.h"

enum {
	SERIAL_CNODE_BITS = 4,
	CONSOLE_CNODE_BITS = 8,
	TIMER_CNODE_BITS = 10,
	NATIVE_CNODE_BITS = 8,
	STACK_PAGES = 4,
	TIMER_STACK_PAGES = 1,
	TIMER_SC_BITS = 8,
	QUEUE_BYTES = 4096, /* data area of one direction */
	TRIGGER_LEVEL = 0,
};

static struct program *console_of(struct admin *a)
{
	return &a->programs[SYSTEM_CONSOLE];
}

static struct program *timer_of(struct admin *a)
{
	return &a->programs[SYSTEM_TIMER];
}

static seL4_CPtr new_notification(struct admin *a)
{
	return object_new(a, seL4_NotificationObject, seL4_NotificationBits);
}

static void main_thread(struct admin *a, struct program *p, const struct system_sched *sched)
{
	struct thread_options options = {
		.core = sched->core,
		.stack_pages = STACK_PAGES,
		.run = true,
	};

	options.sc = object_new_sc(a, sched, p->id);
	(void)program_thread(a, p, &options);
}

/* One page in two address spaces. */
static void share_page(struct admin *a, struct space *one, struct space *other, uint64_t *in_one,
		       uint64_t *in_other)
{
	seL4_CPtr frame;

	*in_one = space_new_pages(a, one, 1, &frame);
	*in_other = space_reserve(other, PAGE_BYTES, PAGE_BYTES);
	space_map(a, other, object_copy(a, frame), *in_other, seL4_ReadWrite,
		  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
}

static void create_serial(struct admin *a)
{
	static const char *const shared[] = { "rx.queue", "rx.data", "tx.queue", "tx.data" };
	const struct system_board *board = &a->system.board;
	struct program *serial = &a->programs[SYSTEM_SERIAL], *console = console_of(a);
	uint64_t uart = space_reserve(&serial->space, board->uart.size, PAGE_BYTES);
	seL4_CPtr handler = object_slot(a);

	a->account = &serial->bytes;
	space_map(a, &serial->space, object_copy(a, a->log.uart_frame), uart, seL4_ReadWrite,
		  seL4_ARM_ExecuteNever);
	program_name_region(a, serial, "uart", uart, PAGE_BYTES, board->uart.base);
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		uint64_t in_serial, in_console;

		share_page(a, &serial->space, &console->space, &in_serial, &in_console);
		program_name_region(a, serial, shared[i], in_serial, PAGE_BYTES, 0);
		program_name_region(a, console, shared[i], in_console, PAGE_BYTES, 0);
	}
	must(a,
	     seL4_IRQControl_GetTrigger(seL4_CapIRQControl, board->uart_interrupt, TRIGGER_LEVEL,
					a->root, handler, 64),
	     "IRQControl_GetTrigger", "the UART");
	must(a,
	     seL4_IRQHandler_SetNotification(
		     handler, object_mint(a, a->serial_wake, seL4_CanWrite, VMM_SERIAL_BADGE_IRQ)),
	     "IRQHandler_SetNotification", "the UART");
	program_name_cap(a, serial, "irq", handler, seL4_AllRights, 0);
	program_name_cap(a, serial, "wake", a->serial_wake, seL4_AllRights, 0);
	program_name_cap(a, serial, "console", a->console_wake, seL4_CanWrite,
			 VMM_CONSOLE_BADGE_SERIAL);
	restart_peer(a, serial, a->console_wake, VMM_CONSOLE_BADGE_SERIAL);
	restart_peer(a, console, a->serial_wake, VMM_SERIAL_BADGE_CONSOLE);
}

static void wake_console(void *ctx)
{
	const struct admin *a = ctx;

	seL4_Signal(a->log.notify);
}

static void create_log(struct admin *a)
{
	struct console_signal signal = { .raise = wake_console, .ctx = a };
	struct serialq_producer tx;
	struct queue_pair pair;

	native_console_client(a, "vessel", VMM_CONSOLE_LOG, &a->self, 0, &pair);
	if (serialq_producer_init(&tx, (void *)pair.tx_queue, (void *)pair.tx_data, QUEUE_BYTES) !=
	    VMM_OK)
		admin_die(a, "its own log queue");
	console_log_init(&a->log.channel, &tx, signal);
	a->log.notify = object_keep(a, a->console_wake, seL4_CanWrite, VMM_CONSOLE_BADGE_CLIENT);
}

void native_create(struct admin *a)
{
	static const uint32_t cnode_bits[SYSTEM_FIXED_PROGRAMS] = {
		[SYSTEM_SERIAL] = SERIAL_CNODE_BITS,
		[SYSTEM_CONSOLE] = CONSOLE_CNODE_BITS,
		[SYSTEM_TIMER] = TIMER_CNODE_BITS,
	};

	/*
	 * program_new() counts up, so program i is the one with id i. All but the timer server can be started
	 * again: that one has threads for each client, which hold what the client is owed.
	 */
	for (uint32_t i = 0; i < a->system.program_count; i++) {
		const struct system_program *described = &a->system.programs[i];
		struct program *p =
			program_new(a, described->name, described->file,
				    i < SYSTEM_FIXED_PROGRAMS ? cnode_bits[i] : NATIVE_CNODE_BITS,
				    described->sched.priority, i != SYSTEM_TIMER);

		main_thread(a, p, &described->sched);
		restart_prepare(a, p);
	}
	admin_builds(a, "the", "native programs");
	a->account = &a->own_bytes;
	a->serial_wake = new_notification(a);
	a->console_wake = new_notification(a);
	a->console.magic = VMM_CONSOLE_MAGIC;
	a->console.version = VMM_CONSOLE_VERSION;
	a->timer.magic = VMM_TIMER_MAGIC;
	a->timer.version = VMM_TIMER_VERSION;
	create_serial(a);
	a->account = &a->own_bytes;
	create_log(a);
	program_name_cap(a, console_of(a), "wake", a->console_wake, seL4_AllRights, 0);
	program_name_cap(a, console_of(a), "serial", a->serial_wake, seL4_CanWrite,
			 VMM_SERIAL_BADGE_CONSOLE);
	program_name_cap(a, console_of(a), "timer",
			 native_timer_client(a, a->console_wake, VMM_CONSOLE_BADGE_TIMER,
					     a->system.programs[SYSTEM_CONSOLE].sched.core),
			 seL4_CapRights_new(1, 0, 0, 1), 0);
	program_name_cap(a, timer_of(a), "ready", new_notification(a), seL4_AllRights, 0);
	program_name_cap(a, timer_of(a), "up", a->notification, seL4_CanWrite, BADGE_UP);
	channel_create_natives(a);
}

void native_console_client(struct admin *a, const char *name, enum vmm_console_kind kind,
			   struct space *client, seL4_CPtr notify, struct queue_pair *pair)
{
	struct program *console = console_of(a);
	struct vmm_console_client *entry = &a->console.clients[a->console.client_count];

	if (a->console.client_count == VMM_CONSOLE_CLIENTS)
		admin_die(a, "console %s: one client too many", name);
	a->console.client_count++;
	fmt_snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->kind = kind;
	*pair = (struct queue_pair){ 0 };
	share_page(a, client, &console->space, &pair->tx_queue, &entry->tx_queue);
	share_page(a, client, &console->space, &pair->tx_data, &entry->tx_data);
	entry->tx_capacity = QUEUE_BYTES;
	if (kind == VMM_CONSOLE_VM) {
		share_page(a, client, &console->space, &pair->rx_queue, &entry->rx_queue);
		share_page(a, client, &console->space, &pair->rx_data, &entry->rx_data);
		entry->rx_capacity = QUEUE_BYTES;
	}
	if (notify == seL4_CapNull)
		return;
	entry->notify = program_grant(a, console, notify, seL4_CanWrite, 0);
	restart_peer(a, console, notify, 0);
}

static uint64_t grant_new(struct admin *a, struct program *p, seL4_Word type, uint8_t bits)
{
	return program_grant(a, p, object_new(a, type, bits), seL4_AllRights, 0);
}

/* A thread with a VCPU: at EL1 it may read the counter (include/vmm/timer.h). */
static void add_clock(struct admin *a, struct program *timer, struct vmm_timer_client *client)
{
	seL4_CPtr tcb = program_bare_thread(a, timer);
	seL4_CPtr vcpu = object_new(a, seL4_ARM_VCPUObject, seL4_ARM_VCPUBits);

	must(a, seL4_ARM_VCPU_SetTCB(vcpu, tcb), "VCPU_SetTCB", "the timer's clock");
	client->clock = program_grant(a, timer, tcb, seL4_AllRights, 0);
	client->clock_endpoint = grant_new(a, timer, seL4_EndpointObject, seL4_EndpointBits);
	client->clock_reply = grant_new(a, timer, seL4_ReplyObject, seL4_ReplyBits);
}

seL4_CPtr native_timer_client(struct admin *a, seL4_CPtr notification, uint64_t badge,
			      uint32_t core)
{
	struct program *timer = timer_of(a);
	struct vmm_timer_client *client = &a->timer.clients[a->timer.client_count];
	struct thread_options options = { .core = core, .stack_pages = TIMER_STACK_PAGES };
	seL4_CPtr endpoint = object_new(a, seL4_EndpointObject, seL4_EndpointBits);
	uint32_t thread;

	if (a->timer.client_count == VMM_TIMER_CLIENTS)
		admin_die(a, "more than %u clients of the timer server", VMM_TIMER_CLIENTS);
	a->timer.client_count++;
	if (a->timer.sched_control[core] == 0)
		a->timer.sched_control[core] = program_grant(
			a, timer, a->bi->schedcontrol.start + core, seL4_AllRights, 0);
	thread = program_thread(a, timer, &options);
	client->core = core;
	client->thread = program_grant(a, timer, timer->tcbs[thread], seL4_AllRights, 0);
	client->endpoint = program_grant(a, timer, endpoint, seL4_AllRights, 0);
	client->reply = grant_new(a, timer, seL4_ReplyObject, seL4_ReplyBits);
	client->notify = program_grant(a, timer, notification, seL4_CanWrite, badge);
	client->sleeper = program_grant(a, timer, program_bare_thread(a, timer), seL4_AllRights, 0);
	client->sc = grant_new(a, timer, seL4_SchedContextObject, TIMER_SC_BITS);
	client->park = grant_new(a, timer, seL4_NotificationObject, seL4_NotificationBits);
	add_clock(a, timer, client);
	return endpoint;
}

void native_finish(struct admin *a)
{
	program_finish(a, &a->programs[SYSTEM_SERIAL], NULL, 0);
	program_finish(a, console_of(a), &a->console, sizeof(a->console));
	program_finish(a, timer_of(a), &a->timer, sizeof(a->timer));
	channel_finish_natives(a);
}
