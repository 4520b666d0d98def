// SPDX-License-Identifier: BSD-2-Clause
#include "app/admin/admin.h"
#include "vmm/port/sel4/runtime.h"

static struct admin admin;

VMM_ROOT_STACK(32768);

void runtime_main(void *page, uint64_t thread)
{
	(void)thread;
	admin_run(&admin, page);
}
