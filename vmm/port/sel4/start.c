/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From start.S to the program: finds the thread's IPC buffer, so that system calls work, and calls
 * runtime_main. Which kind of page was given is told by its first word: a start page's magic number,
 * which bootinfo (there the length of extra information) cannot be.
 */
#include <sel4/sel4.h>
#include <vmm/start.h>

#include "vmm/port/sel4/runtime.h"

__thread seL4_IPCBuffer *__sel4_ipc_buffer;

_Noreturn void runtime_enter(void *page, uint64_t thread);

static seL4_IPCBuffer *ipc_buffer_of(const void *page, uint64_t thread)
{
	const struct vmm_start *start = page;
	const seL4_BootInfo *bootinfo = page;

	if (start->magic != VMM_START_MAGIC)
		return bootinfo->ipcBuffer;
	if (start->version != VMM_START_VERSION || thread >= start->thread_count ||
	    start->thread_count > VMM_START_THREADS)
		__builtin_trap(); /* admin and program are of different builds */
	return (seL4_IPCBuffer *)start->threads[thread].ipc_buffer;
}

_Noreturn void runtime_enter(void *page, uint64_t thread)
{
	seL4_SetIPCBuffer(ipc_buffer_of(page, thread));
	runtime_main(page, thread);
	__builtin_trap();
}
