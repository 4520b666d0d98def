// SPDX-License-Identifier: BSD-2-Clause
/* The start of a program, system calls and text: see linux.h. */
#include "test/guest/linux/linux.h"

enum { LINE = 256, DIGITS = 20 };

void linux_start(uint64_t *stack);

__asm__(".globl _start\n"
	"_start:\n"
	"\tmov x0, sp\n"
	"\tbl linux_start\n");

int64_t system_call6(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		     uint64_t f)
{
	register uint64_t x8 __asm__("x8") = (uint64_t)number;
	register uint64_t x0 __asm__("x0") = a;
	register uint64_t x1 __asm__("x1") = b;
	register uint64_t x2 __asm__("x2") = c;
	register uint64_t x3 __asm__("x3") = d;
	register uint64_t x4 __asm__("x4") = e;
	register uint64_t x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return (int64_t)x0;
}

static size_t put_number(char *to, size_t at, uint64_t value, unsigned base)
{
	char digits[DIGITS];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0 && at < LINE)
		to[at++] = digits[--n];
	return at;
}

void say(const struct word *words, size_t count)
{
	char line[LINE + DIGITS];
	size_t n = 0;

	for (size_t i = 0; i < count && n < LINE; i++) {
		if (words[i].kind == 's') {
			for (const char *p = words[i].text; *p != '\0' && n < LINE; p++)
				line[n++] = *p;
		} else {
			n = put_number(line, n, words[i].number, words[i].kind == 'x' ? 16 : 10);
		}
	}
	line[n++] = '\n';
	SYSTEM_CALL(SYS_WRITE, STDOUT, (uintptr_t)line, n);
}

uint64_t to_number(const char *text)
{
	uint64_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = 10 * value + (uint64_t)(*text - '0');
	switch (*text) {
	case 'g':
		return value << 30;
	case 'm':
		return value << 20;
	case 'k':
		return value << 10;
	default:
		return value;
	}
}

bool same_text(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *environment(char **env, const char *name)
{
	for (; *env != NULL; env++) {
		const char *want = name, *have = *env;

		while (*want != '\0' && *want == *have) {
			want++;
			have++;
		}
		if (*want == '\0' && *have == '=')
			return have + 1;
	}
	return NULL;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;

	for (size_t i = 0; i < size; i++) {
		if (p[i] != q[i])
			return p[i] - q[i];
	}
	return 0;
}

void linux_start(uint64_t *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	SYSTEM_CALL(SYS_EXIT_GROUP, linux_main(argc, argv, argv + argc + 1), 0, 0);
	for (;;)
		;
}
