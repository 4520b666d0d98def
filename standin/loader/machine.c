/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as its device tree (Devicetree Specification v0.4) describes it. */
#include "standin/loader/loader.h"

#include <string.h>

#include "standin/lib/devicetree.h"

static bool read_memory(const void *dtb, int node, struct machine *m)
{
	uint64_t at, size;
	int i;

	for (i = 0; dt_reg(dtb, node, i, &at, &size); i++) {
		if (size > m->ram_size) {
			m->ram_start = at;
			m->ram_size = size;
		}
	}
	return i > 0;
}

/* "/path/to/node:options", or an alias in the place of the path. */
static int stdout_node(const void *dtb)
{
	int length;
	const char *path =
		fdt_getprop(dtb, fdt_path_offset(dtb, "/chosen"), "stdout-path", &length);
	const char *end;

	if (path == NULL || length < 1 || path[length - 1] != '\0')
		return -1;
	end = strchr(path, ':');
	return fdt_path_offset_namelen(dtb, path,
				       end != NULL ? (int)(end - path) : (int)strlen(path));
}

uint64_t machine_uart(const void *dtb)
{
	uint64_t at, size;
	int node;

	if (dtb == NULL || fdt_check_header(dtb) != 0)
		return 0;
	node = stdout_node(dtb);
	if (node < 0 || fdt_node_check_compatible(dtb, node, "arm,pl011") != 0 ||
	    !dt_reg(dtb, node, 0, &at, &size))
		return 0;
	return at;
}

const char *machine_read(const void *dtb, struct machine *machine)
{
	uint64_t mpidr, unused;
	int node, cpus;

	*machine = (struct machine){ .ram_size = 0 };
	if (dtb == NULL || fdt_check_header(dtb) != 0)
		return "no device tree was given";
	fdt_for_each_subnode(node, dtb, 0)
	{
		if (dt_has_type(dtb, node, "memory") && !read_memory(dtb, node, machine))
			return "the device tree's memory node is malformed";
	}
	if (machine->ram_size == 0)
		return "the device tree names no memory";

	cpus = fdt_path_offset(dtb, "/cpus");
	fdt_for_each_subnode(node, dtb, cpus)
	{
		if (machine->core_count < LOADER_CORES && dt_has_type(dtb, node, "cpu") &&
		    dt_reg(dtb, node, 0, &mpidr, &unused))
			machine->mpidr[machine->core_count++] = mpidr;
	}
	if (machine->core_count == 0)
		return "the device tree names no cores";

	if (fdt_node_offset_by_compatible(dtb, -1, "arm,gic-v3") >= 0)
		machine->gic_version = 3;
	else if (fdt_node_offset_by_compatible(dtb, -1, "arm,cortex-a15-gic") >= 0 ||
		 fdt_node_offset_by_compatible(dtb, -1, "arm,gic-400") >= 0)
		machine->gic_version = 2;
	return NULL;
}
