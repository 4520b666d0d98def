/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of C11 7.22 that libfdt's headers and objects need (vmm/port/sel4/compat.c). */
#pragma once

#include <stddef.h>

unsigned long strtoul(const char *restrict s, char **restrict end, int base);
