/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC model against its reference (gic_ref.h) under long random sequences of everything that
 * can happen to it (gic_world.h); every register is compared now and then.
 *
 *     gic [SEED [STEPS]]     a failure prints the seed and step that repeat it
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/model/gic_world.h"

enum { WORLDS = 96, STEPS = 8000, COMPARE_EVERY = 512 };

int main(int argc, char **argv)
{
	static struct gic_world world;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : STEPS;
	unsigned worlds = argc > 1 ? 1 : WORLDS;
	unsigned long claims = 0;

	printf("1..1\n");
	for (unsigned i = 0; i < worlds; i++) {
		gic_world_seed(&world, seed + i);
		while (world.step < steps) {
			gic_world_step(&world);
			if (world.step % COMPARE_EVERY == 0)
				gic_world_compare(&world);
		}
		claims += world.claims;
	}
	/* A run in which hardly anything was delivered would prove hardly anything. */
	printf("# %u worlds of %lu steps, %lu claims\n", worlds, steps, claims);
	printf("%s 1 - the model agrees with the reference\n",
	       claims > worlds * steps / 50 ? "ok" : "not ok");
	return claims > worlds * steps / 50 ? 0 : 1;
}
