// SPDX-License-Identifier: BSD-2-Clause
#include "sysconf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	if (size > buffer->space - buffer->size) {
		size_t space = (buffer->size + size) * 2 + 64;
		uint8_t *grown = realloc(buffer->data, space);

		if (grown == NULL) {
			fputs("sysconf: out of memory\n", stderr);
			exit(2);
		}
		buffer->data = grown;
		buffer->space = space;
	}
	if (size > 0)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

bool buffer_read_fd(struct buffer *buffer, int fd)
{
	static uint8_t chunk[1 << 16];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got == 0)
			return true;
		if (got > 0)
			buffer_append(buffer, chunk, (size_t)got);
		else if (errno != EINTR)
			return false;
	}
}

bool file_read(const char *path, struct buffer *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;
	int error;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return false;
	}
	ok = buffer_read_fd(out, fd);
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			data += put;
			size -= (size_t)put;
		}
	}
	return true;
}

bool file_write(const char *path, const void *data, size_t size)
{
	struct buffer name = { 0 };
	bool ok = false;
	int fd;

	buffer_append_text(&name, path);
	buffer_append(&name, ".XXXXXX", sizeof(".XXXXXX"));
	fd = mkstemp((char *)name.data);
	if (fd >= 0) {
		ok = write_all(fd, data, size) && fchmod(fd, 0644) == 0;
		ok = close(fd) == 0 && ok;
		ok = ok && rename((char *)name.data, path) == 0;
		if (!ok) {
			int error = errno;

			unlink((char *)name.data);
			errno = error;
		}
	}
	buffer_fini(&name);
	return ok;
}

char *file_find(const char *name, const char *const *dirs, size_t dir_count)
{
	if (name[0] == '/')
		return access(name, F_OK) == 0 ? strdup(name) : NULL;
	for (size_t i = 0; i < dir_count; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", dirs[i], name) < 0)
			return NULL;
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}
