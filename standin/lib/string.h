/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "standin/lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
