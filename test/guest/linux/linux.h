/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs for Linux guests need without any library: system calls by number (arm64 has the
 * generic table, include/uapi/asm-generic/unistd.h), text, and time as the virtual counter tells it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SYS_IO_SETUP = 0,
	SYS_IO_SUBMIT = 2,
	SYS_IO_GETEVENTS = 4,
	SYS_IOCTL = 29,
	SYS_OPENAT = 56,
	SYS_CLOSE = 57,
	SYS_LSEEK = 62,
	SYS_READ = 63,
	SYS_WRITE = 64,
	SYS_PREAD = 67,
	SYS_PWRITE = 68,
	SYS_SYNC = 81,
	SYS_FSYNC = 82,
	SYS_FDATASYNC = 83,
	SYS_EXIT_GROUP = 94,
	SYS_NANOSLEEP = 101,
	SYS_REBOOT = 142,
	SYS_SOCKET = 198,
	SYS_BIND = 200,
	SYS_SENDTO = 206,
};

enum {
	STDIN = 0,
	STDOUT = 1,
	AT_CWD = -100,
	OPEN_READ = 0,
	OPEN_WRITE = 1,
	OPEN_BOTH = 2,
	OPEN_DIRECT = 0x10000, /* arm64's O_DIRECT */
	SEEK_TO_END = 2,
	LINUX_EINTR = 4,
	LINUX_EIO = 5,
};

struct word {
	const char *text;
	uint64_t number;
	char kind; /* 's', 'u' or 'x' */
};

#define TEXT(t)                          \
	{                                \
		.text = (t), .kind = 's' \
	}
#define NUMBER(n)                          \
	{                                  \
		.number = (n), .kind = 'u' \
	}
#define HEX(n)                             \
	{                                  \
		.number = (n), .kind = 'x' \
	}
#define SAY(...)                                  \
	say((const struct word[]){ __VA_ARGS__ }, \
	    sizeof((struct word[]){ __VA_ARGS__ }) / sizeof(struct word))

/** Each program has this; what it returns is the exit status. */
int linux_main(int argc, char **argv, char **env);

int64_t system_call6(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		     uint64_t f);
#define SYSTEM_CALL(n, a, b, c) \
	system_call6((n), (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)
#define SYSTEM_CALL6(n, a, b, c, d, e, f)                                             \
	system_call6((n), (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), \
		     (uint64_t)(e), (uint64_t)(f))

/** One line of text and numbers, in one write. */
void say(const struct word *words, size_t count);
/** A decimal number with k, m or g behind it. */
uint64_t to_number(const char *text);
bool same_text(const char *a, const char *b);
/** The value behind `name=` in the environment, or NULL. */
const char *environment(char **env, const char *name);

void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

static inline uint64_t counter(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

static inline uint64_t counter_hz(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
	return value;
}
