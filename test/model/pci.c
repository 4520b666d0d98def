/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI bus against its reference under long random sequences (pci_world.h).
 *
 *     pci [SEED [STEPS]]     a failure prints the step that repeats it with its seed
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/model/pci_world.h"

enum { WORLDS = 64, STEPS = 20000 };

int main(int argc, char **argv)
{
	static struct pci_world world;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : STEPS;
	unsigned worlds = argc > 1 ? 1 : WORLDS;
	unsigned long messages = 0, hits = 0, all = worlds * steps;
	bool enough;

	printf("1..1\n");
	for (unsigned i = 0; i < worlds; i++) {
		printf("# seed %lu\n", (unsigned long)seed + i);
		pci_world_seed(&world, seed + i);
		while (world.step < steps)
			pci_world_step(&world);
		messages += world.messages;
		hits += world.hits;
	}
	/* A run in which hardly anything was hit or sent would prove hardly anything. */
	enough = messages > all / 400 && hits > all / 50;
	printf("# %u worlds of %lu steps, %lu hits, %lu messages\n", worlds, steps, hits, messages);
	printf("%s 1 - the bus agrees with the reference\n", enough ? "ok" : "not ok");
	return enough ? 0 : 1;
}
