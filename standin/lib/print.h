/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own words on the debug line. */
#pragma once

#include "standin/lib/types.h"

/** %u decimal and %x hexadecimal of a u64, %s a string. */
void print(const char *format, ...);
