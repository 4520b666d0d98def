// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program: an address space with its file's segments, stacks with an unmapped page below each, IPC
 * buffers and the start page; a CSpace with exactly what it was granted; threads.
 */
#include <string.h>

#include "app/admin/admin.h"
#include "vmm/base/util.h"

enum { SPSR_EL0 = 0 };

static void set_name(char to[VMM_START_NAME], const char *name)
{
	size_t length = strlen(name);

	if (length >= VMM_START_NAME)
		length = VMM_START_NAME - 1;
	memcpy(to, name, length); /* the rest is zero */
}

static void builds(struct admin *a, const struct program *p)
{
	admin_builds(a, p->id < a->system.program_count ? "program" : "VM", p->name);
}

struct program *program_new(struct admin *a, const char *name, const char *file,
			    uint32_t cnode_bits, uint32_t priority, bool restart)
{
	struct program *p = &a->programs[a->program_count];

	p->name = name;
	p->id = a->program_count++;
	builds(a, p);
	p->priority = priority;
	p->restart = restart;
	p->next_cptr = 1;
	a->account = &p->bytes;
	p->cnode_bits = cnode_bits;
	p->cnode = object_new_cnode(a, (uint8_t)cnode_bits);
	space_init(a, &p->space);
	archive_load(a, p, file);
	p->start_vaddr = space_reserve(&p->space, sizeof(p->start), PAGE_BYTES);
	p->config_vaddr = space_reserve(&p->space, CONFIG_BYTES, PAGE_BYTES);
	p->start = (struct vmm_start){ .magic = VMM_START_MAGIC, .version = VMM_START_VERSION };
	set_name(p->start.name, name);
	return p;
}

static void configure(struct admin *a, struct program *p, seL4_CPtr tcb, uint32_t thread,
		      uint64_t buffer, seL4_CPtr buffer_frame, seL4_CPtr sc)
{
	seL4_Word guard = seL4_CNode_CapData_new(0, 64 - p->cnode_bits).words[0];
	seL4_CPtr fault = object_mint(a, a->endpoint, seL4_CapRights_new(1, 0, 0, 1),
				      BADGE_FAULT(p->id, thread));

	must(a, seL4_TCB_Configure(tcb, p->cnode, guard, p->space.vspace, 0, buffer, buffer_frame),
	     "TCB_Configure", "a thread");
	must(a, seL4_TCB_SetSchedParams(tcb, seL4_CapInitThreadTCB, 0, p->priority, sc, fault),
	     "TCB_SetSchedParams", "a thread");
	/* Programs use no FPU: the kernel then leaves a guest's FPU state where it is at each exit. */
	must(a, (seL4_Error)seL4_TCB_SetFlags(tcb, 0, seL4_TCBFlag_fpuDisabled).error,
	     "TCB_SetFlags", "a thread");
}

uint32_t program_thread(struct admin *a, struct program *p, const struct thread_options *options)
{
	uint32_t index = p->start.thread_count++;
	seL4_CPtr tcb = object_new(a, seL4_TCBObject, seL4_TCBBits);
	seL4_CPtr buffer_frame;
	uint64_t buffer, stack;
	seL4_UserContext regs = { .pc = p->entry, .spsr = SPSR_EL0 };

	if (index >= VMM_START_THREADS)
		admin_die(a, "program %s: more than %u threads", p->name, VMM_START_THREADS);
	stack = space_new_pages(a, &p->space, options->stack_pages, NULL);
	buffer = space_new_pages(a, &p->space, 1, &buffer_frame);
	configure(a, p, tcb, index, buffer, buffer_frame, options->sc);
	regs.sp = stack + (uint64_t)options->stack_pages * PAGE_BYTES;
	regs.x0 = p->start_vaddr;
	regs.x1 = index;
	must(a, seL4_TCB_WriteRegisters(tcb, 0, 0, sizeof(regs) / sizeof(seL4_Word), &regs),
	     "TCB_WriteRegisters", "a thread");
	if (index == 0)
		p->stack_top = regs.sp;
	p->tcbs[index] = tcb;
	p->runs[index] = options->run;
	p->start.threads[index].ipc_buffer = buffer;
	p->start.threads[index].core = options->core;
	return index;
}

seL4_CPtr program_bare_thread(struct admin *a, struct program *p)
{
	seL4_CPtr tcb = object_new(a, seL4_TCBObject, seL4_TCBBits);

	configure(a, p, tcb, VMM_START_THREADS, 0, seL4_CapNull, seL4_CapNull);
	return tcb;
}

uint64_t program_grant(struct admin *a, struct program *p, seL4_CPtr cap, seL4_CapRights_t rights,
		       uint64_t badge)
{
	uint64_t cptr = p->next_cptr++;

	if (cptr >= 1u << p->cnode_bits)
		admin_die(a, "program %s: its CSpace is full", p->name);
	/* A badged capability can be copied, but not minted again. */
	must(a,
	     badge == 0 ? seL4_CNode_Copy(p->cnode, cptr, (seL4_Uint8)p->cnode_bits, a->root, cap,
					  64, rights)
			: seL4_CNode_Mint(p->cnode, cptr, (seL4_Uint8)p->cnode_bits, a->root, cap,
					  64, rights, badge),
	     "CNode_Copy", "a capability of its own");
	return cptr;
}

void program_name_cap(struct admin *a, struct program *p, const char *name, seL4_CPtr cap,
		      seL4_CapRights_t rights, uint64_t badge)
{
	struct vmm_start_cap *entry = &p->start.caps[p->start.cap_count];

	if (p->start.cap_count == VMM_START_CAPS)
		admin_die(a, "program %s: its start page is full", p->name);
	p->start.cap_count++;
	set_name(entry->name, name);
	entry->cptr = program_grant(a, p, cap, rights, badge);
}

void program_name_region(struct admin *a, struct program *p, const char *name, uint64_t vaddr,
			 uint64_t size, uint64_t paddr)
{
	struct vmm_start_region *region = &p->start.regions[p->start.region_count];

	if (p->start.region_count == VMM_START_REGIONS)
		admin_die(a, "program %s: its start page is full", p->name);
	p->start.region_count++;
	set_name(region->name, name);
	region->vaddr = vaddr;
	region->size = size;
	region->paddr = paddr;
}

/* Pages that only admin can write, and does so once. */
static void write_pages(struct admin *a, struct program *p, uint64_t vaddr, const void *from,
			uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE_BYTES) {
		seL4_CPtr frame = object_new(a, seL4_ARM_SmallPageObject, seL4_PageBits);
		uint64_t left = size - at;

		space_write_frame(a, frame, 0, (const char *)from + at,
				  left < PAGE_BYTES ? left : PAGE_BYTES, false);
		space_map(a, &p->space, frame, vaddr + at, seL4_CanRead,
			  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
	}
}

void program_finish(struct admin *a, struct program *p, const void *config, uint64_t config_size)
{
	builds(a, p);
	a->account = &p->bytes;
	if (config != NULL) {
		p->start.config = p->config_vaddr;
		p->start.config_size = config_size;
		write_pages(a, p, p->config_vaddr, config, config_size);
	}
	write_pages(a, p, p->start_vaddr, &p->start, sizeof(p->start));
}

void program_run(struct admin *a, struct program *p)
{
	builds(a, p);
	for (uint32_t i = 0; i < p->start.thread_count; i++) {
		if (p->runs[i])
			must(a, seL4_TCB_Resume(p->tcbs[i]), "TCB_Resume", "a thread");
	}
}
