/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/base/fmt: every conversion against the host's own snprintf, then the corners where we differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/fmt.h"
#include "vmm/base/util.h"

/* Both formatters must agree on text and length, in a large buffer and in every smaller one. */
__attribute__((format(printf, 1, 2))) static void same(const char *format, ...)
{
	char want[256], got[256];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(want, sizeof(want), format, args);
	va_end(args);
	for (size_t size = 0; size <= (size_t)length + 2; size++) {
		memset(got, 'Z', sizeof(got));
		va_start(args, format);
		assert_int_equal(fmt_vsnprintf(got, size, format, args), length);
		va_end(args);
		assert_int_equal(got[size], 'Z');
		if (size == 0)
			continue;
		assert_int_equal(strlen(got), size > (size_t)length ? (size_t)length : size - 1);
		assert_memory_equal(got, want, strlen(got));
	}
}

static void integers(void **state)
{
	(void)state;
	same("%d %i %u", 0, -1, 4294967295u);
	same("%d %d", INT32_MIN, INT32_MAX);
	same("%ld %lu %lx", INT64_MIN, UINT64_MAX, UINT64_MAX);
	same("%lld %llu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
	same("%zu %zd %td %jd", (size_t)-1, (ssize_t)-5, (ptrdiff_t)-6, (intmax_t)-7);
	same("%hhd %hhu %hd %hu", (signed char)-1, (unsigned char)255, (short)-2,
	     (unsigned short)65535);
	same("%x %X %#x %#X %#x", 0xabcdefu, 0xabcdefu, 0x1fu, 0x1fu, 0u);
	same("%+d % d %+d % d", 5, 5, -5, -5);
	same("[%8d][%-8d][%08d][%+08d]", -42, -42, -42, 42);
	same("[%8x][%-8x][%08x][%#010x]", 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu);
	same("[%.5d][%8.5d][%-8.5d][%.5x]", 42, -42, 42, 0xfu);
	same("[%.0d][%.0d][%5.0x]", 0, 1, 0u);
	same("[%*d][%*d][%.*d][%.*d]", 6, 1, -6, 1, 4, 1, -4, 1);
	same("%p", (void *)(uintptr_t)0xdeadbeef);
}

static void strings(void **state)
{
	(void)state;
	same("plain");
	same("%s|%10s|%-10s|%.2s|%10.2s|", "abc", "abc", "abc", "abc", "abc");
	same("%c%c|%3c|%-3c|", 'x', 'y', 'z', 'w');
	same("100%% of %s", "it");
	same("%.*s", 3, "abcdef");
}

/* A precision bounds the read: the text need not be terminated. */
static void bounded_string(void **state)
{
	static const char text[3] = { 'a', 'b', 'c' };
	char got[8];

	(void)state;
	assert_int_equal(fmt_snprintf(got, sizeof(got), "%.3s", text), 3);
	assert_string_equal(got, "abc");
}

static void odd_formats(void **state)
{
	/* Not for the compiler's eyes: these are wrong on purpose. */
	static const char *const formats[][2] = {
		{ "%q", "%q" }, { "a%", "a%" }, { "%5", "%5" }, { "%-l", "%-l" }, { "%n", "%n" },
	};
	const char *volatile null = NULL;
	char got[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		fmt_snprintf(got, sizeof(got), formats[i][0]);
#pragma GCC diagnostic pop
		assert_string_equal(got, formats[i][1]);
	}
	assert_int_equal(fmt_snprintf(got, sizeof(got), "%s", null), 6);
	assert_string_equal(got, "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(strings),
		cmocka_unit_test(bounded_string),
		cmocka_unit_test(odd_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
