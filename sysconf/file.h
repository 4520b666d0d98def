/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on the heap, and files read whole. sysconf is a short-lived host program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data; /* malloc'ed; NULL when empty */
	size_t size;
	size_t space;
};

/** Appends; ends the program when the host has no memory left. */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_fini(struct buffer *buffer);

/** Appends everything that `fd` gives until its end. False, with errno, on a read error. */
bool buffer_read_fd(struct buffer *buffer, int fd);

/** Reads a regular file. False, with errno, if that failed. */
bool file_read(const char *path, struct buffer *out);

/** Writes a file as a whole: nothing of that name is left half-written. False, with errno. */
bool file_write(const char *path, const void *data, size_t size);

/**
 * The path of `name`: itself if absolute, else in the first of `dirs` that has it. The result is
 * malloc'ed; NULL if no directory has it.
 */
char *file_find(const char *name, const char *const *dirs, size_t dir_count);
