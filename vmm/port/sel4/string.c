/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library's memory and string functions that compilers, our programs and libfdt call.
 *
 * General registers only: a thread may run without an FPU context. Where source and destination have
 * the same alignment, copies go by aligned words, 64 bytes at a time, also to device memory. Where they
 * have not, as with a guest's network packets, they go by words all the same: that is for memory only,
 * and the compiler, which is told never to do it (-mstrict-align), does not write it.
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

#ifdef __aarch64__
/* Words at any address (Arm ARM DDI 0487, B2.5.2: normal memory, SCTLR_EL1.A clear). */
static size_t copy_unaligned(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t left = size;
	word a, b, c, d, e, f, g, h;

	for (; left >= 8 * WORD; left -= 8 * WORD)
		__asm__ volatile("ldp %2, %3, [%1]\n"
				 "ldp %4, %5, [%1, #16]\n"
				 "ldp %6, %7, [%1, #32]\n"
				 "ldp %8, %9, [%1, #48]\n"
				 "add %1, %1, #64\n"
				 "stp %2, %3, [%0]\n"
				 "stp %4, %5, [%0, #16]\n"
				 "stp %6, %7, [%0, #32]\n"
				 "stp %8, %9, [%0, #48]\n"
				 "add %0, %0, #64"
				 : "+r"(to), "+r"(from), "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d),
				   "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h)
				 :
				 : "memory");
	for (; left >= WORD; left -= WORD)
		__asm__ volatile("ldr %2, [%1], #8\n"
				 "str %2, [%0], #8"
				 : "+r"(to), "+r"(from), "=&r"(a)
				 :
				 : "memory");
	return size - left;
}
#else
static size_t copy_unaligned(unsigned char *to, const unsigned char *from, size_t size)
{
	(void)to;
	(void)from;
	(void)size;
	return 0;
}
#endif

/* Words that are aligned: all are read before any is written. */
static inline void copy_eight(unsigned char *to, const unsigned char *from)
{
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

/* Forwards. Safe for overlap if `to` is below `from`: each block is read before it is written. */
static void copy_up(unsigned char *to, const unsigned char *from, size_t size)
{
	if (misalignment(to) == misalignment(from)) {
		while (size > 0 && misalignment(to) != 0) {
			*to++ = *from++;
			size--;
		}
		for (; size >= 16 * WORD; size -= 16 * WORD, to += 16 * WORD, from += 16 * WORD) {
			copy_eight(to, from);
			copy_eight(to + 8 * WORD, from + 8 * WORD);
		}
		if (size >= 8 * WORD) {
			copy_eight(to, from);
			size -= 8 * WORD;
			to += 8 * WORD;
			from += 8 * WORD;
		}
		for (; size >= WORD; size -= WORD, to += WORD, from += WORD)
			*(word *)(void *)to = *(const word *)(const void *)from;
	} else if (size >= WORD) {
		size_t done = copy_unaligned(to, from, size);

		to += done;
		from += done;
		size -= done;
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
