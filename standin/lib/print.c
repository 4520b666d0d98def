/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin/lib/print.h"

#include "standin/arch/arch.h"
#include <stdarg.h>

static void put_number(u64 v, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	while (n > 0)
		arch_putchar(digits[--n]);
}

static void put_string(const char *s)
{
	while (*s != '\0')
		arch_putchar(*s++);
}

void print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	for (const char *p = format; *p != '\0'; p++) {
		if (*p != '%') {
			arch_putchar(*p);
			continue;
		}
		p++;
		if (*p == 's')
			put_string(va_arg(ap, const char *));
		else
			put_number(va_arg(ap, u64), *p == 'x' ? 16 : 10);
	}
	va_end(ap);
}

void kernel_panic(const char *what, u64 a, u64 b)
{
	print("\nstandin: panic: %s (%x, %x)\n", what, a, b);
	arch_halt();
}
