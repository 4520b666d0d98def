// SPDX-License-Identifier: BSD-2-Clause
/*
 * One VM: the guest (a stage-2 address space, a thread with a VCPU for each vCPU, an empty CSpace)
 * and its VMM (a program with a handler thread for each vCPU). They share the guest's RAM, and the
 * VMM's capabilities to the guest's threads; nobody else has either.
 */
#include <string.h>

#include <vmm/config.h>

#include "app/admin/admin.h"
#include "vmm/base/util.h"

enum {
	CNODE_BITS = 7, /* 8 vCPUs with 8 capabilities each, consoles and a few more */
	GUEST_CNODE_BITS = 1,
	STACK_PAGES = 4,
};

#define SEND_RIGHTS seL4_CapRights_new(1, 0, 0, 1) /* call: write and grant reply */

/* What is needed while one VM is built. */
struct vm_build {
	struct admin *a;
	const struct system_vm *vm;
	struct vm_state *state;
	uint32_t index;
	struct program *vmm;
	struct space guest;
	seL4_CPtr guest_cnode;
	seL4_CPtr notifications[SYSTEM_VCPUS]; /* of the handlers */
	struct vmm_config *config;
	struct device_build devices;
};

/* ---- memory ---- */

/* Some frames of guest RAM: from the image window while it lasts, then from the kernel's memory. */
static uint32_t take_ram(struct admin *a, uint64_t wanted, seL4_CPtr *first)
{
	uint64_t ignored = 0;
	uint32_t limit = wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;

	a->account = &a->own_bytes;
	*first = object_window_frame(a);
	if (*first != seL4_CapNull)
		return 1;
	a->account = &ignored;
	return object_new_run(a, seL4_ARM_LargePageObject, seL4_LargePageBits, limit, first);
}

/*
 * RAM in large pages, the same frames in both address spaces. The capabilities of the frames mapped
 * into the guest are the original ones.
 */
static void add_ram(struct vm_build *b, uint32_t index)
{
	struct admin *a = b->a;
	const struct system_range *ram = &b->vm->ram[index];
	struct vmm_config_range *range = &b->config->ram[index];
	uint64_t done = 0, host = space_reserve(&b->vmm->space, ram->size, SYSTEM_LARGE_PAGE);

	*range = (struct vmm_config_range){ .gpa = ram->base, .host = host, .size = ram->size };
	device_begin_ram(&b->devices, range, index);

	while (done < ram->size) {
		seL4_CPtr first;
		uint32_t got = take_ram(a, (ram->size - done) / SYSTEM_LARGE_PAGE, &first);

		for (uint32_t i = 0; i < got; i++, done += SYSTEM_LARGE_PAGE) {
			a->account = &b->state->guest_bytes;
			space_map(a, &b->guest, first + i, ram->base + done, seL4_ReadWrite,
				  seL4_ARM_Default_VMAttributes);
			a->account = &b->vmm->bytes;
			space_map(a, &b->vmm->space, object_copy(a, first + i), host + done,
				  seL4_ReadWrite,
				  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
			device_map_ram(&b->devices, first + i, done, index);
		}
	}
}

/* GICv2: the guest has the hardware's virtual CPU interface. */
static void add_gicv(struct vm_build *b)
{
	const struct system_board *board = &b->a->system.board;

	if (board->gic_version != 2)
		return;
	b->a->account = &b->state->guest_bytes;
	for (unsigned i = 0; i < GICV_PAGES; i++) {
		seL4_CPtr *frame = &b->a->gicv_frames[i];

		if (*frame == seL4_CapNull)
			*frame = object_device_frame(b->a, board->gicv + i * PAGE_BYTES,
						     seL4_PageBits);
		space_map(b->a, &b->guest, object_copy(b->a, *frame),
			  board->guest_gicc + i * PAGE_BYTES, seL4_ReadWrite,
			  seL4_ARM_ExecuteNever);
	}
}

/* Guests execute it; the VMM fills it. */
static void add_firmware(struct vm_build *b)
{
	struct admin *a = b->a;
	seL4_CPtr frame;

	a->account = &b->vmm->bytes;
	b->config->firmware_gpa = a->system.board.guest_gicc + SYSTEM_FIRMWARE_OFFSET;
	b->config->firmware_host = space_new_pages(a, &b->vmm->space, 1, &frame);
	a->account = &b->state->guest_bytes;
	space_map(a, &b->guest, object_copy(a, frame), b->config->firmware_gpa, seL4_CanRead,
		  seL4_ARM_Default_VMAttributes);
}

/*
 * The page before a virtio-mmio device's registers (vmm/dev/transport/mmio.h). Guests map it as device
 * memory, so that the VMM's own view of it must not go through a cache either.
 */
static void add_register_page(struct vm_build *b, struct vmm_config_device *device)
{
	struct admin *a = b->a;
	const struct device_kind *kind = device_kind(device->kind);
	seL4_CPtr frame;

	if (kind == NULL || !kind->virtio || device->transport != VMM_TRANSPORT_MMIO ||
	    (device->flags & VMM_DEVICE_REMOTE) != 0 || device->size != PAGE_BYTES ||
	    device->gpa % PAGE_BYTES != 0)
		return;
	a->account = &b->vmm->bytes;
	frame = object_new(a, seL4_ARM_SmallPageObject, seL4_PageBits);
	device->page_host = space_reserve(&b->vmm->space, PAGE_BYTES, PAGE_BYTES);
	space_map(a, &b->vmm->space, frame, device->page_host, seL4_ReadWrite,
		  seL4_ARM_ExecuteNever);
	a->account = &b->state->guest_bytes;
	space_map(a, &b->guest, object_copy(a, frame), device->gpa, seL4_CanRead,
		  seL4_ARM_ExecuteNever);
}

static void add_register_pages(struct vm_build *b)
{
	for (uint32_t i = 0; i < b->config->device_count; i++)
		add_register_page(b, &b->config->devices[i]);
}

static void add_image(struct vm_build *b, int32_t index, struct vmm_config_image *image)
{
	static const uint32_t kinds[] = {
		[SYSTEM_IMAGE_LINUX] = VMM_IMAGE_LINUX, [SYSTEM_IMAGE_ELF] = VMM_IMAGE_ELF,
		[SYSTEM_IMAGE_RAW] = VMM_IMAGE_RAW,     [SYSTEM_IMAGE_INITRD] = VMM_IMAGE_RAW,
		[SYSTEM_IMAGE_DTB] = VMM_IMAGE_RAW,     [SYSTEM_IMAGE_OVERLAY] = VMM_IMAGE_RAW,
	};
	const struct shared_run *run;

	if (index < 0)
		return;
	run = archive_image(b->a, (uint32_t)index, &image->size);
	image->host = space_map_image(b->a, &b->vmm->space, run);
	image->gpa = b->a->system.images[index].load_address;
	image->kind = kinds[b->a->system.images[index].kind];
}

/* ---- vCPUs ---- */

/* A scheduling context of the VM. Admin keeps it, to take it back if the VM fails. */
static seL4_CPtr new_sc(struct vm_build *b, const struct system_sched *sched, uint32_t index)
{
	seL4_CPtr sc = object_new_sc(b->a, sched, index);

	b->state->scs[b->state->sc_count++] = object_keep(b->a, sc, seL4_AllRights, 0);
	return sc;
}

static seL4_CPtr new_guest_thread(struct vm_build *b, uint32_t index, seL4_CPtr fault_ep,
				  seL4_CPtr vcpu)
{
	struct admin *a = b->a;
	const struct system_sched *sched = &b->vm->vcpus[index].sched;
	seL4_CPtr tcb = object_new(a, seL4_TCBObject, seL4_TCBBits);
	seL4_CPtr sc = new_sc(b, sched, index);
	seL4_CPtr fault = object_mint(a, fault_ep, SEND_RIGHTS, VMM_BADGE_FAULT);
	seL4_Word guard = seL4_CNode_CapData_new(0, 64 - GUEST_CNODE_BITS).words[0];

	must(a, seL4_TCB_SetSpace(tcb, fault, b->guest_cnode, guard, b->guest.vspace, 0),
	     "TCB_SetSpace", "a guest thread");
	must(a, seL4_ARM_VCPU_SetTCB(vcpu, tcb), "VCPU_SetTCB", "a guest thread");
	must(a, seL4_TCB_SetSchedParams(tcb, seL4_CapInitThreadTCB, 0, sched->priority, sc, fault),
	     "TCB_SetSchedParams", "a guest thread");
	return tcb;
}

/*
 * An active handler has a scheduling context of its own, without limit. A passive one runs on its
 * guest's time; what it does when a signal comes is on the context of its notification, which has the
 * vCPU's limits. It starts as if such a signal had just come: bound to both, the context goes back to
 * the notification when the handler waits for the first time.
 */
static void add_handler(struct vm_build *b, uint32_t index)
{
	struct admin *a = b->a;
	bool passive = b->vm->handler == SYSTEM_HANDLER_PASSIVE;
	struct system_sched sched = b->vm->vcpus[index].sched;
	struct thread_options options = { .core = sched.core,
					  .stack_pages = STACK_PAGES,
					  .run = true };
	uint32_t thread;

	if (!passive)
		sched.budget_us = sched.period_us;
	options.sc = new_sc(b, &sched, index);
	thread = program_thread(a, b->vmm, &options);
	must(a, seL4_TCB_BindNotification(b->vmm->tcbs[thread], b->notifications[index]),
	     "TCB_BindNotification", "a handler");
	if (passive)
		must(a, seL4_SchedContext_Bind(options.sc, b->notifications[index]),
		     "SchedContext_Bind", "a handler");
}

static void add_vcpu(struct vm_build *b, uint32_t index)
{
	struct admin *a = b->a;
	struct vmm_config_vcpu *config = &b->config->vcpus[index];
	const struct system_vcpu *described = &b->vm->vcpus[index];
	seL4_CPtr fault_ep, vcpu, timer;

	a->account = &b->state->timer_bytes;
	timer = native_timer_client(a, b->notifications[index], VMM_BADGE_TIMER,
				    described->sched.core);
	a->account = &b->vmm->bytes;
	fault_ep = object_new(a, seL4_EndpointObject, seL4_EndpointBits);
	add_handler(b, index);
	config->passive = b->vm->handler == SYSTEM_HANDLER_PASSIVE;
	config->fault_ep = program_grant(a, b->vmm, fault_ep, seL4_CanRead, 0);
	config->reply = program_grant(a, b->vmm, object_new(a, seL4_ReplyObject, seL4_ReplyBits),
				      seL4_AllRights, 0);
	config->kick =
		program_grant(a, b->vmm, b->notifications[index], seL4_CanWrite, VMM_BADGE_KICK);
	config->timer = program_grant(a, b->vmm, timer, SEND_RIGHTS, 0);
	config->mpidr = described->mpidr;
	config->core = described->sched.core;

	a->account = &b->state->guest_bytes;
	vcpu = object_new(a, seL4_ARM_VCPUObject, seL4_ARM_VCPUBits);
	config->tcb = program_grant(a, b->vmm, new_guest_thread(b, index, fault_ep, vcpu),
				    seL4_AllRights, 0);
	config->vcpu = program_grant(a, b->vmm, vcpu, seL4_AllRights, 0);
}

/* ---- all ---- */

static void add_pci(struct vm_build *b)
{
	const struct system_pci *pci = &b->vm->pci;

	if (!pci->present)
		return;
	b->config->pci = (struct vmm_config_pci){
		.ecam_gpa = pci->ecam,
		.ecam_size = SYSTEM_PCI_ECAM_SIZE,
		.low_gpa = pci->low.base,
		.low_size = pci->low.size,
		.high_gpa = pci->high.base,
		.high_size = pci->high.size,
		.msi_gpa = pci->msi_frame,
		.msi_first = system_pci_first_msi(b->vm),
		.msi_count = pci->msis,
		.intx_first = pci->interrupt,
	};
}

static void fill_config(struct vm_build *b)
{
	const struct system_board *board = &b->a->system.board;
	struct vmm_config *config = b->config;

	memset(config, 0, sizeof(*config));
	config->magic = VMM_CONFIG_MAGIC;
	config->version = VMM_CONFIG_VERSION;
	config->size = sizeof(*config);
	memcpy(config->name, b->vm->name, strlen(b->vm->name));
	config->vcpu_count = b->vm->vcpu_count;
	config->gic_version = board->gic_version;
	config->lr_count = board->list_registers;
	config->spi_count = b->vm->spis;
	config->hvc = b->vm->psci == SYSTEM_PSCI_HVC;
	config->ram_count = b->vm->ram_count;
	config->gicd_gpa = board->guest_gicd;
	config->gicr_gpa = board->guest_gicr;
	config->gicc_gpa = board->guest_gicc;
	memcpy(config->cmdline, b->vm->cmdline, strlen(b->vm->cmdline));
	config->seeded = b->a->seeded;
	if (b->a->seeded)
		seed_next(&b->a->seed, config->seed);
}

static void say_memory(struct vm_build *b)
{
	uint64_t all = b->vmm->bytes + b->vmm->shared_bytes + b->state->guest_bytes +
		       b->state->timer_bytes;

	admin_say(b->a,
		  "VM %s: RAM %llu KiB, beside it %llu KiB (VMM %llu, its code %llu, "
		  "guest objects %llu, timer %llu)",
		  b->vm->name, (unsigned long long)(system_vm_ram(b->vm) >> 10),
		  (unsigned long long)(all >> 10), (unsigned long long)(b->vmm->bytes >> 10),
		  (unsigned long long)(b->vmm->shared_bytes >> 10),
		  (unsigned long long)(b->state->guest_bytes >> 10),
		  (unsigned long long)(b->state->timer_bytes >> 10));
	if (b->state->channel_bytes > 0)
		admin_say(b->a, "VM %s: %llu KiB shared with native programs", b->vm->name,
			  (unsigned long long)(b->state->channel_bytes >> 10));
}

void vm_create(struct admin *a, uint32_t index)
{
	static struct vmm_config config; /* too large for the stack */
	struct vm_build b = {
		.a = a,
		.vm = &a->system.vms[index],
		.state = &a->vms[index],
		.index = index,
		.config = &config,
	};
	uint32_t priority = b.vm->vcpus[0].sched.priority + 1;

	fill_config(&b);
	for (uint32_t i = 1; i < b.vm->vcpu_count; i++) {
		if (b.vm->vcpus[i].sched.priority >= priority)
			priority = b.vm->vcpus[i].sched.priority + 1;
	}
	b.state->program = a->program_count;
	b.vmm = program_new(a, b.vm->name, b.vm->file, CNODE_BITS, priority, false);
	for (uint32_t i = 0; i < b.vm->vcpu_count; i++)
		b.notifications[i] = object_new(a, seL4_NotificationObject, seL4_NotificationBits);
	a->account = &b.state->guest_bytes;
	b.guest_cnode = object_new_cnode(a, GUEST_CNODE_BITS);
	space_init(a, &b.guest);
	for (uint32_t i = 0; i < b.vm->vcpu_count; i++)
		add_vcpu(&b, i);
	a->account = &b.vmm->bytes;
	config.admin = program_grant(a, b.vmm, a->endpoint, SEND_RIGHTS, BADGE_VM(index));
	b.devices = (struct device_build){
		.a = a,
		.vm = b.vm,
		.state = b.state,
		.vmm = { .program = b.vmm, .wake = b.notifications[0], .config = &config },
	};
	device_add_all(&b.devices);
	add_pci(&b);
	for (uint32_t i = 0; i < b.vm->ram_count; i++)
		add_ram(&b, i);
	add_gicv(&b);
	add_firmware(&b);
	add_register_pages(&b);
	a->account = &b.vmm->bytes;
	add_image(&b, b.vm->kernel, &config.kernel);
	add_image(&b, b.vm->initrd, &config.initrd);
	add_image(&b, b.vm->dtb, &config.dtb);
	add_image(&b, b.vm->overlay, &config.overlay);
	program_finish(a, b.vmm, &config, sizeof(config));
	seed_wipe(config.seed, sizeof(config.seed));
	device_finish(&b.devices);
	say_memory(&b);
}
