// SPDX-License-Identifier: BSD-2-Clause
/*
 * The description's reader with any bytes: it must not read outside them, and what it accepts must
 * keep the promises admin builds on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/admin/system.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_vm(const struct system *system, const struct system_vm *vm)
{
	if (vm->kernel < 0 || (uint32_t)vm->kernel >= system->image_count ||
	    vm->initrd >= (int32_t)system->image_count || vm->vcpu_count == 0 ||
	    vm->vcpu_count > SYSTEM_VCPUS || vm->ram_count == 0 || vm->ram_count > SYSTEM_RAM ||
	    vm->device_count > SYSTEM_DEVICES)
		abort();
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i].sched.core >= system->board.cores)
			abort();
	}
	for (uint32_t i = 0; i < vm->ram_count; i++) {
		if (vm->ram[i].size == 0 ||
		    ((vm->ram[i].base | vm->ram[i].size) & (SYSTEM_LARGE_PAGE - 1)) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct system system;
	struct report report = { 0 };
	void *copy = malloc(size > 0 ? size : 1); /* exact size and alignment, for ASan */

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (system_parse(&system, copy, size, &report)) {
		for (uint32_t i = 0; i < system.vm_count; i++)
			check_vm(&system, &system.vms[i]);
	}
	free(copy);
	return 0;
}
