/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest can do to its PCI bus: configuration space, BARs, vectors, at every width, mixed with
 * what devices do. Every step is compared with the reference of test/model.
 */
#include <stddef.h>
#include <stdint.h>

#include "test/model/pci_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pci_world world;

	pci_world_bytes(&world, data, size);
	while (world.left > 0)
		pci_world_step(&world);
	return 0;
}
