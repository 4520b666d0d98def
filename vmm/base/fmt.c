/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small formatter. One pass over the format; each conversion is parsed into a struct spec, turned
 * into prefix + digits, and padded in one place. Output goes through out_char, which counts what
 * does not fit, so no conversion needs to know the buffer's end.
 */
#include "vmm/base/fmt.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *to;
	size_t size;
	size_t length; /* of the whole text so far */
};

struct spec {
	bool left, zero, plus, space, alternate;
	size_t width;
	size_t precision;
	bool has_precision;
	unsigned bytes; /* size of an integer argument */
};

enum { DIGITS = 20 }; /* of 2^64 in base 10 */

static void out_char(struct out *o, char c)
{
	if (o->length + 1 < o->size)
		o->to[o->length] = c;
	o->length++;
}

static void out_pad(struct out *o, char c, size_t count)
{
	while (count-- > 0)
		out_char(o, c);
}

static void out_text(struct out *o, const struct spec *spec, const char *text, size_t length)
{
	size_t pad = spec->width > length ? spec->width - length : 0;

	if (!spec->left)
		out_pad(o, ' ', pad);
	for (size_t i = 0; i < length; i++)
		out_char(o, text[i]);
	if (spec->left)
		out_pad(o, ' ', pad);
}

/* C11 7.21.6.1: a precision is the least number of digits, and switches zero padding off. */
static void out_number(struct out *o, const struct spec *spec, const char *prefix, uint64_t value,
		       unsigned base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[DIGITS];
	size_t count = 0, zeroes = 0, prefix_length = 0, pad;

	for (; value > 0; value /= base)
		digits[count++] = set[value % base];
	while (prefix[prefix_length] != '\0')
		prefix_length++;

	if (spec->has_precision)
		zeroes = spec->precision > count ? spec->precision - count : 0;
	else if (count == 0)
		zeroes = 1;
	pad = prefix_length + zeroes + count;
	pad = spec->width > pad ? spec->width - pad : 0;
	if (spec->zero && !spec->left && !spec->has_precision) {
		zeroes += pad;
		pad = 0;
	}

	if (!spec->left)
		out_pad(o, ' ', pad);
	while (*prefix != '\0')
		out_char(o, *prefix++);
	out_pad(o, '0', zeroes);
	while (count > 0)
		out_char(o, digits[--count]);
	if (spec->left)
		out_pad(o, ' ', pad);
}

static const char *parse_flags(const char *p, struct spec *spec)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return p;
		}
	}
}

static const char *parse_count(const char *p, size_t *count)
{
	for (*count = 0; *p >= '0' && *p <= '9'; p++)
		*count = *count * 10 + (size_t)(*p - '0');
	return p;
}

static const char *parse_length(const char *p, struct spec *spec)
{
	spec->bytes = sizeof(int);
	switch (*p) {
	case 'h':
		spec->bytes = p[1] == 'h' ? sizeof(char) : sizeof(short);
		return p[1] == 'h' ? p + 2 : p + 1;
	case 'l':
		spec->bytes = p[1] == 'l' ? sizeof(long long) : sizeof(long);
		return p[1] == 'l' ? p + 2 : p + 1;
	case 'z':
	case 't':
	case 'j':
		spec->bytes = sizeof(uint64_t);
		return p + 1;
	default:
		return p;
	}
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t) && sizeof(intmax_t) == sizeof(uint64_t),
	       "the lengths z, t and j");

/* Keeps the low `bytes` of an argument, extended to 64 bits. */
static uint64_t truncate(uint64_t value, unsigned bytes, bool is_signed)
{
	unsigned shift = 64 - 8 * bytes;

	if (is_signed)
		return (uint64_t)((int64_t)(value << shift) >> shift);
	return value << shift >> shift;
}

static void out_signed(struct out *o, const struct spec *spec, uint64_t raw)
{
	int64_t value = (int64_t)truncate(raw, spec->bytes, true);
	const char *sign = spec->plus ? "+" : spec->space ? " " : "";

	if (value < 0)
		out_number(o, spec, "-", 0 - (uint64_t)value, 10, false);
	else
		out_number(o, spec, sign, (uint64_t)value, 10, false);
}

static void out_string(struct out *o, const struct spec *spec, const char *text)
{
	size_t length = 0;

	if (text == NULL)
		text = "(null)";
	while ((!spec->has_precision || length < spec->precision) && text[length] != '\0')
		length++;
	out_text(o, spec, text, length);
}

static uint64_t next_integer(va_list *args, const struct spec *spec)
{
	return spec->bytes == sizeof(uint64_t) ? va_arg(*args, uint64_t)
					       : va_arg(*args, unsigned int);
}

/* One conversion, after its length modifier. Returns false if it is none we know. */
static bool convert(struct out *o, const struct spec *spec, char conversion, va_list *args)
{
	uint64_t value;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		out_signed(o, spec, next_integer(args, spec));
		return true;
	case 'u':
		value = truncate(next_integer(args, spec), spec->bytes, false);
		out_number(o, spec, "", value, 10, false);
		return true;
	case 'x':
	case 'X':
		value = truncate(next_integer(args, spec), spec->bytes, false);
		out_number(o, spec,
			   !spec->alternate || value == 0 ? ""
			   : conversion == 'x'            ? "0x"
							  : "0X",
			   value, 16, conversion == 'X');
		return true;
	case 'p':
		out_number(o, spec, "0x", (uint64_t)(uintptr_t)va_arg(*args, void *), 16, false);
		return true;
	case 'c':
		c = (char)va_arg(*args, int);
		out_text(o, spec, &c, 1);
		return true;
	case 's':
		out_string(o, spec, va_arg(*args, const char *));
		return true;
	case '%':
		out_char(o, '%');
		return true;
	default:
		return false;
	}
}

/* `p` is behind a per cent sign. Returns where the format goes on. */
static const char *one(struct out *o, const char *p, va_list *args)
{
	const char *start = p;
	struct spec spec = { .left = false };
	int star;

	p = parse_flags(p, &spec);
	if (*p == '*') {
		star = va_arg(*args, int);
		spec.left = spec.left || star < 0;
		spec.width = star < 0 ? (size_t)0 - (size_t)star : (size_t)star;
		p++;
	} else {
		p = parse_count(p, &spec.width);
	}
	if (*p == '.') {
		p++;
		spec.has_precision = true;
		if (*p == '*') {
			star = va_arg(*args, int);
			spec.has_precision = star >= 0;
			spec.precision = star >= 0 ? (size_t)star : 0;
			p++;
		} else {
			p = parse_count(p, &spec.precision);
		}
	}
	p = parse_length(p, &spec);
	if (*p != '\0' && convert(o, &spec, *p, args))
		return p + 1;
	out_char(o, '%');
	return start;
}

size_t fmt_vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	struct out o = { .to = to, .size = size };
	va_list copy;

	va_copy(copy, args);
	while (*format != '\0') {
		if (*format != '%')
			out_char(&o, *format++);
		else
			format = one(&o, format + 1, &copy);
	}
	va_end(copy);
	if (size > 0)
		to[o.length < size ? o.length : size - 1] = '\0';
	return o.length;
}

size_t fmt_snprintf(char *to, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = fmt_vsnprintf(to, size, format, args);
	va_end(args);
	return length;
}
