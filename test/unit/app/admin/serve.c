// SPDX-License-Identifier: BSD-2-Clause
/* The sealed system's messages: faults by name, VMs that end, and what nobody may send. */
#include <string.h>

#include <vmm/config.h>

#include "test/unit/app/admin/world.h"
#include "vmm/base/err.h"
#include "vmm/base/util.h"

enum { ONE = SYSTEM_FIXED_PROGRAMS, TWO };

static void vm_says(uint64_t vm, uint64_t label, uint64_t reason)
{
	world_event((struct event){ .badge = BADGE_VM(vm), .label = label, .mr = { reason } });
}

static void fault(uint64_t program, uint64_t thread, uint64_t label)
{
	world_event((struct event){ .badge = BADGE_FAULT(program, thread),
				    .label = label,
				    .mr = { 0x1000, 0x2000, 0, 0x3000, 0x4000 } });
}

static void the_last_vm_switches_off(void **state)
{
	(void)state;
	vm_says(1, VMM_ADMIN_OFF, 0);
	vm_says(0, VMM_ADMIN_OFF, 0);
	world_run();
	assert_int_equal(world.end, WORLD_OFF);
	assert_int_equal(world.events_taken, 3);
	assert_said("VM two is off\nVM one is off\nall VMs are off, status 0\n");
	assert_true(world.kernel.root_thread->priority == PRIORITY_LOWEST);
}

static void without_smc_it_says_so_and_waits(void **state)
{
	(void)state;
	world.smc = false;
	vm_says(0, VMM_ADMIN_OFF, 0);
	vm_says(1, VMM_ADMIN_OFF, 0);
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_said("all VMs are off, status 0\n");
	assert_false(said("power off by SMC"));
}

static void a_failed_vm_makes_the_status(void **state)
{
	(void)state;
	vm_says(0, VMM_ADMIN_FAILED, VMM_ERR_RANGE);
	vm_says(1, VMM_ADMIN_OFF, 0);
	world_run();
	assert_int_equal(world.end, WORLD_OFF);
	assert_said("VM one failed: VMM_ERR_RANGE\nVM two is off\nall VMs are off, status 1\n");
}

static void a_vmm_that_faults_ends_its_vm(void **state)
{
	(void)state;
	fault(ONE, 1, seL4_Fault_VMFault);
	vm_says(0, VMM_ADMIN_OFF, 0); /* its other thread still talks: too late */
	vm_says(1, VMM_ADMIN_OFF, 0);
	world_run();
	assert_int_equal(world.end, WORLD_OFF);
	assert_said("one, thread 1: data fault at address 0x2000, pc 0x1000, ESR 0x3000\n"
		    "VM one failed: its VMM faulted\nVM two is off\nall VMs are off, status 1\n");
	assert_false(said("VM one is off"));
}

static void a_native_program_stops_alone(void **state)
{
	(void)state;
	fault(SYSTEM_TIMER, 0, seL4_Fault_CapFault);
	vm_says(0, VMM_ADMIN_OFF, 0);
	vm_says(1, VMM_ADMIN_OFF, 0);
	world_run();
	assert_int_equal(world.end, WORLD_OFF);
	assert_said("timer, thread 0: capability fault at cptr 0x2000, pc 0x1000\n"
		    "timer has stopped; the rest goes on\n");
	assert_false(said("given up"));
	assert_said("all VMs are off, status 0\n");
}

static void every_fault_has_words(void **state)
{
	(void)state;
	fault(SYSTEM_SERIAL, 0, seL4_Fault_UnknownSyscall);
	fault(SYSTEM_SERIAL, 0, seL4_Fault_UserException);
	fault(SYSTEM_SERIAL, 0, seL4_Fault_VCPUFault);
	fault(SYSTEM_SERIAL, 0, 77);
	world_run();
	assert_said("serial, thread 0: unknown system call\n");
	assert_said("serial, thread 0: exception, pc 0x1000, ESR 0x4000\n");
	assert_said("serial, thread 0: exception, ESR 0x1000\n");
	assert_said("serial, thread 0: fault 77\n");
}

/* Badges that admin never gave, labels that nobody should send: nothing ends. */
static void what_nobody_may_send(void **state)
{
	(void)state;
	world_event((struct event){ .badge = 0, .label = VMM_ADMIN_OFF });
	vm_says(2, VMM_ADMIN_OFF, 0);
	vm_says(UINT32_MAX, VMM_ADMIN_OFF, 0);
	fault(200, 0, seL4_Fault_VMFault);
	world_event((struct event){ .badge = BADGE_UP });
	world_event((struct event){ .badge = UINT64_C(1) << 63 | UINT64_C(1) << 40 });
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_int_equal(world.events_taken, world.event_count);
	assert_false(said("is off"));
	assert_false(said("fault at"));
}

static void unknown_labels_are_failures(void **state)
{
	(void)state;
	vm_says(0, 99, UINT64_MAX);
	vm_says(0, VMM_ADMIN_OFF, 0);
	vm_says(1, VMM_ADMIN_OFF, 0);
	world_run();
	assert_said("VM one failed: ");
	assert_said("all VMs are off, status 1\n");
}

/* As if its notification had just been signalled: the context goes back there at the first wait. */
static void passive_handlers_start_on_their_notifications_time(void **state)
{
	const struct fk_object *handler;

	(void)state;
	world_run();
	handler = world_thread(TWO, 0);
	assert_non_null(handler->sc);
	assert_ptr_equal(handler->sc, handler->notification->sc);
	assert_int_equal(handler->sc->budget, 1000);
	assert_int_equal(handler->sc->number, 1);
	/* The active one has its own. */
	assert_non_null(world_thread(ONE, 0)->sc);
	assert_null(world_thread(ONE, 0)->notification->sc);
}

/* Neither the VMM's other threads nor the guest's run on; other VMs do. */
static void a_failed_vm_has_no_time(void **state)
{
	(void)state;
	fault(ONE, 0, seL4_Fault_VMFault);
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_null(world_thread(ONE, 0)->sc);
	assert_null(world_thread(ONE, 1)->sc);
	assert_non_null(world_thread(TWO, 0)->sc);
	for (uint32_t i = 0, guests = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];

		if (o->kind != seL4_TCBObject || o->dead || o->fault.badge != VMM_BADGE_FAULT)
			continue;
		assert_true((o->sc == NULL) == (guests++ < 2));
	}
}

static void nothing_starts_before_the_timer(void **state)
{
	(void)state;
	world.events[0] = (struct event){ .badge = BADGE_FAULT(SYSTEM_TIMER, 0),
					  .label = seL4_Fault_VMFault };
	world_run();
	assert_int_equal(world.end, WORLD_DIED);
	assert_said("timer, thread 0: data fault");
	assert_said("a program did not start");
	assert_said("all VMs are off, status 1");
	assert_true(world_thread(SYSTEM_TIMER, 0)->running);
	assert_false(world_thread(SYSTEM_CONSOLE, 0)->running);
	assert_false(world_thread(ONE, 0)->running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(the_last_vm_switches_off),
		TEST(without_smc_it_says_so_and_waits),
		TEST(a_failed_vm_makes_the_status),
		TEST(a_vmm_that_faults_ends_its_vm),
		TEST(a_native_program_stops_alone),
		TEST(every_fault_has_words),
		TEST(what_nobody_may_send),
		TEST(unknown_labels_are_failures),
		TEST(passive_handlers_start_on_their_notifications_time),
		TEST(a_failed_vm_has_no_time),
		TEST(nothing_starts_before_the_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
