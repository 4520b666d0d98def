/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/port/sel4/string.c and compat.c, compiled for the host under other names and compared with the
 * host's C library at every combination of alignment and overlap.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *rt_memcpy(void *restrict dest, const void *restrict src, size_t size);
void *rt_memmove(void *dest, const void *src, size_t size);
void *rt_memset(void *dest, int value, size_t size);
int rt_memcmp(const void *a, const void *b, size_t size);
void *rt_memchr(const void *s, int value, size_t size);
size_t rt_strlen(const char *s);
size_t rt_strnlen(const char *s, size_t size);
int rt_strcmp(const char *a, const char *b);
int rt_strncmp(const char *a, const char *b, size_t size);
char *rt_strchr(const char *s, int c);
char *rt_strrchr(const char *s, int c);
unsigned long rt_strtoul(const char *restrict s, char **restrict end, int base);

#define memcpy            rt_memcpy
#define memmove           rt_memmove
#define memset            rt_memset
#define memcmp            rt_memcmp
#define memchr            rt_memchr
#define strlen            rt_strlen
#define strnlen           rt_strnlen
#define strcmp            rt_strcmp
#define strncmp           rt_strncmp
#define strchr            rt_strchr
#define strrchr           rt_strrchr
#define strtoul           rt_strtoul
#define strcpy            rt_strcpy
#define __assert_fail     rt_assert_fail
#define __stack_chk_fail  rt_stack_chk_fail
#define __stack_chk_guard rt_stack_chk_guard
#define __memcpy_chk      rt_memcpy_chk
#define __memmove_chk     rt_memmove_chk
#define __memset_chk      rt_memset_chk
/* clang-format off */
#include "vmm/port/sel4/string.c"
#include "vmm/port/sel4/compat.c"
/* clang-format on */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strtoul
#undef strcpy
#undef __assert_fail

enum { ROOM = 320, LONGEST = 200 };

static void fill(unsigned char *p)
{
	for (size_t i = 0; i < ROOM; i++)
		p[i] = (unsigned char)(i * 7 + 3);
}

static void copies(void **state)
{
	unsigned char from[ROOM], want[ROOM], got[ROOM];

	(void)state;
	fill(from);
	for (size_t size = 0; size <= LONGEST; size += size < 80 ? 1 : 13) {
		for (size_t at = 0; at < 9; at++) {
			for (size_t of = 0; of < 9; of++) {
				memset(want, 0xee, ROOM);
				memset(got, 0xee, ROOM);
				memcpy(want + at, from + of, size);
				assert_ptr_equal(rt_memcpy(got + at, from + of, size), got + at);
				assert_memory_equal(got, want, ROOM);
				/* The same within one buffer: overlaps both ways. */
				fill(want);
				fill(got);
				memmove(want + at * 5, want + of * 5, size);
				rt_memmove(got + at * 5, got + of * 5, size);
				assert_memory_equal(got, want, ROOM);
			}
		}
	}
}

static void sets(void **state)
{
	unsigned char want[ROOM], got[ROOM];

	(void)state;
	for (size_t size = 0; size <= LONGEST; size++) {
		for (size_t at = 0; at < 9; at++) {
			fill(want);
			fill(got);
			/* NOLINTNEXTLINE(bugprone-suspicious-memset-usage): only the low byte counts */
			memset(want + at, 0x1a5, size);
			assert_ptr_equal(rt_memset(got + at, 0x1a5, size), got + at);
			assert_memory_equal(got, want, ROOM);
		}
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void compares(void **state)
{
	unsigned char a[ROOM], b[ROOM];

	(void)state;
	fill(a);
	fill(b);
	for (size_t at = 0; at < 9; at++) {
		for (size_t diff = 0; diff < 40; diff++) {
			b[at + diff] ^= 0x81;
			for (size_t size = 0; size < 48; size++)
				assert_int_equal(sign(rt_memcmp(a + at, b + at, size)),
						 sign(memcmp(a + at, b + at, size)));
			b[at + diff] ^= 0x81;
		}
	}
	assert_ptr_equal(rt_memchr(a, a[17], ROOM), a + 17);
	assert_null(rt_memchr(a, a[17], 17));
}

static void strings(void **state)
{
	static const char *const s[] = { "", "a", "b", "ab", "abc", "abd", "\xff", "abcabc" };

	(void)state;
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		assert_int_equal(rt_strlen(s[i]), strlen(s[i]));
		for (size_t n = 0; n < 9; n++)
			assert_int_equal(rt_strnlen(s[i], n), strnlen(s[i], n));
		for (int c = 0; c < 256; c++) {
			assert_ptr_equal(rt_strchr(s[i], c), strchr(s[i], c));
			assert_ptr_equal(rt_strrchr(s[i], c), strrchr(s[i], c));
		}
		for (size_t j = 0; j < sizeof(s) / sizeof(s[0]); j++) {
			assert_int_equal(sign(rt_strcmp(s[i], s[j])), sign(strcmp(s[i], s[j])));
			for (size_t n = 0; n < 9; n++)
				assert_int_equal(sign(rt_strncmp(s[i], s[j], n)),
						 sign(strncmp(s[i], s[j], n)));
		}
	}
}

static void numbers(void **state)
{
	static const char *const s[] = {
		"",
		"0",
		"17x",
		"  +5",
		"-1",
		"0x1fg",
		"0x",
		"0xg",
		"077",
		"089",
		"zz",
		"1e5",
		"18446744073709551615",
		"18446744073709551616",
		"-",
		"\v\f 9 ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		for (int base = 0; base <= 36; base += base == 0 ? 2 : 1) {
			char *want_end, *got_end;

			assert_int_equal(rt_strtoul(s[i], &got_end, base),
					 strtoul(s[i], &want_end, base));
			assert_ptr_equal(got_end, want_end);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),  cmocka_unit_test(sets),    cmocka_unit_test(compares),
		cmocka_unit_test(strings), cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
