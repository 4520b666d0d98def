/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest can do to its interrupt controller, GICv2 or GICv3: registers, SGIs, EOIs, mixed
 * with what the rest of the VMM does to it. Every step is compared with the reference of
 * test/model.
 */
#include <stddef.h>
#include <stdint.h>

#include "test/model/gic_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gic_world world;

	gic_world_bytes(&world, data, size);
	while (world.left > 0)
		gic_world_step(&world);
	gic_world_compare(&world);
	return 0;
}
