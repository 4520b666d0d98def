/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library's memory and string functions that compilers, our programs and libfdt call.
 *
 * General registers and aligned accesses only: a thread may run without an FPU context, and a
 * program's pages may be device memory. Copies go by words where source and destination have the
 * same alignment, 64 bytes at a time, which is the case for every bulk copy we make (images, pages,
 * queues); else by bytes.
 *
 * Built so that the compiler does not turn these loops into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Any object may be read or written through it. */
typedef uint64_t __attribute__((may_alias)) word;

enum { WORD = sizeof(word) };

static size_t misalignment(const void *p)
{
	return (uintptr_t)p % WORD;
}

/* Forwards. Safe for overlap if `to` is below `from`: each block is read before it is written. */
static void copy_up(unsigned char *to, const unsigned char *from, size_t size)
{
	if (misalignment(to) == misalignment(from)) {
		while (size > 0 && misalignment(to) != 0) {
			*to++ = *from++;
			size--;
		}
		for (; size >= 8 * WORD; size -= 8 * WORD, to += 8 * WORD, from += 8 * WORD) {
			const word *f = (const word *)(const void *)from;
			word *t = (word *)(void *)to;
			word a = f[0], b = f[1], c = f[2], d = f[3];
			word e = f[4], g = f[5], h = f[6], i = f[7];

			t[0] = a;
			t[1] = b;
			t[2] = c;
			t[3] = d;
			t[4] = e;
			t[5] = g;
			t[6] = h;
			t[7] = i;
		}
		for (; size >= WORD; size -= WORD, to += WORD, from += WORD)
			*(word *)(void *)to = *(const word *)(const void *)from;
	}
	while (size-- > 0)
		*to++ = *from++;
}

/* Backwards, for an overlap with `to` above `from`. */
static void copy_down(unsigned char *to, const unsigned char *from, size_t size)
{
	if (misalignment(to) == misalignment(from)) {
		while (size > 0 && misalignment(to + size) != 0) {
			size--;
			to[size] = from[size];
		}
		while (size >= WORD) {
			size -= WORD;
			*(word *)(void *)(to + size) = *(const word *)(const void *)(from + size);
		}
	}
	while (size-- > 0)
		to[size] = from[size];
}

void *memcpy(void *restrict dest, const void *restrict src, size_t size)
{
	copy_up(dest, src, size);
	return dest;
}

void *memmove(void *dest, const void *src, size_t size)
{
	if ((uintptr_t)dest - (uintptr_t)src >= size)
		copy_up(dest, src, size);
	else
		copy_down(dest, src, size);
	return dest;
}

void *memset(void *dest, int value, size_t size)
{
	unsigned char *to = dest;
	unsigned char byte = (unsigned char)value;
	word pattern = (word)byte * UINT64_C(0x0101010101010101);

	for (; size > 0 && misalignment(to) != 0; size--)
		*to++ = byte;
	for (; size >= 4 * WORD; size -= 4 * WORD, to += 4 * WORD) {
		word *t = (word *)(void *)to;

		t[0] = pattern;
		t[1] = pattern;
		t[2] = pattern;
		t[3] = pattern;
	}
	while (size-- > 0)
		*to++ = byte;
	return dest;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	if (misalignment(x) == 0 && misalignment(y) == 0) {
		while (size >= WORD &&
		       *(const word *)(const void *)x == *(const word *)(const void *)y) {
			x += WORD;
			y += WORD;
			size -= WORD;
		}
	}
	for (; size > 0; size--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}

void *memchr(const void *s, int value, size_t size)
{
	const unsigned char *p = s;

	for (; size > 0; size--, p++) {
		if (*p == (unsigned char)value)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end != '\0')
		end++;
	return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t size)
{
	const char *end = memchr(s, '\0', size);

	return end == NULL ? size : (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size > 0; size--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (*s == '\0')
			return (char *)(uintptr_t)found;
	}
}
