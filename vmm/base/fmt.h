/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting without a C library: a subset of C11 7.21.6.
 *
 * Understood: flags "-0+ #", width and precision (also `*`), lengths hh h l ll z t j, conversions
 * d i u x X c s p %. Anything else is copied as it stands. No floating point, no %n.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/**
 * Writes at most `size` bytes, the last of them NUL (nothing if `size` is 0). Returns the length the
 * whole text has, without the NUL: a result of `size` or more means that it was cut.
 */
size_t fmt_snprintf(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

size_t fmt_vsnprintf(char *to, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
