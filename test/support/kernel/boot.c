// SPDX-License-Identifier: BSD-2-Clause
/* What the kernel gives its root task: the first slots, untyped memory, bootinfo. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test/support/kernel/kernel.h"

enum { IMAGE_FRAMES = 8, IMAGE_TABLES = 2 };

#define MEMORY_SIZE  (INT64_C(1) << 32)
#define IMAGE_PADDR  UINT64_C(0xffff0000)
#define KERNEL_PADDR UINT64_C(0xfff00000)

__thread seL4_IPCBuffer *__sel4_ipc_buffer;

static void put(struct fk *k, seL4_CPtr slot, struct fk_object *o)
{
	struct fk_cap cap = fk_cap_new(o);

	fk_cap_put(&k->root_cnode->slots[slot], &cap);
}

static seL4_SlotRegion put_many(struct fk *k, seL4_SlotPos *next, uint32_t kind, uint8_t bits,
				uint32_t count)
{
	seL4_SlotRegion region = { .start = *next, .end = *next + count };

	for (uint32_t i = 0; i < count; i++) {
		struct fk_object *o = fk_object(k, kind, bits, IMAGE_PADDR + i * 4096ull);

		o->number = i;
		put(k, (*next)++, o);
	}
	return region;
}

static void make_root_task(struct fk *k)
{
	struct fk_cap cap;

	k->root_cnode = fk_object(k, seL4_CapTableObject, FK_ROOT_BITS + seL4_SlotBits, 0);
	k->root_cnode->radix = FK_ROOT_BITS;
	k->root_cnode->slots = calloc(1u << FK_ROOT_BITS, sizeof(struct fk_cap));
	k->root_vspace = fk_object(k, seL4_ARM_VSpaceObject, seL4_VSpaceBits, 0);
	k->root_vspace->asid = true;
	k->root_thread = fk_object(k, seL4_TCBObject, seL4_TCBBits, 0);
	k->root_thread->priority = k->root_thread->mcp = seL4_MaxPrio;
	k->root_thread->running = true;
	if (k->root_cnode->slots == NULL)
		abort();
	cap = fk_cap_new(k->root_cnode);
	cap.guard_bits = 64 - FK_ROOT_BITS;
	fk_cap_put(&k->root_cnode->slots[seL4_CapInitThreadCNode], &cap);
	fk_cap_put(&k->root_thread->cspace, &cap);
	put(k, seL4_CapInitThreadTCB, k->root_thread);
	put(k, seL4_CapInitThreadVSpace, k->root_vspace);
	put(k, seL4_CapIRQControl, fk_object(k, FK_IRQ_CONTROL, 0, 0));
	put(k, seL4_CapASIDControl, fk_object(k, FK_ASID_CONTROL, 0, 0));
	put(k, seL4_CapInitThreadASIDPool, fk_object(k, FK_ASID_POOL, seL4_ASIDPoolBits, 0));
	put(k, seL4_CapBootInfoFrame,
	    fk_object(k, seL4_ARM_SmallPageObject, seL4_PageBits, KERNEL_PADDR));
	put(k, seL4_CapInitThreadIPCBuffer,
	    fk_object(k, seL4_ARM_SmallPageObject, seL4_PageBits, KERNEL_PADDR + 4096));
	put(k, seL4_CapDomain, fk_object(k, FK_DOMAIN, 0, 0));
	put(k, seL4_CapInitThreadSC,
	    fk_object(k, seL4_SchedContextObject, seL4_MinSchedContextBits, 0));
	if (k->boot.smc)
		put(k, seL4_CapSMC, fk_object(k, FK_SMC, 0, 0));
}

static void make_bootinfo(struct fk *k)
{
	seL4_BootInfo *bi = &k->bootinfo;
	seL4_SlotPos next = seL4_NumInitialCaps;

	bi->numNodes = k->boot.cores;
	bi->ipcBuffer = &k->buffer;
	bi->initThreadCNodeSizeBits = FK_ROOT_BITS;
	bi->userImageFrames =
		put_many(k, &next, seL4_ARM_SmallPageObject, seL4_PageBits, IMAGE_FRAMES);
	bi->userImagePaging =
		put_many(k, &next, seL4_ARM_PageTableObject, seL4_PageTableBits, IMAGE_TABLES);
	bi->schedcontrol = put_many(k, &next, FK_SCHED_CONTROL, 0, k->boot.cores);
	bi->untyped.start = next;
	for (uint32_t i = 0; i < k->boot.untyped_count; i++) {
		const struct fk_untyped *u = &k->boot.untyped[i];
		struct fk_object *o = fk_object(k, seL4_UntypedObject, u->bits, u->paddr);

		o->device = u->device;
		put(k, next++, o);
		bi->untypedList[i] = (seL4_UntypedDesc){ .paddr = u->paddr,
							 .sizeBits = u->bits,
							 .isDevice = u->device };
	}
	bi->untyped.end = next;
	bi->empty = (seL4_SlotRegion){ .start = next, .end = 1u << FK_ROOT_BITS };
}

void fk_init(struct fk *k, const struct fk_boot *boot, const struct fk_hooks *hooks)
{
	memset(k, 0, sizeof(*k));
	k->boot = *boot;
	k->hooks = *hooks;
	k->memory = memfd_create("memory", MFD_CLOEXEC);
	if (k->memory < 0 || ftruncate(k->memory, MEMORY_SIZE) != 0 ||
	    mmap((void *)boot->self_base, boot->self_size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		 0) != (void *)boot->self_base) {
		perror("memory of the test's kernel");
		abort();
	}
	make_root_task(k);
	make_bootinfo(k);
	__sel4_ipc_buffer = &k->buffer;
	fk_current(k);
}

void fk_fini(struct fk *k)
{
	munmap((void *)k->boot.self_base, k->boot.self_size);
	close(k->memory);
	for (uint32_t i = 0; i < k->object_count; i++) {
		free(k->objects[i]->slots);
		free(k->objects[i]->map);
		free(k->objects[i]->tables);
		free(k->objects[i]);
	}
	fk_current(NULL);
}
