// SPDX-License-Identifier: BSD-2-Clause
/* The two functions a compiler may call behind a program's back. */
#include <stddef.h>

void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

void *memset(void *to, int value, size_t size)
{
	unsigned char *p = to;

	while (size-- > 0)
		*p++ = (unsigned char)value;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	const unsigned char *q = from;
	unsigned char *p = to;

	while (size-- > 0)
		*p++ = *q++;
	return to;
}
