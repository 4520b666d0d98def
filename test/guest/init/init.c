// SPDX-License-Identifier: BSD-2-Clause
/*
 * An /init for Linux guests that measures: it prints the virtual counter as soon as it runs, idles
 * for idle=SECONDS (from the kernel's command line, which Linux hands on as environment), prints it
 * again and powers off.
 *
 *   INIT cntvct=N freq=N
 *   IDLE cntvct=N freq=N
 *
 * A program of Linux's own kind, without any library: system calls by number (arm64 has the generic
 * table, include/uapi/asm-generic/unistd.h).
 */
#include <stddef.h>
#include <stdint.h>

enum {
	SYS_WRITE = 64,
	SYS_NANOSLEEP = 101,
	SYS_SYNC = 81,
	SYS_REBOOT = 142,
	STDOUT = 1,
	REBOOT_MAGIC1 = (int)0xfee1dead,
	REBOOT_MAGIC2 = 672274793,
	REBOOT_POWER_OFF = 0x4321fedc,
};

void init_main(uint64_t *stack);

__asm__(".globl _start\n"
	"_start:\n"
	"\tmov x0, sp\n"
	"\tbl init_main\n");

static int64_t system_call(int64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x8 __asm__("x8") = (uint64_t)number;
	register uint64_t x0 __asm__("x0") = a;
	register uint64_t x1 __asm__("x1") = b;
	register uint64_t x2 __asm__("x2") = c;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return (int64_t)x0;
}

static size_t put_text(char *to, size_t at, const char *text)
{
	while (*text != '\0')
		to[at++] = *text++;
	return at;
}

static size_t put_number(char *to, size_t at, uint64_t value)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	while (n > 0)
		to[at++] = digits[--n];
	return at;
}

static void say(const char *what, uint64_t count)
{
	char line[96];
	uint64_t hz;
	size_t n = 0;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	n = put_text(line, n, what);
	n = put_text(line, n, " cntvct=");
	n = put_number(line, n, count);
	n = put_text(line, n, " freq=");
	n = put_number(line, n, hz);
	n = put_text(line, n, "\n");
	system_call(SYS_WRITE, STDOUT, (uintptr_t)line, n);
}

static uint64_t counter(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

/* The number behind `idle=` in the environment; 0 without one. */
static uint64_t idle_seconds(uint64_t *stack)
{
	const char **env = (const char **)(stack + 1 + stack[0] + 1); /* argc, argv, NULL */

	for (; *env != NULL; env++) {
		const char *want = "idle=", *have = *env;
		uint64_t seconds = 0;

		while (*want != '\0' && *want == *have) {
			want++;
			have++;
		}
		for (; *want == '\0' && *have >= '0' && *have <= '9'; have++)
			seconds = seconds * 10 + (uint64_t)(*have - '0');
		if (*want == '\0')
			return seconds;
	}
	return 0;
}

void init_main(uint64_t *stack)
{
	uint64_t start = counter();
	uint64_t time[2] = { idle_seconds(stack), 0 };

	say("INIT", start);
	if (time[0] != 0) {
		system_call(SYS_NANOSLEEP, (uintptr_t)time, 0, 0);
		say("IDLE", counter());
	}
	system_call(SYS_SYNC, 0, 0, 0);
	system_call(SYS_REBOOT, (uint32_t)REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF);
	for (;;)
		;
}
