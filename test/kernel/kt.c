/* SPDX-License-Identifier: BSD-2-Clause */
/* Resources, threads and checks of the running test. See kt.h. */
#include "test/kernel/kt_state.h"

#include <stdarg.h>

#include <vmm/start.h>

#include "vmm/base/fmt.h"
#include "vmm/port/sel4/runtime.h"

struct kt_state kt;

static unsigned char stacks[KT_THREADS][16384] __attribute__((aligned(16)));
static unsigned char buffers[KT_THREADS][4096] __attribute__((aligned(4096)));
static struct vmm_start start_page;
static struct {
	kt_entry entry;
	seL4_Word argument;
} entries[KT_THREADS];

extern char __image_start[];
extern char _start[];

void kt_fail(const char *file, int line, const char *format, ...)
{
	const char *name = file;
	va_list args;
	size_t at;

	for (; *file != '\0'; file++) {
		if (*file == '/')
			name = file + 1;
	}
	at = fmt_snprintf(kt.message, sizeof(kt.message), "%s:%d: ", name, line);
	va_start(args, format);
	if (at < sizeof(kt.message))
		fmt_vsnprintf(kt.message + at, sizeof(kt.message) - at, format, args);
	va_end(args);
	seL4_Send(kt.control_send, seL4_MessageInfo_new(KT_FAILED, 0, 0, 0));
	kt_park();
}

void kt_check_eq(const char *file, int line, const char *what, seL4_Word got, seL4_Word want)
{
	if (got != want)
		kt_fail(file, line, "%s is %#lx, expected %#lx", what, got, want);
}

const seL4_BootInfo *kt_bootinfo(void)
{
	return kt.bootinfo;
}

unsigned kt_gic(void)
{
	return kt.gic;
}

bool kt_debug_kernel(void)
{
	return kt.debug;
}

seL4_CPtr kt_memory(void)
{
	return kt.memory;
}

seL4_CPtr kt_own_tcb(void)
{
	return kt.main.tcb;
}

seL4_CPtr kt_own_sc(void)
{
	return kt.main.sc;
}

seL4_CPtr kt_slots(unsigned count)
{
	seL4_CPtr first = kt.next_slot;

	if (first + count > kt.bootinfo->empty.end)
		kt_fail(__FILE__, __LINE__, "out of slots");
	kt.next_slot += count;
	return first;
}

seL4_CPtr kt_new(seL4_Word type, seL4_Word size_bits)
{
	seL4_CPtr slot = kt_slots(1);

	CHECK_OK(seL4_Untyped_Retype(kt.memory, type, size_bits, KT_ROOT, 0, 0, slot, 1));
	return slot;
}

seL4_CPtr kt_copy(seL4_CPtr cap)
{
	seL4_CPtr slot = kt_slots(1);

	CHECK_OK(seL4_CNode_Copy(KT_ROOT, slot, KT_DEPTH, KT_ROOT, cap, KT_DEPTH, seL4_AllRights));
	return slot;
}

seL4_CPtr kt_mint(seL4_CPtr cap, seL4_CapRights_t rights, seL4_Word badge)
{
	seL4_CPtr slot = kt_slots(1);

	CHECK_OK(seL4_CNode_Mint(KT_ROOT, slot, KT_DEPTH, KT_ROOT, cap, KT_DEPTH, rights, badge));
	return slot;
}

void kt_delete(seL4_CPtr cap)
{
	CHECK_OK(seL4_CNode_Delete(KT_ROOT, cap, KT_DEPTH));
}

/* A copy out of an empty slot fails in the lookup of its source. */
bool kt_empty(seL4_CPtr slot)
{
	seL4_CPtr to = kt_slots(1);
	seL4_Error error = seL4_CNode_Move(KT_ROOT, to, KT_DEPTH, KT_ROOT, slot, KT_DEPTH);

	if (error == seL4_NoError)
		CHECK_OK(seL4_CNode_Move(KT_ROOT, slot, KT_DEPTH, KT_ROOT, to, KT_DEPTH));
	else
		CHECK_EQ(error, seL4_FailedLookup);
	return error != seL4_NoError;
}

/* Untypeds hand out memory in order: what lies before `paddr` is taken as untypeds, and wasted. */
seL4_CPtr kt_device_frame(seL4_Word paddr, seL4_Word type, seL4_Word size_bits)
{
	const seL4_BootInfo *bi = kt.bootinfo;
	seL4_CPtr slot;
	seL4_Word at, i;

	for (i = 0; i < bi->untyped.end - bi->untyped.start; i++) {
		const seL4_UntypedDesc *u = &bi->untypedList[i];

		if (u->isDevice &&
		    range_inside(paddr, 1ul << size_bits, u->paddr, 1ul << u->sizeBits))
			break;
	}
	if (i == bi->untyped.end - bi->untyped.start)
		kt_fail(__FILE__, __LINE__, "no device untyped holds %#lx", paddr);
	kt.device = bi->untyped.start + i;
	for (at = bi->untypedList[i].paddr; at < paddr;) {
		unsigned bits = (unsigned)__builtin_ctzl(paddr - at);
		unsigned most = 63u - (unsigned)__builtin_clzl(paddr - at);

		/* The largest block that is aligned at `at` and ends at or before `paddr`. */
		bits = at == 0 ? most : (unsigned)__builtin_ctzl(at);
		if (bits > most)
			bits = most;
		CHECK_OK(seL4_Untyped_Retype(kt.device, seL4_UntypedObject, bits, KT_ROOT, 0, 0,
					     kt_slots(1), 1));
		at += 1ul << bits;
	}
	slot = kt_slots(1);
	CHECK_OK(seL4_Untyped_Retype(kt.device, type, size_bits, KT_ROOT, 0, 0, slot, 1));
	return slot;
}

static seL4_CPtr image_frame(const void *address)
{
	return kt.bootinfo->userImageFrames.start +
	       ((seL4_Word)address - (seL4_Word)__image_start) / 4096;
}

void kt_set_sc(seL4_CPtr sc, unsigned core, seL4_Time budget, seL4_Time period)
{
	CHECK_OK(seL4_SchedControl_Configure(kt.bootinfo->schedcontrol.start + core, sc, budget,
					     period, 0, 0));
}

struct kt_thread kt_thread_new(kt_entry entry, seL4_Word argument, seL4_Word priority)
{
	struct kt_thread t = { .index = kt.thread_count++ };
	seL4_UserContext regs;

	if (t.index >= KT_THREADS)
		kt_fail(__FILE__, __LINE__, "too many threads");
	t.tcb = kt_new(seL4_TCBObject, 0);
	t.sc = kt_new(seL4_SchedContextObject, 8);
	kt_set_sc(t.sc, 0, 5000, 5000);
	CHECK_OK(seL4_TCB_Configure(t.tcb, KT_ROOT, 0, seL4_CapInitThreadVSpace, 0,
				    (seL4_Word)buffers[t.index], image_frame(buffers[t.index])));
	CHECK_OK(seL4_TCB_SetSchedParams(t.tcb, seL4_CapInitThreadTCB, 255, priority, t.sc,
					 kt.fault_send));
	entries[t.index].entry = entry;
	entries[t.index].argument = argument;
	start_page.magic = VMM_START_MAGIC;
	start_page.version = VMM_START_VERSION;
	start_page.thread_count = KT_THREADS;
	start_page.threads[t.index].ipc_buffer = (seL4_Word)buffers[t.index];
	regs = (seL4_UserContext){
		.pc = (seL4_Word)_start,
		.sp = (seL4_Word)stacks[t.index] + sizeof(stacks[t.index]),
		.x0 = (seL4_Word)&start_page,
		.x1 = t.index,
	};
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, false, 0, 5, &regs));
	return t;
}

void kt_start(const struct kt_thread *thread)
{
	CHECK_OK(seL4_TCB_Resume(thread->tcb));
}

struct kt_thread kt_spawn(kt_entry entry, seL4_Word argument, seL4_Word priority)
{
	struct kt_thread t = kt_thread_new(entry, argument, priority);

	kt_start(&t);
	return t;
}

void kt_thread_enter(unsigned index)
{
	entries[index].entry(entries[index].argument);
	kt_park();
}

void kt_fault_to(const struct kt_thread *thread, seL4_CPtr endpoint)
{
	CHECK_OK(seL4_TCB_SetSpace(thread->tcb, endpoint, KT_ROOT, 0, seL4_CapInitThreadVSpace, 0));
}

void kt_park(void)
{
	for (;;)
		seL4_Wait(kt.never, seL4_Null);
}

/* A thread with a tiny budget yields, which puts it to sleep until its next period. */
static void sleeper(seL4_Word unused)
{
	(void)unused;
	seL4_Yield();
	seL4_Signal(kt.slept);
}

void kt_sleep(unsigned ms)
{
	struct kt_thread t;

	if (kt.sleeper.tcb == 0) {
		kt.sleeper = kt_thread_new(sleeper, 0, 250);
	} else {
		seL4_UserContext regs = {
			.pc = (seL4_Word)_start,
			.sp = (seL4_Word)stacks[kt.sleeper.index] + sizeof(stacks[0]),
			.x0 = (seL4_Word)&start_page,
			.x1 = kt.sleeper.index,
		};

		CHECK_OK(seL4_TCB_Suspend(kt.sleeper.tcb));
		CHECK_OK(seL4_TCB_WriteRegisters(kt.sleeper.tcb, false, 0, 5, &regs));
	}
	t = kt.sleeper;
	kt_set_sc(t.sc, 0, 500, (seL4_Time)ms * 1000);
	kt_start(&t);
	seL4_Wait(kt.slept, seL4_Null);
}

void kt_until(const volatile seL4_Word *word, seL4_Word least)
{
	while (*word < least)
		kt_sleep(1);
}

seL4_Error kt_invoke_raw(seL4_CPtr cap, seL4_Word label, seL4_Word caps, seL4_Word length)
{
	seL4_MessageInfo_t info = seL4_Call(cap, seL4_MessageInfo_new(label, 0, caps, length));

	return (seL4_Error)seL4_MessageInfo_get_label(info);
}

seL4_CPtr kt_new_vspace(void)
{
	seL4_CPtr vspace = kt_new(seL4_ARM_VSpaceObject, seL4_VSpaceBits);

	CHECK_OK(seL4_ARM_ASIDPool_Assign(seL4_CapInitThreadASIDPool, vspace));
	return vspace;
}

void kt_map_in(seL4_CPtr vspace, seL4_CPtr frame, seL4_Word vaddr, seL4_CapRights_t rights,
	       seL4_ARM_VMAttributes attr)
{
	seL4_Error error;

	while ((error = seL4_ARM_Page_Map(frame, vspace, vaddr, rights, attr)) == seL4_FailedLookup)
		CHECK_OK(seL4_ARM_PageTable_Map(kt_new(seL4_ARM_PageTableObject, 0), vspace, vaddr,
						seL4_ARM_Default_VMAttributes));
	CHECK_OK(error);
}

seL4_CPtr kt_map(seL4_Word vaddr)
{
	seL4_CPtr frame = kt_new(seL4_ARM_SmallPageObject, 0);

	kt_map_in(seL4_CapInitThreadVSpace, frame, vaddr, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	return frame;
}
