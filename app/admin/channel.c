// SPDX-License-Identifier: BSD-2-Clause
/*
 * Native programs by kind, and the channels between them and VMs: what the tables of
 * vmm/admin/native.c say, made of frames, notifications and capabilities.
 *
 * Nobody gets more than one end of a channel: a client cannot reach another's, and where only the
 * client maps the data, those who move them know no more than where they are.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/util.h"

enum {
	LOG_BYTES = 4096,
	TRIGGER_LEVEL = 0,
};

#define NO_INDEX        UINT32_MAX
#define DATA_ATTRIBUTES (seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever)

/* `pages` frames one behind the other in physical memory; the result is the first slot. */
static seL4_CPtr contiguous(struct admin *a, uint32_t pages, uint64_t *paddr)
{
	uint8_t bits = seL4_PageBits;
	seL4_ARM_Page_GetAddress_t address;
	seL4_CPtr first;

	while (UINT64_C(1) << (bits - seL4_PageBits) < pages)
		bits++;
	first = object_split(a, object_new(a, seL4_UntypedObject, bits), pages);
	address = seL4_ARM_Page_GetAddress(first);
	must(a, (seL4_Error)address.error, "Page_GetAddress", "a data region");
	*paddr = address.paddr;
	return first;
}

static void map_run(struct admin *a, const struct space *space, seL4_CPtr first, uint32_t pages,
		    uint64_t vaddr, bool copy)
{
	for (uint32_t i = 0; i < pages; i++)
		space_map(a, space, copy ? object_copy(a, first + i) : first + i,
			  vaddr + (uint64_t)i * PAGE_BYTES, seL4_ReadWrite, DATA_ATTRIBUTES);
}

static void share_region(struct admin *a, const struct channel_region *kind, uint64_t size,
			 const struct channel_end ends[2], struct vmm_region *region[2])
{
	uint32_t pages = (uint32_t)(size / PAGE_BYTES);
	uint64_t paddr = 0;
	seL4_CPtr first;

	if ((kind->access & CHANNEL_CONTIGUOUS) != 0) {
		first = contiguous(a, pages, &paddr);
	} else {
		first = object_slots(a, pages);
		for (uint32_t i = 0; i < pages; i++)
			object_into(a, seL4_ARM_SmallPageObject, seL4_PageBits, first + i);
	}
	for (unsigned side = 0; side < 2; side++) {
		uint32_t maps = side == 0 ? CHANNEL_CLIENT_MAPS : CHANNEL_SERVER_MAPS;

		region[side]->size = size;
		region[side]->paddr = paddr;
		if ((kind->access & maps) == 0)
			continue;
		region[side]->vaddr = space_reserve(&ends[side].program->space, size, PAGE_BYTES);
		map_run(a, &ends[side].program->space, first, pages, region[side]->vaddr,
			side == 1);
	}
}

void channel_connect(struct admin *a, uint32_t kind, uint32_t data_kib,
		     const struct channel_end ends[2])
{
	const struct channel_kind *rows = channel_kind(kind);

	for (unsigned side = 0; side < 2; side++) {
		const struct channel_end *mine = &ends[side], *other = &ends[1 - side];
		struct vmm_channel *channel = mine->channel;

		*channel = (struct vmm_channel){
			.kind = kind,
			.role = side == 0 ? VMM_ROLE_CLIENT : VMM_ROLE_SERVER,
			.badge = mine->badge,
			.notify = program_grant(a, mine->program, other->wake, seL4_CanWrite,
						other->badge),
			.fate = restart_connect(a, other->program, mine->program, mine->wake,
						mine->badge),
		};
		memcpy(channel->name, mine->name, strlen(mine->name));
	}
	for (uint32_t i = 0; i < rows->region_count; i++) {
		struct vmm_region *regions[2] = { &ends[0].channel->region[i],
						  &ends[1].channel->region[i] };
		uint64_t size = rows->region[i].bytes != 0 ? rows->region[i].bytes : KIB(data_kib);

		share_region(a, &rows->region[i], size, ends, regions);
	}
}

struct channel_end channel_native_end(struct admin *a, uint32_t program, const char *other)
{
	struct vmm_native_config *config = &a->natives[program];
	uint32_t index = config->channel_count++;

	if (index == VMM_NATIVE_CHANNELS)
		admin_die(a, "program %s: more than %u channels", a->system.programs[program].name,
			  VMM_NATIVE_CHANNELS);
	return (struct channel_end){
		.program = &a->programs[program],
		.wake = a->native_wakes[program],
		.badge = VMM_BADGE_CHANNEL(index),
		.channel = &config->channels[index],
		.name = other,
	};
}

/* ---- one program ---- */

static void add_log(struct admin *a, uint32_t index)
{
	struct vmm_native_config *config = &a->natives[index];
	struct program *p = &a->programs[index];
	struct vmm_channel *channel = &config->channels[config->channel_count];
	struct queue_pair pair;

	config->log_channel = config->channel_count++;
	native_console_client(a, p->name, VMM_CONSOLE_LOG, &p->space, 0, &pair);
	*channel = (struct vmm_channel){ .kind = VMM_CHANNEL_SERIAL, .name = "log" };
	channel->tx_queue = pair.tx_queue;
	channel->tx_data = pair.tx_data;
	channel->tx_capacity = LOG_BYTES;
	channel->notify =
		program_grant(a, p, a->console_wake, seL4_CanWrite, VMM_CONSOLE_BADGE_CLIENT);
}

static void add_device(struct admin *a, uint32_t index, uint32_t dma_kib)
{
	const struct system_program *described = &a->system.programs[index];
	struct program *p = &a->programs[index];
	uint64_t size = described->device.size, paddr, dma = KIB(dma_kib);
	uint64_t vaddr = space_reserve(&p->space, size, PAGE_BYTES);
	uint32_t pages = (uint32_t)(dma / PAGE_BYTES);
	seL4_CPtr handler = object_slot(a), first;

	for (uint64_t at = 0; at < size; at += PAGE_BYTES)
		space_map(a, &p->space,
			  object_device_frame(a, described->device.base + at, seL4_PageBits),
			  vaddr + at, seL4_ReadWrite, seL4_ARM_ExecuteNever);
	program_name_region(a, p, "device", vaddr, size, described->device.base);
	first = contiguous(a, pages, &paddr);
	vaddr = space_reserve(&p->space, dma, PAGE_BYTES);
	map_run(a, &p->space, first, pages, vaddr, false);
	program_name_region(a, p, "dma", vaddr, dma, paddr);
	must(a,
	     seL4_IRQControl_GetTrigger(seL4_CapIRQControl, described->interrupt, TRIGGER_LEVEL,
					a->root, handler, 64),
	     "IRQControl_GetTrigger", described->name);
	must(a,
	     seL4_IRQHandler_SetNotification(
		     handler,
		     object_mint(a, a->native_wakes[index], seL4_CanWrite, VMM_NATIVE_BADGE_IRQ)),
	     "IRQHandler_SetNotification", described->name);
	program_name_cap(a, p, "irq", handler, seL4_AllRights, 0);
}

void channel_create_natives(struct admin *a)
{
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < a->system.program_count; i++) {
		const struct system_program *described = &a->system.programs[i];
		const struct native_kind *kind = native_kind(described->kind);
		struct program *p = &a->programs[i];

		a->natives[i] = (struct vmm_native_config){
			.magic = VMM_NATIVE_MAGIC,
			.version = VMM_NATIVE_VERSION,
			.log_channel = NO_INDEX,
		};
		a->account = &p->bytes;
		a->native_wakes[i] = object_new(a, seL4_NotificationObject, seL4_NotificationBits);
		program_name_cap(a, p, "wake", a->native_wakes[i], seL4_AllRights, 0);
		add_log(a, i);
		if (kind->device)
			add_device(a, i, kind->dma_kib);
		if (kind->timer)
			program_name_cap(a, p, "timer",
					 native_timer_client(a, a->native_wakes[i],
							     VMM_NATIVE_BADGE_TIMER,
							     described->sched.core),
					 seL4_CapRights_new(1, 0, 0, 1), 0);
	}
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < a->system.program_count; i++) {
		const struct system_program *described = &a->system.programs[i];
		struct channel_end ends[2];

		if (described->driver < 0)
			continue;
		a->account = &a->programs[i].bytes;
		ends[0] = channel_native_end(a, i, a->system.programs[described->driver].name);
		ends[1] = channel_native_end(a, (uint32_t)described->driver, described->name);
		channel_connect(a, native_kind(described->kind)->serves,
				native_kind(described->kind)->data_kib, ends);
		if (ends[0].channel->kind == VMM_CHANNEL_SOCKET) {
			ends[0].channel->socket.cid = described->cid;
			ends[1].channel->socket.cid = described->cid;
		}
	}
}

void channel_finish_natives(struct admin *a)
{
	for (uint32_t i = SYSTEM_FIXED_PROGRAMS; i < a->system.program_count; i++)
		program_finish(a, &a->programs[i], &a->natives[i], sizeof(a->natives[i]));
}
