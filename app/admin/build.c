// SPDX-License-Identifier: BSD-2-Clause
/*
 * The order of work:
 *
 *   objects and slots → description → UART → checks against the machine → native programs → VMs
 *   → start → seal → serve
 *
 * Nothing runs before everything is built; the timer server starts first, then the rest.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/admin/firmware.h"
#include "vmm/base/util.h"

extern char __image_end[];

/* The blob lies right behind the program's image. */
static const struct vmm_blob *find_blob(void)
{
	const struct vmm_blob *blob =
		(const void *)align_up((uint64_t)(uintptr_t)__image_end, PAGE_BYTES);

	if (blob->magic != VMM_BLOB_MAGIC || blob->version != VMM_BLOB_VERSION ||
	    blob->entry_count > VMM_BLOB_ENTRIES ||
	    !range_inside(blob->description_offset, blob->description_size, 0, blob->size))
		return NULL;
	return blob;
}

static void say_item(void *ctx, const struct report_item *item)
{
	admin_say(ctx, "%s %s: found %s; allowed: %s", item->path, item->property, item->found,
		  item->allowed);
}

/* The description's board is only an expectation; these are the kernel's facts. */
static void check_machine(struct admin *a)
{
	const seL4_BootInfo *bi = a->bi;
	seL4_Word cores = bi->schedcontrol.end - bi->schedcontrol.start;

	if (bi->initThreadCNodeSizeBits != CHUNK_BITS)
		admin_die(a, "the kernel's root CNode has 2^%llu slots, not 2^%u",
			  (unsigned long long)bi->initThreadCNodeSizeBits, CHUNK_BITS);
	if (cores == 0)
		admin_die(a, "this kernel has no scheduling control: it is not an MCS kernel");
	if (cores < a->system.board.cores)
		admin_die(a, "/board cores: found %u; allowed: 1 to %llu, this kernel's",
			  a->system.board.cores, (unsigned long long)cores);
}

/*
 * Where the UART is stands in the description too: it is read in silence first, and once more aloud
 * if it has errors. Without even a UART nothing can be said.
 */
static void read_description(struct admin *a)
{
	struct report silent = { 0 }, aloud = { .emit = say_item, .ctx = a };
	const void *description;

	a->blob = find_blob();
	if (a->blob == NULL)
		admin_die(a, "no description behind the root task");
	description = (const char *)a->blob + a->blob->description_offset;
	if (!system_parse(&a->system, description, a->blob->description_size, &silent)) {
		if (a->system.board.uart.base != 0)
			log_init(a);
		(void)system_parse(&a->system, description, a->blob->description_size, &aloud);
		admin_die(a, "the system description has %u errors", aloud.count);
	}
	log_init(a);
	a->window_next =
		align_up(a->blob->archive_paddr + a->blob->archive_size, SYSTEM_LARGE_PAGE);
	a->window_end = a->system.board.image_window.base + a->system.board.image_window.size;
	if (a->blob->archive_paddr < a->system.board.image_window.base ||
	    a->window_next > a->window_end)
		admin_die(a, "the system image lies outside /board image-window");
}

/* The timer server alone first: nobody may call it before it is up. */
static void start_all(struct admin *a)
{
	program_run(a, &a->programs[SYSTEM_TIMER]);
	serve_until_up(a);
	log_to_console(a);
	for (uint32_t i = 0; i < a->program_count; i++) {
		if (i != SYSTEM_TIMER)
			program_run(a, &a->programs[i]);
	}
}

static void create_own(struct admin *a)
{
	a->endpoint = object_new(a, seL4_EndpointObject, seL4_EndpointBits);
	a->notification = object_new(a, seL4_NotificationObject, seL4_NotificationBits);
	a->receive = object_keep(a, a->endpoint, seL4_CanRead, 0);
	a->reply =
		object_keep(a, object_new(a, seL4_ReplyObject, seL4_ReplyBits), seL4_AllRights, 0);
	/* The slot is empty where the kernel does not allow SMC calls. */
	a->smc = seL4_CNode_Copy(a->root, object_slot(a), 64, a->root, seL4_CapSMC, 64,
				 seL4_AllRights) == seL4_NoError;
	must(a, seL4_TCB_BindNotification(seL4_CapInitThreadTCB, a->notification),
	     "TCB_BindNotification", "admin");
}

void admin_run(struct admin *a, const seL4_BootInfo *bi)
{
	a->bi = bi;
	a->self.vspace = seL4_CapInitThreadVSpace;
	a->self.next = ADMIN_SPACE;
	object_init(a);
	read_description(a);
	check_machine(a);
	/* Extra information begins a page behind the boot information. */
	a->seeded = firmware_take_seed((char *)bi + PAGE_BYTES, bi->extraLen, &a->seed);
	create_own(a);
	native_create(a);
	for (uint32_t i = 0; i < a->system.vm_count; i++)
		vm_create(a, i);
	/* Each VM has its own; nobody is to know them all. */
	seed_wipe(&a->seed, sizeof(a->seed));
	native_finish(a);
	start_all(a);
	admin_builds(a, "the", "sealing");
	seal(a);
	serve(a);
}
