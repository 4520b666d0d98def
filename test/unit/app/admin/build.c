// SPDX-License-Identifier: BSD-2-Clause
/*
 * What admin builds, and what it says when it cannot: every kernel call failing in turn, every amount
 * of memory, machines and images that do not fit the description.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm/config.h>

#include "test/unit/app/admin/world.h"
#include "vmm/base/util.h"

enum { ONE = SYSTEM_FIXED_PROGRAMS, TWO, PROGRAMS };

static void builds_the_system(void **state)
{
	(void)state;
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	assert_said("vessel: VM one: RAM 4096 KiB, beside it ");
	assert_said("vessel: VM two: RAM 6144 KiB, beside it ");
	assert_said("sealed: ");
	assert_said("to start them again, and signals to their neighbours");
	for (uint32_t id = 0; id < PROGRAMS; id++)
		assert_true(world_thread(id, 0)->running);
}

/* A program's thread has a stack with nothing below it, an IPC buffer, and starts at its page. */
static void check_thread(const struct vmm_start *start, uint32_t id, uint32_t index)
{
	const struct fk_object *t = world_thread(id, index), *space = t->vspace.object;
	uint64_t at = t->regs.sp - 1;

	assert_true(t->regs.pc == 0x400000);
	assert_true(t->regs.x1 == index);
	assert_true(t->buffer == start->threads[index].ipc_buffer);
	assert_ptr_equal(fk_mapping(space, t->buffer)->frame, t->buffer_frame.object);
	assert_int_equal(t->mcp, 0);
	assert_true((t->flags & seL4_TCBFlag_fpuDisabled) != 0);
	assert_null(fk_mapping(space, t->regs.sp));
	while (fk_mapping(space, at) != NULL)
		at -= PAGE_BYTES;
	assert_in_range(t->regs.sp - 1 - at, PAGE_BYTES, 4 * PAGE_BYTES);
}

static void programs_find_what_they_were_given(void **state)
{
	static const char *const names[PROGRAMS] = { "serial", "console", "timer", "one", "two" };

	(void)state;
	world_run();
	for (uint32_t id = 0; id < PROGRAMS; id++) {
		const struct fk_object *main = world_thread(id, 0);
		struct vmm_start start;
		uint8_t text[0x1100], data[0x1800], expected[0x1800] = { 0 };

		world_start_page(id, &start, NULL, 0);
		assert_string_equal(start.name, names[id]);
		for (uint32_t i = 0; i < start.thread_count; i++)
			check_thread(&start, id, i);
		for (uint32_t i = 0; i < start.cap_count; i++)
			assert_non_null(fk_slot(&main->cspace, start.caps[i].cptr, 64)->object);
		for (uint32_t i = 0; i < start.region_count; i++)
			assert_non_null(fk_mapping(main->vspace.object, start.regions[i].vaddr));
		/* The file's segments: test/support/systemfiles.c. */
		assert_true(fk_read_space(&world.kernel, main->vspace.object, 0x400000, text,
					  sizeof(text)));
		memset(expected, 0x11, sizeof(text));
		assert_memory_equal(text, expected, sizeof(text));
		assert_true(fk_read_space(&world.kernel, main->vspace.object, 0x410000, data,
					  sizeof(data)));
		memset(expected, 0, sizeof(expected));
		memset(expected, 0x22, 0x80);
		assert_memory_equal(data, expected, sizeof(data));
	}
}

/* ---- a VM ---- */

static const struct fk_cap *cap_of(const struct fk_object *thread, uint64_t cptr, uint32_t kind)
{
	const struct fk_cap *cap = fk_slot(&thread->cspace, cptr, 64);

	assert_non_null(cap);
	assert_non_null(cap->object);
	assert_int_equal(cap->object->kind, kind);
	return cap;
}

static void check_vcpu(uint32_t id, const struct vmm_config_vcpu *config, uint32_t index)
{
	const struct fk_object *handler = world_thread(id, index);
	const struct fk_cap *tcb = cap_of(handler, config->tcb, seL4_TCBObject);
	const struct fk_cap *vcpu = cap_of(handler, config->vcpu, seL4_ARM_VCPUObject);
	const struct fk_cap *fault = cap_of(handler, config->fault_ep, seL4_EndpointObject);
	const struct fk_cap *kick = cap_of(handler, config->kick, seL4_NotificationObject);
	const struct fk_cap *timer = cap_of(handler, config->timer, seL4_EndpointObject);
	const struct fk_object *guest = tcb->object;

	cap_of(handler, config->reply, seL4_ReplyObject);
	assert_ptr_equal(guest->vcpu, vcpu->object);
	assert_false(guest->running);
	assert_ptr_equal(guest->fault.object, fault->object);
	assert_true(guest->fault.badge == VMM_BADGE_FAULT);
	assert_true(fault->rights == seL4_CanRead.words[0]);
	assert_ptr_equal(handler->notification, kick->object);
	assert_true(kick->badge == VMM_BADGE_KICK && kick->rights == seL4_CanWrite.words[0]);
	assert_true((timer->rights & (seL4_CanRead.words[0] | seL4_CanGrant.words[0])) == 0);
	assert_int_equal(guest->sc->number, config->core);
	assert_true(handler->priority == guest->priority + 1);
	/* It can name nothing, whatever it puts into its registers before a hypercall. */
	for (uint64_t i = 0; i < UINT64_C(1) << guest->cspace.object->radix; i++)
		assert_null(guest->cspace.object->slots[i].object);
}

static void vms_are_as_described(void **state)
{
	struct vmm_config config;
	struct vmm_start start;
	const struct fk_object *handler;
	uint8_t byte;

	(void)state;
	world_run();
	for (uint32_t id = ONE; id < PROGRAMS; id++) {
		world_start_page(id, &start, &config, sizeof(config));
		assert_string_equal(config.name, id == ONE ? "one" : "two");
		assert_int_equal(config.vcpu_count, id == ONE ? 2 : 1);
		for (uint32_t i = 0; i < config.vcpu_count; i++)
			check_vcpu(id, &config.vcpus[i], i);
		assert_int_equal(config.ram_count, 1);
		assert_int_equal(config.ram[0].size, id == ONE ? MIB(4) : MIB(6));
		handler = world_thread(id, 0);
		/* The guest's RAM is the VMM's, page by page. */
		for (uint64_t at = 0; at < config.ram[0].size; at += SYSTEM_LARGE_PAGE) {
			const struct fk_object *guest =
				cap_of(handler, config.vcpus[0].tcb, seL4_TCBObject)->object;

			assert_ptr_equal(
				fk_mapping(guest->vspace.object, config.ram[0].gpa + at)->frame,
				fk_mapping(handler->vspace.object, config.ram[0].host + at)->frame);
		}
		assert_int_equal(config.kernel.size, SYSTEM_KERNEL_BYTES);
		assert_true(fk_read_space(&world.kernel, handler->vspace.object,
					  config.kernel.host + SYSTEM_KERNEL_BYTES - 1, &byte, 1));
		assert_int_equal(byte, 0x44);
		cap_of(handler, config.admin, seL4_EndpointObject);
		assert_int_equal(config.device_count, 2);
		assert_int_equal(config.channel_count, 2);
	}
	assert_int_equal(config.initrd.size, 0);
	world_start_page(ONE, &start, &config, sizeof(config));
	assert_int_equal(config.initrd.size, SYSTEM_INITRD_BYTES);
}

static void gicv2_guests_have_the_cpu_interface(void **state)
{
	struct vmm_config config;
	struct vmm_start start;
	const struct fk_object *guest;

	(void)state;
	world.settings[0] = "/board:gic-version=<2>";
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
	for (uint32_t id = ONE; id < PROGRAMS; id++) {
		world_start_page(id, &start, &config, sizeof(config));
		guest = cap_of(world_thread(id, 0), config.vcpus[0].tcb, seL4_TCBObject)->object;
		for (uint64_t page = 0; page < GICV_PAGES; page++)
			assert_true(fk_mapping(guest->vspace.object,
					       config.gicc_gpa + page * PAGE_BYTES)
					    ->frame->paddr == 0x08040000 + page * PAGE_BYTES);
	}
}

static void scheduling_is_as_described(void **state)
{
	struct vmm_config config;
	struct vmm_start start;
	const struct fk_object *guest;

	(void)state;
	world_run();
	world_start_page(TWO, &start, &config, sizeof(config));
	guest = cap_of(world_thread(TWO, 0), config.vcpus[0].tcb, seL4_TCBObject)->object;
	assert_int_equal(guest->sc->budget, 1000);
	assert_int_equal(guest->sc->period, 10000);
	assert_int_equal(guest->sc->number, 1);
	assert_int_equal(guest->priority, 100);
	/* A passive handler has the same limits, an active one none; both are below the native programs. */
	assert_int_equal(world_thread(TWO, 0)->sc->budget, 1000);
	assert_true(world_thread(TWO, 0)->sc != guest->sc);
	assert_true(world_thread(ONE, 0)->sc->budget == world_thread(ONE, 0)->sc->period);
	for (uint32_t id = 0; id < SYSTEM_FIXED_PROGRAMS; id++)
		assert_true(world_thread(id, 0)->priority > world_thread(TWO, 0)->priority);
}

/* ---- what goes wrong ---- */

static void dies(const char *reason)
{
	world_run();
	if (world.end != WORLD_DIED)
		fail_msg("admin went on although: %s\n%s", reason, world.log);
	assert_said(reason);
	assert_said("vessel: the system was not built\r\nvessel: all VMs are off, status 1\r\n");
}

/* What a refused call may be for; each must be named at least once. */
static const char *const subjects[] = {
	"admin's own objects: ", "program serial: ", "program console: ", "program timer: ",
	"the native programs: ", "VM one: ",         "VM two: ",          "the sealing: ",
};

/* The line that says which call was refused, without "vessel: "; NULL if there is none. */
static const char *refusal(void)
{
	const char *at = strstr(world.log, ": the kernel says not enough memory");

	while (at != NULL && at > world.log && at[-1] != '\n')
		at--;
	return at != NULL && strncmp(at, "vessel: ", 8) == 0 ? at + 8 : at;
}

static bool name_subject(bool named[])
{
	const char *line = refusal();

	for (size_t i = 0; line != NULL && i < ARRAY_SIZE(subjects); i++) {
		if (strncmp(line, subjects[i], strlen(subjects[i])) == 0) {
			named[i] = true;
			return true;
		}
	}
	return false;
}

/*
 * Every call that admin makes until it serves, refused: it stops with the name of the call and of what
 * it was for. The one it may go on without is the copy of the SMC capability, which not every kernel has.
 */
static void every_refused_call_ends_in_its_name(void **state)
{
	bool named[ARRAY_SIZE(subjects)] = { false };
	unsigned went_on = 0, died = 0;
	uint64_t calls;

	(void)state;
	world_run();
	calls = world.kernel.calls;
	assert_in_range(calls, 500, 5000);
	for (world.fail_call = 1; world.fail_call <= calls; world.fail_call++) {
		world_run();
		if (world.end == WORLD_WENT_ON && world.failed_label == CNodeCopy) {
			went_on++;
			continue;
		}
		if (world.end != WORLD_DIED || !name_subject(named) ||
		    !said("the system was not built") || !said("all VMs are off, status 1"))
			fail_msg("call %llu (label %llu) refused, and admin says:\n%s",
				 (unsigned long long)world.fail_call,
				 (unsigned long long)world.failed_label, world.log);
		died++;
	}
	assert_int_equal(went_on, 1);
	assert_int_equal(died, calls - 1);
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		if (!named[i])
			fail_msg("nothing was said of \"%s\"", subjects[i]);
	}
}

/* From nothing to enough, the end is always the message or the system. */
static void every_amount_of_memory(void **state)
{
	unsigned out = 0, built = 0;

	(void)state;
	/* The image window gives the guests' RAM. */
	for (uint64_t kib = 4; kib <= 4096; kib += kib < 64 ? 4 : 64) {
		world.untyped_count = 4;
		for (uint8_t bits = 12; bits < 23; bits++) {
			if ((kib << 10 & 1u << bits) == 0)
				continue;
			if (world.untyped_count == WORLD_UNTYPED)
				break;
			world.untyped[world.untyped_count++] =
				(struct fk_untyped){ UINT64_C(0x60000000) + (1u << bits), bits,
						     false };
		}
		world_run();
		if (world.end == WORLD_SERVED) {
			built++;
			continue;
		}
		out++;
		assert_int_equal(world.end, WORLD_DIED);
		assert_true(said("out of memory: no 0x"));
		assert_int_equal(built, 0);
	}
	assert_true(out > 10 && built > 10);
}

static void guests_without_a_window_take_the_kernels_memory(void **state)
{
	(void)state;
	/* What is left of the window behind the image is too small for a large frame. */
	world.settings[0] = "/board:image-window=/bits/ 64 <0x40000000 0xa00000>";
	world_run();
	assert_int_equal(world.end, WORLD_SERVED);
}

static void machines_that_do_not_fit(void **state)
{
	(void)state;
	world.cores = 1;
	dies("/board cores: found 2; allowed: 1 to 1, this kernel's");
	world.cores = 0;
	dies("this kernel has no scheduling control: it is not an MCS kernel");
	world.cores = 2;
	world.untyped[2].bits = 12;
	world.untyped[2].paddr = 0x0a000000;
	dies("no device memory at 0x9000000: is this the board's kernel?"); /* by the kernel */
	world.untyped[2].paddr = 0x09000000;
	world.untyped[3].paddr = 0x80000000; /* no window where the image lies */
	dies("no device memory at 0x40");
	world.untyped[3].paddr = 0x40000000;
	world.untyped[4].bits = 3;
	dies("untyped 4 of bootinfo is not usable");
}

static void images_that_are_damaged(void **state)
{
	struct vmm_blob *blob = world_blob();

	(void)state;
	world_load();
	blob->magic++;
	dies("no description behind the root task");
	world_load();
	blob->entry_count = VMM_BLOB_ENTRIES + 1;
	dies("no description behind the root task");
	world_load();
	blob->archive_paddr = 0x60000000;
	dies("the system image lies outside /board image-window");
	world_load();
	strcpy(blob->entries[0].name, "program/other");
	dies("the system image has no program/serial");
	world_load();
	blob->entries[0].size = 8;
	dies("program serial is too short");
	world_load();
	blob->entries[0].size = 0x1000;
	dies("program serial: segment 0 is malformed");
	world_load();
	((char *)blob)[blob->description_offset + 4] ^= 1; /* its totalsize */
	dies("the system description has 1 errors");
}

/* A program file is put into memory by hand, since sysconf would not have taken it. */
static void programs_that_are_none(void **state)
{
	static const struct {
		uint64_t at;
		uint8_t byte;
		const char *reason;
	} wrong[] = {
		{ 0, 'x', "program serial is not an AArch64 executable" },
		{ 18, 62, "program serial is not an AArch64 executable" },
		{ 39, 0x80, "program serial is not an AArch64 executable" },     /* e_phoff */
		{ 57, 0x80, "program serial is not an AArch64 executable" },     /* e_phnum */
		{ 64 + 16 + 3, 0x40, "program serial: segment 0 is malformed" }, /* p_vaddr */
		{ 64 + 16, 1, "program serial: segment 0 is malformed" },
		{ 64 + 40 + 1, 1, "program serial: segment 0 is malformed" },   /* p_memsz */
		{ 64 + 8 + 7, 0xff, "program serial: segment 0 is malformed" }, /* p_offset */
	};

	(void)state;
	world_load();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct vmm_image_manifest *m = (const void *)(world.files.image.data + 8192);
		uint8_t *byte = world.files.image.data + m->archive_offset +
				world_blob()->entries[0].offset + wrong[i].at;
		uint8_t good = *byte;

		*byte = wrong[i].byte;
		dies(wrong[i].reason);
		*byte = good;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(builds_the_system),
		TEST(programs_find_what_they_were_given),
		TEST(vms_are_as_described),
		TEST(gicv2_guests_have_the_cpu_interface),
		TEST(scheduling_is_as_described),
		TEST(every_refused_call_ends_in_its_name),
		TEST(every_amount_of_memory),
		TEST(guests_without_a_window_take_the_kernels_memory),
		TEST(machines_that_do_not_fit),
		TEST(images_that_are_damaged),
		TEST(programs_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
