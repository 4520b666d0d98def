// SPDX-License-Identifier: BSD-2-Clause
/*
 * A system with a disk: driver, multiplexer and a VM's device. What each shares with whom is what the
 * tables of vmm/admin/native.c say and no more; a driver that faults starts again as if for the first
 * time; and every refused call ends in words.
 */
#include <string.h>

#include <vmm/config.h>

#include "test/unit/app/admin/world.h"
#include "vmm/base/util.h"

enum { DISK = SYSTEM_FIXED_PROGRAMS, DISKS, ONE, TWO, PROGRAMS };

static int setup(void **state)
{
	static const char *const settings[] = {
		"/programs/disk:kind=blk-driver",
		"/programs/disk:reg=/bits/ 64 <0x0a000000 0x1000>",
		"/programs/disk:interrupt=<48>",
		"/programs/disks:kind=block",
		"/programs/disks:driver=disk",
		"/vms/one/devices/vda:kind=virtio-blk",
		"/vms/one/devices/vda:backend=disks",
		"/vms/one/devices/vda:partition=<3>",
	};
	int result = world_setup(state);

	memcpy(world.settings, settings, sizeof(settings));
	world.untyped[world.untyped_count++] =
		(struct fk_untyped){ .paddr = 0x0a000000, .bits = 12, .device = true };
	return result;
}

/* ---- what they are told ---- */

static struct vmm_native_config natives[PROGRAMS];
static struct vmm_config vmm;

static const struct vmm_channel *channel(uint32_t id, uint32_t role)
{
	struct vmm_start start;

	world_start_page(id, &start, &natives[id], sizeof(natives[id]));
	assert_int_equal(natives[id].magic, VMM_NATIVE_MAGIC);
	for (uint32_t i = 0; i < natives[id].channel_count; i++) {
		const struct vmm_channel *c = &natives[id].channels[i];

		if (c->kind == VMM_CHANNEL_BLOCK && c->role == role)
			return c;
	}
	fail_msg("program %u has no such channel", id);
	return NULL;
}

static const struct vmm_channel *vmm_channel(void)
{
	struct vmm_start start;

	world_start_page(ONE, &start, &vmm, sizeof(vmm));
	for (uint32_t i = 0; i < vmm.device_count; i++) {
		if (vmm.devices[i].kind == VMM_DEVICE_VIRTIO_BLK &&
		    strcmp(vmm.devices[i].name, "vda") == 0)
			return &vmm.channels[vmm.devices[i].channel];
	}
	fail_msg("VM one has no vda");
	return NULL;
}

static uint64_t paddr_at(uint32_t id, uint64_t vaddr)
{
	const struct fk_mapping *m = fk_mapping(world_thread(id, 0)->vspace.object, vaddr);

	assert_non_null(m);
	assert_int_equal(m->size, PAGE_BYTES);
	assert_true((m->attributes & seL4_ARM_ExecuteNever) != 0);
	return m->frame->paddr + vaddr % PAGE_BYTES;
}

static void check_notify(uint32_t from, const struct vmm_channel *mine, uint32_t to,
			 const struct vmm_channel *theirs)
{
	const struct fk_cap *cap = fk_slot(&world_thread(from, 0)->cspace, mine->notify, 64);

	assert_int_equal(cap->object->kind, seL4_NotificationObject);
	assert_true(cap->rights == seL4_CanWrite.words[0]);
	assert_true(cap->badge == theirs->badge);
	/* Where the other one waits. */
	if (to == ONE) {
		assert_ptr_equal(world_thread(to, 0)->notification, cap->object);
	} else {
		struct vmm_start start;

		world_start_page(to, &start, NULL, 0);
		for (uint32_t i = 0; i < start.cap_count; i++) {
			if (strcmp(start.caps[i].name, "wake") == 0)
				assert_ptr_equal(fk_slot(&world_thread(to, 0)->cspace,
							 start.caps[i].cptr, 64)
							 ->object,
						 cap->object);
		}
	}
}

static void check_channel(uint32_t client, const struct vmm_channel *c, uint32_t server,
			  const struct vmm_channel *s)
{
	const struct channel_kind *kind = channel_kind(VMM_CHANNEL_BLOCK);

	assert_int_equal(c->role, VMM_ROLE_CLIENT);
	assert_int_equal(s->role, VMM_ROLE_SERVER);
	check_notify(client, c, server, s);
	check_notify(server, s, client, c);
	for (uint32_t i = 0; i < kind->region_count; i++) {
		const struct vmm_region *mine = &c->region[i], *theirs = &s->region[i];

		assert_int_equal(mine->size, theirs->size);
		for (uint64_t at = 0; at < mine->size; at += PAGE_BYTES) {
			uint64_t paddr = paddr_at(client, mine->vaddr + at);

			if (theirs->vaddr != 0)
				assert_true(paddr == paddr_at(server, theirs->vaddr + at));
			if (mine->paddr != 0)
				assert_true(paddr == mine->paddr + at);
		}
	}
	assert_int_equal(s->region[VMM_BLOCK_DATA].vaddr, 0);
	assert_true(s->region[VMM_BLOCK_DATA].paddr != 0);
	assert_true(s->region[VMM_BLOCK_DATA].paddr == c->region[VMM_BLOCK_DATA].paddr);
}

static void channels_join_the_right_pages(void **state)
{
	const struct vmm_channel *device;

	(void)state;
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	check_channel(DISKS, channel(DISKS, VMM_ROLE_CLIENT), DISK, channel(DISK, VMM_ROLE_SERVER));
	device = vmm_channel();
	check_channel(ONE, device, DISKS, channel(DISKS, VMM_ROLE_SERVER));
	assert_int_equal(device->region[VMM_BLOCK_DATA].size, KIB(512));
	assert_string_equal(channel(DISKS, VMM_ROLE_SERVER)->name, "one.vda");
	assert_int_equal(channel(DISKS, VMM_ROLE_SERVER)->block.partition, 3);
}

/* Its device, and memory in one piece that nobody else has. */
static void a_driver_has_its_device(void **state)
{
	struct vmm_start start;
	const struct vmm_start_region *dma = NULL, *device = NULL;

	(void)state;
	world_run();
	world_start_page(DISK, &start, NULL, 0);
	for (uint32_t i = 0; i < start.region_count; i++) {
		if (strcmp(start.regions[i].name, "dma") == 0)
			dma = &start.regions[i];
		else if (strcmp(start.regions[i].name, "device") == 0)
			device = &start.regions[i];
	}
	assert_non_null(dma);
	assert_non_null(device);
	assert_true(paddr_at(DISK, device->vaddr) == 0x0a000000);
	for (uint64_t at = 0; at < dma->size; at += PAGE_BYTES)
		assert_true(paddr_at(DISK, dma->vaddr + at) == dma->paddr + at);
}

/* ---- who shares what ---- */

static bool may_share(uint32_t a, uint32_t b)
{
	return a == SYSTEM_CONSOLE || b == SYSTEM_CONSOLE || (a == DISK && b == DISKS) ||
	       (a == DISKS && b == ONE);
}

/* Frames that two programs have, one of them to write, are between those who may. */
static void nothing_else_is_shared(void **state)
{
	(void)state;
	world_run();
	for (uint32_t a = 0; a < PROGRAMS; a++) {
		const struct fk_object *space = world_thread(a, 0)->vspace.object;

		for (uint32_t b = a + 1; b < PROGRAMS; b++) {
			const struct fk_object *other = world_thread(b, 0)->vspace.object;

			for (uint32_t i = 0; i < space->map_count * other->map_count; i++) {
				const struct fk_mapping *m = &space->map[i / other->map_count];
				const struct fk_mapping *n = &other->map[i % other->map_count];

				if (m->frame == n->frame &&
				    ((m->rights | n->rights) & seL4_CanWrite.words[0]) != 0)
					assert_true(may_share(a, b));
			}
		}
	}
}

/* Notifications, its interrupt, the timer's endpoint: nothing that makes or reaches anything. */
static void native_programs_can_name_little(void **state)
{
	(void)state;
	world_run();
	for (uint32_t id = DISK; id <= DISKS; id++) {
		const struct fk_cap *root = &world_thread(id, 0)->cspace;

		for (uint64_t i = 0; i < UINT64_C(1) << root->object->radix; i++) {
			const struct fk_cap *cap = &root->object->slots[i];

			if (cap->object == NULL)
				continue;
			assert_true(cap->object->kind == seL4_NotificationObject ||
				    (id == DISK && cap->object->kind == FK_IRQ_HANDLER) ||
				    (id == DISKS && cap->object->kind == seL4_EndpointObject));
			if (cap->object->kind == seL4_EndpointObject)
				assert_true((cap->rights & seL4_CanGrant.words[0]) == 0);
		}
	}
}

/* ---- a driver that dies ---- */

static void fault(uint64_t program)
{
	world_event((struct event){ .badge = BADGE_FAULT(program, 0),
				    .label = seL4_Fault_VMFault,
				    .mr = { 0x1000, 0x2000, 0, 0x3000 } });
}

/* Stands where it stood when it was started, with the variables its file has. */
static void a_driver_starts_again(void **state)
{
	uint8_t data[0x1800], expected[0x1800] = { 0 };
	struct fk_object *thread;

	(void)state;
	fault(DISK);
	fault(DISK);
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_said("disk, thread 0: data fault");
	assert_said("disk starts again (1)\n");
	assert_said("disk starts again (2)\n");
	assert_false(said("disk has stopped"));
	thread = world_thread(DISK, 0);
	assert_true(thread->running);
	assert_true(thread->regs.pc == 0x400000);
	assert_true(thread->regs.x0 != 0 && thread->regs.x1 == 0);
	assert_non_null(fk_mapping(thread->vspace.object, thread->regs.sp - 1));
	memset(expected, 0x22, 0x80);
	assert_true(
		fk_read_space(&world.kernel, thread->vspace.object, 0x410000, data, sizeof(data)));
	assert_memory_equal(data, expected, sizeof(data));
}

static void all_but_the_timer_start_again(void **state)
{
	(void)state;
	fault(DISKS);
	fault(SYSTEM_CONSOLE);
	fault(SYSTEM_SERIAL);
	fault(SYSTEM_TIMER);
	world_run();
	assert_said("disks starts again (1)\n");
	assert_said("console starts again (1)\n");
	assert_said("serial starts again (1)\n");
	assert_said("timer has stopped; the rest goes on\n");
	assert_false(said("timer starts again"));
}

/* What a program is signalled with, as its start page calls it. */
static uint64_t signals_of(uint32_t id)
{
	struct vmm_start start;

	world_start_page(id, &start, NULL, 0);
	for (uint32_t i = 0; i < start.cap_count; i++) {
		if (strcmp(start.caps[i].name, "wake") == 0)
			return fk_slot(&world_thread(id, 0)->cspace, start.caps[i].cptr, 64)
				->object->signals;
	}
	fail_msg("program %u cannot be signalled", id);
	return 0;
}

/* The badge with which the console signals VM one's VMM. */
static uint64_t console_badge(void)
{
	struct vmm_start start;

	world_start_page(ONE, &start, &vmm, sizeof(vmm));
	for (uint32_t i = 0; i < vmm.channel_count; i++) {
		if (vmm.channels[i].kind == VMM_CHANNEL_SERIAL && vmm.channels[i].rx_queue != 0)
			return VMM_BADGE_CHANNEL(i);
	}
	fail_msg("VM one has no console");
	return 0;
}

/* It may have died between noting that they are signalled and doing it. */
static void who_starts_again_has_its_neighbours_signalled(void **state)
{
	static const uint32_t programs[] = { DISK, DISKS, SYSTEM_SERIAL, SYSTEM_CONSOLE };

	(void)state;
	world.settings[8] = "/vms/one/devices/uart:kind=pl011";
	world.settings[9] = "/vms/one/devices/uart:reg=/bits/ 64 <0x09000000 0x1000>";
	world.settings[10] = "/vms/one/devices/uart:interrupt=<33>";
	world.settings[11] = "/vms/one/devices/uart:console=one";
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		uint32_t dies = programs[i];
		uint64_t vmm_signals;

		world.event_count = 1; /* the timer's start */
		fault(dies);
		world_run();
		assert_said("starts again (1)\n");
		vmm_signals = world_thread(ONE, 0)->notification->signals;
		assert_int_equal(vmm_signals & vmm_channel()->badge,
				 dies == DISKS ? vmm_channel()->badge : 0);
		assert_int_equal(vmm_signals & console_badge(),
				 dies == SYSTEM_CONSOLE ? console_badge() : 0);
		assert_int_equal(signals_of(DISK),
				 dies == DISKS ? channel(DISK, VMM_ROLE_SERVER)->badge : 0);
		assert_int_equal(signals_of(DISKS),
				 dies == DISK ? channel(DISKS, VMM_ROLE_CLIENT)->badge : 0);
		assert_int_equal(signals_of(SYSTEM_SERIAL),
				 dies == SYSTEM_CONSOLE ? VMM_SERIAL_BADGE_CONSOLE : 0);
		assert_int_equal(signals_of(SYSTEM_CONSOLE) & VMM_CONSOLE_BADGE_SERIAL,
				 dies == SYSTEM_SERIAL ? VMM_CONSOLE_BADGE_SERIAL : 0);
	}
}

static void a_program_of_a_device_starts_again(void **state)
{
	const uint32_t vda = ONE + 1; /* made behind its VMM */

	(void)state;
	world.settings[8] = "/vms/one/devices/vda:own-program=";
	fault(vda);
	fault(ONE); /* a VMM does not */
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_said("one.vda starts again (1)\n");
	assert_true(world_thread(vda, 0)->running);
	assert_said("VM one failed: its VMM faulted\n");
	assert_false(said("one starts again"));
}

/* What `from` reads of the fate of the other end of its channel. */
static uint32_t fate(uint32_t from, const struct vmm_channel *c)
{
	const struct fk_mapping *m = fk_mapping(world_thread(from, 0)->vspace.object, c->fate);
	struct vmm_fate fate;

	assert_non_null(m);
	assert_true((m->rights & seL4_CanWrite.words[0]) == 0);
	assert_true(fk_read_space(&world.kernel, world_thread(from, 0)->vspace.object, c->fate,
				  &fate, sizeof(fate)));
	return fate.over;
}

static void who_dies_in_a_row_is_given_up(void **state)
{
	const uint64_t alive = BADGE_ALIVE | UINT64_C(1) << DISKS;
	enum { IN_A_ROW = 8 };

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		fault(DISKS);
	world_event((struct event){ .badge = alive });
	for (unsigned i = 0; i < IN_A_ROW; i++)
		fault(DISKS);
	world_run();
	assert_said("disks starts again (10)\n");
	assert_false(said("disks has stopped"));
	assert_int_equal(fate(ONE, vmm_channel()), 0);
	fault(DISKS);
	fault(DISKS);
	fault(DISK);
	world_run();
	assert_said("disks died 11 times, the last 9 of them in a row, and is given up\n"
		    "disks has stopped; the rest goes on\n");
	assert_false(said("disks starts again (11)"));
	assert_said("disk starts again (1)\n");
	/* Both its neighbours are told: what they wait for will not come. */
	assert_int_equal(fate(ONE, vmm_channel()), 1);
	assert_int_equal(fate(DISK, channel(DISK, VMM_ROLE_SERVER)), 1);
	assert_int_equal(fate(DISKS, channel(DISKS, VMM_ROLE_CLIENT)), 0);
	assert_true((world_thread(ONE, 0)->notification->signals & vmm_channel()->badge) != 0);
}

/* However long a system runs: who is alive between its deaths is not given up. */
static void who_dies_now_and_then_is_not(void **state)
{
	struct program *disks = &world.admin.programs[DISKS];

	(void)state;
	world_run();
	for (unsigned i = 0; i < 5000; i++) {
		restart_alive(&world.admin, UINT64_C(1) << DISKS);
		assert_true(restart(&world.admin, disks));
	}
	assert_int_equal(fate(ONE, vmm_channel()), 0);
}

/* ---- refused calls ---- */

static void every_refused_call_ends_in_words(void **state)
{
	uint64_t calls;

	(void)state;
	world_run();
	calls = world.kernel.calls;
	for (world.fail_call = 1; world.fail_call <= calls; world.fail_call += 3) {
		world_run();
		if (world.end == WORLD_WENT_ON && world.failed_label == CNodeCopy)
			continue; /* the capability for SMC calls, which not every kernel has */
		assert_int_equal(world.end, WORLD_DIED);
		assert_said("the system was not built");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
		TEST(channels_join_the_right_pages),
		TEST(a_driver_has_its_device),
		TEST(nothing_else_is_shared),
		TEST(native_programs_can_name_little),
		TEST(a_driver_starts_again),
		TEST(all_but_the_timer_start_again),
		TEST(who_starts_again_has_its_neighbours_signalled),
		TEST(who_dies_in_a_row_is_given_up),
		TEST(who_dies_now_and_then_is_not),
		TEST(a_program_of_a_device_starts_again),
		TEST(every_refused_call_ends_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
