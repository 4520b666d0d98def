// SPDX-License-Identifier: BSD-2-Clause
#include "test/unit/app/admin/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/backend/queue/serialq.h"
#include "vmm/base/util.h"

#define LOAD_ADDRESS UINT64_C(0x40200000) /* where the boot firmware puts the system image */

enum { BLOB_MAX = 65536, LOADER_BYTES = 8192 };

struct world world;

/* What the linker script gives on the target: the blob follows on the next page. */
_Alignas(4096) char __image_end[BLOB_MAX];

int world_setup(void **state)
{
	static const struct fk_untyped untyped[] = {
		{ 0x08000000, 16, true },  { 0x08040000, 13, true },  { 0x09000000, 16, true },
		{ 0x40000000, 29, true },  { 0x60000000, 28, false }, { 0x70000000, 24, false },
		{ 0x71000000, 12, false },
	};

	(void)state;
	memset(&world, 0, sizeof(world));
	memcpy(world.untyped, untyped, sizeof(untyped));
	world.untyped_count = ARRAY_SIZE(untyped);
	world.cores = 2;
	world.smc = true;
	world_event((struct event){ .badge = BADGE_UP });
	system_files_init(&world.files);
	return 0;
}

int world_teardown(void **state)
{
	(void)state;
	if (world.kernel.object_count > 0)
		fk_fini(&world.kernel);
	system_files_fini(&world.files);
	return 0;
}

void world_event(struct event event)
{
	assert_in_range(world.event_count, 0, WORLD_EVENTS - 1);
	world.events[world.event_count++] = event;
}

/* ---- the machine below admin ---- */

static void end(enum world_end how)
{
	world.end = how;
	longjmp(world.ended, 1);
}

static seL4_Error before(void *ctx, uint64_t number, seL4_Word label)
{
	(void)ctx;
	/* It may stop itself; nothing else is to follow. */
	if (world.fail_call != 0 && number > world.fail_call && label != TCBSuspend)
		end(WORLD_WENT_ON);
	if (number != world.fail_call)
		return seL4_NoError;
	world.failed_label = label;
	return seL4_NotEnoughMemory;
}

static seL4_MessageInfo_t receive(void *ctx, seL4_Word *badge)
{
	const struct event *event = &world.events[world.events_taken];

	(void)ctx;
	if (world.events_taken == world.event_count)
		end(WORLD_SERVED);
	world.events_taken++;
	memcpy(world.kernel.buffer.msg, event->mr, sizeof(event->mr));
	*badge = event->badge;
	return seL4_MessageInfo_new(event->label, 0, 0, 5);
}

static void stopped(void *ctx, bool off)
{
	(void)ctx;
	end(off ? WORLD_OFF : WORLD_DIED);
}

static void put(void *ctx, char c)
{
	(void)ctx;
	assert_in_range(world.log_size, 0, WORLD_LOG - 2);
	world.log[world.log_size++] = c;
}

void machine_put(uint64_t uart, char c)
{
	const struct fk_mapping *m = fk_mapping(world.kernel.root_vspace, uart);

	assert_non_null(m);
	assert_true(m->frame->paddr == 0x09000000);
	put(NULL, c);
}

/* The machine's memory is new. */
void machine_clear(uint64_t at, uint64_t size)
{
	*(volatile char *)at = 0;
	*(volatile char *)(at + size - 1) = 0;
}

/* ---- the image ---- */

struct vmm_blob *world_blob(void)
{
	return (struct vmm_blob *)__image_end;
}

static const struct vmm_image_manifest *manifest(void)
{
	return (const void *)(world.files.image.data + LOADER_BYTES);
}

void world_load(void)
{
	if (!world.built && !system_files_build(&world.files, world.settings, true))
		fail_msg("%s", world.files.said);
	world.built = true;
	assert_in_range(manifest()->blob_size, 1, BLOB_MAX);
	memcpy(__image_end, world.files.image.data + manifest()->blob_offset,
	       manifest()->blob_size);
	world_blob()->archive_paddr = LOAD_ADDRESS + manifest()->archive_offset;
}

void world_run(void)
{
	static const struct fk_hooks hooks = {
		.before = before, .receive = receive, .put = put, .stopped = stopped
	};
	const struct fk_boot boot = {
		.cores = world.cores,
		.smc = world.smc,
		.untyped = world.untyped,
		.untyped_count = world.untyped_count,
		.self_base = ADMIN_BASE,
		.self_size = UINT64_C(1) << 32,
	};

	if (world.kernel.object_count > 0)
		fk_fini(&world.kernel);
	if (!world.built)
		world_load();
	memset(&world.admin, 0, sizeof(world.admin));
	memset(world.log, 0, sizeof(world.log));
	world.log_size = 0;
	world.events_taken = 0;
	fk_init(&world.kernel, &boot, &hooks);
	fk_write(&world.kernel, LOAD_ADDRESS + manifest()->archive_offset,
		 world.files.image.data + manifest()->archive_offset,
		 world.files.image.size - manifest()->archive_offset);
	if (setjmp(world.ended) == 0)
		admin_run(&world.admin, &world.kernel.bootinfo);
	if (world.admin.log.queue) {
		const struct serialq *q = world.admin.log.channel.tx.shared;

		for (uint32_t i = 0; i < q->tail; i++)
			put(NULL, (char)world.admin.log.channel.tx.data[i]);
	}
}

bool said(const char *text)
{
	return strstr(world.log, text) != NULL;
}

void assert_said(const char *text)
{
	if (!said(text))
		fail_msg("\"%s\" is not in:\n%s", text, world.log);
}

/* ---- what it built ---- */

struct fk_object *world_thread(uint32_t id, uint32_t thread)
{
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		struct fk_object *o = world.kernel.objects[i];

		if (o->kind == seL4_TCBObject && !o->dead && o->fault.object != NULL &&
		    o->fault.badge == BADGE_FAULT(id, thread))
			return o;
	}
	fail_msg("program %u has no thread %u", id, thread);
	return NULL;
}

void world_start_page(uint32_t id, struct vmm_start *start, void *config, uint64_t size)
{
	const struct fk_object *main = world_thread(id, 0), *space = main->vspace.object;

	assert_true(fk_read_space(&world.kernel, space, main->regs.x0, start, sizeof(*start)));
	assert_true(start->magic == VMM_START_MAGIC);
	if (size == 0)
		return;
	assert_int_equal(start->config_size, size);
	assert_true(fk_read_space(&world.kernel, space, start->config, config, size));
}
