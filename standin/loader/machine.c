/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as its device tree (Devicetree Specification v0.4) describes it. */
#include <libfdt.h>
#include <string.h>

#include "standin/loader/loader.h"

/* One number of `cells` 32-bit cells (1 or 2). */
static uint64_t number(const fdt32_t *cells, int count)
{
	uint64_t value = fdt32_ld(cells);

	return count == 2 ? value << 32 | fdt32_ld(cells + 1) : value;
}

static bool read_memory(const void *dtb, int node, struct machine *m)
{
	int address = fdt_address_cells(dtb, 0), size = fdt_size_cells(dtb, 0), length;
	const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &length);
	int words = address + size;

	if (reg == NULL || address < 1 || address > 2 || size < 1 || size > 2)
		return false;
	for (; length >= words * (int)sizeof(*reg); reg += words, length -= words * 4) {
		uint64_t bytes = number(reg + address, size);

		if (bytes > m->ram_size) {
			m->ram_start = number(reg, address);
			m->ram_size = bytes;
		}
	}
	return true;
}

static void read_core(const void *dtb, int node, int cells, struct machine *m)
{
	int length;
	const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &length);

	if (reg == NULL || length < cells * (int)sizeof(*reg) || m->core_count == LOADER_CORES)
		return;
	m->mpidr[m->core_count++] = number(reg, cells);
}

static bool has_type(const void *dtb, int node, const char *type)
{
	int length;
	const char *value = fdt_getprop(dtb, node, "device_type", &length);

	return value != NULL && (size_t)length == strlen(type) + 1 &&
	       memcmp(value, type, (size_t)length) == 0;
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
	int node, length, cells;
	const fdt32_t *reg;

	if (dtb == NULL || fdt_check_header(dtb) != 0)
		return 0;
	node = stdout_node(dtb);
	cells = fdt_address_cells(dtb, 0);
	if (node < 0 || fdt_node_check_compatible(dtb, node, "arm,pl011") != 0 || cells < 1 ||
	    cells > 2)
		return 0;
	reg = fdt_getprop(dtb, node, "reg", &length);
	return reg != NULL && length >= cells * (int)sizeof(*reg) ? number(reg, cells) : 0;
}

const char *machine_read(const void *dtb, struct machine *machine)
{
	int node, cpus, cells;

	*machine = (struct machine){ .ram_size = 0 };
	if (dtb == NULL || fdt_check_header(dtb) != 0)
		return "no device tree was given";
	fdt_for_each_subnode(node, dtb, 0)
	{
		if (has_type(dtb, node, "memory") && !read_memory(dtb, node, machine))
			return "the device tree's memory node is malformed";
	}
	if (machine->ram_size == 0)
		return "the device tree names no memory";

	cpus = fdt_path_offset(dtb, "/cpus");
	cells = cpus < 0 ? 0 : fdt_address_cells(dtb, cpus);
	if (cells < 1 || cells > 2)
		return "the device tree names no cores";
	fdt_for_each_subnode(node, dtb, cpus)
	{
		if (has_type(dtb, node, "cpu"))
			read_core(dtb, node, cells, machine);
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
