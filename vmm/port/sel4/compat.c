/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Debian's arm64 libfdt.a expects of a hosted C library beyond string.c: it was built with
 * -D_FORTIFY_SOURCE and -fstack-protector-strong, and parses numbers in overlay paths.
 * The headers of a real libsel4 (sel4_include) call strcpy and, in a debug configuration, __assert_fail.
 *
 * The guard is constant: it turns a stack overrun inside libfdt into a user exception, no more.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const uintptr_t __stack_chk_guard = 0x5a3c00ff1bd4a7e9;

_Noreturn void __stack_chk_fail(void);
_Noreturn void __assert_fail(const char *what, const char *file, int line, const char *function);
char *strcpy(char *restrict dest, const char *restrict src);
void *__memcpy_chk(void *dest, const void *src, size_t size, size_t room);
void *__memmove_chk(void *dest, const void *src, size_t size, size_t room);
void *__memset_chk(void *dest, int value, size_t size, size_t room);

_Noreturn void __stack_chk_fail(void)
{
	__builtin_trap();
}

_Noreturn void __assert_fail(const char *what, const char *file, int line, const char *function)
{
	(void)what;
	(void)file;
	(void)line;
	(void)function;
	__builtin_trap();
}

char *strcpy(char *restrict dest, const char *restrict src)
{
	memcpy(dest, src, strlen(src) + 1);
	return dest;
}

void *__memcpy_chk(void *dest, const void *src, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return memcpy(dest, src, size);
}

void *__memmove_chk(void *dest, const void *src, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return memmove(dest, src, size);
}

void *__memset_chk(void *dest, int value, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return memset(dest, value, size);
}

/* Value of `c` as a digit; 36 if it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return 36;
}

/* C11 7.22.1.4, without errno: overflow gives ULONG_MAX. */
unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	const char *p = s;
	unsigned long value = 0;
	int negative = 0, overflow = 0, digits = 0;

	while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		p++;
	if (*p == '+' || *p == '-')
		negative = *p++ == '-';
	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
	    digit(p[2]) < 16) {
		p += 2;
		base = 16;
	} else if (base == 0) {
		base = *p == '0' ? 8 : 10;
	}
	for (; digit(*p) < (unsigned)base; p++, digits++) {
		overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
		overflow |= __builtin_add_overflow(value, (unsigned long)digit(*p), &value);
	}
	if (end != NULL)
		*end = (char *)(uintptr_t)(digits > 0 ? p : s);
	if (overflow)
		return ~0ul;
	return negative ? 0ul - value : value;
}
