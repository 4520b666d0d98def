/* SPDX-License-Identifier: BSD-2-Clause */
/* C11 5.2.4.2.1 for AArch64 (LP64, char unsigned). */
#pragma once

#define CHAR_BIT   8
#define SCHAR_MIN  (-SCHAR_MAX - 1)
#define SCHAR_MAX  127
#define UCHAR_MAX  255
#define CHAR_MIN   0
#define CHAR_MAX   UCHAR_MAX
#define SHRT_MIN   (-SHRT_MAX - 1)
#define SHRT_MAX   32767
#define USHRT_MAX  65535
#define INT_MIN    (-INT_MAX - 1)
#define INT_MAX    2147483647
#define UINT_MAX   4294967295u
#define LONG_MIN   (-LONG_MAX - 1)
#define LONG_MAX   9223372036854775807l
#define ULONG_MAX  18446744073709551615ul
#define LLONG_MIN  (-LLONG_MAX - 1)
#define LLONG_MAX  9223372036854775807ll
#define ULLONG_MAX 18446744073709551615ull
