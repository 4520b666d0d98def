/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program on the target defines and gets from its runtime (start.S, start.c, string.c).
 *
 * The runtime sets up stack, TLS and IPC buffer of each thread and calls runtime_main. It offers the
 * string functions that compilers and libfdt call, and nothing else: no heap, no constructors, no
 * standard streams.
 */
#pragma once

#include <stdint.h>

/**
 * Defined by the program; called once on each thread. `page` is its struct vmm_start, or the
 * seL4_BootInfo of a root task. A thread that returns from it raises a user exception, which its
 * fault handler reports.
 */
void runtime_main(void *page, uint64_t thread);

/** In one file of a root task: the stack of its initial thread, `size` bytes (a multiple of 16). */
#define VMM_ROOT_STACK(size)                                      \
	__asm__(".pushsection .bss.root_stack, \"aw\", %nobits\n" \
		".balign 16\n"                                    \
		".global vmm_root_stack_top\n"                    \
		".skip " #size "\n"                               \
		"vmm_root_stack_top:\n"                           \
		".popsection\n")
