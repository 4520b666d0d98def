/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler may call for copies and initialisers. */
#include "standin/lib/string.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if ((((uintptr_t)d | (uintptr_t)s) & 7) == 0) {
		for (; n >= 8; n -= 8, d += 8, s += 8)
			*(u64 *)(void *)d = *(const u64 *)(const void *)s;
	}
	while (n-- > 0)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int value, size_t n)
{
	char *d = dst;
	u64 word = (u8)value * 0x0101010101010101ull;

	while (n > 0 && ((uintptr_t)d & 7) != 0) {
		*d++ = (char)value;
		n--;
	}
	for (; n >= 8; n -= 8, d += 8)
		*(u64 *)(void *)d = word;
	while (n-- > 0)
		*d++ = (char)value;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n > 0; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}
