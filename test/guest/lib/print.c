// SPDX-License-Identifier: BSD-2-Clause
/*
 * Text out, and a key in, by polling the PL011 that the device tree names; words of the command line.
 *
 * Several CPUs may print; a guest that cares keeps its lines on one CPU.
 */
#include <stdarg.h>

#include "test/guest/lib/guest.h"

enum {
	UART_DR = 0x00,
	UART_FR = 0x18,
	UART_FR_RXFE = 1 << 4,
	UART_FR_TXFF = 1 << 5,
};

static void put_char(char c)
{
	if (machine.uart == 0)
		return;
	while (read32(machine.uart + UART_FR) & UART_FR_TXFF)
		;
	write32(machine.uart + UART_DR, (unsigned char)c);
}

static void put_text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			put_char('\r');
		put_char(*s);
	}
}

static void put_number(uint64_t value, unsigned base, unsigned width)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n < width && n < sizeof(digits))
		digits[n++] = '0';
	while (n > 0)
		put_char(digits[--n]);
}

static void put_signed(int64_t value)
{
	if (value < 0)
		put_char('-');
	put_number(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, 0);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (const char *f = format; *f != '\0'; f++) {
		unsigned width = 0;
		bool wide = false;

		if (*f != '%') {
			if (*f == '\n')
				put_char('\r');
			put_char(*f);
			continue;
		}
		for (f++; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (unsigned)(*f - '0');
		for (; *f == 'l'; f++)
			wide = true;
		switch (*f) {
		case 's':
			put_text(va_arg(args, const char *));
			break;
		case 'c':
			put_char((char)va_arg(args, int));
			break;
		case 'd':
			put_signed(wide ? va_arg(args, int64_t) : va_arg(args, int));
			break;
		case 'u':
		case 'x':
			put_number(wide ? va_arg(args, uint64_t) : va_arg(args, unsigned),
				   *f == 'u' ? 10 : 16, width);
			break;
		default:
			put_char(*f);
			break;
		}
	}
	va_end(args);
}

bool typed(void)
{
	if (machine.uart == 0 || (read32(machine.uart + UART_FR) & UART_FR_RXFE) != 0)
		return false;
	(void)read32(machine.uart + UART_DR);
	return true;
}

bool text_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool bootarg(const char *name, char value[64])
{
	const char *s = machine.bootargs;

	while (*s != '\0') {
		const char *n = name;
		unsigned length = 0;

		while (*s == ' ')
			s++;
		while (*n != '\0' && *s == *n) {
			s++;
			n++;
		}
		if (*n == '\0' && (*s == '=' || *s == ' ' || *s == '\0')) {
			if (*s == '=')
				s++;
			while (value != NULL && *s != '\0' && *s != ' ' && length < 63)
				value[length++] = *s++;
			if (value != NULL)
				value[length] = '\0';
			return true;
		}
		while (*s != '\0' && *s != ' ')
			s++;
	}
	return false;
}
