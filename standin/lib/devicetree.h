/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernel and loader want of a device tree (Devicetree Specification v0.4) beyond libfdt. */
#pragma once

#include <libfdt.h>

#include "standin/lib/types.h"

/** The i-th entry of the node's `reg`; false: there is none, or its cells are not 1 or 2 (size: 0). */
bool dt_reg(const void *dtb, int node, int i, u64 *address, u64 *size);

bool dt_has_type(const void *dtb, int node, const char *type);
