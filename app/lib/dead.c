// SPDX-License-Identifier: BSD-2-Clause
/* For tests: a program of any kind that cannot live. */
#include "app/lib/native.h"
#include "vmm/port/sel4/runtime.h"

static struct native native;

void runtime_main(void *page, uint64_t thread)
{
	native_init(&native, page, thread);
	__builtin_trap();
}
