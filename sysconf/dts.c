// SPDX-License-Identifier: BSD-2-Clause
#include "sysconf/dts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Characters of a node or property name that need no quoting anywhere. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-@";

static bool is_devicetree(const char *value)
{
	return value[0] == '<' || value[0] == '[' || value[0] == '"' ||
	       strncmp(value, "/bits/", 6) == 0;
}

static void append_string(struct buffer *text, const char *value)
{
	buffer_append_text(text, "\"");
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buffer_append_text(text, "\\");
		buffer_append(text, value, 1);
	}
	buffer_append_text(text, "\"");
}

bool dts_setting(const char *setting, struct buffer *text)
{
	const char *at = setting;
	unsigned depth = 1;
	size_t length;

	buffer_append_text(text, "/ { ");
	while (*at == '/') {
		at++;
		length = strspn(at, plain);
		if (length == 0)
			break;
		buffer_append(text, at, length);
		buffer_append_text(text, " { ");
		depth++;
		at += length;
	}
	if (at == setting || *at != ':')
		return false;
	at++;
	length = strspn(at, plain);
	if (length == 0 || at[length] != '=')
		return false;
	buffer_append(text, at, length);
	at += length + 1;
	if (*at != '\0') {
		buffer_append_text(text, " = ");
		if (is_devicetree(at))
			buffer_append_text(text, at);
		else
			append_string(text, at);
	}
	buffer_append_text(text, "; ");
	while (depth-- > 0)
		buffer_append_text(text, "}; ");
	buffer_append_text(text, "\n");
	return true;
}

/* The text is written to an unlinked file rather than a pipe: nothing can block. */
static int source_fd(const char *path, const struct buffer *text)
{
	struct buffer all = { 0 };
	char *whole = realpath(path, NULL);
	FILE *file = NULL;
	int fd = -1;

	if (whole == NULL)
		return -1;
	if (strpbrk(whole, "\"\\\n") == NULL) {
		buffer_append_text(&all, "/include/ \"");
		buffer_append_text(&all, whole);
		buffer_append_text(&all, "\"\n");
		buffer_append(&all, text->data, text->size);
		file = tmpfile();
	} else {
		errno = EINVAL;
	}
	if (file != NULL) {
		if (fwrite(all.data, 1, all.size, file) == all.size && fflush(file) == 0 &&
		    fseek(file, 0, SEEK_SET) == 0)
			fd = dup(fileno(file));
		fclose(file);
	}
	buffer_fini(&all);
	free(whole);
	return fd;
}

static void run_dtc(int source, int out, const char *const *dirs, size_t dir_count)
{
	const char *words[8 + 2 * DTS_DIRS_MAX] = { "dtc", "-q", "-I", "dts", "-O", "dtb" };
	size_t count = 6;

	for (size_t i = 0; i < dir_count && i < DTS_DIRS_MAX; i++) {
		words[count++] = "-i";
		words[count++] = dirs[i];
	}
	words[count] = "-";
	if (dup2(source, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	close(source);
	close(out);
	execvp(words[0], (char *const *)words);
	fprintf(stderr, "sysconf: dtc: %s (package device-tree-compiler)\n", strerror(errno));
	_exit(127);
}

bool dts_compile(const char *path, const struct buffer *text, const char *const *dirs,
		 size_t dir_count, struct buffer *blob)
{
	int source = source_fd(path, text);
	int out[2];
	int status = -1;
	bool ok;
	pid_t pid;

	if (source < 0) {
		fprintf(stderr, "sysconf: %s: %s\n", path, strerror(errno));
		return false;
	}
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(source);
		return false;
	}
	pid = fork();
	if (pid == 0)
		run_dtc(source, out[1], dirs, dir_count);
	close(source);
	close(out[1]);
	ok = pid > 0 && buffer_read_fd(blob, out[0]);
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return ok && pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
