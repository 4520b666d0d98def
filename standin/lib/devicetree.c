/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading device trees: see devicetree.h. */
#include "standin/lib/devicetree.h"

#include <string.h>

static u64 number(const fdt32_t *at, int cells)
{
	u64 v = 0;

	for (int i = 0; i < cells; i++)
		v = v << 32 | fdt32_ld(at + i);
	return v;
}

bool dt_reg(const void *dtb, int node, int i, u64 *address, u64 *size)
{
	int parent = fdt_parent_offset(dtb, node), length;
	int a = fdt_address_cells(dtb, parent), s = fdt_size_cells(dtb, parent);
	const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &length);

	if (reg == NULL || a < 1 || a > 2 || s < 0 || s > 2 || length / 4 / (a + s) <= i)
		return false;
	reg += i * (a + s);
	*address = number(reg, a);
	*size = number(reg + a, s);
	return true;
}

bool dt_has_type(const void *dtb, int node, const char *type)
{
	int length;
	const char *value = fdt_getprop(dtb, node, "device_type", &length);

	return value != NULL && (size_t)length == strlen(type) + 1 &&
	       memcmp(value, type, (size_t)length) == 0;
}
